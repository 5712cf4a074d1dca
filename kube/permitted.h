/* What sealgated asks of the API server, and all it may: method, path, query keys. The RBAC of manifests/base grants
 * the same; a test compares the two. */
#ifndef SEALGATE_KUBE_PERMITTED_H
#define SEALGATE_KUBE_PERMITTED_H

#include <stdbool.h>

#include "base/str.h"

/* `own_namespace`: the only one whose ConfigMaps and Secrets can be read. `path` with its query. */
bool kube_permitted(const char *method, struct str path, struct str own_namespace);

#endif
