#include "server/scan_matched.h"

#include "base/limits.h"

/* One policy's row. */
struct row {
	struct str namespace_; /* "" for a ClusterImagePolicy */
	struct str name;
	struct cluster_matched counts;
};

struct scan_matched {
	struct arena arena;
	struct row *rows; /* by namespace and name */
	size_t count;
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = str_compare(x->namespace_, y->namespace_);

	return order ? order : str_compare(x->name, y->name);
}

static bool copy_names(struct scan_matched *matched, const struct policy_set *policies)
{
	matched->rows = arena_array(&matched->arena, policies->policy_count + 1, sizeof(*matched->rows));
	if (!matched->rows)
		return false;
	for (size_t i = 0; i < policies->policy_count; i++) {
		struct row *row = &matched->rows[matched->count++];

		row->namespace_ = arena_copy(&matched->arena, policies->policies[i].namespace_);
		row->name = arena_copy(&matched->arena, policies->policies[i].name);
		if (!row->namespace_.ptr || !row->name.ptr)
			return false;
	}
	qsort(matched->rows, matched->count, sizeof(*matched->rows), compare_rows);
	return true;
}

struct scan_matched *scan_matched_new(const struct policy_set *policies)
{
	struct scan_matched *matched = calloc(1, sizeof(*matched));

	if (!matched)
		return NULL;
	matched->arena = arena_init(LIMIT_POLICY_MEMORY);
	if (copy_names(matched, policies))
		return matched;
	scan_matched_free(matched);
	return NULL;
}

void scan_matched_free(struct scan_matched *matched)
{
	if (!matched)
		return;
	arena_release(&matched->arena);
	free(matched);
}

static struct row *find(const struct scan_matched *matched, struct str namespace_, struct str name)
{
	const struct row key = {.namespace_ = namespace_, .name = name};

	return bsearch(&key, matched->rows, matched->count, sizeof(*matched->rows), compare_rows);
}

static bool refuses(const struct decision *decision, struct str policy)
{
	for (size_t i = 0; i < decision->finding_count; i++)
		if (decision->findings[i].enforcement == ENFORCE_DENY && str_eq(decision->findings[i].policy, policy))
			return true;
	return false;
}

void scan_matched_count(struct scan_matched *matched, struct str namespace_, const struct decision *decision)
{
	for (size_t i = 0; i < decision->policy_count; i++) {
		struct str name = decision->policies[i];
		struct row *rows[] = {find(matched, STR(""), name), find(matched, namespace_, name)};
		bool refused = refuses(decision, name);

		for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
			if (!rows[n])
				continue;
			rows[n]->counts.workloads++;
			rows[n]->counts.refused += refused;
		}
	}
}

bool scan_matched_find(const struct scan_matched *matched, const char *kind, struct str namespace_, struct str name,
		       struct cluster_matched *out)
{
	bool cluster_wide = str_eq_c(str_of(kind), "ClusterImagePolicy");
	const struct row *row = find(matched, cluster_wide ? STR("") : namespace_, name);

	if (row)
		*out = row->counts;
	return row != NULL;
}
