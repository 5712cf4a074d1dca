/* The head of a request, from the texts into which libmicrohttpd cuts its own buffer: it puts 0 bytes where a line or a
 * target ended, tells each text up to its first 0 byte, and says nothing about what lies between. That is looked at
 * here, so that no byte of a head is passed over: one that a proxy before us may have read otherwise is refused. */
#ifndef SEALGATE_SERVER_HTTP_HEAD_H
#define SEALGATE_SERVER_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* The headers that are read, each at most once; ptr NULL: absent. They point into libmicrohttpd's buffer. */
struct http_head {
	struct str host, content_length, transfer_encoding, content_encoding, content_type, authorization;
	/* private */
	const char *version;
	const char *end; /* of the last line, before its CRLF */
	bool unclear;
};

/* The request line. `target` is where its text begins in the buffer, `length` how long it was. */
struct http_head http_head_make(const char *target, size_t length, const char *version);
/* The next header; `value` may be NULL. */
void http_head_add(struct http_head *head, const char *name, const char *value);
/* After the last header: NULL, or why the head can't be answered. `start` is where it begins and `size` what it takes,
 * the empty line included. Refused are bytes that no text holds (a 0 byte and what follows it, a line that does not end
 * in CRLF), a CR within a line, a folded line, blanks before a colon, a header that is read and comes twice, HTTP/1.1
 * without Host, and a body whose length is told in two ways or by another transfer coding than chunked. */
const char *http_head_fault(const struct http_head *head, const char *start, size_t size);
/* True when the body is coded, which nothing here undoes. */
bool http_head_is_coded(const struct http_head *head);

#endif
