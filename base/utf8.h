/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef SEALGATE_BASE_UTF8_H
#define SEALGATE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Length in bytes (1 to 4) of the well-formed sequence at the start of `s`; 0 when there is none. */
size_t utf8_sequence(struct str s);
/* True when all of `s` is well-formed. */
bool utf8_valid(struct str s);
/* Writes `code` as UTF-8 to `out` and returns its length; 0 for a surrogate or a code above U+10FFFF. */
size_t utf8_encode(uint32_t code, char out[4]);
/* The longest head of `s` that has at most `max` bytes and does not end within a sequence. */
struct str utf8_head(struct str s, size_t max);

#endif
