/* The private, throw-away home directory of gpg: its settings, and its removal. */
#ifndef SEALGATE_ATTEST_OPENPGP_HOME_H
#define SEALGATE_ATTEST_OPENPGP_HOME_H

#include "base/buf.h"
#include "base/err.h"

#define OPENPGP_HOME_PATH_MAX 1024
/* Keyrings of one home; gpg takes 40. */
#define OPENPGP_KEYRINGS_MAX 36u

/* All but the last start no gpg-agent and have no secret keys. */
enum openpgp_home_use {
	HOME_VERIFIES, /* keys are imported and verified under */
	HOME_IMPORTS,  /* keys are imported, as they are, and listed; the first call of gpg makes its trust database */
	HOME_REPAIRS,  /* the same, and signatures that stand behind the wrong part of a key are moved first */
	HOME_LOADED,   /* gets keyrings from openpgp_home_load */
	HOME_SIGNS,    /* may start a gpg-agent of its own, ended by openpgp_home_remove */
};

/* What gpg wrote in a home that imports: its keyring and its trust database. */
struct openpgp_files {
	struct str keyring;
	struct str trust;
};

/* Makes PARENT/home-XXXXXX (0700) with a gpg.conf for its use; *path gets its name. */
bool openpgp_home_make(const char *parent, enum openpgp_home_use use, char path[OPENPGP_HOME_PATH_MAX],
		       struct err *e) MUST_USE;
/* Puts keyrings (at most OPENPGP_KEYRINGS_MAX) into a new home that is HOME_LOADED; gpg looks in all of them. */
bool openpgp_home_load(const char *path, const struct openpgp_files *files, size_t count, struct err *e) MUST_USE;
/* Appends what gpg wrote to `keyring` and `trust`; false when it is not there. */
bool openpgp_home_read(const char *path, struct buf *keyring, struct buf *trust, struct err *e) MUST_USE;
/* Whether a few keys more could be written there; ERR_UNAVAILABLE with the reason when not. */
bool openpgp_home_has_room(const char *path, struct err *e) MUST_USE;
/* Ends a gpg-agent that runs there, if `use` allows one, and removes the directory. */
void openpgp_home_remove(const char *path, enum openpgp_home_use use);

/* Removes a directory and what is in it, without following symbolic links. What can't be removed stays. */
void directory_remove(const char *path);

#endif
