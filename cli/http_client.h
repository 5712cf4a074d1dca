/* Requests to a sealgated server, one at a time. */
#ifndef SEALGATE_CLI_HTTP_CLIENT_H
#define SEALGATE_CLI_HTTP_CLIENT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/options.h"

/* How the server is reached: flags of every verb that talks to one. */
struct server_options {
	const char *url;
	const char *ca;
	const char *certificate;
	const char *key;
	const char *token_file;
};

#define SERVER_ROW(owner, member, field, option, word, text)                                                 \
	{                                                                                                    \
		.name = option, .type = OPTION_TEXT, .offset = offsetof(owner, member.field), .value = word, \
		.help = text,                                                                                \
	}
/* The rows of the struct server_options `member` in the table of a verb whose option struct is `owner`. */
#define SERVER_ROWS(owner, member)                                                                      \
	SERVER_ROW(owner, member, url, "server", "URL",                                                 \
		   "the API of sealgated: http://127.0.0.1:8080, https://HOST:PORT"),                   \
		SERVER_ROW(owner, member, ca, "cacert", "FILE",                                         \
			   "the CA of the server's certificate, in PEM, instead of the system's"),      \
		SERVER_ROW(owner, member, certificate, "cert", "FILE", "a client certificate, in PEM"), \
		SERVER_ROW(owner, member, key, "client-key", "FILE", "the key of --cert"),              \
		SERVER_ROW(owner, member, token_file, "token-file", "FILE",                             \
			   "a file that holds a bearer token; without it SEALGATE_TOKEN is sent when it is set")

struct http_client;

struct http_answer {
	int status;
	struct buf body; /* at most HTTP_ANSWER_MAX bytes */
};

#define HTTP_ANSWER_MAX (8u * 1024 * 1024)

/* A client for the server of the options. ERR_INVALID for a URL that is not http(s)://HOST[:PORT], a token that is not
 * one line, and a token over plain HTTP to another machine. NULL on failure. */
struct http_client *http_client_new(const struct server_options *options, struct err *e);
void http_client_free(struct http_client *client);

/* Sends `body` (ptr NULL: none) and gives the answer, whatever its status; redirects are not followed. The caller
 * releases answer->body. False when there is no answer: ERR_UNAVAILABLE, ERR_TIMEOUT (30 s), ERR_TOO_LARGE, with the
 * server's name and what to do. */
bool http_client_call(struct http_client *client, const char *method, const char *path, struct str body,
		      struct http_answer *answer, struct err *e) MUST_USE;
/* True for 2xx; otherwise the error that the status stands for, with the server's own words and what to do. */
bool http_answer_ok(const struct http_client *client, const struct http_answer *answer, struct err *e) MUST_USE;

void http_answer_release(struct http_answer *answer);
CLEANUP_VALUE(http_answer, struct http_answer, http_answer_release)
CLEANUP_POINTER(http_client, struct http_client, http_client_free)

#endif
