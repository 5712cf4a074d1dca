#include "server/cluster_metrics.h"

static const char *const resources[CLUSTER_RESOURCES] = {
	[CLUSTER_ATTESTORS] = "attestors",    [CLUSTER_CLUSTER_POLICIES] = "clusterimagepolicies",
	[CLUSTER_POLICIES] = "imagepolicies", [CLUSTER_NAMESPACES] = "namespaces",
	[CLUSTER_CONFIG_MAPS] = "configmaps", [CLUSTER_SECRETS] = "secrets",
};
static const char *const writes[CLUSTER_WRITES] = {
	[CLUSTER_WRITTEN] = "written",
	[CLUSTER_CHANGED] = "changed",
	[CLUSTER_FAILED] = "failed",
	[CLUSTER_LEFT_OUT] = "left_out",
};
static const char *const scanned[SCANNED_RESULTS] = {
	[SCANNED_ALLOWED] = "allowed",
	[SCANNED_REFUSED] = "refused",
	[SCANNED_WARNED] = "warned",
	[SCANNED_ERROR] = "error",
};

static const char *const states[TRUST_STATES] = {
	[TRUST_REJECTED] = "rejected",	   [TRUST_LAST_GOOD] = "last_good", [TRUST_OVERRIDDEN] = "overridden",
	[TRUST_INCOMPLETE] = "incomplete", [TRUST_IN_FORCE] = "in_force",
};

const char *cluster_resource_name(enum cluster_resource resource)
{
	return resources[resource];
}

void cluster_metrics_scan(struct cluster_metrics *m, const uint64_t counts[SCANNED_RESULTS], int64_t now_ms)
{
	for (size_t i = 0; i < SCANNED_RESULTS; i++)
		atomic_store(&m->scanned[i], counts[i]);
	atomic_store(&m->scanned_ms, now_ms);
}

void cluster_metrics_trust(struct cluster_metrics *m, const struct trust *trust)
{
	uint64_t counts[TRUST_OBJECT_KINDS][TRUST_STATES] = {{0}};
	size_t count = trust->objects && trust->outcomes ? trust->objects->object_count : 0;

	for (size_t i = 0; i < count; i++)
		counts[trust->objects->objects[i].kind][trust->outcomes[i].state]++;
	for (size_t kind = 0; kind < TRUST_OBJECT_KINDS; kind++)
		for (size_t state = 0; state < TRUST_STATES; state++)
			atomic_store(&m->policy_objects[kind][state], counts[kind][state]);
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void labelled(struct buf *out, const char *name, const char *label, const char *value, uint64_t number)
{
	buf_printf(out, "%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)number);
}

static void seconds_of(struct buf *out, const char *name, const char *resource, int64_t ms)
{
	buf_printf(out, "%s{resource=\"%s\"} %lld.%03d\n", name, resource, (long long)(ms / 1000), (int)(ms % 1000));
}

/* What was never synced is as old as the machine. */
static int64_t staleness(int64_t since_ms, int64_t now_ms)
{
	if (since_ms == 0)
		return 0;
	return since_ms < 0 || since_ms > now_ms ? now_ms : now_ms - since_ms;
}

static void write_watches(struct cluster_metrics *m, int64_t now_ms, struct buf *out)
{
	head(out, "sealgate_watch_up", "gauge", "1 while what is known of a resource of the cluster is up to date.");
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++)
		labelled(out, "sealgate_watch_up", "resource", resources[i],
			 atomic_load(&m->watches[i].stale_since_ms) == 0);
	head(out, "sealgate_watch_stale_seconds", "gauge", "Seconds since a resource may be out of date.");
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++)
		seconds_of(out, "sealgate_watch_stale_seconds", resources[i],
			   staleness(atomic_load(&m->watches[i].stale_since_ms), now_ms));
	head(out, "sealgate_watch_restarts_total", "counter", "Attempts to list or watch a resource that failed.");
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++)
		labelled(out, "sealgate_watch_restarts_total", "resource", resources[i],
			 atomic_load(&m->watches[i].restarts));
	head(out, "sealgate_watch_objects", "gauge", "Objects of a resource that are known.");
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++)
		labelled(out, "sealgate_watch_objects", "resource", resources[i], atomic_load(&m->watches[i].objects));
}

static void write_objects(struct cluster_metrics *m, struct buf *out)
{
	head(out, "sealgate_policy_objects", "gauge", "Policy objects of the cluster, by what became of them.");
	for (size_t kind = 0; kind < TRUST_OBJECT_KINDS; kind++)
		for (size_t state = 0; state < TRUST_STATES; state++)
			buf_printf(out, "sealgate_policy_objects{kind=\"%s\",state=\"%s\"} %llu\n",
				   trust_object_kind_name((enum trust_object_kind)kind), states[state],
				   (unsigned long long)atomic_load(&m->policy_objects[kind][state]));
}

static void write_results(atomic_uint_fast64_t *counts, const char *const *results, size_t count, const char *name,
			  const char *type, const char *help, struct buf *out)
{
	head(out, name, type, help);
	for (size_t i = 0; i < count; i++)
		labelled(out, name, "result", results[i], atomic_load(&counts[i]));
}

static void write_scan(struct cluster_metrics *m, int64_t now_ms, struct buf *out)
{
	int64_t scanned_ms = atomic_load(&m->scanned_ms);

	if (scanned_ms == 0)
		return;
	write_results(m->scanned, scanned, SCANNED_RESULTS, "sealgate_scan_objects", "gauge",
		      "Objects of the last scan, by what would become of them today.", out);
	head(out, "sealgate_scan_last_seconds", "gauge", "Seconds since the last scan ended.");
	buf_printf(out, "sealgate_scan_last_seconds %lld\n", (long long)((now_ms - scanned_ms) / 1000));
}

void cluster_metrics_write(struct cluster_metrics *m, int64_t now_ms, struct buf *out)
{
	if (!atomic_load(&m->followed))
		return;
	write_watches(m, now_ms, out);
	write_objects(m, out);
	write_results(m->events, writes, CLUSTER_WRITES, "sealgate_events_total", "counter",
		      "Events about refusals, by what became of them.", out);
	write_results(m->status_writes, writes, CLUSTER_WRITES, "sealgate_status_writes_total", "counter",
		      "Writes of the status of policy objects, by what became of them.", out);
	write_scan(m, now_ms, out);
}
