#include "cli/objects.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/yaml.h"

/* Names and rows; the values belong to jansson. */
#define NAMES_MAX (256u * 1024 * 1024)

bool object_list_init(struct object_list *list, struct err *e)
{
	*list = (struct object_list){.arena = arena_init(NAMES_MAX), .documents = json_array()};
	return list->documents || err_no_memory(e);
}

void object_list_release(struct object_list *list)
{
	json_decref(list->documents);
	arena_release(&list->arena);
	*list = (struct object_list){0};
}

static bool append(struct object_list *list, const struct object *object, struct err *e)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 64;
	struct object *items = list->items;

	if (list->count == list->capacity) {
		items = arena_grow(&list->arena, items, list->capacity * sizeof(*items), capacity * sizeof(*items));
		if (!items)
			return err_set(e, ERR_TOO_LARGE, "too many objects");
		list->items = items;
		list->capacity = capacity;
	}
	items[list->count++] = *object;
	return true;
}

/* Where a document came from, and what its items inherit. */
struct origin {
	struct str file;
	size_t document;
	struct str api_version; /* of a typed list, for items that say nothing; "" otherwise */
	struct str kind;
};

static struct str or_else(struct str text, struct str otherwise)
{
	return text.len ? text : otherwise;
}

static bool add_object(struct object_list *list, const struct origin *from, json_t *value, struct err *e)
{
	const json_t *metadata = json_object_get(value, "metadata");
	struct str version = or_else(json_text(value, "apiVersion"), from->api_version);
	struct object object = {
		.file = from->file,
		.document = from->document,
		.kind = or_else(json_text(value, "kind"), from->kind),
		.namespace_ = json_text(metadata, "namespace"),
		.name = or_else(json_text(metadata, "name"), json_text(metadata, "generateName")),
		.value = value,
	};
	size_t slash = str_find(version, '/');

	if (!json_is_object(value))
		return err_set(e, ERR_INVALID, "%s is no Kubernetes object", json_type_name(value));
	if (version.len == 0 || object.kind.len == 0)
		return err_set(e, ERR_INVALID, "%s is missing", version.len ? "kind" : "apiVersion");
	if (slash < version.len)
		object.group = str_head(version, slash);
	return append(list, &object, e);
}

static bool is_list(const json_t *value)
{
	return str_ends_with(json_text(value, "kind"), STR("List")) && json_is_array(json_object_get(value, "items"));
}

static bool add_value(struct object_list *list, const struct origin *from, json_t *value, struct err *e);

static bool add_items(struct object_list *list, const struct origin *from, const json_t *value, struct err *e)
{
	struct str kind = json_text(value, "kind");
	json_t *items = json_object_get(value, "items");
	struct origin each = {.file = from->file, .document = from->document};

	if (kind.len > strlen("List")) {
		each.api_version = json_text(value, "apiVersion");
		each.kind = str_head(kind, kind.len - strlen("List"));
	}
	for (size_t i = 0; i < json_array_size(items); i++)
		if (!add_value(list, &each, json_array_get(items, i), e))
			return err_context(e, "items[%zu]", i);
	return true;
}

static bool add_value(struct object_list *list, const struct origin *from, json_t *value, struct err *e)
{
	return is_list(value) ? add_items(list, from, value, e) : add_object(list, from, value, e);
}

static bool add_documents(struct object_list *list, struct str file, json_t *documents, struct err *e)
{
	for (size_t i = 0; i < json_array_size(documents); i++) {
		struct origin from = {.file = file, .document = i + 1};

		if (!add_value(list, &from, json_array_get(documents, i), e))
			return err_context(e, "document %zu", i + 1);
	}
	return true;
}

bool object_list_add(struct object_list *list, const char *file, struct str text, struct err *e)
{
	struct str name = arena_copy(&list->arena, str_of(file));
	json_t *documents = NULL;

	if (!name.ptr)
		return err_no_memory(e);
	if (!yaml_read(text, &documents, e))
		return err_context(e, "%s", file);
	if (json_array_append_new(list->documents, documents))
		return err_no_memory(e);
	return add_documents(list, name, documents, e) || err_context(e, "%s", file);
}

static bool read_one(struct object_list *list, const char *path, struct err *e)
{
	bool standard_input = str_eq_c(str_of(path), "-");
	cleanup(buf) struct buf text = buf_init(OBJECTS_FILE_MAX);

	if (standard_input ? !file_read_fd(STDIN_FILENO, "standard input", &text, e) : !file_read(path, &text, e))
		return false;
	return object_list_add(list, standard_input ? "standard input" : path, buf_str(&text), e);
}

static int is_manifest(const struct dirent *entry)
{
	struct str name = str_of(entry->d_name);

	return name.ptr[0] != '.' && (str_ends_with(name, STR(".yaml")) || str_ends_with(name, STR(".yml")) ||
				      str_ends_with(name, STR(".json")));
}

static bool read_entry(struct object_list *list, const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "%s: the path is too long", dir);
	return read_one(list, path, e);
}

static bool read_directory(struct object_list *list, const char *dir, struct err *e)
{
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, is_manifest, alphasort);
	bool read = true;

	if (count < 0)
		return err_errno(e, "%s", dir);
	for (int i = 0; i < count; i++) {
		read = read && read_entry(list, dir, entries[i]->d_name, e);
		free(entries[i]);
	}
	free(entries);
	return read;
}

bool object_list_read(struct object_list *list, const char *path, struct err *e)
{
	struct stat st;

	if (!str_eq_c(str_of(path), "-") && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return read_directory(list, path, e);
	return read_one(list, path, e);
}
