/* The query of a list that is read page by page. */
#ifndef SEALGATE_SERVER_SCAN_QUERY_H
#define SEALGATE_SERVER_SCAN_QUERY_H

#include "base/buf.h"

/* Tokens to go on with, bytes: what is longer fits no request any more. */
#define SCAN_TOKEN_MAX 2048u
/* A path with such a query. */
#define SCAN_PATH_MAX 8192u

/* Appends "?limit=LIMIT", then "&labelSelector=SELECTOR" (encoded by the caller; NULL: none) and "&continue=TOKEN" (as
 * the API server gave it; "": the first page). */
void scan_query_add(struct buf *path, unsigned limit, const char *selector, struct str token);

#endif
