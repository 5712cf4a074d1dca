#include "server/verify_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define BUCKETS (sizeof(((struct verify_table *)NULL)->buckets) / sizeof(struct verify_job *))

/* Copies `*s` to `*at` and points it there. */
static void move_text(struct str *s, char **at)
{
	if (!s->ptr)
		return;
	memcpy(*at, s->ptr, s->len);
	s->ptr = *at;
	*at += s->len;
}

/* One allocation for all texts. */
static bool own_texts(struct verify_job *job)
{
	struct str *texts[] = {&job->row.project,   &job->row.id,      &job->row.note,
			       &job->row.signature, &job->row.payload, &job->digest};
	size_t size = 1;
	char *at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		size += texts[i]->len;
	at = job->texts = malloc(size);
	for (size_t i = 0; at && i < sizeof(texts) / sizeof(texts[0]); i++)
		move_text(texts[i], &at);
	return at;
}

struct verify_job *verify_job_new(const struct sha256 *key, struct key_set *keys, struct str digest,
				  const struct attestation_row *row)
{
	struct verify_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->key = *key;
	job->keys = key_set_ref(keys);
	job->row = *row;
	job->digest = digest;
	job->references = 1;
	condition_init(&job->finished);
	if (own_texts(job))
		return job;
	verify_job_unref(job);
	return NULL;
}

void verify_job_unref(struct verify_job *job)
{
	if (--job->references > 0)
		return;
	free(job->texts);
	key_set_unref(job->keys);
	pthread_cond_destroy(&job->finished);
	free(job);
}

size_t verify_job_size(const struct verify_job *job)
{
	return job->row.signature.len + job->row.payload.len;
}

void verify_list_add(struct verify_list *list, struct verify_job *job)
{
	job->before = list->last;
	job->after = NULL;
	if (list->last)
		list->last->after = job;
	else
		list->first = job;
	list->last = job;
	list->count++;
	list->bytes += verify_job_size(job);
}

void verify_list_remove(struct verify_list *list, struct verify_job *job)
{
	if (job->before)
		job->before->after = job->after;
	else
		list->first = job->after;
	if (job->after)
		job->after->before = job->before;
	else
		list->last = job->before;
	job->before = job->after = NULL;
	list->count--;
	list->bytes -= verify_job_size(job);
}

static size_t bucket_of(const struct sha256 *key)
{
	size_t index;

	memcpy(&index, key->bytes, sizeof(index));
	return index % BUCKETS;
}

struct verify_job *verify_table_find(const struct verify_table *table, const struct sha256 *key,
				     const struct key_set *keys)
{
	struct verify_job *job = table->buckets[bucket_of(key)];

	while (job && (memcmp(&job->key, key, sizeof(*key)) != 0 || key_set_id(job->keys) != key_set_id(keys)))
		job = job->next;
	return job;
}

void verify_table_add(struct verify_table *table, struct verify_job *job)
{
	struct verify_job **bucket = &table->buckets[bucket_of(&job->key)];

	job->next = *bucket;
	*bucket = job;
}

void verify_table_remove(struct verify_table *table, struct verify_job *job)
{
	struct verify_job **at = &table->buckets[bucket_of(&job->key)];

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
}

void verify_table_wake(struct verify_table *table)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct verify_job *job = table->buckets[i]; job; job = job->next)
			pthread_cond_broadcast(&job->finished);
}
