#include "server/trust_holder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "server/turns.h"

/* Loads in a row, at start or when forced, that files which keep changing may spoil. */
#define ATTEMPTS 5

struct trust_holder {
	struct trust_sources sources;
	struct worker_pool *workers;
	struct turns reviews; /* each may keep a child of the worker busy */

	pthread_mutex_t refreshing; /* guards what follows */
	uint64_t loaded;	    /* fingerprint of the files that were tried last */
	bool retry;		    /* it was the machine that failed, not the files */
	uint64_t seen;		    /* by the call before */
	bool objects_wait;	    /* for a load, that of the files has failed */

	pthread_mutex_t lock; /* guards what follows; held for a few instructions only */
	struct trust *trust;
	uint64_t generation;
	struct err problem;
};

static void holder_free(struct trust_holder *holder)
{
	trust_unref(holder->trust);
	trust_objects_unref(holder->sources.objects);
	turns_release(&holder->reviews);
	pthread_mutex_destroy(&holder->refreshing);
	pthread_mutex_destroy(&holder->lock);
	free(holder);
}

static struct trust_holder *holder_new(const struct trust_sources *sources, struct worker_pool *workers)
{
	struct trust_holder *holder = calloc(1, sizeof(*holder));

	if (!holder)
		return NULL;
	holder->sources = *sources;
	(void)trust_objects_ref(sources->objects);
	holder->workers = workers;
	turns_init(&holder->reviews, LIMIT_OBJECT_REVIEWS);
	pthread_mutex_init(&holder->refreshing, NULL);
	pthread_mutex_init(&holder->lock, NULL);
	return holder;
}

static void put_in_force(struct trust_holder *holder, struct trust *fresh)
{
	struct trust *old;

	pthread_mutex_lock(&holder->lock);
	old = holder->trust;
	holder->trust = fresh;
	holder->generation++;
	pthread_mutex_unlock(&holder->lock);
	trust_unref(old);
}

static void forget_problem(struct trust_holder *holder)
{
	pthread_mutex_lock(&holder->lock);
	holder->problem = ERR_INIT;
	pthread_mutex_unlock(&holder->lock);
}

/* Whether it is another one than before. */
static bool keep_problem(struct trust_holder *holder, const struct err *why)
{
	bool news;

	pthread_mutex_lock(&holder->lock);
	news = holder->problem.kind != why->kind || strcmp(holder->problem.text, why->text) != 0;
	holder->problem = *why;
	pthread_mutex_unlock(&holder->lock);
	return news;
}

static bool is_about_files(enum err_kind kind)
{
	return kind == ERR_INVALID || kind == ERR_TOO_LARGE || kind == ERR_NOT_FOUND;
}

enum outcome { LOADED, NOT_LOADED, SPOILED };

/* Loads what has the fingerprint *fingerprint; SPOILED when it has another afterwards, which is then in *fingerprint.
 */
static enum outcome load(struct trust_holder *holder, uint64_t *fingerprint, struct trust **fresh, struct err *e)
{
	bool loaded = trust_load(&holder->sources, holder->workers, holder->trust, fresh, e);
	uint64_t after = trust_fingerprint(&holder->sources);

	if (after == *fingerprint)
		return loaded ? LOADED : NOT_LOADED;
	*fingerprint = after;
	if (loaded)
		trust_unref(take(*fresh));
	return SPOILED;
}

static enum outcome load_with_patience(struct trust_holder *holder, size_t attempts, uint64_t *fingerprint,
				       struct trust **fresh, struct err *e)
{
	enum outcome outcome = SPOILED;

	for (size_t i = 0; i < attempts && outcome == SPOILED; i++)
		outcome = load(holder, fingerprint, fresh, e);
	return outcome;
}

struct trust_holder *trust_holder_open(const struct trust_sources *sources, struct worker_pool *workers, struct err *e)
{
	struct trust_holder *holder = holder_new(sources, workers);
	enum outcome outcome;

	if (!holder) {
		(void)err_no_memory(e);
		return NULL;
	}
	holder->loaded = trust_fingerprint(sources);
	outcome = load_with_patience(holder, ATTEMPTS, &holder->loaded, &holder->trust, e);
	holder->seen = holder->loaded;
	holder->generation = 1;
	if (outcome == LOADED)
		return holder;
	if (outcome == SPOILED)
		(void)err_set(e, ERR_UNAVAILABLE, "the policies or keys keep changing while they are read");
	holder_free(holder);
	return NULL;
}

void trust_holder_close(struct trust_holder *holder)
{
	if (holder)
		holder_free(holder);
}

struct trust *trust_holder_pin(struct trust_holder *holder, uint64_t *generation)
{
	struct trust *trust;

	pthread_mutex_lock(&holder->lock);
	trust = trust_ref(holder->trust);
	if (generation)
		*generation = holder->generation;
	pthread_mutex_unlock(&holder->lock);
	return trust;
}

/* Whether there is something to load that has come to rest. */
static bool is_due(struct trust_holder *holder, uint64_t fingerprint)
{
	bool rests = fingerprint == holder->seen;

	holder->seen = fingerprint;
	return rests && (fingerprint != holder->loaded || holder->retry);
}

static bool reload(struct trust_holder *holder, bool force, uint64_t fingerprint, struct err *e)
{
	bool again = holder->retry && !force;
	struct err why = ERR_INIT;
	struct trust *fresh = NULL;
	enum outcome outcome = load_with_patience(holder, force ? ATTEMPTS : 1, &fingerprint, &fresh, &why);

	holder->seen = fingerprint;
	if (outcome == SPOILED)
		return false;
	holder->loaded = fingerprint;
	holder->retry = outcome == NOT_LOADED && !is_about_files(why.kind);
	if (outcome == LOADED) {
		forget_problem(holder);
		holder->objects_wait = false;
		put_in_force(holder, fresh);
		return true;
	}
	if ((keep_problem(holder, &why) || !again) && e)
		*e = why;
	return false;
}

/* What the cluster took back must not stay in force because of a file. The problem of the files stays as it is; a
 * failure of this is tried again with the next look. */
static bool load_objects(struct trust_holder *holder)
{
	struct trust *fresh = NULL;

	if (!trust_load_objects(&holder->sources, holder->workers, holder->trust, &fresh, NULL))
		return false;
	holder->objects_wait = false;
	put_in_force(holder, fresh);
	return true;
}

bool trust_holder_refresh(struct trust_holder *holder, bool force, struct err *e)
{
	bool fresh = false;
	uint64_t fingerprint;

	if (e)
		*e = ERR_INIT;
	pthread_mutex_lock(&holder->refreshing);
	fingerprint = trust_fingerprint(&holder->sources);
	if (is_due(holder, fingerprint) || force)
		fresh = reload(holder, force, fingerprint, e);
	if (holder->objects_wait)
		fresh = load_objects(holder) || fresh;
	pthread_mutex_unlock(&holder->refreshing);
	return fresh;
}

bool trust_holder_set_objects(struct trust_holder *holder, struct trust_objects *objects, struct err *e)
{
	bool fresh;

	if (e)
		*e = ERR_INIT;
	pthread_mutex_lock(&holder->refreshing);
	(void)trust_objects_ref(objects);
	trust_objects_unref(holder->sources.objects);
	holder->sources.objects = objects;
	holder->objects_wait = true;
	fresh = reload(holder, true, trust_fingerprint(&holder->sources), e) || load_objects(holder);
	pthread_mutex_unlock(&holder->refreshing);
	return fresh;
}

/* What belongs to the cluster, as the trust in force has it. */
static bool review_under(const struct trust_holder *holder, struct trust *trust, const struct trust_object *object,
			 int64_t deadline_ms, struct arena *arena, struct trust_review *out, struct err *e)
{
	struct trust_sources sources = {.own_namespace = holder->sources.own_namespace,
					.namespace_labels = holder->sources.namespace_labels,
					.objects = trust->objects};

	return trust_review_object(&sources, holder->workers, trust, object, deadline_ms, arena, out, e);
}

bool trust_holder_review(struct trust_holder *holder, const struct trust_object *object, int64_t deadline_ms,
			 struct arena *arena, struct trust_review *out, struct err *e)
{
	struct trust *trust;
	bool reviewed;

	if (!turns_take(&holder->reviews, deadline_ms))
		return err_set(e, ERR_UNAVAILABLE, "too many policy objects are reviewed at the same time");
	trust = trust_holder_pin(holder, NULL);
	reviewed = review_under(holder, trust, object, deadline_ms, arena, out, e);
	trust_unref(trust);
	turns_give(&holder->reviews);
	return reviewed;
}

bool trust_holder_problem(struct trust_holder *holder, struct err *out)
{
	bool has;

	pthread_mutex_lock(&holder->lock);
	has = holder->problem.kind != ERR_NONE;
	if (has && out)
		*out = holder->problem;
	pthread_mutex_unlock(&holder->lock);
	return has;
}
