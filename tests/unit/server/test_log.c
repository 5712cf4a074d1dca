#include "policy/line.h"
#include "server/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/limits.h"

static char packet[2 * LIMIT_LOG_LINE];

/* Standard error becomes a socket that keeps packets apart: one write(2) is one packet. */
struct capture {
	int saved;
	int reader;
};

static struct capture capture_begin(void)
{
	struct capture c;
	int pair[2], size = 4 * (int)LIMIT_LOG_LINE;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	c.saved = dup(STDERR_FILENO);
	c.reader = pair[0];
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	return c;
}

/* The packets since capture_begin; the last one is in `packet`, terminated. */
static size_t capture_end(struct capture c, size_t *length)
{
	size_t packets = 0;
	dup2(c.saved, STDERR_FILENO);
	close(c.saved);
	for (ssize_t n; (n = recv(c.reader, packet, sizeof(packet) - 1, MSG_DONTWAIT)) > 0; packets++) {
		packet[n] = 0;
		*length = (size_t)n;
	}
	close(c.reader);
	return packets;
}

/* Logs one line with these fields and gives it. */
static size_t one_line(const char *message, const struct log_field *fields, size_t count)
{
	size_t length = 0;
	struct capture c = capture_begin();
	log_fields(LOG_INFO, message, fields, count);
	size_t packets = capture_end(c, &length);
	assert_int_equal(packets, 1);
	assert_ptr_equal(strchr(packet, '\n'), packet + length - 1);
	return length;
}

static json_t *parse_packet(void)
{
	json_error_t error;
	json_t *line = json_loads(packet, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!line)
		fail_msg("%s: %s", error.text, packet);
	return line;
}

static void a_line_is_one_json_object_in_one_write(void **state)
{
	(void)state;
	log_setup("json", "info");
	struct log_field fields[] = {LOG_C("listener", "api"), LOG_INT("port", -8080), LOG_FLAG("open", true),
				     LOG_JSON("list", STR("[1,\n\t2]")), LOG_JSON("none", str_of(NULL))};
	one_line("listening", fields, 5);
	json_t *line = parse_packet();
	assert_string_equal(json_string_value(json_object_get(line, "msg")), "listening");
	assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
	assert_int_equal(json_integer_value(json_object_get(line, "port")), -8080);
	assert_true(json_is_true(json_object_get(line, "open")));
	assert_int_equal(json_array_size(json_object_get(line, "list")), 2);
	assert_true(json_is_null(json_object_get(line, "none")));
	const char *time = json_string_value(json_object_get(line, "time"));
	assert_true(time[strlen(time) - 1] == 'Z' && time[10] == 'T');
	json_decref(line);
}

static void a_line_may_have_no_fields(void **state)
{
	(void)state;
	log_setup("json", "info");
	struct capture c = capture_begin();
	size_t length = 0;
	log_line(LOG_INFO, "stopped");
	assert_int_equal(capture_end(c, &length), 1);
	json_decref(parse_packet());
}

/* But for the line break at its end. */
static void assert_shows_as_it_is(void)
{
	assert_true(line_is_plain(str_make(packet, strlen(packet) - 1)));
}

static void nothing_sent_by_a_caller_starts_a_line(void **state)
{
	(void)state;
	static const struct str hostile[] = {
		{"a\nb", 3},
		{"\r\n{\"msg\":\"decision\"}\n", 22},
		{"\"}\n{\"", 6},
		{"back\\slash\\", 11},
		{"nul\0inside", 10},
		{"\x80\xff\xc0\xaf\xed\xa0\x80", 7},
		{"\x1b[31mred", 8},
		{"\xe2\x80\xa8separator\xc2\x85", 14},
		{"\xc2\x9b"
		 "31m\x7f",
		 6},
		{"\xe2\x80\xaeturned\xe2\x81\xa6\xd8\x9c", 14},
		{NULL, 0},
	};
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct log_field field = LOG_STR("user", hostile[i]);
		log_setup("json", "info");
		one_line("decision", &field, 1);
		json_t *line = parse_packet();
		assert_int_equal(json_object_size(line), 4);
		assert_string_equal(json_string_value(json_object_get(line, "msg")), "decision");
		json_decref(line);
		assert_shows_as_it_is();
		log_setup("text", "info");
		one_line("decision", &field, 1);
		assert_shows_as_it_is();
	}
}

static void text_is_quoted_when_it_could_be_read_otherwise(void **state)
{
	(void)state;
	log_setup("text", "info");
	struct log_field fields[] = {
		LOG_C("a", "plain/text:1"), LOG_C("b", "two words"), LOG_C("c", "x=y"), LOG_C("d", ""), LOG_INT("e", 5),
		LOG_FLAG("f", false)};
	one_line("started", fields, 6);
	assert_non_null(strstr(packet, " info  started a=plain/text:1 b=\"two words\" c=\"x=y\" d=\"\" e=5 f=false\n"));
}

static void levels_below_the_chosen_one_are_silent_but_for_records(void **state)
{
	(void)state;
	static const char *const names[] = {"error", "warn", "info", "debug"};
	for (int chosen = LOG_ERROR; chosen <= LOG_DEBUG; chosen++)
		for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
			size_t length = 0;
			struct capture c = capture_begin();
			log_setup("json", names[chosen]);
			log_fields((enum log_level)level, "x", NULL, 0);
			assert_int_equal(capture_end(c, &length), level <= chosen ? 1 : 0);
			assert_int_equal(log_enabled((enum log_level)level), level <= chosen);
		}
	log_setup("json", "error");
	{
		size_t length = 0;
		struct capture c = capture_begin();

		log_fields(LOG_RECORD, "decision", NULL, 0);
		assert_int_equal(capture_end(c, &length), 1);
	}
	log_setup("yaml", "loud");
	assert_true(log_enabled(LOG_INFO));
	assert_false(log_enabled(LOG_DEBUG));
}

static void a_field_that_does_not_fit_is_named_instead(void **state)
{
	(void)state;
	static char big[LIMIT_LOG_LINE];
	memset(big, 'x', sizeof(big));
	log_setup("json", "info");
	struct log_field fields[] = {LOG_C("uid", "1"), LOG_STR("images", str_make(big, sizeof(big))),
				     LOG_C("user", "bob")};
	size_t length = one_line("decision", fields, 3);
	assert_true(length <= LIMIT_LOG_LINE);
	json_t *line = parse_packet();
	assert_null(json_object_get(line, "images"));
	assert_string_equal(json_string_value(json_object_get(line, "omitted")), "images");
	assert_string_equal(json_string_value(json_object_get(line, "user")), "bob");
	json_decref(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_one_json_object_in_one_write),
		cmocka_unit_test(a_line_may_have_no_fields),
		cmocka_unit_test(nothing_sent_by_a_caller_starts_a_line),
		cmocka_unit_test(text_is_quoted_when_it_could_be_read_otherwise),
		cmocka_unit_test(levels_below_the_chosen_one_are_silent_but_for_records),
		cmocka_unit_test(a_field_that_does_not_fit_is_named_instead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
