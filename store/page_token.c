#include "store/page_token.h"

#include "base/codec.h"
#include "base/limits.h"

#define VERSION 1
#define NUMBER_SIZE 8u
#define HEAD_SIZE (2u + NUMBER_SIZE)
#define TOKEN_BYTES_MAX (HEAD_SIZE + LIMIT_ID)
#define TOKEN_TEXT_MAX (TOKEN_BYTES_MAX * 4 / 3 + 4)

bool page_by_sequence(enum store_listing listing)
{
	return listing == LIST_OCCURRENCES || listing == LIST_NOTE_OCCURRENCES;
}

static void add_number(struct buf *out, uint64_t number)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_add_char(out, (char)(number >> shift & 0xff));
}

static uint64_t read_number(struct str bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < NUMBER_SIZE; i++)
		number = number << 8 | (unsigned char)bytes.ptr[i];
	return number;
}

/* FNV-1a: tells lists apart by accident, not against malice. */
static uint64_t hash(struct str text)
{
	uint64_t value = 0xcbf29ce484222325u;

	for (size_t i = 0; i < text.len; i++)
		value = (value ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
	return value;
}

static void add_head(struct buf *out, enum store_listing listing, struct str scope)
{
	buf_add_char(out, VERSION);
	buf_add_char(out, (char)listing);
	add_number(out, hash(scope));
}

bool page_token_make(enum store_listing listing, struct str scope, struct page_key last, struct arena *arena,
		     struct str *token, struct err *e)
{
	cleanup(buf) struct buf bytes = buf_init(TOKEN_BYTES_MAX);
	cleanup(buf) struct buf text = buf_init(TOKEN_TEXT_MAX);
	struct str made;

	add_head(&bytes, listing, scope);
	if (page_by_sequence(listing))
		add_number(&bytes, (uint64_t)last.sequence);
	else
		buf_add(&bytes, last.id);
	if (!buf_ok(&bytes, e))
		return false;
	base64_encode(&text, buf_str(&bytes), BASE64_URL);
	if (!buf_ok(&text, e))
		return false;
	made = arena_copy(arena, buf_str(&text));
	if (!made.ptr)
		return err_no_memory(e);
	*token = made;
	return true;
}

static bool read_key(enum store_listing listing, struct str rest, struct arena *arena, struct page_key *after)
{
	if (page_by_sequence(listing)) {
		if (rest.len != NUMBER_SIZE || read_number(rest) > INT64_MAX)
			return false;
		*after = (struct page_key){STR(""), (int64_t)read_number(rest)};
		return after->sequence > 0;
	}
	*after = (struct page_key){arena_copy(arena, rest), 0};
	return rest.len > 0 && after->id.ptr;
}

bool page_token_read(enum store_listing listing, struct str scope, struct str token, struct arena *arena,
		     struct page_key *after, struct err *e)
{
	cleanup(buf) struct buf bytes = buf_init(TOKEN_BYTES_MAX);
	cleanup(buf) struct buf head = buf_init(HEAD_SIZE);
	struct page_key key = {STR(""), 0};

	if (token.len == 0) {
		*after = key;
		return true;
	}
	add_head(&head, listing, scope);
	if (!buf_ok(&head, e))
		return false;
	if (token.len > TOKEN_TEXT_MAX || !base64_decode(&bytes, token) || !buf_ok(&bytes, NULL) ||
	    !str_starts_with(buf_str(&bytes), buf_str(&head)) ||
	    !read_key(listing, str_skip(buf_str(&bytes), HEAD_SIZE), arena, &key))
		return err_set(e, ERR_INVALID, "bad page token");
	*after = key;
	return true;
}
