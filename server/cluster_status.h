/* The status of a policy object, as it should be. Pure: what is seen, what became of it, and the time. Replicas that
 * see the same compute the same text, so that whoever comes second has nothing to write. */
#ifndef SEALGATE_SERVER_CLUSTER_STATUS_H
#define SEALGATE_SERVER_CLUSTER_STATUS_H

#include "attest/trust.h"
#include "base/buf.h"
#include "base/json.h"
#include "server/cluster_job.h"

#define STATUS_BODY_MAX (1024u * 1024)
/* Keys that a status lists; the message counts for all of them. */
#define STATUS_KEYS 256u

struct status_question {
	enum trust_object_kind kind;
	struct str namespace_; /* "" for none */
	struct str name;
	struct str resource_version;
	int64_t generation;
	const json_t *seen;		       /* the status that is there; NULL for none */
	const struct trust_outcome *outcome;   /* of this generation */
	const struct cluster_matched *matched; /* NULL: as seen stays */
	int64_t now;			       /* seconds */
};

/* Appends the body of a server-side apply to `body` when the status should be another one, and nothing when it stands.
 * Members of the status that are not ours don't count. A condition keeps its lastTransitionTime while its word stays.
 * The body names the resource version that was seen: the API server refuses it once there is a newer one. False only
 * without memory, or past STATUS_BODY_MAX. */
bool cluster_status_due(const struct status_question *question, struct buf *body, struct err *e) MUST_USE;

#endif
