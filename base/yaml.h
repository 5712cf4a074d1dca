/* YAML as people give it to kubectl, turned into JSON values: the one place that reads yaml.h.
 *
 * Scalars become what Kubernetes' own reader makes of them (YAML 1.1 core: null ~ true/false yes/no on/off, integers,
 * floats, everything else and everything quoted a string). Refused: duplicate keys, keys that are not strings after
 * conversion, unknown tags, more than LIMIT_JSON_DEPTH levels, and more than LIMIT_YAML_NODES values after aliases are
 * followed. */
#ifndef SEALGATE_BASE_YAML_H
#define SEALGATE_BASE_YAML_H

#include "base/json.h"

/* Reads a stream of documents, separated by "---". `*out` is a JSON array with one element per document that is not
 * empty; the caller owns it. Text whose first character other than white space is '{' is read as JSON first (several
 * values in a row are allowed). ERR_INVALID with "document N: line L: what is wrong"; N counts from 1. */
bool yaml_read(struct str text, json_t **out, struct err *e) MUST_USE;

#endif
