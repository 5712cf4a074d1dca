/* What the API server holds, as far as trust depends on it: policy objects with their status, and the public keys in
 * the ConfigMaps and Secrets of the server's own namespace. Of an object only its spec and its status are kept, as
 * text; of a Secret nothing but public keys. Not for several threads. */
#ifndef SEALGATE_SERVER_CLUSTER_OBJECTS_H
#define SEALGATE_SERVER_CLUSTER_OBJECTS_H

#include "attest/trust_objects.h"
#include "base/json.h"
#include "server/object_table.h"

/* How often a status was written, so that replicas that don't agree don't fight (server/cluster_status_writer.h). */
struct status_pace {
	unsigned writes;
	int64_t written_ms; /* monotonic */
	uint64_t revision;  /* of the counts that were compared last (server/cluster_job.h) */
};

struct cluster_object {
	struct object_entry entry;
	enum trust_object_kind kind;
	struct str uid;
	struct str resource_version;
	struct str text;   /* as the loader of policies reads it; "" when it is larger than LIMIT_OBJECT_TEXT */
	struct str status; /* as JSON; "" for none */
	int64_t generation;
	bool due;     /* its status is to be looked at */
	bool running; /* a request of its status is */
	struct status_pace pace;
};

struct cluster_objects {
	struct object_table objects[TRUST_OBJECT_KINDS];
	struct object_table sources[KEY_SOURCE_KINDS];
	struct err object_problems[TRUST_OBJECT_KINDS]; /* why something is not held; until the next list */
	struct err source_problems[KEY_SOURCE_KINDS];
	bool changed; /* since the last snapshot, what trust depends on */
};

void cluster_objects_init(struct cluster_objects *objects);
void cluster_objects_release(struct cluster_objects *objects);

/* What a watch tells (kube/list_watch.h), of policy objects and of ConfigMaps or Secrets. What can't be held is noted
 * as a problem of its resource. */
void cluster_objects_begin(struct cluster_objects *objects, enum trust_object_kind kind);
void cluster_objects_present(struct cluster_objects *objects, enum trust_object_kind kind, const json_t *object);
void cluster_objects_gone(struct cluster_objects *objects, enum trust_object_kind kind, const json_t *object);
void cluster_objects_synced(struct cluster_objects *objects, enum trust_object_kind kind);
void cluster_sources_begin(struct cluster_objects *objects, enum key_source_kind kind);
void cluster_sources_present(struct cluster_objects *objects, enum key_source_kind kind, const json_t *object);
void cluster_sources_gone(struct cluster_objects *objects, enum key_source_kind kind, const json_t *object);
void cluster_sources_synced(struct cluster_objects *objects, enum key_source_kind kind);

/* All of it, finished; the caller owns *out. False, with the first problem, while anything is not held: a snapshot that
 * lacks a policy would admit what that policy refuses. Forgets `changed`. */
bool cluster_objects_snapshot(struct cluster_objects *objects, struct trust_objects **out, struct err *e) MUST_USE;

#endif
