#include "kube/watch_event.h"

#define GONE_STATUS 410

struct str watch_version(const json_t *object)
{
	return json_text(json_object_get(object, "metadata"), "resourceVersion");
}

static bool read_error(const json_t *status, struct watch_event *out, struct err *e)
{
	bool expired = json_integer_value(json_object_get(status, "code")) == GONE_STATUS;
	struct str message = json_text(status, "message");

	out->kind = expired ? EVENT_EXPIRED : EVENT_FAILED;
	(void)err_set(e, expired ? ERR_CHANGED : ERR_UNAVAILABLE, "the API server ends the watch: %.*s",
		      STR_ARG(message.len > 0 ? message : STR("it does not say why")));
	return true;
}

static bool ends_initial(const json_t *object)
{
	const json_t *annotations = json_object_get(json_object_get(object, "metadata"), "annotations");

	return str_eq_c(json_text(annotations, "k8s.io/initial-events-end"), "true");
}

static bool read_object(const json_t *object, enum watch_event_kind kind, struct watch_event *out, struct err *e)
{
	struct str version = watch_version(object);

	if (version.len == 0)
		return err_set(e, ERR_INVALID, "an event of the API server has no object with a resourceVersion");
	*out = (struct watch_event){.kind = kind,
				    .object = object,
				    .version = version,
				    .initial_end = kind == EVENT_BOOKMARK && ends_initial(object)};
	return true;
}

bool watch_event_read(const json_t *json, struct watch_event *out, struct err *e)
{
	static const struct {
		const char *type;
		enum watch_event_kind kind;
	} types[] = {{"ADDED", EVENT_PRESENT},
		     {"MODIFIED", EVENT_PRESENT},
		     {"DELETED", EVENT_GONE},
		     {"BOOKMARK", EVENT_BOOKMARK}};
	struct str type = json_text(json, "type");
	const json_t *object = json_object_get(json, "object");

	if (str_eq_c(type, "ERROR"))
		return read_error(object, out, e);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq_c(type, types[i].type))
			return read_object(object, types[i].kind, out, e);
	return err_set(e, ERR_INVALID, "the API server sends an event of no known type");
}
