/* Verifications during which memory runs out, at every point: no accept that isn't due, and no verdict that a cache
 * would keep against a good signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/armor.h"
#include "attest/openpgp.h"
#include "attest/openpgp_home.h"
#include "tests/fault/alloc.h"
#include "tests/unit/attest/fixtures.h"

struct bed {
	char home[64];
	struct openpgp *keys;
};

struct path {
	struct bed *bed;
	struct buf upload;
	struct buf payload;
	bool detached;
	bool due;
	bool onwards;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	cleanup(buf) struct buf key = fixture_key(STR("ed"));
	const struct str text = buf_str(&key);
	struct err e = ERR_INIT;

	assert_non_null(bed);
	snprintf(bed->home, sizeof(bed->home), "/tmp/sealgate-openpgp-XXXXXX");
	assert_non_null(mkdtemp(bed->home));
	bed->keys = openpgp_new(bed->home, &e);
	if (!bed->keys || !openpgp_import(bed->keys, &text, 1, &e))
		fail_msg("%s", e.text);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	openpgp_free(bed->keys);
	directory_remove(bed->home);
	free(bed);
	return 0;
}

static bool passes(enum verdict_reason reason)
{
	return reason == REASON_NOT_VERIFIED || reason == REASON_TIMEOUT || reason == REASON_WORKER_FAILED ||
	       reason == REASON_BUSY;
}

static void verify(struct path *path, struct signature_facts *facts)
{
	*facts = (struct signature_facts){.verdict = VERDICT_REJECTED};
	openpgp_verify(path->bed->keys, buf_str(&path->upload),
		       path->detached ? buf_str(&path->payload) : (struct str){NULL, 0}, NOW, facts);
}

static bool verify_once(void *context, unsigned n)
{
	struct path *path = context;
	struct signature_facts facts;
	bool fired;

	alloc_fail(n, ALLOC_THREAD, path->onwards);
	verify(path, &facts);
	fired = alloc_work_again();
	if (facts.verdict == VERDICT_ACCEPTED && (!path->due || strcmp(facts.digest, ASKED) != 0))
		fail_msg("n = %u: accepted", n);
	if (path->due && facts.verdict != VERDICT_ACCEPTED && (!fired || !passes(facts.reason)))
		fail_msg("n = %u: rejected for good: %s", n, verdict_reason_name(facts.reason));
	verify(path, &facts);
	assert_int_equal(facts.verdict == VERDICT_ACCEPTED, path->due);
	assert_int_equal(passes(facts.reason), false);
	return fired;
}

static void at_every_point(void **state, const char *signature, bool due)
{
	struct path path = {.bed = *state, .upload = fixture_signature(str_of(signature)), .due = due};

	alloc_each(verify_once, &path);
	path.onwards = true;
	alloc_each(verify_once, &path);
	buf_release(&path.upload);
}

static void a_good_signature(void **state)
{
	at_every_point(state, "clear-url.asc", true);
	at_every_point(state, "attached.asc", true);
}

static void an_upload_that_is_no_signature(void **state)
{
	struct path path = {.bed = *state, .upload = buf_init(1000)};

	buf_add_c(&path.upload, "-----BEGIN PGP MESSAGE-----\n\nYQ==\n-----END PGP MESSAGE-----\n");
	alloc_each(verify_once, &path);
	buf_release(&path.upload);
}

static bool accept_once(void *context, unsigned n)
{
	struct path *path = context;
	struct err e = ERR_INIT;
	bool taken, fired;

	alloc_fail(n, ALLOC_THREAD, path->onwards);
	taken = armor_acceptable(buf_str(&path->upload), &e);
	fired = alloc_work_again();
	assert_int_equal(taken, !fired);
	if (!taken)
		assert_int_equal(e.kind, ERR_INTERNAL);
	return fired;
}

/* Else the uploader would not send it again. */
static void an_upload_that_could_not_be_read_is_not_called_malformed(void **state)
{
	struct path path = {.bed = *state, .upload = fixture_signature(STR("attached-binary.b64"))};

	alloc_each(accept_once, &path);
	buf_release(&path.upload);
}

static bool unwrap_once(void *context, unsigned n)
{
	struct path *path = context;
	cleanup(armor_message) struct armor_message message = armor_message_init();
	enum verdict_reason reason;
	bool fired;

	alloc_fail(n, ALLOC_THREAD, path->onwards);
	reason = armor_unwrap(buf_str(&path->upload), &message);
	fired = alloc_work_again();
	assert_int_equal(reason == REASON_GOOD, !fired);
	return fired;
}

/* Long enough for buffers that have to grow. */
static void a_message_is_unwrapped_as_a_whole_or_not_at_all(void **state)
{
	struct path path = {.bed = *state, .upload = buf_init(LIMIT_SIGNATURE)};

	buf_add_c(&path.upload, "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n");
	for (int i = 0; i < 3000; i++)
		buf_add_c(&path.upload, "some text\n");
	buf_add_c(&path.upload, "-----BEGIN PGP SIGNATURE-----\n\nwgA=\n-----END PGP SIGNATURE-----\n");
	alloc_each(unwrap_once, &path);
	path.onwards = true;
	alloc_each(unwrap_once, &path);
	buf_release(&path.upload);
}

/* A signature of "ed" when another key is known. */
static void a_signature_by_an_unknown_key(void **state)
{
	struct bed *bed = *state;
	cleanup(buf) struct buf key = fixture_key(STR("stranger"));
	const struct str text = buf_str(&key);
	struct err e = ERR_INIT;

	openpgp_free(bed->keys);
	bed->keys = openpgp_new(bed->home, &e);
	assert_non_null(bed->keys);
	assert_true(openpgp_import(bed->keys, &text, 1, &e));
	at_every_point(state, "clear-url.asc", false);
}

#define OF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(a_good_signature),
		OF(an_upload_that_is_no_signature),
		OF(an_upload_that_could_not_be_read_is_not_called_malformed),
		OF(a_message_is_unwrapped_as_a_whole_or_not_at_all),
		OF(a_signature_by_an_unknown_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
