#include "server/log.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "policy/line.h"
#include "server/log_writer.h"

#define OMITTED_ROOM 256u
/* Room for most lines at once. */
#define USUAL_LINE 1000u

static const char *const level_names[] = {"error", "warn", "info", "debug"};
#define LEVELS (sizeof(level_names) / sizeof(level_names[0]))

static atomic_int threshold = LOG_INFO;
static atomic_bool as_text;

void log_setup(const char *format, const char *level)
{
	int chosen = LOG_INFO;
	for (size_t i = 0; i < LEVELS; i++)
		if (level && strcmp(level, level_names[i]) == 0)
			chosen = (int)i;
	atomic_store(&threshold, chosen);
	atomic_store(&as_text, format && strcmp(format, "text") == 0);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* JSON made by the caller. A control character can only be white space there. */
static void add_raw(struct buf *out, struct str json)
{
	size_t start = out->len;

	buf_add(out, json.len ? json : STR("null"));
	for (size_t i = start; i < out->len; i++)
		if ((unsigned char)out->data[i] < 0x20)
			out->data[i] = ' ';
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return s.len > 0;
}

/* Of a sequence of at most three bytes: nothing longer steers a terminal. */
static unsigned code_of(struct str sequence)
{
	static const unsigned char heads[] = {0, 0x7f, 0x1f, 0x0f};
	unsigned code = (unsigned char)sequence.ptr[0] & heads[sequence.len & 3];

	for (size_t i = 1; i < sequence.len; i++)
		code = code << 6 | ((unsigned char)sequence.ptr[i] & 0x3f);
	return code;
}

/* A JSON string that moves no cursor and turns no text around when a terminal shows it. */
static void add_string(struct buf *out, struct str text)
{
	cleanup(buf) struct buf string = buf_init(LIMIT_LOG_LINE);

	if (line_is_plain(text)) {
		buf_add_json_string(out, text);
		return;
	}
	buf_add_json_string(&string, text);
	out->failed = out->failed || string.failed;
	for (struct str rest = buf_str(&string); rest.len;) {
		struct str one = str_head(rest, utf8_sequence(rest));

		if (line_is_plain(one))
			buf_add(out, one);
		else
			buf_printf(out, "\\u%04x", code_of(one));
		rest = str_skip(rest, one.len);
	}
}

static void add_text(struct buf *out, struct str text, bool quoted)
{
	if (quoted || !is_plain(text))
		add_string(out, text);
	else
		buf_add(out, text);
}

static void add_value(struct buf *out, const struct log_field *field, bool json)
{
	switch (field->type) {
	case LOG_TEXT:
		add_text(out, field->text, json);
		break;
	case LOG_NUMBER:
		buf_add_number(out, field->number);
		break;
	case LOG_BOOL:
		buf_add_c(out, field->number ? "true" : "false");
		break;
	case LOG_RAW_JSON:
		add_raw(out, field->text);
		break;
	}
}

static void add_field(struct buf *out, const struct log_field *field, bool json)
{
	buf_add(out, json ? STR(",\"") : STR(" "));
	buf_add_c(out, field->name);
	buf_add(out, json ? STR("\":") : STR("="));
	add_value(out, field, json);
}

static const char *level_name(enum log_level level)
{
	return level_names[level == LOG_RECORD ? LOG_INFO : level];
}

static void add_head(struct buf *out, enum log_level level, const char *message, bool json)
{
	struct timestamp now = clock_now();
	char time[TIMESTAMP_TEXT_MAX];
	now.nanoseconds -= now.nanoseconds % 1000000;
	timestamp_format(now, time);
	if (!json) {
		buf_printf(out, "%s %-5s ", time, level_name(level));
		add_text(out, str_of(message), false);
		return;
	}
	buf_add(out, STR("{\"time\":\""));
	buf_add_c(out, time);
	buf_add(out, STR("\",\"level\":\""));
	buf_add_c(out, level_name(level));
	buf_add(out, STR("\",\"msg\":"));
	add_text(out, str_of(message), true);
}

/* False, and nothing added, when it does not fit. */
static bool add_whole_field(struct buf *line, const struct log_field *field, bool json)
{
	size_t before = line->len;

	if (line->failed)
		return false;
	add_field(line, field, json);
	if (!line->failed)
		return true;
	buf_cut(line, before);
	return false;
}

/* Fields that don't fit are named instead: the line still says what happened. */
static void add_fields(struct buf *line, const struct log_field *fields, size_t count, bool json)
{
	cleanup(buf) struct buf omitted = buf_init(OMITTED_ROOM);

	line->max = LIMIT_LOG_LINE - 2 * OMITTED_ROOM;
	for (size_t i = 0; i < count; i++) {
		if (add_whole_field(line, &fields[i], json))
			continue;
		buf_add_c(&omitted, omitted.len ? "," : "");
		buf_add_c(&omitted, fields[i].name);
	}
	line->max = LIMIT_LOG_LINE;
	if (omitted.len > 0)
		add_field(line, &LOG_STR("omitted", buf_str(&omitted)), json);
}

bool log_start(struct err *e)
{
	return log_writer_start(e);
}

void log_stop(void)
{
	log_writer_stop();
}

void log_flush(void)
{
	log_writer_flush();
}

void log_fields(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
	bool json = !atomic_load_explicit(&as_text, memory_order_relaxed);
	if (!log_enabled(level))
		return;
	cleanup(buf) struct buf line = buf_init(LIMIT_LOG_LINE);
	buf_reserve(&line, USUAL_LINE);
	add_head(&line, level, message, json);
	add_fields(&line, fields, count, json);
	buf_add_c(&line, json ? "}\n" : "\n");
	if (!line.failed)
		log_writer_put(buf_str(&line));
}
