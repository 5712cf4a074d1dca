/* What a plain YAML scalar stands for, by the rules of the reader that kubectl uses (YAML 1.1 as Go's yaml.v2 has it):
 * null ~ and nothing; y yes true on n no false off in their three spellings; integers, also 0x 0o 0b, with a leading
 * zero for octal and `_` between digits; floats; everything else, dates among it, is a string. */
#ifndef SEALGATE_BASE_YAML_SCALAR_H
#define SEALGATE_BASE_YAML_SCALAR_H

#include "base/json.h"

/* The caller owns *out. ERR_INVALID for a number that JSON can't carry: infinite, not a number, or past 64 bits. */
bool yaml_scalar_resolve(struct str text, json_t **out, struct err *e) MUST_USE;

#endif
