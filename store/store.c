#include "store/store.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store/store_private.h"

static const struct store_driver *const drivers[] = {&sqlite_driver};
#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

struct store *store_open(const char *url, enum store_mode mode, struct err *e)
{
	for (size_t i = 0; i < DRIVERS; i++) {
		size_t scheme = strlen(drivers[i]->scheme);

		if (strncmp(url, drivers[i]->scheme, scheme) == 0 && url[scheme] == ':')
			return drivers[i]->open(url + scheme + 1, mode, e);
	}
	err_set(e, ERR_INVALID, "store URL \"%s\": not one of sqlite:PATH", url);
	return NULL;
}

void store_close(struct store *store)
{
	if (store)
		store->driver->close(store);
}

bool store_check(struct store *s, int64_t deadline_ms, struct err *e)
{
	return s->driver->check(s, deadline_ms, e);
}

bool store_version(struct store *s, int64_t deadline_ms, uint64_t *version, struct err *e)
{
	return s->driver->version(s, deadline_ms, version, e);
}

void store_observe(struct store *s, store_observer *observer, void *context)
{
	s->observer = observer;
	s->observer_context = context;
}

/* The names of operations in store_observer. */
static const char *const change_names[STORE_ENTITIES][STORE_ACTIONS] = {
	[STORE_PROJECT] = {"create_project", "update_project", "delete_project"},
	[STORE_NOTE] = {"create_note", "update_note", "delete_note"},
	[STORE_OCCURRENCE] = {"create_occurrence", "update_occurrence", "delete_occurrence"},
	[STORE_OPERATION] = {"create_operation", "update_operation", "delete_operation"},
	[STORE_HINT] = {"create_hint", "update_hint", "delete_hint"},
};
static const char *const get_names[STORE_ENTITIES] = {"get_project", "get_note", "get_occurrence", "get_operation",
						      "get_hint"};
static const char *const list_names[STORE_LISTINGS] = {"list_projects", "list_notes", "list_occurrences",
						       "list_note_occurrences", "list_operations"};

/* How errors call a row: its noun and the collection in its name. */
static const struct {
	const char *noun;
	const char *collection;
} words[STORE_ENTITIES] = {
	[STORE_PROJECT] = {"project", "projects"},	    [STORE_NOTE] = {"note", "notes"},
	[STORE_OCCURRENCE] = {"occurrence", "occurrences"}, [STORE_OPERATION] = {"operation", "operations"},
	[STORE_HINT] = {"attestation", "occurrences"},
};

static bool name_error(struct err *e, enum err_kind kind, const struct store_name *name, const char *what)
{
	const char *noun = words[name->entity].noun;

	if (name->entity == STORE_PROJECT)
		return err_set(e, kind, "%s \"projects/%.*s\" %s", noun, STR_ARG(name->id), what);
	return err_set(e, kind, "%s \"projects/%.*s/%s/%.*s\" %s", noun, STR_ARG(name->project),
		       words[name->entity].collection, STR_ARG(name->id), what);
}

bool store_name_taken(struct err *e, const struct store_name *name)
{
	return name_error(e, ERR_EXISTS, name, "already exists");
}

bool store_name_unknown(struct err *e, const struct store_name *name)
{
	return name_error(e, ERR_NOT_FOUND, name, "does not exist");
}

bool store_row_changed(struct err *e, const struct store_name *name)
{
	return name_error(e, ERR_CHANGED, name, "was changed meanwhile");
}

static void observe(const struct store *s, const char *operation, int64_t started_us)
{
	if (s->observer)
		s->observer(s->observer_context, operation, clock_monotonic_us() - started_us);
}

static bool check_change(const struct store *s, const struct store_change *c, struct err *e)
{
	const struct store_name *name = &c->name;

	if (s->mode == STORE_READ_ONLY)
		return err_set(e, ERR_UNSUPPORTED, "the store is open for reading only");
	if (name->id.len == 0 || (name->entity != STORE_PROJECT && name->project.len == 0))
		return err_set(e, ERR_INVALID, "the id of a %s may not be empty", words[name->entity].noun);
	if (name->id.len > LIMIT_ID || name->project.len > LIMIT_ID)
		return err_set(e, ERR_INVALID, "the id of a %s may have at most %u bytes", words[name->entity].noun,
			       LIMIT_ID);
	return true;
}

static bool change(struct store *s, const struct store_change *c, int64_t deadline_ms, struct err *e)
{
	int64_t started = clock_monotonic_us();
	bool ok = check_change(s, c, e) && s->driver->change(s, c, deadline_ms, e);

	observe(s, change_names[c->name.entity][c->action], started);
	return ok;
}

static bool get(struct store *s, struct store_name name, int64_t deadline_ms, struct arena *arena, struct str *json,
		struct err *e)
{
	int64_t started = clock_monotonic_us();
	bool ok = s->driver->get(s, &name, deadline_ms, arena, json, e);

	observe(s, get_names[name.entity], started);
	return ok;
}

static bool list_page(struct store *s, const struct store_list *l, int64_t deadline_ms, struct arena *arena,
		      struct row_list *out, struct err *e)
{
	struct store_page page;
	struct str next = STR("");

	if (!s->driver->list(s, l, deadline_ms, arena, &page, e))
		return false;
	if (page.more && !page_token_make(l->listing, l->scope, page.last, arena, &next, e))
		return false;
	*out = (struct row_list){page.json, page.count, next};
	return true;
}

static bool list(struct store *s, enum store_listing listing, struct str scope, struct page page, int64_t deadline_ms,
		 struct arena *arena, struct row_list *out, struct err *e)
{
	struct store_list l = {.listing = listing, .scope = scope, .limit = page.limit};
	int64_t started = clock_monotonic_us();
	bool ok;

	if (page.limit < 1 || page.limit > LIMIT_PAGE_SIZE)
		return err_set(e, ERR_INVALID, "a page has 1 to %u rows", LIMIT_PAGE_SIZE);
	ok = page_token_read(listing, scope, page.token, arena, &l.after, e) &&
	     list_page(s, &l, deadline_ms, arena, out, e);
	observe(s, list_names[listing], started);
	return ok;
}

static bool walk(struct store *s, const char *operation, const struct store_walk *w, int64_t deadline_ms, struct err *e)
{
	int64_t started = clock_monotonic_us();
	bool ok = s->driver->walk(s, w, deadline_ms, e);

	observe(s, operation, started);
	return ok;
}

bool store_create_project(struct store *s, const struct project_row *row, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_CREATE, {STORE_PROJECT, STR(""), row->id}, {.project = row}};

	return change(s, &c, deadline_ms, e);
}

bool store_get_project(struct store *s, struct str id, int64_t deadline_ms, struct arena *arena, struct str *json,
		       struct err *e)
{
	return get(s, (struct store_name){STORE_PROJECT, STR(""), id}, deadline_ms, arena, json, e);
}

bool store_list_projects(struct store *s, struct page page, int64_t deadline_ms, struct arena *arena,
			 struct row_list *out, struct err *e)
{
	return list(s, LIST_PROJECTS, STR(""), page, deadline_ms, arena, out, e);
}

bool store_delete_project(struct store *s, struct str id, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {.action = STORE_DELETE, .name = {STORE_PROJECT, STR(""), id}};

	return change(s, &c, deadline_ms, e);
}

bool store_create_note(struct store *s, const struct note_row *row, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_CREATE, {STORE_NOTE, row->project, row->id}, {.note = row}};

	return change(s, &c, deadline_ms, e);
}

bool store_update_note(struct store *s, const struct note_row *row, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_UPDATE, {STORE_NOTE, row->project, row->id}, {.note = row}};

	return change(s, &c, deadline_ms, e);
}

bool store_get_note(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct arena *arena,
		    struct str *json, struct err *e)
{
	return get(s, (struct store_name){STORE_NOTE, project, id}, deadline_ms, arena, json, e);
}

bool store_list_notes(struct store *s, struct str project, struct page page, int64_t deadline_ms, struct arena *arena,
		      struct row_list *out, struct err *e)
{
	return list(s, LIST_NOTES, project, page, deadline_ms, arena, out, e);
}

bool store_delete_note(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {.action = STORE_DELETE, .name = {STORE_NOTE, project, id}};

	return change(s, &c, deadline_ms, e);
}

bool store_create_occurrence(struct store *s, const struct occurrence_row *row, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_CREATE, {STORE_OCCURRENCE, row->project, row->id}, {.occurrence = row}};

	return change(s, &c, deadline_ms, e);
}

bool store_update_occurrence(struct store *s, const struct occurrence_row *row, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_UPDATE, {STORE_OCCURRENCE, row->project, row->id}, {.occurrence = row}};

	return change(s, &c, deadline_ms, e);
}

bool store_get_occurrence(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct arena *arena,
			  struct str *json, struct err *e)
{
	return get(s, (struct store_name){STORE_OCCURRENCE, project, id}, deadline_ms, arena, json, e);
}

bool store_list_occurrences(struct store *s, struct str project, struct page page, int64_t deadline_ms,
			    struct arena *arena, struct row_list *out, struct err *e)
{
	return list(s, LIST_OCCURRENCES, project, page, deadline_ms, arena, out, e);
}

bool store_list_note_occurrences(struct store *s, struct str note, struct page page, int64_t deadline_ms,
				 struct arena *arena, struct row_list *out, struct err *e)
{
	return list(s, LIST_NOTE_OCCURRENCES, note, page, deadline_ms, arena, out, e);
}

bool store_delete_occurrence(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {.action = STORE_DELETE, .name = {STORE_OCCURRENCE, project, id}};

	return change(s, &c, deadline_ms, e);
}

bool store_create_operation(struct store *s, const struct operation_row *row, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_CREATE, {STORE_OPERATION, row->project, row->id}, {.operation = row}};

	return change(s, &c, deadline_ms, e);
}

bool store_update_operation(struct store *s, const struct operation_row *row, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_UPDATE, {STORE_OPERATION, row->project, row->id}, {.operation = row}};

	return change(s, &c, deadline_ms, e);
}

bool store_get_operation(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct arena *arena,
			 struct str *json, struct err *e)
{
	return get(s, (struct store_name){STORE_OPERATION, project, id}, deadline_ms, arena, json, e);
}

bool store_list_operations(struct store *s, struct str project, struct page page, int64_t deadline_ms,
			   struct arena *arena, struct row_list *out, struct err *e)
{
	return list(s, LIST_OPERATIONS, project, page, deadline_ms, arena, out, e);
}

bool store_delete_operation(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {.action = STORE_DELETE, .name = {STORE_OPERATION, project, id}};

	return change(s, &c, deadline_ms, e);
}

bool store_attestations(struct store *s, struct str digest, const struct str *notes, size_t note_count,
			int64_t deadline_ms, attestation_visitor *visit, void *context, struct err *e)
{
	struct store_walk w = {digest, notes, note_count, false, visit, context};

	return walk(s, "attestations", &w, deadline_ms, e);
}

bool store_hinted_attestations(struct store *s, struct str digest, const struct str *notes, size_t note_count,
			       int64_t deadline_ms, attestation_visitor *visit, void *context, struct err *e)
{
	struct store_walk w = {digest, notes, note_count, true, visit, context};

	return walk(s, "hinted_attestations", &w, deadline_ms, e);
}

bool store_keep_hint(struct store *s, const struct attestation_hint *hint, int64_t deadline_ms, struct err *e)
{
	struct store_change c = {STORE_CREATE, {STORE_HINT, hint->project, hint->id}, {.hint = hint}};

	return change(s, &c, deadline_ms, e);
}
