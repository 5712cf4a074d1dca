#include "server/review.h"

#include "base/clock.h"
#include "base/limits.h"
#include "server/facts_source.h"

/* The names belong to the policy set, which may go away once it is no longer pinned. */
static bool keep_names(struct arena *arena, struct decision *decision)
{
	struct str *policies = arena_array(arena, decision->policy_count, sizeof(*policies));
	struct finding *findings = arena_array(arena, decision->finding_count, sizeof(*findings));

	if (!policies || !findings)
		return false;
	for (size_t i = 0; i < decision->policy_count; i++) {
		policies[i] = arena_copy(arena, decision->policies[i]);
		if (!policies[i].ptr)
			return false;
	}
	for (size_t i = 0; i < decision->finding_count; i++) {
		findings[i] = decision->findings[i];
		findings[i].policy = arena_copy(arena, findings[i].policy);
		if (!findings[i].policy.ptr)
			return false;
	}
	decision->policies = policies;
	decision->findings = findings;
	decision->judgements = NULL;
	decision->judgement_count = 0;
	return true;
}

/* Within the review's own deadline, of which the rest is left to the decision. */
static bool find_labels(const struct review_service *service, struct str namespace_, int64_t deadline_ms,
			struct arena *arena, struct labels *out)
{
	int64_t patience = clock_monotonic_ms() + LIMIT_LABELS_MS;

	return service->labels && service->labels->find(service->labels->context, namespace_,
							deadline_ms < patience ? deadline_ms : patience, arena, out);
}

static void evaluate_under(struct review_service *service, struct trust *trust, const struct subject *subject,
			   const struct image_uses *uses, int64_t deadline_ms, struct arena *arena,
			   struct decision *out)
{
	int64_t now = clock_now().seconds;
	struct facts_source source = {.store = service->store,
				      .queue = service->queue,
				      .trust = trust,
				      .cache = service->facts,
				      .metrics = service->metrics,
				      .deadline_ms = deadline_ms,
				      .now = now};
	struct facts facts = facts_source_interface(&source);
	struct subject labelled = *subject;
	struct labels labels;
	struct evaluation how = {.policies = trust->policies,
				 .default_action = service->default_action,
				 .facts = &facts,
				 .now = now,
				 .deadline_ms = deadline_ms};

	if (trust->policies->needs_labels && find_labels(service, subject->namespace_, deadline_ms, arena, &labels))
		labelled.labels = &labels;
	evaluate(&how, &labelled, uses, arena, out);
}

void review_decide(struct review_service *service, const struct subject *subject, const struct image_uses *uses,
		   int64_t deadline_ms, struct arena *arena, struct decision *out)
{
	struct trust *trust = trust_holder_pin(service->trust, NULL);

	evaluate_under(service, trust, subject, uses, deadline_ms, arena, out);
	if (!keep_names(arena, out))
		decision_refuse(FINDING_TOO_COMPLEX, STR(""), STR("Too complex: no memory is left to decide"), arena,
				out);
	trust_unref(trust);
}
