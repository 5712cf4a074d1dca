#include "cli/http_client.h"

#include "base/file.h"
#include "base/json.h"
#include "client/transfer.h"

enum { URL_MAX = 2048, TOKEN_MAX = 4096, TOTAL_MS = 30000, SAID_MAX = 400, HEADERS_MAX = 3 };

struct http_client {
	struct transfers *transfers;
	struct transfer_peer peer;
	const char *headers[HEADERS_MAX];
	size_t header_count;
	struct buf authorization;
	char base[URL_MAX]; /* without the final slash */
};

void http_answer_release(struct http_answer *answer)
{
	buf_release(&answer->body);
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	transfers_free(client->transfers);
	buf_release(&client->authorization);
	free(client);
}

static bool set_base(struct http_client *client, const char *url, struct err *e)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len >= sizeof(client->base))
		return err_set(e, ERR_INVALID, "--server: the URL is too long");
	memcpy(client->base, url, len);
	client->base[len] = 0;
	return true;
}

/* The token of the file, else of the environment, else empty. */
static bool read_token(const char *file, struct buf *out, struct err *e)
{
	const char *from = getenv("SEALGATE_TOKEN");
	struct str token;

	if (file && !file_read(file, out, e))
		return false;
	if (!file && from)
		buf_add_c(out, from);
	token = str_trim(buf_str(out));
	for (size_t i = 0; i < token.len; i++)
		if ((unsigned char)token.ptr[i] <= 0x20 || (unsigned char)token.ptr[i] >= 0x7f)
			return err_set(e, ERR_INVALID, "%s: a token is one line without spaces",
				       file ? file : "SEALGATE_TOKEN");
	if (file && token.len == 0)
		return err_set(e, ERR_INVALID, "%s: holds no token", file);
	return buf_ok(out, e);
}

static bool set_token(struct http_client *client, const char *file, bool exposed, struct err *e)
{
	cleanup(buf) struct buf text = buf_init_secret(TOKEN_MAX);
	struct str token;

	if (!read_token(file, &text, e))
		return false;
	token = str_trim(buf_str(&text));
	if (token.len == 0)
		return true;
	if (exposed)
		return err_set(e, ERR_INVALID, "a token is not sent to another machine over plain HTTP; use https://");
	buf_printf(&client->authorization, "Authorization: Bearer %.*s", STR_ARG(token));
	client->headers[client->header_count++] = client->authorization.data;
	return buf_ok(&client->authorization, e);
}

static bool set_files(struct http_client *client, const struct server_options *o, struct err *e)
{
	if (!o->certificate != !o->key)
		return err_set(e, ERR_INVALID, "--cert and --client-key go together");
	client->peer.ca_file = o->ca;
	client->peer.certificate_file = o->certificate;
	client->peer.key_file = o->key;
	return true;
}

static bool set_up(struct http_client *client, const struct server_options *o, struct err *e)
{
	struct transfer_url url = {0};
	bool unwanted = false;

	if (!transfer_url_read(o->url, &url, &unwanted, e))
		return err_context(e, "--server");
	if (!set_base(client, o->url, e) || !set_token(client, o->token_file, !url.https && !url.loopback, e) ||
	    !set_files(client, o, e))
		return false;
	client->headers[client->header_count++] = "Content-Type: application/json";
	client->headers[client->header_count++] = "Expect:";
	client->peer.plain = true;
	/* A proxy would carry a token that was meant to stay on this machine. */
	client->peer.system_proxy = !url.loopback;
	client->transfers = transfers_new(&client->peer, e);
	return client->transfers != NULL;
}

struct http_client *http_client_new(const struct server_options *options, struct err *e)
{
	cleanup(http_client) struct http_client *client = calloc(1, sizeof(*client));

	if (!client) {
		err_no_memory(e);
		return NULL;
	}
	client->authorization = buf_init_secret(TOKEN_MAX + 64);
	return set_up(client, options, e) ? take(client) : NULL;
}

/* What to do about a failure that people meet. */
static const struct {
	enum transfer_end end;
	enum err_kind kind;
	const char *advice;
} advices[] = {
	{TRANSFER_NO_CONNECTION, ERR_UNAVAILABLE,
	 "is sealgated running there, and listening for its API (--api-listen)?"},
	{TRANSFER_NO_HOST, ERR_UNAVAILABLE, "check the host name of --server"},
	{TRANSFER_LATE, ERR_TIMEOUT, "try again, or check the network between here and the server"},
	{TRANSFER_UNTRUSTED, ERR_UNAVAILABLE, "give the server's CA with --cacert FILE"},
	{TRANSFER_BAD_AUTHORITIES, ERR_INVALID, "--cacert names no file with certificates in PEM"},
	{TRANSFER_BAD_CERTIFICATE, ERR_INVALID, "--cert and --client-key don't fit or can't be read"},
	{TRANSFER_NO_TLS, ERR_UNAVAILABLE,
	 "does the server speak TLS there, and does it ask for a client certificate (--cert, --client-key)?"},
	{TRANSFER_NOTHING, ERR_UNAVAILABLE, "the server closed the connection; a TLS port needs https://"},
	{TRANSFER_BROKEN, ERR_UNAVAILABLE, "the connection broke; try again"},
};

/* What comes of the one request that is under way. */
struct exchange {
	const struct http_client *client;
	struct buf body;
	int status;
	bool over;
	bool complete;
	struct err err;
};

static void exchange_release(struct exchange *exchange)
{
	buf_release(&exchange->body);
}

CLEANUP_VALUE(exchange, struct exchange, exchange_release)

static void note_head(void *context, int status, int retry_after)
{
	struct exchange *exchange = context;

	(void)retry_after;
	exchange->status = status;
}

static void note_data(void *context, struct str bytes)
{
	struct exchange *exchange = context;

	buf_add(&exchange->body, bytes);
	exchange->over = exchange->over || exchange->body.failed;
}

static void explain(struct exchange *exchange, enum transfer_end end, const char *problem)
{
	const char *base = exchange->client->base;

	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].end == end) {
			err_set(&exchange->err, advices[i].kind, "%s: %s; %s", base, problem, advices[i].advice);
			return;
		}
	err_set(&exchange->err, ERR_UNAVAILABLE, "%s: %s", base, problem);
}

static void note_end(void *context, enum transfer_end end, const char *problem)
{
	struct exchange *exchange = context;

	exchange->over = true;
	exchange->complete = end == TRANSFER_COMPLETE;
	if (!exchange->complete)
		explain(exchange, end, problem);
}

static bool carry_out(struct http_client *client, const struct transfer_request *request, struct exchange *exchange,
		      struct err *e)
{
	const struct transfer_handler handler = {exchange, note_head, note_data, note_end};
	uint64_t id = transfers_start(client->transfers, request, &handler, e);
	bool runs = id != 0;

	while (runs && !exchange->over)
		runs = transfers_run(client->transfers, 0, -1, e);
	transfers_cancel(client->transfers, id);
	if (!runs)
		return false;
	if (exchange->body.full)
		return err_set(e, ERR_TOO_LARGE, "%s: the answer is larger than %u bytes", client->base,
			       HTTP_ANSWER_MAX);
	if (!exchange->complete && e)
		*e = exchange->err;
	return exchange->complete && buf_ok(&exchange->body, e);
}

bool http_client_call(struct http_client *client, const char *method, const char *path, struct str body,
		      struct http_answer *answer, struct err *e)
{
	cleanup(buf) struct buf url = buf_init(URL_MAX * 8);
	cleanup(exchange) struct exchange exchange = {.client = client, .body = buf_init(HTTP_ANSWER_MAX)};
	struct transfer_request request = {.method = method,
					   .headers = client->headers,
					   .header_count = client->header_count,
					   .body = body,
					   .timeout_ms = TOTAL_MS};

	buf_printf(&url, "%s%s", client->base, path);
	if (!buf_ok(&url, e))
		return false;
	request.url = url.data;
	if (!carry_out(client, &request, &exchange, e))
		return false;
	answer->status = exchange.status;
	answer->body = exchange.body;
	exchange.body = buf_init(0);
	return true;
}

/* The server's own words: "message" of a JSON error, else the first line of the body. */
static void add_said(const struct buf *body, struct buf *out)
{
	struct str text = str_trim(buf_str(body));
	cleanup(json) json_t *value = NULL;
	struct str message = {0};

	if (text.len && text.ptr[0] == '{' && json_read(text, &value, NULL))
		message = json_text(value, "message");
	if (message.len == 0 && text.len && text.ptr[0] != '{' && text.ptr[0] != '<')
		message = str_head(text, str_find(text, '\n'));
	buf_add(out, str_head(message, SAID_MAX));
}

static const struct {
	int status;
	enum err_kind kind;
	const char *advice;
} meanings[] = {
	{400, ERR_INVALID, NULL},
	{401, ERR_UNAUTHENTICATED, "give --token-file FILE, SEALGATE_TOKEN, or --cert FILE and --client-key FILE"},
	{403, ERR_INVALID, "the role of this token does not allow it"},
	{404, ERR_NOT_FOUND, NULL},
	{409, ERR_EXISTS, NULL},
	{413, ERR_TOO_LARGE, NULL},
	{501, ERR_UNSUPPORTED, NULL},
	{503, ERR_UNAVAILABLE, "the server is busy; try again"},
	{504, ERR_TIMEOUT, "the server is busy; try again"},
};

bool http_answer_ok(const struct http_client *client, const struct http_answer *answer, struct err *e)
{
	cleanup(buf) struct buf said = buf_init(SAID_MAX + 1);
	const char *separator;

	if (answer->status >= 200 && answer->status < 300)
		return true;
	add_said(&answer->body, &said);
	separator = said.len ? ": " : "";
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].status == answer->status)
			return err_set(e, meanings[i].kind, "%s answered %d%s%.*s%s%s", client->base, answer->status,
				       separator, STR_ARG(buf_str(&said)), meanings[i].advice ? "; " : "",
				       meanings[i].advice ? meanings[i].advice : "");
	return err_set(e, ERR_UNAVAILABLE, "%s answered %d%s%.*s; is it the API of sealgated?", client->base,
		       answer->status, separator, STR_ARG(buf_str(&said)));
}
