/* One connection of the load generator with its current request and answer. */
#ifndef SEALGATE_TESTS_BENCH_EXCHANGE_H
#define SEALGATE_TESTS_BENCH_EXCHANGE_H

#include "tests/bench/load.h"

#define ANSWER_MAX (64u * 1024)
#define UID_LENGTH 36

struct exchange {
	struct wire wire;
	char *request; /* head and body, its own */
	size_t length;
	char *body; /* in it */
	char *uid;  /* in the body, UID_LENGTH bytes; NULL when it has none */
	size_t sent;
	size_t received;
	int64_t started_us;
	char answer[ANSWER_MAX];
};

bool exchange_open(struct exchange *x, const struct load_plan *plan, SSL_CTX *tls, struct err *e) MUST_USE;
void exchange_close(struct exchange *x);
/* The last twelve digits of the review's uid become `number`. */
void exchange_set_uid(struct exchange *x, uint64_t number);
/* Starts the clock and sends what fits. */
bool exchange_begin(struct exchange *x, struct err *e) MUST_USE;
bool exchange_sending(const struct exchange *x);
/* Sends and reads as far as it goes; *complete when the answer is there. False when the server closed. */
bool exchange_go_on(struct exchange *x, bool *complete, struct err *e) MUST_USE;
/* Status 200, `expect` (may be NULL) in the answer, and with own_uid this request's uid. */
bool exchange_good(const struct exchange *x, const char *expect, bool own_uid);

#endif
