#include "server/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"
#include "server/connection.h"
#include "server/http_address.h"
#include "server/http_head.h"
#include "server/http_uri.h"
#include "server/load_gate.h"
#include "server/log.h"
#include "server/turns.h"

#define ACCEPT_PAUSE_MS 50
/* What libmicrohttpd keeps for a connection and wipes after each request. Half of it takes what comes: a request that
 * was read at once is answered at once, without asking the socket whether it may be written to. */
#define CONNECTION_MEMORY (2 * LIMIT_REQUEST_HEAD)
/* A body of known length gets its memory at once up to here, and then as it comes. */
#define BODY_AT_ONCE (64u * 1024)
#define BACKGROUND_NICE 10
#ifdef __SANITIZE_ADDRESS__
#define THREAD_STACK (2u * 1024 * 1024)
#else
#define THREAD_STACK (256u * 1024)
#endif

struct http_listener {
	struct http_config config;
	struct MHD_Daemon *daemon;
	struct connection_table *connections;
	int socket;
	char address[HTTP_ADDRESS_MAX];
	atomic_uint busy;
	struct load_gate gate;
	struct turns turns;
	atomic_bool draining;
};

/* One request and its answer. */
struct exchange {
	struct http_listener *listener;
	struct connection *connection;
	struct http_request request;
	struct arena arena;
	struct buf body;
	const char *target_at; /* where libmicrohttpd keeps it; only to compare */
	size_t head_size;      /* bytes, the empty line included */
	size_t announced;      /* the body's length; 0: not known */
	struct str target;     /* as sent */
	bool headed;	       /* the head is complete */
	int refusal;	       /* status that the end of the body will be answered with; 0: the handler's */
	size_t discarded;
	size_t answered; /* bytes of the answer, as the gate knows them */
	int status;
};

static atomic_uint_fast64_t last_id;

static enum MHD_Result read_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	http_head_add(context, name, value);
	return MHD_YES;
}

/* A JSON answer of our own: a Status, as the API server reads it. */
static void refuse(struct http_response *response, int status, const char *message)
{
	response->status = status;
	buf_clear(&response->body);
	buf_add_c(&response->body,
		  "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":");
	buf_add_json_string(&response->body, str_of(message));
	buf_printf(&response->body, ",\"code\":%d}\n", status);
}

/* Checks of a head, in this order: true when it passes. */
typedef bool head_check(struct exchange *x, const struct http_head *head, struct http_response *response);

static bool check_room(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	(void)head;
	if (!x->connection->surplus)
		return true;
	if (connection_count(x->listener->connections) <= LIMIT_CONNECTIONS) {
		x->connection->surplus = false;
		return true;
	}
	if (x->listener->config.metrics)
		metrics_overload(x->listener->config.metrics, x->listener->config.name, "connections");
	refuse(response, 503, "too many connections");
	response->retry_after = 1;
	response->close = true;
	return false;
}

static bool check_size(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	(void)head;
	if (x->head_size <= LIMIT_REQUEST_HEAD)
		return true;
	refuse(response, 431, "the request's line and headers are too large");
	response->close = true;
	return false;
}

static bool check_framing(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	const char *fault = http_head_fault(head, x->request.method.ptr, x->head_size);
	if (!fault)
		return true;
	refuse(response, 400, fault);
	response->close = true;
	return false;
}

static bool check_coding(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	(void)x;
	if (!http_head_is_coded(head))
		return true;
	refuse(response, 415, "a coded body is not read: send it without Content-Encoding");
	response->close = true;
	return false;
}

static bool check_target(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	struct err e = ERR_INIT;
	(void)head;
	if (http_uri_parse(x->target, &x->request, &e))
		return true;
	refuse(response, err_http_status(e.kind), e.text);
	return false;
}

static bool check_client(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	(void)head;
	if (!x->listener->config.require_client_certificate || x->request.client_certificate)
		return true;
	refuse(response, 401, "a client certificate issued by the CA of --client-ca is required");
	response->close = true;
	return false;
}

static bool check_length(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	char text[24] = "";
	if (head->content_length.len < sizeof(text))
		(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(head->content_length));
	x->announced = strtoull(text, NULL, 10);
	if (head->content_length.len < sizeof(text) && x->announced <= x->listener->config.body_limit)
		return true;
	refuse(response, 413, "the request body is too large");
	response->close = true;
	return false;
}

static void refuse_for_now(struct http_response *response, const char *message)
{
	refuse(response, 503, message);
	response->retry_after = 1;
}

/* Before a large body is sent: whether there is room for it, and whether its sender may send it. */
static bool check_large_body(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	const struct http_config *config = &x->listener->config;
	(void)head;
	if (x->announced <= LIMIT_BODY_FREE)
		return true;
	response->close = true;
	if (load_gate_fits(&x->listener->gate, LOAD_BODIES, x->announced))
		return !config->screen || config->screen(config->context, &x->request, response);
	refuse_for_now(response, "no room for the request body");
	return false;
}

static head_check *const head_checks[] = {check_room,	check_size,   check_framing, check_coding,
					  check_target, check_client, check_length,  check_large_body};

static bool check_head(struct exchange *x, const struct http_head *head, struct http_response *response)
{
	for (size_t i = 0; i < sizeof(head_checks) / sizeof(head_checks[0]); i++)
		if (!head_checks[i](x, head, response))
			return false;
	return true;
}

static void add_header(struct MHD_Response *answer, const char *name, const char *value)
{
	if (value)
		(void)MHD_add_response_header(answer, name, value);
}

static void add_headers(const struct exchange *x, const struct http_response *response, struct MHD_Response *answer)
{
	char seconds[16];
	bool close = response->close || atomic_load(&x->listener->draining);
	(void)snprintf(seconds, sizeof(seconds), "%u", response->retry_after);
	add_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE,
		   response->content_type ? response->content_type : "application/json");
	add_header(answer, MHD_HTTP_HEADER_RETRY_AFTER, response->retry_after ? seconds : NULL);
	add_header(answer, MHD_HTTP_HEADER_LOCATION, response->location);
	add_header(answer, MHD_HTTP_HEADER_ALLOW, response->allow);
	add_header(answer, MHD_HTTP_HEADER_WWW_AUTHENTICATE, response->authenticate);
	add_header(answer, MHD_HTTP_HEADER_CONNECTION, close ? "close" : NULL);
}

/* The body's memory goes to libmicrohttpd. */
static struct MHD_Response *make_answer(struct http_response *response)
{
	size_t length = response->body.len;
	char *body = length > 0 ? buf_detach(&response->body) : NULL;
	struct MHD_Response *answer;
	if (!body)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	answer = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
	if (!answer)
		free(body);
	return answer;
}

/* Bytes of the body that libmicrohttpd will certainly send. */
static size_t certain_body(const struct exchange *x, const struct http_response *response)
{
	bool bare = response->status < 200 || response->status == 204 || response->status == 304;
	return !bare && str_eq_c(x->request.method, "POST") ? response->body.len : 0;
}

static enum MHD_Result send_answer(struct exchange *x, struct MHD_Connection *connection,
				   struct http_response *response)
{
	if (response->status == 0 || response->body.failed)
		refuse(response, 500, "no answer could be made");
	x->status = response->status;
	tls_push_expect_body(&x->connection->tls.push, certain_body(x, response));
	struct MHD_Response *answer = make_answer(response);
	if (!answer)
		return MHD_NO;
	add_headers(x, response, answer);
	connection_enter(x->connection, CONNECTION_ANSWER);
	enum MHD_Result queued = MHD_queue_response(connection, (unsigned)response->status, answer);
	MHD_destroy_response(answer);
	return queued;
}

static void begin_request(struct exchange *x, const char *method, const struct http_head *head)
{
	struct http_request *r = &x->request;
	const struct http_config *config = &x->listener->config;
	r->method = str_of(method);
	r->content_type = head->content_type;
	r->authorization = head->authorization;
	r->tls = config->tls != NULL;
	r->client_certificate =
		r->tls && config->client_certificates && tls_session_client_accepted(&x->connection->tls);
	r->id = atomic_fetch_add(&last_id, 1) + 1;
	r->started_ms = clock_monotonic_ms();
	r->arena = &x->arena;
	x->headed = true;
	atomic_fetch_add(&x->listener->busy, 1);
	connection_enter(x->connection, CONNECTION_BODY);
}

static size_t size_of_head(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	return info ? info->header_size : 0;
}

static enum MHD_Result take_head(struct exchange *x, struct MHD_Connection *connection, const char *method,
				 const char *version)
{
	struct http_response response = {.body = buf_init(LIMIT_REQUEST_MEMORY)};
	struct http_head head = http_head_make(x->target_at, x->target.len, version);
	enum MHD_Result taken = MHD_YES;
	MHD_get_connection_values(connection, MHD_HEADER_KIND, read_header, &head);
	x->head_size = size_of_head(connection);
	begin_request(x, method, &head);
	if (!check_head(x, &head, &response))
		taken = send_answer(x, connection, &response);
	buf_release(&response.body);
	return taken;
}

static void drop_body(struct exchange *x)
{
	load_gate_give(&x->listener->gate, LOAD_BODIES, x->body.len);
	buf_release(&x->body);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A length that is only claimed costs little: memory at most doubles with what has come. */
static int add_piece(struct exchange *x, struct str piece)
{
	size_t have = x->body.len, step = have > BODY_AT_ONCE ? have : BODY_AT_ONCE;
	if (have + piece.len < x->announced && have + piece.len >= x->body.capacity)
		buf_reserve(&x->body, least(x->announced - have, step + piece.len));
	else if (have == 0)
		buf_reserve(&x->body, piece.len);
	buf_add(&x->body, piece);
	if (!x->body.failed)
		return 0;
	load_gate_give(&x->listener->gate, LOAD_BODIES, have + piece.len);
	x->body.len = 0;
	return 503;
}

static enum MHD_Result take_body(struct exchange *x, struct str piece)
{
	size_t limit = x->listener->config.body_limit;
	if (x->refusal) {
		x->discarded += piece.len;
		return x->discarded <= limit ? MHD_YES : MHD_NO;
	}
	size_t have = x->body.len;
	x->refusal = piece.len > limit - have ? 413 : 0;
	if (!x->refusal && !load_gate_take(&x->listener->gate, LOAD_BODIES, have, piece.len))
		x->refusal = 503;
	if (!x->refusal)
		x->refusal = add_piece(x, piece);
	if (x->refusal)
		drop_body(x);
	return MHD_YES;
}

static void call_handler(struct exchange *x, struct http_response *response)
{
	struct turns *turns = &x->listener->turns;
	connection_enter(x->connection, CONNECTION_HANDLER);
	if (!turns_take(turns, clock_monotonic_ms() + LIMIT_TURN_MS)) {
		load_gate_refuse(&x->listener->gate);
		refuse_for_now(response, "too many requests at once");
		return;
	}
	x->request.body = buf_str(&x->body);
	x->listener->config.handler(x->listener->config.context, &x->request, response);
	turns_give(turns);
}

static void let_in(struct exchange *x, struct http_response *response)
{
	if (!load_gate_enter(&x->listener->gate)) {
		refuse_for_now(response, "too many requests at once");
		return;
	}
	call_handler(x, response);
	load_gate_leave(&x->listener->gate);
}

/* Nothing here reads what follows the last chunk. */
static bool has_trailers(struct MHD_Connection *connection)
{
	return MHD_get_connection_values(connection, MHD_FOOTER_KIND, NULL, NULL) > 0;
}

static void refuse_trailers(struct http_response *response)
{
	refuse(response, 400, "there are fields behind the body");
	response->close = true;
}

static void answer_request(struct exchange *x, struct http_response *response)
{
	if (x->refusal == 413)
		refuse(response, 413, "the request body is too large");
	else if (x->refusal)
		refuse_for_now(response, "no room for the request body");
	else
		let_in(x, response);
}

/* An answer is held until its client has read it. */
static void hold_answer(struct exchange *x, struct http_response *response)
{
	if (!load_gate_take(&x->listener->gate, LOAD_ANSWERS, 0, response->body.len))
		refuse_for_now(response, "no room for the answer");
	else
		x->answered = response->body.len;
}

static enum MHD_Result finish(struct exchange *x, struct MHD_Connection *connection)
{
	struct http_response response = {.body = buf_init(LIMIT_REQUEST_MEMORY)};
	if (has_trailers(connection))
		refuse_trailers(&response);
	else
		answer_request(x, &response);
	hold_answer(x, &response);
	enum MHD_Result sent = send_answer(x, connection, &response);
	buf_release(&response.body);
	return sent;
}

/* libmicrohttpd calls this once with the head, then with pieces of the body, then at its end. */
static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			     const char *version, const char *upload, size_t *upload_size, void **request_context)
{
	struct exchange *x = *request_context;
	(void)context;
	(void)url;
	if (!x)
		return MHD_NO;
	if (!x->headed)
		return take_head(x, connection, method, version);
	if (*upload_size == 0)
		return finish(x, connection);
	enum MHD_Result taken = take_body(x, str_make(upload, *upload_size));
	*upload_size = 0;
	return taken;
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

/* On Linux a thread's niceness is its own; `who` 0 is this thread. */
static void step_back(struct connection *connection)
{
	if (!connection->background)
		(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + BACKGROUND_NICE);
	connection->background = true;
}

/* The request line is complete. What this returns is serve's request_context. */
static void *begin_exchange(void *context, const char *uri, struct MHD_Connection *mhd)
{
	struct connection *connection = connection_of(mhd);
	struct exchange *x = connection ? calloc(1, sizeof(*x)) : NULL;
	if (!x)
		return NULL;
	x->listener = context;
	x->connection = connection;
	if (x->listener->config.background)
		step_back(connection);
	x->arena = arena_init(LIMIT_REQUEST_MEMORY);
	x->body = buf_init(x->listener->config.body_limit);
	x->target_at = uri;
	x->target = arena_copy(&x->arena, str_of(uri));
	return x;
}

static void log_exchange(const struct exchange *x)
{
	if (log_enabled(LOG_DEBUG))
		log_line(LOG_DEBUG, "request", LOG_INT("request", (int64_t)x->request.id),
			 LOG_C("listener", x->listener->config.name), LOG_STR("method", x->request.method),
			 LOG_STR("target", x->target), LOG_INT("status", x->status),
			 LOG_INT("bytes", (int64_t)x->request.body.len),
			 LOG_INT("duration_ms", clock_monotonic_ms() - x->request.started_ms));
}

static void end_exchange(void *context, struct MHD_Connection *mhd, void **request_context,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *request_context;
	(void)context;
	(void)mhd;
	(void)code;
	if (!x)
		return;
	if (connection_rests(x->connection))
		thread_release_stack();
	connection_enter(x->connection, CONNECTION_IDLE);
	if (x->headed)
		log_exchange(x);
	drop_body(x);
	load_gate_give(&x->listener->gate, LOAD_ANSWERS, x->answered);
	if (x->headed)
		atomic_fetch_sub(&x->listener->busy, 1);
	arena_release(&x->arena);
	free(x);
	*request_context = NULL;
}

/* The depth of a handshake is not needed again. */
static void handshake_done(void *context)
{
	thread_release_stack();
	connection_enter(context, CONNECTION_IDLE);
}

/* Else the parts of a handshake wait for each other's acknowledgement, up to 40 ms. */
static void send_at_once(int fd)
{
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void begin_connection(struct http_listener *listener, struct MHD_Connection *mhd, void **socket_context)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	bool tls = listener->config.tls != NULL;
	struct connection *connection = fd ? connection_open(listener->connections, fd->connect_fd, tls) : NULL;
	*socket_context = connection;
	if (connection)
		send_at_once(fd->connect_fd);
	if (!connection || !tls)
		return;
	const union MHD_ConnectionInfo *session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	connection->tls.files = listener->config.tls;
	connection->tls.ask_certificate = listener->config.client_certificates;
	connection->tls.established = handshake_done;
	connection->tls.context = connection;
	if (session)
		tls_session_begin(&connection->tls, session->tls_session, fd->connect_fd);
}

static void notice_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
			      enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		begin_connection(context, mhd, socket_context);
	else if (*socket_context)
		connection_close(*socket_context);
}

/* Without a descriptor libmicrohttpd asks again at once, whatever it says of suspending, and says so first: the thread
 * that accepts waits here. */
static void pace_accept(const char *format)
{
	const struct timespec pause = {0, ACCEPT_PAUSE_MS * 1000000L};
	if (strstr(format, "system resource limit at"))
		(void)nanosleep(&pause, NULL);
}

__attribute__((format(printf, 2, 0))) static void log_library(void *context, const char *format, va_list args)
{
	const struct http_listener *listener = context;
	char text[512];
	pace_accept(format);
	if (!log_enabled(LOG_DEBUG))
		return;
	int length = vsnprintf(text, sizeof(text), format, args);
	if (length > 0)
		log_line(LOG_DEBUG, "connection", LOG_C("listener", listener->config.name),
			 LOG_STR("text", str_trim(str_of(text))));
}

static bool start_daemon(struct http_listener *listener, struct err *e)
{
	bool tls = listener->config.tls != NULL;
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |
			 MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0u);
	struct MHD_OptionItem tls_options[] = {
		{tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0, (void *)tls_priorities},
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)tls_files_certificate_callback()},
		{MHD_OPTION_END, 0, NULL}};
	listener->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, serve, listener, MHD_OPTION_EXTERNAL_LOGGER, log_library, listener,
		MHD_OPTION_LISTEN_SOCKET, listener->socket, MHD_OPTION_CONNECTION_LIMIT,
		LIMIT_CONNECTIONS + LIMIT_CONNECTIONS_SPARE, MHD_OPTION_CONNECTION_TIMEOUT, LIMIT_IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_THREAD_STACK_SIZE,
		(size_t)THREAD_STACK, MHD_OPTION_NOTIFY_CONNECTION, notice_connection, listener,
		MHD_OPTION_NOTIFY_COMPLETED, end_exchange, listener, MHD_OPTION_URI_LOG_CALLBACK, begin_exchange,
		listener, MHD_OPTION_ARRAY, tls_options, MHD_OPTION_END);
	return listener->daemon || err_set(e, ERR_INTERNAL, "%s: cannot start the listener", listener->config.address);
}

static bool open_listener(struct http_listener *listener, struct err *e)
{
	listener->socket = http_address_listen(listener->config.address, e);
	if (listener->socket < 0)
		return false;
	http_address_of(listener->socket, listener->address);
	listener->connections = connection_table_new(listener->config.name, listener->config.metrics, e);
	return listener->connections && start_daemon(listener, e);
}

static void set_up_gate(struct load_gate *gate, const struct http_config *config)
{
	*gate = (struct load_gate){
		.listener = config->name,
		.metrics = config->metrics,
		.request_limit =
			config->request_limit ? config->request_limit : LIMIT_CONNECTIONS + LIMIT_CONNECTIONS_SPARE,
		.limits = {[LOAD_BODIES] = config->bodies_limit ? config->bodies_limit : config->body_limit,
			   [LOAD_ANSWERS] = config->answers_limit ? config->answers_limit : LIMIT_ANSWERS}};
}

struct http_listener *http_start(const struct http_config *config, struct err *e)
{
	struct http_listener *listener = calloc(1, sizeof(*listener));
	if (!listener) {
		err_no_memory(e);
		return NULL;
	}
	listener->config = *config;
	set_up_gate(&listener->gate, config);
	turns_init(&listener->turns, config->turns);
	listener->socket = -1;
	if (!open_listener(listener, e)) {
		http_stop(listener);
		return NULL;
	}
	log_line(LOG_INFO, "listening", LOG_C("listener", config->name), LOG_C("address", listener->address),
		 LOG_FLAG("tls", config->tls != NULL));
	return listener;
}

void http_drain(struct http_listener *listener)
{
	if (atomic_exchange(&listener->draining, true))
		return;
	/* Whoever is in the backlog learns of it at once; the descriptor itself is libmicrohttpd's until it stops. */
	(void)MHD_quiesce_daemon(listener->daemon);
	shutdown(listener->socket, SHUT_RDWR);
}

unsigned http_busy(const struct http_listener *listener)
{
	return atomic_load(&listener->busy);
}

unsigned http_connections(const struct http_listener *listener)
{
	return connection_count(listener->connections);
}

unsigned http_reap(struct http_listener *listener, int64_t now_ms)
{
	return connection_table_reap(listener->connections, now_ms);
}

const char *http_address(const struct http_listener *listener)
{
	return listener->address;
}

void http_stop(struct http_listener *listener)
{
	if (!listener)
		return;
	bool quiesced = atomic_load(&listener->draining);
	if (listener->daemon)
		MHD_stop_daemon(listener->daemon);
	/* libmicrohttpd closes the socket of a daemon that was not quiesced. */
	if (listener->socket >= 0 && (quiesced || !listener->daemon))
		close(listener->socket);
	connection_table_free(listener->connections);
	turns_release(&listener->turns);
	free(listener);
}
