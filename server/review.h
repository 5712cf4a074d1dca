/* What both review endpoints share: everything a decision needs, and the one way to decide. */
#ifndef SEALGATE_SERVER_REVIEW_H
#define SEALGATE_SERVER_REVIEW_H

#include "base/options.h"
#include "policy/evaluate.h"
#include "server/facts_cache.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/refusal_queue.h"
#include "server/trust_holder.h"
#include "server/verify_queue.h"
#include "store/store.h"

/* The labels of namespaces, from whoever follows the cluster. */
struct namespace_labels {
	void *context;
	/* Copies them into the arena. False when they are not known and did not become known until `deadline_ms`
	 * (monotonic). Any thread. */
	bool (*find)(void *context, struct str namespace_, int64_t deadline_ms, struct arena *arena,
		     struct labels *out);
};

struct review_service {
	struct store *store;
	struct verify_queue *queue;
	struct trust_holder *trust;
	struct facts_cache *facts;	       /* may be NULL */
	const struct namespace_labels *labels; /* NULL: none are known; asked only when a policy in force needs them */
	struct metrics *metrics;
	struct refusal_queue *refusals; /* for Events; may be NULL */
	enum default_action default_action;
	const char *const *exempt_namespaces; /* kube-system, kube-node-lease and the server's own, and what
						 --exempt-namespace adds */
	size_t exempt_namespace_count;
};

/* POST /validate, POST /: AdmissionReview v1 and v1beta1. */
void admission_handle(struct review_service *service, struct http_request *request, struct http_response *response);
/* POST /image-review: ImageReview. */
void image_review_handle(struct review_service *service, struct http_request *request, struct http_response *response);

/* The deadline (monotonic ms) of a request: `?timeout=` (default 10 s, at most 30 s) less 10 %, at least 100 ms.
 * ERR_INVALID when it can't be read. */
bool review_deadline(const struct http_request *request, int64_t *deadline_ms, struct err *e) MUST_USE;
bool review_namespace_exempt(const struct review_service *service, struct str namespace_);
/* Evaluates under the trust in force. Everything in *out lives in the arena or in `uses`. */
void review_decide(struct review_service *service, const struct subject *subject, const struct image_uses *uses,
		   int64_t deadline_ms, struct arena *arena, struct decision *out);

/* Reviews a policy object, and lists who names an Attestor, under the trust in force (server/trust_holder.h,
 * attest/trust_review.h). */
bool review_policy_object(struct review_service *service, const struct trust_object *object, int64_t deadline_ms,
			  struct arena *arena, struct trust_review *out, struct err *e) MUST_USE;
struct str review_attestor_users(struct review_service *service, struct str attestor, size_t max, struct arena *arena);

/* False, with the answer 405, for anything but POST. */
bool review_is_post(const struct http_request *request, struct http_response *response);
/* Answers a request that can't be read with a Status of Kubernetes, and counts it. */
void review_answer_error(struct review_service *service, const struct http_request *request, const struct err *e,
			 struct http_response *response);

/* One decision log line; never for a dry run. */
struct review_record {
	uint64_t request_id;
	struct str uid, namespace_, kind, name, operation, user;
	const struct image_uses *images; /* may be NULL */
	const struct decision *decision;
	int64_t duration_us;
};
void decision_log_write(const struct review_record *record, struct arena *arena);
/* Counts a decision by its result and the class of its first denying finding. */
void review_count(struct review_service *service, const struct decision *decision, int64_t duration_us);

#endif
