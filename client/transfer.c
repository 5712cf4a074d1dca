#include "client/transfer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>

#include "base/clock.h"

enum { CONNECT_SECONDS = 10, IDLE_CONNECTIONS = 8, WAIT_MAX_MS = 3600 * 1000 };

struct transfer {
	uint64_t id;
	struct transfers *owner;
	CURL *easy;
	struct curl_slist *headers;
	struct transfer_handler handler;
	int64_t silence_ms;
	int64_t heard_ms;
	bool added;
	bool told; /* its head */
	bool cancelled;
	char problem[CURL_ERROR_SIZE];
};

struct transfers {
	CURLM *multi;
	const struct transfer_peer *peer;
	struct curl_slist *connect_to;
	uint64_t last_id;
	bool working; /* handlers may be called: nothing may be taken from libcurl */
	struct transfer *slots[TRANSFERS_MAX];
};

CLEANUP_POINTER(curl_url, CURLU, curl_url_cleanup)

static void free_curl_text(char **text)
{
	curl_free(*text);
}

CLEANUP_VALUE(curl_text, char *, free_curl_text)

static bool is_loopback(const char *host)
{
	unsigned char address[4];

	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

bool transfer_url_read(const char *text, struct transfer_url *out, bool *unwanted, struct err *e)
{
	static const CURLUPart extras[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT};
	cleanup(curl_url) CURLU *parts = curl_url();
	cleanup(curl_text) char *scheme = NULL, *host = NULL, *port = NULL, *extra = NULL;
	struct transfer_url url = {0};

	*unwanted = false;
	if (!parts || curl_url_set(parts, CURLUPART_URL, text, 0) ||
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) || curl_url_get(parts, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) || strlen(host) >= sizeof(url.host))
		return err_set(e, ERR_INVALID, "\"%s\" is not http://HOST:PORT or https://HOST:PORT", text);
	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
		if (curl_url_get(parts, extras[i], &extra, 0) == CURLUE_OK) {
			*unwanted = true;
			return err_set(e, ERR_INVALID, "the URL has no user name, query or fragment");
		}
	url.https = strcmp(scheme, "https") == 0;
	url.loopback = is_loopback(host);
	url.port = (unsigned)strtoul(port, NULL, 10);
	memcpy(url.host, host, strlen(host) + 1);
	*out = url;
	return true;
}

/* One of them may hold a token. */
static void free_headers(struct curl_slist *headers)
{
	for (struct curl_slist *one = headers; one; one = one->next)
		explicit_bzero(one->data, strlen(one->data));
	curl_slist_free_all(headers);
}

static void transfer_free(struct transfer *one)
{
	if (!one)
		return;
	if (one->added)
		curl_multi_remove_handle(one->owner->multi, one->easy);
	curl_easy_cleanup(one->easy);
	free_headers(one->headers);
	free(one);
}

CLEANUP_POINTER(transfer, struct transfer, transfer_free)

static void start_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void transfers_free(struct transfers *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < TRANSFERS_MAX; i++)
		transfer_free(all->slots[i]);
	curl_multi_cleanup(all->multi);
	curl_slist_free_all(all->connect_to);
	free(all);
}

static bool set_connect_to(struct transfers *all, const char *place)
{
	char text[320];
	int len = snprintf(text, sizeof(text), "::%s", place);

	all->connect_to = len > 0 && (size_t)len < sizeof(text) ? curl_slist_append(NULL, text) : NULL;
	return all->connect_to != NULL;
}

struct transfers *transfers_new(const struct transfer_peer *peer, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	cleanup(transfers) struct transfers *all = calloc(1, sizeof(*all));

	pthread_once(&once, start_curl);
	if (!all || !(all->multi = curl_multi_init()) || (peer->connect_to && !set_connect_to(all, peer->connect_to))) {
		err_no_memory(e);
		return NULL;
	}
	all->peer = peer;
	curl_multi_setopt(all->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	return take(all);
}

static size_t receive_head(char *line, size_t size, size_t count, void *context)
{
	struct transfer *one = context;
	curl_off_t retry = 0;
	long status = 0;

	(void)line;
	one->heard_ms = clock_monotonic_ms();
	/* The empty line ends a head; those of 1xx come before the answer's. */
	if (one->cancelled || one->told || size * count > 2)
		return one->cancelled ? 0 : size * count;
	curl_easy_getinfo(one->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(one->easy, CURLINFO_RETRY_AFTER, &retry);
	if (status < 200)
		return size * count;
	one->told = true;
	one->handler.head(one->handler.context, (int)status, retry > 0 && retry < INT32_MAX ? (int)retry : -1);
	return one->cancelled ? 0 : size * count;
}

static size_t receive(char *data, size_t size, size_t count, void *context)
{
	struct transfer *one = context;

	one->heard_ms = clock_monotonic_ms();
	if (!one->cancelled)
		one->handler.data(one->handler.context, str_make(data, size * count));
	return one->cancelled ? 0 : size * count;
}

static void set_text(CURL *easy, CURLoption option, struct str text)
{
	struct curl_blob blob = {.data = (void *)(uintptr_t)text.ptr, .len = text.len, .flags = CURL_BLOB_COPY};

	if (text.len)
		curl_easy_setopt(easy, option, &blob);
}

static void set_credentials(CURL *easy, const struct transfer_peer *peer)
{
	if (peer->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, peer->ca_file);
	else
		set_text(easy, CURLOPT_CAINFO_BLOB, peer->ca_pem);
	if (peer->certificate_file) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, peer->certificate_file);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, peer->key_file);
	} else {
		set_text(easy, CURLOPT_SSLCERT_BLOB, peer->certificate_pem);
		set_text(easy, CURLOPT_SSLKEY_BLOB, peer->key_pem);
	}
}

static void set_basics(CURL *easy, const struct transfers *all)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, all->peer->plain ? "http,https" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "sealgate/" SEALGATE_VERSION);
	if (!all->peer->system_proxy)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (all->connect_to)
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, all->connect_to);
	set_credentials(easy, all->peer);
}

static bool set_body(CURL *easy, const char *method, struct str body)
{
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	if (body.ptr) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
		if (curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body.ptr))
			return false;
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_request(struct transfer *one, const struct transfer_request *request)
{
	CURL *easy = one->easy;

	for (size_t i = 0; i < request->header_count; i++) {
		struct curl_slist *more = curl_slist_append(one->headers, request->headers[i]);

		if (!more)
			return false;
		one->headers = more;
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, one->headers);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
			 (long)(request->timeout_ms < WAIT_MAX_MS ? request->timeout_ms : WAIT_MAX_MS));
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, one->problem);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, one);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, one);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, one);
	return curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
	       set_body(easy, request->method, request->body);
}

static struct transfer **free_slot(struct transfers *all)
{
	for (size_t i = 0; i < TRANSFERS_MAX; i++)
		if (!all->slots[i])
			return &all->slots[i];
	return NULL;
}

uint64_t transfers_start(struct transfers *all, const struct transfer_request *request,
			 const struct transfer_handler *handler, struct err *e)
{
	struct transfer **slot = free_slot(all);
	cleanup(transfer) struct transfer *one = NULL;

	if (!slot) {
		err_set(e, ERR_UNAVAILABLE, "%u requests are under way", TRANSFERS_MAX);
		return 0;
	}
	one = calloc(1, sizeof(*one));
	if (one)
		*one = (struct transfer){
			.owner = all, .easy = curl_easy_init(), .handler = *handler, .silence_ms = request->silence_ms};
	if (!one || !one->easy) {
		err_no_memory(e);
		return 0;
	}
	set_basics(one->easy, all);
	if (!set_request(one, request)) {
		err_no_memory(e);
		return 0;
	}
	one->id = ++all->last_id;
	*slot = take(one);
	return (*slot)->id;
}

void transfers_cancel(struct transfers *all, uint64_t id)
{
	for (size_t i = 0; i < TRANSFERS_MAX; i++) {
		struct transfer **slot = &all->slots[i];

		if (!*slot || (*slot)->id != id)
			continue;
		(*slot)->cancelled = true;
		if (!all->working)
			transfer_free(take(*slot));
	}
}

static enum transfer_end end_of(CURLcode code)
{
	static const struct {
		CURLcode code;
		enum transfer_end end;
	} ends[] = {
		{CURLE_OK, TRANSFER_COMPLETE},
		{CURLE_COULDNT_CONNECT, TRANSFER_NO_CONNECTION},
		{CURLE_COULDNT_RESOLVE_HOST, TRANSFER_NO_HOST},
		{CURLE_OPERATION_TIMEDOUT, TRANSFER_LATE},
		{CURLE_PEER_FAILED_VERIFICATION, TRANSFER_UNTRUSTED},
		{CURLE_SSL_CACERT_BADFILE, TRANSFER_BAD_AUTHORITIES},
		{CURLE_SSL_CERTPROBLEM, TRANSFER_BAD_CERTIFICATE},
		{CURLE_SSL_CONNECT_ERROR, TRANSFER_NO_TLS},
		{CURLE_GOT_NOTHING, TRANSFER_NOTHING},
		{CURLE_RECV_ERROR, TRANSFER_BROKEN},
		{CURLE_SEND_ERROR, TRANSFER_BROKEN},
		{CURLE_PARTIAL_FILE, TRANSFER_BROKEN},
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i].code == code)
			return ends[i].end;
	return TRANSFER_OTHER;
}

/* Takes it out before its handler is told, which may start the next one. */
static void finish(struct transfer **slot, enum transfer_end end, const char *problem)
{
	cleanup(transfer) struct transfer *one = take(*slot);

	if (!one->cancelled)
		one->handler.end(one->handler.context, end, problem);
}

static struct transfer **slot_of(struct transfers *all, const CURL *easy)
{
	for (size_t i = 0; i < TRANSFERS_MAX; i++)
		if (all->slots[i] && all->slots[i]->easy == easy)
			return &all->slots[i];
	return NULL;
}

static bool finish_done(struct transfers *all)
{
	const CURLMsg *message;
	bool any = false;
	int left;

	while ((message = curl_multi_info_read(all->multi, &left))) {
		struct transfer **slot = slot_of(all, message->easy_handle);
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE || !slot)
			continue;
		any = true;
		finish(slot, end_of(code), (*slot)->problem[0] ? (*slot)->problem : curl_easy_strerror(code));
	}
	return any;
}

/* Those that were cancelled, and those from which nothing has come for too long. */
static bool finish_overdue(struct transfers *all, int64_t now_ms)
{
	bool any = false;

	for (size_t i = 0; i < TRANSFERS_MAX; i++) {
		struct transfer *one = all->slots[i];

		if (!one || (!one->cancelled && (!one->silence_ms || now_ms - one->heard_ms < one->silence_ms)))
			continue;
		any = any || !one->cancelled;
		finish(&all->slots[i], TRANSFER_LATE, "nothing was heard from the server for too long");
	}
	return any;
}

static void add_started(struct transfers *all, int64_t now_ms)
{
	for (size_t i = 0; i < TRANSFERS_MAX; i++) {
		struct transfer *one = all->slots[i];

		if (!one || one->added || one->cancelled)
			continue;
		one->heard_ms = now_ms;
		one->added = curl_multi_add_handle(all->multi, one->easy) == CURLM_OK;
		if (!one->added)
			finish(&all->slots[i], TRANSFER_OTHER, "no memory");
	}
}

static bool work(struct transfers *all, bool *any, struct err *e)
{
	int64_t now_ms = clock_monotonic_ms();
	CURLMcode code;
	int running;

	all->working = true;
	add_started(all, now_ms);
	code = curl_multi_perform(all->multi, &running);
	*any = finish_done(all);
	*any = finish_overdue(all, now_ms) || *any;
	all->working = false;
	return code == CURLM_OK || err_set(e, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
}

/* Until the first of: the deadline, a request that isn't under way yet, the end of a silence. */
static int wait_ms(const struct transfers *all, int64_t deadline_ms)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t wait = deadline_ms ? deadline_ms - now_ms : WAIT_MAX_MS;

	for (size_t i = 0; i < TRANSFERS_MAX; i++) {
		const struct transfer *one = all->slots[i];
		int64_t own;

		if (!one || (one->added && !one->cancelled && !one->silence_ms))
			continue;
		own = one->added && !one->cancelled ? one->heard_ms + one->silence_ms - now_ms : 0;
		wait = own < wait ? own : wait;
	}
	return (int)(wait < 0 ? 0 : wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS);
}

bool transfers_run(struct transfers *all, int64_t deadline_ms, int fd, struct err *e)
{
	struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
	bool any = false;
	CURLMcode code;

	if (!work(all, &any, e))
		return false;
	if (any)
		return true;
	code = curl_multi_poll(all->multi, &extra, fd >= 0, wait_ms(all, deadline_ms), NULL);
	if (code != CURLM_OK)
		return err_set(e, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
	return work(all, &any, e);
}

void transfers_wake(struct transfers *all)
{
	(void)curl_multi_wakeup(all->multi);
}
