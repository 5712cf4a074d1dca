#include "cli/judge.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { VERDICTS = 100000, WARNING_MAX = 4096 };

/* How many signatures of one note had to be verified. */
struct note_load {
	struct str note;
	size_t verified;
};

struct note_loads {
	struct note_load *items;
	size_t count;
};

static enum default_action action_of(const char *name)
{
	if (str_eq_c(str_of(name), "allow"))
		return DEFAULT_ALLOW;
	return str_eq_c(str_of(name), "warn") ? DEFAULT_WARN : DEFAULT_DENY;
}

static void tell_warnings(const char *verb, const struct trust *trust)
{
	for (size_t i = 0; i < trust->warning_count; i++) {
		cleanup(buf) struct buf text = buf_init(WARNING_MAX);

		terminal_add(&text, str_of(trust->warnings[i].text));
		fprintf(stderr, "sealgate %s: warning: %.*s\n", verb, STR_ARG(buf_str(&text)));
	}
}

/* Objects of a cluster that are not in force as they stand there. */
static void tell_outcomes(const char *verb, const struct trust *trust)
{
	for (size_t i = 0; trust->objects && i < trust->objects->object_count; i++) {
		const struct trust_object *object = &trust->objects->objects[i];
		cleanup(buf) struct buf text = buf_init(WARNING_MAX);

		if (trust->outcomes[i].state == TRUST_IN_FORCE)
			continue;
		terminal_add(&text, object->name);
		buf_add_c(&text, ": ");
		terminal_add(&text, str_of(trust->outcomes[i].message));
		fprintf(stderr, "sealgate %s: warning: %s %.*s\n", verb, trust_object_kind_name(object->kind),
			STR_ARG(buf_str(&text)));
	}
}

bool judge_start(struct judge *judge, const struct judge_options *options, struct err *e)
{
	struct sandbox_offer offer;

	if (!workspace_make(&judge->workspace, e))
		return false;
	sandbox_offer_ask(&offer);
	judge->workers = worker_pool_start_confined(1, judge->workspace.path, &offer, e);
	if (!judge->workers)
		return false;
	judge->verdicts = verdict_cache_new(VERDICTS);
	if (!judge->verdicts)
		return err_no_memory(e);
	judge->default_action = action_of(options->default_action);
	judge->now = clock_now().seconds;
	return true;
}

bool judge_load(struct judge *judge, const char *verb, const struct trust_sources *sources, struct err *e)
{
	if (!trust_load(sources, judge->workers, NULL, &judge->trust, e))
		return false;
	tell_warnings(verb, judge->trust);
	tell_outcomes(verb, judge->trust);
	return true;
}

bool judge_open(struct judge *judge, const char *verb, const struct judge_options *options, bool labels, struct err *e)
{
	struct trust_sources sources = {
		.policy_dirs = options->policy_dirs, .pubkeys = options->pubkeys, .namespace_labels = labels};

	if (options->policy_dirs.count == 0 && !options->pubkeys)
		return err_set(e, ERR_INVALID, "--policy-dir or --pubkeys is needed: what counts is your decision");
	return judge_start(judge, options, e) && judge_load(judge, verb, &sources, e);
}

void judge_release(struct judge *judge)
{
	verdict_cache_free(judge->verdicts);
	if (judge->trust)
		trust_unref(judge->trust);
	worker_pool_stop(judge->workers);
	workspace_remove(&judge->workspace);
	*judge = (struct judge){0};
}

void judge_decide(struct judge *judge, const struct facts *facts, const struct subject *subject,
		  const struct image_uses *uses, struct arena *arena, struct decision *out)
{
	struct evaluation how = {
		.policies = judge->trust->policies,
		.default_action = judge->default_action,
		.facts = facts,
		.now = judge->now,
	};

	evaluate(&how, subject, uses, arena, out);
}

struct str judge_word(const struct decision *decision, const struct judgement *row)
{
	static const char *const words[] = {
		[ENFORCE_DENY] = "refused", [ENFORCE_WARN] = "warned", [ENFORCE_AUDIT] = "noted"};

	if (row->holds)
		return row->exempt ? STR("exempt") : STR("admitted");
	for (size_t i = 0; i < decision->finding_count; i++) {
		const struct finding *finding = &decision->findings[i];
		struct str policy = finding->policy.len ? finding->policy : STR("default");

		if (str_eq(finding->path, row->path) && finding->enforcement <= ENFORCE_AUDIT &&
		    (str_eq(policy, row->policy) || row->policy.len == 0))
			return str_of(words[finding->enforcement]);
	}
	return STR("refused");
}

json_t *judge_json(const struct decision *decision)
{
	json_t *list = json_array();

	for (size_t i = 0; i < decision->judgement_count; i++) {
		const struct judgement *row = &decision->judgements[i];
		json_t *item = json_object();

		(void)json_object_set_new(item, "image", json_from_str(row->image));
		(void)json_object_set_new(item, "place", json_from_str(row->path));
		(void)json_object_set_new(item, "policy", json_from_str(row->policy));
		(void)json_object_set_new(item, "verdict", json_from_str(judge_word(decision, row)));
		(void)json_object_set_new(item, "reason", json_from_str(row->reason));
		(void)json_array_append_new(list, item);
	}
	return list;
}

static int newer_first(const void *a, const void *b)
{
	const struct kept_attestation *x = a;
	const struct kept_attestation *y = b;

	if (x->created_us != y->created_us)
		return x->created_us < y->created_us ? 1 : -1;
	return str_compare(x->name, y->name);
}

static struct note_load *load_of(struct note_loads *loads, struct str note)
{
	for (size_t i = 0; i < loads->count; i++)
		if (str_eq(loads->items[i].note, note))
			return &loads->items[i];
	loads->items[loads->count].note = note;
	return &loads->items[loads->count++];
}

/* False when the verdict is not known and the note's share of verifications is used up. */
static bool verdict_of(struct judge *judge, const struct kept_attestation *kept, struct note_load *load,
		       struct signature_facts *out)
{
	struct key_set *keys = judge->trust->keys;
	struct sha256 key;
	bool hashed = verdict_cache_key(kept->signature, kept->payload, &key);

	if (hashed && verdict_cache_get(judge->verdicts, &key, keys, out))
		return true;
	if (load->verified >= LIMIT_UNVERIFIED)
		return false;
	load->verified++;
	worker_verify(judge->workers, keys, kept->signature, kept->payload, judge->now,
		      clock_monotonic_ms() + LIMIT_VERIFY_MS, out);
	if (hashed)
		verdict_cache_put(judge->verdicts, &key, keys, out);
	return true;
}

static bool key_expires_first(const struct signature_facts *facts)
{
	return facts->key_expires_at != 0 &&
	       (facts->signature_expires_at == 0 || facts->key_expires_at <= facts->signature_expires_at);
}

/* Starts from rejected; accepted only when the signed payload names the digest that was asked for. */
static bool fact_of(const struct kept_attestation *kept, const struct signature_facts *facts, struct str digest,
		    struct arena *arena, struct attestation_fact *out)
{
	bool key_first = key_expires_first(facts);
	struct attestation_fact fact = {
		.name = arena_copy(arena, kept->name),
		.note = arena_copy(arena, kept->note),
		.verdict = VERDICT_REJECTED,
		.reason = facts->reason,
		.signer = arena_copy(arena, str_of(facts->signer)),
		.digest = arena_copy(arena, str_of(facts->digest)),
		.repository = arena_copy(arena, str_of(facts->repository)),
		.signed_at = facts->signed_at,
		.expires_at = key_first ? facts->key_expires_at : facts->signature_expires_at,
		.key_expires_first = key_first,
	};

	if (!fact.name.ptr || !fact.note.ptr || !fact.signer.ptr || !fact.digest.ptr || !fact.repository.ptr)
		return false;
	if (facts->verdict == VERDICT_ACCEPTED && str_eq(fact.digest, digest))
		fact.verdict = VERDICT_ACCEPTED;
	else if (facts->verdict == VERDICT_ACCEPTED)
		fact.reason = REASON_OTHER_DIGEST;
	*out = fact;
	return true;
}

bool judge_facts(struct judge *judge, struct kept_attestation *kept, size_t count, struct str digest,
		 struct arena *arena, struct facts_answer *out, struct err *e)
{
	struct facts_answer answer = {.items = arena_array(arena, count + 1, sizeof(*answer.items))};
	struct note_loads loads = {.items = arena_array(arena, count + 1, sizeof(*loads.items))};

	if (!answer.items || !loads.items)
		return err_no_memory(e);
	if (count)
		qsort(kept, count, sizeof(*kept), newer_first);
	for (size_t i = 0; i < count; i++) {
		struct signature_facts facts = {.verdict = VERDICT_REJECTED};

		if (!verdict_of(judge, &kept[i], load_of(&loads, kept[i].note), &facts))
			answer.unverified++;
		else if (!fact_of(&kept[i], &facts, digest, arena, &answer.items[answer.count++]))
			return err_no_memory(e);
	}
	*out = answer;
	return true;
}
