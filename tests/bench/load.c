#include "tests/bench/load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/exchange.h"
#include "tests/bench/process.h"

#define SAMPLES_MAX (2u * 1024 * 1024)
#define THREADS_MAX 64u

/* What the threads of one run share. */
struct load {
	const struct load_plan *plan;
	SSL_CTX *tls;
	_Atomic uint64_t next;	     /* number of the next request */
	_Atomic int64_t last_answer; /* of any thread, us */
	int64_t until;		     /* us */
};

struct sender {
	struct load *load;
	struct exchange *exchanges;
	size_t count;
	size_t running;
	int poll;
	uint32_t *samples;
	size_t sample_count;
	struct load_result result;
	double cpu;
	bool ok;
	struct err err;
};

static bool watch(struct sender *s, struct exchange *x, int how)
{
	struct epoll_event event = {.events = EPOLLIN | (exchange_sending(x) ? EPOLLOUT : 0u), .data.ptr = x};

	return epoll_ctl(s->poll, how, x->wire.fd, &event) == 0 || err_errno(&s->err, "epoll");
}

/* Begins the next request on this connection, unless there are no more. */
static bool begin(struct sender *s, struct exchange *x)
{
	const struct load_plan *plan = s->load->plan;
	uint64_t number = atomic_fetch_add(&s->load->next, 1);

	if (plan->requests && number >= plan->requests) {
		s->running--;
		return true;
	}
	if (plan->vary)
		plan->vary(plan->context, number, x->body);
	if (plan->own_uid)
		exchange_set_uid(x, number);
	return exchange_begin(x, &s->err) && watch(s, x, EPOLL_CTL_MOD);
}

static bool connect_again(struct sender *s, struct exchange *x)
{
	wire_close(&x->wire);
	return wire_open(&x->wire, s->load->tls, s->load->plan->port, &s->err) && watch(s, x, EPOLL_CTL_ADD);
}

static void note_answer(struct sender *s, struct exchange *x)
{
	struct load_result *r = &s->result;
	int64_t now = clock_monotonic_us();
	int64_t gap = now - atomic_exchange(&s->load->last_answer, now);

	r->answers++;
	if (!exchange_good(x, s->load->plan->expect, s->load->plan->own_uid) && r->failures++ == 0)
		snprintf(r->wrong, sizeof(r->wrong), "%.*s", (int)sizeof(r->wrong) - 1, x->answer);
	if ((double)gap / 1000 > r->gap_ms)
		r->gap_ms = (double)gap / 1000;
	if (s->sample_count < SAMPLES_MAX)
		s->samples[s->sample_count++] = (uint32_t)(now - x->started_us);
}

static bool handle(struct sender *s, struct exchange *x)
{
	bool was_sending = exchange_sending(x), complete = false;
	int64_t started = x->started_us;

	if (!exchange_go_on(x, &complete, &s->err))
		return false;
	if (!complete)
		return exchange_sending(x) == was_sending || watch(s, x, EPOLL_CTL_MOD);
	note_answer(s, x);
	if (!s->load->plan->new_connections)
		return begin(s, x);
	started = clock_monotonic_us();
	if (!connect_again(s, x) || !begin(s, x))
		return false;
	x->started_us = started;
	return true;
}

static bool drive(struct sender *s)
{
	struct epoll_event events[256];
	uint64_t requests = s->load->plan->requests;

	for (size_t i = 0; i < s->count; i++)
		if (!begin(s, &s->exchanges[i]))
			return false;
	while (s->running && (requests || clock_monotonic_us() < s->load->until)) {
		int n = epoll_wait(s->poll, events, 256, 20);

		for (int i = 0; i < n; i++)
			if (!handle(s, events[i].data.ptr))
				return false;
	}
	return true;
}

static void *send_all(void *context)
{
	struct sender *s = context;
	struct timespec used = {0, 0};

	s->ok = drive(s);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	s->cpu = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
	return NULL;
}

static bool open_sender(struct sender *s, struct load *load, size_t count, struct err *e)
{
	*s = (struct sender){.load = load,
			     .exchanges = calloc(count, sizeof(struct exchange)),
			     .poll = epoll_create1(EPOLL_CLOEXEC),
			     .samples = malloc(SAMPLES_MAX * sizeof(uint32_t)),
			     .err = ERR_INIT};
	if (!s->exchanges || !s->samples || s->poll < 0)
		return err_no_memory(e);
	for (; s->count < count; s->count++) {
		struct exchange *x = &s->exchanges[s->count];

		if (!exchange_open(x, load->plan, load->tls, e) || !watch(s, x, EPOLL_CTL_ADD))
			return false;
	}
	s->running = count;
	return true;
}

static void close_sender(struct sender *s)
{
	for (size_t i = 0; i < s->count; i++)
		exchange_close(&s->exchanges[i]);
	free(s->exchanges);
	free(s->samples);
	if (s->poll > 0)
		close(s->poll);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool summarise(struct sender *senders, size_t count, double seconds, double cpu, struct load_result *r)
{
	uint32_t *all = malloc(SAMPLES_MAX * sizeof(uint32_t) * count);
	size_t n = 0;

	for (size_t i = 0; all && i < count; i++) {
		struct load_result *one = &senders[i].result;

		memcpy(all + n, senders[i].samples, senders[i].sample_count * sizeof(uint32_t));
		n += senders[i].sample_count;
		r->answers += one->answers;
		if (one->failures && r->failures == 0)
			memcpy(r->wrong, one->wrong, sizeof(r->wrong));
		r->failures += one->failures;
		r->gap_ms = one->gap_ms > r->gap_ms ? one->gap_ms : r->gap_ms;
		if (senders[i].cpu / seconds > r->generator_busy)
			r->generator_busy = senders[i].cpu / seconds;
	}
	if (n) {
		qsort(all, n, sizeof(*all), by_value);
		r->p50_us = all[n / 2];
		r->p99_us = all[n * 99 / 100];
		r->max_us = all[n - 1];
		r->per_second = (double)r->answers / seconds;
		r->cpu_us = cpu * 1e6 / (double)r->answers;
	}
	free(all);
	return n > 0;
}

static size_t thread_count(const struct load_plan *plan)
{
	if (plan->new_connections)
		return plan->connections < THREADS_MAX ? plan->connections : THREADS_MAX;
	return plan->connections >= 8 ? 2 : 1;
}

/* The threads, from the first request to the last answer. */
static bool run(struct load *load, struct sender *senders, size_t count, struct load_result *result, struct err *e)
{
	pthread_t threads[THREADS_MAX];
	int64_t started = clock_monotonic_us();
	double cpu = process_cpu_seconds(load->plan->server);

	atomic_store(&load->last_answer, started);
	load->until = started + (int64_t)(load->plan->seconds * 1e6);
	for (size_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, send_all, &senders[i]) != 0)
			abort();
	for (size_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	cpu = process_cpu_seconds(load->plan->server) - cpu;
	for (size_t i = 0; i < count; i++)
		if (!senders[i].ok) {
			*e = senders[i].err;
			return false;
		}
	if (!summarise(senders, count, (double)(clock_monotonic_us() - started) / 1e6, cpu, result))
		return err_set(e, ERR_INTERNAL, "nothing was answered in %.1f s", load->plan->seconds);
	return true;
}

static bool open_idle(struct load *load, struct wire *idle, size_t *opened, struct err *e)
{
	for (; *opened < load->plan->idle; (*opened)++)
		if (!wire_open(&idle[*opened], load->tls, load->plan->port, e))
			return false;
	return true;
}

bool load_run(const struct load_plan *plan, struct load_result *result, struct err *e)
{
	struct load load = {.plan = plan, .tls = plan->plain ? NULL : SSL_CTX_new(TLS_client_method())};
	size_t threads = thread_count(plan), opened = 0, idle_opened = 0;
	struct sender senders[THREADS_MAX];
	struct wire *idle = calloc(plan->idle + 1, sizeof(*idle));
	bool ok = idle && open_idle(&load, idle, &idle_opened, e);

	*result = (struct load_result){0};
	for (; ok && opened < threads; opened++)
		ok = open_sender(&senders[opened], &load, (plan->connections + threads - 1 - opened) / threads, e);
	ok = ok && run(&load, senders, threads, result, e);
	while (opened)
		close_sender(&senders[--opened]);
	while (idle_opened)
		wire_close(&idle[--idle_opened]);
	free(idle);
	SSL_CTX_free(load.tls);
	return ok;
}
