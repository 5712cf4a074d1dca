#include "server/scan.h"

#include "base/json.h"
#include "kube/call.h"
#include "server/scan_query.h"

#define LEFT_OUT_MAX 4096u
/* Memory for the words of one error. */
#define WORDS_MAX 65536u

/* The request under way, as the transport tells about it. */
struct answer {
	uint64_t id; /* 0: none */
	bool ended;
	int status;
	int retry_after;
	struct buf body;
	struct err error;
};

struct scan {
	struct kube_transport *transport;
	struct scan_findings *findings;
	struct str namespace_;
	struct buf namespace_text;
	enum scan_state state;
	size_t resource;
	struct answer answer;
	struct scan_page page;
	struct buf token;  /* of the page that is asked for */
	struct err judged; /* what came of the page */
	bool is_judged;
	unsigned limit;
	unsigned attempts;
	unsigned restarts;
	int64_t due_ms;
	struct buf left_out;
	struct err error;
};

/* ---- What the transport tells ---- */

static void on_head(void *context, int status, int retry_after)
{
	struct scan *scan = context;

	scan->answer.status = status;
	scan->answer.retry_after = retry_after;
}

static void on_data(void *context, struct str bytes)
{
	struct scan *scan = context;

	buf_add(&scan->answer.body, bytes);
}

static void on_end(void *context, const struct err *e)
{
	struct scan *scan = context;

	scan->answer.id = 0;
	scan->answer.ended = true;
	scan->answer.error = *e;
	if (e->kind == ERR_NONE && !buf_ok(&scan->answer.body, &scan->answer.error))
		scan->answer.status = 0;
}

/* ---- Beginning and end ---- */

struct scan *scan_new(struct kube_transport *transport, struct str namespace_, struct scan_findings *findings)
{
	struct scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return NULL;
	scan->transport = transport;
	scan->findings = findings;
	scan->limit = SCAN_PAGE_OBJECTS;
	scan->answer.body = buf_init(SCAN_PAGE_BYTES);
	scan->page.last = buf_init(SCAN_KEY_MAX);
	scan->page.next = buf_init(SCAN_TOKEN_MAX);
	scan->token = buf_init(SCAN_TOKEN_MAX);
	scan->left_out = buf_init(LEFT_OUT_MAX);
	scan->namespace_text = buf_init(SCAN_KEY_MAX);
	buf_add(&scan->namespace_text, namespace_);
	scan->namespace_ = buf_str(&scan->namespace_text);
	return scan;
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	if (scan->answer.id)
		kube_transport_cancel(scan->transport, scan->answer.id);
	buf_release(&scan->answer.body);
	buf_release(&scan->page.last);
	buf_release(&scan->page.next);
	buf_release(&scan->token);
	buf_release(&scan->left_out);
	buf_release(&scan->namespace_text);
	free(scan);
}

enum scan_state scan_state(const struct scan *scan)
{
	return scan->state;
}

const char *scan_resource_now(const struct scan *scan)
{
	return scan->resource < SCAN_RESOURCES ? scan_resources[scan->resource].plural : "";
}

size_t scan_objects(const struct scan *scan)
{
	return scan->page.objects;
}

struct str scan_left_out(const struct scan *scan)
{
	return buf_str(&scan->left_out);
}

const struct err *scan_error(const struct scan *scan)
{
	return &scan->error;
}

/* ---- Where the walk stands ---- */

static void fail(struct scan *scan, const struct err *e)
{
	scan->error = *e;
	err_context(&scan->error, "%s", scan_resource_now(scan));
	scan->state = SCAN_FAILED;
}

static void begin_list(struct scan *scan)
{
	buf_clear(&scan->token);
	scan->limit = SCAN_PAGE_OBJECTS;
	scan->attempts = 0;
}

static void next_resource(struct scan *scan)
{
	begin_list(scan);
	buf_clear(&scan->page.last);
	scan->page.resume = false;
	scan->restarts = 0;
	if (++scan->resource == SCAN_RESOURCES)
		scan->state = SCAN_DONE;
}

static void leave_out(struct scan *scan, const struct err *e)
{
	buf_printf(&scan->left_out, "%s%s: %.300s", scan->left_out.len ? "; " : "", scan_resource_now(scan), e->text);
	next_resource(scan);
}

static void try_again(struct scan *scan, const struct err *e, int retry_after, int64_t now_ms)
{
	int64_t wait = (int64_t)SCAN_RETRY_MS << scan->attempts;

	if (++scan->attempts == SCAN_ATTEMPTS) {
		fail(scan, e);
		return;
	}
	if (retry_after >= 0 && (int64_t)retry_after * 1000 > wait)
		wait = (int64_t)retry_after * 1000;
	scan->due_ms = now_ms + (wait < SCAN_RETRY_MAX_MS ? wait : SCAN_RETRY_MAX_MS);
}

/* In pieces of a fifth: 500, 100, 20, 4, 1. */
static void ask_for_less(struct scan *scan, const struct err *e)
{
	if (scan->limit == 1)
		leave_out(scan, e);
	else
		scan->limit = scan->limit < 5 ? 1 : scan->limit / 5;
}

/* The server has forgotten where the list stood. */
static void go_on_elsewhere(struct scan *scan, const json_t *status, const struct err *e)
{
	struct str token = json_text(json_object_get(status, "metadata"), "continue");

	if (++scan->restarts > SCAN_RESTARTS) {
		fail(scan, e);
		return;
	}
	begin_list(scan);
	buf_add(&scan->token, token);
	scan->page.resume = token.len == 0 && scan->page.last.len > 0;
}

/* ---- Answers ---- */

static const struct {
	int status;
	enum err_kind kind;
} kinds[] = {
	{401, ERR_UNAUTHENTICATED}, {403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND},
	{405, ERR_NOT_FOUND},	    {410, ERR_CHANGED},	  {413, ERR_TOO_LARGE},
};

/* A Status in the server's own words. */
static void read_error(int status, const json_t *answer, struct err *e)
{
	cleanup(arena) struct arena words = arena_init(WORDS_MAX);
	struct str message = image_text_escape(json_text(answer, "message"), &words);
	enum err_kind kind = ERR_UNAVAILABLE;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].status == status)
			kind = kinds[i].kind;
	if (message.len)
		(void)err_set(e, kind, "%.*s", STR_ARG(message));
	else
		(void)err_set(e, kind, "the API server answers with status %d", status);
}

static void take_refusal(struct scan *scan, int64_t now_ms)
{
	cleanup(json) json_t *answer = NULL;
	struct err e = ERR_INIT;

	if (!json_read(buf_str(&scan->answer.body), &answer, &e))
		answer = NULL;
	read_error(scan->answer.status, answer, &e);
	if (e.kind == ERR_FORBIDDEN || e.kind == ERR_NOT_FOUND)
		leave_out(scan, &e);
	else if (e.kind == ERR_CHANGED)
		go_on_elsewhere(scan, answer, &e);
	else if (e.kind == ERR_TOO_LARGE)
		ask_for_less(scan, &e);
	else
		try_again(scan, &e, scan->answer.retry_after, now_ms);
}

static void take_answer(struct scan *scan, int64_t now_ms)
{
	const struct answer *answer = &scan->answer;

	scan->answer.ended = false;
	if (answer->error.kind == ERR_TOO_LARGE)
		ask_for_less(scan, &answer->error);
	else if (answer->error.kind == ERR_FORBIDDEN)
		leave_out(scan, &answer->error);
	else if (answer->error.kind != ERR_NONE)
		try_again(scan, &answer->error, -1, now_ms);
	else if (answer->status != 200)
		take_refusal(scan, now_ms);
	else
		scan->state = SCAN_READ;
	if (scan->state != SCAN_READ)
		buf_release(&scan->answer.body);
}

static void take_page(struct scan *scan, int64_t now_ms)
{
	const struct err *e = &scan->judged;

	scan->is_judged = false;
	scan->state = SCAN_WAITING;
	buf_release(&scan->answer.body);
	if (e->kind == ERR_TOO_LARGE) {
		ask_for_less(scan, e);
	} else if (e->kind == ERR_INTERNAL) {
		fail(scan, e);
	} else if (e->kind != ERR_NONE) {
		try_again(scan, e, -1, now_ms);
	} else if (scan->page.next.len) {
		buf_clear(&scan->token);
		buf_add(&scan->token, buf_str(&scan->page.next));
		scan->attempts = 0;
	} else {
		next_resource(scan);
	}
}

void scan_judge_page(struct scan *scan, const struct scan_judge *judge)
{
	scan->judged = ERR_INIT;
	scan->page.resource = &scan_resources[scan->resource];
	scan->page.text = buf_str(&scan->answer.body);
	if (!scan_page_judge(&scan->page, judge, scan->findings, &scan->judged) && scan->judged.kind == ERR_NONE)
		(void)err_set(&scan->judged, ERR_INTERNAL, "the page can't be judged");
	scan->is_judged = true;
}

/* ---- Requests ---- */

static void ask(struct scan *scan, int64_t now_ms)
{
	const struct scan_resource *resource = &scan_resources[scan->resource];
	const struct kube_handler handler = {.context = scan, .head = on_head, .data = on_data, .end = on_end};
	cleanup(buf) struct buf path = buf_init(SCAN_PATH_MAX);
	struct kube_request request = {.method = "GET", .timeout_ms = SCAN_REQUEST_MS};
	struct err e = ERR_INIT;

	kube_path_add(&path, resource->group, resource->version, scan->namespace_, resource->plural, STR(""), "");
	scan_query_add(&path, scan->limit, NULL, buf_str(&scan->token));
	scan->due_ms = now_ms + SCAN_PAUSE_MS;
	buf_clear(&scan->answer.body);
	scan->answer.error = ERR_INIT;
	request.path = buf_str(&path);
	if (buf_ok(&path, &e))
		scan->answer.id = kube_transport_start(scan->transport, &request, &handler, &e);
	if (scan->answer.id == 0)
		try_again(scan, &e, -1, now_ms);
}

int64_t scan_step(struct scan *scan, int64_t now_ms)
{
	if (scan->state == SCAN_READ && scan->is_judged)
		take_page(scan, now_ms);
	if (scan->state == SCAN_WAITING && scan->answer.ended)
		take_answer(scan, now_ms);
	if (scan->state != SCAN_WAITING || scan->answer.id)
		return INT64_MAX;
	if (now_ms >= scan->due_ms)
		ask(scan, now_ms);
	return scan->state == SCAN_WAITING && scan->answer.id == 0 ? scan->due_ms : INT64_MAX;
}
