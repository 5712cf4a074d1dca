#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "server/review.h"
#include "tests/unit/scratch.h"

#define IMAGE "gcr.io/exampleapp/web"

CLEANUP_POINTER(holder, struct trust_holder, trust_holder_close)

static char dir[SCRATCH_SIZE];
static const char *dirs[] = {dir};

static int set_up(void **state)
{
	(void)state;
	return scratch_make(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return scratch_remove(dir) ? 0 : -1;
}

/* What is asked of whoever knows the labels, and what they are. */
struct known {
	const struct labels *labels; /* NULL: not known in time */
	unsigned asked;
	int64_t left_ms;
};

static bool find(void *context, struct str namespace_, int64_t deadline_ms, struct arena *arena, struct labels *out)
{
	struct known *known = context;

	(void)arena;
	assert_true(str_eq_c(namespace_, "prod"));
	known->asked++;
	known->left_ms = deadline_ms - clock_monotonic_ms();
	if (known->labels)
		*out = *known->labels;
	return known->labels != NULL;
}

static struct trust_holder *open_holder(const char *match)
{
	struct trust_sources sources = {.policy_dirs = {.items = dirs, .count = 1, .given = true},
					.own_namespace = "sealgate",
					.namespace_labels = true};
	struct trust_holder *holder;
	struct err e = ERR_INIT;
	char path[128], text[512];

	(void)snprintf(path, sizeof(path), "%s/p.yaml", dir);
	(void)snprintf(text, sizeof(text),
		       "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
		       "spec: {match: {%s}, require: {digest: true}}\n",
		       match);
	assert_true(file_write(path, str_of(text), 0600, NULL));
	holder = trust_holder_open(&sources, NULL, &e);
	if (!holder)
		fail_msg("%s", e.text);
	return holder;
}

#define SELECTOR "namespaceSelector: {matchLabels: {stage: prod}}"

/* The image has no digest, so that it is admitted only when the policy does not select it. */
static bool admits(const char *match, const struct namespace_labels *labels, int64_t timeout_ms, struct decision *out,
		   struct arena *arena)
{
	cleanup(holder) struct trust_holder *holder = open_holder(match);
	struct review_service service = {.trust = holder, .labels = labels, .default_action = DEFAULT_ALLOW};
	struct subject subject = {.namespace_ = STR("prod"), .kind = STR("Pod")};
	struct image_use use = {.path = STR("spec.containers[0].image"), .text = STR(IMAGE)};
	struct image_uses uses = {.items = &use, .count = 1};

	review_decide(&service, &subject, &uses, clock_monotonic_ms() + timeout_ms, arena, out);
	return out->allowed;
}

static void labels_decide_what_a_selector_selects(void **state)
{
	static const struct label prod = {{"stage", 5}, {"prod", 4}}, test = {{"stage", 5}, {"test", 4}};
	static const struct labels selected = {&prod, 1}, other = {&test, 1};
	cleanup(arena) struct arena arena = arena_init(LIMIT_REVIEW_MEMORY);
	struct known known = {.labels = &other};
	struct namespace_labels labels = {&known, find};
	struct decision decision;

	(void)state;
	assert_true(admits(SELECTOR, &labels, 30000, &decision, &arena));
	assert_in_range(known.left_ms, 1, LIMIT_LABELS_MS);
	assert_true(admits(SELECTOR, &labels, 300, &decision, &arena));
	assert_true(known.left_ms <= 300);
	known.labels = &selected;
	assert_false(admits(SELECTOR, &labels, 30000, &decision, &arena));
	assert_int_equal(decision.findings[0].class, FINDING_NO_DIGEST);
	assert_int_equal(known.asked, 3);
}

static void labels_that_nobody_knows_refuse(void **state)
{
	cleanup(arena) struct arena arena = arena_init(LIMIT_REVIEW_MEMORY);
	struct known known = {0};
	struct namespace_labels labels = {&known, find};
	struct decision decision;

	(void)state;
	assert_false(admits(SELECTOR, &labels, 30000, &decision, &arena));
	assert_int_equal(decision.findings[0].class, FINDING_BAD_POLICY);
	assert_int_equal(known.asked, 1);
	assert_false(admits(SELECTOR, NULL, 30000, &decision, &arena));
	assert_int_equal(decision.findings[0].class, FINDING_BAD_POLICY);
}

static void nobody_is_asked_for_labels_that_no_policy_needs(void **state)
{
	cleanup(arena) struct arena arena = arena_init(LIMIT_REVIEW_MEMORY);
	struct known known = {0};
	struct namespace_labels labels = {&known, find};
	struct decision decision;

	(void)state;
	assert_true(admits("namespaces: [other]", &labels, 30000, &decision, &arena));
	assert_int_equal(known.asked, 0);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(labels_decide_what_a_selector_selects),
		IN_DIR(labels_that_nobody_knows_refuse),
		IN_DIR(nobody_is_asked_for_labels_that_no_policy_needs),
	};

	return cmocka_run_group_tests_name("server/review_decide", tests, NULL, NULL);
}
