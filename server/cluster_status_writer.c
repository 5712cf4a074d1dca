#include "server/cluster_status_writer.h"

#include "kube/call.h"
#include "server/cluster_status.h"
#include "server/log.h"

#define GROUP "sealgate.dev"
#define VERSION "v1alpha1"
#define PATH_MAX_BYTES 4096u
#define WRITE_MS 10000
/* Objects that one step looks at. */
#define LOOKS 200u
/* Between two failures that the log tells of. */
#define TELL_MS 60000

struct status_request {
	struct cluster_status_writer *writer;
	uint64_t id; /* 0: free */
	enum trust_object_kind kind;
	char *key; /* namespace and name, each terminated */
	uint64_t revision;
};

struct cluster_status_writer {
	struct cluster_status_means means;
	struct trust *trust; /* NULL: none yet */
	uint64_t revision;   /* of the job, as looked at */
	int64_t now_ms;
	int64_t looked_ms; /* at all of them */
	int64_t rest_until_ms;
	int64_t told_ms;   /* a failure, to the log */
	unsigned failures; /* in a row */
	struct status_request requests[STATUS_REQUESTS];
};

static const char *const plurals[TRUST_OBJECT_KINDS] = {
	[TRUST_OBJECT_ATTESTOR] = "attestors",
	[TRUST_OBJECT_CLUSTER_POLICY] = "clusterimagepolicies",
	[TRUST_OBJECT_POLICY] = "imagepolicies",
};

struct cluster_status_writer *cluster_status_writer_new(const struct cluster_status_means *means)
{
	struct cluster_status_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->means = *means;
	for (size_t i = 0; i < STATUS_REQUESTS; i++)
		writer->requests[i].writer = writer;
	return writer;
}

static void release(struct status_request *request)
{
	free(take(request->key));
	request->id = 0;
}

void cluster_status_writer_free(struct cluster_status_writer *writer)
{
	if (!writer)
		return;
	for (size_t i = 0; i < STATUS_REQUESTS; i++) {
		if (writer->requests[i].id)
			kube_transport_cancel(writer->means.transport, writer->requests[i].id);
		release(&writer->requests[i]);
	}
	trust_unref(writer->trust);
	free(writer);
}

static struct cluster_object *object_at(const struct object_table *table, size_t i)
{
	return (struct cluster_object *)(void *)table->entries[i];
}

static void look_at_all(struct cluster_status_writer *writer)
{
	for (size_t kind = 0; kind < TRUST_OBJECT_KINDS; kind++)
		for (size_t i = 0; i < writer->means.objects->objects[kind].count; i++)
			object_at(&writer->means.objects->objects[kind], i)->due = true;
	writer->looked_ms = writer->now_ms;
}

void cluster_status_writer_trust(struct cluster_status_writer *writer, struct trust *trust)
{
	trust_unref(writer->trust);
	writer->trust = trust_ref(trust);
	look_at_all(writer);
}

/* NULL when the trust in force doesn't know this generation (yet). */
static const struct trust_outcome *outcome_of(const struct trust *trust, const struct cluster_object *object)
{
	size_t place;

	if (!trust || !trust->objects || !trust->outcomes)
		return NULL;
	place = trust_objects_find(trust->objects, object->kind, object->entry.namespace_, object->entry.name);
	if (place == trust->objects->object_count)
		return NULL;
	if (trust->objects->objects[place].generation != object->generation ||
	    !str_eq(trust->objects->objects[place].uid, object->uid))
		return NULL;
	return &trust->outcomes[place];
}

/* Counts are written once for each scan: replicas whose scans differ would fight over them. */
static bool has_counts(const struct cluster_status_writer *writer, const struct cluster_object *object,
		       struct cluster_matched *counts)
{
	const struct cluster_job *job = writer->means.job;

	return job && object->kind != TRUST_OBJECT_ATTESTOR && object->pace.revision != writer->revision &&
	       job->matched(job->context, trust_object_kind_name(object->kind), object->entry.namespace_,
			    object->entry.name, counts);
}

static bool body_for(const struct cluster_status_writer *writer, const struct cluster_object *object,
		     const struct trust_outcome *outcome, int64_t now, struct buf *body, struct err *e)
{
	cleanup(json) json_t *seen = NULL;
	struct cluster_matched counts;
	struct status_question question = {.kind = object->kind,
					   .namespace_ = object->entry.namespace_,
					   .name = object->entry.name,
					   .resource_version = object->resource_version,
					   .generation = object->generation,
					   .outcome = outcome,
					   .matched = has_counts(writer, object, &counts) ? &counts : NULL,
					   .now = now};

	/* A status that can't be read is written over. */
	if (object->status.len > 0 && !json_read(object->status, &seen, NULL))
		seen = NULL;
	question.seen = seen;
	return cluster_status_due(&question, body, e);
}

static int64_t allowed_at(const struct status_pace *pace)
{
	int64_t wait_ms = pace->writes ? STATUS_PACE_MS << (pace->writes < 9 ? pace->writes - 1 : 8) : 0;

	return pace->written_ms + (wait_ms < STATUS_PACE_MAX_MS ? wait_ms : STATUS_PACE_MAX_MS);
}

static void note_write(struct status_pace *pace, int64_t now_ms)
{
	pace->writes = now_ms - pace->written_ms > STATUS_CALM_MS ? 1 : pace->writes + 1;
	pace->written_ms = now_ms;
}

/* The object that it is about; NULL when that is gone. */
static struct cluster_object *object_of(const struct status_request *request)
{
	const char *name = request->key + strlen(request->key) + 1;

	return (struct cluster_object *)(void *)object_table_find(
		&request->writer->means.objects->objects[request->kind], str_of(request->key), str_of(name));
}

static bool is_settled(enum err_kind kind)
{
	return kind == ERR_NOT_FOUND || kind == ERR_CHANGED || kind == ERR_EXISTS;
}

static void tell_failure(struct cluster_status_writer *writer, const struct err *e)
{
	if (writer->told_ms != 0 && writer->now_ms - writer->told_ms < TELL_MS)
		return;
	writer->told_ms = writer->now_ms;
	log_line(LOG_WARN, "the status of a policy object cannot be written", LOG_C("error", e->text));
}

/* An answer about one object keeps only that one waiting, by its pace. */
static void rest(struct cluster_status_writer *writer, int retry_after, const struct err *e)
{
	int64_t wait_ms = STATUS_REST_MS << (writer->failures < 6 ? writer->failures : 6);

	tell_failure(writer, e);
	if (e->kind == ERR_INVALID || e->kind == ERR_TOO_LARGE)
		return;
	writer->failures++;
	if (retry_after > 0 && 1000 * (int64_t)retry_after > wait_ms)
		wait_ms = 1000 * (int64_t)retry_after;
	writer->rest_until_ms = writer->now_ms + (wait_ms < STATUS_REST_MAX_MS ? wait_ms : STATUS_REST_MAX_MS);
}

static void on_answer(void *context, int status, const json_t *answer, int retry_after, const struct err *e)
{
	struct status_request *request = context;
	struct cluster_status_writer *writer = request->writer;
	struct cluster_object *object = object_of(request);
	enum cluster_write result = CLUSTER_FAILED;

	(void)status;
	(void)answer;
	if (e->kind == ERR_NONE)
		result = CLUSTER_WRITTEN;
	else if (is_settled(e->kind))
		result = CLUSTER_CHANGED;
	atomic_fetch_add(&writer->means.metrics->status_writes[result], 1);
	if (result == CLUSTER_FAILED)
		rest(writer, retry_after, e);
	else
		writer->failures = 0;
	if (object) {
		object->running = false;
		object->due = object->due || result == CLUSTER_FAILED;
		if (result == CLUSTER_WRITTEN)
			object->pace.revision = request->revision;
	}
	release(request);
}

static struct status_request *free_request(struct cluster_status_writer *writer)
{
	for (size_t i = 0; i < STATUS_REQUESTS; i++)
		if (!writer->requests[i].id)
			return &writer->requests[i];
	return NULL;
}

static char *key_of(const struct cluster_object *object)
{
	struct str namespace_ = object->entry.namespace_, name = object->entry.name;
	char *key = calloc(1, namespace_.len + name.len + 2);

	if (!key)
		return NULL;
	memcpy(key, namespace_.ptr, namespace_.len);
	memcpy(key + namespace_.len + 1, name.ptr, name.len);
	return key;
}

static bool begin(struct cluster_status_writer *writer, struct status_request *request, struct cluster_object *object,
		  const struct buf *body, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_MAX_BYTES);
	struct kube_request patch = {.method = "PATCH",
				     .content_type = "application/apply-patch+yaml",
				     .body = buf_str(body),
				     .timeout_ms = WRITE_MS};

	kube_path_add(&path, GROUP, VERSION, object->entry.namespace_, plurals[object->kind], object->entry.name,
		      "status");
	buf_add_c(&path, "?fieldManager=sealgate&force=true");
	request->key = key_of(object);
	if (!request->key)
		return err_no_memory(e);
	if (!buf_ok(&path, e))
		return false;
	patch.path = buf_str(&path);
	request->kind = object->kind;
	request->revision = writer->revision;
	request->id = kube_call(writer->means.transport, &patch, on_answer, request, e);
	return request->id != 0;
}

static void write_status(struct cluster_status_writer *writer, struct status_request *request,
			 struct cluster_object *object, const struct buf *body)
{
	struct err e = ERR_INIT;

	if (!begin(writer, request, object, body, &e)) {
		release(request);
		object->due = true;
		rest(writer, -1, &e);
		return;
	}
	object->running = true;
	note_write(&object->pace, writer->now_ms);
}

static void look_at(struct cluster_status_writer *writer, struct cluster_object *object, struct status_request *request,
		    int64_t now)
{
	cleanup(buf) struct buf body = buf_init(STATUS_BODY_MAX);
	const struct trust_outcome *outcome = outcome_of(writer->trust, object);
	struct err e = ERR_INIT;

	object->due = false;
	if (!outcome)
		return;
	if (!body_for(writer, object, outcome, now, &body, &e))
		tell_failure(writer, &e);
	else if (body.len > 0)
		write_status(writer, request, object, &body);
	else
		object->pace.revision = writer->revision;
}

/* Goes on while there is room; returns when there is more to do: now, later, or once a request has ended (INT64_MAX).
 */
static int64_t look_at_kind(struct cluster_status_writer *writer, const struct object_table *table, unsigned *looks,
			    int64_t now)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < table->count; i++) {
		struct cluster_object *object = object_at(table, i);
		struct status_request *request = free_request(writer);

		if (!request || writer->now_ms < writer->rest_until_ms)
			break;
		if (!object->due || object->running)
			continue;
		if (allowed_at(&object->pace) > writer->now_ms) {
			next_ms = allowed_at(&object->pace) < next_ms ? allowed_at(&object->pace) : next_ms;
			continue;
		}
		if ((*looks)++ == LOOKS)
			return writer->now_ms;
		look_at(writer, object, request, now);
	}
	return next_ms;
}

static int64_t look_at_due(struct cluster_status_writer *writer, int64_t now)
{
	int64_t next_ms = INT64_MAX;
	unsigned looks = 0;

	for (size_t kind = 0; kind < TRUST_OBJECT_KINDS && looks <= LOOKS; kind++) {
		int64_t at_ms = look_at_kind(writer, &writer->means.objects->objects[kind], &looks, now);

		next_ms = at_ms < next_ms ? at_ms : next_ms;
	}
	return next_ms;
}

static void look_at_job(struct cluster_status_writer *writer)
{
	const struct cluster_job *job = writer->means.job;
	uint64_t revision = job ? job->revision(job->context) : 0;

	if (revision == writer->revision)
		return;
	writer->revision = revision;
	look_at_all(writer);
}

int64_t cluster_status_writer_step(struct cluster_status_writer *writer, int64_t now_ms, int64_t now)
{
	int64_t next_ms;

	writer->now_ms = now_ms;
	look_at_job(writer);
	if (now_ms - writer->looked_ms >= STATUS_LOOK_MS)
		look_at_all(writer);
	if (now_ms < writer->rest_until_ms)
		return writer->rest_until_ms;
	next_ms = look_at_due(writer, now);
	if (now_ms < writer->rest_until_ms && writer->rest_until_ms < next_ms)
		next_ms = writer->rest_until_ms;
	return next_ms < writer->looked_ms + STATUS_LOOK_MS ? next_ms : writer->looked_ms + STATUS_LOOK_MS;
}
