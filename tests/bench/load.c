#include "tests/bench/load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define ANSWER_MAX (64u * 1024)
#define SAMPLES_MAX (4u * 1024 * 1024)

struct connection {
	SSL *ssl;
	int fd;
	size_t sent;
	size_t received;
	int64_t started_us;
	char answer[ANSWER_MAX];
};

struct load {
	const struct load_plan *plan;
	SSL_CTX *context;
	char *request;
	size_t request_length;
	uint32_t *samples;
	size_t sample_count;
	struct load_result *result;
	int poll;
};

double process_cpu_seconds(pid_t pid)
{
	char path[64], line[1024] = "";
	unsigned long user = 0, kernel = 0;
	FILE *file;
	char *after;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	after = strrchr(line, ')');
	if (after)
		(void)sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

double process_resident_mb(pid_t pid)
{
	char path[64], line[256] = "";
	unsigned long pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file))
		(void)sscanf(line, "%*u %lu", &pages);
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1024.0 * 1024.0);
}

static bool open_connection(struct load *load, struct connection *c, struct err *e)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load->plan->port)};
	int one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return err_errno(e, "connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->ssl = SSL_new(load->context);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1)
		return err_set(e, ERR_INTERNAL, "TLS handshake failed");
	return true;
}

static void close_connection(struct connection *c)
{
	SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
}

static bool set_blocking(int fd, bool blocking)
{
	int on = blocking ? 0 : 1;

	return ioctl(fd, FIONBIO, &on) == 0;
}

/* Sends what is left of the request; false when the connection broke. */
static bool push(struct load *load, struct connection *c)
{
	while (c->sent < load->request_length) {
		size_t left = load->request_length - c->sent;
		int n = SSL_write(c->ssl, load->request + c->sent, (int)(left > 65536 ? 65536 : left));

		if (n <= 0) {
			int why = SSL_get_error(c->ssl, n);

			return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
		}
		c->sent += (size_t)n;
	}
	return true;
}

/* The whole length of the answer, 0 while its head is not complete. */
static size_t answer_length(const struct connection *c)
{
	const char *end = memmem(c->answer, c->received, "\r\n\r\n", 4);
	const char *length = end ? strcasestr(c->answer, "\r\nContent-Length:") : NULL;

	if (!end || !length || length > end)
		return 0;
	return (size_t)(end + 4 - c->answer) + (size_t)strtoul(length + 17, NULL, 10);
}

static void note_answer(struct load *load, struct connection *c)
{
	int64_t took = clock_monotonic_us() - c->started_us;
	const char *expect = load->plan->expect;
	bool good = memcmp(c->answer, "HTTP/1.1 200", 12) == 0;

	if (good && expect)
		good = memmem(c->answer, c->received, expect, strlen(expect)) != NULL;
	load->result->answers++;
	load->result->failures += !good;
	if (load->sample_count < SAMPLES_MAX)
		load->samples[load->sample_count++] = (uint32_t)took;
}

static void begin(struct load *load, struct connection *c)
{
	c->sent = c->received = 0;
	c->started_us = clock_monotonic_us();
	(void)load;
}

/* Reads what has come; true when an answer is complete. */
static bool pull(struct connection *c, bool *broken)
{
	for (;;) {
		size_t wanted = answer_length(c);
		int n;

		if (wanted && c->received >= wanted)
			return true;
		n = SSL_read(c->ssl, c->answer + c->received, (int)(ANSWER_MAX - 1 - c->received));
		if (n <= 0) {
			int why = SSL_get_error(c->ssl, n);

			*broken = why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
			return false;
		}
		c->received += (size_t)n;
		c->answer[c->received] = 0;
	}
}

static bool watch(struct load *load, struct connection *c, int how)
{
	struct epoll_event event = {.events = EPOLLIN | (c->sent < load->request_length ? EPOLLOUT : 0u),
				    .data.ptr = c};

	return epoll_ctl(load->poll, how, c->fd, &event) == 0;
}

/* After an answer: the next request on this connection, or on a new one. */
static bool again(struct load *load, struct connection *c, struct err *e)
{
	if (load->plan->new_connections) {
		close_connection(c);
		begin(load, c);
		if (!open_connection(load, c, e) || !set_blocking(c->fd, false) || !watch(load, c, EPOLL_CTL_ADD))
			return false;
	} else {
		begin(load, c);
	}
	return push(load, c) && watch(load, c, EPOLL_CTL_MOD);
}

static bool handle(struct load *load, struct connection *c, struct err *e)
{
	bool broken = false;

	if (c->sent < load->request_length) {
		if (!push(load, c))
			return err_set(e, ERR_INTERNAL, "the server closed a connection");
		if (!watch(load, c, EPOLL_CTL_MOD))
			return err_errno(e, "epoll");
	}
	if (!pull(c, &broken))
		return broken ? err_set(e, ERR_INTERNAL, "the server closed a connection") : true;
	note_answer(load, c);
	return again(load, c, e);
}

static bool drive(struct load *load, int64_t until_us, struct err *e)
{
	struct epoll_event events[256];

	while (clock_monotonic_us() < until_us) {
		int n = epoll_wait(load->poll, events, 256, 100);

		for (int i = 0; i < n; i++)
			if (!handle(load, events[i].data.ptr, e))
				return false;
	}
	return true;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void summarise(struct load *load, double seconds, double cpu)
{
	struct load_result *r = load->result;
	size_t n = load->sample_count;

	if (n == 0)
		return;
	qsort(load->samples, n, sizeof(load->samples[0]), by_value);
	r->p50_us = load->samples[n / 2];
	r->p99_us = load->samples[n * 99 / 100];
	r->max_us = load->samples[n - 1];
	r->per_second = (double)r->answers / seconds;
	r->cpu_us = cpu * 1e6 / (double)r->answers;
	r->rss_mb = process_resident_mb(load->plan->server);
}

static bool run(struct load *load, struct connection *connections, struct err *e)
{
	const struct load_plan *plan = load->plan;
	int64_t started;
	double cpu;

	for (unsigned i = 0; i < plan->connections; i++)
		if (!open_connection(load, &connections[i], e) || !set_blocking(connections[i].fd, false) ||
		    !watch(load, &connections[i], EPOLL_CTL_ADD))
			return false;
	started = clock_monotonic_us();
	cpu = process_cpu_seconds(plan->server);
	for (unsigned i = 0; i < plan->connections; i++) {
		begin(load, &connections[i]);
		if (!push(load, &connections[i]) || !watch(load, &connections[i], EPOLL_CTL_MOD))
			return err_set(e, ERR_INTERNAL, "the server closed a connection");
	}
	if (!drive(load, started + (int64_t)(plan->seconds * 1e6), e))
		return false;
	summarise(load, (double)(clock_monotonic_us() - started) / 1e6, process_cpu_seconds(plan->server) - cpu);
	return true;
}

bool load_run(const struct load_plan *plan, struct load_result *result, struct err *e)
{
	struct load load = {.plan = plan,
			    .result = result,
			    .context = SSL_CTX_new(TLS_client_method()),
			    .poll = epoll_create1(EPOLL_CLOEXEC)};
	struct connection *connections = calloc(plan->connections, sizeof(*connections));
	int length = asprintf(&load.request,
			      "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: "
			      "kube-apiserver-admission\r\nContent-Type: application/json\r\n"
			      "Accept: application/json, */*\r\nContent-Length: %zu\r\n\r\n%.*s",
			      plan->path, plan->port, plan->body.len, STR_ARG(plan->body));
	bool ok = false;

	*result = (struct load_result){0};
	load.samples = malloc(SAMPLES_MAX * sizeof(uint32_t));
	if (load.context && connections && length > 0 && load.samples) {
		load.request_length = (size_t)length;
		for (unsigned i = 0; i < plan->connections; i++)
			connections[i].fd = -1;
		ok = run(&load, connections, e);
	}
	for (unsigned i = 0; connections && i < plan->connections; i++)
		close_connection(&connections[i]);
	close(load.poll);
	SSL_CTX_free(load.context);
	free(load.samples);
	free(load.request);
	free(connections);
	return ok;
}
