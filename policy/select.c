#include "policy/select.h"

bool selector_init(const struct subject *subject, struct arena *arena, struct selector *out)
{
	struct str account = subject->service_account.len ? subject->service_account : STR("default");
	struct selector s = {.namespace_ = subject->namespace_, .kind = subject->kind, .labels = subject->labels};

	s.service_account = ARENA_JOIN(arena, subject->namespace_, STR(":"), account);
	if (subject->group.len)
		s.kind = ARENA_JOIN(arena, subject->group, STR("/"), subject->kind);
	if (!s.service_account.ptr || (subject->group.len && !s.kind.ptr))
		return false;
	*out = s;
	return true;
}

/* An absent list (count 0) matches everything. */
static bool any_name_matches(const struct str *patterns, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (name_pattern_matches(patterns[i], name))
			return true;
	return count == 0;
}

static const struct image_pattern *first_match(const struct image_pattern *patterns, size_t count,
					       const struct image_ref *image)
{
	for (size_t i = 0; i < count; i++)
		if (image_pattern_matches(&patterns[i], image))
			return &patterns[i];
	return NULL;
}

static bool names_match(const struct image_match *match, const struct selector *selector)
{
	return any_name_matches(match->namespaces, match->namespace_count, selector->namespace_) &&
	       any_name_matches(match->kinds, match->kind_count, selector->kind) &&
	       any_name_matches(match->service_accounts, match->service_account_count, selector->service_account);
}

enum fit policy_fits(const struct image_policy *policy, const struct selector *selector)
{
	const struct image_match *match = &policy->match;

	if (policy->namespace_.len && !str_eq(policy->namespace_, selector->namespace_))
		return FIT_NOT;
	if (!names_match(match, selector))
		return FIT_NOT;
	if (match->label_count == 0)
		return FIT_YES;
	if (!selector->labels)
		return FIT_UNKNOWN;
	return label_rules_hold(match->labels, match->label_count, selector->labels) ? FIT_YES : FIT_NOT;
}

bool policy_selects(const struct image_policy *policy, const struct image_ref *image)
{
	return policy->match.image_count == 0 || first_match(policy->match.images, policy->match.image_count, image);
}

const struct image_pattern *policy_exempts(const struct image_policy *policy, const struct image_ref *image)
{
	return first_match(policy->exempt_images, policy->exempt_image_count, image);
}
