/* Names of Kubernetes objects, and patterns that can match one (`*` stands for any run of characters). */
#ifndef SEALGATE_POLICY_KUBE_NAME_H
#define SEALGATE_POLICY_KUBE_NAME_H

#include <stdbool.h>

#include "base/str.h"

/* RFC 1123 label: a-z 0-9 and '-', neither first nor last, at most 63 bytes. Namespaces. */
bool kube_label_valid(struct str name);
/* RFC 1123 subdomain: the same with '.' between, at most 253 bytes. Most other objects, API groups. */
bool kube_subdomain_valid(struct str name);
/* True when some label, or subdomain, matches the pattern. */
bool kube_label_pattern_valid(struct str pattern);
bool kube_subdomain_pattern_valid(struct str pattern);
/* A label's key: at most 63 bytes of A-Z a-z 0-9 '-' '_' '.', the first and last a letter or digit, behind a subdomain
 * and '/' or not; and its value, which is the same without a domain, or empty. */
bool kube_label_key_valid(struct str key);
bool kube_label_value_valid(struct str value);
/* True when some kind matches: letters and digits, a letter first. */
bool kube_kind_pattern_valid(struct str pattern);

#endif
