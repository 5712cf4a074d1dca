/* Errors are values: functions that can fail return bool, true only on success, and fill a `struct err`.
 * Callers add context on the way up; the edge (server log or answer, CLI) prints it once. */
#ifndef SEALGATE_BASE_ERR_H
#define SEALGATE_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

/* What went wrong, for machines. Each kind maps to one HTTP status and one exit status. */
enum err_kind {
	ERR_NONE = 0,
	ERR_INVALID,	     /* the caller's input is wrong: 400, exit 2 */
	ERR_UNAUTHENTICATED, /* no or unknown credentials: 401, exit 2 */
	ERR_FORBIDDEN,	     /* known, but not allowed: 403, exit 1 */
	ERR_NOT_FOUND,	     /* 404, exit 2 */
	ERR_EXISTS,	     /* 409, exit 2 */
	ERR_CHANGED,	     /* by somebody else, between reading and writing: 409, exit 2 */
	ERR_TOO_LARGE,	     /* a limit of base/limits.h: 413, exit 2 */
	ERR_UNSUPPORTED,     /* known, but not by this version or verb: 501, exit 2 */
	ERR_UNAVAILABLE,     /* busy, full or unreachable, worth a retry: 503, exit 2 */
	ERR_TIMEOUT,	     /* a deadline passed: 504, exit 2 */
	ERR_INTERNAL,	     /* our fault or the machine's: 500, exit 2 */
	ERR_KINDS
};

#define ERR_TEXT_MAX 1024

struct err {
	enum err_kind kind;
	char text[ERR_TEXT_MAX]; /* terminated, one line, cut with "..." when longer */
};

#define ERR_INIT ((struct err){.kind = ERR_NONE})

#define MUST_USE __attribute__((warn_unused_result))

/* Sets kind and text. Returns false, so that a failing function ends in `return err_set(e, ...)`. `e` may be NULL. */
bool err_set(struct err *e, enum err_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "CONTEXT: " before the text; the kind stays. Returns false. */
bool err_context(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ERR_INTERNAL with strerror(errno) after the text. Returns false. */
bool err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Allocation failed. Returns false. */
bool err_no_memory(struct err *e);

int err_http_status(enum err_kind kind);
int err_exit_status(enum err_kind kind);

#endif
