#include "tests/bench/exchange.h"

#include <stdlib.h>

#include "base/clock.h"

static bool compose(struct exchange *x, const struct load_plan *plan)
{
	static const char mark[] = "\"uid\":\"";
	char *uid;
	int head = asprintf(&x->request,
			    "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: kube-apiserver-admission\r\n"
			    "Content-Type: application/json\r\nAccept: application/json, */*\r\n"
			    "Content-Length: %zu\r\n\r\n%.*s",
			    plan->path, plan->port, plan->body.len, STR_ARG(plan->body));

	if (head < 0)
		return false;
	x->length = (size_t)head;
	x->body = x->request + x->length - plan->body.len;
	uid = strstr(x->body, mark);
	x->uid = uid ? uid + strlen(mark) : NULL;
	return !plan->own_uid || uid;
}

bool exchange_open(struct exchange *x, const struct load_plan *plan, SSL_CTX *tls, struct err *e)
{
	*x = (struct exchange){.wire = {.fd = -1}};
	if (!wire_open(&x->wire, tls, plan->port, e))
		return false;
	if (compose(x, plan))
		return true;
	exchange_close(x);
	return err_set(e, ERR_INTERNAL, "the review has no uid");
}

void exchange_close(struct exchange *x)
{
	wire_close(&x->wire);
	free(x->request);
	x->request = NULL;
}

void exchange_set_uid(struct exchange *x, uint64_t number)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%012llu", (unsigned long long)(number % 1000000000000u));
	memcpy(x->uid + UID_LENGTH - 12, digits, 12);
}

bool exchange_sending(const struct exchange *x)
{
	return x->sent < x->length;
}

static bool push(struct exchange *x, struct err *e)
{
	while (exchange_sending(x)) {
		long n = wire_send(&x->wire, x->request + x->sent, x->length - x->sent);

		if (n < 0)
			return err_set(e, ERR_INTERNAL, "the server closed a connection while a request was sent");
		if (n == 0)
			return true;
		x->sent += (size_t)n;
	}
	return true;
}

bool exchange_begin(struct exchange *x, struct err *e)
{
	x->sent = x->received = 0;
	x->answer[0] = 0;
	x->started_us = clock_monotonic_us();
	return push(x, e);
}

/* The whole length of the answer, 0 while its head is not complete. */
static size_t answer_length(const struct exchange *x)
{
	const char *end = memmem(x->answer, x->received, "\r\n\r\n", 4);
	const char *length = end ? strcasestr(x->answer, "\r\nContent-Length:") : NULL;

	if (!end || !length || length > end)
		return 0;
	return (size_t)(end + 4 - x->answer) + (size_t)strtoul(length + 17, NULL, 10);
}

static bool pull(struct exchange *x, bool *complete, struct err *e)
{
	for (;;) {
		size_t wanted = answer_length(x);
		long n;

		*complete = wanted && x->received >= wanted;
		if (*complete)
			return true;
		n = wire_receive(&x->wire, x->answer + x->received, ANSWER_MAX - 1 - x->received);
		if (n < 0)
			return err_set(e, ERR_INTERNAL, "the server closed a connection before its answer");
		if (n == 0)
			return true;
		x->received += (size_t)n;
		x->answer[x->received] = 0;
	}
}

bool exchange_go_on(struct exchange *x, bool *complete, struct err *e)
{
	return push(x, e) && pull(x, complete, e);
}

bool exchange_good(const struct exchange *x, const char *expect, bool own_uid)
{
	if (strncmp(x->answer, "HTTP/1.1 200", 12) != 0)
		return false;
	if (own_uid && !memmem(x->answer, x->received, x->uid, UID_LENGTH))
		return false;
	return !expect || memmem(x->answer, x->received, expect, strlen(expect));
}
