#include "server/review.h"

bool review_policy_object(struct review_service *service, const struct trust_object *object, int64_t deadline_ms,
			  struct arena *arena, struct trust_review *out, struct err *e)
{
	return trust_holder_review(service->trust, object, deadline_ms, arena, out, e);
}

struct str review_attestor_users(struct review_service *service, struct str attestor, size_t max, struct arena *arena)
{
	struct trust *trust = trust_holder_pin(service->trust, NULL);
	struct str users = trust_attestor_users(trust, attestor, max, arena);

	trust_unref(trust);
	return users;
}
