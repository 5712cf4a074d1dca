#include "server/grafeas_routes.h"

#include "base/clock.h"
#include "base/limits.h"
#include "server/grafeas_name.h"
#include "server/log.h"

#define SEGMENTS_MAX 6

/* Paths below the version; the first `*` is the project, the second the id. */
static const struct route {
	const char *verb;
	const char *pattern;
	enum access_role role;
	grafeas_handler *handle;
} routes[] = {
	{"POST", "projects", ACCESS_ADMIN, grafeas_create_project},
	{"GET", "projects", ACCESS_READ, grafeas_list_projects},
	{"GET", "projects/*", ACCESS_READ, grafeas_get_project},
	{"DELETE", "projects/*", ACCESS_ADMIN, grafeas_delete_project},
	{"POST", "projects/*/notes", ACCESS_ADMIN, grafeas_create_note},
	{"GET", "projects/*/notes", ACCESS_READ, grafeas_list_notes},
	{"GET", "projects/*/notes/*", ACCESS_READ, grafeas_get_note},
	{"PUT", "projects/*/notes/*", ACCESS_ADMIN, grafeas_update_note},
	{"PATCH", "projects/*/notes/*", ACCESS_ADMIN, grafeas_update_note},
	{"DELETE", "projects/*/notes/*", ACCESS_ADMIN, grafeas_delete_note},
	{"GET", "projects/*/notes/*/occurrences", ACCESS_READ, grafeas_list_note_occurrences},
	/* The handler asks for more when it is not an attestation. */
	{"POST", "projects/*/occurrences", ACCESS_ATTEST, grafeas_create_occurrence},
	{"GET", "projects/*/occurrences", ACCESS_READ, grafeas_list_occurrences},
	{"GET", "projects/*/occurrences/*", ACCESS_READ, grafeas_get_occurrence},
	{"PUT", "projects/*/occurrences/*", ACCESS_ADMIN, grafeas_update_occurrence},
	{"PATCH", "projects/*/occurrences/*", ACCESS_ADMIN, grafeas_update_occurrence},
	{"DELETE", "projects/*/occurrences/*", ACCESS_ADMIN, grafeas_delete_occurrence},
	{"GET", "projects/*/occurrences/*/notes", ACCESS_READ, grafeas_get_occurrence_note},
	{"POST", "projects/*/operations", ACCESS_ADMIN, grafeas_create_operation},
	{"GET", "projects/*/operations", ACCESS_READ, grafeas_list_operations},
	{"GET", "projects/*/operations/*", ACCESS_READ, grafeas_get_operation},
	{"PUT", "projects/*/operations/*", ACCESS_ADMIN, grafeas_update_operation},
	{"PATCH", "projects/*/operations/*", ACCESS_ADMIN, grafeas_update_operation},
	{"DELETE", "projects/*/operations/*", ACCESS_ADMIN, grafeas_delete_operation},
};

static const struct grafeas_version *const versions[] = {&grafeas_v1alpha1};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct segments {
	struct str items[SEGMENTS_MAX];
	size_t count;
};

/* Empty parts are passed over: a doubled or final slash is as none. False when there are too many parts. */
static bool split(struct str path, struct segments *out)
{
	out->count = 0;
	while (path.len) {
		struct str part = str_head(path, str_find(path, '/'));

		path = str_skip(path, part.len + 1);
		if (part.len == 0)
			continue;
		if (out->count == SEGMENTS_MAX)
			return false;
		out->items[out->count++] = part;
	}
	return true;
}

static const struct grafeas_version *version_of(struct str name)
{
	for (size_t i = 0; i < COUNT(versions); i++)
		if (str_eq_c(name, versions[i]->name))
			return versions[i];
	return NULL;
}

/* Compares the segments after the version; `ids` gets what stands at the stars. */
static bool matches(const char *pattern, const struct segments *path, struct str ids[2])
{
	struct str rest = str_of(pattern);
	size_t stars = 0;

	for (size_t i = 1; i < path->count; i++) {
		struct str part = str_head(rest, str_find(rest, '/'));

		rest = str_skip(rest, part.len + 1);
		if (str_eq_c(part, "*"))
			ids[stars++] = path->items[i];
		else if (!str_eq(part, path->items[i]))
			return false;
	}
	return rest.len == 0;
}

static const struct route *find_route(struct grafeas_call *call, const struct segments *path, struct err *e)
{
	bool known_path = false;

	for (size_t i = 0; i < COUNT(routes); i++) {
		struct str ids[2] = {STR(""), STR("")};

		if (path->count < 2 || !matches(routes[i].pattern, path, ids))
			continue;
		known_path = true;
		if (!str_eq_c(call->request->method, routes[i].verb))
			continue;
		call->project = ids[0];
		call->id = ids[1];
		return &routes[i];
	}
	if (known_path)
		err_set(e, ERR_UNSUPPORTED, "Method Not Allowed");
	else
		err_set(e, ERR_NOT_FOUND, "Not Found");
	return NULL;
}

static bool check_ids(const struct grafeas_call *call, struct err *e)
{
	return (call->project.len == 0 || grafeas_id_check(call->project, "the project id", e)) &&
	       (call->id.len == 0 || grafeas_id_check(call->id, "the id", e));
}

static bool check_role(const struct grafeas_call *call, const struct route *route, struct str name, struct err *e)
{
	if (call->role >= route->role)
		return true;
	return err_set(e, ERR_FORBIDDEN, "%.*s may not do this", STR_ARG(name));
}

static bool dispatch(struct grafeas_call *call, struct buf *out, struct err *e)
{
	struct segments path;
	const struct route *route;
	struct str name;

	if (!access_role_of(call->grafeas->access, call->request, &call->role, &name, e))
		return false;
	if (!split(call->request->path, &path) || path.count == 0)
		return err_set(e, ERR_NOT_FOUND, "Not Found");
	call->version = version_of(path.items[0]);
	if (!call->version)
		return err_set(e, ERR_NOT_FOUND, "Not Found");
	route = find_route(call, &path, e);
	return route && check_ids(call, e) && check_role(call, route, name, e) && route->handle(call, out, e);
}

/* Codes of google.rpc.Code. */
static const int codes[ERR_KINDS] = {
	[ERR_NONE] = 13,	[ERR_INVALID] = 3,	[ERR_UNAUTHENTICATED] = 16, [ERR_FORBIDDEN] = 7,
	[ERR_NOT_FOUND] = 5,	[ERR_EXISTS] = 6,	[ERR_CHANGED] = 10,	    [ERR_TOO_LARGE] = 8,
	[ERR_UNSUPPORTED] = 12, [ERR_UNAVAILABLE] = 14, [ERR_TIMEOUT] = 4,	    [ERR_INTERNAL] = 13,
};

static int status_of(const struct grafeas_call *call, enum err_kind kind)
{
	if (kind == ERR_EXISTS && call->version)
		return call->version->exists_status;
	return err_http_status(kind);
}

static void answer_error(const struct grafeas_call *call, const struct err *e, struct http_response *response)
{
	struct buf body = buf_init(LIMIT_API_ANSWER);

	buf_printf(&body, "{\"code\":%d,\"message\":", codes[e->kind]);
	buf_add_json_string(&body, str_of(e->text));
	buf_add_char(&body, '}');
	buf_release(&response->body);
	response->body = body;
	response->status = status_of(call, e->kind);
	if (e->kind == ERR_UNAUTHENTICATED)
		response->authenticate = "Bearer";
	if (e->kind == ERR_UNAVAILABLE)
		response->retry_after = 1;
	if (response->status >= 500 && e->kind != ERR_UNSUPPORTED)
		log_line(LOG_ERROR, "api request failed", LOG_INT("request", (int64_t)call->request->id),
			 LOG_INT("status", response->status), LOG_C("error", e->text));
}

bool grafeas_screen(void *context, struct http_request *request, struct http_response *response)
{
	struct grafeas_call call = {.grafeas = context, .request = request};
	struct err e = ERR_INIT;
	struct str name;

	if (access_role_of(call.grafeas->access, request, &call.role, &name, &e))
		return true;
	answer_error(&call, &e, response);
	return false;
}

void grafeas_handle(void *context, struct http_request *request, struct http_response *response)
{
	struct grafeas_call call = {.grafeas = context,
				    .request = request,
				    .deadline_ms = clock_monotonic_ms() + LIMIT_API_MS,
				    .now_us = call_clock_us()};
	cleanup(buf) struct buf out = buf_init(LIMIT_API_ANSWER);
	struct err e = ERR_INIT;

	if (!dispatch(&call, &out, &e)) {
		answer_error(&call, &e, response);
		return;
	}
	buf_release(&response->body);
	response->body = out;
	out = buf_init(0);
	response->status = 200;
}
