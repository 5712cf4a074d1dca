#include "server/cluster_namespaces.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/thread.h"
#include "server/object_table.h"

struct namespace_entry {
	struct object_entry entry;
	size_t count;
	struct label labels[];
};

struct cluster_namespaces {
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t news;
	struct object_table table;
};

static void free_entry(struct object_entry *entry)
{
	free(entry);
}

struct cluster_namespaces *cluster_namespaces_new(void)
{
	struct cluster_namespaces *namespaces = calloc(1, sizeof(*namespaces));

	if (!namespaces)
		return NULL;
	pthread_mutex_init(&namespaces->lock, NULL);
	condition_init(&namespaces->news);
	namespaces->table = object_table_init(NAMESPACES_MAX, free_entry);
	return namespaces;
}

void cluster_namespaces_free(struct cluster_namespaces *namespaces)
{
	if (!namespaces)
		return;
	object_table_release(&namespaces->table);
	pthread_cond_destroy(&namespaces->news);
	pthread_mutex_destroy(&namespaces->lock);
	free(namespaces);
}

static struct str put_text(char **at, struct str text)
{
	struct str copy = str_make(*at, text.len);

	if (text.len > 0)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

/* In one piece of memory. */
static struct namespace_entry *entry_new(struct str name, json_t *labels)
{
	size_t count = json_object_size(labels), size = name.len;
	struct namespace_entry *fresh;
	const char *key;
	json_t *value;
	char *at;

	json_object_foreach(labels, key, value) size += strlen(key) + json_text_of(value).len;
	fresh = malloc(sizeof(*fresh) + count * sizeof(struct label) + size);
	if (!fresh)
		return NULL;
	*fresh = (struct namespace_entry){.count = 0};
	at = (char *)(fresh->labels + count);
	fresh->entry.name = put_text(&at, name);
	fresh->entry.namespace_ = STR("");
	json_object_foreach(labels, key, value)
	{
		struct label *label = &fresh->labels[fresh->count++];

		label->key = put_text(&at, str_of(key));
		label->value = put_text(&at, json_text_of(value));
	}
	return fresh;
}

void cluster_namespaces_begin(struct cluster_namespaces *namespaces)
{
	pthread_mutex_lock(&namespaces->lock);
	object_table_begin(&namespaces->table);
	pthread_mutex_unlock(&namespaces->lock);
}

static void forget(struct cluster_namespaces *namespaces, struct str name)
{
	pthread_mutex_lock(&namespaces->lock);
	(void)object_table_remove(&namespaces->table, STR(""), name);
	pthread_mutex_unlock(&namespaces->lock);
}

/* Labels that can't be kept are not known: old ones would be wrong. */
void cluster_namespaces_present(struct cluster_namespaces *namespaces, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");
	struct str name = json_text(metadata, "name");
	struct namespace_entry *fresh = entry_new(name, json_object_get(metadata, "labels"));

	if (!fresh) {
		forget(namespaces, name);
		return;
	}
	pthread_mutex_lock(&namespaces->lock);
	if (!object_table_put(&namespaces->table, &fresh->entry, NULL))
		free(fresh);
	pthread_cond_broadcast(&namespaces->news);
	pthread_mutex_unlock(&namespaces->lock);
}

void cluster_namespaces_gone(struct cluster_namespaces *namespaces, const json_t *object)
{
	forget(namespaces, json_text(json_object_get(object, "metadata"), "name"));
}

void cluster_namespaces_synced(struct cluster_namespaces *namespaces)
{
	pthread_mutex_lock(&namespaces->lock);
	(void)object_table_end(&namespaces->table);
	pthread_mutex_unlock(&namespaces->lock);
}

size_t cluster_namespaces_count(struct cluster_namespaces *namespaces)
{
	size_t count;

	pthread_mutex_lock(&namespaces->lock);
	count = namespaces->table.count;
	pthread_mutex_unlock(&namespaces->lock);
	return count;
}

/* With the lock held. */
static const struct namespace_entry *await(struct cluster_namespaces *namespaces, struct str name, int64_t deadline_ms)
{
	const struct object_entry *entry;

	while ((entry = object_table_find(&namespaces->table, STR(""), name)) == NULL && clock_left_ms(deadline_ms) > 0)
		condition_wait(&namespaces->news, &namespaces->lock, deadline_ms);
	return (const struct namespace_entry *)(const void *)entry;
}

static bool copy_labels(const struct namespace_entry *entry, struct arena *arena, struct labels *out)
{
	struct label *copy = arena_array(arena, entry->count + 1, sizeof(*copy));

	if (!copy)
		return false;
	for (size_t i = 0; i < entry->count; i++) {
		copy[i].key = arena_copy(arena, entry->labels[i].key);
		copy[i].value = arena_copy(arena, entry->labels[i].value);
		if (!copy[i].key.ptr || !copy[i].value.ptr)
			return false;
	}
	*out = (struct labels){copy, entry->count};
	return true;
}

bool cluster_namespaces_labels(struct cluster_namespaces *namespaces, struct str name, int64_t deadline_ms,
			       struct arena *arena, struct labels *out)
{
	int64_t until_ms = clock_monotonic_ms() + NAMESPACE_WAIT_MS;
	const struct namespace_entry *entry;
	bool known;

	if (deadline_ms && deadline_ms < until_ms)
		until_ms = deadline_ms;
	pthread_mutex_lock(&namespaces->lock);
	entry = await(namespaces, name, until_ms);
	known = entry && copy_labels(entry, arena, out);
	pthread_mutex_unlock(&namespaces->lock);
	return known;
}
