/* The private, throw-away home directory of gpg: its settings, and its removal. */
#ifndef SEALGATE_ATTEST_OPENPGP_HOME_H
#define SEALGATE_ATTEST_OPENPGP_HOME_H

#include "base/err.h"

#define OPENPGP_HOME_PATH_MAX 1024

enum openpgp_home_use {
	HOME_VERIFIES, /* starts no gpg-agent, has no secret keys */
	HOME_SIGNS,    /* may start a gpg-agent of its own, ended by openpgp_home_remove */
};

/* Makes PARENT/home-XXXXXX (0700) with a gpg.conf for its use; *path gets its name. */
bool openpgp_home_make(const char *parent, enum openpgp_home_use use, char path[OPENPGP_HOME_PATH_MAX],
		       struct err *e) MUST_USE;
/* Whether a few keys more could be written there; ERR_UNAVAILABLE with the reason when not. */
bool openpgp_home_has_room(const char *path, struct err *e) MUST_USE;
/* Ends a gpg-agent that runs there, if `use` allows one, and removes the directory. */
void openpgp_home_remove(const char *path, enum openpgp_home_use use);

/* Removes a directory and what is in it, without following symbolic links. What can't be removed stays. */
void directory_remove(const char *path);

#endif
