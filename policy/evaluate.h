/* The decision: pure, the same in the server and in `sealgate check`. Starts from refused; one place allows.
 *
 * For each image: policies that select it (match, minus exempt) must all hold. An image that no policy selects falls to
 * the default action. An image that can't be parsed is refused in every mode and matched or exempted by nothing. */
#ifndef SEALGATE_POLICY_EVALUATE_H
#define SEALGATE_POLICY_EVALUATE_H

#include "base/buf.h"
#include "policy/facts.h"
#include "policy/model.h"
#include "policy/workload.h"

/* Who and what is reviewed. */
struct subject {
	struct str namespace_; /* request.namespace, never metadata's */
	struct str group;      /* of the kind; "" for core */
	struct str kind;
	struct str service_account;  /* of the pod spec; "" stands for "default" */
	const struct labels *labels; /* of the namespace; NULL: not known */
};

enum decision_kind { /* value of the audit annotation `decision` */
		     DECISION_DENY = 0,
		     DECISION_ALLOW,
		     DECISION_WARN,
		     DECISION_AUDIT,
		     DECISION_EXEMPT,
		     DECISION_BREAK_GLASS,
};

enum finding_class {			  /* in order of precedence for one image */
		     FINDING_REFERENCE,	  /* Container image is not a valid reference */
		     FINDING_NO_DIGEST,	  /* Container image has no digest */
		     FINDING_NO_POLICY,	  /* No policy selects container image */
		     FINDING_SIGNATURES,  /* No matched signatures for container image */
		     FINDING_TOO_LATE,	  /* Too late to decide */
		     FINDING_TOO_MANY,	  /* Too many images */
		     FINDING_TOO_COMPLEX, /* Too complex */
		     FINDING_UNREADABLE,  /* Object can't be read */
		     FINDING_NO_FACTS,	  /* No matched signatures, because the store can't be read */
		     FINDING_BAD_POLICY,  /* No policy selects container image: one that might can't be read */
};

struct finding {
	enum finding_class class;
	enum enforcement enforcement; /* DENY refuses; WARN and AUDIT only tell */
	struct str path;
	struct str image;  /* escaped and cut as it appears in messages */
	struct str policy; /* "" for none */
	struct str text;   /* the whole line: "No matched signatures for container image: IMAGE (PATH: policy P requires
			      ...)" */
};

/* One row per image and policy that applied: what `sealgate check` prints. */
struct judgement {
	struct str path;
	struct str image;
	struct str policy; /* "default" when none selects it, "" when it can't be parsed */
	bool holds;
	bool exempt;
	struct str reason; /* why it holds ("attested by qa (FPR)") or not ("requires attestor qa: no attestation
			      found") */
};

struct decision {
	bool allowed;
	enum decision_kind kind;
	const struct finding *findings; /* in path order */
	size_t finding_count;
	const struct judgement *judgements;
	size_t judgement_count;
	const struct str *policies; /* distinct names of the policies that applied, sorted */
	size_t policy_count;
};

struct evaluation {
	const struct policy_set *policies;
	enum default_action default_action;
	const struct facts *facts;
	int64_t now;	     /* seconds, wall clock */
	int64_t deadline_ms; /* monotonic; 0 = none. Past it: refused, "Too late to decide: ..." */
};

/* Judges `uses`. Always fills *out, from the arena and from the texts of `uses`, which must live as long; on an
 * internal failure the decision is a refusal with its reason. Without images nothing would run: ALLOW.
 *
 * A finding is one policy that does not hold for one image; its enforcement is the policy's. One that denies makes the
 * decision DENY whatever else was found; else WARN, else AUDIT. EXEMPT: without findings, when each policy that
 * selected an image was lifted from it by its own `exempt` and nothing else had to hold. The facts are asked once for
 * each digest that a policy with attestation rules selects. */
void evaluate(const struct evaluation *how, const struct subject *subject, const struct image_uses *uses,
	      struct arena *arena, struct decision *out);

/* A decision that needs no look at images: exempt namespace, mirror pod, nothing to judge (kind ALLOW or EXEMPT). */
struct decision decision_without_images(enum decision_kind kind);
/* A refusal without any image: Too many images, Too complex, Too late. `text` becomes the finding's text. */
void decision_refuse(enum finding_class class, struct str path, struct str text, struct arena *arena,
		     struct decision *out);
/* The refusal of an object whose images can't be listed: workload_images' error, in the words of a decision. */
void decision_refuse_object(const struct err *problem, struct arena *arena, struct decision *out);

/* The deny message: findings that deny, joined by "; ", at most LIMIT_DENY_MESSAGE bytes with an exact "and N more" at
 * the end. */
void decision_message(const struct decision *decision, struct buf *out);
/* `text` with control characters escaped (\n, \x1b) and bytes that are not UTF-8 too (\xff), cut at LIMIT_IMAGE_TEXT
 * bytes: `text` itself when there is nothing to do. ptr is NULL when there is no memory. Also escapes what changes the
 * direction of text and what separates lines outside ASCII. */
struct str image_text_escape(struct str text, struct arena *arena);
const char *decision_kind_name(enum decision_kind kind); /* "allow", "break-glass", ... */

#endif
