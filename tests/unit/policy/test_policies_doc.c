#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "policy/manifest.h"

#define DOCUMENT "docs/POLICIES.md"

CLEANUP_POINTER(reader, struct manifest_reader, manifest_reader_free)
CLEANUP_POINTER(policies, struct policy_set, policy_set_free)

static size_t find(struct str text, const char *part)
{
	const char *at = memmem(text.ptr, text.len, part, strlen(part));

	return at ? (size_t)(at - text.ptr) : text.len;
}

/* The next fenced block that is marked yaml; `rest` moves behind it. */
static bool next_example(struct str *rest, struct str *example)
{
	static const char fence[] = "\n```yaml\n";
	struct str from = str_skip(*rest, find(*rest, fence));

	if (from.len == 0)
		return false;
	from = str_skip(from, sizeof(fence) - 1);
	*example = str_head(from, find(from, "```"));
	*rest = str_skip(from, example->len);
	return true;
}

static void every_example_of_the_reference_loads(void **state)
{
	cleanup(buf) struct buf text = buf_init(1u << 20);
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(policies) struct policy_set *set = NULL;
	struct str rest, example;
	struct err e = ERR_INIT;
	size_t count = 0;

	(void)state;
	assert_true(file_read(DOCUMENT, &text, &e));
	for (rest = buf_str(&text); next_example(&rest, &example); count++)
		if (!manifest_reader_add(reader, STR(DOCUMENT), example, &e))
			fail_msg("example %zu: %s", count + 1, e.text);
	assert_int_equal(count, 6);
	if (!manifest_reader_finish(reader, &set, &e))
		fail_msg("%s", e.text);
	assert_int_equal(set->attestor_count, 4);
	assert_int_equal(set->policy_count, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_of_the_reference_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
