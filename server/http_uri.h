/* The request target as sent, taken apart: a path and parameters, both decoded. */
#ifndef SEALGATE_SERVER_HTTP_URI_H
#define SEALGATE_SERVER_HTTP_URI_H

#include "server/http.h"

/* Fills path, query and query_count of `request` from `target`: origin form, absolute form, or "*". Texts are in the
 * request's arena. "+" is a space in parameters only. ERR_INVALID: no leading "/", a broken or NUL escape, more than
 * LIMIT_QUERY_PARAMETERS parameters. */
bool http_uri_parse(struct str target, struct http_request *request, struct err *e) MUST_USE;

#endif
