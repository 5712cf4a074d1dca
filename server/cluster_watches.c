#include "server/cluster_watches.h"

#include <pthread.h>
#include <string.h>

#include "kube/list_watch.h"
#include "server/log.h"

#define GROUP "/apis/sealgate.dev/v1alpha1/"
#define PATH_SIZE 512u

struct watch {
	struct cluster_watches *all;
	enum cluster_resource resource;
	char path[PATH_SIZE];
	struct list_watch_target target;
	struct list_watch_events events;
	struct list_watch *watch;
	bool left_out; /* nobody knows the own namespace */
	bool synced;
	int64_t relist_ms; /* 0: nothing is amiss */
	/* Under the lock. */
	int64_t stale_since_ms; /* as list_watch_stale_since */
	struct err problem;
};

struct cluster_watches {
	struct cluster_watches_means means;
	pthread_mutex_t lock;
	struct watch watches[CLUSTER_RESOURCES];
};

static const struct resource {
	const char *path; /* with the own namespace for %s */
	bool metadata_only;
	enum { POLICIES, SOURCES, NAMESPACES } holds;
	int kind; /* of object or source */
} resources[CLUSTER_RESOURCES] = {
	[CLUSTER_ATTESTORS] = {GROUP "attestors", false, POLICIES, TRUST_OBJECT_ATTESTOR},
	[CLUSTER_CLUSTER_POLICIES] = {GROUP "clusterimagepolicies", false, POLICIES, TRUST_OBJECT_CLUSTER_POLICY},
	[CLUSTER_POLICIES] = {GROUP "imagepolicies", false, POLICIES, TRUST_OBJECT_POLICY},
	[CLUSTER_NAMESPACES] = {"/api/v1/namespaces", true, NAMESPACES, 0},
	[CLUSTER_CONFIG_MAPS] = {"/api/v1/namespaces/%s/configmaps", false, SOURCES, KEY_SOURCE_CONFIG_MAP},
	[CLUSTER_SECRETS] = {"/api/v1/namespaces/%s/secrets", false, SOURCES, KEY_SOURCE_SECRET},
};

static void policies_begin(struct watch *w)
{
	cluster_objects_begin(w->all->means.objects, (enum trust_object_kind)resources[w->resource].kind);
}

static void policies_present(struct watch *w, const json_t *object)
{
	cluster_objects_present(w->all->means.objects, (enum trust_object_kind)resources[w->resource].kind, object);
}

static void policies_gone(struct watch *w, const json_t *object)
{
	cluster_objects_gone(w->all->means.objects, (enum trust_object_kind)resources[w->resource].kind, object);
}

static void policies_synced(struct watch *w)
{
	cluster_objects_synced(w->all->means.objects, (enum trust_object_kind)resources[w->resource].kind);
}

static void sources_begin(struct watch *w)
{
	cluster_sources_begin(w->all->means.objects, (enum key_source_kind)resources[w->resource].kind);
}

static void sources_present(struct watch *w, const json_t *object)
{
	cluster_sources_present(w->all->means.objects, (enum key_source_kind)resources[w->resource].kind, object);
}

static void sources_gone(struct watch *w, const json_t *object)
{
	cluster_sources_gone(w->all->means.objects, (enum key_source_kind)resources[w->resource].kind, object);
}

static void sources_synced(struct watch *w)
{
	cluster_sources_synced(w->all->means.objects, (enum key_source_kind)resources[w->resource].kind);
}

static void namespaces_begin(struct watch *w)
{
	cluster_namespaces_begin(w->all->means.namespaces);
}

static void namespaces_present(struct watch *w, const json_t *object)
{
	cluster_namespaces_present(w->all->means.namespaces, object);
}

static void namespaces_gone(struct watch *w, const json_t *object)
{
	cluster_namespaces_gone(w->all->means.namespaces, object);
}

static void namespaces_synced(struct watch *w)
{
	cluster_namespaces_synced(w->all->means.namespaces);
}

static const struct {
	void (*begin)(struct watch *w);
	void (*present)(struct watch *w, const json_t *object);
	void (*gone)(struct watch *w, const json_t *object);
	void (*synced)(struct watch *w);
} holders[] = {
	[POLICIES] = {policies_begin, policies_present, policies_gone, policies_synced},
	[SOURCES] = {sources_begin, sources_present, sources_gone, sources_synced},
	[NAMESPACES] = {namespaces_begin, namespaces_present, namespaces_gone, namespaces_synced},
};

static void on_begin(void *context)
{
	struct watch *w = context;

	holders[resources[w->resource].holds].begin(w);
}

static void on_present(void *context, const json_t *object)
{
	struct watch *w = context;

	holders[resources[w->resource].holds].present(w, object);
}

static void on_gone(void *context, const json_t *object)
{
	struct watch *w = context;

	holders[resources[w->resource].holds].gone(w, object);
}

static void on_synced(void *context)
{
	struct watch *w = context;

	holders[resources[w->resource].holds].synced(w);
	w->synced = true;
}

static void note_problem(struct watch *w, const struct err *why)
{
	bool news;

	pthread_mutex_lock(&w->all->lock);
	news = w->problem.kind != why->kind || strcmp(w->problem.text, why->text) != 0;
	w->problem = *why;
	pthread_mutex_unlock(&w->all->lock);
	if (news && why->kind != ERR_NONE)
		log_line(LOG_WARN, "a resource of the cluster cannot be followed, what is known of it stays",
			 LOG_C("resource", cluster_resource_name(w->resource)), LOG_C("error", why->text));
}

static void on_failed(void *context, const struct err *e)
{
	struct watch *w = context;
	struct str text = str_of(e->text), name = str_of(w->target.name);
	struct err why = {.kind = e->kind};

	/* It is told beside the name of its resource everywhere. */
	if (str_starts_with(text, name) && str_starts_with(str_skip(text, name.len), STR(": ")))
		text = str_skip(text, name.len + 2);
	(void)snprintf(why.text, sizeof(why.text), "%.*s", STR_ARG(text));
	atomic_fetch_add(&w->all->means.metrics->watches[w->resource].restarts, 1);
	note_problem(w, &why);
}

static bool watch_start(struct watch *w)
{
	w->watch = list_watch_new(w->all->means.transport, &w->target, &w->events, w->all->means.seed + w->resource);
	return w->watch != NULL;
}

static void watch_init(struct cluster_watches *watches, enum cluster_resource resource)
{
	struct watch *w = &watches->watches[resource];
	const char *path = resources[resource].path, *place = strstr(path, "%s");

	w->all = watches;
	w->resource = resource;
	w->left_out = w->synced = place && !watches->means.own_namespace[0];
	w->stale_since_ms = w->left_out ? 0 : -1;
	(void)snprintf(w->path, sizeof(w->path), "%.*s%s%s", place ? (int)(place - path) : (int)strlen(path), path,
		       place ? watches->means.own_namespace : "", place ? place + 2 : "");
	w->target = (struct list_watch_target){.name = cluster_resource_name(resource),
					       .path = w->path,
					       .metadata_only = resources[resource].metadata_only};
	w->events = (struct list_watch_events){.context = w,
					       .begin = on_begin,
					       .present = on_present,
					       .gone = on_gone,
					       .synced = on_synced,
					       .failed = on_failed};
	atomic_store(&watches->means.metrics->watches[resource].stale_since_ms, w->stale_since_ms);
}

struct cluster_watches *cluster_watches_new(const struct cluster_watches_means *means)
{
	struct cluster_watches *watches = calloc(1, sizeof(*watches));
	bool started = watches != NULL;

	if (!watches)
		return NULL;
	watches->means = *means;
	pthread_mutex_init(&watches->lock, NULL);
	for (enum cluster_resource i = 0; i < CLUSTER_RESOURCES && started; i++) {
		watch_init(watches, i);
		started = watches->watches[i].left_out || watch_start(&watches->watches[i]);
	}
	if (started)
		return watches;
	cluster_watches_free(watches);
	return NULL;
}

void cluster_watches_free(struct cluster_watches *watches)
{
	if (!watches)
		return;
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++)
		list_watch_free(watches->watches[i].watch);
	pthread_mutex_destroy(&watches->lock);
	free(watches);
}

static const struct err *held_problem(const struct watch *w)
{
	const struct resource *resource = &resources[w->resource];

	if (resource->holds == NAMESPACES)
		return NULL;
	return resource->holds == POLICIES ? &w->all->means.objects->object_problems[resource->kind]
					   : &w->all->means.objects->source_problems[resource->kind];
}

static size_t held_count(const struct watch *w)
{
	const struct resource *resource = &resources[w->resource];

	if (resource->holds == NAMESPACES)
		return cluster_namespaces_count(w->all->means.namespaces);
	return resource->holds == POLICIES ? w->all->means.objects->objects[resource->kind].count
					   : w->all->means.objects->sources[resource->kind].count;
}

/* What could not be held comes again with a new list only. */
static void relist_when_due(struct watch *w, int64_t now_ms)
{
	const struct err *problem = held_problem(w);

	if (!problem || problem->kind == ERR_NONE) {
		w->relist_ms = 0;
		return;
	}
	note_problem(w, problem);
	if (w->relist_ms == 0)
		w->relist_ms = now_ms + CLUSTER_RELIST_MS;
	if (now_ms < w->relist_ms)
		return;
	w->relist_ms = 0;
	list_watch_free(take(w->watch));
	(void)watch_start(w);
}

static int64_t staleness_of(const struct watch *w, int64_t now_ms)
{
	const struct err *problem = held_problem(w);
	int64_t since_ms = w->watch ? list_watch_stale_since(w->watch) : now_ms;

	if (since_ms == 0 && problem && problem->kind != ERR_NONE)
		since_ms = now_ms;
	return since_ms < 0 && w->synced ? w->stale_since_ms : since_ms;
}

static void tell_state(struct watch *w, int64_t now_ms)
{
	int64_t since_ms = staleness_of(w, now_ms);
	bool again = w->stale_since_ms > 0 && since_ms == 0;

	pthread_mutex_lock(&w->all->lock);
	if (w->stale_since_ms <= 0 || since_ms <= 0)
		w->stale_since_ms = since_ms;
	pthread_mutex_unlock(&w->all->lock);
	atomic_store(&w->all->means.metrics->watches[w->resource].stale_since_ms, w->stale_since_ms);
	atomic_store(&w->all->means.metrics->watches[w->resource].objects, held_count(w));
	if (since_ms == 0)
		note_problem(w, &ERR_INIT);
	if (again)
		log_line(LOG_INFO, "a resource of the cluster is followed again",
			 LOG_C("resource", cluster_resource_name(w->resource)));
}

int64_t cluster_watches_step(struct cluster_watches *watches, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < CLUSTER_RESOURCES; i++) {
		struct watch *w = &watches->watches[i];
		int64_t at_ms;

		if (w->left_out)
			continue;
		relist_when_due(w, now_ms);
		at_ms = w->watch || watch_start(w) ? list_watch_step(w->watch, now_ms) : now_ms + CLUSTER_RELIST_MS;
		tell_state(w, now_ms);
		if (at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

bool cluster_watches_synced(const struct cluster_watches *watches)
{
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++)
		if (!watches->watches[i].synced)
			return false;
	return true;
}

void cluster_watches_lose(struct cluster_watches *watches, const struct err *why, int64_t now_ms)
{
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++) {
		struct watch *w = &watches->watches[i];

		if (w->left_out)
			continue;
		note_problem(w, why);
		pthread_mutex_lock(&watches->lock);
		if (w->stale_since_ms == 0)
			w->stale_since_ms = now_ms;
		pthread_mutex_unlock(&watches->lock);
		atomic_store(&watches->means.metrics->watches[i].stale_since_ms, w->stale_since_ms);
	}
}

static void report_one(const struct watch *w, int64_t now_ms, struct buf *out)
{
	if (w->stale_since_ms == 0)
		return;
	buf_printf(out, "not followed: %s: %s", cluster_resource_name(w->resource),
		   w->problem.kind != ERR_NONE ? w->problem.text : "nothing has come");
	if (w->stale_since_ms > 0)
		buf_printf(out, " since %lld s", (long long)((now_ms - w->stale_since_ms) / 1000));
	buf_add_c(out, "\n");
}

void cluster_watches_report(struct cluster_watches *watches, int64_t now_ms, struct buf *out)
{
	pthread_mutex_lock(&watches->lock);
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++)
		report_one(&watches->watches[i], now_ms, out);
	pthread_mutex_unlock(&watches->lock);
}
