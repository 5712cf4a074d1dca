/* YAML as people give it to kubectl, turned into JSON values: the one place that reads yaml.h.
 *
 * Plain scalars become what kubectl's own reader makes of them (base/yaml_scalar.h); quoted, literal and folded ones
 * are strings. Keys that are booleans or integers become strings as they do there. Merge keys (`<<`) bring the members
 * that the map does not give itself. Refused: a key given twice, other keys that are not strings, a merge that meets a
 * key standing before it and an anchor name given twice in one document (readers differ on both), tags other than the
 * ones of JSON's types, numbers and U+0000 that JSON can't carry, more than LIMIT_JSON_DEPTH levels, and more than
 * LIMIT_YAML_NODES values or LIMIT_YAML_BYTES of text once aliases are followed. */
#ifndef SEALGATE_BASE_YAML_H
#define SEALGATE_BASE_YAML_H

#include "base/json.h"

/* Reads a stream of documents, separated by "---". `*out` is a JSON array with one element per document that is not
 * empty; the caller owns it. Text whose first character other than white space is '{' is read as JSON first (several
 * values in a row are allowed). ERR_INVALID with "document N: line L: what is wrong" (JSON: "line L, column C", lines
 * of the value); N counts the documents that are not empty, from 1, so that it is the index in *out plus one. */
bool yaml_read(struct str text, json_t **out, struct err *e) MUST_USE;

#endif
