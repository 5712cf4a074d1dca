/* The review of the policy kinds themselves, in whatever namespace: an object that would not be in force is refused
 * before it is stored. */
#ifndef SEALGATE_SERVER_ADMISSION_POLICY_H
#define SEALGATE_SERVER_ADMISSION_POLICY_H

#include "server/admission_request.h"
#include "server/review.h"

/* True for a policy kind of this version's group, but not for its status. */
bool admission_is_policy(const struct admission_request *request);
/* CREATE and UPDATE: read as the loader would. What can't be used is refused ("KIND NAME can't be used: PATH: TEXT",
 * with the path as the cause's field), unless an update leaves a spec that was stored already as it is, which must stay
 * possible (finalizers, labels): that is a warning. So are an Attestor that is not there, keys that have expired or
 * whose source is missing, and an enforcement other than Deny. DELETE of an Attestor that policies in force name:
 * allowed with a warning. What can't be looked at in time is refused. */
void admission_policy_decide(struct review_service *service, const struct admission_request *request,
			     int64_t deadline_ms, struct arena *arena, struct decision *out);

#endif
