/* What a scan has found, by namespace, in bounded memory. Pure; one thread at a time.
 *
 * Counts are always exact. Of the findings themselves at most SCAN_FINDINGS are kept for one namespace, and as many as
 * fit SCAN_FINDINGS_BYTES in all. */
#ifndef SEALGATE_SERVER_SCAN_FINDINGS_H
#define SEALGATE_SERVER_SCAN_FINDINGS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "policy/evaluate.h"

#define SCAN_FINDINGS 1000u
#define SCAN_FINDINGS_BYTES (16u * 1024 * 1024)
/* ERR_TOO_LARGE beyond: a scan that could not tell about all of them tells about none. */
#define SCAN_NAMESPACES 20000u
/* Words of one finding, bytes; a longer text ends in "...". */
#define SCAN_FINDING_TEXT 1024u

/* What a report calls them. Of an object: the worst of its findings, in the order fail, error, warn. */
enum scan_result {
	SCAN_FAIL,  /* its creation would be refused today */
	SCAN_ERROR, /* nobody can tell: facts could not be had in time; a creation would be refused */
	SCAN_WARN,  /* admitted, with a warning or a record of the audit */
	SCAN_PASS,
	SCAN_SKIP, /* in an exempt namespace: not looked at */
	SCAN_RESULTS
};

/* What a finding is about. */
struct scan_subject {
	const char *api_version; /* of static storage, like kind */
	const char *kind;
	struct str namespace_;
	struct str name;
	struct str uid;
};

struct scan_finding {
	const struct scan_finding *next; /* in the order of the scan */
	enum scan_result result;	 /* SCAN_FAIL, SCAN_ERROR or SCAN_WARN */
	const char *enforcement;	 /* "Deny", "Warn", "Audit" */
	const char *api_version;
	const char *kind;
	struct str name;
	struct str uid;
	struct str path;   /* "spec.containers[0].image"; "" when it is about the object */
	struct str image;  /* escaped, as in messages; may be "" */
	struct str policy; /* "default" where none selects the image, "sealgate" where none was asked */
	struct str text;
};

struct scan_namespace {
	struct str name;
	const struct scan_finding *first;
	size_t kept;
	/* Findings that fail, err and warn; objects that pass or were skipped. */
	uint64_t counts[SCAN_RESULTS];
	/* private */
	struct scan_finding *last;
};

struct scan_findings;

struct scan_findings *scan_findings_new(void);
/* NULL is legal. */
void scan_findings_free(struct scan_findings *findings);

/* What the review of an object's creation would say. ERR_TOO_LARGE, ERR_INTERNAL. */
bool scan_findings_add(struct scan_findings *findings, const struct scan_subject *about,
		       const struct decision *decision, struct err *e) MUST_USE;
/* An object of an exempt namespace. */
bool scan_findings_skip(struct scan_findings *findings, struct str namespace_, struct err *e) MUST_USE;
/* An object that has no name or namespace to report it under: an error. */
void scan_findings_nameless(struct scan_findings *findings);

/* Namespaces that have objects, in the order in which they were met. */
size_t scan_findings_count(const struct scan_findings *findings);
const struct scan_namespace *scan_findings_at(const struct scan_findings *findings, size_t index);
/* Its index; scan_findings_count when nothing was found there. */
size_t scan_findings_find(const struct scan_findings *findings, struct str namespace_);
/* How many objects came to `result`, in all namespaces. */
uint64_t scan_findings_objects(const struct scan_findings *findings, enum scan_result result);
/* Findings that were counted and not kept. */
uint64_t scan_namespace_left_out(const struct scan_namespace *space);

/* "pass", "fail", "warn", "error", "skip": as reports write it. */
const char *scan_result_name(enum scan_result result);

CLEANUP_POINTER(scan_findings, struct scan_findings, scan_findings_free)

#endif
