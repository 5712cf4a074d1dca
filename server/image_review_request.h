/* An ImageReview (imagepolicy.k8s.io/v1alpha1), decoded: a pure function from the bytes of a request. */
#ifndef SEALGATE_SERVER_IMAGE_REVIEW_REQUEST_H
#define SEALGATE_SERVER_IMAGE_REVIEW_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "policy/workload.h"

#define IMAGE_REVIEW_VERSION "imagepolicy.k8s.io/v1alpha1"

struct image_review_request {
	struct str namespace_;
	struct image_uses uses; /* paths "spec.containers[0].image"; at least one, unless too_many */
	bool too_many;		/* more than LIMIT_IMAGES: `uses` is empty */
};

/* Decodes `body`; strings live in it or in the arena. ERR_INVALID: no JSON, another kind or version, a wrong type, a
 * key that differs from one we read only in case, no container at all. An absent image is a use with text "".
 * Annotations are not read: none of them admits. ERR_TOO_LARGE when it does not fit the arena. */
bool image_review_request_read(struct str body, struct arena *arena, struct image_review_request *out,
			       struct err *e) MUST_USE;

#endif
