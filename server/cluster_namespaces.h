/* The labels of the cluster's namespaces: told by the thread that follows them, asked for by reviews. A pod is often
 * created right behind its namespace, before the watch has brought that: who asks for one that is not known waits for
 * it, a second at most. */
#ifndef SEALGATE_SERVER_CLUSTER_NAMESPACES_H
#define SEALGATE_SERVER_CLUSTER_NAMESPACES_H

#include "base/arena.h"
#include "base/json.h"
#include "policy/label_rule.h"

#define NAMESPACE_WAIT_MS 1000
#define NAMESPACES_MAX 50000u

struct cluster_namespaces;

struct cluster_namespaces *cluster_namespaces_new(void);
/* NULL is legal. Nobody asks any more. */
void cluster_namespaces_free(struct cluster_namespaces *namespaces);

/* What a watch tells (kube/list_watch.h), one thread. A namespace that can't be held stays unknown. */
void cluster_namespaces_begin(struct cluster_namespaces *namespaces);
void cluster_namespaces_present(struct cluster_namespaces *namespaces, const json_t *object);
void cluster_namespaces_gone(struct cluster_namespaces *namespaces, const json_t *object);
void cluster_namespaces_synced(struct cluster_namespaces *namespaces);
size_t cluster_namespaces_count(struct cluster_namespaces *namespaces);

/* Copies the labels of `name` into the arena. Waits until the deadline (monotonic ms, 0: none), at most
 * NAMESPACE_WAIT_MS, for one that is not known. False when it stays unknown, or without memory. Any thread. */
bool cluster_namespaces_labels(struct cluster_namespaces *namespaces, struct str name, int64_t deadline_ms,
			       struct arena *arena, struct labels *out);

CLEANUP_POINTER(cluster_namespaces, struct cluster_namespaces, cluster_namespaces_free)

#endif
