#include "cli/scan_table.h"

#include <stdio.h>

#include "cli/terminal.h"
#include "cli/verb.h"

#define CELL_MAX 1024u

static const char *const verdicts[SCAN_RESULTS] = {[SCAN_FAIL] = "refused",
						   [SCAN_ERROR] = "unknown",
						   [SCAN_WARN] = "warned",
						   [SCAN_PASS] = "allowed",
						   [SCAN_SKIP] = "skipped"};

/* What is done with each finding. `since` "": no report knows it. */
typedef bool finding_taker(void *context, const struct scan_namespace *space, const struct scan_finding *finding,
			   const char *since, struct err *e);

static bool each_of(const struct scan_namespace *space, const struct report_since *known, finding_taker *take_one,
		    void *context, struct err *e)
{
	for (const struct scan_finding *f = space->first; f; f = f->next) {
		int64_t since = report_since_of(known, f, INT64_MAX);
		char text[TIMESTAMP_TEXT_MAX] = "";

		if (since != INT64_MAX)
			timestamp_format((struct timestamp){.seconds = since}, text);
		if (!take_one(context, space, f, text, e))
			return false;
	}
	return true;
}

static bool each_finding(const struct scan_summary *summary, finding_taker *take_one, void *context, struct err *e)
{
	for (size_t i = 0; i < scan_findings_count(summary->findings); i++) {
		const struct scan_namespace *space = scan_findings_at(summary->findings, i);
		cleanup(json) json_t *report = space->first ? summary->report(summary->context, space->name) : NULL;
		cleanup(report_since) struct report_since known = {0};

		if (!report_since_read(report, &known, e) || !each_of(space, &known, take_one, context, e))
			return false;
	}
	return true;
}

static uint64_t left_out_of(const struct scan_summary *summary)
{
	uint64_t count = 0;

	for (size_t i = 0; i < scan_findings_count(summary->findings); i++)
		count += scan_namespace_left_out(scan_findings_at(summary->findings, i));
	return count;
}

/* ---- Text ---- */

static bool add_row(void *context, const struct scan_namespace *space, const struct scan_finding *finding,
		    const char *since, struct err *e)
{
	cleanup(buf) struct buf object = buf_init(CELL_MAX);

	buf_printf(&object, "%s/%.*s", finding->kind, STR_ARG(finding->name));
	return buf_ok(&object, e) &&
	       terminal_table_row(context,
				  (const struct str[]){space->name, buf_str(&object), finding->image, finding->policy,
						       str_of(verdicts[finding->result]), str_of(since), finding->text},
				  e);
}

static unsigned long long count_of(const struct scan_summary *summary, enum scan_result result)
{
	return (unsigned long long)scan_findings_objects(summary->findings, result);
}

static void add_last_line(const struct scan_summary *summary, struct buf *out)
{
	uint64_t more = left_out_of(summary);

	if (more)
		buf_printf(out, "and %llu more findings\n", (unsigned long long)more);
	buf_printf(out, "%zu objects: %llu allowed, %llu refused, %llu warned, %llu unknown; %llu skipped\n",
		   summary->objects, count_of(summary, SCAN_PASS), count_of(summary, SCAN_FAIL),
		   count_of(summary, SCAN_WARN), count_of(summary, SCAN_ERROR), count_of(summary, SCAN_SKIP));
	if (summary->left_out.len == 0)
		return;
	buf_add_c(out, "not looked at: ");
	terminal_add(out, summary->left_out);
	buf_add_char(out, '\n');
}

bool scan_table_write(const struct scan_summary *summary, struct buf *out, struct err *e)
{
	static const char *const heads[] = {"NAMESPACE", "OBJECT", "IMAGE", "POLICY", "VERDICT", "SINCE", "REASON"};
	cleanup(terminal_table) struct terminal_table *table =
		terminal_table_new(heads, sizeof(heads) / sizeof(heads[0]));

	if (!table)
		return err_no_memory(e);
	if (!each_finding(summary, add_row, table, e))
		return false;
	if (terminal_table_rows(table)) {
		terminal_table_write(table, 0, out);
		buf_add_char(out, '\n');
	}
	add_last_line(summary, out);
	return buf_ok(out, e);
}

/* ---- JSON ---- */

static bool add_json(void *context, const struct scan_namespace *space, const struct scan_finding *finding,
		     const char *since, struct err *e)
{
	json_t *value = json_object();

	(void)json_object_set_new(value, "namespace", json_from_str(space->name));
	(void)json_object_set_new(value, "apiVersion", json_string(finding->api_version));
	(void)json_object_set_new(value, "kind", json_string(finding->kind));
	(void)json_object_set_new(value, "name", json_from_str(finding->name));
	(void)json_object_set_new(value, "image", json_from_str(finding->image));
	(void)json_object_set_new(value, "place", json_from_str(finding->path));
	(void)json_object_set_new(value, "policy", json_from_str(finding->policy));
	(void)json_object_set_new(value, "enforcement", json_string(finding->enforcement));
	(void)json_object_set_new(value, "verdict", json_string(verdicts[finding->result]));
	(void)json_object_set_new(value, "since", *since ? json_string(since) : json_null());
	(void)json_object_set_new(value, "reason", json_from_str(finding->text));
	return json_array_append_new(context, value) == 0 || err_no_memory(e);
}

json_t *scan_table_json(const struct scan_summary *summary, struct err *e)
{
	cleanup(json) json_t *findings = json_array();
	json_t *value;

	if (!findings) {
		err_no_memory(e);
		return NULL;
	}
	if (!each_finding(summary, add_json, findings, e))
		return NULL;
	value = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s%, s:O}", "objects", (json_int_t)summary->objects,
			  "allowed", (json_int_t)count_of(summary, SCAN_PASS), "refused",
			  (json_int_t)count_of(summary, SCAN_FAIL), "warned", (json_int_t)count_of(summary, SCAN_WARN),
			  "unknown", (json_int_t)count_of(summary, SCAN_ERROR), "skipped",
			  (json_int_t)count_of(summary, SCAN_SKIP), "moreFindings", (json_int_t)left_out_of(summary),
			  "notLookedAt", summary->left_out.ptr ? summary->left_out.ptr : "", summary->left_out.len,
			  "findings", findings);
	if (!value)
		err_no_memory(e);
	return value;
}

int scan_table_status(const struct scan_summary *summary)
{
	if (scan_findings_objects(summary->findings, SCAN_FAIL))
		return EXIT_NO;
	return summary->left_out.len || scan_findings_objects(summary->findings, SCAN_ERROR) ? EXIT_UNKNOWN : EXIT_YES;
}
