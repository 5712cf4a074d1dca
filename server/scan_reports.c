#include "server/scan_reports.h"

#include "kube/call.h"
#include "server/scan_query.h"

#define OURS "app.kubernetes.io%2Fmanaged-by%3Dsealgate"
#define RETRY_MS 1000

/* What one kind of report goes through, in this order. */
enum phase { PHASE_LIST, PHASE_ITEMS, PHASE_NEW, PHASE_DONE };

struct scan_reports {
	struct kube_transport *transport;
	const struct scan_findings *findings;
	bool remove;
	int64_t now;
	enum report_flavour flavour;
	enum phase phase;
	bool *told;    /* of each namespace: its report is dealt with */
	json_t *items; /* of the page that is being looked at */
	size_t item;   /* the next one of these */
	struct buf token;
	size_t space;  /* the next namespace that may need a new report */
	uint64_t call; /* 0: none is under way */
	unsigned limit;
	unsigned attempts;
	int64_t due_ms;
	int64_t step_ms; /* of the last step: what is told in between is timed by it */
	struct scan_reports_outcome outcome;
};

struct scan_reports *scan_reports_new(struct kube_transport *transport, const struct scan_findings *findings,
				      bool remove, int64_t now)
{
	struct scan_reports *reports = calloc(1, sizeof(*reports));

	if (!reports)
		return NULL;
	*reports = (struct scan_reports){.transport = transport,
					 .findings = findings,
					 .remove = remove,
					 .now = now,
					 .limit = SCAN_REPORTS_PAGE,
					 .token = buf_init(SCAN_TOKEN_MAX)};
	reports->told = calloc(scan_findings_count(findings) + 1, sizeof(*reports->told));
	if (reports->told)
		return reports;
	scan_reports_free(reports);
	return NULL;
}

void scan_reports_free(struct scan_reports *reports)
{
	if (!reports)
		return;
	if (reports->call)
		kube_transport_cancel(reports->transport, reports->call);
	json_decref(reports->items);
	buf_release(&reports->token);
	free(reports->told);
	free(reports);
}

bool scan_reports_done(const struct scan_reports *reports)
{
	return reports->flavour == REPORT_FLAVOURS;
}

const struct scan_reports_outcome *scan_reports_outcome(const struct scan_reports *reports)
{
	return &reports->outcome;
}

static void note_failure(struct scan_reports *reports, const struct err *e)
{
	if (reports->outcome.failed++ == 0)
		reports->outcome.error = *e;
}

static void next_flavour(struct scan_reports *reports)
{
	reports->flavour++;
	reports->phase = PHASE_LIST;
	reports->space = 0;
	reports->limit = SCAN_REPORTS_PAGE;
	reports->attempts = 0;
	buf_clear(&reports->token);
	memset(reports->told, 0, scan_findings_count(reports->findings) * sizeof(*reports->told));
}

/* ---- Requests ---- */

static void add_path(const struct scan_reports *reports, struct str namespace_, struct str name, struct buf *path)
{
	const struct report_kind *kind = &report_kinds[reports->flavour];

	kube_path_add(path, kind->group, kind->version, namespace_, kind->plural, name, "");
}

static bool begin(struct scan_reports *reports, const struct buf *path, struct kube_request request,
		  kube_answer_handler *handler, struct err *e)
{
	if (!buf_ok(path, e))
		return false;
	request.path = buf_str(path);
	request.timeout_ms = SCAN_REPORTS_REQUEST_MS;
	reports->due_ms = reports->step_ms + SCAN_REPORTS_PAUSE_MS;
	reports->call = kube_call(reports->transport, &request, handler, reports, e);
	return reports->call != 0;
}

/* Somebody else's namespace may be going, or another replica was first. */
static void written(void *context, int status, const json_t *answer, int retry_after, const struct err *e)
{
	struct scan_reports *reports = context;

	(void)status;
	(void)answer;
	(void)retry_after;
	reports->call = 0;
	if (e->kind == ERR_NONE)
		reports->outcome.written++;
	else if (e->kind != ERR_NOT_FOUND && e->kind != ERR_CHANGED && e->kind != ERR_EXISTS)
		note_failure(reports, e);
}

static void removed(void *context, int status, const json_t *answer, int retry_after, const struct err *e)
{
	struct scan_reports *reports = context;

	(void)status;
	(void)answer;
	(void)retry_after;
	reports->call = 0;
	if (e->kind == ERR_NONE)
		reports->outcome.removed++;
	else if (e->kind != ERR_NOT_FOUND)
		note_failure(reports, e);
}

static void apply(struct scan_reports *reports, const json_t *report, struct str namespace_)
{
	cleanup(buf) struct buf path = buf_init(SCAN_PATH_MAX);
	cleanup(buf) struct buf body = buf_init(REPORT_BODY_MAX);
	struct kube_request request = {.method = "PATCH", .content_type = "application/apply-patch+yaml"};
	struct err e = ERR_INIT;

	add_path(reports, namespace_, STR(REPORT_NAME), &path);
	buf_add_c(&path, "?fieldManager=sealgate&force=true");
	if (json_write(report, &body, &e)) {
		request.body = buf_str(&body);
		if (begin(reports, &path, request, written, &e))
			return;
	}
	note_failure(reports, &e);
}

static void remove_report(struct scan_reports *reports, struct str namespace_)
{
	cleanup(buf) struct buf path = buf_init(SCAN_PATH_MAX);
	const struct kube_request request = {.method = "DELETE"};
	struct err e = ERR_INIT;

	add_path(reports, namespace_, STR(REPORT_NAME), &path);
	if (!begin(reports, &path, request, removed, &e))
		note_failure(reports, &e);
}

/* ---- One report ---- */

/* `there` NULL: none. */
static void write_if_other(struct scan_reports *reports, size_t space, const json_t *there)
{
	const struct scan_namespace *found = scan_findings_at(reports->findings, space);
	cleanup(report_since) struct report_since since = {0};
	cleanup(json) json_t *report = NULL;
	struct err e = ERR_INIT;

	reports->told[space] = true;
	if (report_since_read(there, &since, &e))
		report = report_build(reports->flavour, found, &since, reports->now, &e);
	if (!report)
		note_failure(reports, &e);
	else if (there && report_same(report, there))
		reports->outcome.unchanged++;
	else
		apply(reports, report, found->name);
}

static void look_at_item(struct scan_reports *reports)
{
	const json_t *there = json_array_get(reports->items, reports->item++);
	const json_t *metadata = json_object_get(there, "metadata");
	struct str namespace_ = json_text(metadata, "namespace");
	size_t space = scan_findings_find(reports->findings, namespace_);

	if (!str_eq_c(json_text(metadata, "name"), REPORT_NAME) || namespace_.len == 0)
		return;
	if (space == scan_findings_count(reports->findings)) {
		if (reports->remove)
			remove_report(reports, namespace_);
	} else if (!reports->told[space]) {
		write_if_other(reports, space, there);
	}
}

static void end_page(struct scan_reports *reports)
{
	json_decref(reports->items);
	reports->items = NULL;
	reports->phase = reports->token.len ? PHASE_LIST : PHASE_NEW;
}

/* ---- The list ---- */

static void give_up(struct scan_reports *reports, const struct err *e)
{
	note_failure(reports, e);
	next_flavour(reports);
}

static void list_failed(struct scan_reports *reports, const struct err *e)
{
	if (e->kind == ERR_NOT_FOUND) {
		next_flavour(reports);
	} else if (e->kind == ERR_TOO_LARGE && reports->limit > 1) {
		reports->limit = 1;
	} else if ((e->kind == ERR_CHANGED || e->kind == ERR_UNAVAILABLE || e->kind == ERR_TIMEOUT) &&
		   ++reports->attempts < SCAN_REPORTS_ATTEMPTS) {
		if (e->kind == ERR_CHANGED)
			buf_clear(&reports->token);
		reports->due_ms = reports->step_ms + ((int64_t)RETRY_MS << reports->attempts);
	} else {
		give_up(reports, e);
	}
}

static void listed(void *context, int status, const json_t *answer, int retry_after, const struct err *e)
{
	struct scan_reports *reports = context;
	json_t *items = json_object_get(answer, "items");

	(void)status;
	(void)retry_after;
	reports->call = 0;
	if (e->kind != ERR_NONE) {
		list_failed(reports, e);
		return;
	}
	reports->outcome.there[reports->flavour] = true;
	buf_clear(&reports->token);
	buf_add(&reports->token, json_text(json_object_get(answer, "metadata"), "continue"));
	reports->items = json_incref(items);
	reports->item = 0;
	reports->phase = PHASE_ITEMS;
}

static void list(struct scan_reports *reports)
{
	cleanup(buf) struct buf path = buf_init(SCAN_PATH_MAX);
	const struct kube_request request = {.method = "GET"};
	struct err e = ERR_INIT;

	add_path(reports, STR(""), STR(""), &path);
	scan_query_add(&path, reports->limit, OURS, buf_str(&reports->token));
	if (!begin(reports, &path, request, listed, &e))
		give_up(reports, &e);
}

/* ---- The order ---- */

static void next_space(struct scan_reports *reports)
{
	if (reports->space == scan_findings_count(reports->findings))
		next_flavour(reports);
	else if (reports->told[reports->space])
		reports->space++;
	else
		write_if_other(reports, reports->space++, NULL);
}

static void go_on(struct scan_reports *reports)
{
	if (reports->phase == PHASE_LIST)
		list(reports);
	else if (reports->phase == PHASE_NEW)
		next_space(reports);
	else if (reports->item < json_array_size(reports->items))
		look_at_item(reports);
	else
		end_page(reports);
}

int64_t scan_reports_step(struct scan_reports *reports, int64_t now_ms)
{
	reports->step_ms = now_ms;
	if (scan_reports_done(reports) || reports->call)
		return INT64_MAX;
	if (now_ms < reports->due_ms)
		return reports->due_ms;
	go_on(reports);
	return reports->call || scan_reports_done(reports) ? INT64_MAX : now_ms;
}
