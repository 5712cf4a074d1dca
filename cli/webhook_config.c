#include "cli/webhook_config.h"

#include "base/codec.h"

enum { LABEL_MAX = 63 };

#define WEBHOOK_PATH "/validate"

/* Every resource that carries, or ever carried, a pod spec; a server without one of them ignores it. */
static const struct {
	const char *group;
	const char *resources[6]; /* up to the first NULL */
} rules[] = {
	{"", {"pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers"}},
	{"apps", {"deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"}},
	{"extensions", {"deployments", "replicasets", "daemonsets"}},
	{"batch", {"jobs", "cronjobs"}},
};

static bool is_label(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool inner = i > 0 && i + 1 < s.len;
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && inner)))
			return false;
	}
	return s.len > 0 && s.len <= LABEL_MAX;
}

static bool read_service(const char *text, struct str *namespace_, struct str *name, struct err *e)
{
	struct str all = str_of(text);
	size_t slash = str_find(all, '/');

	*namespace_ = str_head(all, slash);
	*name = str_skip(all, slash + 1);
	if (!is_label(*namespace_) || !is_label(*name))
		return err_set(e, ERR_INVALID, "--service: \"%s\" is not NAMESPACE/NAME, each a lower-case DNS label",
			       text);
	return true;
}

static json_t *resources_of(size_t rule)
{
	json_t *list = json_array();

	for (size_t i = 0; i < 6 && rules[rule].resources[i]; i++)
		(void)json_array_append_new(list, json_string(rules[rule].resources[i]));
	return list;
}

static json_t *all_rules(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		(void)json_array_append_new(list,
					    json_pack("{s:[s, s], s:[s], s:[s], s:o, s:s}", "operations", "CREATE",
						      "UPDATE", "apiGroups", rules[i].group, "apiVersions", "*",
						      "resources", resources_of(i), "scope", "Namespaced"));
	return list;
}

/* Names of namespaces are taken from the label that the API server itself sets. */
static json_t *selector(struct str own)
{
	json_t *names = json_pack("[s, s]", "kube-system", "kube-node-lease");

	if (own.len && !str_eq_c(own, "kube-system") && !str_eq_c(own, "kube-node-lease"))
		(void)json_array_append_new(names, json_from_str(own));
	return json_pack("{s:[{s:s, s:s, s:o}]}", "matchExpressions", "key", "kubernetes.io/metadata.name", "operator",
			 "NotIn", "values", names);
}

static bool encode_ca(struct str ca, struct buf *out, struct err *e)
{
	base64_encode(out, ca, BASE64_STANDARD);
	return buf_ok(out, e);
}

static bool service_config(const char *service, const char *ca, json_t **out, struct str *namespace_, struct err *e)
{
	struct str name;

	if (!read_service(service, namespace_, &name, e))
		return false;
	*out = json_pack("{s:{s:s%, s:s%, s:s, s:i}, s:s}", "service", "namespace", namespace_->ptr,
			 (size_t)namespace_->len, "name", name.ptr, (size_t)name.len, "path", WEBHOOK_PATH, "port", 443,
			 "caBundle", ca);
	return *out || err_no_memory(e);
}

/* What Kubernetes refuses too: anything but https, user names, a query or a fragment. */
static bool check_url(struct str url, struct str *path, struct err *e)
{
	struct str rest = str_skip(url, 8);
	size_t slash = str_find(rest, '/');

	if (!str_starts_with(url, STR("https://")))
		return err_set(e, ERR_INVALID, "--url must begin with https://");
	for (size_t i = 0; i < rest.len; i++)
		if ((unsigned char)rest.ptr[i] <= 0x20 || (unsigned char)rest.ptr[i] >= 0x7f ||
		    strchr("@?#\\", rest.ptr[i]))
			return err_set(e, ERR_INVALID, "--url has no user name, query, fragment or space");
	if (slash == 0)
		return err_set(e, ERR_INVALID, "--url names no host");
	*path = str_skip(rest, slash);
	return true;
}

static bool url_config(const char *text, const char *ca, json_t **out, struct err *e)
{
	cleanup(buf) struct buf whole = buf_init(8192);
	struct str url = str_of(text);
	struct str path = {0};

	if (!check_url(url, &path, e))
		return false;
	buf_add(&whole, url);
	if (path.len <= 1)
		buf_add(&whole, str_skip(STR(WEBHOOK_PATH), path.len));
	if (!buf_ok(&whole, e))
		return err_context(e, "--url");
	*out = json_pack("{s:s, s:s}", "url", whole.data, "caBundle", ca);
	return *out || err_no_memory(e);
}

static json_t *whole_config(json_t *client, struct str own)
{
	return json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:[{s:s, s:o, s:o, s:s, s:s, s:o, s:s, s:i, s:[s, s]}]}",
			 "apiVersion", "admissionregistration.k8s.io/v1", "kind", "ValidatingWebhookConfiguration",
			 "metadata", "name", "sealgate", "labels", "app.kubernetes.io/name", "sealgate", "webhooks",
			 "name", "validate.sealgate.dev", "clientConfig", client, "rules", all_rules(), "failurePolicy",
			 "Fail", "matchPolicy", "Equivalent", "namespaceSelector", selector(own), "sideEffects", "None",
			 "timeoutSeconds", 5, "admissionReviewVersions", "v1", "v1beta1");
}

bool webhook_config(const struct webhook_target *target, json_t **out, struct err *e)
{
	cleanup(buf) struct buf ca = buf_init(4u * 1024 * 1024);
	struct str own = {0};
	json_t *client = NULL;
	json_t *made;

	if (!encode_ca(target->ca, &ca, e))
		return false;
	if (target->service ? !service_config(target->service, ca.data, &client, &own, e)
			    : !url_config(target->url, ca.data, &client, e))
		return false;
	made = whole_config(client, own);
	if (!made)
		return err_no_memory(e);
	*out = made;
	return true;
}
