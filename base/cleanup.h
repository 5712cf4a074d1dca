/* Scope cleanup: `cleanup(buf) struct buf b = buf_init(MAX);` releases b when the scope ends.
 * `take(p)` hands a pointer over: gives its value and leaves NULL behind. */
#ifndef SEALGATE_BASE_CLEANUP_H
#define SEALGATE_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define cleanup(noun) __attribute__((cleanup(cleanup_##noun)))
#define take(pointer)                                   \
	__extension__({                                 \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

/* Defines cleanup(NAME) for a value `TYPE` that RELEASE takes by address. */
#define CLEANUP_VALUE(name, type, release)             \
	static inline void cleanup_##name(type *value) \
	{                                              \
		release(value);                        \
	}
/* Defines cleanup(NAME) for a pointer to TYPE that FREE takes (NULL is legal). */
#define CLEANUP_POINTER(name, type, free_function)        \
	static inline void cleanup_##name(type **pointer) \
	{                                                 \
		free_function(*pointer);                  \
	}

static inline void cleanup_memory(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
