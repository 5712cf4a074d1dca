/* Whatever loads as policies can't be satisfied by nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "policy/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

CLEANUP_POINTER(reader, struct manifest_reader, manifest_reader_free)
CLEANUP_POINTER(policies, struct policy_set, policy_set_free)

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_attestor(const struct attestor *a)
{
	must(a->name.len && a->key_count && str_starts_with(a->note, STR("projects/")) && a->origin.len);
	for (size_t i = 0; i < a->key_count; i++)
		must(str_trim(a->keys[i].openpgp).len && a->keys[i].origin.len);
}

static void check_rule(const struct policy_set *set, const struct attestation_rule *rule)
{
	must(rule->count >= 1 && rule->count <= rule->attestor_count && rule->origin.len);
	for (size_t i = 0; i < rule->attestor_count; i++) {
		must(rule->attestors[i] >= set->attestors && rule->attestors[i] < set->attestors + set->attestor_count);
		for (size_t j = 0; j < i; j++)
			must(rule->attestors[i] != rule->attestors[j]);
	}
}

static void check_policy(const struct policy_set *set, const struct image_policy *p)
{
	must(p->name.len && p->origin.len && (p->require_digest || p->rule_count));
	must(!p->namespace_.len || !p->match.namespace_count);
	for (size_t i = 0; i < p->match.image_count; i++)
		must(p->match.images[i].path.len && p->match.images[i].host.len);
	for (size_t i = 0; i < p->exempt_image_count; i++)
		must(p->exempt_images[i].path.len && p->exempt_images[i].host.len);
	for (size_t i = 0; i < p->rule_count; i++)
		check_rule(set, &p->rules[i]);
}

static void check_set(const struct policy_set *set)
{
	for (size_t i = 0; i < set->attestor_count; i++)
		check_attestor(&set->attestors[i]);
	for (size_t i = 0; i < set->policy_count; i++)
		check_policy(set, &set->policies[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(policies) struct policy_set *set = NULL;
	struct str text = {(const char *)data, size};
	struct err e = ERR_INIT;

	if (!reader)
		return 0;
	if (manifest_reader_add(reader, STR("f"), text, &e) && manifest_reader_finish(reader, &set, &e)) {
		check_set(set);
		must(set->policy_count + set->attestor_count == manifest_reader_objects(reader));
	} else {
		must(!set && e.kind != ERR_NONE && str_starts_with(str_of(e.text), STR("f: document ")));
	}
	return 0;
}
