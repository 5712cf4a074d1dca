/* policy/facts.h answered from a database file, opened for reading: `sealgate check --store`. */
#ifndef SEALGATE_CLI_FACTS_STORE_H
#define SEALGATE_CLI_FACTS_STORE_H

#include "cli/judge.h"
#include "store/store.h"

struct facts_store {
	struct judge *judge;
	struct store *store;
};

struct facts facts_store_interface(struct facts_store *source);

#endif
