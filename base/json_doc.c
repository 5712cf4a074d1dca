#include "base/json_doc.h"

#include "base/limits.h"
#include "base/utf8.h"

#define END_MASK 0x3fffffffu
#define FLAG_SKIPPED 0x80000000u
#define FLAG_LAST 0x40000000u

/* Objects up to this many keys are compared pair by pair; larger ones are sorted. */
#define PAIRWISE_KEYS 32u
/* Names of a json_skip beyond these are recorded like any other. */
#define SKIP_NAMES 16u

struct json_node {
	uint32_t offset; /* of the value; its first byte tells the kind */
	uint32_t size;	 /* of the value as written */
	uint32_t key;	 /* offset of the key's opening quote; 0 for what is no member */
	uint32_t end;	 /* the node after this subtree, and two flags */
};

_Static_assert(sizeof(struct json_node) == 16, "four nodes in a cache line");

/* A key of an object that is still open. */
struct seen_key {
	uint32_t hash;
	uint32_t offset; /* of its first byte */
	uint32_t length; /* as written */
	bool escaped;
};

struct frame {
	uint32_t node; /* JSON_NONE below a skipped member */
	uint32_t last; /* its newest recorded child, or JSON_NONE */
	size_t keys;   /* how many keys were seen before it */
	bool is_map;
	bool quiet; /* its children are not recorded */
	bool empty; /* nothing was read in it yet */
};

struct reader {
	const char *text;
	const char *end;
	struct json_node *nodes;
	uint32_t count;
	uint32_t capacity;
	struct seen_key *keys;
	size_t key_count;
	size_t key_capacity;
	uint32_t skip_hashes[SKIP_NAMES];
	const struct json_skip *skip;
	size_t skip_count;
	unsigned depth; /* frames[depth] is the innermost; frames[0] holds the root */
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

static inline const char *skip_space(const struct reader *r, const char *at)
{
	while (at < r->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* ---- Strings as written, byte by byte as they are meant ---- */

struct unescaped {
	const char *at;
	const char *end;
	char pending[4]; /* the rest of an escape that stands for several bytes */
	unsigned char waiting;
	unsigned char next;
};

static struct unescaped unescaped_of(struct str raw)
{
	return (struct unescaped){.at = raw.ptr, .end = raw.ptr + raw.len};
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four digits at `at`; -1 when they are not. */
static int32_t hex_unit(const char *at, const char *end)
{
	int32_t unit = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(at[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* The code of "uXXXX" or "uXXXX\uXXXX" at `at`, which is moved behind it; -1 for a lone surrogate or bad digits. */
static int32_t unicode_escape(const char **at, const char *end)
{
	int32_t unit = hex_unit(*at + 1, end);
	int32_t low;

	if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return -1;
	*at += 5;
	if (unit < 0xd800 || unit > 0xdbff)
		return unit;
	if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return -1;
	low = hex_unit(*at + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*at += 6;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/* What the letter after a backslash stands for; 0 for none. */
static char short_escape(char c)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *at = c ? memchr(letters, c, sizeof(letters) - 1) : NULL;

	return at ? meanings[at - letters] : '\0';
}

/* The next byte of a string that was checked before; -1 at its end. */
static int unescaped_next(struct unescaped *u)
{
	if (u->next < u->waiting)
		return (unsigned char)u->pending[u->next++];
	if (u->at == u->end)
		return -1;
	if (*u->at != '\\')
		return (unsigned char)*u->at++;
	u->at++;
	if (*u->at != 'u')
		return (unsigned char)short_escape(*u->at++);
	u->waiting = (unsigned char)utf8_encode((uint32_t)unicode_escape(&u->at, u->end), u->pending);
	u->next = 1;
	return (unsigned char)u->pending[0];
}

/* ---- Keys: each only once in an object ---- */

/* Length, first and last eight bytes are enough: what collides is compared in full, after sorting. */
static uint32_t mix(uint64_t head, uint64_t tail, uint64_t length)
{
	uint64_t h = (head ^ length * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;

	h = (h ^ h >> 32 ^ tail) * 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(h >> 32);
}

static uint64_t load_be(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static uint32_t hash_plain(struct str key)
{
	uint64_t head = 0;

	if (key.len >= 8)
		return mix(load_be(key.ptr), load_be(key.ptr + key.len - 8), key.len);
	for (size_t i = 0; i < key.len; i++)
		head = head << 8 | (unsigned char)key.ptr[i];
	return mix(head, head, key.len);
}

static uint32_t hash_escaped(struct str raw)
{
	struct unescaped u = unescaped_of(raw);
	uint64_t head = 0, tail = 0, length = 0;

	for (int c; (c = unescaped_next(&u)) >= 0; length++) {
		tail = tail << 8 | (unsigned)c;
		if (length < 8)
			head = tail;
	}
	return mix(head, tail, length);
}

static struct str key_raw(const struct reader *r, const struct seen_key *k)
{
	return str_make(r->text + k->offset, k->length);
}

static int compare_keys(const struct reader *r, const struct seen_key *a, const struct seen_key *b)
{
	struct unescaped left, right;
	int x, y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (!a->escaped && !b->escaped)
		return str_compare(key_raw(r, a), key_raw(r, b));
	left = unescaped_of(key_raw(r, a));
	right = unescaped_of(key_raw(r, b));
	do {
		x = unescaped_next(&left);
		y = unescaped_next(&right);
	} while (x == y && x >= 0);
	return x - y;
}

static int compare_for_sort(const void *a, const void *b, void *reader)
{
	return compare_keys(reader, a, b);
}

static const char *refuse_repeated(struct reader *r, const struct seen_key *a, const struct seen_key *b)
{
	uint32_t later = a->offset > b->offset ? a->offset : b->offset;

	return fail(r, r->text + later - 1, "this key stands twice in its object");
}

static const char *check_few_keys(struct reader *r, const struct seen_key *keys, size_t count, const char *at)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (keys[i].hash == keys[j].hash && compare_keys(r, &keys[i], &keys[j]) == 0)
				return refuse_repeated(r, &keys[i], &keys[j]);
	return at;
}

/* Sorting by content bounds the work whatever the hashes are: no choice of keys makes it quadratic. */
static const char *check_many_keys(struct reader *r, struct seen_key *keys, size_t count, const char *at)
{
	qsort_r(keys, count, sizeof(*keys), compare_for_sort, r);
	for (size_t i = 1; i < count; i++)
		if (compare_keys(r, &keys[i - 1], &keys[i]) == 0)
			return refuse_repeated(r, &keys[i - 1], &keys[i]);
	return at;
}

static bool grow_keys(struct reader *r)
{
	size_t capacity = r->key_capacity ? r->key_capacity * 2 : 128;
	struct seen_key *keys = reallocarray(r->keys, capacity, sizeof(*keys));

	if (!keys)
		return false;
	r->keys = keys;
	r->key_capacity = capacity;
	return true;
}

static bool is_skipped(const struct reader *r, const struct seen_key *k)
{
	for (size_t i = 0; i < r->skip_count; i++)
		if (r->skip_hashes[i] == k->hash && !k->escaped && str_eq_c(key_raw(r, k), r->skip->names[i]))
			return true;
	return false;
}

/* ---- Tokens ---- */

#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* Marks the bytes of `w` that end a run of plain string bytes: controls, '"', '\\' and what is not ASCII. The lowest
 * mark is exact. */
static inline uint64_t special_bytes(uint64_t w)
{
	uint64_t quote = w ^ ONES * '"';
	uint64_t backslash = w ^ ONES * '\\';

	return (((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((w - ONES * 0x20) & ~w) | w) & HIGHS;
}

/* The first byte at or after `at` that is not plain, or the end. */
static inline const char *plain_run(const char *at, const char *end)
{
	while (end - at >= 8) {
		uint64_t word, marks;

		memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
		word = __builtin_bswap64(word);
#endif
		marks = special_bytes(word);
		if (marks)
			return at + (__builtin_ctzll(marks) >> 3);
		at += 8;
	}
	while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

static const char *read_escape(struct reader *r, const char *at)
{
	const char *after = at + 1;

	if (after == r->end)
		return fail(r, at, "the string does not end");
	if (*after == 'u')
		return unicode_escape(&after, r->end) < 0 ? fail(r, at, "this is not a Unicode character") : after;
	return short_escape(*after) ? after + 1 : fail(r, at, "this is not an escape of JSON");
}

/* `at` stands behind the opening quote; returns the closing one. */
static inline const char *read_string(struct reader *r, const char *at, bool *escaped)
{
	const char *start = at - 1;

	for (;;) {
		size_t width;

		at = plain_run(at, r->end);
		if (at == r->end)
			return fail(r, start, "the string does not end");
		if (*at == '"')
			return at;
		if (*at == '\\') {
			*escaped = true;
			at = read_escape(r, at);
			if (!at)
				return NULL;
			continue;
		}
		if ((unsigned char)*at < 0x20)
			return fail(r, at, "a control character in a string");
		width = utf8_sequence(str_make(at, (size_t)(r->end - at)));
		if (width == 0)
			return fail(r, at, "this is not UTF-8");
		at += width;
	}
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

static inline const char *read_scalar(struct reader *r, const char *at)
{
	bool escaped;

	if (*at == '"') {
		at = read_string(r, at + 1, &escaped);
		return at ? at + 1 : NULL;
	}
	if (*at == '-' || (*at >= '0' && *at <= '9'))
		return read_number(r, at);
	return read_word(r, at);
}

/* ---- The document ---- */

/* A node for the value at `at`, JSON_NONE where nothing is recorded. False when the arena can't hold it. */
static inline bool record(struct reader *r, const char *at, uint32_t key, uint32_t *node)
{
	struct frame *parent = &r->frames[r->depth];

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
	struct frame *parent = &r->frames[r->depth];

	if (r->depth == LIMIT_JSON_DEPTH)
		return fail(r, at, "nested too deeply");
	r->frames[++r->depth] = (struct frame){
		.node = node,
		.last = JSON_NONE,
		.keys = r->key_count,
		.is_map = *at == '{',
		.quiet = parent->quiet || skipped,
		.empty = true,
	};
	return at + 1;
}

static inline const char *read_value(struct reader *r, const char *at, uint32_t key, bool skipped)
{
	uint32_t node;
	const char *after;

	if (at == r->end)
		return fail(r, at, "a value is missing");
	if (!record(r, at, key, &node))
		return fail_kind(r, at, ERR_TOO_LARGE, "the document has too many values");
	if (*at == '{' || *at == '[') {
		after = open_container(r, at, node, skipped);
	} else {
		after = read_scalar(r, at);
		if (after && node != JSON_NONE)
			r->nodes[node].size = (uint32_t)(after - at);
	}
	if (skipped && node != JSON_NONE)
		r->nodes[node].end |= FLAG_SKIPPED;
	return after;
}

static const char *close_container(struct reader *r, const char *at)
{
	struct frame *f = &r->frames[r->depth];
	size_t first = f->keys, count = r->key_count - first;

	at++;
	if (f->last != JSON_NONE)
		r->nodes[f->last].end |= FLAG_LAST;
	if (f->node != JSON_NONE) {
		struct json_node *node = &r->nodes[f->node];

		node->size = (uint32_t)(at - r->text) - node->offset;
		node->end = (node->end & ~END_MASK) | r->count;
	}
	r->key_count = first;
	r->depth--;
	if (count < 2)
		return at;
	if (count <= PAIRWISE_KEYS)
		return check_few_keys(r, r->keys + first, count, at);
	return check_many_keys(r, r->keys + first, count, at);
}

static inline const char *read_member(struct reader *r, const char *at)
{
	struct seen_key *k;
	const char *quote;

	if (at == r->end || *at != '"')
		return fail(r, at, "a key is missing");
	if (r->key_count == r->key_capacity && !grow_keys(r))
		return fail_kind(r, at, ERR_INTERNAL, "out of memory");
	k = &r->keys[r->key_count++];
	k->escaped = false;
	quote = read_string(r, at + 1, &k->escaped);
	if (!quote)
		return NULL;
	k->offset = (uint32_t)(at + 1 - r->text);
	k->length = (uint32_t)(quote - at - 1);
	k->hash = k->escaped ? hash_escaped(key_raw(r, k)) : hash_plain(key_raw(r, k));
	quote = skip_space(r, quote + 1);
	if (quote == r->end || *quote != ':')
		return fail(r, quote, "a colon is missing");
	return read_value(r, skip_space(r, quote + 1), (uint32_t)(at - r->text), is_skipped(r, k));
}

/* One child of the innermost container, or its end. */
static inline const char *read_next(struct reader *r, const char *at)
{
	struct frame *f = &r->frames[r->depth];
	bool was_empty = f->empty;

	at = skip_space(r, at);
	if (at == r->end)
		return fail(r, at, f->is_map ? "the object does not end" : "the list does not end");
	if (*at == (f->is_map ? '}' : ']'))
		return close_container(r, at);
	f->empty = false;
	if (!was_empty) {
		if (*at != ',')
			return fail(r, at, "a comma is missing");
		at = skip_space(r, at + 1);
	}
	return f->is_map ? read_member(r, at) : read_value(r, at, 0, false);
}

static bool read_document(struct reader *r)
{
	const char *at;

	r->frames[0] = (struct frame){.node = JSON_NONE, .last = JSON_NONE};
	at = read_value(r, skip_space(r, r->text), 0, false);
	while (at && r->depth)
		at = read_next(r, at);
	if (!at)
		return false;
	r->nodes[0].end |= FLAG_LAST;
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
	for (size_t i = 0; i < r->skip_count; i++)
		r->skip_hashes[i] = hash_plain(str_of(skip->names[i]));
}

static bool reserve_nodes(struct reader *r, struct str text, struct arena *arena)
{
	size_t room = (arena->max - arena->used) / sizeof(struct json_node);
	size_t wanted = most_nodes(text);

	if (wanted > room)
		wanted = room;
	if (wanted > END_MASK)
		wanted = END_MASK;
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
	r.keys = NULL;
	r.key_count = r.key_capacity = 0;
	r.depth = 0;
	note_skipped(&r, skip);
	if (!reserve_nodes(&r, text, arena))
		return err_set(e, ERR_TOO_LARGE, "there is no room for the document");
	good = read_document(&r);
	free(r.keys);
	arena_shrink(arena, r.nodes, r.capacity * sizeof(*r.nodes), good ? r.count * sizeof(*r.nodes) : 0);
	if (!good)
		return report(&r, e);
	*out = (struct json_doc){.text = text, .nodes = r.nodes, .count = r.count};
	return true;
}

/* ---- Looking at it ---- */

enum json_kind json_doc_kind(const struct json_doc *doc, uint32_t node)
{
	const struct json_node *n = &doc->nodes[node];

	if (n->end & FLAG_SKIPPED)
		return JSON_NULL_VALUE;
	switch (doc->text.ptr[n->offset]) {
	case '{':
		return JSON_MAP;
	case '[':
		return JSON_LIST;
	case '"':
		return JSON_TEXT;
	case 't':
		return JSON_TRUE_VALUE;
	case 'f':
		return JSON_FALSE_VALUE;
	case 'n':
		return JSON_NULL_VALUE;
	default:
		return JSON_NUMBER;
	}
}

uint32_t json_doc_child(const struct json_doc *doc, uint32_t node)
{
	uint32_t end = doc->nodes[node].end & END_MASK;

	return node + 1 < end ? node + 1 : JSON_NONE;
}

uint32_t json_doc_next(const struct json_doc *doc, uint32_t node)
{
	uint32_t end = doc->nodes[node].end;

	return end & FLAG_LAST ? JSON_NONE : end & END_MASK;
}

uint32_t json_doc_size(const struct json_doc *doc, uint32_t node)
{
	uint32_t size = 0;

	for (uint32_t child = json_doc_child(doc, node); child != JSON_NONE; child = json_doc_next(doc, child))
		size++;
	return size;
}

struct str json_doc_raw(const struct json_doc *doc, uint32_t node)
{
	return str_make(doc->text.ptr + doc->nodes[node].offset, doc->nodes[node].size);
}

enum key_match { KEY_OTHER, KEY_SAME, KEY_SAME_BUT_CASE };

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* The content of the string whose opening quote is at `offset`, as written. */
static struct str string_raw(const struct json_doc *doc, uint32_t offset)
{
	const char *start = doc->text.ptr + offset + 1;
	const char *at = start;

	while (*at != '"')
		at += *at == '\\' ? 2 : 1;
	return str_make(start, (size_t)(at - start));
}

/* A byte of a key in lower case; U+017F and U+212A are s and k to readers that fold by Unicode. */
static int folded_next(struct unescaped *u)
{
	static const struct {
		unsigned char bytes[3];
		unsigned char rest;
		char letter;
	} folds[] = {{{0xc5, 0xbf, 0}, 1, 's'}, {{0xe2, 0x84, 0xaa}, 2, 'k'}};
	int c = unescaped_next(u);

	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		struct unescaped ahead = *u;
		bool all = c == folds[i].bytes[0];

		for (unsigned k = 1; all && k <= folds[i].rest; k++)
			all = unescaped_next(&ahead) == folds[i].bytes[k];
		if (all) {
			*u = ahead;
			return folds[i].letter;
		}
	}
	return lower(c);
}

static bool equals_unescaped(struct str raw, struct str name, bool fold)
{
	struct unescaped u = unescaped_of(raw);

	for (size_t i = 0; i < name.len; i++) {
		int wanted = (unsigned char)name.ptr[i];

		if (fold ? folded_next(&u) != lower(wanted) : unescaped_next(&u) != wanted)
			return false;
	}
	return unescaped_next(&u) < 0;
}

static enum key_match match_unescaped(struct str raw, struct str name)
{
	if (equals_unescaped(raw, name, false))
		return KEY_SAME;
	return equals_unescaped(raw, name, true) ? KEY_SAME_BUT_CASE : KEY_OTHER;
}

/* Most keys differ in their first bytes or are the same byte for byte; only the rest is unescaped. */
static enum key_match match_key(const struct json_doc *doc, uint32_t node, struct str name)
{
	uint32_t offset = doc->nodes[node].key;
	const char *key = doc->text.ptr + offset + 1;
	size_t i = 0;

	while (i < name.len && key[i] == name.ptr[i] && key[i] != '"' && key[i] != '\\')
		i++;
	if (i == name.len || key[i] == '"')
		return i == name.len && key[i] == '"' ? KEY_SAME : KEY_OTHER;
	if (key[i] != '\\' && (unsigned char)key[i] < 0x80 && lower(key[i]) != lower(name.ptr[i]))
		return KEY_OTHER;
	return match_unescaped(string_raw(doc, offset), name);
}

bool json_doc_member(const struct json_doc *doc, uint32_t node, struct str name, uint32_t *out, struct err *e)
{
	uint32_t found = JSON_NONE;

	if (node == JSON_NONE) {
		*out = JSON_NONE;
		return true;
	}
	if (json_doc_kind(doc, node) != JSON_MAP)
		return err_set(e, ERR_INVALID, "must be an object");
	for (uint32_t child = json_doc_child(doc, node); child != JSON_NONE; child = json_doc_next(doc, child)) {
		enum key_match match = match_key(doc, child, name);

		if (match == KEY_SAME_BUT_CASE)
			return err_set(e, ERR_INVALID, "has a key that is \"%.*s\" but for case", STR_ARG(name));
		if (match == KEY_SAME)
			found = child;
	}
	*out = found;
	return true;
}

static const char *kind_name(enum json_kind kind)
{
	static const char *const names[] = {
		[JSON_NULL_VALUE] = "null", [JSON_FALSE_VALUE] = "a boolean", [JSON_TRUE_VALUE] = "a boolean",
		[JSON_NUMBER] = "a number", [JSON_TEXT] = "a string",	      [JSON_LIST] = "a list",
		[JSON_MAP] = "an object",
	};

	return names[kind];
}

bool json_doc_member_of(const struct json_doc *doc, uint32_t node, struct str name, enum json_kind kind, uint32_t *out,
			struct err *e)
{
	uint32_t found;

	if (!json_doc_member(doc, node, name, &found, e))
		return false;
	if (found != JSON_NONE && json_doc_kind(doc, found) == JSON_NULL_VALUE && kind != JSON_NULL_VALUE)
		found = JSON_NONE;
	if (found != JSON_NONE && json_doc_kind(doc, found) != kind)
		return err_set(e, ERR_INVALID, "%.*s must be %s", STR_ARG(name), kind_name(kind));
	*out = found;
	return true;
}

/* `raw` without its escapes: itself when it has none. */
static bool unescape(struct str raw, struct arena *arena, struct str *out, struct err *e)
{
	struct unescaped u = unescaped_of(raw);
	size_t length = 0;
	char *copy;

	if (!memchr(raw.ptr, '\\', raw.len)) {
		*out = raw;
		return true;
	}
	copy = arena_grow(arena, NULL, 0, raw.len);
	if (!copy)
		return err_set(e, ERR_TOO_LARGE, "there is no room for the text");
	for (int c; (c = unescaped_next(&u)) >= 0;)
		copy[length++] = (char)c;
	*out = str_make(copy, length);
	return true;
}

bool json_doc_text_member(const struct json_doc *doc, uint32_t node, struct str name, struct arena *arena,
			  struct str *out, struct err *e)
{
	uint32_t found;

	if (!json_doc_member_of(doc, node, name, JSON_TEXT, &found, e))
		return false;
	if (found != JSON_NONE)
		return json_doc_text(doc, found, arena, out, e);
	*out = (struct str){NULL, 0};
	return true;
}

bool json_doc_key(const struct json_doc *doc, uint32_t node, struct arena *arena, struct str *out, struct err *e)
{
	return unescape(string_raw(doc, doc->nodes[node].key), arena, out, e);
}

bool json_doc_text(const struct json_doc *doc, uint32_t node, struct arena *arena, struct str *out, struct err *e)
{
	struct str raw = json_doc_raw(doc, node);

	return unescape(str_make(raw.ptr + 1, raw.len - 2), arena, out, e);
}
