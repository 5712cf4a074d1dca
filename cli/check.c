#include "cli/check.h"

#include "base/limits.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "policy/workload.h"

/* Facts and findings of one object: what the webhook keeps in its store stands in memory here. */
#define DECISION_MEMORY (512u * 1024 * 1024)

bool check_init(struct check *check, struct err *e)
{
	check->text = buf_init(VERB_OUTPUT_MAX);
	check->results = json_array();
	return check->results || err_no_memory(e);
}

void check_release(struct check *check)
{
	buf_release(&check->text);
	json_decref(check->results);
}

static struct str namespace_of(const struct check *check, const struct object *object)
{
	return object->namespace_.len ? object->namespace_ : check->namespace_;
}

static bool is_exempt(const struct check *check, struct str namespace_)
{
	const struct option_list *more = check->exempt_namespaces;

	for (size_t i = 0; i < more->count; i++)
		if (str_eq_c(namespace_, more->items[i]))
			return true;
	return !more->cleared && (str_eq_c(namespace_, "kube-system") || str_eq_c(namespace_, "kube-node-lease"));
}

/* The object as the webhook reads it: the same strict pass over the same bytes. */
static bool read_images(const struct object *object, const struct workload_kind *row, struct arena *arena,
			struct image_uses *uses, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_REVIEW_BODY);
	struct json_doc doc;
	struct str copy;

	if (!json_write(object->value, &text, e))
		return false;
	copy = arena_copy(arena, buf_str(&text));
	if (!copy.ptr)
		return err_no_memory(e);
	return json_doc_parse(copy, NULL, arena, &doc, e) && workload_images(row, &doc, 0, arena, uses, e);
}

static const json_t *find_namespace(const struct check *check, struct str name)
{
	for (size_t i = 0; check->given && i < check->given->count; i++) {
		const struct object *object = &check->given->items[i];

		if (object->group.len == 0 && str_eq_c(object->kind, "Namespace") && str_eq(object->name, name))
			return object->value;
	}
	return NULL;
}

/* False when the namespace is not given: what it would be labelled is not known. */
static bool find_labels(const struct check *check, struct str namespace_, struct arena *arena, struct labels *out)
{
	const json_t *namespace = find_namespace(check, namespace_);
	json_t *given = json_object_get(json_object_get(namespace, "metadata"), "labels");
	struct label *items = arena_array(arena, json_object_size(given) + 1, sizeof(*items));
	size_t count = 0;
	const char *key;
	json_t *value;

	if (!namespace || !items)
		return false;
	/* The API server gives this one to every namespace. */
	items[count++] = (struct label){STR("kubernetes.io/metadata.name"), namespace_};
	json_object_foreach(given, key, value)
	{
		if (strcmp(key, "kubernetes.io/metadata.name") != 0)
			items[count++] = (struct label){str_of(key), json_text_of(value)};
	}
	*out = (struct labels){items, count};
	return true;
}

static void decide(struct check *check, const struct object *object, const struct image_uses *uses, struct arena *arena,
		   struct decision *out)
{
	struct facts facts = facts_watch_interface(&check->watch);
	struct subject subject = {
		.namespace_ = namespace_of(check, object),
		.group = object->group,
		.kind = object->kind,
		.service_account = uses->service_account,
	};
	struct labels labels;

	if (find_labels(check, subject.namespace_, arena, &labels))
		subject.labels = &labels;
	judge_decide(check->judge, &facts, &subject, uses, arena, out);
}

static void add_heading(struct check *check, const struct object *object)
{
	struct buf *out = &check->text;

	terminal_add(out, object->file);
	buf_add_c(out, ": ");
	terminal_add(out, object->kind);
	buf_add_char(out, ' ');
	terminal_add(out, namespace_of(check, object));
	buf_add_char(out, '/');
	terminal_add(out, object->name.len ? object->name : STR("(no name)"));
	buf_add_char(out, '\n');
}

static bool add_rows(struct check *check, const struct decision *decision, struct err *e)
{
	static const char *const heads[] = {"IMAGE", "PLACE", "POLICY", "VERDICT", "REASON"};
	cleanup(terminal_table) struct terminal_table *table = terminal_table_new(heads, 5);

	if (!table)
		return err_no_memory(e);
	for (size_t i = 0; i < decision->judgement_count; i++) {
		const struct judgement *row = &decision->judgements[i];
		const struct str cells[] = {row->image, row->path, row->policy, judge_word(decision, row), row->reason};

		if (!terminal_table_row(table, cells, e))
			return false;
	}
	if (decision->judgement_count)
		terminal_table_write(table, 2, &check->text);
	return true;
}

/* A refusal that belongs to no row, such as too many images. */
static void add_findings(struct check *check, const struct decision *decision)
{
	for (size_t i = 0; decision->judgement_count == 0 && i < decision->finding_count; i++) {
		buf_add_c(&check->text, "  refused: ");
		terminal_add(&check->text, decision->findings[i].text);
		buf_add_char(&check->text, '\n');
	}
}

static json_t *json_of(const struct check *check, const struct object *object, const char *decision)
{
	json_t *value = json_object();

	(void)json_object_set_new(value, "file", json_from_str(object->file));
	(void)json_object_set_new(value, "document", json_integer((json_int_t)object->document));
	(void)json_object_set_new(value, "group", json_from_str(object->group));
	(void)json_object_set_new(value, "kind", json_from_str(object->kind));
	(void)json_object_set_new(value, "namespace", json_from_str(namespace_of(check, object)));
	(void)json_object_set_new(value, "name", json_from_str(object->name));
	(void)json_object_set_new(value, "decision", json_string(decision));
	return value;
}

static bool report_decision(struct check *check, const struct object *object, const struct decision *decision,
			    size_t images, struct err *e)
{
	json_t *value = json_of(check, object, decision_kind_name(decision->kind));

	(void)json_object_set_new(value, "allowed", json_boolean(decision->allowed));
	(void)json_object_set_new(value, "images", judge_json(decision));
	if (json_array_append_new(check->results, value))
		return err_no_memory(e);
	check->images += images;
	check->refused += !decision->allowed;
	add_heading(check, object);
	if (images == 0 && decision->allowed)
		buf_add_c(&check->text, "  no images\n");
	add_findings(check, decision);
	return add_rows(check, decision, e);
}

static bool report_without_images(struct check *check, const struct object *object, const char *decision,
				  const char *why, struct err *e)
{
	json_t *value = json_of(check, object, decision);

	(void)json_object_set_new(value, "reason", json_string(why));
	if (json_array_append_new(check->results, value))
		return err_no_memory(e);
	add_heading(check, object);
	buf_add_c(&check->text, "  ");
	terminal_add(&check->text, str_of(why));
	buf_add_char(&check->text, '\n');
	return true;
}

static bool judge_workload(struct check *check, const struct object *object, const struct workload_kind *row,
			   struct err *e)
{
	cleanup(arena) struct arena object_memory = arena_init(LIMIT_REVIEW_MEMORY);
	cleanup(arena) struct arena memory = arena_init(DECISION_MEMORY);
	struct image_uses uses = {0};
	struct decision decision = {0};
	struct err problem = ERR_INIT;

	if (read_images(object, row, &object_memory, &uses, &problem))
		decide(check, object, &uses, &memory, &decision);
	else
		decision_refuse_object(&problem, &memory, &decision);
	if (check->watch.failed)
		return err_set(e, check->watch.error.kind, "%s", check->watch.error.text);
	return report_decision(check, object, &decision, uses.count, e);
}

bool check_object(struct check *check, const struct object *object, struct err *e)
{
	const struct workload_kind *row = workload_find(object->group, object->kind);

	check->objects++;
	if (!row)
		return report_without_images(check, object, "allow", "no images", e);
	if (is_exempt(check, namespace_of(check, object)))
		return report_without_images(check, object, "exempt", "the namespace is exempt", e);
	return judge_workload(check, object, row, e);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

void check_summary(struct check *check)
{
	buf_printf(&check->text, "\n%zu object%s, %zu image%s: %zu admitted, %zu refused\n", check->objects,
		   plural(check->objects), check->images, plural(check->images), check->objects - check->refused,
		   check->refused);
}

int check_status(const struct check *check)
{
	return check->refused ? EXIT_NO : EXIT_YES;
}
