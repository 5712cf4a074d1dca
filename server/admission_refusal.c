#include "server/admission_refusal.h"

/* Owners that are looked at. */
#define OWNERS 64u

static bool is_controller(const struct json_doc *doc, uint32_t owner)
{
	uint32_t controller;

	return json_doc_kind(doc, owner) == JSON_MAP &&
	       json_doc_member(doc, owner, STR("controller"), &controller, NULL) && controller != JSON_NONE &&
	       json_doc_kind(doc, controller) == JSON_TRUE_VALUE;
}

static bool read_name(const struct json_doc *doc, uint32_t owner, struct str member, struct arena *arena,
		      struct str *out)
{
	return json_doc_text_member(doc, owner, member, arena, out, NULL) && out->len <= REFUSAL_NAME_MAX;
}

static bool read_owner(const struct json_doc *doc, uint32_t owner, struct arena *arena, struct refusal *out)
{
	struct refusal read = *out;

	if (!read_name(doc, owner, STR("apiVersion"), arena, &read.api_version) ||
	    !read_name(doc, owner, STR("kind"), arena, &read.kind) ||
	    !read_name(doc, owner, STR("name"), arena, &read.name) ||
	    !read_name(doc, owner, STR("uid"), arena, &read.uid) || read.kind.len == 0 || read.name.len == 0)
		return false;
	*out = read;
	return true;
}

static bool find_owners(const struct admission_request *request, uint32_t *out)
{
	uint32_t metadata;

	return request->object != JSON_NONE &&
	       json_doc_member_of(&request->doc, request->object, STR("metadata"), JSON_MAP, &metadata, NULL) &&
	       json_doc_member_of(&request->doc, metadata, STR("ownerReferences"), JSON_LIST, out, NULL) &&
	       *out != JSON_NONE;
}

bool admission_refusal_regards(const struct admission_request *request, struct arena *arena, struct refusal *out)
{
	const struct json_doc *doc = &request->doc;
	uint32_t owners, owner;

	if (request->namespace_.len == 0 || request->namespace_.len > REFUSAL_NAME_MAX)
		return false;
	*out = (struct refusal){.namespace_ = request->namespace_,
				.api_version = STR("v1"),
				.kind = STR("Namespace"),
				.name = request->namespace_};
	if (!find_owners(request, &owners))
		return true;
	owner = json_doc_child(doc, owners);
	for (unsigned i = 0; i < OWNERS && owner != JSON_NONE; i++, owner = json_doc_next(doc, owner))
		if (is_controller(doc, owner) && read_owner(doc, owner, arena, out))
			break;
	return true;
}
