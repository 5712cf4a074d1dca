/* A policy that does not fit into memory is not in force; half of one never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "policy/manifest.h"
#include "policy/manifest_draft.h"

#define MEMORY_MAX (64u * 1024)

CLEANUP_POINTER(reader, struct manifest_reader, manifest_reader_free)
CLEANUP_POINTER(policies, struct policy_set, policy_set_free)

/* So many that what is read behind them needs less. */
#define FOUR "gcr.io/a/*, gcr.io/b/*, gcr.io/c/*, gcr.io/d/*"
#define MANY FOUR ", " FOUR ", " FOUR ", " FOUR ", " FOUR ", " FOUR ", " FOUR ", " FOUR

static const char all[] =
	"apiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata: {name: qa}\n"
	"spec: {note: projects/p/notes/qa, publicKeys: [{openpgp: '1 -----BEGIN PGP PUBLIC KEY BLOCK-----'}]}\n"
	"---\n"
	"apiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata: {name: qb}\n"
	"spec: {note: projects/p/notes/qb, publicKeys: [{openpgp: '2 -----BEGIN PGP PUBLIC KEY BLOCK-----'}]}\n"
	"---\n"
	"apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: a}\n"
	"spec:\n"
	"  match: {namespaces: [n1, n2], images: [" MANY "], kinds: [Pod], serviceAccounts: ['n:s']}\n"
	"  exempt: {images: [gcr.io/c/*]}\n"
	"  require: {attestations: [{attestors: [qa, qb], count: 2}, {attestors: [qa]}]}\n";

/* All that makes a policy select less or demand more. */
struct shape {
	size_t attestors, keys, policies, rules, of_rule, count, namespaces, images, kinds, accounts, exempt;
};

static struct shape shape_of(const struct policy_set *set)
{
	const struct image_policy *p = &set->policies[0];

	return (struct shape){set->attestor_count,	  set->attestors[0].key_count + set->attestors[1].key_count,
			      set->policy_count,	  p->rule_count,
			      p->rules[0].attestor_count, p->rules[0].count,
			      p->match.namespace_count,	  p->match.image_count,
			      p->match.kind_count,	  p->match.service_account_count,
			      p->exempt_image_count};
}

/* NULL when it does not fit into so much memory. */
static struct policy_set *read_in(size_t memory, struct err *e)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	struct policy_set *set = NULL;

	assert_non_null(reader);
	arena_release(&reader->set->arena);
	reader->set->arena = arena_init(memory);
	if (!manifest_reader_add(reader, STR("f"), str_of(all), e) || !manifest_reader_finish(reader, &set, e))
		return NULL;
	return set;
}

static void half_a_policy_is_never_read(void **state)
{
	struct err e = ERR_INIT;
	cleanup(policies) struct policy_set *whole = read_in(MEMORY_MAX, &e);
	struct shape wanted;
	size_t refused = 0;

	(void)state;
	if (!whole)
		fail_msg("%d %s", e.kind, e.text);
	wanted = shape_of(whole);
	assert_int_equal(wanted.images + wanted.namespaces + wanted.of_rule, 36);
	for (size_t memory = 0; memory < MEMORY_MAX; memory += 8) {
		struct err why = ERR_INIT;
		cleanup(policies) struct policy_set *set = read_in(memory, &why);
		struct shape found;

		if (!set) {
			assert_int_not_equal(why.kind, ERR_NONE);
			refused++;
			continue;
		}
		found = shape_of(set);
		assert_memory_equal(&found, &wanted, sizeof(wanted));
	}
	assert_true(refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_a_policy_is_never_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
