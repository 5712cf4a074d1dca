/* A verification that tests steer: it knows some signatures, notes the order in which it is asked, and can be held. */
#ifndef SEALGATE_TESTS_UNIT_SERVER_VERIFIER_H
#define SEALGATE_TESTS_UNIT_SERVER_VERIFIER_H

#include <pthread.h>

#include "server/verify_queue_private.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER_DIGEST "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define ANNA "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BOB "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

struct verifier {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool held;
	size_t calls;	/* begun */
	char order[64]; /* first letters of the signatures, as they came */
	const struct known {
		const char *signature; /* those that begin so */
		struct signature_facts facts;
	} * known; /* ends with signature NULL; every other signature is a bad one */
};

#define VERIFIER(...)                                           \
	((struct verifier){.lock = PTHREAD_MUTEX_INITIALIZER,   \
			   .changed = PTHREAD_COND_INITIALIZER, \
			   .known = (const struct known[]){__VA_ARGS__ __VA_OPT__(, ){NULL}}})

static const struct signature_facts bad_signature = {.reason = REASON_BAD_SIGNATURE};

static inline const struct signature_facts *facts_about(const struct verifier *v, struct str signature)
{
	for (const struct known *one = v->known; one->signature; one++)
		if (str_starts_with(signature, str_of(one->signature)))
			return &one->facts;
	return &bad_signature;
}

/* A verify_function. */
static inline void verifier_verify(void *context, struct key_set *keys, const struct attestation_row *row, int64_t now,
				   int64_t deadline_ms, struct signature_facts *out)
{
	struct verifier *v = context;

	(void)keys;
	(void)now;
	(void)deadline_ms;
	pthread_mutex_lock(&v->lock);
	if (v->calls < sizeof(v->order) - 1)
		v->order[v->calls] = row->signature.ptr[0];
	v->calls++;
	pthread_cond_broadcast(&v->changed);
	while (v->held)
		pthread_cond_wait(&v->changed, &v->lock);
	*out = *facts_about(v, row->signature);
	pthread_mutex_unlock(&v->lock);
}

static inline void verifier_hold(struct verifier *v)
{
	pthread_mutex_lock(&v->lock);
	v->held = true;
	pthread_mutex_unlock(&v->lock);
}

static inline void verifier_release(struct verifier *v)
{
	pthread_mutex_lock(&v->lock);
	v->held = false;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
}

/* Waits until `calls` have begun. */
static inline void verifier_wait(struct verifier *v, size_t calls)
{
	pthread_mutex_lock(&v->lock);
	while (v->calls < calls)
		pthread_cond_wait(&v->changed, &v->lock);
	pthread_mutex_unlock(&v->lock);
}

static inline size_t verifier_calls(struct verifier *v)
{
	size_t calls;

	pthread_mutex_lock(&v->lock);
	calls = v->calls;
	pthread_mutex_unlock(&v->lock);
	return calls;
}

/* What a good signature of `who` for DIGEST proves. */
#define GOOD_AT(who, at, ...)                                                                         \
	{                                                                                             \
		.verdict = VERDICT_ACCEPTED, .reason = REASON_GOOD, .signer = who, .signed_at = (at), \
		.digest = DIGEST, __VA_ARGS__                                                         \
	}
#define GOOD(who, ...) GOOD_AT(who, 1000, __VA_ARGS__)

/* Two keys that a trust may list. */
static inline struct key_set *two_keys(void)
{
	const struct key_set_entry entries[] = {{STR("key of anna"), STR(ANNA)}, {STR("key of bob"), STR(BOB)}};

	return key_set_new(entries, 2);
}

#endif
