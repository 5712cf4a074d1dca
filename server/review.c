#include "server/review.h"

#include "base/clock.h"
#include "base/limits.h"
#include "server/log.h"

static int64_t reserve_of(int64_t timeout_ms)
{
	return timeout_ms / 10 > LIMIT_TIMEOUT_RESERVE_MS ? timeout_ms / 10 : LIMIT_TIMEOUT_RESERVE_MS;
}

bool review_deadline(const struct http_request *request, int64_t *deadline_ms, struct err *e)
{
	const struct http_parameter *timeout = http_query(request, "timeout");
	int64_t milliseconds = LIMIT_TIMEOUT_DEFAULT_MS;

	if (timeout && (!timeout->has_value || !duration_parse(timeout->value, &milliseconds)))
		return err_set(e, ERR_INVALID, "timeout must be a duration like 10s");
	if (milliseconds > LIMIT_TIMEOUT_MAX_MS)
		milliseconds = LIMIT_TIMEOUT_MAX_MS;
	*deadline_ms = request->started_ms + milliseconds - reserve_of(milliseconds);
	if (*deadline_ms < 1)
		*deadline_ms = 1;
	return true;
}

bool review_namespace_exempt(const struct review_service *service, struct str namespace_)
{
	for (size_t i = 0; i < service->exempt_namespace_count; i++)
		if (namespace_.len && str_eq_c(namespace_, service->exempt_namespaces[i]))
			return true;
	return false;
}

static const char *status_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} reasons[] = {
		{400, "BadRequest"},
		{405, "MethodNotAllowed"},
		{413, "RequestEntityTooLarge"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return "InternalError";
}

static void answer_status(int code, const char *message, struct http_response *response)
{
	response->status = code;
	buf_clear(&response->body);
	buf_add_c(&response->body, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":");
	buf_add_json_string(&response->body, str_of(message));
	buf_printf(&response->body, ",\"reason\":\"%s\",\"code\":%d}\n", status_reason(code), code);
}

bool review_is_post(const struct http_request *request, struct http_response *response)
{
	if (str_eq_c(request->method, "POST"))
		return true;
	response->allow = "POST";
	answer_status(405, "reviews are sent by POST", response);
	return false;
}

void review_answer_error(struct review_service *service, const struct http_request *request, const struct err *e,
			 struct http_response *response)
{
	answer_status(err_http_status(e->kind), e->text, response);
	metrics_review(service->metrics, "error", "invalid", (clock_monotonic_ms() - request->started_ms) * 1000);
	log_line(LOG_WARN, "review can't be read", LOG_INT("request", (int64_t)request->id), LOG_C("error", e->text));
}

static const char *reason_of(const struct decision *decision)
{
	static const char *const classes[] = {
		[FINDING_REFERENCE] = "reference",     [FINDING_NO_DIGEST] = "digest",
		[FINDING_NO_POLICY] = "policy",	       [FINDING_SIGNATURES] = "signatures",
		[FINDING_TOO_LATE] = "deadline",       [FINDING_TOO_MANY] = "too_many",
		[FINDING_TOO_COMPLEX] = "too_complex", [FINDING_UNREADABLE] = "invalid",
		[FINDING_NO_FACTS] = "store",	       [FINDING_BAD_POLICY] = "policy",
	};

	for (size_t i = 0; i < decision->finding_count; i++)
		if (decision->findings[i].enforcement == ENFORCE_DENY)
			return classes[decision->findings[i].class];
	return "other";
}

void review_count(struct review_service *service, const struct decision *decision, int64_t duration_us)
{
	if (!decision->allowed)
		metrics_review(service->metrics, "refused", reason_of(decision), duration_us);
	else if (decision->kind == DECISION_ALLOW)
		metrics_review(service->metrics, "allowed", "none", duration_us);
	else
		metrics_review(service->metrics, "allowed", decision_kind_name(decision->kind), duration_us);
}
