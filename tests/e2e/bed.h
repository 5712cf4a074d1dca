/* The test bed of the end-to-end tests: the built programs, a private gpg home, a temporary directory, real TLS.
 * Nothing outlives a bed. */
#ifndef SEALGATE_TESTS_E2E_BED_H
#define SEALGATE_TESTS_E2E_BED_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#define BED_ARGUMENTS 64

struct bed {
	char dir[256];	    /* everything is below; removed at the end */
	char data[300];	    /* --data-dir */
	char keys[300];	    /* exported public keys, NAME.asc */
	char policies[300]; /* empty until a test writes into it */
	char gnupg[300];    /* GNUPGHOME of the user */
	char log[300];	    /* standard error of sealgated */
	char webhook[128];  /* "https://127.0.0.1:PORT" once started */
	char api[128];	    /* "http://127.0.0.1:PORT", or https */
	char ops[128];
	char ca[320]; /* data/certs/ca.pem */
	pid_t server; /* 0: not running */
};

struct reply {
	long status; /* 0: no HTTP answer */
	char *body;  /* terminated, never NULL */
	size_t length;
	char headers[4096];
};

/* cmocka setup and teardown: *state is a struct bed. The teardown stops the server and fails when it doesn't exit 0 on
 * SIGTERM. */
int bed_setup(void **state);
int bed_teardown(void **state);

/* Starts sealgated with --data-dir, free ports and the given flags (NULL-terminated); waits until it is ready. Fails
 * the test with the log otherwise. */
void bed_start(struct bed *bed, ...) __attribute__((sentinel));
/* The same, but it may fail to: false when it has exited, with its exit status (-1: it died of a signal, -2: neither).
 */
bool bed_try_start(struct bed *bed, int *status, ...) __attribute__((sentinel));
/* For bed_eventually: it listens and says that it is ready, or has exited (server is 0 then). */
bool bed_is_ready(struct bed *bed, void *context);
/* The same but expects it to exit; returns the exit status. */
int bed_start_fails(struct bed *bed, ...) __attribute__((sentinel));
/* SIGTERM; returns the exit status. */
int bed_stop(struct bed *bed);
void bed_kill(struct bed *bed);

/* Runs a program to its end: argv ends with NULL; `out` and `err` (may be NULL) get its output, to be freed. Returns
 * the exit status; -1 when it died. `input` may be NULL. */
int bed_run(struct bed *bed, const char *const *argv, const char *input, char **out, char **err);
/* The path of a built program: "sealgate", "sealgated". */
const char *bed_program(const char *name);

/* HTTP. `ca` is trusted for https. Header lines end with NULL in `headers` (may be NULL). */
struct reply bed_request(struct bed *bed, const char *method, const char *base, const char *path, const char *body,
			 size_t length, const char *const *headers);
void reply_release(struct reply *reply);
/* The body as JSON; fails the test when it is none. */
json_t *reply_json(const struct reply *reply);

/* Makes an Ed25519 key for `email` and exports it to keys/NAME.asc. */
void bed_key(struct bed *bed, const char *name, const char *email);
/* gpg --clearsign of `text` by `email`; to be freed. */
char *bed_clearsign(struct bed *bed, const char *email, const char *text);
/* Creates note `projects/PROJECT/notes/NOTE` and uploads an attestation of `image` with `signature`; returns the HTTP
 * status of the upload. */
long bed_note(struct bed *bed, const char *project, const char *note);
long bed_attest(struct bed *bed, const char *project, const char *note, const char *image, const char *signature);

/* An AdmissionReview v1 for `object` (JSON text) with kind, resource and operation; to be freed. `old` may be NULL. */
char *bed_review_text(const char *version, const char *operation, const char *group, const char *kind,
		      const char *resource, const char *subresource, const char *namespace_, const char *object,
		      const char *old);
/* Posts a v1 CREATE review of a pod with this one image to /validate. The answer's "response" object; to be decref'd.
 */
json_t *bed_review_pod(struct bed *bed, const char *image);
json_t *bed_review(struct bed *bed, const char *review);
bool response_allowed(const json_t *response);
const char *response_message(const json_t *response);

/* The number of log lines whose "msg" is `message`. */
size_t bed_log_lines(struct bed *bed, const char *message);
/* Reads a file; to be freed; NULL when it can't be read. */
char *bed_read(const char *path);
void bed_write(const char *path, const char *text);
/* Waits up to ten seconds until check(bed, context) is true. */
bool bed_eventually(struct bed *bed, bool (*check)(struct bed *bed, void *context), void *context);

/* printf into a new string; to be freed. */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define DIGEST_A "sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define IMAGE_A "gcr.io/hightowerlabs/payment@" DIGEST_A
#define IMAGE_B "gcr.io/hightowerlabs/payment@" DIGEST_B

#endif
