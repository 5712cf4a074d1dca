#include "cli/facts_server.h"

#include "base/clock.h"
#include "base/codec.h"
#include "cli/grafeas_client.h"
#include "cli/kept_list.h"
#include "policy/image_ref.h"

enum { PATH_TEXT_MAX = 16 * 1024 };

/* All that one run may hold of a server's lists. */
#define KEPT_MAX (512u * 1024 * 1024)
#define NOTES_MAX 100000u

/* The attestations of one note, each with the digest that its resource names. */
struct listed {
	struct str digest;
	struct kept_attestation attestation;
};

struct note_list {
	struct str note;
	struct listed *items;
	size_t count;
	size_t capacity;
};

struct facts_server {
	struct judge *judge;
	struct http_client *client;
	const struct option_list *projects;
	struct arena arena;
	struct note_list *notes;
	size_t note_count;
	size_t note_capacity;
	bool all_listed;
};

struct facts_server *facts_server_new(struct judge *judge, struct http_client *client,
				      const struct option_list *projects, struct err *e)
{
	struct facts_server *source = calloc(1, sizeof(*source));

	if (!source) {
		err_no_memory(e);
		return NULL;
	}
	source->judge = judge;
	source->client = client;
	source->projects = projects;
	source->arena = arena_init(KEPT_MAX);
	return source;
}

void facts_server_free(struct facts_server *source)
{
	if (!source)
		return;
	arena_release(&source->arena);
	free(source);
}

/* Room for one more element of `size` bytes at *items. */
static bool reserve(struct arena *arena, void **items, size_t count, size_t *capacity, size_t size, struct err *e)
{
	size_t wanted = *capacity ? *capacity * 2 : 16;
	void *grown;

	if (count < *capacity)
		return true;
	grown = arena_grow(arena, *items, *capacity * size, wanted * size);
	if (!grown)
		return err_set(e, ERR_TOO_LARGE, "the server's lists are too long to hold in memory");
	*items = grown;
	*capacity = wanted;
	return true;
}

/* The signature under either of the names that v1alpha1 had for it; the empty str when there is none. */
static struct str signature_of(const json_t *occurrence)
{
	const json_t *details = json_object_get(occurrence, "attestation");

	if (!details)
		details = json_object_get(occurrence, "attestationDetails");
	return json_text(json_object_get(details, "pgpSignedAttestation"), "signature");
}

/* What stands behind the last "@"; nothing is proven by it, it only says which digest to file this under. */
static struct str digest_of(const json_t *occurrence)
{
	struct str resource = json_text(occurrence, "resourceUrl");
	size_t at = resource.len;

	while (at > 0 && resource.ptr[at - 1] != '@')
		at--;
	return at && image_digest_valid(str_skip(resource, at)) ? str_skip(resource, at) : (struct str){0};
}

static int64_t created_of(const json_t *occurrence)
{
	struct timestamp created = {0};

	if (!timestamp_parse(json_text(occurrence, "createTime"), &created))
		return 0;
	return created.seconds * 1000000 + created.nanoseconds / 1000;
}

struct listing {
	struct facts_server *source;
	struct note_list *list;
};

static bool keep(void *context, const json_t *occurrence, struct err *e)
{
	struct listing *listing = context;
	struct arena *arena = &listing->source->arena;
	struct note_list *list = listing->list;
	struct str signature = signature_of(occurrence);
	struct str digest = digest_of(occurrence);
	struct listed *item;
	void *room = list->items;

	/* The server sorts by note; whether it sorts right shows here. */
	if (signature.len == 0 || digest.len == 0 || !str_eq(json_text(occurrence, "noteName"), list->note))
		return true;
	if (!reserve(arena, &room, list->count, &list->capacity, sizeof(*item), e))
		return false;
	list->items = room;
	item = &list->items[list->count];
	item->digest = arena_copy(arena, digest);
	item->attestation = (struct kept_attestation){.name = arena_copy(arena, json_text(occurrence, "name")),
						      .note = list->note,
						      .signature = arena_copy(arena, signature),
						      .created_us = created_of(occurrence)};
	if (!item->digest.ptr || !item->attestation.name.ptr || !item->attestation.signature.ptr)
		return err_set(e, ERR_TOO_LARGE, "the server's lists are too long to hold in memory");
	list->count++;
	return true;
}

static const struct note_list *find_note(const struct facts_server *source, struct str note)
{
	for (size_t i = 0; i < source->note_count; i++)
		if (str_eq(source->notes[i].note, note))
			return &source->notes[i];
	return NULL;
}

static bool note_path(struct str note, struct buf *path, struct err *e)
{
	struct note_name name;

	if (!note_name_read(note, &name, e))
		return false;
	buf_add_c(path, "/v1alpha1/projects/");
	percent_encode(path, name.project);
	buf_add_c(path, "/notes/");
	percent_encode(path, name.note);
	buf_add_c(path, "/occurrences");
	return buf_ok(path, e);
}

/* A note that the server does not have has no attestations. */
static bool list_note(struct facts_server *source, struct str note, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_TEXT_MAX);
	struct note_list list = {.note = arena_copy(&source->arena, note)};
	struct listing listing = {.source = source, .list = &list};
	struct err problem = ERR_INIT;
	void *room = source->notes;

	if (!note_path(note, &path, e))
		return false;
	if (!list.note.ptr)
		return err_no_memory(e);
	if (!reserve(&source->arena, &room, source->note_count, &source->note_capacity, sizeof(list), e))
		return false;
	source->notes = room;
	if (!grafeas_list(source->client, path.data, "occurrences", keep, &listing, &problem) &&
	    problem.kind != ERR_NOT_FOUND)
		return err_set(e, problem.kind, "%s", problem.text);
	source->notes[source->note_count++] = list;
	return true;
}

/* Names found on a walk, to be visited after it. */
struct names {
	struct arena *arena;
	struct str *items;
	size_t count;
	size_t capacity;
};

static bool add_name(void *context, const json_t *element, struct err *e)
{
	struct names *names = context;
	struct str name = arena_copy(names->arena, json_text(element, "name"));
	void *room = names->items;

	if (names->count >= NOTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "the server lists more than %u names", NOTES_MAX);
	if (!name.ptr)
		return err_no_memory(e);
	if (!reserve(names->arena, &room, names->count, &names->capacity, sizeof(name), e))
		return false;
	names->items = room;
	names->items[names->count++] = name;
	return true;
}

static bool list_project(struct facts_server *source, struct str project, size_t *count, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_TEXT_MAX);
	struct names notes = {.arena = &source->arena};

	buf_add_c(&path, "/v1alpha1/projects/");
	percent_encode(&path, project);
	buf_add_c(&path, "/notes");
	if (!buf_ok(&path, e) || !grafeas_list(source->client, path.data, "notes", add_name, &notes, e))
		return false;
	for (size_t i = 0; i < notes.count; i++)
		if (!find_note(source, notes.items[i]) && !list_note(source, notes.items[i], e))
			return false;
	*count = notes.count;
	return true;
}

/* A project that was named and has nothing is a slip of the pen, not an answer. */
static bool list_named_project(struct facts_server *source, const char *project, struct err *e)
{
	size_t count = 0;

	if (!list_project(source, str_of(project), &count, e))
		return false;
	return count || err_set(e, ERR_NOT_FOUND, "--project %s: the server has no notes in it", project);
}

static bool list_projects_of_server(struct facts_server *source, struct err *e)
{
	struct names projects = {.arena = &source->arena};
	size_t count = 0;

	if (!grafeas_list(source->client, "/v1alpha1/projects", "projects", add_name, &projects, e))
		return false;
	for (size_t i = 0; i < projects.count; i++) {
		struct str name = projects.items[i];

		if (!str_starts_with(name, STR("projects/")))
			return err_set(e, ERR_UNAVAILABLE, "the server lists a project without a name");
		if (!list_project(source, str_skip(name, strlen("projects/")), &count, e))
			return false;
	}
	return true;
}

static bool list_all(struct facts_server *source, struct err *e)
{
	if (source->all_listed)
		return true;
	for (size_t i = 0; i < source->projects->count; i++)
		if (!list_named_project(source, source->projects->items[i], e))
			return false;
	if (source->projects->count == 0 && !list_projects_of_server(source, e))
		return false;
	source->all_listed = true;
	return true;
}

static bool list_asked(struct facts_server *source, const struct facts_query *query, struct err *e)
{
	if (query->note_count == 0)
		return list_all(source, e);
	for (size_t i = 0; i < query->note_count; i++)
		if (!find_note(source, query->notes[i]) && !list_note(source, query->notes[i], e))
			return false;
	return true;
}

static bool matters(const struct facts_query *query, struct str note)
{
	for (size_t i = 0; i < query->note_count; i++)
		if (str_eq(query->notes[i], note))
			return true;
	return query->note_count == 0;
}

static bool collect(const struct facts_server *source, const struct facts_query *query, struct kept_list *out,
		    struct err *e)
{
	for (size_t n = 0; n < source->note_count; n++) {
		const struct note_list *list = &source->notes[n];

		if (!matters(query, list->note))
			continue;
		for (size_t i = 0; i < list->count; i++)
			if (str_eq(list->items[i].digest, query->digest) &&
			    !kept_list_add(out, &list->items[i].attestation, e))
				return false;
	}
	return true;
}

static bool attestations(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			 struct err *e)
{
	struct facts_server *source = context;
	struct kept_list kept = {.arena = arena};

	return list_asked(source, query, e) && collect(source, query, &kept, e) &&
	       judge_facts(source->judge, kept.items, kept.count, query->digest, arena, out, e);
}

struct facts facts_server_interface(struct facts_server *source)
{
	return (struct facts){.context = source, .attestations = attestations};
}
