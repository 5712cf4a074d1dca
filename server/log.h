/* The log: standard error, one line each, JSON ("time", "level", "msg", then the fields) or text. Nothing a caller
 * sends can start a line. Any thread. The only place of the server that writes text. */
#ifndef SEALGATE_SERVER_LOG_H
#define SEALGATE_SERVER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* LOG_RECORD is written whatever --log-level says, as "info": the one line of each review. */
enum log_level { LOG_RECORD = -1, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* `format` "json" or "text", `level` one of the words of --log-level; anything else gives the default. */
void log_setup(const char *format, const char *level);
bool log_enabled(enum log_level level);

/* One field. Values of type LOG_LIST are JSON already made by the caller (a list or object). */
struct log_field {
	const char *name;
	enum { LOG_TEXT, LOG_NUMBER, LOG_BOOL, LOG_RAW_JSON } type;
	struct str text;
	int64_t number;
};

#define LOG_STR(n, s) ((struct log_field){.name = (n), .type = LOG_TEXT, .text = (s)})
#define LOG_C(n, c) ((struct log_field){.name = (n), .type = LOG_TEXT, .text = str_of(c)})
#define LOG_INT(n, v) ((struct log_field){.name = (n), .type = LOG_NUMBER, .number = (v)})
#define LOG_FLAG(n, v) ((struct log_field){.name = (n), .type = LOG_BOOL, .number = (v)})
#define LOG_JSON(n, s) ((struct log_field){.name = (n), .type = LOG_RAW_JSON, .text = (s)})

/* log_line(LOG_INFO, "listening", LOG_C("listener", "api"), LOG_C("address", a)); */
#define log_line(level, message, ...)                                     \
	log_fields((level), (message), (struct log_field[]){__VA_ARGS__}, \
		   sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
void log_fields(enum log_level level, const char *message, const struct log_field *fields, size_t count);
/* From here on lines that come within a millisecond of each other are written together (server/log_writer.h). Not
 * before the last fork(2). */
bool log_start(struct err *e) MUST_USE;
/* Writes every line, and from here on each at once. */
void log_stop(void);
/* Waits until every line is written: before the process ends. */
void log_flush(void);

#endif
