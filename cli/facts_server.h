/* policy/facts.h answered from the Grafeas API of a server. v1alpha1 has no search by digest, so the occurrences of
 * each note that matters are listed once and kept for the run. Where any note counts (--pubkeys), those of every note
 * in the given projects, or in all projects that the server lists. */
#ifndef SEALGATE_CLI_FACTS_SERVER_H
#define SEALGATE_CLI_FACTS_SERVER_H

#include "cli/http_client.h"
#include "cli/judge.h"

/* The row for `projects` in the table of a verb whose option struct is `owner`. */
#define PROJECT_ROW(owner, member)                                                                             \
	{                                                                                                      \
		.name = "project", .type = OPTION_LIST, .offset = offsetof(owner, member), .value = "PROJECT", \
		.help = "with --pubkeys: look only at the notes of this project of the server, not of all",    \
	}

struct facts_server;

/* `projects` (may be empty) are ids; they and the others must outlive it. NULL when there is no memory. */
struct facts_server *facts_server_new(struct judge *judge, struct http_client *client,
				      const struct option_list *projects, struct err *e);
void facts_server_free(struct facts_server *source);
CLEANUP_POINTER(facts_server, struct facts_server, facts_server_free)

struct facts facts_server_interface(struct facts_server *source);

#endif
