/* Decisions beside floods of uploads and of verifications: each is right and none is turned away, and they go on about
 * as fast as beside programs that take the same processors. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/e2e/client.h"

enum {
	ASKERS = 8,
	FLOODERS = 8,
	LISTERS = 64,
	LARGE = 60000,
	LARGE_UPLOADS = 10,
	LIST_MAX = 8000000,
	EACH = 500,
	ROUNDS = 2,
	SLOWER = 4,
	HUGE = 3000000
};

#define PATH "/v1alpha1/projects/p/occurrences"
#define UPLOAD                                                                                                     \
	"{\"resourceUrl\":\"https://%s\",\"noteName\":\"projects/p/notes/%s\",\"kind\":\"ATTESTATION_AUTHORITY\"," \
	"\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"%s\"}}}"
#define IMAGE_C "registry.example.com/c@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* What the threads share. Asserts are for the main thread only: a thread notes what is wrong. */
static struct {
	struct bed *bed;
	char *proven, *unproven, *needy; /* POSTs of reviews: of A, of B, and of C, which waits for verifications */
	char *foreign;			 /* a signature of a key that nobody trusts, as in JSON */
	char *huge;			 /* an upload of HUGE bytes */
	atomic_bool flooding;		 /* floods go on */
	atomic_uint serial, uploads, refused; /* uploads that were taken, and that were not */
	atomic_uint lists;		      /* given */
	atomic_uint wrong;
	_Atomic(char *) example; /* a wrong answer */
} shared;

static void note_wrong(const char *answer)
{
	char *none = NULL, *copy = strndup(answer, 600);

	atomic_fetch_add(&shared.wrong, 1);
	if (!atomic_compare_exchange_strong(&shared.example, &none, copy))
		free(copy);
}

/* One whole answer; false when the connection has ended. */
static bool read_answer(struct client *c, char *out, size_t max)
{
	size_t length = 0, wanted = 0;

	while (wanted == 0 || length < wanted) {
		size_t got = client_receive(c, out + length, wanted ? wanted - length + 1 : 2, 30000, NULL);
		const char *end = strstr(out, "\r\n\r\n"), *size = strstr(out, "Content-Length: ");

		if (got == 0)
			return false;
		length += got;
		if (wanted == 0 && end && size)
			wanted = (size_t)(end + 4 - out) + strtoul(size + 16, NULL, 10);
		if (wanted >= max || (wanted == 0 && length + 2 >= max))
			return false;
	}
	return true;
}

/* Asks about a proven and an unproven image in turn. */
static void *ask(void *context)
{
	struct client c = client_open(shared.bed->webhook);
	char answer[16384];

	(void)context;
	for (int i = 0; i < EACH; i++) {
		const char *request = i % 2 ? shared.proven : shared.unproven;

		answer[0] = 0;
		if (!client_send_text(&c, request) || !read_answer(&c, answer, sizeof(answer)) ||
		    strncmp(answer, "HTTP/1.1 200", 12) != 0 ||
		    !strstr(answer, i % 2 ? "\"allowed\":true" : "\"allowed\":false")) {
			note_wrong(answer);
			break;
		}
	}
	client_close(&c);
	return NULL;
}

/* A signature that was never seen: its first line differs. */
static char *never_seen(const char *image, const char *note)
{
	char *signature = text_of("serial %u\\n%s", atomic_fetch_add(&shared.serial, 1), shared.foreign);
	char *body = text_of(UPLOAD, image, note, signature), *post = client_post(PATH, body);

	free(signature);
	free(body);
	return post;
}

static char *next_upload(unsigned number)
{
	switch (number % 4) {
	case 0:
		return client_post(PATH, "{\"resourceUrl\":1}");
	case 1:
		return never_seen(IMAGE_A, "nowhere");
	default:
		return never_seen(IMAGE_A, "n");
	}
}

static bool upload(struct client *c, const char *post)
{
	char answer[200000] = "";

	if (!client_send_text(c, post) || !read_answer(c, answer, sizeof(answer)))
		return false;
	atomic_fetch_add(strncmp(answer, "HTTP/1.1 200", 12) == 0 ? &shared.uploads : &shared.refused, 1);
	return true;
}

static void *flood(void *context)
{
	struct client c = client_open(shared.bed->api);

	(void)context;
	for (unsigned i = 0; atomic_load(&shared.flooding); i++) {
		char *post = i % 16 == 15 ? NULL : next_upload(i);

		/* Who is turned away before his body was read comes again. */
		if (!upload(&c, post ? post : shared.huge)) {
			client_close(&c);
			c = client_open(shared.bed->api);
		}
		free(post);
	}
	client_close(&c);
	return NULL;
}

/* Uploads what was never seen and asks for a review that waits for its verification, again and again. */
static void *need(void *context)
{
	struct client webhook = client_open(shared.bed->webhook), api = client_open(shared.bed->api);
	char answer[16384];
	bool going = true;

	(void)context;
	while (going && atomic_load(&shared.flooding)) {
		char *post = never_seen(IMAGE_C, "n");

		answer[0] = 0;
		going = upload(&api, post) && client_send_text(&webhook, shared.needy) &&
			read_answer(&webhook, answer, sizeof(answer)) && strncmp(answer, "HTTP/1.1 200", 12) == 0 &&
			strstr(answer, "\"allowed\":false");
		if (!going)
			note_wrong(answer);
		free(post);
	}
	client_close(&webhook);
	client_close(&api);
	return NULL;
}

/* Reads long lists, one after the other. */
static void *list(void *context)
{
	struct client c = client_open(shared.bed->api);
	char *answer = malloc(LIST_MAX);

	(void)context;
	while (answer && atomic_load(&shared.flooding)) {
		if (!client_send_text(&c, "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n") ||
		    !read_answer(&c, answer, LIST_MAX))
			break;
		atomic_fetch_add(strncmp(answer, "HTTP/1.1 200", 12) == 0 ? &shared.lists : &shared.refused, 1);
	}
	client_close(&c);
	free(answer);
	return NULL;
}

static void *spin(void *context)
{
	(void)context;
	while (atomic_load(&shared.flooding))
		;
	return NULL;
}

/* How long ASKERS take for their decisions beside `count` of these, microseconds. */
static int64_t time_beside(void *(*flooder)(void *), int count)
{
	pthread_t flooders[LISTERS], askers[ASKERS];
	int64_t started_us;

	atomic_store(&shared.flooding, true);
	for (int i = 0; i < count; i++)
		assert_int_equal(pthread_create(&flooders[i], NULL, flooder, NULL), 0);
	started_us = clock_monotonic_us();
	for (int i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&askers[i], NULL, ask, NULL), 0);
	for (int i = 0; i < ASKERS; i++)
		pthread_join(askers[i], NULL);
	started_us = clock_monotonic_us() - started_us;
	atomic_store(&shared.flooding, false);
	for (int i = 0; i < count; i++)
		pthread_join(flooders[i], NULL);
	if (atomic_load(&shared.wrong))
		fail_msg("%u wrong answers, such as: %s", atomic_load(&shared.wrong), atomic_load(&shared.example));
	return started_us;
}

static char *review_of(const char *image)
{
	char *pod = text_of("{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"%s\"}]}}", image);
	char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", pod, NULL);
	char *post = client_post("/validate?timeout=2s", review);

	free(pod);
	free(review);
	return post;
}

/* As it stands in a JSON string. */
static char *escaped(const char *text)
{
	json_t *json = json_string(text);
	char *quoted = json_dumps(json, JSON_ENCODE_ANY), *out = text_of("%.*s", (int)strlen(quoted) - 2, quoted + 1);

	free(quoted);
	json_decref(json);
	return out;
}

static int setup(void **state)
{
	struct bed *bed;
	char *good, *bad;

	bed_setup(state);
	bed = *state;
	bed_key(bed, "qa", "qa_bob@example.com");
	good = bed_clearsign(bed, "qa_bob@example.com", DIGEST_A);
	bad = bed_clearsign(bed, "qa_bob@example.com", DIGEST_B);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "p", "n"), 200);
	assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, good), 200);
	shared.bed = bed;
	shared.proven = review_of(IMAGE_A);
	shared.unproven = review_of(IMAGE_B);
	shared.needy = review_of(IMAGE_C);
	shared.foreign = escaped(bad);
	char *filler = calloc(1, HUGE + 1);

	assert_non_null(filler);
	memset(filler, 'x', HUGE);
	shared.huge = client_post(PATH, filler);
	free(filler);
	free(good);
	free(bad);
	return 0;
}

/* Programs that do nothing but take the processors are the measure: beside them decisions wait for their turn alone. */
static void assert_not_starved(const char *name, void *(*flooder)(void *), int count)
{
	int64_t spinning_us = 0, flooded_us = 0;

	(void)time_beside(NULL, 0);
	for (int round = 0; round < rounds_of(ROUNDS); round++) {
		spinning_us += time_beside(spin, FLOODERS);
		flooded_us += time_beside(flooder, count);
	}
	print_message("%d decisions beside %s: %.2f of the time beside programs that spin\n",
		      rounds_of(ROUNDS) * ASKERS * EACH, name, (double)flooded_us / (double)spinning_us);
	if (flooded_us > SLOWER * spinning_us)
		fail_msg("%lld us, beside programs that spin %lld us", (long long)flooded_us, (long long)spinning_us);
}

static void decisions_beside_uploads_are_right_and_not_starved(void **state)
{
	(void)state;
	assert_not_starved("uploads", flood, FLOODERS);
	assert_true(atomic_load(&shared.uploads) > 0);
	assert_true(atomic_load(&shared.refused) > 0);
}

static void decisions_beside_verifications_on_need_are_right_and_not_starved(void **state)
{
	(void)state;
	assert_not_starved("verifications", need, FLOODERS);
}

static void decisions_beside_long_lists_are_right_and_not_starved(void **state)
{
	struct bed *bed = *state;
	char *noise = calloc(1, LARGE + 1);

	assert_non_null(noise);
	memset(noise, 'x', LARGE);
	for (int i = 0; i < LARGE_UPLOADS; i++)
		assert_int_equal(bed_attest(bed, "p", "n", IMAGE_B, noise), 200);
	free(noise);
	assert_not_starved("lists", list, LISTERS);
	assert_true(atomic_load(&shared.lists) > 0);
}

static int teardown(void **state)
{
	free(shared.proven);
	free(shared.unproven);
	free(shared.needy);
	free(shared.foreign);
	free(shared.huge);
	free(atomic_load(&shared.example));
	return bed_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_beside_uploads_are_right_and_not_starved),
		cmocka_unit_test(decisions_beside_verifications_on_need_are_right_and_not_starved),
		cmocka_unit_test(decisions_beside_long_lists_are_right_and_not_starved),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
