/* API requests during which memory runs out, at every point, in the handler or in the thread that writes: what is
 * acknowledged is there, what is not changed nothing else, and the next request is right. */
#include "tests/fault/inside.h"

#include "tests/fault/alloc.h"

#define P "/v1alpha1/projects/image-signing"
#define OCCURRENCE                                                                                        \
	"{\"name\":\"projects/image-signing/occurrences/one\",\"resourceUrl\":\"https://" SIGNED_IMAGE    \
	"\",\"noteName\":\"" QA_NOTE                                                                      \
	"\",\"kind\":\"ATTESTATION_AUTHORITY\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":" \
	"\"-----BEGIN PGP MESSAGE-----\\n\\nYQ==\\n-----END PGP MESSAGE-----\\n\",\"contentType\":"       \
	"\"application/vnd.gcr.image.url.v1\",\"pgpKeyId\":\"0CD9D96F\"}}}"
#define NOTE(text)                                                                                         \
	"{\"name\":\"projects/image-signing/notes/two\",\"shortDescription\":\"" text                      \
	"\",\"kind\":\"ATTESTATION_AUTHORITY\",\"attestationAuthority\":{\"hint\":{\"humanReadableName\":" \
	"\"two\"}}}"

struct step {
	const char *method;
	const char *target;
	const char *body;
};

/* What is done with a fault, and around it. */
struct path {
	struct inside *in;
	struct step before; /* method NULL: nothing */
	struct step work;
	int done;	  /* status of `work` without a fault */
	int done_again;	  /* the same, when it has been done: what was not acknowledged may have been stored */
	const char *look; /* a GET whose answer has `text` when the work is in force; NULL: nothing to see */
	const char *text;
	bool gone; /* the other way round */
	struct step after;
	int scope;
	bool onwards;
};

static int call(const struct path *path, const struct step *step, struct inside_fault fault, bool *fired)
{
	struct inside_answer answer;
	bool hit = inside_call(grafeas_handle, &path->in->grafeas, step->method, step->target,
			       step->body ? step->body : "", fault, &answer);
	int status = answer.status;

	if (status >= 400 && status < 500 && hit)
		print_message("n = %u: %d %s\n", fault.n, status,
			      json_string_value(json_object_get(answer.json, "message")));
	if (status == 200 && !answer.json)
		fail_msg("%s %s: 200 with a body that is not JSON", step->method, step->target);
	if (fired)
		*fired = hit;
	inside_answer_release(&answer);
	return status;
}

static int plainly(const struct path *path, const struct step *step)
{
	return call(path, step, (struct inside_fault){0}, NULL);
}

static bool in_force(const struct path *path)
{
	struct inside_answer answer;
	char *text;
	bool there;

	inside_call(grafeas_handle, &path->in->grafeas, "GET", path->look, "", (struct inside_fault){0}, &answer);
	assert_true(answer.status == 200 || answer.status == 404);
	text = json_dumps(answer.json, 0);
	there = answer.status == 200 && strstr(text, path->text);
	free(text);
	inside_answer_release(&answer);
	return there != path->gone;
}

static bool request(void *context, unsigned n)
{
	const struct path *path = context;
	struct inside_fault fault = {n, path->scope, path->onwards};
	bool fired = false, there = true;
	int status;

	if (path->before.method)
		assert_int_equal(plainly(path, &path->before), 200);
	status = call(path, &path->work, fault, &fired);
	if (path->look)
		there = in_force(path);
	if (status == path->done)
		assert_true(there);
	else if (!fired || status < 500)
		fail_msg("%s %s with n = %u: %d", path->work.method, path->work.target, n, status);
	else
		assert_int_equal(plainly(path, &path->work), there ? path->done_again : path->done);
	if (path->look)
		assert_true(in_force(path));
	if (path->after.method)
		assert_int_equal(plainly(path, &path->after), 200);
	return fired;
}

static void at_every_point(struct path path)
{
	if (path.before.method) {
		assert_int_equal(plainly(&path, &path.before), 200);
		assert_int_equal(plainly(&path, &path.work), path.done);
		if (path.after.method)
			assert_int_equal(plainly(&path, &path.after), 200);
	}
	for (int round = 0; round < 4; round++) {
		path.scope = round & 1 ? ALLOC_OTHERS : ALLOC_THREAD;
		path.onwards = round & 2;
		alloc_each(request, &path);
	}
}

#define POST_NOTE                                            \
	{                                                    \
		"POST", P "/notes?noteId=two", NOTE("first") \
	}
#define DELETE_NOTE                            \
	{                                      \
		"DELETE", P "/notes/two", NULL \
	}

static void a_note_that_is_made(void **state)
{
	at_every_point((struct path){.in = *state,
				     .work = POST_NOTE,
				     .done = 200,
				     .done_again = 400,
				     .look = P "/notes/two",
				     .text = "first",
				     .after = DELETE_NOTE});
}

static void a_note_that_is_changed(void **state)
{
	at_every_point((struct path){.in = *state,
				     .before = POST_NOTE,
				     .work = {"PATCH", P "/notes/two?updateMask=shortDescription", NOTE("second")},
				     .done = 200,
				     .done_again = 200,
				     .look = P "/notes/two",
				     .text = "second",
				     .after = DELETE_NOTE});
}

static void a_note_that_is_removed(void **state)
{
	at_every_point((struct path){.in = *state,
				     .before = POST_NOTE,
				     .work = DELETE_NOTE,
				     .done = 200,
				     .done_again = 404,
				     .look = P "/notes/two",
				     .text = "first",
				     .gone = true});
}

/* The project goes with all that is in it, so that each upload is the only one. */
static void an_attestation_that_is_uploaded(void **state)
{
	at_every_point((struct path){.in = *state,
				     .before = {"POST", "/v1alpha1/projects", "{\"name\":\"projects/uploads\"}"},
				     .work = {"POST", "/v1alpha1/projects/uploads/occurrences", OCCURRENCE},
				     .done = 200,
				     .done_again = 200,
				     .look = "/v1alpha1/projects/uploads/occurrences",
				     .text = "0CD9D96F",
				     .after = {"DELETE", "/v1alpha1/projects/uploads", NULL}});
}

static void what_is_read(void **state)
{
	static const char *const targets[] = {P "/notes/qa",
					      P "/notes",
					      P "/notes?filter=kind%3DATTESTATION_AUTHORITY",
					      P "/occurrences",
					      P "/notes/qa/occurrences",
					      "/v1alpha1/projects",
					      P "/operations"};

	inside_attest(*state, SIGNED_DIGEST, "clear-url.asc");
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct path path = {.in = *state, .work = {"GET", targets[i], NULL}, .done = 200, .done_again = 200};

		path.done = path.done_again = plainly(&path, &path.work);
		assert_true(path.done == 200 || path.done == 400);
		at_every_point(path);
	}
}

#define OF(test) cmocka_unit_test_setup_teardown(test, inside_setup, inside_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(a_note_that_is_made),    OF(a_note_that_is_changed),
		OF(a_note_that_is_removed), OF(an_attestation_that_is_uploaded),
		OF(what_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
