#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/json_doc.h"

#define DOC_MEMORY 9
#define ZERO_ESCAPE "\\u0000"
#define REPLACEMENT_ESCAPE "\\ufffd"
#define ESCAPE_LENGTH (sizeof(ZERO_ESCAPE) - 1)

/* Where the string that begins at `at` ends; its zero bytes are replaced on the way. */
static char *pass_string(char *at)
{
	for (at++; *at != '"'; at++) {
		if (*at != '\\')
			continue;
		if (strncmp(at, ZERO_ESCAPE, ESCAPE_LENGTH) == 0)
			memcpy(at, REPLACEMENT_ESCAPE, ESCAPE_LENGTH);
		at++;
	}
	return at + 1;
}

static bool is_whole_number(const char *at, size_t length)
{
	return memchr(at, '.', length) == NULL && memchr(at, 'e', length) == NULL && memchr(at, 'E', length) == NULL;
}

/* Where the number that begins at `at` ends. One that is too large for an integer gets a point, and is none any more.
 */
static char *pass_number(char *at)
{
	size_t length = strspn(at, "-+.eE0123456789");

	errno = 0;
	(void)strtoll(at, NULL, 10);
	if (errno == ERANGE && is_whole_number(at, length))
		at[*at == '-' ? 2 : 1] = '.';
	return at + length;
}

/* Of a document that is right. */
static void make_readable(char *text)
{
	while (*text) {
		if (*text == '"')
			text = pass_string(text);
		else if (*text == '-' || (*text >= '0' && *text <= '9'))
			text = pass_number(text);
		else
			text++;
	}
}

static bool is_right(struct str text, struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(text.len * DOC_MEMORY + 1024);
	struct json_doc doc;

	return json_doc_parse(text, NULL, &arena, &doc, e);
}

bool json_read_foreign(struct str text, json_t **out, struct err *e)
{
	cleanup(memory) char *copy = NULL;
	struct err unread = ERR_INIT;
	json_error_t wrong;
	json_t *value;

	if (json_read(text, out, &unread))
		return true;
	if (!is_right(text, e))
		return false;
	copy = strndup(text.ptr, text.len);
	if (!copy)
		return err_no_memory(e);
	make_readable(copy);
	value = json_loadb(copy, text.len, JSON_DECODE_ANY, &wrong);
	if (!value)
		return err_set(e, ERR_INVALID, "line %d, column %d: %s", wrong.line, wrong.column, wrong.text);
	*out = value;
	return true;
}
