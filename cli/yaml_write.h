/* JSON values written as YAML that people read and kubectl applies. */
#ifndef SEALGATE_CLI_YAML_WRITE_H
#define SEALGATE_CLI_YAML_WRITE_H

#include "base/json.h"

/* Appends `value`, a map, as one block document; members keep their order. A list of scalars stands on one line.
 * Strings that a reader could take for something else are quoted. ERR_TOO_LARGE past the maximum of `out`. */
bool yaml_write(const json_t *value, struct buf *out, struct err *e) MUST_USE;

#endif
