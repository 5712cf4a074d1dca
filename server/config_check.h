/* --check-config: everything a start would load is loaded, nothing is opened or kept. */
#ifndef SEALGATE_SERVER_CONFIG_CHECK_H
#define SEALGATE_SERVER_CONFIG_CHECK_H

#include <stdio.h>

#include "server/config.h"

/* Checks policies, keys, tokens and certificates. Writes each error as a line to `errors` ("FILE: document N: PATH:
 * TEXT") and each warning ("warning: TEXT"); true when there was no error. Works in a temporary directory that is
 * removed again. Call before any thread exists: it starts a verify worker. */
bool config_check(const struct config *config, FILE *errors) MUST_USE;

#endif
