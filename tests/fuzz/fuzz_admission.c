/* AdmissionReviews: what the decoder accepts, jansson reads as the same review; its images can be listed or are
 * refused; and the refusal that is then written is an answer that an API server takes, whatever the request holds. The
 * first byte chooses how much memory there is. */
#include <jansson.h>

#include "server/admission_response.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static json_t *member(json_t *object, const char *name)
{
	return json_object_get(object, name);
}

static void same_text(json_t *value, struct str text)
{
	if (!json_is_string(value))
		check(text.len == 0 && (!value || json_is_null(value)));
	else
		check(str_eq(str_make(json_string_value(value), json_string_length(value)), text));
}

static void compare(const struct admission_request *r, json_t *root)
{
	json_t *request = member(root, "request");

	same_text(member(root, "apiVersion"), str_of(r->api_version));
	same_text(member(request, "uid"), r->uid);
	same_text(member(request, "operation"), r->operation_name);
	same_text(member(request, "namespace"), r->namespace_);
	same_text(member(request, "subResource"), r->subresource);
	same_text(member(member(request, "kind"), "group"), r->group);
	same_text(member(member(request, "kind"), "kind"), r->kind);
	same_text(member(member(request, "resource"), "resource"), r->resource);
	same_text(member(member(request, "userInfo"), "username"), r->user);
	check(r->uid.len > 0);
	check(r->dry_run == json_is_true(member(request, "dryRun")));
	if (!r->too_complex)
		check((r->object == JSON_NONE) ==
		      (!member(request, "object") || json_is_null(member(request, "object"))));
}

static void check_answer(const struct admission_request *r, const struct image_uses *uses, struct arena *arena)
{
	struct buf out = buf_init(1u << 24);
	struct decision decision;
	json_t *answer, *response;

	decision_refuse(FINDING_TOO_COMPLEX, r->namespace_, r->user, arena, &decision);
	admission_response_write(r, &decision, uses, &out);
	check(!out.failed);
	answer = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	check(answer != NULL);
	response = member(answer, "response");
	same_text(member(response, "uid"), r->uid);
	same_text(member(answer, "apiVersion"), str_of(r->api_version));
	check(json_is_false(member(response, "allowed")) && !member(response, "patch") &&
	      !member(response, "patchType"));
	json_decref(answer);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t memory[] = {1u << 25, 1u << 25, 1u << 12, 1u << 10};
	struct image_uses uses = {0}, old;
	struct admission_request r;
	struct arena arena;
	struct str body;
	struct err e;
	json_t *root;

	if (size == 0)
		return 0;
	arena = arena_init(memory[data[0] % 4]);
	body = str_make((const char *)data + 1, size - 1);
	if (admission_request_read(body, &arena, &r, &e)) {
		root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		if (root)
			compare(&r, root);
		json_decref(root);
		(void)admission_is_mirror_pod(&r, &arena);
		if (admission_may_bring_images(&r) && r.object != JSON_NONE &&
		    workload_images(r.workload, &r.doc, r.object, &arena, &uses, &e) && r.old_object != JSON_NONE &&
		    workload_images(r.workload, &r.doc, r.old_object, &arena, &old, &e))
			workload_only_new(&uses, &old);
		check_answer(&r, &uses, &arena);
	}
	arena_release(&arena);
	return 0;
}
