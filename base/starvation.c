#include "base/starvation.h"

static _Thread_local unsigned count;

void starvation_note(void)
{
	count++;
}

unsigned starvation_count(void)
{
	return count;
}
