#include "tests/bench/start.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/echo.h"
#include "tests/bench/exchange.h"

enum { PATIENCE_MS = 20000 };

static bool answered(struct exchange *x, int64_t deadline_ms, struct err *e)
{
	bool complete = false;

	if (!exchange_begin(x, e))
		return false;
	while (!complete && clock_left_ms(deadline_ms) > 0) {
		struct pollfd wait = {.fd = x->wire.fd, .events = POLLIN};

		if (!exchange_go_on(x, &complete, e))
			return false;
		if (!complete)
			poll(&wait, 1, 100);
	}
	return complete;
}

/* Tries every fifth of a millisecond until somebody listens, then asks once. */
static double first_answer_ms(uint16_t port, const char *body, int64_t started_us)
{
	struct load_plan plan = {.port = port, .path = "/validate?timeout=10s", .body = str_of(body)};
	const struct timespec pause = {0, 200000};
	int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	struct exchange *x = malloc(sizeof(*x));
	struct err e = ERR_INIT;
	double took;

	while (!exchange_open(x, &plan, tls, &e)) {
		if (clock_left_ms(deadline_ms) == 0)
			bench_give_up("nobody listens: %s", e.text);
		e = ERR_INIT;
		nanosleep(&pause, NULL);
	}
	if (!answered(x, deadline_ms, &e) || !exchange_good(x, SITE_ALLOWED, false))
		bench_give_up("the first review is not admitted: %s %s", e.text, x->answer);
	took = (double)(clock_monotonic_us() - started_us) / 1000;
	exchange_close(x);
	free(x);
	SSL_CTX_free(tls);
	return took;
}

static void become_server(const struct site *site, const char *address)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	execl(bed_program("sealgated"), "sealgated", "--data-dir", site->bed->data, "--pubkeys", site->bed->keys,
	      "--webhook-listen", address, "--api-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", (char *)NULL);
	_exit(127);
}

double start_of_server_ms(struct site *site, const char *body)
{
	uint16_t port = wire_free_port();
	char *address = text_of("127.0.0.1:%u", port);
	int64_t started_us = clock_monotonic_us();
	pid_t server = fork();
	double took;

	if (server == 0)
		become_server(site, address);
	took = first_answer_ms(port, body, started_us);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	free(address);
	return took;
}

double start_of_echo_ms(struct site *site, const char *body)
{
	static const char answer[] = "{" SITE_ALLOWED "}";
	int64_t started_us = clock_monotonic_us();
	uint16_t port = 0;
	pid_t echo = echo_start(site->certificate, site->key, str_of(answer), &port);
	double took;

	if (echo <= 0)
		bench_give_up("the echo does not start");
	took = first_answer_ms(port, body, started_us);
	echo_stop(echo);
	return took;
}
