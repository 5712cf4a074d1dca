#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/starvation.h"

#define ALIGNMENT 16u
#define BLOCK_SIZE (16u * 1024)

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	char data[] __attribute__((aligned(ALIGNMENT)));
};

struct arena arena_init(size_t max)
{
	return (struct arena){.max = max};
}

void arena_release(struct arena *a)
{
	struct arena_block *block = a->blocks;

	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
	*a = arena_init(a->max);
}

static size_t round_up(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static struct arena_block *new_block(struct arena *a, size_t size)
{
	struct arena_block *block = size < SIZE_MAX / 2 ? malloc(sizeof(*block) + size) : NULL;

	if (!block) {
		starvation_note();
		a->starved = true;
		return NULL;
	}
	block->next = a->blocks;
	block->used = 0;
	block->size = size;
	a->blocks = block;
	return block;
}

/* Room for `size` (already rounded up) bytes, not cleared. */
static void *reserve(struct arena *a, size_t size)
{
	struct arena_block *block = a->blocks;
	void *at;

	if (size > a->max - a->used)
		return NULL;
	if (!block || size > block->size - block->used)
		block = new_block(a, size > BLOCK_SIZE ? size : BLOCK_SIZE);
	if (!block)
		return NULL;
	at = block->data + block->used;
	block->used += size;
	a->used += size;
	return at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *at;

	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	size = round_up(size ? size : 1);
	at = reserve(a, size);
	return at ? memset(at, 0, size) : NULL;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return arena_alloc(a, bytes);
}

static bool grow_in_place(struct arena *a, void *old, size_t old_size, size_t new_size)
{
	struct arena_block *block = a->blocks;
	size_t more = new_size - old_size;

	if (!block || (char *)old + old_size != block->data + block->used)
		return false;
	if (more > block->size - block->used || more > a->max - a->used)
		return false;
	block->used += more;
	a->used += more;
	return true;
}

void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size)
{
	size_t had = round_up(old_size);
	void *at;

	if (new_size > SIZE_MAX - ALIGNMENT)
		return NULL;
	new_size = round_up(new_size);
	if (old && new_size <= had)
		return old;
	if (old && grow_in_place(a, old, had, new_size))
		return old;
	at = reserve(a, new_size);
	if (at && old)
		memcpy(at, old, old_size);
	return at;
}

void arena_shrink(struct arena *a, void *piece, size_t old_size, size_t new_size)
{
	struct arena_block *block = a->blocks;
	size_t had = round_up(old_size), keep = round_up(new_size);

	if (!block || keep >= had || (char *)piece + had != block->data + block->used)
		return;
	block->used -= had - keep;
	a->used -= had - keep;
}

struct str arena_copy(struct arena *a, struct str s)
{
	char *copy = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;

	if (!copy)
		return (struct str){NULL, 0};
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	return str_make(copy, s.len);
}

struct str arena_join(struct arena *a, const struct str *parts, size_t count)
{
	size_t length = 0;
	char *text, *at;

	for (size_t i = 0; i < count; i++)
		if (__builtin_add_overflow(length, parts[i].len, &length))
			return (struct str){NULL, 0};
	text = length < SIZE_MAX ? arena_alloc(a, length + 1) : NULL;
	if (!text)
		return (struct str){NULL, 0};
	at = text;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len)
			memcpy(at, parts[i].ptr, parts[i].len);
		at += parts[i].len;
	}
	return str_make(text, length);
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int wanted;

	va_start(args, format);
	wanted = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = wanted < 0 ? NULL : arena_alloc(a, (size_t)wanted + 1);
	if (!text)
		return (struct str){NULL, 0};
	va_start(args, format);
	(void)vsnprintf(text, (size_t)wanted + 1, format, args);
	va_end(args);
	return str_make(text, (size_t)wanted);
}

bool arena_error(const struct arena *a, struct err *e, const char *full)
{
	return a->starved ? err_no_memory(e) : err_set(e, ERR_TOO_LARGE, "%s", full);
}
