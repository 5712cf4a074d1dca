#include "server/event_table.h"

#include <stdio.h>

#define CONTROLLER "sealgate.dev/sealgated"
/* Time after which one more may be created. */
#define CREATE_EVERY_MS (1000 / (int64_t)EVENTS_A_SECOND)

/* Requests for one Event that may fail in a row. */
#define ATTEMPTS 3u

struct entry {
	struct refusal *about; /* NULL: free */
	uint64_t hash;
	char name[EVENT_NAME_MAX];
	bool created;
	bool running;	   /* a request is */
	unsigned attempts; /* that failed in a row */
	uint64_t count;
	uint64_t told; /* of `count` */
	struct timestamp first;
	struct timestamp last;
	int64_t last_ms;
	int64_t due_ms; /* not told before */
};

struct event_table {
	uint64_t seed;
	uint64_t names;
	int64_t create_ms; /* when one more may be created; goes on from a second ago at the earliest */
	struct entry entries[EVENTS_REMEMBERED];
};

struct event_table *event_table_new(uint64_t seed)
{
	struct event_table *table = calloc(1, sizeof(*table));

	if (table)
		table->seed = seed;
	return table;
}

static void forget(struct entry *entry)
{
	free(entry->about);
	*entry = (struct entry){0};
}

void event_table_free(struct event_table *table)
{
	for (size_t i = 0; table && i < EVENTS_REMEMBERED; i++)
		free(table->entries[i].about);
	free(table);
}

static uint64_t mix(uint64_t hash, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
	return (hash ^ 0xffu) * 0x100000001b3u;
}

static uint64_t hash_of(const struct refusal *r)
{
	uint64_t hash = 0xcbf29ce484222325u;

	hash = mix(hash, r->namespace_);
	hash = mix(hash, r->kind);
	hash = mix(hash, r->name);
	return mix(hash, r->note);
}

static bool is_same(const struct refusal *a, const struct refusal *b)
{
	return str_eq(a->namespace_, b->namespace_) && str_eq(a->api_version, b->api_version) &&
	       str_eq(a->kind, b->kind) && str_eq(a->name, b->name) && str_eq(a->uid, b->uid) &&
	       str_eq(a->note, b->note);
}

/* Told, and nothing came for long. */
static bool rests(const struct entry *entry, int64_t now_ms)
{
	return entry->about && !entry->running && now_ms - entry->last_ms >= EVENT_REST_MS;
}

static struct entry *find(struct event_table *table, const struct refusal *refusal, uint64_t hash)
{
	for (size_t i = 0; i < EVENTS_REMEMBERED; i++) {
		struct entry *entry = &table->entries[i];

		if (entry->about && entry->hash == hash && is_same(entry->about, refusal))
			return entry;
	}
	return NULL;
}

static struct entry *find_room(struct event_table *table, int64_t now_ms)
{
	for (size_t i = 0; i < EVENTS_REMEMBERED; i++) {
		struct entry *entry = &table->entries[i];

		if (rests(entry, now_ms))
			forget(entry);
		if (!entry->about)
			return entry;
	}
	return NULL;
}

static void give_name(struct event_table *table, struct entry *entry)
{
	uint64_t number = (table->seed + table->names++) * 0x9e3779b97f4a7c15u;

	(void)snprintf(entry->name, sizeof(entry->name), "sealgate.%016llx", (unsigned long long)number);
}

static bool remember(struct event_table *table, const struct refusal *refusal, uint64_t hash, int64_t now_ms,
		     struct timestamp now)
{
	struct entry *entry = find_room(table, now_ms);
	struct refusal *about = entry ? refusal_copy(refusal) : NULL;

	if (!about)
		return false;
	*entry = (struct entry){.about = about, .hash = hash, .count = 1, .first = now, .last = now};
	entry->last_ms = entry->due_ms = now_ms;
	give_name(table, entry);
	return true;
}

bool event_table_note(struct event_table *table, const struct refusal *refusal, int64_t now_ms, struct timestamp now)
{
	uint64_t hash = hash_of(refusal);
	struct entry *entry = find(table, refusal, hash);

	if (entry && rests(entry, now_ms)) {
		forget(entry);
		entry = NULL;
	}
	if (!entry)
		return remember(table, refusal, hash, now_ms, now);
	entry->count++;
	entry->last = now;
	entry->last_ms = now_ms;
	return true;
}

static bool is_untold(const struct entry *entry)
{
	return entry->about && !entry->running && entry->count > entry->told;
}

static int64_t due_at(const struct event_table *table, const struct entry *entry)
{
	int64_t at = entry->created ? 0 : table->create_ms;

	return at > entry->due_ms ? at : entry->due_ms;
}

static void note_creation(struct event_table *table, int64_t now_ms)
{
	if (table->create_ms < now_ms - 1000 + CREATE_EVERY_MS)
		table->create_ms = now_ms - 1000 + CREATE_EVERY_MS;
	table->create_ms += CREATE_EVERY_MS;
}

bool event_table_due(struct event_table *table, int64_t now_ms, struct event_due *out)
{
	for (size_t i = 0; i < EVENTS_REMEMBERED; i++) {
		struct entry *entry = &table->entries[i];

		if (!is_untold(entry) || due_at(table, entry) > now_ms)
			continue;
		if (!entry->created)
			note_creation(table, now_ms);
		entry->running = true;
		entry->told = entry->count;
		*out = (struct event_due){.id = i,
					  .about = entry->about,
					  .name = entry->name,
					  .create = !entry->created,
					  .count = entry->count,
					  .first = entry->first,
					  .last = entry->last};
		return true;
	}
	return false;
}

int64_t event_table_next(const struct event_table *table, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < EVENTS_REMEMBERED; i++) {
		const struct entry *entry = &table->entries[i];
		int64_t at = is_untold(entry) ? due_at(table, entry) : INT64_MAX;

		if (at < next)
			next = at;
	}
	return next < now_ms ? now_ms : next;
}

void event_table_done(struct event_table *table, size_t id, enum event_outcome outcome, int64_t now_ms)
{
	struct entry *entry = &table->entries[id];

	entry->running = false;
	entry->due_ms = now_ms + (outcome == EVENT_GONE ? 0 : EVENT_SERIES_MS);
	if (outcome == EVENT_WRITTEN) {
		entry->created = true;
		entry->attempts = 0;
		return;
	}
	if (outcome == EVENT_GONE) {
		entry->created = false;
		give_name(table, entry);
	}
	if (++entry->attempts < ATTEMPTS)
		entry->told = 0;
}

/* As Kubernetes' MicroTime reads it: always six digits of fraction. */
static void add_time(struct buf *out, struct timestamp t)
{
	char text[TIMESTAMP_TEXT_MAX];

	timestamp_format((struct timestamp){t.seconds, 0}, text);
	buf_printf(out, "\"%.*s.%06ldZ\"", (int)strcspn(text, "Z"), text, (long)t.nanoseconds / 1000);
}

static void add_series(const struct event_due *due, struct buf *out)
{
	buf_printf(out, "\"series\":{\"count\":%llu,\"lastObservedTime\":", (unsigned long long)due->count);
	add_time(out, due->last);
	buf_add_c(out, "}");
}

static void add_text(struct buf *out, const char *before, struct str text)
{
	buf_add_c(out, before);
	buf_add_json_string(out, text);
}

static void add_event(const struct event_due *due, struct str instance, struct buf *out)
{
	const struct refusal *about = due->about;

	buf_printf(
		out,
		"{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\",\"type\":\"Warning\",\"reason\":\"Refused\","
		"\"action\":\"Admission\",\"reportingController\":\"%s\",\"metadata\":{\"name\":\"%s\"",
		CONTROLLER, due->name);
	add_text(out, ",\"namespace\":", about->namespace_);
	add_text(out, "},\"reportingInstance\":", instance);
	add_text(out, ",\"regarding\":{\"apiVersion\":", about->api_version);
	add_text(out, ",\"kind\":", about->kind);
	add_text(out, ",\"namespace\":", about->namespace_);
	add_text(out, ",\"name\":", about->name);
	if (about->uid.len > 0)
		add_text(out, ",\"uid\":", about->uid);
	add_text(out, "},\"note\":", about->note);
	buf_add_c(out, ",\"eventTime\":");
	add_time(out, due->first);
	if (due->count > 1) {
		buf_add_c(out, ",");
		add_series(due, out);
	}
	buf_add_c(out, "}");
}

void event_body(const struct event_due *due, struct str instance, struct buf *out)
{
	if (due->create) {
		add_event(due, instance, out);
		return;
	}
	buf_add_c(out, "{");
	add_series(due, out);
	buf_add_c(out, "}");
}
