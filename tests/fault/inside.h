/* The parts of the server in this process: a store, policies and keys, the verify worker and the queue before it; the
 * handlers are called as server/http.c calls them. */
#ifndef SEALGATE_TESTS_FAULT_INSIDE_H
#define SEALGATE_TESTS_FAULT_INSIDE_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/grafeas.h"
#include "server/review.h"

#define INSIDE_PATH 128
/* Signed by the key "ed" of tests/data/openpgp, which attestor qa of the policy lists. */
#define SIGNED_DIGEST "sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define SIGNED_IMAGE "gcr.io/hightowerlabs/payment@" SIGNED_DIGEST
#define QA_NOTE "projects/image-signing/notes/qa"

struct inside {
	char dir[INSIDE_PATH];
	char policies[INSIDE_PATH];
	char tokens[INSIDE_PATH];
	const char *policy_dirs[1];
	struct trust_sources sources;
	struct worker_pool *workers;
	struct metrics *metrics;
	struct review_service review;
	struct grafeas grafeas; /* without queue and trust: nothing is verified behind an upload */
};

/* cmocka setup and teardown: *state is a struct inside with a policy that wants an attestation of qa for every image,
 * and no attestations. */
int inside_setup(void **state);
int inside_teardown(void **state);

/* Stores a signature of tests/data/openpgp as an attestation of `digest` under QA_NOTE. */
void inside_attest(struct inside *in, const char *digest, const char *signature);
/* Forgets every verdict. */
void inside_forget(struct inside *in);
/* Writes policies/policy.yaml: that policy, named `name`. */
void inside_policy(struct inside *in, const char *name, const char *enforcement);

struct inside_answer {
	int status;
	json_t *json; /* NULL when the body is none */
};

/* One request to a handler (webhook_handle with &in->review, grafeas_handle with &in->grafeas), in which the n-th
 * allocation fails (0: none). True when it did. The answer is what would be sent: 500 when the handler left none. What
 * is logged goes nowhere. */
struct inside_fault {
	unsigned n;
	int scope; /* an enum alloc_scope */
	bool onwards;
};
bool inside_call(http_handler *handler, void *context, const char *method, const char *target, const char *body,
		 struct inside_fault fault, struct inside_answer *out);
void inside_answer_release(struct inside_answer *answer);

#endif
