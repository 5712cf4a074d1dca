#include "cli/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include "base/file.h"
#include "base/json.h"

enum { URL_MAX = 2048, TOKEN_MAX = 4096, CONNECT_SECONDS = 10, TOTAL_SECONDS = 30, SAID_MAX = 400 };

struct http_client {
	CURL *curl;
	struct curl_slist *headers;
	char base[URL_MAX]; /* without the final slash */
	char problem[CURL_ERROR_SIZE];
};

CLEANUP_POINTER(curl_url, CURLU, curl_url_cleanup)

static void free_curl_text(char **text)
{
	curl_free(*text);
}

CLEANUP_VALUE(curl_text, char *, free_curl_text)

void http_answer_release(struct http_answer *answer)
{
	buf_release(&answer->body);
}

/* One of them holds the token. */
static void free_headers(struct curl_slist *headers)
{
	for (struct curl_slist *one = headers; one; one = one->next)
		explicit_bzero(one->data, strlen(one->data));
	curl_slist_free_all(headers);
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	free_headers(client->headers);
	curl_easy_cleanup(client->curl);
	free(client);
}

static bool is_loopback(const char *host)
{
	unsigned char address[4];

	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

/* Gives the scheme and host; anything a base URL has no use for is an error. */
static bool check_url(const char *url, bool *plain, bool *loopback, struct err *e)
{
	static const CURLUPart unwanted[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT};
	cleanup(curl_url) CURLU *parts = curl_url();
	cleanup(curl_text) char *scheme = NULL;
	cleanup(curl_text) char *host = NULL;
	cleanup(curl_text) char *other = NULL;

	if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return err_set(e, ERR_INVALID, "--server: \"%s\" is not http://HOST:PORT or https://HOST:PORT", url);
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		if (curl_url_get(parts, unwanted[i], &other, 0) == CURLUE_OK)
			return err_set(e, ERR_INVALID, "--server: the URL has no user name, query or fragment");
	*plain = strcmp(scheme, "http") == 0;
	*loopback = is_loopback(host);
	return true;
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

static bool add_header(struct http_client *client, const char *line, struct err *e)
{
	struct curl_slist *more = curl_slist_append(client->headers, line);

	if (!more)
		return err_no_memory(e);
	client->headers = more;
	return true;
}

static bool set_token(struct http_client *client, const char *file, bool exposed, struct err *e)
{
	cleanup(buf) struct buf text = buf_init_secret(TOKEN_MAX);
	cleanup(buf) struct buf header = buf_init_secret(TOKEN_MAX + 64);
	struct str token;

	if (!read_token(file, &text, e))
		return false;
	token = str_trim(buf_str(&text));
	if (token.len == 0)
		return true;
	if (exposed)
		return err_set(e, ERR_INVALID, "a token is not sent to another machine over plain HTTP; use https://");
	buf_printf(&header, "Authorization: Bearer %.*s", STR_ARG(token));
	return buf_ok(&header, e) && add_header(client, header.data, e);
}

static void set_basics(struct http_client *client)
{
	CURL *c = client->curl;

	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TOTAL_SECONDS);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "sealgate/" SEALGATE_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, client->problem);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, client->headers);
}

static bool set_files(struct http_client *client, const struct server_options *o, struct err *e)
{
	if (!o->certificate != !o->key)
		return err_set(e, ERR_INVALID, "--cert and --client-key go together");
	if (o->ca)
		curl_easy_setopt(client->curl, CURLOPT_CAINFO, o->ca);
	if (o->certificate) {
		curl_easy_setopt(client->curl, CURLOPT_SSLCERT, o->certificate);
		curl_easy_setopt(client->curl, CURLOPT_SSLKEY, o->key);
	}
	return true;
}

static bool set_up(struct http_client *client, const struct server_options *o, struct err *e)
{
	bool plain = false;
	bool loopback = false;

	if (!check_url(o->url, &plain, &loopback, e) || !set_base(client, o->url, e) ||
	    !set_token(client, o->token_file, plain && !loopback, e) ||
	    !add_header(client, "Content-Type: application/json", e) || !add_header(client, "Expect:", e))
		return false;
	set_basics(client);
	/* A proxy would carry a token that was meant to stay on this machine. */
	if (loopback)
		curl_easy_setopt(client->curl, CURLOPT_PROXY, "");
	return set_files(client, o, e);
}

struct http_client *http_client_new(const struct server_options *options, struct err *e)
{
	cleanup(http_client) struct http_client *client = calloc(1, sizeof(*client));

	if (!client || !(client->curl = curl_easy_init())) {
		err_no_memory(e);
		return NULL;
	}
	if (!set_up(client, options, e))
		return NULL;
	return take(client);
}

static size_t receive(char *data, size_t size, size_t count, void *context)
{
	struct buf *out = context;

	buf_add(out, str_make(data, size * count));
	return out->failed ? 0 : size * count;
}

/* What to do about a failure that people meet. */
static const struct {
	CURLcode code;
	enum err_kind kind;
	const char *advice;
} advices[] = {
	{CURLE_COULDNT_CONNECT, ERR_UNAVAILABLE,
	 "is sealgated running there, and listening for its API (--api-listen)?"},
	{CURLE_COULDNT_RESOLVE_HOST, ERR_UNAVAILABLE, "check the host name of --server"},
	{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "try again, or check the network between here and the server"},
	{CURLE_PEER_FAILED_VERIFICATION, ERR_UNAVAILABLE, "give the server's CA with --cacert FILE"},
	{CURLE_SSL_CACERT_BADFILE, ERR_INVALID, "--cacert names no file with certificates in PEM"},
	{CURLE_SSL_CERTPROBLEM, ERR_INVALID, "--cert and --client-key don't fit or can't be read"},
	{CURLE_SSL_CONNECT_ERROR, ERR_UNAVAILABLE,
	 "does the server speak TLS there, and does it ask for a client certificate (--cert, --client-key)?"},
	{CURLE_GOT_NOTHING, ERR_UNAVAILABLE, "the server closed the connection; a TLS port needs https://"},
	{CURLE_RECV_ERROR, ERR_UNAVAILABLE, "the connection broke; try again"},
	{CURLE_SEND_ERROR, ERR_UNAVAILABLE, "the connection broke; try again"},
};

static bool explain(const struct http_client *client, CURLcode code, struct err *e)
{
	const char *problem = client->problem[0] ? client->problem : curl_easy_strerror(code);

	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].code == code)
			return err_set(e, advices[i].kind, "%s: %s; %s", client->base, problem, advices[i].advice);
	return err_set(e, ERR_UNAVAILABLE, "%s: %s", client->base, problem);
}

static bool transfer(struct http_client *client, const char *url, struct buf *body, int *status, struct err *e)
{
	long code = 0;
	CURLcode result;

	client->problem[0] = 0;
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, body);
	result = curl_easy_perform(client->curl);
	if (body->full)
		return err_set(e, ERR_TOO_LARGE, "%s: the answer is larger than %u bytes", client->base,
			       HTTP_ANSWER_MAX);
	if (result != CURLE_OK)
		return explain(client, result, e);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &code);
	*status = (int)code;
	return true;
}

static void set_method(struct http_client *client, const char *method, struct str body)
{
	CURL *c = client->curl;

	if (body.ptr) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.ptr);
	} else {
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

bool http_client_call(struct http_client *client, const char *method, const char *path, struct str body,
		      struct http_answer *answer, struct err *e)
{
	cleanup(buf) struct buf url = buf_init(URL_MAX * 8);
	cleanup(buf) struct buf received = buf_init(HTTP_ANSWER_MAX);
	int status = 0;

	buf_printf(&url, "%s%s", client->base, path);
	if (!buf_ok(&url, e))
		return false;
	set_method(client, method, body);
	if (!transfer(client, url.data, &received, &status, e))
		return false;
	answer->status = status;
	answer->body = received;
	received = buf_init(0);
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
