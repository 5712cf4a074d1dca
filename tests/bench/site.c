#include "tests/bench/site.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/echo.h"

void site_open(struct site *site)
{
	*site = (struct site){0};
	bed_setup(&site->state);
	site->bed = site->state;
	bed_key(site->bed, "qa", SITE_SIGNER);
}

static void run(struct bed *bed, const char *const *argv)
{
	if (bed_run(bed, argv, NULL, NULL, NULL) != 0)
		bench_give_up("%s failed", argv[0]);
}

void site_copy(struct site *site, const struct site *from, const char *name)
{
	const char *argv[] = {"cp", "-a", from->bed->data, NULL, NULL};

	*site = (struct site){.bed = malloc(sizeof(*site->bed))};
	if (!site->bed)
		bench_give_up("no memory");
	*site->bed = *from->bed;
	site->bed->server = 0;
	snprintf(site->bed->data, sizeof(site->bed->data), "%.200s/%s", from->bed->dir, name);
	snprintf(site->bed->log, sizeof(site->bed->log), "%.200s/%s.log", from->bed->dir, name);
	snprintf(site->bed->ca, sizeof(site->bed->ca), "%.290s/certs/ca.pem", site->bed->data);
	argv[3] = site->bed->data;
	run(site->bed, argv);
}

static uint16_t port_of(const char *url)
{
	return (uint16_t)strtol(strrchr(url, ':') + 1, NULL, 10);
}

static char *read_below(const char *directory, const char *name)
{
	char *path = text_of("%s/%s", directory, name);
	char *content = bed_read(path);

	if (!content)
		bench_give_up("no %s", path);
	free(path);
	return content;
}

void site_start(struct site *site, const char *flag, const char *value)
{
	bed_start(site->bed, flag ? flag : "--pubkeys", flag ? value : site->bed->keys, NULL);
	site->webhook = port_of(site->bed->webhook);
	site->api = port_of(site->bed->api);
	if (site->certificate)
		return;
	site->certificate = read_below(site->bed->data, "certs/server.pem");
	site->key = read_below(site->bed->data, "certs/server-key.pem");
}

void site_stop(struct site *site)
{
	if (site->bed->server && bed_stop(site->bed) != 0)
		bench_give_up("sealgated did not end well");
}

void site_close(struct site *site)
{
	const char *argv[] = {"rm", "-rf", site->bed->data, NULL};

	site_stop(site);
	if (site->state) {
		bed_teardown(&site->state);
	} else {
		run(site->bed, argv);
		free(site->bed);
	}
	free(site->certificate);
	free(site->key);
	*site = (struct site){0};
}

char *site_database(const struct site *site)
{
	return text_of("%s/sealgate.db", site->bed->data);
}

void site_digest(uint64_t number, char out[72])
{
	unsigned long long mixed = (number + 1) * 0x9e3779b97f4a7c15u;

	snprintf(out, 72, "sha256:%016llx%016llx%016llx%016llx", mixed, ~mixed, mixed * 3, mixed * 5);
}

char *site_image(uint64_t number)
{
	char digest[72];

	site_digest(number, digest);
	return text_of("registry.example.com/payment@%s", digest);
}

char *site_sign(struct site *site, uint64_t number)
{
	char digest[72];

	site_digest(number, digest);
	return bed_clearsign(site->bed, SITE_SIGNER, digest);
}

void site_note(struct site *site)
{
	if (bed_note(site->bed, SITE_PROJECT, SITE_NOTE) != 200)
		bench_give_up("no note");
}

void site_attest(struct site *site, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		char *image = site_image(i), *signature = site_sign(site, i);

		if (bed_attest(site->bed, SITE_PROJECT, SITE_NOTE, image, signature) != 200)
			bench_give_up("an attestation was not taken");
		free(image);
		free(signature);
	}
}

void site_open_attested(struct site *site, uint64_t images)
{
	site_open(site);
	site_start(site, NULL, NULL);
	site_note(site);
	site_attest(site, 0, images);
}

static bool are_verified(struct bed *bed, void *context)
{
	static const char name[] = "sealgate_verifications_total{verdict=\"accepted\",reason=\"good\"} ";
	struct reply reply = bed_request(bed, "GET", bed->ops, "/metrics", NULL, 0, NULL);
	const char *line = strstr(reply.body, name);
	bool yes = line && strtoull(line + strlen(name), NULL, 10) >= *(uint64_t *)context;

	reply_release(&reply);
	return yes;
}

void site_await_verdicts(struct site *site, uint64_t count)
{
	if (!bed_eventually(site->bed, are_verified, &count))
		bench_give_up("uploads were not verified");
}

struct load_plan site_plan(const struct bench *b, const struct site *site, const char *body, unsigned connections)
{
	return (struct load_plan){.port = site->webhook,
				  .path = "/validate?timeout=10s",
				  .body = str_of(body),
				  .connections = connections,
				  .seconds = b->seconds,
				  .expect = SITE_ALLOWED,
				  .own_uid = true,
				  .server = site->bed->server};
}

void site_vary_image(void *context, uint64_t number, char *body)
{
	const struct site_range *range = context;
	char digest[72];
	char *place = strstr(body, "@sha256:");

	site_digest(range->first + number % range->count, digest);
	memcpy(place + 1, digest, strlen(digest));
}

char *site_answer(struct site *site, const char *body, const char *expect)
{
	struct reply reply =
		bed_request(site->bed, "POST", site->bed->webhook, "/validate?timeout=10s", body, strlen(body), NULL);
	char *text = text_of("%s", reply.body);

	if (reply.status != 200 || !strstr(text, expect))
		bench_give_up("the review was not answered as it should: HTTP %ld %s", reply.status, text);
	reply_release(&reply);
	return text;
}

void site_forget_log(struct site *site)
{
	if (truncate(site->bed->log, 0) != 0)
		bench_give_up("%s can't be emptied", site->bed->log);
}

void echo_open(struct echo_server *echo, struct site *site, const char *body)
{
	echo->answer = site_answer(site, body, SITE_ALLOWED);
	echo->pid = echo_start(site->certificate, site->key, str_of(echo->answer), &echo->port);
	if (echo->pid <= 0)
		bench_give_up("the echo does not start");
}

void echo_close(struct echo_server *echo)
{
	echo_stop(echo->pid);
	free(echo->answer);
	*echo = (struct echo_server){0};
}

struct load_plan echo_plan(const struct echo_server *echo, const struct load_plan *plan)
{
	struct load_plan out = *plan;

	out.port = echo->port;
	out.server = echo->pid;
	out.own_uid = false;
	return out;
}
