#include "server/admission_policy.h"

#include "base/limits.h"
#include "policy/line.h"

#define GROUP "sealgate.dev"
/* What is said of policies that name a deleted Attestor. */
#define USERS_MAX 128u

/* One policy object on its way. */
struct policy_admission {
	struct review_service *service;
	const struct admission_request *request;
	struct trust_object object;
	struct arena *arena;
	struct decision *out;
};

static bool find_kind(struct str name, enum trust_object_kind *out)
{
	for (unsigned i = 0; i < TRUST_OBJECT_KINDS; i++) {
		if (!str_eq_c(name, trust_object_kind_name((enum trust_object_kind)i)))
			continue;
		*out = (enum trust_object_kind)i;
		return true;
	}
	return false;
}

bool admission_is_policy(const struct admission_request *request)
{
	enum trust_object_kind kind;

	return str_eq_c(request->group, GROUP) && request->subresource.len == 0 && find_kind(request->kind, &kind);
}

/* "KIND NAME HOW: WHY", or nothing when there is no memory for it. */
static struct str sentence(const struct policy_admission *p, const char *how, struct str why)
{
	struct line line;

	line_init(&line, LIMIT_FINDING_TEXT);
	line_printf(&line, "%s ", trust_object_kind_name(p->object.kind));
	line_add_escaped(&line, p->object.name, LIMIT_REASON_TEXT);
	line_printf(&line, " %s: ", how);
	line_add_escaped(&line, why, LIMIT_FINDING_TEXT);
	return arena_copy(p->arena, line_str(&line));
}

static void refuse(const struct policy_admission *p, enum finding_class class, const char *how, struct str field,
		   struct str why)
{
	decision_refuse(class, field, sentence(p, how, why), p->arena, p->out);
}

/* Allows, and tells `count` things. */
static void allow(const struct policy_admission *p, const struct str *warnings, size_t count)
{
	struct finding *findings = arena_array(p->arena, count + 1, sizeof(*findings));

	*p->out = decision_without_images(DECISION_ALLOW);
	if (!findings)
		return;
	for (size_t i = 0; i < count; i++)
		findings[i] =
			(struct finding){.class = FINDING_UNREADABLE, .enforcement = ENFORCE_WARN, .text = warnings[i]};
	p->out->findings = findings;
	p->out->finding_count = count;
}

static bool find_spec(const struct admission_request *r, uint32_t object, struct str *out)
{
	uint32_t spec = JSON_NONE;
	struct err ignored;

	if (object == JSON_NONE || !json_doc_member(&r->doc, object, STR("spec"), &spec, &ignored) || spec == JSON_NONE)
		return false;
	*out = json_doc_raw(&r->doc, spec);
	return true;
}

/* Both come from the API server, which writes the same value with the same bytes. */
static bool leaves_spec(const struct admission_request *r)
{
	struct str before, after;

	return r->operation == OPERATION_UPDATE && find_spec(r, r->old_object, &before) &&
	       find_spec(r, r->object, &after) && str_eq(before, after);
}

static void tell(const struct policy_admission *p, const struct trust_review *review)
{
	struct str warning;

	if (review->usable) {
		allow(p, review->warnings, review->warning_count);
		return;
	}
	if (!leaves_spec(p->request)) {
		refuse(p, FINDING_UNREADABLE, "can't be used", review->field, review->problem);
		return;
	}
	warning = sentence(p, "can't be used", review->problem);
	allow(p, &warning, warning.ptr != NULL);
}

static enum finding_class class_of(const struct err *why)
{
	return why->kind == ERR_TIMEOUT || why->kind == ERR_UNAVAILABLE ? FINDING_TOO_LATE : FINDING_TOO_COMPLEX;
}

/* A generated name stands in the object alone. */
static bool read_name(const struct policy_admission *p, struct str *out, struct err *e)
{
	const struct json_doc *doc = &p->request->doc;
	uint32_t metadata;

	return json_doc_member_of(doc, p->request->object, STR("metadata"), JSON_MAP, &metadata, e) &&
	       json_doc_text_member(doc, metadata, STR("name"), p->arena, out, e);
}

static void judge(struct policy_admission *p, int64_t deadline_ms)
{
	struct trust_review review;
	struct err e = ERR_INIT;

	if (p->request->object == JSON_NONE) {
		refuse(p, FINDING_UNREADABLE, "can't be read", STR(""),
		       p->request->too_complex ? STR("it does not fit the memory of one review")
					       : STR("it is missing"));
		return;
	}
	if (!read_name(p, &p->object.name, &e)) {
		refuse(p, FINDING_UNREADABLE, "can't be read", STR(""), str_of(e.text));
		return;
	}
	p->object.text = json_doc_raw(&p->request->doc, p->request->object);
	if (review_policy_object(p->service, &p->object, deadline_ms, p->arena, &review, &e))
		tell(p, &review);
	else
		refuse(p, class_of(&e), "can't be checked", STR(""), str_of(e.text));
}

static void judge_deletion(const struct policy_admission *p)
{
	struct str users = STR(""), warning;

	if (p->object.kind == TRUST_OBJECT_ATTESTOR)
		users = review_attestor_users(p->service, p->object.name, USERS_MAX, p->arena);
	warning = sentence(p, "is needed, and nothing will count for it", users);
	allow(p, &warning, users.len > 0 && warning.ptr);
}

void admission_policy_decide(struct review_service *service, const struct admission_request *request,
			     int64_t deadline_ms, struct arena *arena, struct decision *out)
{
	struct policy_admission p = {.service = service,
				     .request = request,
				     .object = {.namespace_ = request->namespace_, .name = request->name},
				     .arena = arena,
				     .out = out};

	*out = decision_without_images(DECISION_DENY);
	(void)find_kind(request->kind, &p.object.kind);
	if (request->operation == OPERATION_DELETE)
		judge_deletion(&p);
	else if (request->operation == OPERATION_CREATE || request->operation == OPERATION_UPDATE)
		judge(&p, deadline_ms);
	else
		allow(&p, NULL, 0);
}
