/* Counters, gauges and histograms in Prometheus' text format. Names and label values are a contract
 * (docs/OPERATIONS.md); label values come from fixed lists only, so that no caller can grow them. Any thread; counting
 * is lock-free. */
#ifndef SEALGATE_SERVER_METRICS_H
#define SEALGATE_SERVER_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "policy/verdict.h"
#include "server/cluster_metrics.h"

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* result: "allowed" or "refused" or "error"; reason: "none", "exempt", "warn", "audit", "reference", "digest",
 * "policy", "signatures", "deadline", "too_many", "too_complex", "store", "invalid", "break-glass" - anything else
 * counts as "other".
 */
void metrics_review(struct metrics *m, const char *result, const char *reason, int64_t duration_us);
void metrics_verification(struct metrics *m, enum verdict verdict, enum verdict_reason reason);
void metrics_verdict_cache(struct metrics *m, bool hit);
void metrics_facts_cache(struct metrics *m, bool hit);
/* A store_observer; context is the metrics. */
void metrics_store(void *context, const char *operation, int64_t duration_us);
/* listener: "webhook", "api", "ops". */
void metrics_connections(struct metrics *m, const char *listener, int change);
/* Requests that a handler works on. Bytes of large bodies and answers (`of`: "bodies", "answers"). Requests that were
 * answered 503 (`reason`: "connections", "requests", "bodies", "answers"). */
void metrics_in_work(struct metrics *m, const char *listener, int change);
void metrics_held_bytes(struct metrics *m, const char *listener, const char *of, int64_t change);
void metrics_overload(struct metrics *m, const char *listener, const char *reason);
/* Replaces all gauges of key expiry: seconds since 1970 are turned into seconds left when written; 0 = never expires
 * (+Inf). */
struct metrics_key {
	char fingerprint[65];
	int64_t expires_at;
};
void metrics_keys(struct metrics *m, const struct metrics_key *keys, size_t count);
void metrics_certificate(struct metrics *m, const char *name, int64_t expires_at);
void metrics_policy(struct metrics *m, uint64_t generation, bool last_reload_successful);
/* measure: a name with static storage, of server/sandbox.h; each is told once, at start. */
void metrics_sandbox(struct metrics *m, const char *measure, bool in_force);

/* What is counted of the cluster; lives as long as `m`. */
struct cluster_metrics *metrics_cluster(struct metrics *m);

void metrics_write(struct metrics *m, int64_t now, struct buf *out);

#endif
