/* How many workloads each policy selects, and how many of these it would refuse: counted during a scan. Pure. */
#ifndef SEALGATE_SERVER_SCAN_MATCHED_H
#define SEALGATE_SERVER_SCAN_MATCHED_H

#include "policy/evaluate.h"
#include "server/cluster_job.h"

struct scan_matched;

/* Zero for each policy of the set, whose names are copied. NULL when there is no memory. */
struct scan_matched *scan_matched_new(const struct policy_set *policies);
/* NULL is legal. */
void scan_matched_free(struct scan_matched *matched);
/* One workload of `namespace_`. A decision knows its policies by name alone: where a ClusterImagePolicy and an
 * ImagePolicy of the namespace share one, both count. Policies that came later are passed over. */
void scan_matched_count(struct scan_matched *matched, struct str namespace_, const struct decision *decision);
/* As cluster_job.matched. */
bool scan_matched_find(const struct scan_matched *matched, const char *kind, struct str namespace_, struct str name,
		       struct cluster_matched *out);

CLEANUP_POINTER(scan_matched, struct scan_matched, scan_matched_free)

#endif
