/* Page tokens: where the next page of one list begins, as text that clients only hand back.
 *
 * Base64url of: version, kind of list, hash of what the list is of (8 bytes), then the last row's key: its id, or for
 * lists in order of creation its sequence (8 bytes). Not secret and not signed: a forged token is another place of a
 * list that the caller may read anyway. */
#ifndef SEALGATE_STORE_PAGE_TOKEN_H
#define SEALGATE_STORE_PAGE_TOKEN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum store_listing {
	LIST_PROJECTS,
	LIST_NOTES,
	LIST_OCCURRENCES,
	LIST_NOTE_OCCURRENCES,
	LIST_OPERATIONS,
	STORE_LISTINGS
};

/* The key of the last row of a page; "" and 0 before the first page. */
struct page_key {
	struct str id;	  /* lists in order of ids */
	int64_t sequence; /* lists in order of creation */
};

/* True for lists whose key is the sequence. */
bool page_by_sequence(enum store_listing listing);
/* The token in the arena; ERR_INTERNAL when there is no memory. */
bool page_token_make(enum store_listing listing, struct str scope, struct page_key last, struct arena *arena,
		     struct str *token, struct err *e) MUST_USE;
/* "" gives the first page. ERR_INVALID "bad page token" for everything that page_token_make did not make for this
 * list. */
bool page_token_read(enum store_listing listing, struct str scope, struct str token, struct arena *arena,
		     struct page_key *after, struct err *e) MUST_USE;

#endif
