#include "server/http_head.h"

#include <stdint.h>

/* What ends a line, and the whole head. */
#define LINE_END 2u
#define HEAD_END (2 * LINE_END)

static bool is_apart(const char *before, const char *after, size_t distance)
{
	return (uintptr_t)after == (uintptr_t)before + distance;
}

struct http_head http_head_make(const char *target, size_t length, const char *version)
{
	struct http_head head = {.version = version, .end = version + strlen(version)};
	head.unclear = !is_apart(target, version, length + 1);
	return head;
}

static struct str *slot_of(struct http_head *head, struct str name)
{
	const struct {
		const char *name;
		struct str *slot;
	} slots[] = {{"host", &head->host},
		     {"content-length", &head->content_length},
		     {"transfer-encoding", &head->transfer_encoding},
		     {"content-encoding", &head->content_encoding},
		     {"content-type", &head->content_type},
		     {"authorization", &head->authorization}};
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (str_eq_nocase(name, str_of(slots[i].name)))
			return slots[i].slot;
	return NULL;
}

/* A folded line is added to the header's name; a name has no blanks, and a CR alone is no end of a line to everybody.
 */
static bool is_one_line(const char *name, const char *value)
{
	const char *after = value;
	while ((uintptr_t)after > (uintptr_t)name && (after[-1] == ' ' || after[-1] == '\t'))
		after--;
	return is_apart(name, after, strlen(name) + 1) && !strpbrk(name, " \t\r") && !strchr(value, '\r');
}

void http_head_add(struct http_head *head, const char *name, const char *value)
{
	struct str *slot = slot_of(head, str_of(name));
	if (!value || !is_one_line(name, value) || !is_apart(head->end, name, LINE_END) || (slot && slot->ptr))
		head->unclear = true;
	if (slot)
		*slot = str_of(value);
	if (value)
		head->end = value + strlen(value);
}

const char *http_head_fault(const struct http_head *head, const char *start, size_t size)
{
	bool chunked = head->transfer_encoding.ptr != NULL;
	if (head->unclear || !is_apart(head->end, start + size, HEAD_END))
		return "a header is doubled or folded, or the head holds a 0 byte or a line that does not end in CRLF";
	if (chunked && (!str_eq_nocase(head->transfer_encoding, STR("chunked")) || head->content_length.ptr))
		return "the length of the body is ambiguous";
	if (!head->host.ptr && strcmp(head->version, "HTTP/1.1") == 0)
		return "there is no Host header";
	return NULL;
}

bool http_head_is_coded(const struct http_head *head)
{
	return head->content_encoding.ptr && !str_eq_nocase(head->content_encoding, STR("identity"));
}
