#include "kube/direct.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "client/transfer.h"

enum { TOKEN_MAX = 64 * 1024, HEADERS_MAX = 4, LINE_MAX = 256, PLACE_MAX = 320 };

struct direct {
	struct kube_transport transport;
	const struct kube_config *config;
	struct transfer_peer peer;
	char connect_to[PLACE_MAX]; /* with a name for TLS of its own: where the server is */
	struct buf base;	    /* URL without path */
	struct buf authorization;   /* the header's line; empty without token */
	int64_t token_ms;	    /* when it was read; 0: it is due */
	struct transfers *transfers;
	struct request *requests;
};

/* One that is under way. */
struct request {
	struct direct *owner;
	uint64_t id;
	struct kube_handler handler;
	struct request *next;
};

static void unlink_request(struct request *request)
{
	for (struct request **at = &request->owner->requests; *at; at = &(*at)->next)
		if (*at == request) {
			*at = request->next;
			return;
		}
}

static void drop(struct request *request)
{
	const struct kube_handler handler = request->handler;

	unlink_request(request);
	free(request);
	if (handler.dropped)
		handler.dropped(handler.context);
}

static void on_head(void *context, int status, int retry_after)
{
	struct request *request = context;

	if (status == 401)
		request->owner->token_ms = 0;
	request->handler.head(request->handler.context, status, retry_after);
}

static void on_data(void *context, struct str bytes)
{
	struct request *request = context;

	request->handler.data(request->handler.context, bytes);
}

static void on_end(void *context, enum transfer_end end, const char *problem)
{
	struct request *request = context;
	const struct kube_handler handler = request->handler;
	struct err e = ERR_INIT;

	if (end != TRANSFER_COMPLETE)
		err_set(&e, end == TRANSFER_LATE ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s: %s",
			request->owner->config->server, problem);
	unlink_request(request);
	free(request);
	handler.end(handler.context, &e);
}

static void set_authorization(struct direct *d, struct str token)
{
	buf_clear(&d->authorization);
	buf_printf(&d->authorization, "Authorization: Bearer %.*s", STR_ARG(token));
	if (d->authorization.failed)
		buf_clear(&d->authorization);
}

static bool is_token(struct str token)
{
	for (size_t i = 0; i < token.len; i++)
		if ((unsigned char)token.ptr[i] <= 0x20 || (unsigned char)token.ptr[i] >= 0x7f)
			return false;
	return token.len > 0;
}

/* What can't be read leaves the last one, which may still count; the server says so when it doesn't. */
static void renew_token(struct direct *d)
{
	cleanup(buf) struct buf text = buf_init_secret(TOKEN_MAX);
	int64_t now_ms = clock_monotonic_ms();

	if (!d->config->token_file || (d->token_ms && now_ms - d->token_ms < KUBE_TOKEN_MS))
		return;
	if (!file_read(d->config->token_file, &text, NULL) || !is_token(str_trim(buf_str(&text))))
		return;
	set_authorization(d, str_trim(buf_str(&text)));
	d->token_ms = now_ms ? now_ms : 1;
}

/* The lines of a request's head besides libcurl's own; false when one is too long. */
static bool head_lines(const struct direct *d, const struct kube_request *request, char accept[LINE_MAX],
		       char type[LINE_MAX], const char *lines[HEADERS_MAX], size_t *count)
{
	const char *accepted = request->accept ? request->accept : "application/json";

	*count = 0;
	if (snprintf(accept, LINE_MAX, "Accept: %s", accepted) >= LINE_MAX ||
	    (request->content_type && snprintf(type, LINE_MAX, "Content-Type: %s", request->content_type) >= LINE_MAX))
		return false;
	lines[(*count)++] = accept;
	lines[(*count)++] = "Expect:";
	if (request->content_type)
		lines[(*count)++] = type;
	if (d->authorization.len)
		lines[(*count)++] = d->authorization.data;
	return true;
}

static uint64_t start_transfer(struct direct *d, const struct kube_request *given, struct request *request,
			       struct err *e)
{
	cleanup(buf) struct buf url = buf_init(d->base.len + KUBE_PATH_MAX);
	const struct transfer_handler handler = {request, on_head, on_data, on_end};
	char accept[LINE_MAX], type[LINE_MAX];
	const char *lines[HEADERS_MAX];
	struct transfer_request transfer = {.method = given->method,
					    .headers = lines,
					    .body = given->body.len ? given->body : (struct str){0},
					    .timeout_ms = given->timeout_ms,
					    .silence_ms = given->timeout_ms ? 0 : KUBE_SILENCE_MS};

	buf_add(&url, buf_str(&d->base));
	buf_add(&url, given->path);
	if (!buf_ok(&url, e))
		return 0;
	if (!head_lines(d, given, accept, type, lines, &transfer.header_count)) {
		err_set(e, ERR_INVALID, "a line of the request's head is too long");
		return 0;
	}
	transfer.url = url.data;
	return transfers_start(d->transfers, &transfer, &handler, e);
}

static uint64_t direct_start(struct kube_transport *t, const struct kube_request *given,
			     const struct kube_handler *handler, struct err *e)
{
	struct direct *d = (struct direct *)t;
	struct request *request = malloc(sizeof(*request));
	uint64_t id;

	if (!request) {
		err_no_memory(e);
		return 0;
	}
	*request = (struct request){.owner = d, .handler = *handler};
	renew_token(d);
	id = start_transfer(d, given, request, e);
	if (!id) {
		free(request);
		return 0;
	}
	request->id = id;
	request->next = d->requests;
	d->requests = request;
	return id;
}

static void direct_cancel(struct kube_transport *t, uint64_t id)
{
	struct direct *d = (struct direct *)t;

	transfers_cancel(d->transfers, id);
	for (struct request *one = d->requests; one; one = one->next)
		if (one->id == id) {
			drop(one);
			return;
		}
}

bool kube_direct_run(struct kube_transport *t, int64_t deadline_ms, int fd, struct err *e)
{
	return transfers_run(((struct direct *)t)->transfers, deadline_ms, fd, e);
}

static bool direct_run(struct kube_transport *t, int64_t deadline_ms, struct err *e)
{
	return kube_direct_run(t, deadline_ms, -1, e);
}

static void direct_wake(struct kube_transport *t)
{
	transfers_wake(((struct direct *)t)->transfers);
}

static void direct_free(struct kube_transport *t)
{
	struct direct *d = (struct direct *)t;

	transfers_free(d->transfers);
	while (d->requests)
		drop(d->requests);
	buf_release(&d->authorization);
	buf_release(&d->base);
	free(d);
}

static const struct kube_transport_class direct_class = {direct_start, direct_cancel, direct_run, direct_wake,
							 direct_free};

/* With tls_name the URL names it, so that it is asked for and looked for, and the connection goes where the server is.
 */
static bool set_base(struct direct *d, struct err *e)
{
	const struct kube_config *c = d->config;
	struct transfer_url url = {0};
	bool unwanted = false;
	const char *path;

	if (!transfer_url_read(c->server, &url, &unwanted, e))
		return false;
	if (!c->tls_name) {
		buf_add_c(&d->base, c->server);
		return buf_ok(&d->base, e);
	}
	(void)snprintf(d->connect_to, sizeof(d->connect_to), "%s:%u", url.host, url.port);
	path = strchr(c->server + strlen("https://"), '/');
	buf_printf(&d->base, "https://%s:%u%s", c->tls_name, url.port, path ? path : "");
	return buf_ok(&d->base, e);
}

static bool set_up(struct direct *d, struct err *e)
{
	const struct kube_config *c = d->config;

	if (!set_base(d, e))
		return false;
	d->peer = (struct transfer_peer){.ca_file = c->ca_file,
					 .ca_pem = str_of(c->ca_pem),
					 .certificate_file = c->certificate_file,
					 .key_file = c->key_file,
					 .certificate_pem = str_of(c->certificate_pem),
					 .key_pem = str_of(c->key_pem),
					 .connect_to = d->connect_to[0] ? d->connect_to : NULL};
	if (c->token && !c->token_file)
		set_authorization(d, str_of(c->token));
	d->transfers = transfers_new(&d->peer, e);
	return d->transfers != NULL;
}

struct kube_transport *kube_direct_new(const struct kube_config *config, struct err *e)
{
	struct direct *d = calloc(1, sizeof(*d));

	if (!d) {
		err_no_memory(e);
		return NULL;
	}
	*d = (struct direct){.transport = {&direct_class},
			     .config = config,
			     .base = buf_init(KUBE_PATH_MAX),
			     .authorization = buf_init_secret(TOKEN_MAX + LINE_MAX)};
	if (set_up(d, e))
		return &d->transport;
	direct_free(&d->transport);
	return NULL;
}
