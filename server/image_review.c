#include "base/clock.h"
#include "base/limits.h"
#include "server/admission_response.h"
#include "server/image_review_request.h"
#include "server/review.h"

static void decide(struct review_service *service, const struct image_review_request *r, int64_t deadline_ms,
		   struct arena *arena, struct decision *out)
{
	struct subject subject = {
		.namespace_ = r->namespace_, .group = STR(""), .kind = STR("Pod"), .service_account = STR("")};
	struct err too_many = {.kind = ERR_TOO_LARGE, .text = WORKLOAD_TOO_MANY};

	if (review_namespace_exempt(service, r->namespace_))
		*out = decision_without_images(DECISION_EXEMPT);
	else if (r->too_many)
		decision_refuse_object(&too_many, arena, out);
	else
		review_decide(service, &subject, &r->uses, deadline_ms, arena, out);
}

static void write_answer(const struct decision *decision, const struct image_uses *uses, struct buf *out)
{
	buf_printf(out,
		   "{\"apiVersion\":\"" IMAGE_REVIEW_VERSION "\",\"kind\":\"ImageReview\",\"status\":{\"allowed\":%s",
		   decision->allowed ? "true" : "false");
	if (!decision->allowed) {
		buf_add_c(out, ",\"reason\":");
		admission_message_write(decision, out);
	}
	buf_add_c(out, ",\"auditAnnotations\":");
	admission_annotations_write(decision, uses, out);
	buf_add_c(out, "}}\n");
}

static void record(struct review_service *service, const struct http_request *http,
		   const struct image_review_request *r, const struct decision *decision, int64_t duration_us,
		   struct arena *arena)
{
	struct review_record line = {
		.request_id = http->id,
		.uid = STR(""),
		.namespace_ = r->namespace_,
		.kind = STR("ImageReview"),
		.name = STR(""),
		.operation = STR(""),
		.user = STR(""),
		.images = &r->uses,
		.decision = decision,
		.duration_us = duration_us,
	};

	review_count(service, decision, duration_us);
	decision_log_write(&line, arena);
}

static bool review(struct review_service *service, struct http_request *http, struct arena *arena,
		   struct http_response *response, struct err *e)
{
	int64_t started_us = clock_monotonic_us();
	struct image_review_request request;
	struct decision decision = {.kind = DECISION_DENY};
	int64_t deadline_ms;

	if (!review_deadline(http, &deadline_ms, e) || !image_review_request_read(http->body, arena, &request, e))
		return false;
	decide(service, &request, deadline_ms, arena, &decision);
	response->status = 200;
	write_answer(&decision, &request.uses, &response->body);
	if (!buf_ok(&response->body, e))
		return false;
	record(service, http, &request, &decision, clock_monotonic_us() - started_us, arena);
	return true;
}

void image_review_handle(struct review_service *service, struct http_request *request, struct http_response *response)
{
	cleanup(arena) struct arena arena = arena_init(LIMIT_REVIEW_MEMORY);
	struct err e = ERR_INIT;

	if (review_is_post(request, response) && !review(service, request, &arena, response, &e))
		review_answer_error(service, request, &e, response);
}
