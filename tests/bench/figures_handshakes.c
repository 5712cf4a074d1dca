/* TLS connections: how many a second, and what those cost that never finish their handshake. */
#include <poll.h>
#include <unistd.h>

#include "tests/bench/figures.h"
#include "tests/bench/process.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"

enum { HALF_OPEN = 100, WATCH_MS = 3000, CLIENTS = 8 };

/* One tick of the kernel's clock: less can't be told from nothing with ps or top. */
#define TICK_MS 10

static void measure_new(struct bench *b, struct site *site, const char *body)
{
	struct load_plan ours = site_plan(b, site, body, CLIENTS), theirs;
	struct measured us = {0}, reference = {0};
	struct echo_server echo;

	bench_progress("new TLS connections");
	echo_open(&echo, site, body);
	ours.new_connections = true;
	theirs = echo_plan(&echo, &ours);
	bench_versus(b, &ours, &theirs, &us, &reference);
	bench_row(b, (struct figure_name){"new TLS connections, one review each", "5 KB", CLIENTS}, "/s",
		  &us.per_second, &reference.per_second, AT_LEAST(0.85));
	echo_close(&echo);
}

/* The record header and the beginning of a ClientHello that promises 512 bytes. */
static void open_half(struct wire *w, uint16_t port)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half a hello";
	struct err e = ERR_INIT;

	if (!wire_open(w, NULL, port, &e) || wire_send(w, hello, sizeof(hello) - 1) != sizeof(hello) - 1)
		bench_give_up("no half-open connection: %s", e.text);
}

static double cpu_ms_in_a_while(pid_t pid)
{
	double before = process_cpu_seconds(pid);

	poll(NULL, 0, WATCH_MS);
	return (process_cpu_seconds(pid) - before) * 1000;
}

static double cost_of_half_open(struct site *site)
{
	struct wire waiting[HALF_OPEN];
	double alone = cpu_ms_in_a_while(site->bed->server), with;

	for (size_t i = 0; i < HALF_OPEN; i++)
		open_half(&waiting[i], site->webhook);
	poll(NULL, 0, 300);
	with = cpu_ms_in_a_while(site->bed->server);
	for (size_t i = 0; i < HALF_OPEN; i++)
		wire_close(&waiting[i]);
	return with > alone ? with - alone : 0;
}

static void measure_half_open(struct bench *b, struct site *site)
{
	struct series cost = {0};

	for (int round = 0; round < b->rounds; round++) {
		bench_progress("half-open handshakes, round %d of %d", round + 1, b->rounds);
		series_add(&cost, cost_of_half_open(site));
	}
	bench_row(b, (struct figure_name){"server CPU in 3 s of half-open handshakes", "", HALF_OPEN}, "ms", &cost,
		  NULL, VALUE_LIMIT(TICK_MS));
}

void figures_handshakes(struct bench *b)
{
	char *image = site_image(0), *body = review_body(5000, image);
	struct site site;

	site_open_attested(&site, 1);
	measure_new(b, &site, body);
	measure_half_open(b, &site);
	site_close(&site);
	free(body);
	free(image);
}
