/* A child of the verify worker and its supervisor, asked by hand what no caller of ours asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "attest/openpgp_home.h"
#include "attest/worker_child.h"
#include "attest/worker_protocol.h"
#include "attest/worker_stream.h"
#include "attest/worker_supervisor.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define ID 7u
#define BUDGET_MS 60000u

struct bed {
	char directory[64];
	pid_t child;
	int socket;
};

static int begin(void **state, int type, void (*run)(int socket, const char *directory))
{
	struct bed *bed = calloc(1, sizeof(*bed));
	int ends[2];

	assert_non_null(bed);
	snprintf(bed->directory, sizeof(bed->directory), "/tmp/sealgate-child-XXXXXX");
	assert_non_null(mkdtemp(bed->directory));
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
	bed->child = fork();
	if (bed->child == 0) {
		close(ends[0]);
		run(ends[1], bed->directory);
	}
	close(ends[1]);
	bed->socket = ends[0];
	*state = bed;
	return bed->child > 0 ? 0 : -1;
}

static int exit_of(struct bed *bed)
{
	int status;

	if (bed->socket >= 0)
		close(bed->socket);
	bed->socket = -1;
	assert_int_equal(waitpid(bed->child, &status, 0), bed->child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int end(void **state)
{
	struct bed *bed = *state;

	directory_remove(bed->directory);
	free(bed);
	return 0;
}

static int begin_child(void **state)
{
	return begin(state, SOCK_STREAM, worker_child_run);
}

static void supervise(int socket, const char *directory)
{
	worker_supervisor_run(socket, 1, directory, NULL);
}

static int begin_supervisor(void **state)
{
	return begin(state, SOCK_SEQPACKET, supervise);
}

/* Sends the record in `data` and reads the answer into it. */
static void ask(struct bed *bed, struct buf *data)
{
	int64_t deadline_ms = clock_monotonic_ms() + BUDGET_MS;

	assert_int_equal(stream_send(bed->socket, buf_str(data), deadline_ms), STREAM_OK);
	assert_int_equal(stream_receive(bed->socket, data, deadline_ms), STREAM_OK);
}

static void assert_keys_refused(struct bed *bed, const struct str *keyrings, size_t count, const char *why)
{
	cleanup(buf) struct buf data = buf_init(WORKER_RECORD_MAX);
	struct err e = ERR_INIT;

	worker_encode_keys(&data, ID, BUDGET_MS, keyrings, count);
	ask(bed, &data);
	assert_false(worker_decode_loaded(buf_str(&data), ID, &e));
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_non_null(strstr(e.text, why));
}

static void what_is_no_keyring_makes_nobody_known(void **state)
{
	struct str keyrings[OPENPGP_KEYRINGS_MAX + 1];
	struct bed *bed = *state;
	cleanup(buf) struct buf data = buf_init(WORKER_RECORD_MAX), empty = buf_init(WORKER_RECORD_MAX);
	cleanup(openpgp_keyring) struct openpgp_keyring keyring = openpgp_keyring_init();
	struct signature_facts facts;
	struct err e = ERR_INIT;

	worker_encode_keyring(&empty, &keyring);
	for (size_t i = 0; i < OPENPGP_KEYRINGS_MAX + 1; i++)
		keyrings[i] = buf_str(&empty);
	assert_keys_refused(bed, keyrings, OPENPGP_KEYRINGS_MAX + 1, "more than");
	keyrings[1] = STR("none");
	assert_keys_refused(bed, keyrings, 2, "can't be read");
	worker_encode_verify(&data, ID, BUDGET_MS, STR("no signature"), (struct str){NULL, 0}, 1000);
	ask(bed, &data);
	assert_true(worker_decode_facts(buf_str(&data), ID, &facts, &e));
	assert_int_equal(facts.verdict, VERDICT_REJECTED);
	assert_int_equal(facts.reason, REASON_WORKER_FAILED);
	assert_int_equal(exit_of(bed), 0);
}

static void a_keyring_of_what_is_no_key_is_not_made(void **state)
{
	const struct str texts[] = {STR("no key")};
	struct bed *bed = *state;
	cleanup(buf) struct buf data = buf_init(WORKER_RECORD_MAX);
	cleanup(key_list) struct key_list certificates = {0};
	struct err e = ERR_INIT;
	struct str keyring;

	worker_encode_make(&data, ID, BUDGET_MS, false, texts, 1);
	ask(bed, &data);
	if (worker_decode_made(buf_str(&data), ID, &keyring, &certificates, &e))
		assert_int_equal(certificates.count, 0);
	assert_int_equal(exit_of(bed), 0);
}

static void what_is_no_request_ends_the_child(void **state)
{
	struct bed *bed = *state;
	cleanup(buf) struct buf data = buf_init(WORKER_RECORD_MAX);
	int64_t deadline_ms = clock_monotonic_ms() + BUDGET_MS;

	buf_add(&data, str_make("\0\0\0\1x", 5));
	assert_int_equal(stream_send(bed->socket, buf_str(&data), deadline_ms), STREAM_OK);
	assert_int_not_equal(stream_receive(bed->socket, &data, deadline_ms), STREAM_OK);
	assert_int_equal(exit_of(bed), 1);
}

static unsigned char answer_for_slot(struct bed *bed, unsigned char slot)
{
	const unsigned char request[WORKER_REQUEST_SIZE] = {0, slot, 0, ID};
	unsigned char answer[WORKER_ANSWER_SIZE] = {0};

	assert_int_equal(send(bed->socket, request, sizeof(request), 0), sizeof(request));
	assert_int_equal(recv(bed->socket, answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(answer[2], ID);
	return answer[0];
}

static void a_slot_that_is_not_there_gets_no_child(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(answer_for_slot(bed, 1), 0);
	assert_int_equal(answer_for_slot(bed, 0), 1);
	assert_int_equal(exit_of(bed), 0);
	assert_int_equal(access(bed->directory, F_OK), -1);
}

static void what_is_no_request_ends_the_supervisor_and_all_below(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(answer_for_slot(bed, 0), 1);
	assert_int_equal(send(bed->socket, "x", 1, 0), 1);
	assert_int_equal(exit_of(bed), 0);
	assert_int_equal(access(bed->directory, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_no_keyring_makes_nobody_known, begin_child, end),
		cmocka_unit_test_setup_teardown(a_keyring_of_what_is_no_key_is_not_made, begin_child, end),
		cmocka_unit_test_setup_teardown(what_is_no_request_ends_the_child, begin_child, end),
		cmocka_unit_test_setup_teardown(a_slot_that_is_not_there_gets_no_child, begin_supervisor, end),
		cmocka_unit_test_setup_teardown(what_is_no_request_ends_the_supervisor_and_all_below, begin_supervisor,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
