/* One API request on its way: what the router found out, and what handlers do with it. */
#ifndef SEALGATE_SERVER_GRAFEAS_CALL_H
#define SEALGATE_SERVER_GRAFEAS_CALL_H

#include "server/grafeas.h"
#include "server/grafeas_version.h"

struct grafeas_call {
	struct grafeas *grafeas;
	struct http_request *request;
	const struct grafeas_version *version;
	enum access_role role;
	struct str project; /* the ids of the path, checked; "" where the route has none */
	struct str id;
	int64_t deadline_ms;
	int64_t now_us; /* the time of this call, for all that it stamps */
};

/* Appends the answer of status 200 to `out`. False: the error becomes the answer. */
typedef bool grafeas_handler(struct grafeas_call *call, struct buf *out, struct err *e);

/* The query parameter `name` (camelCase; snake_case is read too): its value, ptr NULL when it is absent. ERR_INVALID
 * when it is given more than once. */
bool call_query(const struct grafeas_call *call, const char *name, struct str *value, struct err *e) MUST_USE;

/* The body as JSON; an empty body is an empty object. Owned by the caller. */
bool call_json(struct str body, json_t **out, struct err *e) MUST_USE;
/* The body as a canonical message. */
bool call_message(const struct grafeas_call *call, const struct message *m, json_t **out, struct err *e) MUST_USE;

/* Writes a canonical object as the call's version spells it. */
bool call_answer(const struct message *m, const json_t *canonical, struct buf *out, struct err *e) MUST_USE;
/* The same from the stored text. */
bool call_answer_text(const struct message *m, struct str stored, struct buf *out, struct err *e) MUST_USE;
/* "{}" */
bool call_answer_empty(struct buf *out, struct err *e) MUST_USE;

/* Reads one page of rows into the arena: a store_list_* bound to its arguments. */
typedef bool call_rows(struct grafeas_call *call, struct page page, struct arena *arena, struct row_list *rows,
		       struct err *e);
/* Answers with the page that pageSize and pageToken ask for: {"KEY":[...],"nextPageToken":"..."}, the token only when
 * there is more. A page whose rows are too large for one answer is cut short. */
bool call_list(struct grafeas_call *call, const char *key, const struct message *m, call_rows *read, struct buf *out,
	       struct err *e) MUST_USE;

/* The stored text of a canonical object, in the arena. ERR_TOO_LARGE beyond LIMIT_API_BODY. */
bool call_stored_text(struct grafeas_call *call, const json_t *canonical, struct str *text, struct err *e) MUST_USE;
/* Checks the name of the body, which may be absent, against the one of the path, and sets it. */
bool call_set_name(struct grafeas_call *call, json_t *object, const char *collection, struct err *e) MUST_USE;
/* Sets createTime and updateTime from microseconds. */
bool call_set_times(json_t *object, int64_t created_us, int64_t updated_us, struct err *e) MUST_USE;
/* createTime of a stored object in microseconds; 0 when it has none. */
int64_t call_created_us(const json_t *stored);
/* The wall clock in microseconds. */
int64_t call_clock_us(void);
/* `operationName`, if there is one, must be the name of a stored operation: ERR_INVALID, ERR_NOT_FOUND. */
bool call_check_operation(struct grafeas_call *call, const json_t *object, struct err *e) MUST_USE;

/* Runs `once`, which changes what is stored as it has read it, again with a new reading for as long as somebody else
 * comes in between (ERR_CHANGED), at most UPDATE_TRIES times. Each try has memory of its own, which ends with it. */
bool call_retry(struct grafeas_call *call, grafeas_handler *once, struct buf *out, struct err *e) MUST_USE;

/* What an update leaves: PUT replaces the stored object by the body (whose name is set); PATCH merges it as
 * `updateMask` says. *created_us is that of the stored object. The caller owns *out. */
bool call_update(struct grafeas_call *call, const struct message *m, struct str stored, const json_t *body,
		 json_t **out, int64_t *created_us, struct err *e) MUST_USE;

#endif
