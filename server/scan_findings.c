#include "server/scan_findings.h"

#include "base/utf8.h"

struct scan_findings {
	struct arena arena; /* findings */
	struct arena names;
	struct scan_namespace *spaces;
	size_t count;
	size_t capacity;
	json_t *index; /* name of a namespace -> its place */
	uint64_t objects[SCAN_RESULTS];
};

/* Names are at most 253 bytes, in blocks that are larger than their texts. */
#define NAMES_BYTES (SCAN_NAMESPACES * 512u)

static const char *const result_names[] = {
	[SCAN_FAIL] = "fail", [SCAN_ERROR] = "error", [SCAN_WARN] = "warn", [SCAN_PASS] = "pass", [SCAN_SKIP] = "skip"};

static const char *const enforcement_names[] = {
	[ENFORCE_DENY] = "Deny", [ENFORCE_WARN] = "Warn", [ENFORCE_AUDIT] = "Audit"};

struct scan_findings *scan_findings_new(void)
{
	struct scan_findings *findings = calloc(1, sizeof(*findings));

	if (!findings)
		return NULL;
	findings->arena = arena_init(SCAN_FINDINGS_BYTES);
	findings->names = arena_init(NAMES_BYTES);
	findings->index = json_object();
	if (findings->index)
		return findings;
	scan_findings_free(findings);
	return NULL;
}

void scan_findings_free(struct scan_findings *findings)
{
	if (!findings)
		return;
	arena_release(&findings->arena);
	arena_release(&findings->names);
	json_decref(findings->index);
	free(findings->spaces);
	free(findings);
}

size_t scan_findings_count(const struct scan_findings *findings)
{
	return findings->count;
}

const struct scan_namespace *scan_findings_at(const struct scan_findings *findings, size_t index)
{
	return &findings->spaces[index];
}

size_t scan_findings_find(const struct scan_findings *findings, struct str namespace_)
{
	const json_t *place = json_object_getn(findings->index, namespace_.ptr ? namespace_.ptr : "", namespace_.len);

	return place ? (size_t)json_integer_value(place) : findings->count;
}

uint64_t scan_findings_objects(const struct scan_findings *findings, enum scan_result result)
{
	return findings->objects[result];
}

uint64_t scan_namespace_left_out(const struct scan_namespace *space)
{
	return space->counts[SCAN_FAIL] + space->counts[SCAN_ERROR] + space->counts[SCAN_WARN] - space->kept;
}

const char *scan_result_name(enum scan_result result)
{
	return result_names[result];
}

static bool make_room(struct scan_findings *findings, struct err *e)
{
	size_t capacity = findings->capacity ? findings->capacity * 2 : 64;
	struct scan_namespace *spaces;

	if (findings->count == SCAN_NAMESPACES)
		return err_set(e, ERR_TOO_LARGE, "more than %u namespaces", SCAN_NAMESPACES);
	if (findings->count < findings->capacity)
		return true;
	spaces = reallocarray(findings->spaces, capacity, sizeof(*spaces));
	if (!spaces)
		return err_no_memory(e);
	findings->spaces = spaces;
	findings->capacity = capacity;
	return true;
}

/* NULL on failure. Valid until the next namespace is met. */
static struct scan_namespace *space_of(struct scan_findings *findings, struct str namespace_, struct err *e)
{
	size_t at = scan_findings_find(findings, namespace_);
	struct str name;

	if (at < findings->count)
		return &findings->spaces[at];
	if (!make_room(findings, e))
		return NULL;
	name = arena_copy(&findings->names, namespace_);
	if (!name.ptr || json_object_setn_new(findings->index, name.ptr, name.len, json_integer((json_int_t)at)) != 0) {
		err_no_memory(e);
		return NULL;
	}
	findings->spaces[findings->count] = (struct scan_namespace){.name = name};
	return &findings->spaces[findings->count++];
}

static enum scan_result result_of(const struct finding *finding)
{
	if (finding->enforcement != ENFORCE_DENY)
		return SCAN_WARN;
	if (finding->class == FINDING_TOO_LATE || finding->class == FINDING_TOO_COMPLEX ||
	    finding->class == FINDING_NO_FACTS)
		return SCAN_ERROR;
	return SCAN_FAIL;
}

/* A report's results must name a policy. */
static struct str policy_of(const struct finding *finding)
{
	if (finding->policy.len)
		return finding->policy;
	return finding->class == FINDING_NO_POLICY ? STR("default") : STR("sealgate");
}

static struct str copy_cut(struct arena *arena, struct str text)
{
	if (text.len <= SCAN_FINDING_TEXT)
		return arena_copy(arena, text);
	return ARENA_JOIN(arena, utf8_head(text, SCAN_FINDING_TEXT - 3), STR("..."));
}

/* NULL when there is no room. */
static struct scan_finding *copy_finding(struct arena *arena, const struct scan_subject *about,
					 const struct finding *finding)
{
	struct scan_finding *copy = arena_alloc(arena, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = (struct scan_finding){
		.result = result_of(finding),
		.enforcement = enforcement_names[finding->enforcement],
		.api_version = about->api_version,
		.kind = about->kind,
		.name = arena_copy(arena, about->name),
		.uid = arena_copy(arena, about->uid),
		.path = arena_copy(arena, finding->path),
		.image = arena_copy(arena, finding->image),
		.policy = arena_copy(arena, policy_of(finding)),
		.text = copy_cut(arena, finding->text),
	};
	return copy->name.ptr && copy->uid.ptr && copy->path.ptr && copy->image.ptr && copy->policy.ptr &&
			       copy->text.ptr
		       ? copy
		       : NULL;
}

/* Once one did not fit, no later one is kept: what is kept does not depend on how long each is. */
static bool keep(struct scan_findings *findings, struct scan_namespace *space, const struct scan_subject *about,
		 const struct finding *finding, struct err *e)
{
	struct scan_finding *copy;

	if (space->kept == SCAN_FINDINGS || scan_namespace_left_out(space) > 1)
		return true;
	copy = copy_finding(&findings->arena, about, finding);
	if (!copy)
		return !findings->arena.starved || err_no_memory(e);
	if (space->last)
		space->last->next = copy;
	else
		space->first = copy;
	space->last = copy;
	space->kept++;
	return true;
}

bool scan_findings_add(struct scan_findings *findings, const struct scan_subject *about,
		       const struct decision *decision, struct err *e)
{
	struct scan_namespace *space = space_of(findings, about->namespace_, e);
	enum scan_result worst = decision->allowed ? SCAN_PASS : SCAN_ERROR;

	if (!space)
		return false;
	for (size_t i = 0; i < decision->finding_count; i++) {
		enum scan_result result = result_of(&decision->findings[i]);

		space->counts[result]++;
		worst = result < worst ? result : worst;
		if (!keep(findings, space, about, &decision->findings[i], e))
			return false;
	}
	space->counts[SCAN_PASS] += worst == SCAN_PASS;
	findings->objects[worst]++;
	return true;
}

bool scan_findings_skip(struct scan_findings *findings, struct str namespace_, struct err *e)
{
	struct scan_namespace *space = space_of(findings, namespace_, e);

	if (!space)
		return false;
	space->counts[SCAN_SKIP]++;
	findings->objects[SCAN_SKIP]++;
	return true;
}

void scan_findings_nameless(struct scan_findings *findings)
{
	findings->objects[SCAN_ERROR]++;
}
