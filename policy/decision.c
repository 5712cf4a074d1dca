#include "policy/evaluate.h"
#include "policy/line.h"

/* "; and 18446744073709551615 more" */
enum { MORE_MAX = 32 };

static const char *const kinds[] = {
	[DECISION_DENY] = "deny",   [DECISION_ALLOW] = "allow",	  [DECISION_WARN] = "warn",
	[DECISION_AUDIT] = "audit", [DECISION_EXEMPT] = "exempt", [DECISION_BREAK_GLASS] = "break-glass",
};

/* What is said when there is no memory to say more. */
static const struct finding out_of_memory = {
	.class = FINDING_TOO_COMPLEX,
	.enforcement = ENFORCE_DENY,
	.text = {"Too complex: no memory is left to decide", 40},
};

const char *decision_kind_name(enum decision_kind kind)
{
	return (unsigned)kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : kinds[DECISION_DENY];
}

struct decision decision_without_images(enum decision_kind kind)
{
	bool allowed = kind == DECISION_ALLOW || kind == DECISION_EXEMPT;

	return (struct decision){.allowed = allowed, .kind = allowed ? kind : DECISION_DENY};
}

void decision_refuse(enum finding_class class, struct str path, struct str text, struct arena *arena,
		     struct decision *out)
{
	struct finding *finding = arena_alloc(arena, sizeof(*finding));
	struct line line;

	*out = (struct decision){.kind = DECISION_DENY, .findings = &out_of_memory, .finding_count = 1};
	line_init(&line, LIMIT_FINDING_TEXT);
	line_add_escaped(&line, text, LIMIT_FINDING_TEXT);
	if (!finding)
		return;
	*finding = (struct finding){.class = class, .enforcement = ENFORCE_DENY, .path = arena_copy(arena, path)};
	finding->text = arena_copy(arena, line_str(&line));
	if (finding->path.ptr && finding->text.ptr)
		out->findings = finding;
}

void decision_refuse_object(const struct err *problem, struct arena *arena, struct decision *out)
{
	struct str text;

	if (problem->kind == ERR_TOO_LARGE && str_eq_c(str_of(problem->text), WORKLOAD_TOO_MANY)) {
		text = arena_printf(arena,
				    "Too many images: the object has more than %u, the most that one object may have",
				    LIMIT_IMAGES);
		decision_refuse(FINDING_TOO_MANY, STR(""), text, arena, out);
	} else if (problem->kind == ERR_INVALID) {
		text = arena_printf(arena, "Object can't be read: %s", problem->text);
		decision_refuse(FINDING_UNREADABLE, STR(""), text, arena, out);
	} else {
		text = arena_printf(arena, "Too complex: %s", problem->text);
		decision_refuse(FINDING_TOO_COMPLEX, STR(""), text, arena, out);
	}
}

static size_t count_denying(const struct decision *decision)
{
	size_t n = 0;

	for (size_t i = 0; i < decision->finding_count; i++)
		n += decision->findings[i].enforcement == ENFORCE_DENY;
	return n;
}

/* Adds one finding if it leaves room for the words about the rest. */
static bool add_finding(struct buf *out, size_t start, struct str text, bool is_last)
{
	size_t separator = out->len > start ? 2 : 0;
	size_t room = LIMIT_DENY_MESSAGE - (out->len - start) - (is_last ? 0 : MORE_MAX);

	if (separator + text.len > room)
		return false;
	if (separator)
		buf_add(out, STR("; "));
	buf_add(out, text);
	return true;
}

void decision_message(const struct decision *decision, struct buf *out)
{
	size_t left = count_denying(decision);
	size_t start = out->len;

	for (size_t i = 0; i < decision->finding_count; i++) {
		if (decision->findings[i].enforcement != ENFORCE_DENY)
			continue;
		if (!add_finding(out, start, decision->findings[i].text, left == 1))
			break;
		left--;
	}
	if (left)
		buf_printf(out, "%sand %zu more", out->len > start ? "; " : "", left);
}

struct str image_text_escape(struct str text, struct arena *arena)
{
	struct line line;

	if (text.len <= LIMIT_IMAGE_TEXT && line_is_plain(text))
		return text;
	line_init(&line, LIMIT_IMAGE_TEXT);
	line_add_escaped(&line, text, LIMIT_IMAGE_TEXT);
	return arena_copy(arena, line_str(&line));
}
