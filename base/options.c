#include "base/options.h"

#include "base/cleanup.h"
#include "base/spelling.h"

static bool *as_switch(const struct option *o, void *target)
{
	return (bool *)(void *)((char *)target + o->offset);
}

static const char **as_text(const struct option *o, void *target)
{
	return (const char **)(void *)((char *)target + o->offset);
}

static struct option_list *as_list(const struct option *o, void *target)
{
	return (struct option_list *)(void *)((char *)target + o->offset);
}

static const struct option *find_name(const struct option_table *table, struct str name)
{
	for (size_t i = 0; i < table->count; i++)
		if (str_eq_c(name, table->options[i].name))
			return &table->options[i];
	return NULL;
}

static const struct option *find_letter(const struct option_table *table, char letter)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->options[i].letter == letter)
			return &table->options[i];
	return NULL;
}

static const struct option *nearest(const struct option_table *table, struct str name)
{
	const struct option *best = NULL;
	size_t least = spelling_limit(name);

	for (size_t i = 0; i < table->count; i++)
		if (spelling_nearer(name, str_of(table->options[i].name), &least))
			best = &table->options[i];
	return best;
}

static bool unknown_option(const struct option_table *table, struct str name, const char *dashes, struct err *e)
{
	const struct option *near = nearest(table, name);
	if (near)
		return err_set(e, ERR_INVALID, "unknown option (did you mean %s%s?)", dashes, near->name);
	return err_set(e, ERR_INVALID, "unknown option");
}

static bool is_choice(const struct option *o, struct str value)
{
	struct str rest = str_of(o->choices);
	while (rest.len > 0) {
		size_t end = str_find(rest, '|');
		if (str_eq(str_head(rest, end), value))
			return true;
		rest = str_skip(rest, end + 1);
	}
	return false;
}

static bool replace_text(const char **field, struct str value, struct err *e)
{
	char *copy = strndup(value.ptr ? value.ptr : "", value.len);
	if (!copy)
		return err_no_memory(e);
	free((char *)*field);
	*field = copy;
	return true;
}

static void clear_items(struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free((char *)list->items[i]);
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

static bool append(struct option_list *list, const char *item, struct err *e)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return err_no_memory(e);
	items[list->count++] = item;
	list->items = items;
	return true;
}

static bool append_copy(struct option_list *list, struct str value, struct err *e)
{
	cleanup(memory) char *copy = strndup(value.ptr, value.len);
	if (!copy)
		return err_no_memory(e);
	if (!append(list, copy, e))
		return false;
	copy = NULL;
	return true;
}

static bool add_item(struct option_list *list, struct str value, struct err *e)
{
	if (value.len > 0)
		return append_copy(list, value, e);
	clear_items(list);
	list->cleared = true;
	return true;
}

static bool set_switch(bool *field, struct str value, struct err *e)
{
	if (!str_eq_c(value, "true") && !str_eq_c(value, "false"))
		return err_set(e, ERR_INVALID, "must be true or false");
	*field = str_eq_c(value, "true");
	return true;
}

static bool set_choice(const struct option *o, void *target, struct str value, struct err *e)
{
	if (!is_choice(o, value))
		return err_set(e, ERR_INVALID, "must be one of %s", o->choices);
	return replace_text(as_text(o, target), value, e);
}

static bool set_value(const struct option *o, void *target, struct str value, struct err *e)
{
	if (value.len > 0 && memchr(value.ptr, 0, value.len))
		return err_set(e, ERR_INVALID, "must not contain a NUL");
	switch (o->type) {
	case OPTION_SWITCH:
		return set_switch(as_switch(o, target), value, e);
	case OPTION_TEXT:
		return replace_text(as_text(o, target), value, e);
	case OPTION_LIST:
		return add_item(as_list(o, target), value, e);
	case OPTION_CHOICE:
		return set_choice(o, target, value, e);
	}
	return err_set(e, ERR_INTERNAL, "option without a type");
}

/* The first item given replaces a default. */
static void begin_list(const struct option *o, void *target)
{
	if (o->type != OPTION_LIST)
		return;
	clear_items(as_list(o, target));
	as_list(o, target)->given = true;
	as_list(o, target)->cleared = false;
}

bool options_defaults(const struct option_table *table, void *target, struct err *e)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *o = &table->options[i];
		if (o->standard && !set_value(o, target, str_of(o->standard), e))
			return err_context(e, "--%s", o->name);
	}
	return true;
}

bool options_set(const struct option_table *table, const char *name, struct str value, void *target, struct err *e)
{
	const struct option *o = find_name(table, str_of(name));
	if (!o) {
		(void)unknown_option(table, str_of(name), "", e);
		return err_context(e, "%s", name);
	}
	if (o->flag_only)
		return err_set(e, ERR_INVALID, "%s: is a flag only, not a key of the configuration file", name);
	if (o->type == OPTION_LIST && !as_list(o, target)->given)
		begin_list(o, target);
	return set_value(o, target, value, e) || err_context(e, "%s", name);
}

void option_list_release(struct option_list *list)
{
	free(list->items);
	*list = (struct option_list){0};
}

void options_release(const struct option_table *table, void *target)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *o = &table->options[i];
		if (o->type == OPTION_LIST) {
			clear_items(as_list(o, target));
			*as_list(o, target) = (struct option_list){0};
		} else if (o->type != OPTION_SWITCH) {
			free((char *)*as_text(o, target));
			*as_text(o, target) = NULL;
		} else {
			*as_switch(o, target) = false;
		}
	}
}

/* One walk over argv. */
struct parser {
	const struct option_table *table;
	void *target;
	char **argv;
	int argc;
	int at;	    /* the word being read */
	bool *seen; /* which options were given */
	struct option_list arguments;
};

static bool next_word(struct parser *p, struct str *value, struct err *e)
{
	if (p->at + 1 >= p->argc)
		return err_set(e, ERR_INVALID, "needs a value");
	const char *word = p->argv[p->at + 1];
	if (strncmp(word, "--", 2) == 0)
		return err_set(e, ERR_INVALID, "needs a value (write a value that begins with -- after a =)");
	p->at++;
	*value = str_of(word);
	return true;
}

/* `attached` is what stands behind "=" or the letter; its ptr is NULL when nothing does. */
static bool give(struct parser *p, const struct option *o, struct str attached, struct err *e)
{
	bool *seen = &p->seen[o - p->table->options];
	struct str value = attached;
	if (*seen && o->type != OPTION_LIST)
		return err_set(e, ERR_INVALID, "given twice");
	if (!value.ptr && o->type == OPTION_SWITCH)
		value = STR("true");
	if (!value.ptr && !next_word(p, &value, e))
		return false;
	if (!*seen)
		begin_list(o, p->target);
	*seen = true;
	return set_value(o, p->target, value, e);
}

static bool long_option(struct parser *p, const char *word, struct err *e)
{
	struct str all = str_of(word + 2);
	size_t equals = str_find(all, '=');
	struct str name = str_head(all, equals);
	const struct option *o = find_name(p->table, name);
	struct str value = equals < all.len ? str_skip(all, equals + 1) : (struct str){NULL, 0};
	bool done = o ? give(p, o, value, e) : unknown_option(p->table, name, "--", e);
	return done || err_context(e, "--%.*s", STR_ARG(name));
}

static bool short_option(struct parser *p, const char *word, struct err *e)
{
	const struct option *o = find_letter(p->table, word[1]);
	struct str value = word[2] ? str_of(word + 2) : (struct str){NULL, 0};
	if (!o)
		return err_set(e, ERR_INVALID, "%s: unknown option", word);
	return give(p, o, value, e) || err_context(e, "-%c", o->letter);
}

static bool parse_word(struct parser *p, bool *only_arguments, struct err *e)
{
	const char *word = p->argv[p->at];
	if (*only_arguments || word[0] != '-' || word[1] == 0)
		return append(&p->arguments, word, e);
	if (strcmp(word, "--") == 0) {
		*only_arguments = true;
		return true;
	}
	return word[1] == '-' ? long_option(p, word, e) : short_option(p, word, e);
}

static bool parse_words(struct parser *p, bool arguments_allowed, struct err *e)
{
	bool only_arguments = false;
	for (p->at = 1; p->at < p->argc; p->at++) {
		if (!parse_word(p, &only_arguments, e))
			return false;
		if (p->arguments.count > 0 && !arguments_allowed)
			return err_set(e, ERR_INVALID, "%s: unexpected argument", p->arguments.items[0]);
	}
	return true;
}

bool options_parse(const struct option_table *table, int argc, char **argv, void *target, struct option_list *arguments,
		   struct err *e)
{
	cleanup(memory) bool *seen = calloc(table->count + 1, sizeof(*seen));
	struct parser p = {.table = table, .target = target, .argv = argv, .argc = argc, .seen = seen};
	if (!seen)
		return err_no_memory(e);
	if (!parse_words(&p, arguments != NULL, e)) {
		option_list_release(&p.arguments);
		return false;
	}
	if (arguments) {
		p.arguments.given = p.arguments.count > 0;
		*arguments = p.arguments;
	}
	return true;
}
