/* Decisions while others hold connections and give little: what they take from those who ask. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/figures.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"

enum { HELD_MAX = 100, CLIENTS = 8, LARGE_UPLOADS = 18, LARGE = 60000 };

/* Others may be slowed by a tenth. */
#define AS_FAST 0.90
#define AS_SOON (1 / AS_FAST)

struct crowd {
	struct wire wires[HELD_MAX];
	unsigned count;
	int every_ms;				     /* between two steps of each connection */
	void (*step)(struct wire *w, unsigned step); /* NULL: it only waits */
	atomic_bool over;
	pthread_t thread;
};

static void send_some(struct wire *w, const char *bytes, size_t length)
{
	(void)wire_send(w, bytes, length);
}

static void ask_nothing(struct wire *w)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half a hello";

	send_some(w, hello, sizeof(hello) - 1);
}

static void announce_a_body(struct wire *w)
{
	static const char head[] = "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
				   "Content-Length: 1000000\r\n\r\n{";

	send_some(w, head, sizeof(head) - 1);
}

static void send_a_kilobyte(struct wire *w, unsigned step)
{
	static char blanks[1024];

	(void)step;
	memset(blanks, ' ', sizeof(blanks));
	send_some(w, blanks, sizeof(blanks));
}

static void begin_a_head(struct wire *w)
{
	send_some(w, "P", 1);
}

static void send_a_byte(struct wire *w, unsigned step)
{
	static const char head[] = "OST /validate HTTP/1.1\r\nHost: x\r\nX: ";

	send_some(w, step < sizeof(head) - 1 ? head + step : "x", 1);
}

static void ask_for_a_list(struct wire *w)
{
	static const char request[] = "GET /v1alpha1/projects/slow/occurrences HTTP/1.1\r\nHost: x\r\n\r\n";
	int small = 4096;

	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	send_some(w, request, sizeof(request) - 1);
}

static void read_a_little(struct wire *w, unsigned step)
{
	char part[256];

	(void)step;
	(void)wire_receive(w, part, sizeof(part));
}

static const struct kind {
	const char *throughput, *latency;
	unsigned count;
	bool bare; /* no handshake */
	bool api;  /* on the API's port, plain */
	void (*begin)(struct wire *w);
	void (*step)(struct wire *w, unsigned step);
	int every_ms;
} kinds[] = {
	{"decisions beside 100 slow writers", "the same, p50", 100, false, false, announce_a_body, send_a_kilobyte,
	 100},
	{"decisions beside 100 slow readers", "the same, p50", 100, false, true, ask_for_a_list, read_a_little, 100},
	{"decisions beside 100 that send a byte a second", "the same, p50", 100, false, false, begin_a_head,
	 send_a_byte, 1000},
	{"decisions beside 50 half-open handshakes", "the same, p50", 50, true, false, ask_nothing, NULL, 1000},
};

/* Spread over the time, as they would be. */
static void *behave(void *context)
{
	struct crowd *crowd = context;

	for (unsigned step = 0; !atomic_load(&crowd->over); step++)
		for (unsigned part = 0; part < 10 && !atomic_load(&crowd->over); part++) {
			for (unsigned i = part; i < crowd->count; i += 10)
				crowd->step(&crowd->wires[i], step);
			poll(NULL, 0, crowd->every_ms / 10);
		}
	return NULL;
}

/* What large answers cost to make is not what is measured. */
static void await_answer(const struct wire *w)
{
	struct pollfd ready = {.fd = w->fd, .events = POLLIN};

	if (poll(&ready, 1, 30000) != 1)
		bench_give_up("no answer to read slowly");
}

static void gather(struct crowd *crowd, const struct site *site, const struct kind *kind)
{
	SSL_CTX *tls = kind->bare || kind->api ? NULL : SSL_CTX_new(TLS_client_method());
	struct err e = ERR_INIT;

	*crowd = (struct crowd){.step = kind->step, .every_ms = kind->every_ms};
	for (; crowd->count < kind->count; crowd->count++) {
		struct wire *w = &crowd->wires[crowd->count];

		if (!wire_open(w, tls, kind->api ? site->api : site->webhook, &e))
			bench_give_up("no connection to hold: %s", e.text);
		kind->begin(w);
	}
	SSL_CTX_free(tls);
	for (unsigned i = 0; kind->api && i < crowd->count; i++)
		await_answer(&crowd->wires[i]);
	if (kind->step && pthread_create(&crowd->thread, NULL, behave, crowd) != 0)
		bench_give_up("no thread");
}

static void disperse(struct crowd *crowd)
{
	atomic_store(&crowd->over, true);
	if (crowd->step)
		pthread_join(crowd->thread, NULL);
	while (crowd->count)
		wire_close(&crowd->wires[--crowd->count]);
}

static void run_beside(struct bench *b, struct site *site, const struct load_plan *plan, const struct kind *kind,
		       struct measured *into)
{
	static struct crowd crowd;

	gather(&crowd, site, kind);
	bench_load(b, plan, into);
	disperse(&crowd);
}

static void measure(struct bench *b, struct site *site, const char *body, const struct kind *kind)
{
	struct load_plan plan = site_plan(b, site, body, CLIENTS);
	struct measured beside = {0}, alone = {0};
	bool wrong;

	for (int round = 0; round < b->rounds; round++) {
		bench_progress("%s, round %d of %d", kind->throughput, round + 1, b->rounds);
		if (round % 2)
			run_beside(b, site, &plan, kind, &beside);
		bench_load(b, &plan, &alone);
		if (round % 2 == 0)
			run_beside(b, site, &plan, kind, &beside);
		site_forget_log(site);
	}
	wrong = b->wrong;
	bench_row(b, (struct figure_name){kind->throughput, "5 KB", CLIENTS}, "/s", &beside.per_second,
		  &alone.per_second, AT_LEAST(AS_FAST));
	b->wrong = wrong;
	bench_row(b, (struct figure_name){kind->latency, "5 KB", CLIENTS}, "us", &beside.p50_us, &alone.p50_us,
		  AT_MOST(AS_SOON));
}

/* Something to read slowly: a megabyte. */
static void upload_noise(struct site *site)
{
	char *noise = calloc(1, LARGE + 1), *image = site_image(1);

	if (!noise)
		bench_give_up("no memory");
	memset(noise, 'x', LARGE);
	bed_note(site->bed, "slow", SITE_NOTE);
	for (int i = 0; i < LARGE_UPLOADS; i++)
		if (bed_attest(site->bed, "slow", SITE_NOTE, image, noise) != 200)
			bench_give_up("an upload was refused");
	free(noise);
	free(image);
}

void figures_hostile(struct bench *b)
{
	char *image = site_image(0), *body = review_body(5000, image);
	struct site site;

	site_open_attested(&site, 1);
	upload_noise(&site);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		measure(b, &site, body, &kinds[i]);
	site_close(&site);
	free(body);
	free(image);
}
