/* Warm decisions beside a bare TLS echo of the same bytes, in turn, round by round, on this machine: throughput,
 * latency, server CPU. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "tests/bench/echo.h"
#include "tests/bench/load.h"
#include "tests/bench/review_body.h"
#include "tests/e2e/bed.h"

enum { ROUNDS = 3 };

struct figure {
	const char *name;
	size_t size;
	unsigned connections;
	double throughput_target; /* of the echo's, at least; 0: none */
	double cpu_target;	  /* times the echo's CPU per request, at most; 0: none */
	double latency_target;	  /* times the echo's p50 and p99, at most; 0: none */
};

static const struct figure figures[] = {
	{"5 KB", 5000, 1, 0, 0, 1.25},	  {"5 KB", 5000, 16, 0.80, 1.3, 0},    {"5 KB", 5000, 64, 0.80, 1.3, 0},
	{"30 KB", 30000, 16, 0.75, 0, 0}, {"1.45 MB", 1450000, 4, 0.40, 0, 0},
};

struct median {
	double values[ROUNDS];
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median_of(struct median *m)
{
	qsort(m->values, ROUNDS, sizeof(double), by_value);
	return m->values[ROUNDS / 2];
}

struct series {
	struct median per_second, p50, p99, cpu;
};

static void record(struct series *s, int round, const struct load_result *r)
{
	s->per_second.values[round] = r->per_second;
	s->p50.values[round] = r->p50_us;
	s->p99.values[round] = r->p99_us;
	s->cpu.values[round] = r->cpu_us;
}

static bool one_run(const struct figure *f, uint16_t port, pid_t server, const char *body, const char *expect,
		    struct series *s, int round)
{
	struct load_plan plan = {.port = port,
				 .path = "/validate?timeout=10s",
				 .body = str_of(body),
				 .connections = f->connections,
				 .seconds = 2,
				 .expect = expect,
				 .server = server};
	struct load_result result;
	struct err e = ERR_INIT;

	if (!load_run(&plan, &result, &e) || result.failures || !result.answers) {
		fprintf(stderr, "%s, %u connections: %s, %llu wrong answers\n", f->name, f->connections, e.text,
			(unsigned long long)result.failures);
		return false;
	}
	record(s, round, &result);
	return true;
}

static const char *met(bool yes)
{
	return yes ? "met" : "MISSED";
}

static void print_row(const struct figure *f, struct series *ours, struct series *echo)
{
	double throughput = median_of(&ours->per_second) / median_of(&echo->per_second);
	double cpu = median_of(&ours->cpu) / median_of(&echo->cpu);
	double p50 = median_of(&ours->p50) / median_of(&echo->p50);
	double p99 = median_of(&ours->p99) / median_of(&echo->p99);

	printf("%-8s %4u %9.0f /s %9.0f /s %6.2f  %6.1f us %6.1f us %5.2f  %7.0f us %7.0f us %5.2f %5.2f  %s\n",
	       f->name, f->connections, ours->per_second.values[1], echo->per_second.values[1], throughput,
	       ours->cpu.values[1], echo->cpu.values[1], cpu, ours->p50.values[1], ours->p99.values[1], p50, p99,
	       met((f->throughput_target <= 0 || throughput >= f->throughput_target) &&
		   (f->cpu_target <= 0 || cpu <= f->cpu_target) &&
		   (f->latency_target <= 0 || (p50 <= f->latency_target && p99 <= f->latency_target))));
	fflush(stdout);
}

static char *answer_of(struct bed *bed, const char *body)
{
	struct reply reply = bed_request(bed, "POST", bed->webhook, "/validate", body, strlen(body), NULL);
	char *text = text_of("%s", reply.body);

	if (reply.status != 200 || !strstr(text, "\"allowed\":true")) {
		fprintf(stderr, "the review is not admitted: HTTP %ld %s\n", reply.status, text);
		exit(1);
	}
	reply_release(&reply);
	return text;
}

static bool bench_figure(struct bed *bed, const struct figure *f, const char *certificate, const char *key)
{
	struct series ours, reference;
	char *body = review_body(f->size, IMAGE_A);
	char *answer = answer_of(bed, body);
	uint16_t port = (uint16_t)strtol(strrchr(bed->webhook, ':') + 1, NULL, 10), echo_port = 0;
	pid_t echo = echo_start(certificate, key, str_of(answer), &echo_port);
	bool ok = echo > 0;

	for (int round = 0; ok && round < ROUNDS; round++)
		ok = one_run(f, echo_port, echo, body, NULL, &reference, round) &&
		     one_run(f, port, bed->server, body, "\"allowed\":true", &ours, round);
	if (ok)
		print_row(f, &ours, &reference);
	echo_stop(echo);
	free(answer);
	free(body);
	return ok;
}

int main(void)
{
	void *state = NULL;
	struct bed *bed;
	char *path, *certificate, *key, *signature;
	bool ok = true;

	bed_setup(&state);
	bed = state;
	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	bed_note(bed, "p", "n");
	signature = bed_clearsign(bed, "qa_bob@example.com", DIGEST_A);
	bed_attest(bed, "p", "n", IMAGE_A, signature);
	path = text_of("%s/certs/server.pem", bed->data);
	certificate = bed_read(path);
	free(path);
	path = text_of("%s/certs/server-key.pem", bed->data);
	key = bed_read(path);
	printf("Warm decisions beside a TLS echo of the same bytes: medians of %d rounds of 2 s each, about %zu s in "
	       "all.\n"
	       "body    conn   sealgate       echo       ratio   CPU/request     echo ratio      p50        p99  "
	       "ratios to echo  target\n",
	       ROUNDS, sizeof(figures) / sizeof(figures[0]) * ROUNDS * 4);
	for (size_t i = 0; ok && i < sizeof(figures) / sizeof(figures[0]); i++)
		ok = bench_figure(bed, &figures[i], certificate, key);
	printf("resident after the load: %.1f MB\n", process_resident_mb(bed->server));
	free(signature);
	free(certificate);
	free(key);
	free(path);
	return bed_teardown(&state) == 0 && ok ? 0 : 1;
}
