#include "kube/permitted.h"

#include "base/limits.h"

static const struct kube_permission requests[] = {
	/* what is followed */
	{"GET", "/apis/sealgate.dev/v1alpha1/attestors"},
	{"GET", "/apis/sealgate.dev/v1alpha1/clusterimagepolicies"},
	{"GET", "/apis/sealgate.dev/v1alpha1/imagepolicies"},
	{"GET", "/api/v1/namespaces"},
	{"GET", "/api/v1/namespaces/@/configmaps"},
	{"GET", "/api/v1/namespaces/@/secrets"},
	/* what is told about it */
	{"PATCH", "/apis/sealgate.dev/v1alpha1/attestors/*/status"},
	{"PATCH", "/apis/sealgate.dev/v1alpha1/clusterimagepolicies/*/status"},
	{"PATCH", "/apis/sealgate.dev/v1alpha1/namespaces/*/imagepolicies/*/status"},
	{"POST", "/apis/events.k8s.io/v1/namespaces/*/events"},
	{"PATCH", "/apis/events.k8s.io/v1/namespaces/*/events/*"},
	/* what is scanned */
	{"GET", "/api/v1/pods"},
	{"GET", "/api/v1/podtemplates"},
	{"GET", "/api/v1/replicationcontrollers"},
	{"GET", "/apis/apps/v1/daemonsets"},
	{"GET", "/apis/apps/v1/deployments"},
	{"GET", "/apis/apps/v1/replicasets"},
	{"GET", "/apis/apps/v1/statefulsets"},
	{"GET", "/apis/batch/v1/cronjobs"},
	{"GET", "/apis/batch/v1/jobs"},
	/* and reported: one report of its own in each namespace */
	{"GET", "/apis/wgpolicyk8s.io/v1alpha2/policyreports"},
	{"PATCH", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/*/policyreports/sealgate"},
	{"DELETE", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/*/policyreports/sealgate"},
	{"GET", "/apis/openreports.io/v1alpha1/reports"},
	{"PATCH", "/apis/openreports.io/v1alpha1/namespaces/*/reports/sealgate"},
	{"DELETE", "/apis/openreports.io/v1alpha1/namespaces/*/reports/sealgate"},
};

static const char *const keys[] = {"allowWatchBookmarks",
				   "continue",
				   "fieldManager",
				   "force",
				   "labelSelector",
				   "limit",
				   "resourceVersion",
				   "resourceVersionMatch",
				   "sendInitialEvents",
				   "timeoutSeconds",
				   "watch"};

static bool is_one_of(char c, const char *more)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(more, c));
}

/* Of an object: no dots alone, nothing that a server could decode to something else. */
static bool is_name(struct str segment)
{
	for (size_t i = 0; i < segment.len; i++)
		if (!is_one_of(segment.ptr[i], "-."))
			return false;
	return segment.len > 0 && segment.len <= LIMIT_ID && is_one_of(segment.ptr[0], "");
}

static struct str next_part(struct str *rest, char separator)
{
	size_t len = str_find(*rest, separator);
	struct str part = str_head(*rest, len);

	*rest = str_skip(*rest, len < rest->len ? len + 1 : len);
	return part;
}

static bool segment_fits(struct str wanted, struct str segment, struct str own)
{
	if (str_eq_c(wanted, "*"))
		return is_name(segment);
	if (str_eq_c(wanted, "@"))
		return is_name(own) && str_eq(segment, own);
	return str_eq(segment, wanted);
}

static bool path_fits(struct str wanted, struct str path, struct str own)
{
	while (wanted.len > 0 && path.len > 0) {
		struct str one = next_part(&wanted, '/');

		if (!segment_fits(one, next_part(&path, '/'), own))
			return false;
	}
	return wanted.len == 0 && path.len == 0;
}

static bool is_value(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!is_one_of(value.ptr[i], "-._~%ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
			return false;
	return true;
}

static bool is_known(struct str key)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (str_eq_c(key, keys[i]))
			return true;
	return false;
}

static bool query_fits(struct str query)
{
	while (query.len > 0) {
		struct str value = next_part(&query, '&');
		struct str key = next_part(&value, '=');

		if (!is_known(key) || !is_value(value))
			return false;
	}
	return true;
}

bool kube_permitted(const char *method, struct str path, struct str own_namespace)
{
	struct str query = path;
	struct str place = next_part(&query, '?');

	/* next_part does not tell a last separator from none. */
	if (place.len == 0 || place.ptr[0] != '/' || place.ptr[place.len - 1] == '/' || !query_fits(query))
		return false;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (strcmp(requests[i].method, method) == 0 &&
		    path_fits(str_of(requests[i].path), place, own_namespace))
			return true;
	return false;
}

const struct kube_permission *kube_permissions(size_t *count)
{
	*count = sizeof(requests) / sizeof(requests[0]);
	return requests;
}
