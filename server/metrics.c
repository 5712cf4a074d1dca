#include "server/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"

#define CERTIFICATES 8u
#define MEASURES 8u

static const char *const results[] = {"allowed", "refused", "error"};
static const char *const reasons[] = {"none",	     "exempt", "warn",	     "audit",	    "reference",
				      "digest",	     "policy", "signatures", "deadline",    "too_many",
				      "too_complex", "store",  "invalid",    "break-glass", "other"};
static const char *const listeners[] = {"webhook", "api", "ops", "other"};
static const char *const rooms[] = {"bodies", "answers"};
static const char *const overloads[] = {"connections", "requests", "bodies", "answers"};
static const char *const operations[] = {"attestations",      "create_project",	   "get_project",
					 "list_projects",     "delete_project",	   "create_note",
					 "update_note",	      "get_note",	   "list_notes",
					 "delete_note",	      "create_occurrence", "update_occurrence",
					 "get_occurrence",    "list_occurrences",  "list_note_occurrences",
					 "delete_occurrence", "create_operation",  "update_operation",
					 "get_operation",     "list_operations",   "delete_operation",
					 "update_project",    "create_hint",	   "update_hint",
					 "get_hint",	      "delete_hint",	   "other"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Upper bounds in microseconds; the last bucket has none. */
static const struct {
	int64_t us;
	const char *seconds;
} bounds[] = {{100, "0.0001"}, {250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"},  {2500, "0.0025"},	{5000, "0.005"},
	      {10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"}, {100000, "0.1"},  {250000, "0.25"},	{500000, "0.5"},
	      {1000000, "1"},  {2500000, "2.5"}, {5000000, "5"},  {10000000, "10"}, {INT64_MAX, "+Inf"}};

typedef atomic_uint_fast64_t counter;

struct histogram {
	counter buckets[COUNT(bounds)];
	counter sum_us;
};

struct certificate {
	char name[32];
	int64_t expires_at;
};

struct measure {
	const char *name;
	bool in_force;
};

struct metrics {
	counter reviews[COUNT(results)][COUNT(reasons)];
	struct histogram review_duration;
	counter verifications[2][REASON_COUNT];
	counter cache_hits;
	counter cache_misses;
	counter facts_hits;
	counter facts_misses;
	struct histogram store[COUNT(operations)];
	atomic_int connections[COUNT(listeners)];
	atomic_int in_work[COUNT(listeners)];
	atomic_int_fast64_t held_bytes[COUNT(listeners)][COUNT(rooms)];
	counter overload[COUNT(listeners)][COUNT(overloads)];
	atomic_uint_fast64_t policy_generation;
	atomic_bool reload_successful;
	struct cluster_metrics cluster;
	pthread_mutex_t lock; /* over what follows */
	struct metrics_key *keys;
	size_t key_count;
	struct certificate certificates[CERTIFICATES];
	size_t certificate_count;
	struct measure measures[MEASURES];
	size_t measure_count;
};

struct metrics *metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m->keys);
	free(m);
}

static void count_one(counter *c)
{
	atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

static uint64_t value_of(counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* The last word stands for all that are not in the list. */
static size_t word_index(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (word && strcmp(words[i], word) == 0)
			return i;
	return count - 1;
}

static void observe(struct histogram *h, int64_t duration_us)
{
	size_t i = 0;
	if (duration_us < 0)
		duration_us = 0;
	while (duration_us > bounds[i].us)
		i++;
	count_one(&h->buckets[i]);
	atomic_fetch_add_explicit(&h->sum_us, (uint64_t)duration_us, memory_order_relaxed);
}

void metrics_review(struct metrics *m, const char *result, const char *reason, int64_t duration_us)
{
	count_one(
		&m->reviews[word_index(results, COUNT(results), result)][word_index(reasons, COUNT(reasons), reason)]);
	observe(&m->review_duration, duration_us);
}

void metrics_verification(struct metrics *m, enum verdict verdict, enum verdict_reason reason)
{
	if ((unsigned)reason < REASON_COUNT)
		count_one(&m->verifications[verdict == VERDICT_ACCEPTED][reason]);
}

void metrics_facts_cache(struct metrics *m, bool hit)
{
	count_one(hit ? &m->facts_hits : &m->facts_misses);
}

void metrics_verdict_cache(struct metrics *m, bool hit)
{
	count_one(hit ? &m->cache_hits : &m->cache_misses);
}

void metrics_store(void *context, const char *operation, int64_t duration_us)
{
	struct metrics *m = context;
	observe(&m->store[word_index(operations, COUNT(operations), operation)], duration_us);
}

static size_t listener_index(const char *listener)
{
	return word_index(listeners, COUNT(listeners), listener);
}

void metrics_in_work(struct metrics *m, const char *listener, int change)
{
	atomic_fetch_add_explicit(&m->in_work[listener_index(listener)], change, memory_order_relaxed);
}

void metrics_held_bytes(struct metrics *m, const char *listener, const char *of, int64_t change)
{
	atomic_fetch_add_explicit(&m->held_bytes[listener_index(listener)][word_index(rooms, COUNT(rooms), of)], change,
				  memory_order_relaxed);
}

void metrics_overload(struct metrics *m, const char *listener, const char *reason)
{
	count_one(&m->overload[listener_index(listener)][word_index(overloads, COUNT(overloads), reason)]);
}

void metrics_connections(struct metrics *m, const char *listener, int change)
{
	atomic_fetch_add_explicit(&m->connections[listener_index(listener)], change, memory_order_relaxed);
}

void metrics_keys(struct metrics *m, const struct metrics_key *keys, size_t count)
{
	size_t kept = count < LIMIT_KEYS ? count : LIMIT_KEYS;
	struct metrics_key *copy = calloc(kept + 1, sizeof(*copy));
	if (!copy)
		return;
	for (size_t i = 0; i < kept; i++)
		copy[i] = keys[i];
	pthread_mutex_lock(&m->lock);
	struct metrics_key *old = m->keys;
	m->keys = copy;
	m->key_count = kept;
	pthread_mutex_unlock(&m->lock);
	free(old);
}

/* The slot of this name, a new one, or NULL when all are taken. */
static struct certificate *certificate_slot(struct metrics *m, const char *name)
{
	for (size_t i = 0; i < m->certificate_count; i++)
		if (strcmp(m->certificates[i].name, name) == 0)
			return &m->certificates[i];
	return m->certificate_count < CERTIFICATES ? &m->certificates[m->certificate_count++] : NULL;
}

void metrics_certificate(struct metrics *m, const char *name, int64_t expires_at)
{
	pthread_mutex_lock(&m->lock);
	struct certificate *c = certificate_slot(m, name);
	if (c) {
		(void)snprintf(c->name, sizeof(c->name), "%s", name);
		c->expires_at = expires_at;
	}
	pthread_mutex_unlock(&m->lock);
}

void metrics_sandbox(struct metrics *m, const char *measure, bool in_force)
{
	pthread_mutex_lock(&m->lock);
	if (m->measure_count < MEASURES)
		m->measures[m->measure_count++] = (struct measure){measure, in_force};
	pthread_mutex_unlock(&m->lock);
}

void metrics_policy(struct metrics *m, uint64_t generation, bool last_reload_successful)
{
	atomic_store(&m->policy_generation, generation);
	atomic_store(&m->reload_successful, last_reload_successful);
}

struct cluster_metrics *metrics_cluster(struct metrics *m)
{
	return &m->cluster;
}

static void write_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_label(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			buf_add_char(out, '\\');
		if (*text == '\n')
			buf_add_c(out, "\\n");
		else
			buf_add_char(out, *text);
	}
}

static void write_reviews(struct metrics *m, struct buf *out)
{
	write_head(out, "sealgate_reviews_total", "counter",
		   "Reviews answered, by result and the first reason for it.");
	for (size_t i = 0; i < COUNT(results); i++)
		for (size_t j = 0; j < COUNT(reasons); j++)
			buf_printf(out, "sealgate_reviews_total{result=\"%s\",reason=\"%s\"} %llu\n", results[i],
				   reasons[j], (unsigned long long)value_of(&m->reviews[i][j]));
}

/* `label` is "" or a pair with its comma behind it. */
static void write_histogram(struct histogram *h, const char *name, const char *label, struct buf *out)
{
	uint64_t total = 0;
	for (size_t i = 0; i < COUNT(bounds); i++) {
		total += value_of(&h->buckets[i]);
		buf_printf(out, "%s_bucket{%sle=\"%s\"} %llu\n", name, label, bounds[i].seconds,
			   (unsigned long long)total);
	}
	int bare = label[0] ? (int)strlen(label) - 1 : 0;
	const char *open = bare ? "{" : "", *close = bare ? "}" : "";
	buf_printf(out, "%s_sum%s%.*s%s %.6f\n", name, open, bare, label, close, (double)value_of(&h->sum_us) / 1e6);
	buf_printf(out, "%s_count%s%.*s%s %llu\n", name, open, bare, label, close, (unsigned long long)total);
}

static void write_store(struct metrics *m, struct buf *out)
{
	const char *name = "sealgate_store_duration_seconds";
	write_head(out, name, "histogram", "Time of store operations, with the wait for the writer.");
	for (size_t i = 0; i < COUNT(operations); i++) {
		char label[64];
		(void)snprintf(label, sizeof(label), "operation=\"%s\",", operations[i]);
		write_histogram(&m->store[i], name, label, out);
	}
}

static void write_verifications(struct metrics *m, struct buf *out)
{
	static const char *const verdicts[] = {"rejected", "accepted"};
	write_head(out, "sealgate_verifications_total", "counter", "Signatures verified, by verdict and reason.");
	for (size_t verdict = 0; verdict < 2; verdict++)
		for (size_t reason = 0; reason < REASON_COUNT; reason++) {
			bool possible = (verdict == VERDICT_ACCEPTED) == (reason == REASON_GOOD);
			uint64_t count = value_of(&m->verifications[verdict][reason]);
			if (possible || count > 0)
				buf_printf(out, "sealgate_verifications_total{verdict=\"%s\",reason=\"%s\"} %llu\n",
					   verdicts[verdict], verdict_reason_name((enum verdict_reason)reason),
					   (unsigned long long)count);
		}
}

static void write_number(struct buf *out, const char *type, const char *name, const char *help, uint64_t value)
{
	write_head(out, name, type, help);
	buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void write_connections(struct metrics *m, struct buf *out)
{
	write_head(out, "sealgate_connections", "gauge", "Open connections, by listener.");
	for (size_t i = 0; i + 1 < COUNT(listeners); i++)
		buf_printf(out, "sealgate_connections{listener=\"%s\"} %d\n", listeners[i],
			   atomic_load_explicit(&m->connections[i], memory_order_relaxed));
}

static void write_load(struct metrics *m, struct buf *out)
{
	write_head(out, "sealgate_requests_in_work", "gauge", "Requests that are being worked on, by listener.");
	for (size_t i = 0; i + 1 < COUNT(listeners); i++)
		buf_printf(out, "sealgate_requests_in_work{listener=\"%s\"} %d\n", listeners[i],
			   atomic_load_explicit(&m->in_work[i], memory_order_relaxed));
	write_head(out, "sealgate_held_bytes", "gauge", "Bytes of large bodies and answers, by listener.");
	for (size_t i = 0; i + 1 < COUNT(listeners); i++)
		for (size_t room = 0; room < COUNT(rooms); room++)
			buf_printf(out, "sealgate_held_bytes{listener=\"%s\",of=\"%s\"} %lld\n", listeners[i],
				   rooms[room],
				   (long long)atomic_load_explicit(&m->held_bytes[i][room], memory_order_relaxed));
	write_head(out, "sealgate_overload_total", "counter", "Requests answered 503 for want of room.");
	for (size_t i = 0; i + 1 < COUNT(listeners); i++)
		for (size_t reason = 0; reason < COUNT(overloads); reason++)
			buf_printf(out, "sealgate_overload_total{listener=\"%s\",reason=\"%s\"} %llu\n", listeners[i],
				   overloads[reason], (unsigned long long)value_of(&m->overload[i][reason]));
}

static void write_expiry(struct buf *out, const char *name, const char *label, const char *value, int64_t seconds,
			 bool never)
{
	buf_printf(out, "%s{%s=\"", name, label);
	write_label(out, value);
	if (never)
		buf_add_c(out, "\"} +Inf\n");
	else
		buf_printf(out, "\"} %lld\n", (long long)seconds);
}

static void write_expiries(struct metrics *m, int64_t now, struct buf *out)
{
	pthread_mutex_lock(&m->lock);
	write_head(out, "sealgate_key_expiry_seconds", "gauge", "Seconds until a trusted key expires.");
	for (size_t i = 0; i < m->key_count; i++)
		write_expiry(out, "sealgate_key_expiry_seconds", "fingerprint", m->keys[i].fingerprint,
			     m->keys[i].expires_at - now, m->keys[i].expires_at == 0);
	write_head(out, "sealgate_certificate_expiry_seconds", "gauge", "Seconds until a certificate in use expires.");
	for (size_t i = 0; i < m->certificate_count; i++)
		write_expiry(out, "sealgate_certificate_expiry_seconds", "name", m->certificates[i].name,
			     m->certificates[i].expires_at - now, false);
	pthread_mutex_unlock(&m->lock);
}

static void write_sandbox(struct metrics *m, struct buf *out)
{
	write_head(out, "sealgate_sandbox", "gauge", "1 for a measure that confines the server and is in force.");
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->measure_count; i++)
		buf_printf(out, "sealgate_sandbox{measure=\"%s\"} %d\n", m->measures[i].name, m->measures[i].in_force);
	pthread_mutex_unlock(&m->lock);
}

void metrics_write(struct metrics *m, int64_t now, struct buf *out)
{
	write_reviews(m, out);
	write_head(out, "sealgate_review_duration_seconds", "histogram", "Time from a review's head to its answer.");
	write_histogram(&m->review_duration, "sealgate_review_duration_seconds", "", out);
	write_verifications(m, out);
	write_number(out, "counter", "sealgate_verdict_cache_hits_total", "Verdicts that were known already.",
		     value_of(&m->cache_hits));
	write_number(out, "counter", "sealgate_verdict_cache_misses_total", "Verdicts that had to be made.",
		     value_of(&m->cache_misses));
	write_number(out, "counter", "sealgate_facts_cache_hits_total", "Digests answered from memory.",
		     value_of(&m->facts_hits));
	write_number(out, "counter", "sealgate_facts_cache_misses_total", "Digests looked up in the store.",
		     value_of(&m->facts_misses));
	write_store(m, out);
	write_connections(m, out);
	write_load(m, out);
	write_expiries(m, now, out);
	write_number(out, "gauge", "sealgate_policy_generation", "Grows each time policies or keys come into force.",
		     atomic_load(&m->policy_generation));
	write_number(out, "gauge", "sealgate_config_last_reload_successful",
		     "1 when the policies and keys on disk are in force, 0 when they could not be loaded.",
		     atomic_load(&m->reload_successful));
	write_sandbox(m, out);
	cluster_metrics_write(&m->cluster, clock_monotonic_ms(), out);
}
