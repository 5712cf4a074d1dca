#include "server/report.h"

#include <stdio.h>

/* What a finding is about, as the key of a table. */
#define KEY_MAX (8u * 1024)
#define MORE_MAX 128u
/* What a report's JSON takes around one result. */
enum { BETWEEN = 2 };

const struct report_kind report_kinds[REPORT_FLAVOURS] = {
	[REPORT_WGPOLICY] = {"wgpolicyk8s.io", "v1alpha2", "policyreports", "PolicyReport"},
	[REPORT_OPENREPORTS] = {"openreports.io", "v1alpha1", "reports", "Report"},
};

static const char *const severities[SCAN_RESULTS] = {
	[SCAN_FAIL] = "high", [SCAN_ERROR] = "medium", [SCAN_WARN] = "low", [SCAN_PASS] = "low", [SCAN_SKIP] = "low"};

/* ---- Since when ---- */

static bool key_of(struct str kind, struct str name, struct str path, struct str image, struct str policy,
		   struct buf *out)
{
	const struct str parts[] = {kind, name, path, image, policy};
	struct err ignored;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_add(out, parts[i]);
		buf_add_char(out, '\n');
	}
	return buf_ok(out, &ignored);
}

static bool key_of_result(const json_t *result, struct buf *out)
{
	const json_t *resource = json_array_get(json_object_get(result, "resources"), 0);
	const json_t *properties = json_object_get(result, "properties");

	return key_of(json_text(resource, "kind"), json_text(resource, "name"), json_text(properties, "path"),
		      json_text(properties, "image"), json_text(result, "policy"), out);
}

bool report_since_read(const json_t *report, struct report_since *out, struct err *e)
{
	const json_t *results = json_object_get(report, "results");
	json_t *times = json_object();

	if (!times)
		return err_no_memory(e);
	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *result = json_array_get(results, i);
		struct str since = json_text(json_object_get(result, "properties"), "since");
		cleanup(buf) struct buf key = buf_init(KEY_MAX);

		if (since.len && key_of_result(result, &key))
			(void)json_object_setn_new(times, key.data, key.len, json_from_str(since));
	}
	out->times = times;
	return true;
}

void report_since_release(struct report_since *since)
{
	json_decref(since->times);
	since->times = NULL;
}

int64_t report_since_of(const struct report_since *since, const struct scan_finding *finding, int64_t now)
{
	cleanup(buf) struct buf key = buf_init(KEY_MAX);
	struct timestamp then;

	if (!key_of(str_of(finding->kind), finding->name, finding->path, finding->image, finding->policy, &key) ||
	    !timestamp_parse(json_text_of(json_object_getn(since->times, key.data, key.len)), &then))
		return now;
	return then.seconds > 0 && then.seconds < now ? then.seconds : now;
}

/* ---- The report ---- */

static json_t *properties_of(const struct scan_finding *finding, int64_t since)
{
	char time[TIMESTAMP_TEXT_MAX];
	json_t *properties = json_object();

	timestamp_format((struct timestamp){.seconds = since}, time);
	(void)json_object_set_new(properties, "enforcement", json_string(finding->enforcement));
	if (finding->image.len)
		(void)json_object_set_new(properties, "image", json_from_str(finding->image));
	if (finding->path.len)
		(void)json_object_set_new(properties, "path", json_from_str(finding->path));
	(void)json_object_set_new(properties, "since", json_string(time));
	return properties;
}

/* NULL when there is no memory. */
static json_t *result_of(const struct scan_namespace *found, const struct scan_finding *finding, int64_t since)
{
	return json_pack("{s:s, s:s%, s:s, s:{s:I, s:i}, s:s, s:b, s:[{s:s, s:s, s:s%, s:s%, s:s%}], s:s%, s:o}",
			 "source", "sealgate", "policy", finding->policy.ptr, finding->policy.len, "severity",
			 severities[finding->result], "timestamp", "seconds", (json_int_t)since, "nanos", 0, "result",
			 scan_result_name(finding->result), "scored", finding->result == SCAN_FAIL, "resources",
			 "apiVersion", finding->api_version, "kind", finding->kind, "namespace", found->name.ptr,
			 found->name.len, "name", finding->name.ptr, finding->name.len, "uid", finding->uid.ptr,
			 finding->uid.len, "message", finding->text.ptr, finding->text.len, "properties",
			 properties_of(finding, since));
}

/* The one about those for which there was no room. */
static json_t *more_of(uint64_t left_out, const struct scan_namespace *found)
{
	char text[MORE_MAX];

	(void)snprintf(text, sizeof(text), "and %llu more, which the summary counts", (unsigned long long)left_out);
	return json_pack("{s:s, s:s, s:s, s:b, s:s}", "source", "sealgate", "policy", "sealgate", "result",
			 scan_result_name(found->counts[SCAN_FAIL] ? SCAN_FAIL : SCAN_WARN), "scored", 0, "message",
			 text);
}

/* Adds the results that fit; NULL when there is no memory. */
static json_t *results_of(const struct scan_namespace *found, const struct report_since *before, int64_t now)
{
	json_t *results = json_array();
	size_t bytes = 0, told = 0;

	for (const struct scan_finding *f = found->first; f; f = f->next) {
		json_t *result = result_of(found, f, report_since_of(before, f, now));
		size_t size = json_dumpb(result, NULL, 0, JSON_COMPACT) + BETWEEN;

		if (!result || bytes + size > REPORT_BYTES) {
			json_decref(result);
			break;
		}
		bytes += size;
		if (json_array_append_new(results, result) == 0)
			told++;
	}
	if (scan_namespace_left_out(found) + found->kept > told)
		(void)json_array_append_new(results,
					    more_of(scan_namespace_left_out(found) + found->kept - told, found));
	return results;
}

static json_t *summary_of(const struct scan_namespace *found)
{
	json_t *summary = json_object();

	for (unsigned i = 0; i < SCAN_RESULTS; i++)
		(void)json_object_set_new(summary, scan_result_name(i), json_integer((json_int_t)found->counts[i]));
	return summary;
}

json_t *report_build(enum report_flavour flavour, const struct scan_namespace *found, const struct report_since *before,
		     int64_t now, struct err *e)
{
	const struct report_kind *kind = &report_kinds[flavour];
	cleanup(json) json_t *results = results_of(found, before, now);
	char version[64];
	json_t *report;

	(void)snprintf(version, sizeof(version), "%s/%s", kind->group, kind->version);
	report = json_pack("{s:s, s:s, s:{s:s, s:s%, s:{s:s}}, s:{s:s, s:s, s:s%}, s:o}", "apiVersion", version, "kind",
			   kind->kind, "metadata", "name", REPORT_NAME, "namespace", found->name.ptr, found->name.len,
			   "labels", REPORT_MANAGED_BY, "sealgate", "scope", "apiVersion", "v1", "kind", "Namespace",
			   "name", found->name.ptr, found->name.len, "summary", summary_of(found));
	if (report && flavour == REPORT_OPENREPORTS)
		(void)json_object_set_new(report, "source", json_string("sealgate"));
	if (report && json_array_size(results))
		(void)json_object_set(report, "results", results);
	if (!report || !results)
		err_no_memory(e);
	return report;
}

static bool same_member(const json_t *report, const json_t *there, const char *name)
{
	const json_t *wanted = json_object_get(report, name);
	const json_t *found = json_object_get(there, name);

	return wanted ? json_equal(wanted, found) : !found || json_is_null(found) || json_array_size(found) == 0;
}

bool report_same(const json_t *report, const json_t *there)
{
	static const char *const members[] = {"scope", "source", "summary", "results"};
	const json_t *labels = json_object_get(json_object_get(there, "metadata"), "labels");

	if (!str_eq(json_text(labels, REPORT_MANAGED_BY), STR("sealgate")))
		return false;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!same_member(report, there, members[i]))
			return false;
	return true;
}
