/* One page of a list, judged: each object as the review of its creation would judge it today. */
#ifndef SEALGATE_SERVER_SCAN_PAGE_H
#define SEALGATE_SERVER_SCAN_PAGE_H

#include <stdatomic.h>

#include "server/scan_findings.h"
#include "server/scan_query.h"

/* Memory for reading one page beside its text. */
#define SCAN_PAGE_MEMORY (64u * 1024 * 1024)
/* "NAMESPACE/NAME" of an object. */
#define SCAN_KEY_MAX 1024u

/* A kind that is looked at. */
struct scan_resource {
	const char *group; /* "" for core */
	const char *version;
	const char *plural;
	const char *kind;
	const char *api_version;
};

#define SCAN_RESOURCES 9u
extern const struct scan_resource scan_resources[SCAN_RESOURCES];

/* Who decides. A mirror of a static pod is judged like every other pod: who made it can't be seen any more, and the
 * annotation alone proves nothing. */
struct scan_judge {
	void *context;
	/* Objects of this namespace are counted as skipped. */
	bool (*exempt)(void *context, struct str namespace_);
	void (*decide)(void *context, const struct subject *subject, const struct image_uses *uses, struct arena *arena,
		       struct decision *out);
	const atomic_bool *stop; /* no further object once it is true; may be NULL */
};

struct scan_page {
	const struct scan_resource *resource;
	struct str text; /* the answer of the API server */
	struct buf last; /* "NAMESPACE/NAME" of the last object that was judged; SCAN_KEY_MAX */
	bool resume;	 /* the list began anew: objects up to `last` have been judged. Cleared when it is past them */
	struct buf next; /* out: the token of the page that follows; empty: none. SCAN_TOKEN_MAX */
	size_t objects;	 /* out: added to */
};

/* Adds what it finds to `findings`. Objects whose controller is of one of the scan's kinds are left out: it stands for
 * them. An object that can't be read is refused by a review, and so it counts here. False, with nothing added, when the
 * page can't be read: ERR_INVALID for what is no list, ERR_TOO_LARGE when it does not fit SCAN_PAGE_MEMORY. False as of
 * scan_findings_add with ERR_INTERNAL, which no other try makes good. */
bool scan_page_judge(struct scan_page *page, const struct scan_judge *judge, struct scan_findings *findings,
		     struct err *e) MUST_USE;

#endif
