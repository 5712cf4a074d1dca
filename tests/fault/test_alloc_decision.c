/* Reviews during which memory runs out, at every point: never a crash, never an admission that wasn't due, always an
 * answer that can be read, and the next review is right. */
#include "tests/fault/inside.h"

#include "base/limits.h"
#include "server/webhook.h"
#include "tests/fault/alloc.h"

#define UNKNOWN_IMAGE \
	"gcr.io/hightowerlabs/payment@sha256:00000000000000000000000000000000000000000000000000000000000000bb"
#define STRANGE_DIGEST "sha256:00000000000000000000000000000000000000000000000000000000000000cc"
#define STRANGE_IMAGE "gcr.io/hightowerlabs/payment@" STRANGE_DIGEST
#define MANY 100

/* One review, and what is due. */
struct path {
	struct inside *in;
	const char *target;
	char *body;
	bool due;
	bool cold;    /* no verdict is known */
	bool onwards; /* all later allocations fail, too */
	int scope;
	enum { MEMORY_NONE, MEMORY_WARM, MEMORY_EMPTY } memory; /* whether answers are kept, and one is there */
};

static bool is_image_review(const struct path *path)
{
	return strcmp(path->target, "/image-review") == 0;
}

static const json_t *response_of(const struct path *path, const struct inside_answer *answer)
{
	return json_object_get(answer->json, is_image_review(path) ? "status" : "response");
}

static bool allowed(const struct path *path, const struct inside_answer *answer)
{
	return answer->status == 200 && json_is_true(json_object_get(response_of(path, answer), "allowed"));
}

/* A refusal says why; an answer that is none of both is an error of the server. */
static void assert_answer_is_whole(const struct path *path, const struct inside_answer *answer)
{
	const json_t *response = response_of(path, answer);
	const json_t *words = is_image_review(path) ? json_object_get(response, "reason")
						    : json_object_get(json_object_get(response, "status"), "message");

	if (answer->status != 200) {
		assert_true(answer->status >= 500);
		return;
	}
	assert_true(json_is_boolean(json_object_get(response, "allowed")));
	assert_true(json_is_true(json_object_get(response, "allowed")) || json_string_length(words) > 0);
}

static void assert_next_is_right(const struct path *path)
{
	struct inside_answer answer;

	inside_call(webhook_handle, &path->in->review, "POST", path->target, path->body, (struct inside_fault){0},
		    &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(allowed(path, &answer), path->due);
	assert_answer_is_whole(path, &answer);
	inside_answer_release(&answer);
}

static void forget_answers(struct inside *in)
{
	facts_cache_free(in->review.facts);
	in->review.facts = NULL;
}

/* From now on answers are kept in memory; none is there yet. */
static void remember(struct inside *in)
{
	forget_answers(in);
	in->review.facts = facts_cache_new(LIMIT_FACTS_BYTES);
	assert_non_null(in->review.facts);
}

static bool review(void *context, unsigned n)
{
	const struct path *path = context;
	struct inside_answer answer;
	struct inside_fault fault = {n, path->scope, path->onwards};
	bool fired;

	if (path->cold)
		inside_forget(path->in);
	if (path->memory == MEMORY_EMPTY)
		remember(path->in);
	fired = inside_call(webhook_handle, &path->in->review, "POST", path->target, path->body, fault, &answer);
	if (allowed(path, &answer) && !path->due)
		fail_msg("admitted with n = %u", n);
	assert_answer_is_whole(path, &answer);
	if (!fired)
		assert_int_equal(allowed(path, &answer), path->due);
	inside_answer_release(&answer);
	assert_next_is_right(path);
	return fired;
}

/* Every point once with one failure, once with all that follow. */
static void at_every_point(struct path path)
{
	if (path.memory)
		remember(path.in);
	assert_next_is_right(&path);
	alloc_each(review, &path);
	path.onwards = true;
	alloc_each(review, &path);
	forget_answers(path.in);
	free(path.body);
}

static char *printed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *printed(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	assert_true(vasprintf(&text, format, args) > 0);
	va_end(args);
	return text;
}

static char *admission(const char *operation, const char *namespace_, const char *object, const char *old)
{
	return printed(
		"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"u1\","
		"\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"
		"\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"
		"\"name\":\"payment\",\"namespace\":\"%s\",\"operation\":\"%s\","
		"\"userInfo\":{\"username\":\"al\\u0069ce\",\"groups\":[\"system:authenticated\"]},"
		"\"object\":%s,\"oldObject\":%s,\"dryRun\":false,\"options\":null}}",
		namespace_, operation, object, old);
}

static char *pod(const char *image)
{
	return printed("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{"
		       "\"serviceAccountName\":\"def\\u0061ult\",\"containers\":[{\"name\":\"a\",\"image\":\"%s\"}]}}",
		       image);
}

static char *create(const char *namespace_, const char *image)
{
	char *object = pod(image);
	char *body = admission("CREATE", namespace_, object, "null");

	free(object);
	return body;
}

static char *update(const char *image, const char *before)
{
	char *object = pod(image), *old = pod(before);
	char *body = admission("UPDATE", "default", object, old);

	free(object);
	free(old);
	return body;
}

/* A pod of MANY containers; the last one has `last`. */
static char *create_many(const char *all, const char *last)
{
	cleanup(buf) struct buf object = buf_init(1u << 20);

	buf_add_c(&object, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{},\"spec\":{\"containers\":[");
	for (int i = 0; i < MANY; i++)
		buf_printf(&object, "%s{\"name\":\"c%d\",\"image\":\"%s\"}", i ? "," : "", i,
			   i == MANY - 1 ? last : all);
	buf_add_c(&object, "]}}");
	return admission("CREATE", "default", object.data, "null");
}

static char *image_review(const char *image)
{
	return printed("{\"apiVersion\":\"imagepolicy.k8s.io/v1alpha1\",\"kind\":\"ImageReview\",\"spec\":{"
		       "\"containers\":[{\"image\":\"%s\"}],\"annotations\":{},\"namespace\":\"default\"}}",
		       image);
}

static int setup(void **state)
{
	inside_setup(state);
	inside_attest(*state, SIGNED_DIGEST, "clear-url.asc");
	inside_attest(*state, STRANGE_DIGEST, "clear-url.asc");
	return 0;
}

static void a_signed_image_whose_verdict_is_known(void **state)
{
	at_every_point((struct path){*state, "/validate", create("default", SIGNED_IMAGE), .due = true});
}

static void a_signed_image_that_is_answered_from_memory(void **state)
{
	struct path path = {*state, "/validate", create("default", SIGNED_IMAGE), .due = true, .memory = MEMORY_WARM};

	at_every_point(path);
}

static void a_signed_image_whose_answer_is_kept(void **state)
{
	struct path path = {*state, "/validate", create("default", SIGNED_IMAGE), .due = true, .memory = MEMORY_EMPTY};

	at_every_point(path);
}

static void the_signature_of_another_answered_from_memory(void **state)
{
	struct path path = {*state, "/validate", create("default", STRANGE_IMAGE), .memory = MEMORY_WARM};

	at_every_point(path);
}

static void a_signed_image_whose_signature_is_verified_first(void **state)
{
	struct path path = {*state, "/validate", create("default", SIGNED_IMAGE), .due = true, .cold = true};

	at_every_point(path);
}

static void a_signed_image_while_the_verifying_threads_have_no_memory(void **state)
{
	struct path path = {*state,	 "/validate",  create("default", SIGNED_IMAGE),
			    .due = true, .cold = true, .scope = ALLOC_OTHERS};

	at_every_point(path);
}

static void an_image_without_attestations(void **state)
{
	at_every_point((struct path){*state, "/validate", create("default", UNKNOWN_IMAGE), .due = false});
}

static void an_image_with_the_signature_of_another(void **state)
{
	at_every_point((struct path){*state, "/validate", create("default", STRANGE_IMAGE), .due = false});
	at_every_point((struct path){*state, "/validate", create("default", STRANGE_IMAGE), .cold = true});
}

static void an_image_with_a_tag_alone(void **state)
{
	at_every_point((struct path){*state, "/validate", create("default", "nginx:1.25"), .due = false});
}

static void an_image_that_is_no_reference(void **state)
{
	at_every_point((struct path){*state, "/validate", create("default", "NOT//valid@sha256:1"), .due = false});
}

static void an_image_review(void **state)
{
	at_every_point((struct path){*state, "/image-review", image_review(SIGNED_IMAGE), .due = true});
	at_every_point((struct path){*state, "/image-review", image_review(UNKNOWN_IMAGE), .due = false});
}

static void an_exempt_namespace(void **state)
{
	at_every_point((struct path){*state, "/validate", create("kube-system", UNKNOWN_IMAGE), .due = true});
}

static void an_update_that_brings_an_image(void **state)
{
	at_every_point((struct path){*state, "/validate", update(UNKNOWN_IMAGE, SIGNED_IMAGE), .due = false});
}

static void an_update_that_brings_none(void **state)
{
	at_every_point((struct path){*state, "/validate", update(UNKNOWN_IMAGE, UNKNOWN_IMAGE), .due = true});
}

static void many_images_of_which_the_last_is_unknown(void **state)
{
	at_every_point((struct path){*state, "/validate", create_many(SIGNED_IMAGE, UNKNOWN_IMAGE), .due = false});
	at_every_point((struct path){*state, "/validate", create_many(SIGNED_IMAGE, SIGNED_IMAGE), .due = true});
}

/* Its policy warns only: what is missing is said beside the admission. */
static void a_policy_that_warns(void **state)
{
	struct inside *in = *state;
	struct err e = ERR_INIT;

	inside_policy(in, "warning", "Warn");
	assert_true(trust_holder_refresh(in->review.trust, true, &e));
	at_every_point((struct path){in, "/validate", create("default", UNKNOWN_IMAGE), .due = true});
}

#define OF(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(a_signed_image_whose_verdict_is_known),
		OF(a_signed_image_that_is_answered_from_memory),
		OF(a_signed_image_whose_answer_is_kept),
		OF(the_signature_of_another_answered_from_memory),
		OF(a_signed_image_whose_signature_is_verified_first),
		OF(a_signed_image_while_the_verifying_threads_have_no_memory),
		OF(an_image_without_attestations),
		OF(an_image_with_the_signature_of_another),
		OF(an_image_with_a_tag_alone),
		OF(an_image_that_is_no_reference),
		OF(an_image_review),
		OF(an_exempt_namespace),
		OF(an_update_that_brings_an_image),
		OF(an_update_that_brings_none),
		OF(many_images_of_which_the_last_is_unknown),
		OF(a_policy_that_warns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
