/* Functions that this project does not use. Included into every file by the Makefile: using one does not compile. */
#ifndef SEALGATE_BASE_BANNED_H
#define SEALGATE_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strtok
#undef sprintf
#undef vsprintf
#undef alloca
#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf gets atoi atol atoll alloca
#pragma GCC poison gmtime localtime ctime asctime mktemp tmpnam

#endif
