/* The reference for verifications: a gpgme context over a private home with one key, and nothing else. */
#ifndef SEALGATE_TESTS_BENCH_GPG_BARE_H
#define SEALGATE_TESTS_BENCH_GPG_BARE_H

#include "base/str.h"

struct gpg_bare;

/* In a home like those of the verify worker, below `directory`. Ends the program when gpgme can't be used. */
struct gpg_bare *gpg_bare_open(const char *directory, struct str key);
/* Ends the program when the signature isn't good. */
void gpg_bare_verify(struct gpg_bare *gpg, struct str message);
void gpg_bare_close(struct gpg_bare *gpg);

#endif
