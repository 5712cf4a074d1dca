#include "policy/key_armour.h"
#include "policy/manifest_draft.h"

static const struct field_rule spec_rules[] = {
	{"note", FIELD_TEXT, FIELD_REQUIRED},
	{"publicKeys", FIELD_LIST, FIELD_REQUIRED},
};

static const struct field_rule key_rules[] = {
	{"name", FIELD_TEXT, FIELD_OPTIONAL},
	{"openpgp", FIELD_TEXT, FIELD_OPTIONAL},
	{"pkix", FIELD_ANY, FIELD_UNSUPPORTED},
	{"from", FIELD_MAP, FIELD_OPTIONAL},
};

static const struct field_rule from_rules[] = {
	{"configMap", FIELD_MAP, FIELD_OPTIONAL},
	{"secret", FIELD_MAP, FIELD_OPTIONAL},
};

static const struct field_rule reference_rules[] = {
	{"namespace", FIELD_TEXT, FIELD_REQUIRED},
	{"name", FIELD_TEXT, FIELD_REQUIRED},
	{"key", FIELD_TEXT, FIELD_REQUIRED},
};

#define COUNT(rules) (sizeof(rules) / sizeof((rules)[0]))

static bool id_valid(struct str id)
{
	for (size_t i = 0; i < id.len; i++)
		if ((unsigned char)id.ptr[i] <= ' ' || id.ptr[i] == 0x7f || id.ptr[i] == '/')
			return false;
	return id.len > 0;
}

/* projects/P/notes/N */
static bool note_valid(struct str note)
{
	struct str rest = str_skip(note, STR("projects/").len);
	struct str project = str_head(rest, str_find(rest, '/'));

	rest = str_skip(rest, project.len);
	return str_starts_with(note, STR("projects/")) && id_valid(project) && str_starts_with(rest, STR("/notes/")) &&
	       id_valid(str_skip(rest, STR("/notes/").len));
}

static bool check_armour(const struct field *openpgp, struct err *e)
{
	const char *refusal = key_armour_refusal(field_text(openpgp));

	return !refusal || field_error(openpgp, e, "%s", refusal);
}

static bool read_inline(struct manifest_source *m, const struct field *openpgp, struct attestor_key *out, struct err *e)
{
	return check_armour(openpgp, e) && manifest_keep(m, field_text(openpgp), &out->openpgp, e) &&
	       manifest_origin(m, openpgp, &out->origin, e);
}

static bool read_reference(struct manifest_source *m, const struct field *map, struct attestor_key *out, struct err *e)
{
	struct field namespace_ = field_member(map, "namespace");
	struct field name = field_member(map, "name");
	struct field key = field_member(map, "key");

	return field_check(map, reference_rules, COUNT(reference_rules), e) &&
	       manifest_keep(m, field_text(&namespace_), &out->from.namespace_, e) &&
	       manifest_keep(m, field_text(&name), &out->from.name, e) &&
	       manifest_keep(m, field_text(&key), &out->from.key, e) && manifest_origin(m, map, &out->origin, e);
}

static bool read_from(struct manifest_source *m, const struct field *from, struct attestor_key *out, struct err *e)
{
	struct field config_map = field_member(from, "configMap");
	struct field secret = field_member(from, "secret");

	if (!field_check(from, from_rules, COUNT(from_rules), e))
		return false;
	if (config_map.value && secret.value)
		return field_error(from, e, "must name a configMap or a secret, not both");
	out->from.secret = secret.value != NULL;
	out->openpgp = STR("");
	return read_reference(m, secret.value ? &secret : &config_map, out, e);
}

static bool read_key(struct manifest_source *m, const struct field *key, struct attestor_key *out, struct err *e)
{
	struct field name = field_member(key, "name");
	struct field openpgp = field_member(key, "openpgp");
	struct field from = field_member(key, "from");

	if (!field_check(key, key_rules, COUNT(key_rules), e) || !manifest_keep(m, field_text(&name), &out->name, e))
		return false;
	if (openpgp.value && from.value)
		return field_error(key, e, "must have openpgp or from, not both");
	if (from.value)
		return read_from(m, &from, out, e);
	if (!openpgp.value)
		return field_error(&openpgp, e, "is required");
	return read_inline(m, &openpgp, out, e);
}

static bool read_keys(struct manifest_source *m, const struct field *list, struct attestor *out, struct err *e)
{
	size_t count = field_count(list);
	struct attestor_key *keys = manifest_alloc(m, count, sizeof(*keys), e);

	if (!keys)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct field key = field_element(list, i);

		if (!read_key(m, &key, &keys[i], e))
			return false;
	}
	out->keys = keys;
	out->key_count = count;
	return true;
}

static bool read_spec(struct manifest_source *m, const struct field *spec, struct attestor *out, struct err *e)
{
	struct field note = field_member(spec, "note");
	struct field keys = field_member(spec, "publicKeys");

	if (!field_check(spec, spec_rules, COUNT(spec_rules), e))
		return false;
	if (!note_valid(field_text(&note)))
		return field_error(&note, e, "must be projects/PROJECT/notes/NOTE, not %.*s",
				   STR_ARG(field_text(&note)));
	return manifest_keep(m, field_text(&note), &out->note, e) && read_keys(m, &keys, out, e);
}

bool manifest_read_attestor(struct manifest_source *m, const struct field *object, struct err *e)
{
	struct field metadata = field_member(object, "metadata");
	struct field name = field_member(&metadata, "name");
	struct field spec = field_member(object, "spec");
	struct attestor_draft *draft = manifest_alloc(m, 1, sizeof(*draft), e);

	if (!draft || !manifest_keep(m, field_text(&name), &draft->value.name, e) ||
	    !manifest_origin(m, object, &draft->value.origin, e) || !manifest_origin(m, &name, &draft->place, e) ||
	    !read_spec(m, &spec, &draft->value, e))
		return false;
	draft->serial = m->reader->attestor_count++;
	draft->next = m->reader->attestors;
	m->reader->attestors = draft;
	return true;
}
