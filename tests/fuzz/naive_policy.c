#include "base/json.h"
#include "tests/fuzz/naive.h"

#define POLICIES_MAX 256

/* The object under review, as policies see it. */
struct naive_subject {
	struct str namespace_;
	char kind[8192];
	char account[16384];
};

struct naive_tally {
	size_t deny, warn, audit, exempt, applied;
};

static json_t *get(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

static json_t *at(json_t *object, const char *first, const char *second)
{
	return get(get(object, first), second);
}

static struct str text(json_t *object, const char *name)
{
	struct str found = json_text(object, name);

	return found.ptr ? found : STR("");
}

size_t naive_signer(struct str key, char out[NAIVE_SIGNER_MAX])
{
	size_t n = 0;
	bool dashes = false;

	for (size_t i = 0; i < key.len; i++) {
		if (i == 0 || key.ptr[i - 1] == '\n')
			dashes = key.ptr[i] == '-';
		if (!dashes && (unsigned char)key.ptr[i] > ' ' && n < NAIVE_SIGNER_MAX)
			out[n++] = key.ptr[i];
	}
	return n;
}

/* Every policy object of all documents, Lists opened. */
static size_t list_objects(const struct naive_world *world, json_t *out[POLICIES_MAX])
{
	size_t count = 0, i, k;
	json_t *document, *item;

	json_array_foreach(world->documents, i, document)
	{
		if (!str_eq_c(text(document, "kind"), "List")) {
			naive_check(count < POLICIES_MAX);
			out[count++] = document;
			continue;
		}
		json_array_foreach(get(document, "items"), k, item)
		{
			naive_check(count < POLICIES_MAX);
			out[count++] = item;
		}
	}
	return count;
}

static bool any_name(json_t *patterns, struct str name)
{
	size_t i;
	json_t *pattern;

	json_array_foreach(patterns, i, pattern) if (naive_name_matches(json_text_of(pattern), name)) return true;
	return !patterns;
}

static bool any_image(json_t *patterns, const struct naive_image *image)
{
	size_t i;
	json_t *pattern;

	json_array_foreach(patterns, i, pattern) if (naive_pattern_matches(json_text_of(pattern), image)) return true;
	return false;
}

static struct str label(struct str key, struct str namespace_)
{
	if (str_eq_c(key, "name"))
		return namespace_;
	return str_eq_c(key, "stage") ? STR("prod") : (struct str){0};
}

static bool expression_holds(json_t *expression, struct str namespace_)
{
	struct str operator= text(expression, "operator"), value = label(text(expression, "key"), namespace_);
	bool among = false;
	size_t i;
	json_t *item;

	json_array_foreach(get(expression, "values"), i, item) among =
		among || (value.ptr && str_eq(json_text_of(item), value));
	if (str_eq_c(operator, "In"))
		return among;
	if (str_eq_c(operator, "NotIn"))
		return !among;
	return str_eq_c(operator, "Exists") == (value.ptr != NULL);
}

static bool labels_hold(json_t *selector, struct str namespace_)
{
	size_t i;
	const char *key;
	json_t *value;

	json_object_foreach(get(selector, "matchLabels"), key, value)
	{
		struct str found = label(str_of(key), namespace_);

		if (!found.ptr || !str_eq(found, json_text_of(value)))
			return false;
	}
	json_array_foreach(get(selector, "matchExpressions"), i,
			   value) if (!expression_holds(value, namespace_)) return false;
	return true;
}

/* Labels apart. */
static bool selects(json_t *policy, const struct naive_subject *subject, const struct naive_image *image)
{
	json_t *match = at(policy, "spec", "match");
	json_t *images = get(match, "images");

	if (str_eq_c(text(policy, "kind"), "Attestor"))
		return false;
	if (str_eq_c(text(policy, "kind"), "ImagePolicy") &&
	    !str_eq(text(get(policy, "metadata"), "namespace"), subject->namespace_))
		return false;
	return any_name(get(match, "namespaces"), subject->namespace_) &&
	       any_name(get(match, "kinds"), str_of(subject->kind)) &&
	       any_name(get(match, "serviceAccounts"), str_of(subject->account)) &&
	       (!images || any_image(images, image));
}

static bool lists_key(json_t *attestor, struct str signer)
{
	size_t i;
	json_t *key;

	json_array_foreach(at(attestor, "spec", "publicKeys"), i, key)
	{
		char name[NAIVE_SIGNER_MAX];
		size_t n = naive_signer(text(key, "openpgp"), name);

		if (n && str_eq(str_make(name, n), signer))
			return true;
	}
	return false;
}

static bool vouches(const struct naive_world *world, json_t *attestor, const struct naive_image *image)
{
	char repository[2 * NAIVE_TEXT_MAX];

	naive_repository(image, repository);
	for (size_t i = 0; i < world->fact_count; i++) {
		const struct naive_fact *fact = &world->facts[i];

		if (!fact->rejected && *image->digest && str_eq_c(fact->digest, image->digest) &&
		    str_eq(fact->note, text(get(attestor, "spec"), "note")) && lists_key(attestor, fact->signer) &&
		    (fact->repository.len == 0 || str_eq_c(fact->repository, repository)) &&
		    (fact->expires_at == 0 || fact->expires_at > world->now))
			return true;
	}
	return false;
}

static bool rule_holds(const struct naive_world *world, json_t *rule, json_t *const *objects, size_t object_count,
		       const struct naive_image *image)
{
	json_t *names = get(rule, "attestors"), *count = get(rule, "count"), *name;
	size_t vouching = 0, i;

	json_array_foreach(names, i, name)
	{
		for (size_t k = 0; k < object_count; k++)
			if (str_eq_c(text(objects[k], "kind"), "Attestor") &&
			    str_eq(text(get(objects[k], "metadata"), "name"), json_text_of(name)))
				vouching += vouches(world, objects[k], image);
	}
	return vouching > 0 &&
	       (json_int_t)vouching >= (count ? json_integer_value(count) : (json_int_t)json_array_size(names));
}

static bool policy_holds(const struct naive_world *world, json_t *policy, json_t *const *objects, size_t object_count,
			 const struct naive_image *image)
{
	json_t *rules = get(at(policy, "spec", "require"), "attestations"), *rule;
	size_t i;

	json_array_foreach(rules, i, rule) if (!rule_holds(world, rule, objects, object_count, image)) return false;
	return *image->digest ||
	       (json_array_size(rules) == 0 && json_is_false(get(at(policy, "spec", "require"), "digest")));
}

static void count_finding(struct naive_tally *tally, struct str enforcement)
{
	if (str_eq_c(enforcement, "Warn") || str_eq_c(enforcement, "warn"))
		tally->warn++;
	else if (str_eq_c(enforcement, "Audit"))
		tally->audit++;
	else
		tally->deny++;
}

static void judge_by_default(const struct naive_world *world, struct naive_tally *tally)
{
	tally->applied++;
	if (strcmp(world->default_action, "allow") != 0)
		count_finding(tally, str_of(world->default_action));
}

static void judge(const struct naive_world *world, const struct naive_subject *subject, struct str image_text,
		  struct naive_tally *tally)
{
	static struct naive_image image;
	json_t *objects[POLICIES_MAX];
	size_t count = list_objects(world, objects), selecting = 0;

	if (!naive_image_read(image_text, &image)) {
		tally->deny++;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		json_t *selector = at(get(objects[i], "spec"), "match", "namespaceSelector");

		if (!selects(objects[i], subject, &image))
			continue;
		if (selector && world->labels_known && !labels_hold(selector, subject->namespace_))
			continue;
		selecting++;
		if (selector && !world->labels_known) {
			tally->deny++;
			continue;
		}
		if (any_image(get(at(objects[i], "spec", "exempt"), "images"), &image)) {
			tally->exempt++;
			continue;
		}
		tally->applied++;
		if (!policy_holds(world, objects[i], objects, count, &image))
			count_finding(tally, text(get(objects[i], "spec"), "enforcement"));
	}
	if (selecting == 0)
		judge_by_default(world, tally);
}

static bool is_member_of_nodes(json_t *request)
{
	size_t i;
	json_t *group;

	json_array_foreach(at(request, "userInfo", "groups"), i,
			   group) if (str_eq_c(json_text_of(group), "system:nodes")) return true;
	return false;
}

static bool is_mirror(json_t *request)
{
	json_t *object = get(request, "object");
	struct str user = text(get(request, "userInfo"), "username");
	struct str node = text(get(object, "spec"), "nodeName");

	return str_eq_c(text(get(request, "kind"), "kind"), "Pod") && text(get(request, "kind"), "group").len == 0 &&
	       text(request, "subResource").len == 0 &&
	       json_is_string(get(at(object, "metadata", "annotations"), "kubernetes.io/config.mirror")) &&
	       is_member_of_nodes(request) && node.len && str_starts_with(user, STR("system:node:")) &&
	       str_eq(str_skip(user, 12), node);
}

static void describe(json_t *request, const struct naive_uses *uses, struct naive_subject *out)
{
	struct str group = text(get(request, "kind"), "group"), kind = text(get(request, "kind"), "kind");
	struct str account = uses->service_account.len ? uses->service_account : STR("default");

	if (str_eq_c(kind, "EphemeralContainers"))
		kind = STR("Pod");
	out->namespace_ = text(request, "namespace");
	(void)snprintf(out->kind, sizeof(out->kind), "%.*s%s%.*s", STR_ARG(group), group.len ? "/" : "", STR_ARG(kind));
	(void)snprintf(out->account, sizeof(out->account), "%.*s:%.*s", STR_ARG(out->namespace_), STR_ARG(account));
}

static const char *conclude(const struct naive_tally *tally)
{
	if (tally->deny)
		return "deny";
	if (tally->warn)
		return "warn";
	if (tally->audit)
		return "audit";
	return tally->exempt && !tally->applied ? "exempt" : "allow";
}

const char *naive_decide(const struct naive_world *world, json_t *review)
{
	static struct naive_uses uses, old;
	json_t *request = get(review, "request");
	struct str operation = text(request, "operation"), kind = text(get(request, "kind"), "kind");
	const char *spec = naive_spec_path(text(get(request, "kind"), "group"), kind);
	bool must = str_eq_c(kind, "Pod");
	struct naive_subject subject;
	struct naive_tally tally = {0};

	if ((!str_eq_c(operation, "CREATE") && !str_eq_c(operation, "UPDATE")) || !spec ||
	    str_eq_c(text(request, "subResource"), "status"))
		return "allow";
	if (str_eq_c(text(request, "namespace"), world->exempt_namespace) || is_mirror(request))
		return "exempt";
	naive_walk(&uses, spec, must, get(request, "object"));
	if (uses.wrong)
		return "deny";
	if (str_eq_c(operation, "UPDATE") && get(request, "oldObject")) {
		naive_walk(&old, spec, must, get(request, "oldObject"));
		if (!old.wrong)
			naive_only_new(&uses, &old);
	}
	describe(request, &uses, &subject);
	for (size_t i = 0; i < uses.count; i++)
		judge(world, &subject, uses.uses[i].text, &tally);
	return uses.count ? conclude(&tally) : "allow";
}
