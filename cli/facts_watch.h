/* Facts on their way to the evaluation, watched: whether they could be had at all, and what they were. A refusal for
 * want of facts is "could not tell", not "no". */
#ifndef SEALGATE_CLI_FACTS_WATCH_H
#define SEALGATE_CLI_FACTS_WATCH_H

#include "policy/facts.h"

struct facts_watch {
	struct facts inner;
	bool failed;
	struct err error;	  /* of the first failure; the server is not asked again after it */
	struct facts_answer seen; /* of the last query, in its arena */
};

struct facts facts_watch_interface(struct facts_watch *watch);

#endif
