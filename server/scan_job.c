#include "server/scan_job.h"

#include "base/clock.h"
#include "server/log.h"
#include "server/scan_matched.h"
#include "server/scan_reports.h"
#include "server/scan_thread.h"

struct scan_job {
	int64_t interval_ms;
	struct cluster_metrics *metrics;
	struct review_service *review;
	uint64_t generation;
	bool began; /* the first step was taken */
	int64_t due_ms;
	int64_t started_ms;
	struct scan_thread *thread;
	/* of the scan that is being made; NULL between two */
	struct scan_findings *findings;
	struct scan *scan;
	struct scan_reports *reports;
	struct scan_matched *counting;
	/* of the last one that was finished */
	struct scan_matched *matched;
	uint64_t revision;
};

struct scan_job *scan_job_new(int64_t interval_ms, struct cluster_metrics *metrics)
{
	struct scan_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->interval_ms = interval_ms;
	job->metrics = metrics;
	return job;
}

static void drop_scan(struct scan_job *job)
{
	scan_reports_free(job->reports);
	scan_free(job->scan);
	scan_findings_free(job->findings);
	scan_matched_free(job->counting);
	job->reports = NULL;
	job->scan = NULL;
	job->findings = NULL;
	job->counting = NULL;
}

void scan_job_free(struct scan_job *job)
{
	if (!job)
		return;
	scan_thread_stop(job->thread);
	drop_scan(job);
	scan_matched_free(job->matched);
	free(job);
}

/* ---- Decisions: in the thread of the scan ---- */

static bool is_exempt(void *context, struct str namespace_)
{
	const struct scan_job *job = context;

	return review_namespace_exempt(job->review, namespace_);
}

static void decide(void *context, const struct subject *subject, const struct image_uses *uses, struct arena *arena,
		   struct decision *out)
{
	struct scan_job *job = context;

	review_decide(job->review, subject, uses, clock_monotonic_ms() + SCAN_OBJECT_MS, arena, out);
	scan_matched_count(job->counting, subject->namespace_, out);
}

/* ---- What is told ---- */

static void log_scan(const struct scan_job *job, int64_t now_ms)
{
	const struct scan_findings *f = job->findings;
	const struct scan_reports_outcome *outcome = scan_reports_outcome(job->reports);

	log_line(outcome->failed ? LOG_WARN : LOG_INFO, "scan", LOG_INT("objects", (int64_t)scan_objects(job->scan)),
		 LOG_INT("namespaces", (int64_t)scan_findings_count(f)),
		 LOG_INT("allowed", (int64_t)scan_findings_objects(f, SCAN_PASS)),
		 LOG_INT("refused", (int64_t)scan_findings_objects(f, SCAN_FAIL)),
		 LOG_INT("warned", (int64_t)scan_findings_objects(f, SCAN_WARN)),
		 LOG_INT("errors", (int64_t)scan_findings_objects(f, SCAN_ERROR)),
		 LOG_INT("skipped", (int64_t)scan_findings_objects(f, SCAN_SKIP)),
		 LOG_STR("left_out", scan_left_out(job->scan)), LOG_INT("reports_written", (int64_t)outcome->written),
		 LOG_INT("reports_unchanged", (int64_t)outcome->unchanged),
		 LOG_INT("reports_removed", (int64_t)outcome->removed),
		 LOG_INT("reports_failed", (int64_t)outcome->failed), LOG_C("error", outcome->error.text),
		 LOG_INT("duration_ms", now_ms - job->started_ms));
}

static void count(const struct scan_job *job, int64_t now_ms)
{
	const uint64_t counts[SCANNED_RESULTS] = {
		[SCANNED_ALLOWED] = scan_findings_objects(job->findings, SCAN_PASS),
		[SCANNED_REFUSED] = scan_findings_objects(job->findings, SCAN_FAIL),
		[SCANNED_WARNED] = scan_findings_objects(job->findings, SCAN_WARN),
		[SCANNED_ERROR] = scan_findings_objects(job->findings, SCAN_ERROR),
	};

	if (job->metrics)
		cluster_metrics_scan(job->metrics, counts, now_ms);
}

/* ---- One scan ---- */

static void give_up(struct scan_job *job, const struct err *e, int64_t now_ms)
{
	int64_t again = now_ms + SCAN_AFTER_FAILURE_MS;

	log_line(LOG_WARN, "scan failed", LOG_C("error", e->text), LOG_INT("duration_ms", now_ms - job->started_ms));
	drop_scan(job);
	if (job->due_ms > again)
		job->due_ms = again;
}

static bool make_scan(struct scan_job *job, const struct cluster_job_means *means, struct err *e)
{
	struct trust *trust = trust_holder_pin(means->review->trust, NULL);

	job->counting = scan_matched_new(trust->policies);
	trust_unref(trust);
	job->findings = scan_findings_new();
	if (!job->counting || !job->findings)
		return err_no_memory(e);
	job->scan = scan_new(means->transport, STR(""), job->findings);
	if (!job->scan)
		return err_no_memory(e);
	if (!job->thread)
		job->thread = scan_thread_start(means->transport, e);
	return job->thread != NULL;
}

static void begin(struct scan_job *job, const struct cluster_job_means *means, int64_t now_ms)
{
	struct err e = ERR_INIT;

	job->review = means->review;
	job->started_ms = now_ms;
	job->due_ms = now_ms + job->interval_ms;
	if (!make_scan(job, means, &e))
		give_up(job, &e, now_ms);
}

static void begin_reports(struct scan_job *job, const struct cluster_job_means *means, int64_t now_ms)
{
	struct err e;

	scan_matched_free(job->matched);
	job->matched = take(job->counting);
	job->revision++;
	count(job, now_ms);
	job->reports = scan_reports_new(means->transport, job->findings, scan_left_out(job->scan).len == 0,
					clock_now().seconds);
	if (!job->reports) {
		err_no_memory(&e);
		give_up(job, &e, now_ms);
	}
}

/* Returns when it wants to be called again. */
static int64_t go_on_scanning(struct scan_job *job, const struct cluster_job_means *means, int64_t now_ms)
{
	const struct scan_judge judge = {.context = job, .exempt = is_exempt, .decide = decide};
	int64_t next;

	if (scan_thread_busy(job->thread))
		return INT64_MAX;
	next = scan_step(job->scan, now_ms);
	if (scan_state(job->scan) == SCAN_READ)
		scan_thread_give(job->thread, job->scan, &judge);
	else if (scan_state(job->scan) == SCAN_FAILED)
		give_up(job, scan_error(job->scan), now_ms);
	else if (scan_state(job->scan) == SCAN_DONE)
		begin_reports(job, means, now_ms);
	else
		return next;
	return job->scan && scan_state(job->scan) == SCAN_READ ? INT64_MAX : now_ms;
}

static int64_t go_on_reporting(struct scan_job *job, int64_t now_ms)
{
	int64_t next = scan_reports_step(job->reports, now_ms);

	if (!scan_reports_done(job->reports))
		return next;
	log_scan(job, now_ms);
	drop_scan(job);
	return now_ms;
}

static void look_at_trust(struct scan_job *job, int64_t now_ms, uint64_t generation)
{
	if (!job->began)
		job->due_ms = now_ms;
	else if (generation != job->generation && job->due_ms > now_ms + SCAN_AFTER_CHANGE_MS)
		job->due_ms = now_ms + SCAN_AFTER_CHANGE_MS;
	job->began = true;
	job->generation = generation;
}

/* ---- As a job ---- */

static int64_t step(void *context, const struct cluster_job_means *means, int64_t now_ms, uint64_t generation)
{
	struct scan_job *job = context;

	if (job->interval_ms == 0)
		return INT64_MAX;
	look_at_trust(job, now_ms, generation);
	if (job->reports)
		return go_on_reporting(job, now_ms);
	if (!job->scan && now_ms >= job->due_ms)
		begin(job, means, now_ms);
	return job->scan ? go_on_scanning(job, means, now_ms) : job->due_ms;
}

static uint64_t revision(void *context)
{
	const struct scan_job *job = context;

	return job->revision;
}

static bool matched(void *context, const char *kind, struct str namespace_, struct str name,
		    struct cluster_matched *out)
{
	const struct scan_job *job = context;

	return job->matched && scan_matched_find(job->matched, kind, namespace_, name, out);
}

static void stop(void *context, const struct cluster_job_means *means)
{
	struct scan_job *job = context;

	(void)means;
	scan_thread_stop(take(job->thread));
	drop_scan(job);
}

struct cluster_job scan_job_interface(struct scan_job *job)
{
	return (struct cluster_job){
		.context = job, .step = step, .revision = revision, .matched = matched, .stop = stop};
}
