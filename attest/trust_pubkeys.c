#include "attest/source_tape.h"
#include "attest/trust_build.h"
#include "base/cleanup.h"
#include "base/limits.h"

#define ATTESTOR STR("pubkeys")

static bool out_of_room(const struct arena *arena, struct err *e)
{
	return arena_error(arena, e, "the keys take too much memory");
}

/* Whether a failure speaks of the file, which is then left out, or of the machine. */
static bool is_about_file(const struct err *why)
{
	return why->kind == ERR_INVALID || why->kind == ERR_TOO_LARGE || why->kind == ERR_NOT_FOUND;
}

/* `why` begins with the path. */
static bool leave_out(struct trust_build *b, const struct err *why, struct err *e)
{
	if (is_about_file(why))
		return trust_warn(b, e, "%s; left out", why->text);
	return err_set(e, why->kind, "%s", why->text);
}

static bool inspect(struct trust_build *b, const char *path, struct str text, struct key_list *out, struct err *e)
{
	return trust_inspect(b, text, out, e) || err_context(e, "%s", path);
}

static bool holds_secret(const struct key_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].secret)
			return true;
	return false;
}

/* Fingerprints of the certificates that may count. */
static bool pick_keys(struct trust_build *b, const char *path, const struct key_list *list, struct arena *arena,
		      struct attestor_key *out, struct err *e)
{
	struct str *fingerprints = arena_array(arena, list->count, sizeof(*fingerprints));
	size_t count = 0;

	if (!fingerprints)
		return out_of_room(arena, e);
	for (size_t i = 0; i < list->count; i++) {
		const struct key_info *key = &list->items[i];
		const char *refusal = key_refusal(key);

		if (refusal ? !trust_warn(b, e, "%s: key %s %s; left out", path, key->fingerprint, refusal)
			    : !trust_know(b, key, ATTESTOR, str_of(path), e))
			return false;
		if (!refusal)
			fingerprints[count++] = arena_copy(arena, str_of(key->fingerprint));
		if (!refusal && !fingerprints[count - 1].ptr)
			return out_of_room(arena, e);
	}
	out->fingerprints = fingerprints;
	out->fingerprint_count = count;
	return true;
}

static bool keep_text(struct str text, const char *path, struct arena *arena, struct attestor_key *out, struct err *e)
{
	out->name = STR("");
	out->openpgp = arena_copy(arena, text);
	out->origin = arena_copy(arena, str_of(path));
	return (out->openpgp.ptr && out->origin.ptr) || out_of_room(arena, e);
}

/* Fills *out, with no fingerprints when the file is left out. */
static bool read_key_file(struct trust_build *b, const char *path, struct arena *arena, struct attestor_key *out,
			  struct err *e)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE);
	struct key_list list = {0};
	struct err why = ERR_INIT;

	if (!source_tape_read(b->trust->tape, path, &text, &why) || !inspect(b, path, buf_str(&text), &list, &why))
		return leave_out(b, &why, e);
	if (holds_secret(&list))
		return trust_warn(b, e, "%s: holds a secret key; left out", path);
	return keep_text(buf_str(&text), path, arena, out, e) && pick_keys(b, path, &list, arena, out, e);
}

/* Key files at once, one behind the other. */
struct key_files {
	struct buf bytes;
	struct {
		size_t start, len;
	} * texts;
	size_t count;
};

static void key_files_release(struct key_files *all)
{
	buf_release(&all->bytes);
	free(all->texts);
}

CLEANUP_VALUE(key_files, struct key_files, key_files_release)

/* What can't be read, or is more than could count together, is left to read_key_file. */
static void read_ahead(struct key_files *all, struct source_tape *tape, const char *path)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE);

	/* On a tape that is being made each file stands once. */
	if (!source_tape_read(source_tape_is_whole(tape) ? tape : NULL, path, &text, NULL) ||
	    all->bytes.len + text.len > all->bytes.max)
		return;
	all->texts[all->count].start = all->bytes.len;
	all->texts[all->count].len = text.len;
	buf_add(&all->bytes, buf_str(&text));
	all->count += !all->bytes.failed;
}

/* So that the worker is not asked about each file by itself. */
static bool describe_files(struct trust_build *b, const struct source_files *files, struct err *e)
{
	cleanup(key_files) struct key_files all = {.bytes = buf_init(LIMIT_KEY_TEXTS_BYTES)};
	cleanup(memory) struct str *texts = calloc(files->count + 1, sizeof(*texts));

	all.texts = calloc(files->count + 1, sizeof(*all.texts));
	if (!texts || !all.texts)
		return err_no_memory(e);
	for (size_t i = 0; i < files->count; i++)
		read_ahead(&all, b->trust->tape, files->paths[i]);
	for (size_t i = 0; i < all.count; i++)
		texts[i] = str_make(all.bytes.data + all.texts[i].start, all.texts[i].len);
	return trust_describe(b, texts, all.count, e);
}

bool trust_read_pubkeys(struct trust_build *b, const struct source_files *files, struct arena *arena,
			struct attestor_key **keys, size_t *count, struct err *e)
{
	struct attestor_key *list = arena_array(arena, files->count + 1, sizeof(*list));
	size_t used = 0;

	if (!list)
		return out_of_room(arena, e);
	if (!describe_files(b, files, e))
		return false;
	for (size_t i = 0; i < files->count; i++) {
		if (!read_key_file(b, files->paths[i], arena, &list[used], e))
			return false;
		used += list[used].fingerprint_count > 0;
	}
	*keys = list;
	*count = used;
	return true;
}
