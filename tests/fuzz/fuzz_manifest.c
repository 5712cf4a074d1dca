/* Whatever loads as policies can't be satisfied by nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "policy/manifest_objects.h"

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
		must((a->keys[i].from.name.len > 0) == (a->keys[i].openpgp.len == 0) && a->keys[i].origin.len);
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
	must(!p->namespace_.len || !p->match.label_count);
	must(set->needs_labels || !p->match.label_count);
	for (size_t i = 0; i < p->match.label_count; i++)
		must(p->match.labels[i].key.len &&
		     label_operator_has_values(p->match.labels[i].operator) == (p->match.labels[i].value_count > 0));
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

/* Each kind of object that the text might be; whatever it is, all of them can be finished together. */
static void read_objects(struct str text)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(policies) struct policy_set *set = NULL;
	struct manifest_object attestor = {"Attestor", STR(""), STR("qa"), text};
	struct manifest_object policy = {"ImagePolicy", STR("prod"), STR("p"), text};
	struct attestor *read_attestor = NULL;
	struct image_policy *read_policy = NULL;
	struct policy_set *files;
	struct err e = ERR_INIT, absent = ERR_INIT;

	must(reader && manifest_reader_end_files(reader, &files, &e));
	if (manifest_read_attestor_object(reader, &attestor, &read_attestor, &e)) {
		must(str_eq_c(read_attestor->name, "qa") && manifest_reader_add_attestor(reader, read_attestor, &e));
		check_attestor(read_attestor);
	} else {
		must(!read_attestor && manifest_reader_add_unreadable(reader, &attestor, str_of(e.text), &e));
	}
	must(manifest_reader_end_attestors(reader, &e));
	if (manifest_read_policy_object(reader, &policy, &read_policy, &absent, &e))
		must(str_eq_c(read_policy->name, "p") && str_eq_c(read_policy->namespace_, "prod") &&
		     !read_policy->unreadable.len && manifest_reader_add_policy(reader, read_policy, &e));
	else
		must(!read_policy && manifest_reader_add_unreadable(reader, &policy, str_of(e.text), &e));
	must(manifest_reader_finish(reader, &set, &e) && set->attestor_count == 1 && set->policy_count == 1);
	must(set->policies[0].unreadable.len || set->policies[0].require_digest || set->policies[0].rule_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(policies) struct policy_set *set = NULL;
	struct str text = {(const char *)data, size};
	struct err e = ERR_INIT;

	if (!reader)
		return 0;
	read_objects(text);
	if (manifest_reader_add(reader, STR("f"), text, &e) && manifest_reader_finish(reader, &set, &e)) {
		check_set(set);
		must(set->policy_count + set->attestor_count == manifest_reader_objects(reader));
	} else {
		must(!set && e.kind != ERR_NONE && str_starts_with(str_of(e.text), STR("f: document ")));
	}
	return 0;
}
