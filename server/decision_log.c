#include "base/limits.h"
#include "base/utf8.h"
#include "server/log.h"
#include "server/review.h"

/* One list of a line, bytes of JSON; what is left out is counted. */
#define LIST_MAX (64u * 1024)
#define MORE_ROOM 64u
/* A name or user is that long at most where Kubernetes made it. */
#define NAME_MAX_BYTES 512u

struct list {
	struct buf json;
	size_t left_out;
};

static struct list list_begin(void)
{
	struct list list = {.json = buf_init(LIST_MAX - MORE_ROOM)};

	buf_add_char(&list.json, '[');
	return list;
}

/* False, and nothing added, when it does not fit. */
static bool list_try(struct buf *json, struct str text)
{
	size_t before = json->len;

	if (json->failed)
		return false;
	buf_add_c(json, before > 1 ? "," : "");
	buf_add_json_string(json, text);
	if (!json->failed)
		return true;
	buf_cut(json, before);
	return false;
}

static void list_add(struct list *list, struct str text)
{
	if (list->left_out || !list_try(&list->json, text))
		list->left_out++;
}

static struct str list_end(struct list *list)
{
	struct buf *json = &list->json;

	json->max = LIST_MAX;
	if (list->left_out) {
		buf_add_c(json, json->len > 1 ? ",\"and " : "\"and ");
		buf_add_number(json, (int64_t)list->left_out);
		buf_add_c(json, " more\"");
	}
	buf_add_char(json, ']');
	return json->failed ? STR("[]") : buf_str(json);
}

static void list_release(struct list *list)
{
	buf_release(&list->json);
}

CLEANUP_VALUE(list, struct list, list_release)

static struct str name_of(struct str text)
{
	return utf8_head(text, NAME_MAX_BYTES);
}

void decision_log_write(const struct review_record *record, struct arena *arena)
{
	const struct decision *decision = record->decision;
	cleanup(list) struct list images = list_begin();
	cleanup(list) struct list policies = list_begin();
	cleanup(list) struct list findings = list_begin();

	for (size_t i = 0; record->images && i < record->images->count; i++)
		list_add(&images, image_text_escape(record->images->items[i].text, arena));
	for (size_t i = 0; i < decision->policy_count; i++)
		list_add(&policies, decision->policies[i]);
	for (size_t i = 0; i < decision->finding_count; i++)
		list_add(&findings, decision->findings[i].text);
	log_line(LOG_RECORD, "decision", LOG_INT("request", (int64_t)record->request_id), LOG_STR("uid", record->uid),
		 LOG_C("decision", decision_kind_name(decision->kind)), LOG_FLAG("allowed", decision->allowed),
		 LOG_STR("namespace", name_of(record->namespace_)), LOG_STR("kind", name_of(record->kind)),
		 LOG_STR("name", name_of(record->name)), LOG_STR("operation", record->operation),
		 LOG_STR("user", name_of(record->user)), LOG_JSON("policies", list_end(&policies)),
		 LOG_JSON("images", list_end(&images)), LOG_JSON("findings", list_end(&findings)),
		 LOG_INT("duration_us", record->duration_us));
}
