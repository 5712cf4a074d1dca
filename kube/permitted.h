/* What sealgated asks of the API server, and all it may: method, path, query keys. The RBAC of manifests/base grants
 * the same; a test compares the two. */
#ifndef SEALGATE_KUBE_PERMITTED_H
#define SEALGATE_KUBE_PERMITTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* `own_namespace`: the only one whose ConfigMaps and Secrets can be read. `path` with its query. */
bool kube_permitted(const char *method, struct str path, struct str own_namespace);

/* One row of the table: "*" in the path stands for one name, "@" for the own namespace. */
struct kube_permission {
	const char *method;
	const char *path;
};

const struct kube_permission *kube_permissions(size_t *count);

#endif
