/* A running sealgated whose date steps by an hour, both ways (preload_clock.c): deadlines stay, expiry follows. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/bed.h"

#define HOUR 3600
#define STEP_AFTER_MS 300
/* Longer than two looks of whoever closes late connections. */
#define WATCH_MS 2500

struct site {
	struct bed *bed;
	atomic_int_fast64_t *offset;
};

static int setup(void **state)
{
	static struct site site;
	void *bed;
	char *path, *library = text_of("%s", bed_program("tests/fault/preload_clock.so"));
	int fd;

	bed_setup(&bed);
	site.bed = bed;
	path = text_of("%s/clock", site.bed->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, sizeof(*site.offset)), 0);
	site.offset = mmap(NULL, sizeof(*site.offset), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(site.offset != MAP_FAILED);
	close(fd);
	bed_key(site.bed, "qa", "qa_bob@example.com");
	setenv("CLOCK_STEP", path, 1);
	setenv("LD_PRELOAD", library, 1);
	bed_start(site.bed, "--pubkeys", site.bed->keys, NULL);
	unsetenv("LD_PRELOAD");
	bed_note(site.bed, "p", "n");
	free(path);
	free(library);
	*state = &site;
	return 0;
}

static int teardown(void **state)
{
	struct site *site = *state;
	void *bed = site->bed;

	atomic_store(site->offset, 0);
	munmap(site->offset, sizeof(*site->offset));
	return bed_teardown(&bed);
}

static void signal_below(pid_t pid, int number)
{
	char *path = text_of("/proc/%d/task/%d/children", (int)pid, (int)pid);
	char *text = bed_read(path), *at = text;

	free(path);
	while (at && *at) {
		char *end;
		pid_t child = (pid_t)strtol(at, &end, 10);

		if (end == at)
			break;
		signal_below(child, number);
		kill(child, number);
		at = end;
	}
	free(text);
}

struct step {
	struct site *site;
	int64_t seconds;
};

static void *step_soon(void *context)
{
	struct step *step = context;

	poll(NULL, 0, STEP_AFTER_MS);
	atomic_store(step->site->offset, step->seconds);
	return NULL;
}

static char *review_of(const char *image)
{
	char *object = text_of(
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"x\",\"namespace\":\"default\"},"
		"\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"%s\"}]}}",
		image);
	char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", object, NULL);

	free(object);
	return review;
}

/* A review that waits for a verification that does not come, while the clock steps: milliseconds that it took. */
static int64_t wait_in_vain(struct site *site, const char *image, int64_t seconds)
{
	struct step step = {site, seconds};
	char *review = review_of(image);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, step_soon, &step), 0);
	int64_t started_ms = clock_monotonic_ms();
	struct reply reply = bed_request(site->bed, "POST", site->bed->webhook, "/validate?timeout=2s", review,
					 strlen(review), NULL);
	int64_t took_ms = clock_monotonic_ms() - started_ms;
	pthread_join(thread, NULL);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.body, "\"allowed\":false"));
	reply_release(&reply);
	free(review);
	return took_ms;
}

struct wanted {
	const char *image;
	bool allowed;
};

static bool is_decided(struct bed *bed, void *context)
{
	const struct wanted *wanted = context;
	json_t *response = bed_review_pod(bed, wanted->image);
	bool as_wanted = response_allowed(response) == wanted->allowed;

	json_decref(response);
	return as_wanted;
}

static void a_step_of_the_clock_moves_no_deadline(void **state)
{
	static const struct {
		int64_t seconds;
		const char *image, *digest;
	} rows[] = {{HOUR, IMAGE_A, DIGEST_A}, {-HOUR, IMAGE_B, DIGEST_B}};
	struct site *site = *state;

	for (size_t i = 0; i < 2; i++) {
		struct wanted wanted = {rows[i].image, true};
		char *signature = bed_clearsign(site->bed, "qa_bob@example.com", rows[i].digest);

		signal_below(site->bed->server, SIGSTOP);
		assert_int_equal(bed_attest(site->bed, "p", "n", rows[i].image, signature), 200);
		int64_t took_ms = wait_in_vain(site, rows[i].image, rows[i].seconds);
		signal_below(site->bed->server, SIGCONT);
		atomic_store(site->offset, 0);
		assert_true(took_ms > 2 * STEP_AFTER_MS);
		assert_true(took_ms < 1000 * (int64_t)HOUR / 10);
		assert_true(bed_eventually(site->bed, is_decided, &wanted));
		free(signature);
	}
}

static void a_key_that_expires_counts_by_the_date(void **state)
{
	struct site *site = *state;
	struct bed *bed = site->bed;
	const char *make[] = {"gpg",
			      "--batch",
			      "--quiet",
			      "--pinentry-mode",
			      "loopback",
			      "--passphrase",
			      "",
			      "--quick-generate-key",
			      "short@example.com",
			      "ed25519",
			      "sign",
			      "seconds=1800",
			      NULL};
	char *file = text_of("%s/short.asc", bed->keys);
	const char *export[] = {"gpg", "--batch", "--armor", "--output", file, "--export", "short@example.com", NULL};
	struct wanted yes = {"gcr.io/x/y@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
			     true};
	struct wanted no = {yes.image, false};

	assert_int_equal(bed_run(bed, make, NULL, NULL, NULL), 0);
	assert_int_equal(bed_run(bed, export, NULL, NULL, NULL), 0);
	kill(bed->server, SIGHUP);
	char *signature = bed_clearsign(bed, "short@example.com", strchr(yes.image, '@') + 1);
	assert_int_equal(bed_attest(bed, "p", "n", yes.image, signature), 200);
	assert_true(bed_eventually(bed, is_decided, &yes));
	atomic_store(site->offset, HOUR);
	assert_true(is_decided(bed, &no));
	atomic_store(site->offset, 0);
	assert_true(is_decided(bed, &yes));
	free(signature);
	free(file);
}

static int connect_to_api(struct bed *bed)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)strtol(strrchr(bed->api, ':') + 1, NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void no_connection_is_cut_off_by_a_step(void **state)
{
	static const char start[] = "GET /v1alpha1/projects HTTP/1.1\r\nHost: x\r\n",
			  end[] = "Connection: close\r\n\r\n";
	struct site *site = *state;

	for (int64_t step = -HOUR; step <= HOUR; step += 2 * (int64_t)HOUR) {
		char answer[13] = "";
		struct pollfd ready = {.fd = connect_to_api(site->bed), .events = POLLIN};

		assert_true(send(ready.fd, start, sizeof(start) - 1, MSG_NOSIGNAL) > 0);
		atomic_store(site->offset, step);
		assert_int_equal(poll(&ready, 1, WATCH_MS), 0);
		assert_true(send(ready.fd, end, sizeof(end) - 1, MSG_NOSIGNAL) > 0);
		assert_int_equal(recv(ready.fd, answer, 12, MSG_WAITALL), 12);
		assert_string_equal(answer, "HTTP/1.1 200");
		close(ready.fd);
	}
	atomic_store(site->offset, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_of_the_clock_moves_no_deadline),
		cmocka_unit_test(a_key_that_expires_counts_by_the_date),
		cmocka_unit_test(no_connection_is_cut_off_by_a_step),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
