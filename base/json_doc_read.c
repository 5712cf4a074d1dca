#include "base/json_doc.h"

#include <string.h>
#if defined(__SSE2__) && !defined(__FRAMAC__)
#define USE_SSE2 1
#include <emmintrin.h>
#endif

#include "base/json_escape.h"
#include "base/json_keys.h"
#include "base/json_node.h"
#include "base/limits.h"
#include "base/utf8.h"

/* Names of a json_skip beyond these are recorded like any other. */
#define SKIP_NAMES 16u

struct frame {
	uint32_t node; /* JSON_NONE below a skipped member */
	uint32_t last; /* its newest recorded child, or JSON_NONE */
	struct object_keys keys;
	bool is_map;
	bool quiet; /* its children are not recorded */
	bool empty; /* nothing was read in it yet */
};

struct reader {
	const char *text;
	const char *end;
	struct frame *top; /* the innermost; frames[0] holds the root */
	struct json_node *nodes;
	uint32_t count;
	uint32_t capacity;
	struct json_keys keys;
	uint32_t skip_hashes[SKIP_NAMES];
	uint64_t skip_marks; /* a bit for each hash, so that most keys need one look */
	const struct json_skip *skip;
	size_t skip_count;
	struct frame frames[LIMIT_JSON_DEPTH + 1];
	const char *wrong_at;
	const char *wrong;
	enum err_kind wrong_kind;
};

/* Every reading function returns where it stopped, NULL when something is wrong. */
static const char *fail_kind(struct reader *r, const char *at, enum err_kind kind, const char *what)
{
	r->wrong_at = at;
	r->wrong = what;
	r->wrong_kind = kind;
	return NULL;
}

static const char *fail(struct reader *r, const char *at, const char *what)
{
	return fail_kind(r, at, ERR_INVALID, what);
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

static inline const char *skip_space(const struct reader *r, const char *at)
{
	return at < r->end && (unsigned char)*at > ' ' ? at : skip_blanks(at, r->end);
}

/* Marks the bytes of a word that end a run of plain string bytes: controls, '"', '\\' and what is not ASCII. The lowest
 * mark is exact; `WORD_BITS` is how many bits a byte has in the marks. */
#ifdef USE_SSE2
typedef __m128i word;
#define WORD_BITS 1

/* Bytes compare as signed: what is not ASCII is less than a space too. */
static inline unsigned special_bytes(word w)
{
	word marks = _mm_cmplt_epi8(w, _mm_set1_epi8(0x20));

	marks = _mm_or_si128(marks, _mm_cmpeq_epi8(w, _mm_set1_epi8('"')));
	marks = _mm_or_si128(marks, _mm_cmpeq_epi8(w, _mm_set1_epi8('\\')));
	return (unsigned)_mm_movemask_epi8(marks);
}
#else
typedef uint64_t word;
#define WORD_BITS 8
#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

static inline uint64_t special_bytes(word w)
{
	uint64_t quote, backslash;

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	quote = w ^ ONES * '"';
	backslash = w ^ ONES * '\\';
	return (((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((w - ONES * 0x20) & ~w) | w) & HIGHS;
}
#endif

/* The first byte at or after `at` that is not plain, or the end. */
static inline const char *plain_run(const char *at, const char *end)
{
	while (end - at >= (ptrdiff_t)sizeof(word)) {
		word w;
		uint64_t marks;

		memcpy(&w, at, sizeof(w));
		marks = special_bytes(w);
		if (marks)
			return at + __builtin_ctzll(marks) / WORD_BITS;
		at += sizeof(word);
	}
	while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

static const char *read_long_escape(struct reader *r, const char *at)
{
	const char *after = at + 1;

	if (after == r->end)
		return fail(r, at, "the string does not end");
	if (*after != 'u')
		return fail(r, at, "this is not an escape of JSON");
	return json_unicode_escape(&after, r->end) < 0 ? fail(r, at, "this is not a Unicode character") : after;
}

/* What interrupts a run of plain bytes, other than the closing quote. */
__attribute__((noinline)) static const char *read_special(struct reader *r, const char *at, bool *escaped)
{
	size_t width;

	if (*at == '\\') {
		*escaped = true;
		if (r->end - at >= 2 && json_short_escapes[(unsigned char)at[1]])
			return at + 2;
		return read_long_escape(r, at);
	}
	if ((unsigned char)*at < 0x20)
		return fail(r, at, "a control character in a string");
	width = utf8_sequence(str_make(at, (size_t)(r->end - at)));
	return width ? at + width : fail(r, at, "this is not UTF-8");
}

/* `at` stands behind the opening quote; returns the closing one. */
static inline const char *read_string(struct reader *r, const char *at, bool *escaped)
{
	const char *start = at - 1;

	do {
		at = plain_run(at, r->end);
		if (at == r->end)
			return fail(r, start, "the string does not end");
		if (*at == '"')
			return at;
		at = read_special(r, at, escaped);
	} while (at);
	return NULL;
}

static const char *read_digits(struct reader *r, const char *at)
{
	const char *start = at;

	while (at < r->end && *at >= '0' && *at <= '9')
		at++;
	return at > start ? at : fail(r, start, "a digit is missing");
}

static const char *read_number(struct reader *r, const char *at)
{
	if (*at == '-')
		at++;
	if (at < r->end && *at == '0')
		at++;
	else
		at = read_digits(r, at);
	if (at && at < r->end && *at == '.')
		at = read_digits(r, at + 1);
	if (at && at < r->end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < r->end && (*at == '+' || *at == '-'))
			at++;
		at = read_digits(r, at);
	}
	return at;
}

static const char *read_word(struct reader *r, const char *at)
{
	static const struct str words[] = {{"null", 4}, {"true", 4}, {"false", 5}};
	struct str rest = str_make(at, (size_t)(r->end - at));

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_starts_with(rest, words[i]))
			return at + words[i].len;
	return fail(r, at, at == r->end ? "a value is missing" : "this is not a value");
}

static const char *read_number_or_word(struct reader *r, const char *at)
{
	return *at == '-' || (*at >= '0' && *at <= '9') ? read_number(r, at) : read_word(r, at);
}

__attribute__((always_inline)) static inline const char *read_scalar(struct reader *r, const char *at)
{
	bool escaped;

	if (*at != '"')
		return read_number_or_word(r, at);
	at = read_string(r, at + 1, &escaped);
	return at ? at + 1 : NULL;
}

/* A node for the value at `at`, JSON_NONE where nothing is recorded. False when the arena can't hold it. */
static inline bool record(struct reader *r, const char *at, uint32_t key, uint32_t *node)
{
	struct frame *parent = r->top;

	*node = JSON_NONE;
	if (parent->quiet)
		return true;
	if (r->count == r->capacity)
		return false;
	*node = r->count++;
	parent->last = *node;
	r->nodes[*node] = (struct json_node){.offset = (uint32_t)(at - r->text), .key = key, .end = *node + 1};
	return true;
}

static const char *open_container(struct reader *r, const char *at, uint32_t node, bool skipped)
{
	struct frame *parent = r->top;

	if (parent == &r->frames[LIMIT_JSON_DEPTH])
		return fail(r, at, "nested too deeply");
	*++r->top = (struct frame){
		.node = node,
		.last = JSON_NONE,
		.keys = json_keys_begin(&r->keys),
		.is_map = *at == '{',
		.quiet = parent->quiet || skipped,
		.empty = true,
	};
	return at + 1;
}

/* Of a container: it ends at once, and may be there at all. */
static inline bool is_empty(const struct reader *r, const char *at)
{
	return r->end - at >= 2 && at[1] == *at + ('}' - '{') && r->top != &r->frames[LIMIT_JSON_DEPTH];
}

__attribute__((always_inline)) static inline const char *read_value(struct reader *r, const char *at, uint32_t key,
								    bool skipped)
{
	uint32_t node;
	const char *after;
	bool container;

	if (at == r->end)
		return fail(r, at, "a value is missing");
	if (!record(r, at, key, &node))
		return fail_kind(r, at, ERR_TOO_LARGE, "the document has too many values");
	container = *at == '{' || *at == '[';
	if (container && !is_empty(r, at)) {
		after = open_container(r, at, node, skipped);
	} else {
		after = container ? at + 2 : read_scalar(r, at);
		if (after && node != JSON_NONE)
			r->nodes[node].size = (uint32_t)(after - at);
	}
	if (skipped && node != JSON_NONE)
		r->nodes[node].end |= NODE_SKIPPED;
	return after;
}

static const char stands_twice[] = "this key stands twice in its object";

static const char *close_container(struct reader *r, const char *at)
{
	struct frame *f = r->top;
	uint32_t twice;

	at++;
	if (f->last != JSON_NONE)
		r->nodes[f->last].end |= NODE_LAST;
	if (f->node != JSON_NONE) {
		struct json_node *node = &r->nodes[f->node];

		node->size = (uint32_t)(at - r->text) - node->offset;
		node->end = (node->end & ~NODE_END_MASK) | r->count;
	}
	r->top--;
	if (f->is_map && !json_keys_end(&r->keys, &f->keys, &twice))
		return fail(r, r->text + twice - 1, stands_twice);
	return at;
}

static inline bool is_skipped(const struct reader *r, const struct seen_key *key)
{
	if (!(r->skip_marks >> (key->hash & 63) & 1))
		return false;
	for (size_t i = 0; i < r->skip_count; i++)
		if (r->skip_hashes[i] == key->hash && !key->escaped &&
		    str_eq_c(str_make(r->text + key->offset, key->length), r->skip->names[i]))
			return true;
	return false;
}

static inline const char *read_member(struct reader *r, const char *at)
{
	const struct seen_key *key;
	const char *quote;
	bool escaped = false, twice;

	if (at == r->end || *at != '"')
		return fail(r, at, "a key is missing");
	quote = read_string(r, at + 1, &escaped);
	if (!quote)
		return NULL;
	key = json_keys_add(&r->keys, &r->top->keys, str_make(at + 1, (size_t)(quote - at - 1)), escaped, &twice);
	if (!key)
		return fail_kind(r, at, ERR_INTERNAL, "out of memory");
	if (twice)
		return fail(r, at, stands_twice);
	quote = skip_space(r, quote + 1);
	if (quote == r->end || *quote != ':')
		return fail(r, quote, "a colon is missing");
	return read_value(r, skip_space(r, quote + 1), (uint32_t)(at - r->text), is_skipped(r, key));
}

/* To the next child of `f`, the innermost container; *ended: to its end instead. */
static inline const char *find_next(struct reader *r, struct frame *f, const char *at, bool *ended)
{
	bool was_empty = f->empty;

	at = skip_space(r, at);
	if (at == r->end)
		return fail(r, at, f->is_map ? "the object does not end" : "the list does not end");
	*ended = *at == (f->is_map ? '}' : ']');
	if (*ended || was_empty) {
		f->empty = false;
		return at;
	}
	return *at == ',' ? skip_space(r, at + 1) : fail(r, at, "a comma is missing");
}

/* The children of the innermost container, until it ends or another one opens. */
static const char *read_members(struct reader *r, struct frame *f, const char *at)
{
	bool ended;

	do {
		at = find_next(r, f, at, &ended);
		if (at)
			at = ended ? close_container(r, at) : read_member(r, at);
	} while (at && r->top == f);
	return at;
}

static const char *read_elements(struct reader *r, struct frame *f, const char *at)
{
	bool ended;

	do {
		at = find_next(r, f, at, &ended);
		if (at)
			at = ended ? close_container(r, at) : read_value(r, at, 0, false);
	} while (at && r->top == f);
	return at;
}

static bool read_document(struct reader *r)
{
	const char *at;

	r->frames[0] = (struct frame){.node = JSON_NONE, .last = JSON_NONE};
	at = read_value(r, skip_space(r, r->text), 0, false);
	while (at && r->top != r->frames)
		at = r->top->is_map ? read_members(r, r->top, at) : read_elements(r, r->top, at);
	if (!at)
		return false;
	r->nodes[0].end |= NODE_LAST;
	at = skip_space(r, at);
	return at == r->end || fail(r, at, "text after the end of the document");
}

/* Every value but the root is the first of its container or follows a comma, so a count of those bytes bounds the
 * nodes; what stands in strings makes it larger, never smaller. */
static size_t most_nodes(struct str text)
{
	typedef unsigned char bytes16 __attribute__((vector_size(16)));
	size_t count = 1, at = 0;

	while (text.len - at >= 16) {
		size_t rounds = (text.len - at) / 16;
		bytes16 sums = {0};

		if (rounds > 255)
			rounds = 255;
		for (size_t i = 0; i < rounds; i++, at += 16) {
			bytes16 block;

			memcpy(&block, text.ptr + at, sizeof(block));
			sums -= (bytes16)(block == ',') | (bytes16)((block | 0x20) == '{');
		}
		for (int i = 0; i < 16; i++)
			count += sums[i];
	}
	for (; at < text.len; at++)
		count += text.ptr[at] == ',' || (text.ptr[at] | 0x20) == '{';
	return count;
}

static bool report(const struct reader *r, struct err *e)
{
	size_t line = 1;
	const char *start = r->text;

	for (const char *at = r->text; at < r->wrong_at; at++)
		if (*at == '\n') {
			line++;
			start = at + 1;
		}
	return err_set(e, r->wrong_kind, "line %zu, column %zu: %s", line, (size_t)(r->wrong_at - start) + 1, r->wrong);
}

static void note_skipped(struct reader *r, const struct json_skip *skip)
{
	r->skip = skip;
	r->skip_count = !skip ? 0 : skip->count < SKIP_NAMES ? skip->count : SKIP_NAMES;
	r->skip_marks = 0;
	for (size_t i = 0; i < r->skip_count; i++) {
		struct str name = str_of(skip->names[i]);

		r->skip_hashes[i] = json_key_hash(name, name.ptr + name.len);
		r->skip_marks |= (uint64_t)1 << (r->skip_hashes[i] & 63);
	}
}

static bool reserve_nodes(struct reader *r, struct str text, struct arena *arena)
{
	size_t room = (arena->max - arena->used) / sizeof(struct json_node);
	size_t wanted = most_nodes(text);

	if (wanted > room)
		wanted = room;
	if (wanted > NODE_END_MASK)
		wanted = NODE_END_MASK;
	r->capacity = (uint32_t)wanted;
	r->nodes = wanted ? arena_grow(arena, NULL, 0, wanted * sizeof(struct json_node)) : NULL;
	return r->nodes != NULL;
}

bool json_doc_parse(struct str text, const struct json_skip *skip, struct arena *arena, struct json_doc *out,
		    struct err *e)
{
	struct reader r;
	bool good;

	if (text.len >= UINT32_MAX)
		return err_set(e, ERR_TOO_LARGE, "the document is larger than 4 GiB");
	r.text = text.ptr ? text.ptr : "";
	r.end = r.text + text.len;
	r.count = 0;
	r.keys = (struct json_keys){.text = r.text, .end = r.end};
	r.top = r.frames;
	note_skipped(&r, skip);
	if (!reserve_nodes(&r, text, arena))
		return arena_error(arena, e, "there is no room for the document");
	good = read_document(&r);
	json_keys_release(&r.keys);
	arena_shrink(arena, r.nodes, r.capacity * sizeof(*r.nodes), good ? r.count * sizeof(*r.nodes) : 0);
	if (!good)
		return report(&r, e);
	*out = (struct json_doc){.text = text, .nodes = r.nodes, .count = r.count};
	return true;
}
