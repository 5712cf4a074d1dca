#include <stdlib.h>
#include <string.h>

#include "attest/trust_build.h"
#include "base/limits.h"

#define NAME_MAX_BYTES 512

/* The objects of a cluster on their way into a trust. */
struct cluster {
	struct trust_build *b;
	struct manifest_reader *reader;
	struct arena *arena;
	const struct policy_set *files;
	struct attestor **read; /* what each Attestor says; NULL when it can't be read */
	size_t key_count;	/* with those of the files */
	size_t key_bytes;
};

static struct manifest_object manifest_of(const struct cluster *c, size_t index)
{
	const struct trust_object *object = &c->b->trust->objects->objects[index];

	return (struct manifest_object){trust_object_kind_name(object->kind), object->namespace_, object->name,
					object->text};
}

bool trust_is_about_source(enum err_kind kind)
{
	return kind == ERR_INVALID || kind == ERR_TOO_LARGE || kind == ERR_FORBIDDEN;
}

static enum trust_reason reason_of(enum err_kind kind)
{
	if (kind == ERR_FORBIDDEN)
		return TRUST_REASON_KEY_SOURCE_FORBIDDEN;
	return kind == ERR_TOO_LARGE ? TRUST_REASON_TOO_LARGE : TRUST_REASON_INVALID;
}

const char *trust_without_name(const struct manifest_object *object, const char *text)
{
	char name[NAME_MAX_BYTES];
	int length = snprintf(name, sizeof(name), "%s %.*s%s%.*s: ", object->kind, STR_ARG(object->namespace_),
			      object->namespace_.len ? "/" : "", STR_ARG(object->name));

	return strncmp(text, name, (size_t)length) == 0 ? text + length : text;
}

static bool tell(struct cluster *c, size_t index, enum trust_reason reason, const char *text, struct err *e)
{
	struct manifest_object object = manifest_of(c, index);
	struct trust_outcome *outcome = &c->b->trust->outcomes[index];
	char *message = strdup(trust_without_name(&object, text));

	if (!message)
		return err_no_memory(e);
	free(outcome->message);
	outcome->message = message;
	outcome->reason = reason;
	return true;
}

/* True when `why` speaks of the object, which is then told; else the machine's error is passed on. */
static bool reject(struct cluster *c, size_t index, const struct err *why, struct err *e)
{
	if (!trust_is_about_source(why->kind))
		return err_set(e, why->kind, "%s", why->text);
	return tell(c, index, reason_of(why->kind), why->text, e);
}

static bool too_large(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE,
		       "the object is larger than %u bytes, or those of the cluster take too much memory",
		       LIMIT_OBJECT_TEXT);
}

static void count_keys(const struct attestor *attestor, size_t *count, size_t *bytes)
{
	*count = attestor->key_count;
	*bytes = 0;
	for (size_t k = 0; k < attestor->key_count; k++)
		*bytes += attestor->keys[k].openpgp.len;
}

/* What a worker can load in time is left to the files first, then to objects in their order. */
static bool take_room(struct cluster *c, const struct attestor *attestor, struct err *e)
{
	size_t count, bytes;

	count_keys(attestor, &count, &bytes);
	if (c->key_count + count > LIMIT_KEY_TEXTS || c->key_bytes + bytes > LIMIT_KEY_TEXTS_BYTES)
		return err_set(e, ERR_TOO_LARGE, "spec.publicKeys: more than %u keys, or %u bytes of keys, in all",
			       LIMIT_KEY_TEXTS, LIMIT_KEY_TEXTS_BYTES);
	c->key_count += count;
	c->key_bytes += bytes;
	return true;
}

static void give_room(struct cluster *c, const struct attestor *attestor)
{
	size_t count, bytes;

	count_keys(attestor, &count, &bytes);
	c->key_count -= count;
	c->key_bytes -= bytes;
}

static bool override(struct cluster *c, size_t index, struct str origin, struct err *e)
{
	struct err text;

	c->b->trust->outcomes[index].state = TRUST_OVERRIDDEN;
	(void)err_set(&text, ERR_EXISTS, "%.*s has the same name, and files win", STR_ARG(origin));
	return tell(c, index, TRUST_REASON_OVERRIDDEN, text.text, e);
}

static bool read_attestor_text(struct cluster *c, const struct manifest_object *object, struct attestor **out,
			       struct err *e)
{
	struct attestor *attestor;

	if (object->text.len == 0)
		return too_large(e);
	if (!manifest_read_attestor_object(c->reader, object, &attestor, e) || !trust_resolve_keys(c->b, attestor, e) ||
	    !take_room(c, attestor, e))
		return false;
	*out = attestor;
	return true;
}

static bool read_attestor(struct cluster *c, size_t index, struct err *e)
{
	struct manifest_object object = manifest_of(c, index);
	struct err why = ERR_INIT;
	struct str origin;

	if (manifest_reader_overrides(c->reader, &object, &origin))
		return override(c, index, origin, e);
	return read_attestor_text(c, &object, &c->read[index], &why) || reject(c, index, &why, e);
}

static size_t list_texts(const struct attestor *attestor, struct str *texts)
{
	size_t count = 0;

	for (size_t k = 0; k < attestor->key_count; k++)
		if (attestor->keys[k].openpgp.len)
			texts[count++] = attestor->keys[k].openpgp;
	return count;
}

/* Of files and objects together, so that the worker need not be asked about each. */
static bool describe_keys(struct cluster *c, struct err *e)
{
	struct str *texts = calloc(c->key_count + 1, sizeof(*texts));
	size_t count = 0;
	bool ok;

	if (!texts)
		return err_no_memory(e);
	for (size_t a = 0; a < c->files->attestor_count && !c->b->trust->from_pubkeys; a++)
		count += list_texts(&c->files->attestors[a], texts + count);
	for (size_t i = 0; i < c->b->trust->object_count; i++)
		if (c->read[i])
			count += list_texts(c->read[i], texts + count);
	ok = trust_describe(c->b, texts, count, e);
	free(texts);
	return ok;
}

/* The last version that could be used; NULL when there is none, or it was another object's. */
static struct str good_text(const struct cluster *c, size_t index)
{
	const struct trust_object *object = &c->b->trust->objects->objects[index];
	const struct trust *previous = c->b->previous;
	const struct trust_outcome *outcome;
	size_t at;

	if (!previous || previous->object_count == 0)
		return STR("");
	at = trust_objects_find(previous->objects, object->kind, object->namespace_, object->name);
	if (at == previous->object_count || !str_eq(previous->objects->objects[at].uid, object->uid))
		return STR("");
	outcome = &previous->outcomes[at];
	if (outcome->state >= TRUST_INCOMPLETE)
		return previous->objects->objects[at].text;
	return str_of(outcome->good);
}

static bool keep_good(struct cluster *c, size_t index, struct str text, struct err *e)
{
	char *copy;

	if (text.len == 0)
		return true;
	copy = strndup(text.ptr, text.len);
	if (!copy)
		return err_no_memory(e);
	c->b->trust->outcomes[index].good = copy;
	return true;
}

static bool use_attestor(struct cluster *c, struct attestor *attestor, struct trust_outcome *out, struct err *e)
{
	struct trust_outcome outcome;

	if (!trust_weigh_attestor(c->b, c->arena, attestor, &outcome, e))
		return false;
	if (!manifest_reader_add_attestor(c->reader, attestor, e)) {
		trust_outcome_release(&outcome);
		return false;
	}
	*out = outcome;
	return true;
}

/* The message of the version that was rejected stays. */
static bool use_good_attestor(struct cluster *c, const struct manifest_object *good, struct trust_outcome *out,
			      struct err *e)
{
	struct trust_outcome outcome;
	struct attestor *attestor;

	if (!read_attestor_text(c, good, &attestor, e) || !use_attestor(c, attestor, &outcome, e))
		return false;
	free(outcome.message);
	out->state = TRUST_LAST_GOOD;
	out->keys = outcome.keys;
	out->key_count = outcome.key_count;
	return true;
}

static bool use_good_policy(struct cluster *c, const struct manifest_object *good, struct trust_outcome *out,
			    struct err *e)
{
	struct image_policy *policy;
	struct err absent;

	if (!manifest_read_policy_object(c->reader, good, &policy, &absent, e) ||
	    !manifest_reader_add_policy(c->reader, policy, e))
		return false;
	out->state = TRUST_LAST_GOOD;
	return true;
}

typedef bool use_good(struct cluster *c, const struct manifest_object *good, struct trust_outcome *out, struct err *e);

/* What has been rejected: the last good version, or else nothing that could admit anything. */
static bool fall_back(struct cluster *c, size_t index, use_good *use, struct err *e)
{
	struct trust_outcome *outcome = &c->b->trust->outcomes[index];
	struct manifest_object object = manifest_of(c, index);
	struct err why = ERR_INIT;

	object.text = good_text(c, index);
	if (!keep_good(c, index, object.text, e))
		return false;
	if (object.text.len && use(c, &object, outcome, &why))
		return true;
	if (why.kind != ERR_NONE && !trust_is_about_source(why.kind))
		return err_set(e, why.kind, "%s", why.text);
	return manifest_reader_add_unreadable(c->reader, &object, str_of(outcome->message), e);
}

static bool settle_attestor(struct cluster *c, size_t index, struct err *e)
{
	struct trust_outcome *outcome = &c->b->trust->outcomes[index];
	struct err why = ERR_INIT;

	if (outcome->state == TRUST_OVERRIDDEN)
		return true;
	if (!c->read[index])
		return fall_back(c, index, use_good_attestor, e);
	if (!use_attestor(c, c->read[index], outcome, &why)) {
		give_room(c, c->read[index]);
		return reject(c, index, &why, e) && fall_back(c, index, use_good_attestor, e);
	}
	outcome->state = outcome->reason == TRUST_REASON_IN_FORCE ? TRUST_IN_FORCE : TRUST_INCOMPLETE;
	return tell(c, index, outcome->reason, outcome->message, e);
}

static bool settle_attestors(struct cluster *c, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (!read_attestor(c, i, e))
			return false;
	if (!describe_keys(c, e))
		return false;
	if (!c->b->trust->from_pubkeys && !trust_check_attestor_keys(c->b, c->files, c->arena, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!settle_attestor(c, i, e))
			return false;
	return true;
}

static bool use_policy(struct cluster *c, const struct manifest_object *object, struct err *absent, struct err *e)
{
	struct image_policy *policy;

	if (object->text.len == 0)
		return too_large(e);
	return manifest_read_policy_object(c->reader, object, &policy, absent, e) &&
	       trust_check_selector(c->b, policy, e) && manifest_reader_add_policy(c->reader, policy, e);
}

static bool settle_policy(struct cluster *c, size_t index, struct err *e)
{
	struct trust_outcome *outcome = &c->b->trust->outcomes[index];
	struct manifest_object object = manifest_of(c, index);
	struct err absent = ERR_INIT;
	struct err why = ERR_INIT;
	struct str origin;

	if (manifest_reader_overrides(c->reader, &object, &origin))
		return override(c, index, origin, e);
	if (!use_policy(c, &object, &absent, &why))
		return reject(c, index, &why, e) && fall_back(c, index, use_good_policy, e);
	outcome->state = absent.kind == ERR_NONE ? TRUST_IN_FORCE : TRUST_INCOMPLETE;
	if (absent.kind == ERR_NONE)
		return tell(c, index, TRUST_REASON_IN_FORCE, "in force", e);
	return tell(c, index, TRUST_REASON_ATTESTOR_NOT_FOUND, absent.text, e);
}

/* To whoever loads files, a namespace that may not be used is a mistake like any other. */
static bool resolve_file(const struct cluster *c, const struct attestor *attestor, struct err *e)
{
	struct err why = ERR_INIT;

	return trust_resolve_keys(c->b, attestor, &why) || err_set(e, ERR_INVALID, "%s", why.text);
}

static bool resolve_files(struct cluster *c, struct err *e)
{
	for (size_t a = 0; a < c->files->attestor_count; a++) {
		size_t count, bytes;

		if (!resolve_file(c, &c->files->attestors[a], e))
			return false;
		count_keys(&c->files->attestors[a], &count, &bytes);
		c->key_count += count;
		c->key_bytes += bytes;
	}
	return true;
}

static size_t count_attestors(const struct trust *trust)
{
	size_t count = 0;

	while (count < trust->object_count && trust->objects->objects[count].kind == TRUST_OBJECT_ATTESTOR)
		count++;
	return count;
}

static bool settle(struct cluster *c, struct err *e)
{
	size_t attestors = count_attestors(c->b->trust);

	if (!resolve_files(c, e) || !settle_attestors(c, attestors, e) || !manifest_reader_end_attestors(c->reader, e))
		return false;
	for (size_t i = attestors; i < c->b->trust->object_count; i++)
		if (!settle_policy(c, i, e))
			return false;
	return true;
}

static bool begin(struct cluster *c, struct err *e)
{
	struct trust *trust = c->b->trust;
	size_t count = c->b->sources->objects ? c->b->sources->objects->object_count : 0;

	trust->outcomes = calloc(count + 1, sizeof(*trust->outcomes));
	c->read = calloc(count + 1, sizeof(struct attestor *));
	if (!trust->outcomes || !c->read)
		return err_no_memory(e);
	trust->objects = trust_objects_ref(c->b->sources->objects);
	trust->object_count = count;
	return true;
}

bool trust_settle_objects(struct trust_build *b, struct manifest_reader *reader, struct policy_set *files,
			  struct err *e)
{
	struct cluster c = {.b = b, .reader = reader, .arena = &files->arena, .files = files};
	bool ok = begin(&c, e) && settle(&c, e);

	free(c.read);
	return ok;
}
