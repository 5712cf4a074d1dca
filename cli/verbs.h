/* The table of verbs: finding one, and what --help and the manual say about all. */
#ifndef SEALGATE_CLI_VERBS_H
#define SEALGATE_CLI_VERBS_H

#include "cli/verb.h"

/* The verb that argv[1] (and argv[2]) name; *words is how many of them. NULL when there is none. */
const struct verb *verbs_find(int argc, char **argv, int *words);
/* Appends what was asked for and, when one is close, the verb that was probably meant. */
void verbs_unknown(int argc, char **argv, struct buf *out);

/* The verbs in the order of --help; NULL past the last. */
const struct verb *verbs_at(size_t index);
/* Appends the text of `sealgate --help`. */
void verbs_help(struct buf *out);
/* Appends sealgate(1): all verbs, in roff. */
void verbs_man(struct buf *out);

#endif
