#include "attest/trust_review.h"

#include <string.h>

#include "attest/trust_build.h"
#include "base/limits.h"

#define WARNINGS_MAX 64u
#define NAME_MAX_BYTES 512

/* One object under review. */
struct reviewing {
	struct trust_build b;
	struct manifest_reader *reader;
	struct policy_set *set;
	struct manifest_object object;
	struct arena *arena;
	struct str warnings[WARNINGS_MAX];
	size_t warning_count;
};

CLEANUP_POINTER(manifest_reader, struct manifest_reader, manifest_reader_free)

static bool warn(struct reviewing *r, const char *text, struct err *e)
{
	struct str copy;

	if (r->warning_count == WARNINGS_MAX)
		return true;
	copy = arena_copy(r->arena, str_of(trust_without_name(&r->object, text)));
	if (!copy.ptr)
		return err_no_memory(e);
	r->warnings[r->warning_count++] = copy;
	return true;
}

static bool fits(const struct attestor *attestor, struct err *e)
{
	return attestor->key_count <= LIMIT_KEY_TEXTS ||
	       err_set(e, ERR_TOO_LARGE, "spec.publicKeys: more than %u keys", LIMIT_KEY_TEXTS);
}

static bool warn_of_keys(struct reviewing *r, const struct trust_outcome *outcome, struct err *e)
{
	for (size_t i = 0; i < r->b.trust->warning_count; i++)
		if (!warn(r, r->b.trust->warnings[i].text, e))
			return false;
	return outcome->reason == TRUST_REASON_IN_FORCE || outcome->reason == TRUST_REASON_NO_USABLE_KEY ||
	       warn(r, outcome->message, e);
}

static bool review_attestor(struct reviewing *r, struct err *why, struct err *e)
{
	struct trust_outcome outcome;
	struct attestor *attestor;
	bool ok;

	if (!manifest_read_attestor_object(r->reader, &r->object, &attestor, why) ||
	    !trust_resolve_keys(&r->b, attestor, why) || !fits(attestor, why) ||
	    !trust_weigh_attestor(&r->b, &r->set->arena, attestor, &outcome, why))
		return true;
	ok = warn_of_keys(r, &outcome, e);
	trust_outcome_release(&outcome);
	return ok;
}

static bool add_attestors(struct reviewing *r, struct err *e)
{
	const struct policy_set *set = r->b.previous->policies;

	for (size_t i = 0; i < set->attestor_count; i++)
		if (!manifest_reader_add_attestor(r->reader, &set->attestors[i], e))
			return false;
	return manifest_reader_end_attestors(r->reader, e);
}

static bool warn_of_policy(struct reviewing *r, const struct image_policy *policy, const struct err *absent,
			   struct err *e)
{
	static const char *const weak[] = {
		[ENFORCE_WARN] = "spec.enforcement: Warn admits what this policy refuses, with a warning",
		[ENFORCE_AUDIT] = "spec.enforcement: Audit admits what this policy refuses, and only records it",
	};

	if (absent->kind != ERR_NONE && !warn(r, absent->text, e))
		return false;
	return policy->enforcement == ENFORCE_DENY || warn(r, weak[policy->enforcement], e);
}

static bool review_policy(struct reviewing *r, struct err *why, struct err *e)
{
	struct image_policy *policy;
	struct err absent;

	if (!add_attestors(r, e))
		return false;
	if (!manifest_read_policy_object(r->reader, &r->object, &policy, &absent, why) ||
	    !trust_check_selector(&r->b, policy, why))
		return true;
	return warn_of_policy(r, policy, &absent, e);
}

/* False for an error of the machine; `why` speaks of the object. */
static bool review(struct reviewing *r, bool attestor, struct err *why, struct err *e)
{
	if (!manifest_reader_end_files(r->reader, &r->set, e))
		return false;
	if (r->object.text.len > LIMIT_OBJECT_TEXT)
		return !err_set(why, ERR_TOO_LARGE, "the object is larger than %u bytes", LIMIT_OBJECT_TEXT);
	if (attestor ? !review_attestor(r, why, e) : !review_policy(r, why, e))
		return false;
	return why->kind == ERR_NONE || trust_is_about_source(why->kind) || err_set(e, why->kind, "%s", why->text);
}

/* "PATH: TEXT"; a path has no blank. */
static size_t path_length(struct str text)
{
	size_t colon = str_find(text, ':');

	return colon + 1 < text.len && text.ptr[colon + 1] == ' ' && str_find(str_head(text, colon), ' ') == colon
		       ? colon
		       : 0;
}

static bool conclude(struct reviewing *r, const struct err *why, struct trust_review *out, struct err *e)
{
	struct trust_review found = {.usable = why->kind == ERR_NONE, .warning_count = r->warning_count};
	struct str text = str_of(found.usable ? "" : trust_without_name(&r->object, why->text));
	struct str *warnings = arena_array(r->arena, r->warning_count + 1, sizeof(*warnings));

	found.problem = arena_copy(r->arena, text);
	if (!found.problem.ptr || !warnings)
		return err_no_memory(e);
	found.field = str_head(found.problem, path_length(found.problem));
	memcpy(warnings, r->warnings, r->warning_count * sizeof(*warnings));
	found.warnings = warnings;
	*out = found;
	return true;
}

bool trust_review_object(const struct trust_sources *sources, struct worker_pool *workers, struct trust *trust,
			 const struct trust_object *object, int64_t deadline_ms, struct arena *arena,
			 struct trust_review *out, struct err *e)
{
	cleanup(trust) struct trust *scratch = trust_new();
	cleanup(manifest_reader) struct manifest_reader *reader = manifest_reader_new();
	struct reviewing r = {
		.reader = reader,
		.object = {trust_object_kind_name(object->kind), object->namespace_, object->name, object->text},
		.arena = arena};
	struct err why = ERR_INIT;

	if (!scratch || !reader)
		return err_no_memory(e);
	r.b = (struct trust_build){.sources = sources,
				   .workers = workers,
				   .previous = trust,
				   .trust = scratch,
				   .now = clock_now().seconds,
				   .deadline_ms = deadline_ms};
	return review(&r, object->kind == TRUST_OBJECT_ATTESTOR, &why, e) && conclude(&r, &why, out, e);
}

static bool names(const struct image_policy *policy, struct str attestor)
{
	for (size_t r = 0; r < policy->rule_count; r++)
		for (size_t a = 0; a < policy->rules[r].attestor_count; a++)
			if (str_eq(policy->rules[r].attestors[a]->name, attestor))
				return true;
	return false;
}

static void add_user(struct buf *out, const struct image_policy *policy)
{
	bool namespaced = policy->namespace_.len > 0;

	buf_printf(out, "%s%s %.*s%s%.*s", out->len ? ", " : "", namespaced ? "ImagePolicy" : "ClusterImagePolicy",
		   STR_ARG(policy->namespace_), namespaced ? "/" : "", STR_ARG(policy->name));
}

struct str trust_attestor_users(const struct trust *trust, struct str attestor, size_t max, struct arena *arena)
{
	cleanup(buf) struct buf users = buf_init(max + NAME_MAX_BYTES);
	const struct policy_set *set = trust->policies;
	size_t more = 0;

	for (size_t i = 0; i < set->policy_count; i++) {
		size_t before = users.len;

		if (!names(&set->policies[i], attestor))
			continue;
		if (more == 0)
			add_user(&users, &set->policies[i]);
		if (more == 0 && users.len <= max)
			continue;
		if (more++ == 0)
			buf_cut(&users, before);
	}
	if (more)
		buf_printf(&users, " and %zu more", more);
	return users.failed ? (struct str){0} : arena_copy(arena, buf_str(&users));
}
