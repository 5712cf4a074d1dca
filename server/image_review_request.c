#include "server/image_review_request.h"

#include "base/limits.h"

static bool read_version(const struct json_doc *doc, struct arena *arena, struct err *e)
{
	struct str version, kind;

	if (!json_doc_text_member(doc, 0, STR("apiVersion"), arena, &version, e) ||
	    !json_doc_text_member(doc, 0, STR("kind"), arena, &kind, e))
		return false;
	if (!str_eq_c(kind, "ImageReview"))
		return err_set(e, ERR_INVALID, "kind must be ImageReview");
	return str_eq_c(version, IMAGE_REVIEW_VERSION) ||
	       err_set(e, ERR_INVALID, "apiVersion must be " IMAGE_REVIEW_VERSION);
}

static bool read_container(const struct json_doc *doc, uint32_t container, size_t index, struct arena *arena,
			   struct image_use *out, struct err *e)
{
	struct str path = arena_printf(arena, "spec.containers[%zu].image", index);
	struct str image;

	if (!path.ptr)
		return err_no_memory(e);
	if (!json_doc_text_member(doc, container, STR("image"), arena, &image, e))
		return err_context(e, "spec.containers[%zu]", index);
	*out = (struct image_use){.path = path, .place = path, .text = image.ptr ? image : STR("")};
	return true;
}

static bool read_containers(const struct json_doc *doc, uint32_t list, struct arena *arena,
			    struct image_review_request *out, struct err *e)
{
	size_t count = list == JSON_NONE ? 0 : json_doc_size(doc, list);
	uint32_t item;

	if (count == 0)
		return err_set(e, ERR_INVALID, "spec.containers is empty");
	out->too_many = count > LIMIT_IMAGES;
	if (out->too_many)
		return true;
	out->uses.items = arena_array(arena, count, sizeof(*out->uses.items));
	if (!out->uses.items)
		return err_no_memory(e);
	item = json_doc_child(doc, list);
	for (size_t i = 0; i < count; i++, item = json_doc_next(doc, item))
		if (!read_container(doc, item, i, arena, &out->uses.items[i], e))
			return false;
	out->uses.count = count;
	return true;
}

static bool read_spec(const struct json_doc *doc, struct arena *arena, struct image_review_request *out, struct err *e)
{
	uint32_t spec, containers;

	if (!json_doc_member_of(doc, 0, STR("spec"), JSON_MAP, &spec, e))
		return false;
	if (!json_doc_text_member(doc, spec, STR("namespace"), arena, &out->namespace_, e) ||
	    !json_doc_member_of(doc, spec, STR("containers"), JSON_LIST, &containers, e))
		return err_context(e, "spec");
	if (!out->namespace_.ptr)
		out->namespace_ = STR("");
	return read_containers(doc, containers, arena, out, e);
}

bool image_review_request_read(struct str body, struct arena *arena, struct image_review_request *out, struct err *e)
{
	struct image_review_request request = {.uses = {.service_account = STR("")}};
	struct json_doc doc;

	if (!json_doc_parse(body, NULL, arena, &doc, e) || !read_version(&doc, arena, e) ||
	    !read_spec(&doc, arena, &request, e))
		return err_context(e, "ImageReview");
	*out = request;
	return true;
}
