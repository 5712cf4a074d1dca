/* What figures measure: a sealgated with one trusted key, attested images, and its stand-ins. */
#ifndef SEALGATE_TESTS_BENCH_SITE_H
#define SEALGATE_TESTS_BENCH_SITE_H

#include "tests/bench/bench.h"
#include "tests/e2e/bed.h"

#define SITE_PROJECT "image-signing"
#define SITE_NOTE "qa"
#define SITE_SIGNER "qa_bob@example.com"
#define SITE_ALLOWED "\"allowed\":true"
#define SITE_REFUSED "\"allowed\":false"

struct site {
	struct bed *bed;
	void *state; /* bed_teardown's */
	uint16_t webhook, api;
	char *certificate, *key; /* PEM, for the echo; once started */
};

/* A directory, a gpg home, a key; nothing runs yet. */
void site_open(struct site *site);
/* The same, started with its key, and `images` attested images from number 0 on. */
void site_open_attested(struct site *site, uint64_t images);
/* With what site_open made, in a data directory of its own, NAME, that begins as a copy of `from`'s, whose server must
 * not run. */
void site_copy(struct site *site, const struct site *from, const char *name);
/* Starts sealgated with one flag and its value besides those of the bed; "--pubkeys" and the site's keys when NULL. */
void site_start(struct site *site, const char *flag, const char *value);
void site_stop(struct site *site);
/* Stops it and removes everything; a copy leaves what site_open made. */
void site_close(struct site *site);

/* The path of its database. */
char *site_database(const struct site *site);
/* A digest for each number, far apart: neighbours in number are none in an index. */
void site_digest(uint64_t number, char out[72]);
/* "registry.example.com/payment@DIGEST"; to be freed. */
char *site_image(uint64_t number);
/* A clear-signed digest of image `number`; to be freed. */
char *site_sign(struct site *site, uint64_t number);
/* The note, once; then attestations for images from `first` on, each by its own signature. */
void site_note(struct site *site);
void site_attest(struct site *site, uint64_t first, uint64_t count);
/* Waits until so many signatures were verified since the server's start. */
void site_await_verdicts(struct site *site, uint64_t count);
/* The plan of a load of reviews: the body, SITE_ALLOWED, own uids, the server's CPU. */
struct load_plan site_plan(const struct bench *b, const struct site *site, const char *body, unsigned connections);
/* load_vary; the context is a struct site_range: the first image digest in the body becomes that of the images from
 * `first` on, in turn, `count` of them. */
struct site_range {
	uint64_t first, count;
};
void site_vary_image(void *context, uint64_t number, char *body);
/* The answer to one review; to be freed. Gives up unless `expect` stands in it. */
char *site_answer(struct site *site, const char *body, const char *expect);
/* Nothing of the log so far takes memory or disk any more. */
void site_forget_log(struct site *site);

/* The echo that answers what the site answers to `body`, and the same plan for it. */
struct echo_server {
	pid_t pid;
	uint16_t port;
	char *answer;
};
void echo_open(struct echo_server *echo, struct site *site, const char *body);
void echo_close(struct echo_server *echo);
struct load_plan echo_plan(const struct echo_server *echo, const struct load_plan *plan);

#endif
