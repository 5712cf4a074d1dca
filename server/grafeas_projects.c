#include "server/grafeas_name.h"
#include "server/grafeas_routes.h"

bool grafeas_create_project(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *project = NULL;
	struct project_row row = {0};

	if (!call_message(call, call->version->project, &project, e) ||
	    !grafeas_name_parse(json_text(project, "name"), NULL, &row.id, NULL, e) ||
	    !call_stored_text(call, project, &row.json, e))
		return false;
	return store_create_project(call->grafeas->store, &row, call->deadline_ms, e) && call_answer_empty(out, e);
}

bool grafeas_get_project(struct grafeas_call *call, struct buf *out, struct err *e)
{
	struct str json;

	return store_get_project(call->grafeas->store, call->project, call->deadline_ms, call->request->arena, &json,
				 e) &&
	       call_answer_text(call->version->project, json, out, e);
}

static bool rows(struct grafeas_call *call, struct page page, struct arena *arena, struct row_list *found,
		 struct err *e)
{
	return store_list_projects(call->grafeas->store, page, call->deadline_ms, arena, found, e);
}

bool grafeas_list_projects(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return call_list(call, "projects", call->version->project, rows, out, e);
}

bool grafeas_delete_project(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return store_delete_project(call->grafeas->store, call->project, call->deadline_ms, e) &&
	       call_answer_empty(out, e);
}
