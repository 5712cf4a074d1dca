/* What drivers for Eva begin with and end in. */
#ifndef SEALGATE_PROVE_EVA_INPUT_H
#define SEALGATE_PROVE_EVA_INPUT_H

#include <__fc_builtin.h>
#include <stdlib.h>

#include "base/str.h"

#ifndef BYTES_FROM
#define BYTES_FROM 0
#endif

/* Any bytes, of every length up to BYTES, up to the end of their memory. */
static inline struct str any_bytes(void)
{
	static char bytes[BYTES];

	Frama_C_make_unknown(bytes, BYTES);
	return str_skip((struct str){bytes, BYTES}, Frama_C_unsigned_long_interval(0, BYTES));
}

/* From BYTES_FROM to BYTES bytes, each length in memory of its own: reading before their beginning is noticed too. */
static inline struct str any_bytes_apart(void)
{
	size_t length = Frama_C_unsigned_long_interval(BYTES_FROM, BYTES);
	char *bytes;

	//@ split length;
	/*@ eva_allocate fresh; */
	bytes = malloc(length);
	if (!bytes)
		exit(0);
	Frama_C_make_unknown(bytes, length);
	return (struct str){bytes, length};
}

#endif
