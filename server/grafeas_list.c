#include "base/limits.h"
#include "base/utf8.h"
#include "server/grafeas_call.h"

#define SIZE_SHOWN_MAX 32
/* A page holds one row beyond its limit of bytes, and the list of its rows. */
#define LIST_MEMORY (2u * LIMIT_PAGE_BYTES)

static bool page_size(struct str text, size_t *out, struct err *e)
{
	size_t value = 0;

	if (text.len && text.ptr[0] == '-')
		return err_set(e, ERR_INVALID, "page size %.*s must not be negative",
			       STR_ARG(str_head(text, SIZE_SHOWN_MAX)));
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return err_set(e, ERR_INVALID, "page size \"%.*s\" is not a number",
				       STR_ARG(str_head(text, SIZE_SHOWN_MAX)));
		value = value > LIMIT_PAGE_SIZE ? value : value * 10 + (size_t)(text.ptr[i] - '0');
	}
	if (text.len == 0)
		return err_set(e, ERR_INVALID, "page size is empty");
	if (value > LIMIT_PAGE_SIZE)
		return err_set(e, ERR_INVALID, "page size is larger than %u", LIMIT_PAGE_SIZE);
	*out = value ? value : LIMIT_PAGE_DEFAULT;
	return true;
}

static bool page_asked(const struct grafeas_call *call, struct page *page, struct err *e)
{
	struct str size, token;

	if (!call_query(call, "pageSize", &size, e) || !call_query(call, "pageToken", &token, e))
		return false;
	page->limit = LIMIT_PAGE_DEFAULT;
	page->token = token;
	if (!utf8_valid(token))
		return err_set(e, ERR_INVALID, "bad page token");
	return !size.ptr || page_size(size, &page->limit, e);
}

static bool write_rows(const char *key, const struct message *m, const struct row_list *rows, struct buf *out,
		       struct err *e)
{
	buf_printf(out, "{\"%s\":[", key);
	for (size_t i = 0; i < rows->count; i++) {
		if (i)
			buf_add_char(out, ',');
		if (!call_answer_text(m, rows->json[i], out, e))
			return false;
	}
	buf_add_char(out, ']');
	if (rows->next.len) {
		buf_add_c(out, ",\"nextPageToken\":");
		buf_add_json_string(out, rows->next);
	}
	buf_add_char(out, '}');
	return buf_ok(out, e);
}

static bool list_once(struct grafeas_call *call, struct page page, const char *key, const struct message *m,
		      call_rows *read, struct buf *out, struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(LIST_MEMORY);
	struct row_list rows = {0};

	return read(call, page, &arena, &rows, e) && write_rows(key, m, &rows, out, e);
}

bool call_list(struct grafeas_call *call, const char *key, const struct message *m, call_rows *read, struct buf *out,
	       struct err *e)
{
	struct page page;

	if (!page_asked(call, &page, e))
		return false;
	for (;;) {
		if (list_once(call, page, key, m, read, out, e))
			return true;
		if (e->kind != ERR_TOO_LARGE || page.limit == 1)
			return false;
		page.limit /= 2;
		buf_clear(out);
	}
}
