#include "server/cluster_status.h"

#include "base/clock.h"

#define API_VERSION "sealgate.dev/v1alpha1"

static const char *const condition_types[] = {"Ready", "Rejected"};
#define CONDITIONS (sizeof(condition_types) / sizeof(condition_types[0]))

static json_t *time_text(int64_t seconds)
{
	char text[TIMESTAMP_TEXT_MAX];

	timestamp_format((struct timestamp){seconds, 0}, text);
	return json_string(text);
}

/* Up to TooLarge the object is rejected (attest/trust.h). */
static const char *word_of(const struct trust_outcome *outcome, const char *type)
{
	bool holds = strcmp(type, "Ready") == 0 ? outcome->state == TRUST_IN_FORCE
						: outcome->reason <= TRUST_REASON_TOO_LARGE;

	return holds ? "True" : "False";
}

static const json_t *seen_condition(const json_t *seen, const char *type)
{
	const json_t *conditions = json_object_get(seen, "conditions");

	for (size_t i = 0; i < json_array_size(conditions); i++) {
		const json_t *condition = json_array_get(conditions, i);

		if (str_eq_c(json_text(condition, "type"), type))
			return condition;
	}
	return NULL;
}

static json_t *transition_time(const struct status_question *q, const char *type, const char *word)
{
	const json_t *seen = seen_condition(q->seen, type);
	struct timestamp since;

	if (str_eq_c(json_text(seen, "status"), word) && timestamp_parse(json_text(seen, "lastTransitionTime"), &since))
		return json_from_str(json_text(seen, "lastTransitionTime"));
	return time_text(q->now);
}

static json_t *condition_of(const struct status_question *q, const char *type)
{
	const char *word = word_of(q->outcome, type);
	json_t *message = json_from_str(str_of(q->outcome->message));

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:I}", "type", type, "status", word, "reason",
			 trust_reason_name(q->outcome->reason), "message", message ? message : json_string(""),
			 "lastTransitionTime", transition_time(q, type, word), "observedGeneration",
			 (json_int_t)q->generation);
}

static json_t *conditions_of(const struct status_question *q)
{
	json_t *conditions = json_array();

	for (size_t i = 0; i < CONDITIONS; i++)
		if (json_array_append_new(conditions, condition_of(q, condition_types[i])) != 0) {
			json_decref(conditions);
			return NULL;
		}
	return conditions;
}

static json_t *key_of(const struct trust_key_outcome *key)
{
	json_t *out = json_pack("{s:s}", "state", key->state);
	bool full = out != NULL;

	if (full && key->fingerprint[0])
		full = json_object_set_new(out, "fingerprint", json_string(key->fingerprint)) == 0;
	if (full && key->algorithm[0])
		full = json_object_set_new(out, "algorithm", json_string(key->algorithm)) == 0;
	if (full && key->expires_at > 0)
		full = json_object_set_new(out, "expires", time_text(key->expires_at)) == 0;
	if (full)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *keys_of(const struct trust_outcome *outcome)
{
	json_t *keys = json_array();

	for (size_t i = 0; keys && i < outcome->key_count && i < STATUS_KEYS; i++)
		if (json_array_append_new(keys, key_of(&outcome->keys[i])) != 0) {
			json_decref(keys);
			return NULL;
		}
	return keys;
}

static json_t *matched_of(const struct status_question *q)
{
	if (!q->matched)
		return json_deep_copy(json_object_get(q->seen, "matched"));
	return json_pack("{s:I, s:I}", "workloads", (json_int_t)q->matched->workloads, "refused",
			 (json_int_t)q->matched->refused);
}

static bool has_matched(const struct status_question *q)
{
	return q->kind != TRUST_OBJECT_ATTESTOR && (q->matched || json_is_object(json_object_get(q->seen, "matched")));
}

static json_t *wanted_status(const struct status_question *q)
{
	json_t *status = json_pack("{s:I, s:o}", "observedGeneration", (json_int_t)q->generation, "conditions",
				   conditions_of(q));
	bool full = status != NULL;

	if (full && q->kind == TRUST_OBJECT_ATTESTOR)
		full = json_object_set_new(status, "keys", keys_of(q->outcome)) == 0;
	if (full && has_matched(q))
		full = json_object_set_new(status, "matched", matched_of(q)) == 0;
	if (full)
		return status;
	json_decref(status);
	return NULL;
}

static bool conditions_stand(const json_t *wanted, const json_t *seen)
{
	for (size_t i = 0; i < CONDITIONS; i++)
		if (!json_equal(seen_condition(wanted, condition_types[i]), seen_condition(seen, condition_types[i])))
			return false;
	return true;
}

static bool stands(const json_t *wanted, const json_t *seen)
{
	static const char *const members[] = {"observedGeneration", "keys", "matched"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *a = json_object_get(wanted, members[i]), *b = json_object_get(seen, members[i]);

		if ((a || b) && !json_equal(a, b))
			return false;
	}
	return conditions_stand(wanted, seen);
}

static bool set_text(json_t *object, const char *name, struct str text)
{
	return text.len == 0 || json_object_set_new(object, name, json_from_str(text)) == 0;
}

/* Takes `status` over. */
static json_t *body_with(const struct status_question *q, json_t *status)
{
	json_t *body = json_pack("{s:s, s:s, s:{}, s:o}", "apiVersion", API_VERSION, "kind",
				 trust_object_kind_name(q->kind), "metadata", "status", status);
	json_t *metadata = json_object_get(body, "metadata");

	if (body && set_text(metadata, "name", q->name) && set_text(metadata, "namespace", q->namespace_) &&
	    set_text(metadata, "resourceVersion", q->resource_version))
		return body;
	json_decref(body);
	return NULL;
}

bool cluster_status_due(const struct status_question *question, struct buf *body, struct err *e)
{
	cleanup(json) json_t *wanted = wanted_status(question);
	cleanup(json) json_t *apply = NULL;

	if (!wanted)
		return err_no_memory(e);
	if (stands(wanted, question->seen))
		return true;
	apply = body_with(question, take(wanted));
	return apply ? json_write(apply, body, e) : err_no_memory(e);
}
