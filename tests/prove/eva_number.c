/* Writes any number: what WP leaves out of base/str. */
#include "base/str.h"

#include <__fc_builtin.h>

int main(void)
{
	char digits[STR_NUMBER_MAX];
	uint64_t number = Frama_C_unsigned_long_interval(0, UINT64_MAX);
	struct str text = str_number(number, digits);

	/*@ check reached_end: \false; */
	return text.len > STR_NUMBER_MAX;
}
