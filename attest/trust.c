#include "attest/trust.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "attest/source_tape.h"
#include "attest/trust_build.h"
#include "base/limits.h"
#include "policy/key_overlap.h"
#include "policy/manifest.h"

static const char *const policy_suffixes[] = {".yaml", ".yml", ".json", NULL};
static const char *const pubkey_suffixes[] = {".pub", ".asc", NULL};

CLEANUP_POINTER(source_tape, struct source_tape, source_tape_unref)
CLEANUP_POINTER(manifest_reader, struct manifest_reader, manifest_reader_free)

static const char *const state_names[] = {
	[TRUST_REJECTED] = "rejected",	   [TRUST_LAST_GOOD] = "last_good", [TRUST_OVERRIDDEN] = "overridden",
	[TRUST_INCOMPLETE] = "incomplete", [TRUST_IN_FORCE] = "in_force",
};

static const char *const reason_names[] = {
	[TRUST_REASON_INVALID] = "Invalid",
	[TRUST_REASON_OVERRIDDEN] = "Overridden",
	[TRUST_REASON_KEY_SOURCE_FORBIDDEN] = "KeySourceForbidden",
	[TRUST_REASON_TOO_LARGE] = "TooLarge",
	[TRUST_REASON_ATTESTOR_NOT_FOUND] = "AttestorNotFound",
	[TRUST_REASON_KEY_SOURCE_NOT_FOUND] = "KeySourceNotFound",
	[TRUST_REASON_KEY_SOURCE_INVALID] = "KeySourceInvalid",
	[TRUST_REASON_NO_USABLE_KEY] = "NoUsableKey",
	[TRUST_REASON_IN_FORCE] = "InForce",
};

const char *trust_state_name(enum trust_state state)
{
	return state_names[state];
}

const char *trust_reason_name(enum trust_reason reason)
{
	return reason_names[reason];
}

void trust_outcome_release(struct trust_outcome *outcome)
{
	free(outcome->message);
	free(outcome->keys);
	free(outcome->good);
	*outcome = (struct trust_outcome){0};
}

static void release_outcomes(struct trust *trust)
{
	for (size_t i = 0; i < trust->object_count; i++)
		trust_outcome_release(&trust->outcomes[i]);
	free(trust->outcomes);
	trust_objects_unref(trust->objects);
}

static void trust_free(struct trust *trust)
{
	release_outcomes(trust);
	source_tape_unref(trust->tape);
	policy_set_free(trust->policies);
	key_set_unref(trust->keys);
	for (size_t i = 0; i < trust->known_count; i++)
		free(trust->known[i].attestor);
	free(trust->known);
	for (size_t i = 0; i < trust->warning_count; i++)
		free(trust->warnings[i].text);
	free(trust->warnings);
	trust_release_inspected(trust);
	free(trust);
}

struct trust *trust_ref(struct trust *trust)
{
	atomic_fetch_add(&trust->references, 1);
	return trust;
}

void trust_unref(struct trust *trust)
{
	if (trust && atomic_fetch_sub(&trust->references, 1) == 1)
		trust_free(trust);
}

struct trust *trust_new(void)
{
	struct trust *trust = calloc(1, sizeof(*trust));

	if (trust)
		atomic_init(&trust->references, 1);
	return trust;
}

void *trust_grow(void *items, size_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	return reallocarray(items, count ? 2 * count : 1, size);
}

bool trust_warn(struct trust_build *b, struct err *e, const char *format, ...)
{
	struct trust *trust = b->trust;
	struct trust_warning *warnings = trust_grow(trust->warnings, trust->warning_count, sizeof(*warnings));
	struct err text = ERR_INIT;
	va_list args;
	char line[ERR_TEXT_MAX];
	char *copy;

	if (!warnings)
		return err_no_memory(e);
	trust->warnings = warnings;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	(void)err_set(&text, ERR_INVALID, "%s", line);
	copy = strdup(text.text);
	if (!copy)
		return err_no_memory(e);
	warnings[trust->warning_count++].text = copy;
	return true;
}

static bool warn_of_others(struct trust_build *b, const struct source_files *files, const char *wanted, struct err *e)
{
	for (size_t i = 0; i < files->other_count; i++)
		if (!trust_warn(b, e, "%s: passed over, only %s files are read", files->others[i], wanted))
			return false;
	return true;
}

static bool read_policy_file(struct trust_build *b, struct manifest_reader *reader, const char *path, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_POLICY_FILE);

	return source_tape_read(b->trust->tape, path, &text, e) &&
	       manifest_reader_add(reader, str_of(path), buf_str(&text), e);
}

static bool read_policy_dir(struct trust_build *b, struct manifest_reader *reader, const char *dir, struct err *e)
{
	cleanup(source_files) struct source_files files = {0};

	if (!source_tape_list(b->trust->tape, dir, policy_suffixes, &files, e) ||
	    !warn_of_others(b, &files, ".yaml, .yml and .json", e))
		return false;
	for (size_t i = 0; i < files.count; i++)
		if (!read_policy_file(b, reader, files.paths[i], e))
			return false;
	return true;
}

static bool read_policy_dirs(struct trust_build *b, struct manifest_reader *reader, struct err *e)
{
	for (size_t i = 0; i < b->sources->policy_dirs.count; i++)
		if (!read_policy_dir(b, reader, b->sources->policy_dirs.items[i], e))
			return false;
	return true;
}

static bool use_pubkeys(struct trust_build *b, struct manifest_reader *reader, const struct source_files *files,
			struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(LIMIT_POLICY_MEMORY);
	struct attestor_key *keys = NULL;
	size_t count = 0;

	b->trust->from_pubkeys = true;
	if (!warn_of_others(b, files, ".pub and .asc", e) || !trust_read_pubkeys(b, files, &arena, &keys, &count, e))
		return false;
	if (count == 0 && !trust_warn(b, e, "%s: no key that can be used, so nothing is admitted", b->sources->pubkeys))
		return false;
	return manifest_reader_add_pubkeys(reader, keys, count, e);
}

static bool read_pubkeys(struct trust_build *b, struct manifest_reader *reader, struct err *e)
{
	cleanup(source_files) struct source_files files = {0};

	if (!b->sources->pubkeys)
		return true;
	if (!source_tape_list(b->trust->tape, b->sources->pubkeys, pubkey_suffixes, &files, e))
		return false;
	if (manifest_reader_objects(reader) == 0)
		return use_pubkeys(b, reader, &files, e);
	return trust_warn(b, e, "%s: not used, since there are policy objects", b->sources->pubkeys);
}

bool trust_check_selector(const struct trust_build *b, const struct image_policy *policy, struct err *e)
{
	return b->sources->namespace_labels || policy->match.label_count == 0 ||
	       err_set(e, ERR_INVALID, "%.*s: spec.match.namespaceSelector: needs --kubeconfig or --in-cluster",
		       STR_ARG(policy->origin));
}

static bool check_selectors(const struct trust_build *b, const struct policy_set *files, struct err *e)
{
	for (size_t i = 0; i < files->policy_count; i++)
		if (!trust_check_selector(b, &files->policies[i], e))
			return false;
	return true;
}

static bool read_sources(struct trust_build *b, struct err *e)
{
	cleanup(manifest_reader) struct manifest_reader *reader = manifest_reader_new();

	struct policy_set *files = NULL;

	if (!reader)
		return err_no_memory(e);
	return read_policy_dirs(b, reader, e) && read_pubkeys(b, reader, e) &&
	       manifest_reader_end_files(reader, &files, e) && check_selectors(b, files, e) &&
	       trust_settle_objects(b, reader, files, e) && manifest_reader_finish(reader, &b->trust->policies, e);
}

static bool warn_of_no_policy(struct trust_build *b, struct err *e)
{
	return b->trust->policies->policy_count ||
	       trust_warn(b, e, "there is no policy: the default action applies to every image");
}

static bool load(struct trust_build *b, struct err *e)
{
	/* By their fingerprints, which the files' policies have not been compared by. */
	return read_sources(b, e) && key_overlap_check(b->trust->policies, e) && trust_collect_keys(b, e) &&
	       warn_of_no_policy(b, e);
}

static bool load_with(const struct trust_sources *sources, struct worker_pool *workers, const struct trust *previous,
		      struct source_tape *tape, struct trust **out, struct err *e)
{
	cleanup(trust) struct trust *trust = trust_new();
	struct trust_build b = {.sources = sources,
				.workers = workers,
				.previous = previous,
				.trust = trust,
				.now = clock_now().seconds};
	bool loaded;

	if (!trust)
		return err_no_memory(e);
	trust->tape = source_tape_ref(tape);
	loaded = load(&b, e);
	for (size_t i = 0; i < b.described_count; i++)
		keyrings_free(b.described[i]);
	if (!loaded)
		return false;
	*out = take(trust);
	return true;
}

bool trust_load(const struct trust_sources *sources, struct worker_pool *workers, const struct trust *previous,
		struct trust **out, struct err *e)
{
	cleanup(source_tape) struct source_tape *tape = NULL;

	if (sources->own_namespace) {
		tape = source_tape_new();
		if (!tape)
			return err_no_memory(e);
	}
	if (!load_with(sources, workers, previous, tape, out, e))
		return false;
	if (tape)
		source_tape_end(tape);
	return true;
}

bool trust_load_objects(const struct trust_sources *sources, struct worker_pool *workers, const struct trust *previous,
			struct trust **out, struct err *e)
{
	if (!previous || !source_tape_is_whole(previous->tape))
		return err_set(e, ERR_UNSUPPORTED, "the files of the policies in force are not known any more");
	return load_with(sources, workers, previous, previous->tape, out, e);
}

uint64_t trust_fingerprint(const struct trust_sources *sources)
{
	uint64_t sum = sources->pubkeys ? 31 * source_files_fingerprint(sources->pubkeys) : 0;

	for (size_t i = 0; i < sources->policy_dirs.count; i++)
		sum += source_files_fingerprint(sources->policy_dirs.items[i]);
	return sum;
}
