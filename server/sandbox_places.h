/* Which files and ports a configuration needs: the places that sealgated may reach once it is confined. */
#ifndef SEALGATE_SERVER_SANDBOX_PLACES_H
#define SEALGATE_SERVER_SANDBOX_PLACES_H

#include "base/arena.h"
#include "base/landlock.h"
#include "server/config.h"

#define SANDBOX_PLACES 1024u
#define SANDBOX_PORTS 3u

struct sandbox_places {
	struct arena arena; /* the paths */
	struct path_rule rules[SANDBOX_PLACES];
	size_t count;
	size_t system; /* the first ones are the system's, the same for every configuration */
	uint16_t ports[SANDBOX_PORTS];
};

/* The data directory and the database's, to be written. To be read, with all below: the directory that each source
 * of policies, keys, tokens and certificates stands in, and those of the symbolic links on the way there (of links in a
 * policy or key directory too), so that what is put there anew is found. `/` and a directory of the system right below
 * it, such as /etc, are too much: there a source stands for itself. Directories that don't exist are left out.
 * ERR_TOO_LARGE beyond SANDBOX_PLACES. */
bool sandbox_places_find(const struct config *config, struct sandbox_places *out, struct err *e) MUST_USE;
/* Legal once find has been called, whatever it said. */
void sandbox_places_release(struct sandbox_places *places);

CLEANUP_VALUE(sandbox_places, struct sandbox_places, sandbox_places_release)

#endif
