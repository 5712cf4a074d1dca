/* The facts of one answer while they are gathered: judged by the clock and by the digest asked for, copied into the
 * arena, bounded. */
#ifndef SEALGATE_SERVER_FACT_LIST_H
#define SEALGATE_SERVER_FACT_LIST_H

#include "attest/openpgp.h"
#include "policy/facts.h"
#include "server/facts_cache.h"
#include "store/store.h"

struct fact_list {
	struct arena *arena;
	struct str digest; /* asked for */
	int64_t now;	   /* seconds */
	/* The clock judges everything that was added as it does now from the first to before the second; begins as
	 * FACT_LIST_ALWAYS. */
	struct facts_window window;
	struct attestation_fact *items;
	size_t count;
	size_t capacity;
	size_t rejected; /* seen; more than FACTS_REJECTED_MAX are not kept */
};

#define FACT_LIST_ALWAYS ((struct facts_window){INT64_MIN, INT64_MAX})

/* Rejected attestations that are kept, so that a flood of them costs no memory. */
#define FACTS_REJECTED_MAX 256u

/* What `facts` prove about the attestation `row`: kept when it tells anything new. An accepted one is told once for its
 * note, signer and repository, by the signature made last. False when the arena is full. */
bool fact_list_add(struct fact_list *list, const struct attestation_row *row,
		   const struct signature_facts *facts) MUST_USE;
/* A place for an attestation whose verdict is on its way; until fact_list_settle it is rejected, not verified. */
bool fact_list_reserve(struct fact_list *list, const struct attestation_row *row, size_t *index) MUST_USE;
bool fact_list_settle(struct fact_list *list, size_t index, const struct signature_facts *facts) MUST_USE;

#endif
