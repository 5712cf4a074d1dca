/* Which policies apply: first to who and what is reviewed, then to each image. */
#ifndef SEALGATE_POLICY_SELECT_H
#define SEALGATE_POLICY_SELECT_H

#include "policy/evaluate.h"

/* What the fields of `match` are compared with, made once for a review. */
struct selector {
	struct str namespace_;
	struct str kind;	     /* "apps/Deployment", "Pod" */
	struct str service_account;  /* "NAMESPACE:NAME" */
	const struct labels *labels; /* NULL: not known */
};

enum fit { FIT_NOT = 0, FIT_YES, FIT_UNKNOWN };

/* False when the arena is full. */
bool selector_init(const struct subject *subject, struct arena *arena, struct selector *out) MUST_USE;
/* FIT_YES when everything of `match` but the images holds; an ImagePolicy only in its own namespace. FIT_UNKNOWN when
 * that hangs on labels of the namespace that are not known. */
enum fit policy_fits(const struct image_policy *policy, const struct selector *selector);
/* True when `match` names no images or one of its patterns matches. */
bool policy_selects(const struct image_policy *policy, const struct image_ref *image);
/* The pattern that lifts this policy from `image`; NULL when it stays. */
const struct image_pattern *policy_exempts(const struct image_policy *policy, const struct image_ref *image);

#endif
