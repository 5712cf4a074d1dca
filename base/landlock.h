/* Landlock: which files this thread, and all that it starts, may reach from now on. It can be tightened later, never
 * loosened. Rules hold for what a path leads to now and all below: a directory that is deleted and made anew is out
 * of reach, one that is made below is not. Looking a path up and asking for its attributes stay free. */
#ifndef SEALGATE_BASE_LANDLOCK_H
#define SEALGATE_BASE_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/* What may be done with a path: PATH_WRITE and PATH_RUN include reading, PATH_WRITE making and removing;
 * PATH_PRUNE is for removing empty directories below it, and nothing else. */
enum path_use { PATH_READ = 1, PATH_WRITE = 2, PATH_RUN = 4, PATH_PRUNE = 8 };

struct path_rule {
	const char *path;
	unsigned uses;
};

/* The first ABIs with a measure of their own. */
enum { LANDLOCK_ABI_FILES = 1, LANDLOCK_ABI_PORTS = 4, LANDLOCK_ABI_SIGNALS = 6 };

struct landlock_rules {
	const struct path_rule *paths;
	size_t path_count;
	/* The TCP ports that may be listened on, and those that may be connected to; no other. */
	const uint16_t *ports;
	size_t port_count;
	const uint16_t *connect_ports;
	size_t connect_count;
};

/* 0 when there is none; errno says why. */
int landlock_abi(void);

/* Puts in force what of `rules` an ABI of at least 1 has; from LANDLOCK_ABI_SIGNALS on, signals and abstract sockets
 * reach only what is confined too. no_new_privs must be set. Paths that don't exist or can't be reached are passed
 * over. */
bool landlock_confine(int abi, const struct landlock_rules *rules, struct err *e) MUST_USE;

#endif
