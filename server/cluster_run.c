#include "server/cluster_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "server/cluster_events.h"
#include "server/cluster_status_writer.h"
#include "server/cluster_watches.h"
#include "server/log.h"

struct cluster_run {
	struct cluster_means means;
	struct cluster_metrics *metrics;
	struct cluster_objects objects;
	struct cluster_watches *watches;
	struct cluster_status_writer *status;
	struct cluster_events *events; /* NULL: nobody tells of refusals */
	int64_t changed_ms;	       /* when the first change came that is not loaded; 0: none */
	uint64_t generation;	       /* of the trust that was noticed last */
	atomic_bool ready;
	pthread_mutex_t lock;
	struct err problem; /* why the objects could not be taken; under the lock */
};

static bool make_parts(struct cluster_run *run)
{
	struct cluster_means *means = &run->means;
	const struct cluster_watches_means watches = {.transport = means->transport,
						      .objects = &run->objects,
						      .namespaces = means->namespaces,
						      .metrics = run->metrics,
						      .own_namespace = means->own_namespace,
						      .seed = means->seed};
	const struct cluster_status_means status = {
		.transport = means->transport, .objects = &run->objects, .metrics = run->metrics, .job = means->job};
	const struct cluster_events_means events = {.transport = means->transport,
						    .refusals = means->review->refusals,
						    .metrics = run->metrics,
						    .instance = means->instance,
						    .seed = means->seed};

	run->watches = cluster_watches_new(&watches);
	run->status = cluster_status_writer_new(&status);
	if (means->review->refusals)
		run->events = cluster_events_new(&events);
	return run->watches && run->status && (run->events || !means->review->refusals);
}

struct cluster_run *cluster_run_new(const struct cluster_means *means)
{
	struct cluster_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->means = *means;
	run->metrics = metrics_cluster(means->review->metrics);
	pthread_mutex_init(&run->lock, NULL);
	cluster_objects_init(&run->objects);
	atomic_store(&run->metrics->followed, true);
	if (make_parts(run))
		return run;
	cluster_run_free(run);
	return NULL;
}

void cluster_run_free(struct cluster_run *run)
{
	const struct cluster_job *job = run ? run->means.job : NULL;

	if (!run)
		return;
	if (job && atomic_load(&run->ready))
		job->stop(job->context, &(const struct cluster_job_means){run->means.transport, run->means.review});
	cluster_events_free(run->events);
	cluster_status_writer_free(run->status);
	cluster_watches_free(run->watches);
	cluster_objects_release(&run->objects);
	pthread_mutex_destroy(&run->lock);
	free(run);
}

static void note_problem(struct cluster_run *run, const struct err *why)
{
	bool news;

	pthread_mutex_lock(&run->lock);
	news = strcmp(run->problem.text, why->text) != 0;
	run->problem = *why;
	pthread_mutex_unlock(&run->lock);
	if (news && why->kind != ERR_NONE)
		log_line(LOG_ERROR,
			 "the policy objects of the cluster cannot be taken, the last good ones stay in force",
			 LOG_C("error", why->text));
}

/* The objects are in force; what `e` says is the files' problem. */
static void tell_files(struct err *e)
{
	if (e->kind != ERR_NONE)
		log_line(LOG_ERROR, "policies or keys cannot be loaded, the last good ones stay in force",
			 LOG_C("error", e->text));
	*e = ERR_INIT;
}

static void load(struct cluster_run *run)
{
	cleanup(trust_objects) struct trust_objects *objects = NULL;
	struct err e = ERR_INIT;

	if (cluster_objects_snapshot(&run->objects, &objects, &e) &&
	    trust_holder_set_objects(run->means.review->trust, objects, &e))
		tell_files(&e);
	note_problem(run, &e);
}

/* Nothing is taken before all is known: half of the policies would admit what the others refuse. */
static int64_t load_when_due(struct cluster_run *run, int64_t now_ms)
{
	if (!run->objects.changed || !cluster_watches_synced(run->watches))
		return INT64_MAX;
	if (run->changed_ms == 0 && atomic_load(&run->ready))
		run->changed_ms = now_ms;
	if (run->changed_ms != 0 && now_ms < run->changed_ms + CLUSTER_DEBOUNCE_MS)
		return run->changed_ms + CLUSTER_DEBOUNCE_MS;
	run->changed_ms = 0;
	load(run);
	return INT64_MAX;
}

/* Policies and keys may also change by files. */
static void look_at_trust(struct cluster_run *run)
{
	uint64_t generation = 0;
	cleanup(trust) struct trust *trust = trust_holder_pin(run->means.review->trust, &generation);

	if (generation == run->generation)
		return;
	run->generation = generation;
	cluster_status_writer_trust(run->status, trust);
	cluster_metrics_trust(run->metrics, trust);
	if (trust->objects)
		atomic_store(&run->ready, true);
}

static int64_t step_job(struct cluster_run *run, int64_t now_ms)
{
	const struct cluster_job *job = run->means.job;
	const struct cluster_job_means means = {run->means.transport, run->means.review};

	if (!job || !atomic_load(&run->ready))
		return INT64_MAX;
	return job->step(job->context, &means, now_ms, run->generation);
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

int64_t cluster_run_step(struct cluster_run *run, int64_t now_ms, struct timestamp now)
{
	int64_t next_ms = cluster_watches_step(run->watches, now_ms);

	next_ms = earlier(next_ms, load_when_due(run, now_ms));
	look_at_trust(run);
	next_ms = earlier(next_ms, cluster_status_writer_step(run->status, now_ms, now.seconds));
	if (run->events)
		next_ms = earlier(next_ms, cluster_events_step(run->events, now_ms, now));
	return earlier(next_ms, step_job(run, now_ms));
}

void cluster_run_lose(struct cluster_run *run, const struct err *why, int64_t now_ms)
{
	cluster_watches_lose(run->watches, why, now_ms);
}

bool cluster_run_is_ready(const struct cluster_run *run)
{
	return atomic_load(&run->ready);
}

void cluster_run_report(struct cluster_run *run, int64_t now_ms, struct buf *out)
{
	cluster_watches_report(run->watches, now_ms, out);
	pthread_mutex_lock(&run->lock);
	if (run->problem.kind != ERR_NONE)
		buf_printf(out, "not taken: %s\n", run->problem.text);
	pthread_mutex_unlock(&run->lock);
}
