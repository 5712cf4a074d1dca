/* sealgated --check-sandbox: what must not work in server and worker is tried, once in a process that is confined as
 * they are and once in one that isn't. */
#ifndef SEALGATE_SERVER_SANDBOX_CHECK_H
#define SEALGATE_SERVER_SANDBOX_CHECK_H

#include <stdio.h>

#include "server/config.h"

/* Writes a table of process, measure and one of
 *	yes      refused to the confined process, and works in one that isn't;
 *	no       works in both;
 *	already  refused in both: something around this process sees to it;
 *	missing  works in both, because this kernel offers no means; the reason follows;
 *	unknown  could not be tried; the reason follows;
 * then the places and ports that the server is left with, and one line that sums up. True when each line says "yes"
 * or "already". Makes and removes a directory below $TMPDIR. */
bool sandbox_check(const struct config *config, FILE *out) MUST_USE;

#endif
