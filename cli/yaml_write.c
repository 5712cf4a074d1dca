#include "cli/yaml_write.h"

enum { STEP = 2 };

static void write_block(const json_t *value, int indent, struct buf *out);

/* Words that YAML 1.1 readers take for null or a bool. */
static bool is_word_with_meaning(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_nocase(str_of(text), str_of(words[i])))
			return true;
	return false;
}

static bool is_plain(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";

	if (!*text || !(strchr(letters, *text) || *text == '/'))
		return false;
	return strspn(text, others) == strlen(text) && !is_word_with_meaning(text);
}

static void write_text(const char *text, struct buf *out)
{
	if (is_plain(text))
		buf_add_c(out, text);
	else
		buf_add_json_string(out, str_of(text));
}

static void write_scalar(const json_t *value, struct buf *out)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		write_text(json_string_value(value), out);
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		buf_printf(out, "%.17g", json_real_value(value));
		break;
	case JSON_TRUE:
		buf_add_c(out, "true");
		break;
	case JSON_FALSE:
		buf_add_c(out, "false");
		break;
	default:
		buf_add_c(out, "null");
	}
}

static bool is_container(const json_t *value)
{
	return json_is_object(value) || json_is_array(value);
}

static bool holds_containers(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (is_container(json_array_get(list, i)))
			return true;
	return false;
}

static void write_flow(const json_t *list, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i > 0)
			buf_add_c(out, ", ");
		write_scalar(json_array_get(list, i), out);
	}
	buf_add_char(out, ']');
}

/* What follows "key:" or "-". */
static void write_value(const json_t *value, int indent, struct buf *out)
{
	if (json_is_object(value) && json_object_size(value) == 0) {
		buf_add_c(out, " {}\n");
	} else if (json_is_array(value) && !holds_containers(value)) {
		buf_add_char(out, ' ');
		write_flow(value, out);
		buf_add_char(out, '\n');
	} else if (is_container(value)) {
		buf_add_char(out, '\n');
		write_block(value, indent, out);
	} else {
		buf_add_char(out, ' ');
		write_scalar(value, out);
		buf_add_char(out, '\n');
	}
}

/* `first` is where the first member stands: behind "- " or at the indent. */
static void write_map(const json_t *map, int indent, bool first, struct buf *out)
{
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)map, key, member)
	{
		if (!first)
			buf_printf(out, "%*s", indent, "");
		first = false;
		write_text(key, out);
		buf_add_char(out, ':');
		write_value(member, json_is_array(member) ? indent : indent + STEP, out);
	}
}

static void write_list(const json_t *list, int indent, struct buf *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		buf_printf(out, "%*s-", indent, "");
		if (json_is_object(item) && json_object_size(item) > 0) {
			buf_add_char(out, ' ');
			write_map(item, indent + STEP, true, out);
		} else {
			write_value(item, indent + STEP, out);
		}
	}
}

static void write_block(const json_t *value, int indent, struct buf *out)
{
	if (json_is_object(value))
		write_map(value, indent, false, out);
	else
		write_list(value, indent, out);
}

bool yaml_write(const json_t *value, struct buf *out, struct err *e)
{
	if (!json_is_object(value))
		return err_set(e, ERR_INTERNAL, "only a map is written as a document");
	if (json_object_size(value) == 0)
		buf_add_c(out, "{}\n");
	write_block(value, 0, out);
	return buf_ok(out, e);
}
