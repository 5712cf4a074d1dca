#include "attest/source_tape.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/limits.h"

struct recorded {
	struct recorded *next; /* in the order in which they were asked for */
	bool is_dir;
	const char *path;
	struct str text;
	const struct source_files *files; /* of a directory; its texts are in the arena */
	const struct err *failure;	  /* NULL: none */
};

struct source_tape {
	struct arena arena;
	struct recorded *first;
	struct recorded *last;
	struct recorded *found; /* the next one asked for stands right behind it, as a rule */
	bool ended;
	bool incomplete;
	atomic_uint references;
};

struct source_tape *source_tape_new(void)
{
	struct source_tape *tape = calloc(1, sizeof(*tape));

	if (!tape)
		return NULL;
	tape->arena = arena_init(LIMIT_POLICY_MEMORY);
	atomic_init(&tape->references, 1);
	return tape;
}

struct source_tape *source_tape_ref(struct source_tape *tape)
{
	if (tape)
		atomic_fetch_add(&tape->references, 1);
	return tape;
}

void source_tape_unref(struct source_tape *tape)
{
	if (!tape || atomic_fetch_sub(&tape->references, 1) != 1)
		return;
	arena_release(&tape->arena);
	free(tape);
}

void source_tape_end(struct source_tape *tape)
{
	tape->ended = true;
}

bool source_tape_is_whole(const struct source_tape *tape)
{
	return tape && tape->ended && !tape->incomplete;
}

static bool is_it(const struct recorded *r, bool is_dir, const char *path)
{
	return r && r->is_dir == is_dir && strcmp(r->path, path) == 0;
}

static const struct recorded *find(struct source_tape *tape, bool is_dir, const char *path)
{
	struct recorded *guess = tape->found ? tape->found->next : tape->first;

	if (!is_it(guess, is_dir, path))
		for (guess = tape->first; guess && !is_it(guess, is_dir, path);)
			guess = guess->next;
	if (guess)
		tape->found = guess;
	return guess;
}

/* NULL, and the tape is incomplete, when there is no room. */
static struct recorded *record(struct source_tape *tape, bool is_dir, const char *path, const struct err *failure)
{
	struct recorded *r = arena_alloc(&tape->arena, sizeof(*r));
	struct err *copy = failure ? arena_alloc(&tape->arena, sizeof(*copy)) : NULL;
	struct str name = arena_copy(&tape->arena, str_of(path));

	if (!r || !name.ptr || (failure && !copy)) {
		tape->incomplete = true;
		return NULL;
	}
	if (copy)
		*copy = *failure;
	*r = (struct recorded){.is_dir = is_dir, .path = name.ptr, .failure = copy};
	if (tape->last)
		tape->last->next = r;
	else
		tape->first = r;
	tape->last = r;
	return r;
}

static bool repeat_failure(const struct recorded *r, struct err *e)
{
	return err_set(e, r->failure->kind, "%s", r->failure->text);
}

static bool not_there(const char *path, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "%s: was not there when the files could be loaded last", path);
}

/* --- directories --- */

static char **copy_names(struct arena *arena, char *const *names, size_t count)
{
	char **copies = arena_array(arena, count + 1, sizeof(*copies));

	for (size_t i = 0; copies && i < count; i++) {
		struct str copy = arena_copy(arena, str_of(names[i]));

		copies[i] = (char *)copy.ptr;
		if (!copy.ptr)
			return NULL;
	}
	return copies;
}

static void record_files(struct source_tape *tape, const char *dir, const struct source_files *files)
{
	struct recorded *r = record(tape, true, dir, NULL);
	struct source_files *copy = arena_alloc(&tape->arena, sizeof(*copy));

	tape->incomplete = tape->incomplete || !r || !copy;
	if (tape->incomplete)
		return;
	*copy = (struct source_files){.paths = copy_names(&tape->arena, files->paths, files->count),
				      .count = files->count,
				      .others = copy_names(&tape->arena, files->others, files->other_count),
				      .other_count = files->other_count};
	tape->incomplete = !copy->paths || !copy->others;
	r->files = copy;
}

static char **duplicate_names(char *const *names, size_t count)
{
	char **copies = calloc(count + 1, sizeof(*copies));

	for (size_t i = 0; copies && i < count; i++) {
		copies[i] = strdup(names[i]);
		if (copies[i])
			continue;
		while (i > 0)
			free(copies[--i]);
		free(copies);
		return NULL;
	}
	return copies;
}

static bool repeat_files(const struct recorded *r, struct source_files *out, struct err *e)
{
	cleanup(source_files) struct source_files copy = {0};

	if (r->failure)
		return repeat_failure(r, e);
	copy.paths = duplicate_names(r->files->paths, r->files->count);
	copy.count = copy.paths ? r->files->count : 0;
	copy.others = duplicate_names(r->files->others, r->files->other_count);
	copy.other_count = copy.others ? r->files->other_count : 0;
	if (!copy.paths || !copy.others)
		return err_no_memory(e);
	*out = copy;
	copy = (struct source_files){0};
	return true;
}

bool source_tape_list(struct source_tape *tape, const char *dir, const char *const *suffixes, struct source_files *out,
		      struct err *e)
{
	const struct recorded *r = tape && tape->ended ? find(tape, true, dir) : NULL;
	struct err why = ERR_INIT;

	if (!tape)
		return source_files_list(dir, suffixes, out, e);
	if (r)
		return repeat_files(r, out, e);
	if (tape->ended)
		return not_there(dir, e);
	if (source_files_list(dir, suffixes, out, &why)) {
		record_files(tape, dir, out);
		return true;
	}
	(void)record(tape, true, dir, &why);
	return err_set(e, why.kind, "%s", why.text);
}

/* --- files --- */

static bool repeat_text(const struct recorded *r, struct buf *out, struct err *e)
{
	if (r->failure)
		return repeat_failure(r, e);
	buf_add(out, r->text);
	return buf_ok(out, e);
}

static void record_text(struct source_tape *tape, const char *path, struct str text)
{
	struct recorded *r = record(tape, false, path, NULL);

	if (!r)
		return;
	r->text = arena_copy(&tape->arena, text);
	tape->incomplete = tape->incomplete || !r->text.ptr;
}

bool source_tape_read(struct source_tape *tape, const char *path, struct buf *out, struct err *e)
{
	const struct recorded *r = tape && tape->ended ? find(tape, false, path) : NULL;
	struct err why = ERR_INIT;

	if (!tape)
		return file_read_settled(path, out, e);
	if (r)
		return repeat_text(r, out, e);
	if (tape->ended)
		return not_there(path, e);
	if (file_read_settled(path, out, &why)) {
		record_text(tape, path, buf_str(out));
		return true;
	}
	(void)record(tape, false, path, &why);
	return err_set(e, why.kind, "%s", why.text);
}
