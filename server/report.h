/* What a scan found in one namespace, as the objects that dashboards read: pure.
 *
 * The fields are those of the two CRDs: PolicyReport of kubernetes-sigs/wg-policy-prototypes and Report of
 * openreports/reports-api, which differ in their group and in `source`. A report is named `sealgate`. Its summary
 * counts findings that fail, err and warn, objects against which nothing was found (pass), and objects of an exempt
 * namespace (skip). It has at most SCAN_FINDINGS results and REPORT_BYTES of them, then one that says how many more
 * there are; none where nothing was found. */
#ifndef SEALGATE_SERVER_REPORT_H
#define SEALGATE_SERVER_REPORT_H

#include "base/clock.h"
#include "server/scan_findings.h"

#define REPORT_NAME "sealgate"
#define REPORT_MANAGED_BY "app.kubernetes.io/managed-by"
/* Results of one report as JSON: an API server stores objects of up to 1.5 MiB. */
#define REPORT_BYTES (1024u * 1024)
/* A whole report as JSON. */
#define REPORT_BODY_MAX (REPORT_BYTES + 64u * 1024)

enum report_flavour { REPORT_WGPOLICY, REPORT_OPENREPORTS, REPORT_FLAVOURS };

struct report_kind {
	const char *group;
	const char *version;
	const char *plural;
	const char *kind;
};

extern const struct report_kind report_kinds[REPORT_FLAVOURS];

/* Since when each finding of a report is known. */
struct report_since {
	json_t *times; /* what it is about -> RFC 3339 */
};

/* Reads `report`, of either kind and from anybody's hand; NULL: knows nothing. False only without memory. */
bool report_since_read(const json_t *report, struct report_since *out, struct err *e) MUST_USE;
void report_since_release(struct report_since *since);
/* The time (seconds) since when the report has known a finding about the same object, image, place and policy, whatever
 * its words; `now` when it hasn't, or says something that can't be. */
int64_t report_since_of(const struct report_since *since, const struct scan_finding *finding, int64_t now);

/* The report about `found` at `now` (seconds) where `before` is known. NULL on failure; the caller owns it. */
json_t *report_build(enum report_flavour flavour, const struct scan_namespace *found, const struct report_since *before,
		     int64_t now, struct err *e);
/* Whether writing `report` over `there` would change nothing. */
bool report_same(const json_t *report, const json_t *there);

CLEANUP_VALUE(report_since, struct report_since, report_since_release)

#endif
