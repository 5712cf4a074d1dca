/* The whole way of a review, under policies and attestations of the fuzzer's choice: FLAGS POLICIES RS REVIEW RS FACTS
 * (RS is the byte 0x1e). Whatever is admitted, a plain reader of the same bytes admits too: every image is lifted by an
 * exemption that really stands there, or proven for every attestor it needs. With memory and a store that can be read
 * both give the same answer.
 *
 * FACTS has a line for each attestation: "[!]DIGEST NOTE SIGNER REPOSITORY EXPIRES"; one hex digit stands for a sha256
 * digest of 64 of them, "-" for no repository, "!" for a signature that was not accepted. */
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/yaml.h"
#include "policy/key_overlap.h"
#include "policy/manifest.h"
#include "server/log.h"
#include "server/review.h"
#include "tests/fuzz/naive.h"

#define FACTS_MAX 32
#define PART_MAX 6000
#define NOW 1000

CLEANUP_POINTER(reader, struct manifest_reader, manifest_reader_free)
CLEANUP_POINTER(policies, struct policy_set, policy_set_free)

enum {
	FLAG_ACTION = 3,
	FLAG_NO_FACTS = 4,
	FLAG_EVERY_FACT = 8,
	FLAG_SMALL_MEMORY = 16,
	FLAG_STOP_EARLY = 32,
	FLAG_NO_LABELS = 64
};

static struct {
	unsigned flags;
	struct policy_set *policies;
	struct naive_fact facts[FACTS_MAX];
	size_t fact_count;
	struct arena small;
} world;

static const struct {
	const char *name;
	enum default_action action;
} actions[] = {{"deny", DEFAULT_DENY}, {"warn", DEFAULT_WARN}, {"allow", DEFAULT_ALLOW}, {"deny", DEFAULT_DENY}};

/* ---- What the server's own parts would be ---- */

/* A decision's line is built all the same; nothing is written. */
void log_fields(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
	(void)level;
	(void)message;
	for (size_t i = 0; i < count; i++) {
		json_t *value;

		if (fields[i].type != LOG_RAW_JSON)
			continue;
		value = json_loadb(fields[i].text.ptr, fields[i].text.len, JSON_REJECT_DUPLICATES, NULL);
		naive_check(json_is_array(value));
		json_decref(value);
	}
}

void log_setup(const char *format, const char *level)
{
	(void)format;
	(void)level;
}

bool log_enabled(enum log_level level)
{
	return level <= LOG_INFO;
}

static bool is_asked_for(const struct naive_fact *fact, const struct facts_query *query)
{
	if (world.flags & FLAG_EVERY_FACT)
		return true;
	if (!str_eq(fact->digest, query->digest))
		return false;
	for (size_t i = 0; i < query->note_count; i++)
		if (str_eq(fact->note, query->notes[i]))
			return true;
	return query->note_count == 0;
}

static bool attestations(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			 struct err *e)
{
	struct attestation_fact *items = arena_array(arena, FACTS_MAX, sizeof(*items));
	size_t count = 0;

	(void)context;
	if ((world.flags & FLAG_NO_FACTS) || !items)
		return err_set(e, ERR_UNAVAILABLE, "the store can't be read");
	for (size_t i = 0; i < world.fact_count; i++) {
		const struct naive_fact *fact = &world.facts[i];

		if (!is_asked_for(fact, query))
			continue;
		if ((world.flags & FLAG_STOP_EARLY) &&
		    query->enough(query->context, &(struct facts_answer){items, count, 0}))
			break;
		items[count++] = (struct attestation_fact){
			.name = STR("projects/p/occurrences/o"),
			.note = fact->note,
			.verdict = fact->rejected ? VERDICT_REJECTED : VERDICT_ACCEPTED,
			.reason = fact->rejected ? REASON_BAD_SIGNATURE : REASON_GOOD,
			.signer = fact->signer,
			.digest = fact->digest,
			.repository = fact->repository,
			.expires_at = fact->expires_at,
		};
	}
	*out = (struct facts_answer){items, count, 0};
	return true;
}

void review_decide(struct review_service *service, const struct subject *subject, const struct image_uses *uses,
		   int64_t deadline_ms, struct arena *arena, struct decision *out)
{
	const struct facts facts = {NULL, attestations};
	const struct evaluation how = {
		.policies = world.policies, .default_action = service->default_action, .facts = &facts, .now = NOW};

	const struct label labels[] = {{STR("stage"), STR("prod")}, {STR("name"), subject->namespace_}};
	const struct labels known = {labels, 2};
	struct subject labelled = *subject;

	(void)deadline_ms;
	labelled.labels = world.flags & FLAG_NO_LABELS ? NULL : &known;
	evaluate(&how, &labelled, uses, world.flags & FLAG_SMALL_MEMORY ? &world.small : arena, out);
}

/* Policy objects have no second opinion here. */
bool review_policy_object(struct review_service *service, const struct trust_object *object, int64_t deadline_ms,
			  struct arena *arena, struct trust_review *out, struct err *e)
{
	(void)service;
	(void)object;
	(void)deadline_ms;
	(void)arena;
	(void)e;
	*out = (struct trust_review){.usable = true};
	return true;
}

struct str review_attestor_users(struct review_service *service, struct str attestor, size_t max, struct arena *arena)
{
	(void)service;
	(void)attestor;
	(void)max;
	(void)arena;
	return STR("");
}

/* ---- The input ---- */

static struct str cut(struct str *rest, char c)
{
	struct str part = str_head(*rest, str_find(*rest, c));

	*rest = str_skip(*rest, part.len + 1);
	return part;
}

static struct str whole_digest(struct str digest)
{
	static char texts[16][7 + 64];
	const char *digits = "0123456789abcdef", *digit = digest.len == 1 ? strchr(digits, digest.ptr[0]) : NULL;

	if (!digit || !*digit)
		return digest;
	memcpy(texts[digit - digits], "sha256:", 7);
	memset(texts[digit - digits] + 7, *digit, 64);
	return str_make(texts[digit - digits], sizeof(texts[0]));
}

static void read_facts(struct str text)
{
	for (world.fact_count = 0; text.len && world.fact_count < FACTS_MAX; world.fact_count++) {
		struct naive_fact *fact = &world.facts[world.fact_count];
		struct str line = cut(&text, '\n');

		*fact = (struct naive_fact){.rejected = str_starts_with(line, STR("!"))};
		line = str_skip(line, fact->rejected);
		fact->digest = whole_digest(cut(&line, ' '));
		fact->note = cut(&line, ' ');
		fact->signer = cut(&line, ' ');
		fact->repository = cut(&line, ' ');
		if (str_eq_c(fact->repository, "-"))
			fact->repository = STR("");
		for (size_t i = 0; i < line.len && i < 6 && line.ptr[i] >= '0' && line.ptr[i] <= '9'; i++)
			fact->expires_at = fact->expires_at * 10 + (line.ptr[i] - '0');
	}
}

/* Fingerprints, as the loader of keys would give them. */
static bool name_keys(struct policy_set *set)
{
	for (size_t i = 0; i < set->attestor_count; i++)
		for (size_t k = 0; k < set->attestors[i].key_count; k++) {
			struct attestor_key *key = &set->attestors[i].keys[k];
			struct str *name = arena_array(&set->arena, 1, sizeof(*name));
			char text[NAIVE_SIGNER_MAX];
			size_t length = naive_signer(key->openpgp, text);

			if (!name || length == 0)
				return false;
			*name = arena_copy(&set->arena, str_make(text, length));
			key->fingerprints = name;
			key->fingerprint_count = name->ptr != NULL;
		}
	return true;
}

static bool load(struct str text, struct policy_set **out)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	struct err e = ERR_INIT;

	return reader && manifest_reader_add(reader, STR("f"), text, &e) && manifest_reader_finish(reader, out, &e) &&
	       name_keys(*out) && key_overlap_check(*out, &e);
}

/* ---- The comparison ---- */

static const char *answered(const json_t *response)
{
	return json_string_value(json_object_get(json_object_get(response, "auditAnnotations"), "decision"));
}

static bool admits(const char *kind)
{
	return strcmp(kind, "deny") != 0;
}

static void compare(struct str policies, struct str review, const struct http_response *response)
{
	cleanup(json) json_t *documents = NULL;
	cleanup(json) json_t *asked = json_loadb(review.ptr, review.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	cleanup(json) json_t *answer =
		json_loadb(response->body.data, response->body.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *verdict = json_object_get(answer, "response");
	bool allowed = json_is_true(json_object_get(verdict, "allowed"));
	struct naive_world naive = {.facts = world.facts,
				    .fact_count = world.flags & FLAG_NO_FACTS ? 0 : world.fact_count,
				    .default_action = actions[world.flags & FLAG_ACTION].name,
				    .exempt_namespace = "kube-system",
				    .labels_known = !(world.flags & FLAG_NO_LABELS),
				    .now = NOW};
	const char *kind;
	struct err e = ERR_INIT;

	naive_check(answer && (response->status == 200 || !allowed));
	/* What jansson can't hold (U+0000 in a key, numbers past a double) has no second opinion. */
	if (response->status != 200 || !asked || !yaml_read(policies, &documents, &e))
		return;
	naive.documents = documents;
	kind = naive_decide(&naive, asked);
	naive_check(!allowed || admits(kind));
	naive_check(allowed == admits(answered(verdict)));
	if (!(world.flags & FLAG_SMALL_MEMORY) && strcmp(kind, "exempt") != 0)
		naive_check(strcmp(answered(verdict), kind) == 0);
}

static void review(struct str policies, struct str body)
{
	static const char *const exempt[] = {"kube-system"};
	static struct metrics *metrics;
	struct review_service service = {.metrics = metrics ? metrics : (metrics = metrics_new()),
					 .default_action = actions[world.flags & FLAG_ACTION].action,
					 .exempt_namespaces = exempt,
					 .exempt_namespace_count = 1};
	cleanup(arena) struct arena arena = arena_init(1u << 26);
	struct http_request request = {
		.method = STR("POST"), .body = body, .started_ms = clock_monotonic_ms(), .arena = &arena};
	struct http_response response = {.body = buf_init(1u << 24)};

	admission_handle(&service, &request, &response);
	compare(policies, body, &response);
	buf_release(&response.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make((const char *)data + 1, size ? size - 1 : 0);
	cleanup(policies) struct policy_set *set = NULL;
	struct str policies = cut(&rest, 0x1e);
	struct str body = cut(&rest, 0x1e);

	if (size == 0 || policies.len > PART_MAX || body.len > PART_MAX || !load(policies, &set))
		return 0;
	world.flags = data[0];
	world.policies = set;
	read_facts(rest);
	world.small = arena_init(64 + (size_t)(data[0] >> 5) * (data[0] >> 5) * 512);
	review(policies, body);
	arena_release(&world.small);
	return 0;
}
