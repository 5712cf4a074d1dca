/* What a scan found, for people and for programs. */
#ifndef SEALGATE_CLI_SCAN_TABLE_H
#define SEALGATE_CLI_SCAN_TABLE_H

#include "base/buf.h"
#include "server/report.h"

struct scan_summary {
	const struct scan_findings *findings;
	size_t objects;	     /* judged */
	struct str left_out; /* kinds that could not be listed */
	/* The report of sealgated about a namespace: the caller owns it; NULL: none. */
	json_t *(*report)(void *context, struct str namespace_);
	void *context;
};

/* Appends the table (NAMESPACE, OBJECT, IMAGE, POLICY, VERDICT, SINCE, REASON) and a last line. */
bool scan_table_write(const struct scan_summary *summary, struct buf *out, struct err *e) MUST_USE;
/* {"objects", "allowed", "refused", "warned", "unknown", "skipped", "moreFindings", "notLookedAt", "findings": [...]};
 * NULL on failure. */
json_t *scan_table_json(const struct scan_summary *summary, struct err *e);
/* EXIT_NO when something would be refused; EXIT_UNKNOWN when nothing was found that would, but not all could be told.
 */
int scan_table_status(const struct scan_summary *summary);

#endif
