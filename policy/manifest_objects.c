#include "policy/manifest_objects.h"

#include "base/limits.h"
#include "policy/manifest_draft.h"
#include "policy/manifest_link.h"

#define NAME_MAX_BYTES 512

static const char attestor_kind[] = "Attestor";

static bool is_stage(const struct manifest_reader *reader, enum manifest_stage stage, struct err *e)
{
	return (reader->set && reader->stage == stage) ||
	       err_set(e, ERR_INTERNAL, "the policies are read out of order");
}

static bool out_of_room(const struct manifest_reader *reader, struct err *e)
{
	return arena_error(&reader->set->arena, e, "the policies take too much memory");
}

bool manifest_reader_end_files(struct manifest_reader *reader, struct policy_set **out, struct err *e)
{
	if (!is_stage(reader, MANIFEST_FILES, e) || !manifest_link_files(reader, e))
		return false;
	reader->stage = MANIFEST_ATTESTORS;
	*out = reader->set;
	return true;
}

bool manifest_reader_end_attestors(struct manifest_reader *reader, struct err *e)
{
	if (!is_stage(reader, MANIFEST_ATTESTORS, e) || !manifest_link_attestors(reader, e))
		return false;
	reader->stage = MANIFEST_POLICIES;
	return true;
}

static int compare_attestor(const void *a, const void *b)
{
	const struct manifest_object *object = a;
	const struct attestor *attestor = b;

	return str_compare(object->name, attestor->name);
}

static int compare_policy(const void *a, const void *b)
{
	const struct manifest_object *object = a;
	const struct image_policy *policy = b;
	int order = str_compare(object->namespace_, policy->namespace_);

	return order ? order : str_compare(object->name, policy->name);
}

/* Until the policies are linked again, the set has those of files; attestors of a cluster are not asked for any more.
 */
bool manifest_reader_overrides(const struct manifest_reader *reader, const struct manifest_object *object,
			       struct str *origin)
{
	const struct policy_set *set = reader->set;
	const struct attestor *attestor = NULL;
	const struct image_policy *policy = NULL;

	if (str_eq_c(str_of(object->kind), attestor_kind))
		attestor = bsearch(object, set->attestors, set->attestor_count, sizeof(*attestor), compare_attestor);
	else
		policy = bsearch(object, set->policies, set->policy_count, sizeof(*policy), compare_policy);
	if (attestor || policy)
		*origin = attestor ? attestor->origin : policy->origin;
	return attestor || policy;
}

/* "ImagePolicy NAMESPACE/NAME" */
static void call(const struct manifest_object *object, struct buf *out)
{
	buf_printf(out, "%s ", object->kind);
	if (object->namespace_.len)
		buf_printf(out, "%.*s/", STR_ARG(object->namespace_));
	buf_add(out, object->name);
}

static bool is_what_it_must_be(const struct manifest_object *object, const struct field *root, struct err *e)
{
	struct field kind = field_member(root, "kind");
	struct field metadata = field_member(root, "metadata");
	struct field namespace_ = field_member(&metadata, "namespace");
	struct field name = field_member(&metadata, "name");

	if (!str_eq_c(field_text(&kind), object->kind))
		return field_error(&kind, e, "must be %s", object->kind);
	if (!str_eq(field_text(&namespace_), object->namespace_))
		return field_error(&namespace_, e, "must be %.*s", STR_ARG(object->namespace_));
	return str_eq(field_text(&name), object->name) || field_error(&name, e, "must be %.*s", STR_ARG(object->name));
}

/* What it says is added to the reader, whose other lists are as before. */
static bool read_one(struct manifest_reader *reader, const struct manifest_object *object, struct err *e)
{
	cleanup(buf) struct buf name = buf_init(NAME_MAX_BYTES);
	struct manifest_source m = {.reader = reader};
	cleanup(json) json_t *document = NULL;
	struct field root;

	call(object, &name);
	if (!buf_ok(&name, e) || !json_read(object->text, &document, e))
		return false;
	m.file = buf_str(&name);
	root = field_root(document);
	return field_is(&root, FIELD_MAP, e) && is_what_it_must_be(object, &root, e) &&
	       manifest_read_object(&m, &root, e);
}

/* What is left to objects that can be read, and to one of them. */
static size_t room(const struct manifest_reader *reader)
{
	size_t used = reader->set->arena.used;
	size_t most = LIMIT_POLICY_MEMORY - LIMIT_OBJECTS_RESERVE;

	return used + LIMIT_OBJECT_MEMORY < most ? used + LIMIT_OBJECT_MEMORY : most;
}

/* From here on, until the maximum that it gives is put back. */
static size_t bound(struct manifest_reader *reader)
{
	size_t max = reader->set->arena.max;

	reader->set->arena.max = room(reader);
	return max;
}

bool manifest_read_attestor_object(struct manifest_reader *reader, const struct manifest_object *object,
				   struct attestor **out, struct err *e)
{
	struct manifest_reader before = *reader;
	struct attestor_draft *draft;
	size_t max;
	bool ok;

	if (!is_stage(reader, MANIFEST_ATTESTORS, e))
		return false;
	max = bound(reader);
	ok = read_one(reader, object, e);
	reader->set->arena.max = max;
	draft = reader->attestors;
	*reader = before;
	if (!ok)
		return false;
	*out = &draft->value;
	return true;
}

bool manifest_read_policy_object(struct manifest_reader *reader, const struct manifest_object *object,
				 struct image_policy **out, struct err *absent, struct err *e)
{
	struct manifest_reader before = *reader;
	struct policy_draft *draft;
	struct err missing = ERR_INIT;
	size_t max;
	bool ok;

	if (!is_stage(reader, MANIFEST_POLICIES, e))
		return false;
	max = bound(reader);
	ok = read_one(reader, object, e) &&
	     manifest_link_object(reader, reader->rules, before.rules, &reader->policies->value, &missing, e);
	reader->set->arena.max = max;
	before.links.rules = reader->links.rules;
	draft = reader->policies;
	*reader = before;
	if (!ok)
		return false;
	*out = &draft->value;
	*absent = missing;
	return true;
}

bool manifest_reader_add_attestor(struct manifest_reader *reader, const struct attestor *attestor, struct err *e)
{
	struct attestor_draft *draft;

	if (!is_stage(reader, MANIFEST_ATTESTORS, e))
		return false;
	draft = arena_alloc(&reader->set->arena, sizeof(*draft));
	if (!draft)
		return out_of_room(reader, e);
	draft->value = *attestor;
	draft->place = attestor->origin;
	draft->serial = reader->attestor_count++;
	draft->next = reader->attestors;
	reader->attestors = draft;
	return true;
}

bool manifest_reader_add_policy(struct manifest_reader *reader, const struct image_policy *policy, struct err *e)
{
	struct policy_draft *draft;

	if (!is_stage(reader, MANIFEST_POLICIES, e))
		return false;
	draft = arena_alloc(&reader->set->arena, sizeof(*draft));
	if (!draft)
		return out_of_room(reader, e);
	draft->value = *policy;
	draft->place = policy->origin;
	draft->serial = reader->policy_count++;
	draft->next = reader->policies;
	reader->policies = draft;
	return true;
}

/* Copies `count` texts in place. */
static bool keep(struct manifest_reader *reader, struct str **texts, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		*texts[i] = arena_copy(&reader->set->arena, *texts[i]);
		if (!texts[i]->ptr)
			return out_of_room(reader, e);
	}
	return true;
}

bool manifest_reader_add_unreadable(struct manifest_reader *reader, const struct manifest_object *object,
				    struct str why, struct err *e)
{
	cleanup(buf) struct buf called = buf_init(NAME_MAX_BYTES);
	struct str name = object->name, namespace_ = object->namespace_, reason = why, origin;
	struct str *texts[] = {&name, &namespace_, &reason, &origin};

	call(object, &called);
	origin = buf_str(&called);
	if (!buf_ok(&called, e) || !keep(reader, texts, 4, e))
		return false;
	if (str_eq_c(str_of(object->kind), attestor_kind)) {
		struct attestor attestor = {.name = name, .note = STR(""), .origin = origin, .missing = reason};

		return manifest_reader_add_attestor(reader, &attestor, e);
	}
	struct image_policy policy = {
		.name = name, .namespace_ = namespace_, .origin = origin, .require_digest = true, .unreadable = reason};

	return manifest_reader_add_policy(reader, &policy, e);
}
