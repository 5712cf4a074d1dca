#include "base/clock.h"
#include "base/limits.h"
#include "server/admission_refusal.h"
#include "server/admission_policy.h"
#include "server/admission_request.h"
#include "server/admission_response.h"
#include "server/review.h"

/* One review on its way. */
struct admission {
	struct review_service *service;
	struct arena *arena;
	const struct admission_request *request;
	int64_t deadline_ms;
	struct image_uses uses; /* what was judged */
};

/* An old object that can't be read proves nothing: everything is new then. */
static void drop_what_stood_before(struct admission *a)
{
	const struct admission_request *r = a->request;
	struct image_uses old;
	struct err ignored;

	if (r->operation != OPERATION_UPDATE || r->old_object == JSON_NONE)
		return;
	if (workload_images(r->workload, &r->doc, r->old_object, a->arena, &old, &ignored))
		workload_only_new(&a->uses, &old);
}

static bool list_images(struct admission *a, struct decision *out)
{
	const struct admission_request *r = a->request;
	struct err problem = ERR_INIT;

	if (r->too_complex)
		(void)err_set(&problem, ERR_UNAVAILABLE, "the object does not fit the memory of one review");
	else if (r->object == JSON_NONE)
		(void)err_set(&problem, ERR_INVALID, "it is missing");
	else if (workload_images(r->workload, &r->doc, r->object, a->arena, &a->uses, &problem))
		return true;
	decision_refuse_object(&problem, a->arena, out);
	return false;
}

/* Ephemeral containers of old API servers travel alone; they belong to a pod all the same. */
static struct subject subject_of(const struct admission *a)
{
	const struct admission_request *r = a->request;

	return (struct subject){
		.namespace_ = r->namespace_,
		.group = r->group,
		.kind = str_eq_c(r->kind, "EphemeralContainers") ? STR("Pod") : r->kind,
		.service_account = a->uses.service_account,
	};
}

static void decide(struct admission *a, struct decision *out)
{
	const struct admission_request *r = a->request;
	struct subject subject;

	if (admission_is_policy(r)) {
		admission_policy_decide(a->service, r, a->deadline_ms, a->arena, out);
		return;
	}
	if (!admission_may_bring_images(r)) {
		*out = decision_without_images(DECISION_ALLOW);
		return;
	}
	if (review_namespace_exempt(a->service, r->namespace_) || admission_is_mirror_pod(r, a->arena)) {
		*out = decision_without_images(DECISION_EXEMPT);
		return;
	}
	if (!list_images(a, out))
		return;
	drop_what_stood_before(a);
	if (a->uses.count == 0) {
		*out = decision_without_images(DECISION_ALLOW);
		return;
	}
	subject = subject_of(a);
	review_decide(a->service, &subject, &a->uses, a->deadline_ms, a->arena, out);
}

static void record(const struct admission *a, const struct http_request *http, const struct decision *decision,
		   int64_t duration_us)
{
	const struct admission_request *r = a->request;
	struct review_record line = {
		.request_id = http->id,
		.uid = r->uid,
		.namespace_ = r->namespace_,
		.kind = r->kind,
		.name = r->name,
		.operation = r->operation_name,
		.user = r->user,
		.images = &a->uses,
		.decision = decision,
		.duration_us = duration_us,
	};

	review_count(a->service, decision, duration_us);
	if (!r->dry_run)
		decision_log_write(&line, a->arena);
}

static void offer_refusal(const struct admission *a, const struct decision *decision)
{
	cleanup(buf) struct buf message = buf_init(LIMIT_DENY_MESSAGE);
	struct refusal refusal;

	/* Who applies a policy object is told, and nothing runs from one. */
	if (!a->service->refusals || decision->allowed || a->request->dry_run || !a->request->workload ||
	    !admission_refusal_regards(a->request, a->arena, &refusal))
		return;
	decision_message(decision, &message);
	refusal.note = buf_str(&message);
	refusal_queue_offer(a->service->refusals, &refusal);
}

static bool review(struct review_service *service, struct http_request *http, struct arena *arena,
		   struct http_response *response, struct err *e)
{
	int64_t started_us = clock_monotonic_us();
	struct admission_request request;
	struct admission a = {.service = service, .arena = arena, .request = &request};
	struct decision decision = {.kind = DECISION_DENY};

	if (!review_deadline(http, &a.deadline_ms, e) || !admission_request_read(http->body, arena, &request, e))
		return false;
	decide(&a, &decision);
	response->status = 200;
	admission_response_write(&request, &decision, &a.uses, &response->body);
	if (!buf_ok(&response->body, e))
		return false;
	record(&a, http, &decision, clock_monotonic_us() - started_us);
	offer_refusal(&a, &decision);
	return true;
}

void admission_handle(struct review_service *service, struct http_request *request, struct http_response *response)
{
	cleanup(arena) struct arena arena = arena_init(LIMIT_REVIEW_MEMORY);
	struct err e = ERR_INIT;

	if (review_is_post(request, response) && !review(service, request, &arena, response, &e))
		review_answer_error(service, request, &e, response);
}
