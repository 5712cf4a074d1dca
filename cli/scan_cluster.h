/* What `sealgate scan` asks the API server beside the workloads: policies, labels of namespaces, reports. Each call
 * waits for its answers. */
#ifndef SEALGATE_CLI_SCAN_CLUSTER_H
#define SEALGATE_CLI_SCAN_CLUSTER_H

#include "attest/trust_objects.h"
#include "base/arena.h"
#include "base/json.h"
#include "kube/transport.h"
#include "policy/label_rule.h"

/* The policies of the cluster; where one takes a key from elsewhere, the ConfigMaps and Secrets of `own_namespace` too.
 * The caller owns *out. ERR_NOT_FOUND when the cluster has no such kinds. */
bool scan_cluster_policies(struct kube_transport *transport, const char *own_namespace, struct trust_objects **out,
			   struct err *e) MUST_USE;

/* All namespaces by name, each with its labels. The caller owns *out. */
bool scan_cluster_labels(struct kube_transport *transport, json_t **out, struct err *e) MUST_USE;
/* Those of one namespace; false when it is not among them or there is no memory. */
bool scan_cluster_labels_of(const json_t *namespaces, struct str namespace_, struct arena *arena, struct labels *out);

/* The report of sealgated about a namespace, of whichever kind there is; NULL when there is none or it can't be read.
 * The caller owns it. */
json_t *scan_cluster_report(struct kube_transport *transport, struct str namespace_);

#endif
