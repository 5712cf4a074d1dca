#include "store/sqlite_private.h"

#include <sqlite3.h>

/* An occurrence as it stands in the table. The texts belong to the statement that found it. */
struct found {
	int64_t sequence;
	int64_t created_us;
	struct str digest;
	struct str note;
	struct str json;
};

static bool created(struct sqlite_connection *c, const struct store_change *change, enum sqlite_statement id,
		    const struct sqlite_value *values, size_t count, struct err *e)
{
	switch (sqlite_run(c, id, values, count, e)) {
	case STEP_DONE:
		return true;
	case STEP_CONFLICT:
		return store_name_taken(e, &change->name);
	default:
		return false;
	}
}

/* An update or a delete that touches no row names none that exists. */
static bool changed(struct sqlite_connection *c, const struct store_change *change, enum sqlite_statement id,
		    const struct sqlite_value *values, size_t count, struct err *e)
{
	if (sqlite_run(c, id, values, count, e) != STEP_DONE)
		return false;
	return sqlite3_changes(c->db) > 0 || store_name_unknown(e, &change->name);
}

/* `find` gives a row for a name that exists. */
static bool exists(struct sqlite_connection *c, const struct store_name *name, enum sqlite_statement find,
		   struct err *e)
{
	switch (sqlite_run(c, find, VALUES(TEXT(name->project), TEXT(name->id)), e)) {
	case STEP_ROW:
		return true;
	case STEP_DONE:
		return store_name_unknown(e, name);
	default:
		return false;
	}
}

/* ... or one that is no longer what it was. */
static bool updated(struct sqlite_connection *c, const struct store_change *change, enum sqlite_statement id,
		    enum sqlite_statement find, const struct sqlite_value *values, size_t count, struct err *e)
{
	const struct store_name *name = &change->name;

	if (sqlite_run(c, id, values, count, e) != STEP_DONE)
		return false;
	if (sqlite3_changes(c->db) > 0)
		return true;
	return exists(c, name, find, e) && store_row_changed(e, name);
}

static bool create_project(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	const struct project_row *row = change->row.project;

	return created(c, change, SQL_INSERT_PROJECT, VALUES(TEXT(row->id), TEXT(row->json)), e);
}

static bool delete_project(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	return changed(c, change, SQL_DELETE_PROJECT, VALUES(TEXT(change->name.id)), e);
}

static bool create_note(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	const struct note_row *row = change->row.note;

	return created(c, change, SQL_INSERT_NOTE,
		       VALUES(TEXT(row->project), TEXT(row->id), TEXT(row->kind), TEXT(row->json),
			      NUMBER(row->created_us), NUMBER(row->updated_us)),
		       e);
}

static bool update_note(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	const struct note_row *row = change->row.note;

	return updated(c, change, SQL_UPDATE_NOTE, SQL_GET_NOTE,
		       VALUES(TEXT(row->project), TEXT(row->id), TEXT(row->kind), TEXT(row->json),
			      NUMBER(row->updated_us), TEXT_OR_NULL(row->was)),
		       e);
}

static bool delete_note(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	return changed(c, change, SQL_DELETE_NOTE, VALUES(TEXT(change->name.project), TEXT(change->name.id)), e);
}

static bool create_operation(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	const struct operation_row *row = change->row.operation;

	return created(c, change, SQL_INSERT_OPERATION, VALUES(TEXT(row->project), TEXT(row->id), TEXT(row->json)), e);
}

static bool update_operation(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	const struct operation_row *row = change->row.operation;

	return updated(c, change, SQL_UPDATE_OPERATION, SQL_GET_OPERATION,
		       VALUES(TEXT(row->project), TEXT(row->id), TEXT(row->json), TEXT_OR_NULL(row->was)), e);
}

static bool delete_operation(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	return changed(c, change, SQL_DELETE_OPERATION, VALUES(TEXT(change->name.project), TEXT(change->name.id)), e);
}

/* What can't be looked up by a digest is not evidence. */
static bool add_evidence(struct sqlite_connection *c, const struct occurrence_row *row, int64_t sequence,
			 int64_t created_us, struct err *e)
{
	for (size_t i = 0; i < row->evidence_count && row->digest.len > 0; i++) {
		const struct evidence *one = &row->evidence[i];

		if (sqlite_run(c, SQL_INSERT_EVIDENCE,
			       VALUES(TEXT(row->digest), TEXT(row->note), NUMBER(sequence), NUMBER((int64_t)i),
				      TEXT(row->project), TEXT(row->id), NUMBER(created_us),
				      BLOB(str_make(one->signature.ptr, one->signature.len)), BLOB(one->payload)),
			       e) != STEP_DONE)
			return false;
	}
	return true;
}

static bool remove_evidence(struct sqlite_connection *c, const struct found *old, struct err *e)
{
	return sqlite_run(c, SQL_DELETE_HINTS, VALUES(TEXT(old->digest), TEXT(old->note), NUMBER(old->sequence)), e) ==
		       STEP_DONE &&
	       sqlite_run(c, SQL_DELETE_EVIDENCE, VALUES(TEXT(old->digest), TEXT(old->note), NUMBER(old->sequence)),
			  e) == STEP_DONE;
}

static bool has_note(struct sqlite_connection *c, const struct occurrence_row *row, struct err *e)
{
	const struct store_name note = {STORE_NOTE, row->note_project, row->note_id};

	return note.id.len == 0 || exists(c, &note, SQL_GET_NOTE, e);
}

static bool create_occurrence(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	const struct occurrence_row *row = change->row.occurrence;

	if (!has_note(c, row, e) || !created(c, change, SQL_INSERT_OCCURRENCE,
					     VALUES(TEXT(row->project), TEXT(row->id), TEXT(row->note), TEXT(row->kind),
						    TEXT(row->resource), TEXT(row->repository), TEXT(row->digest),
						    TEXT(row->json), NUMBER(row->created_us), NUMBER(row->updated_us)),
					     e))
		return false;
	return add_evidence(c, row, sqlite3_last_insert_rowid(c->db), row->created_us, e);
}

/* On success the statement stays open, because *out points into it: the caller finishes SQL_FIND_OCCURRENCE. */
static bool find_occurrence(struct sqlite_connection *c, const struct store_name *name, struct found *out,
			    struct err *e)
{
	if (!sqlite_start(c, SQL_FIND_OCCURRENCE, VALUES(TEXT(name->project), TEXT(name->id)), e))
		return false;
	switch (sqlite_next(c, SQL_FIND_OCCURRENCE, e)) {
	case STEP_ROW:
		*out = (struct found){
			sqlite_column_number(c, SQL_FIND_OCCURRENCE, 0),
			sqlite_column_number(c, SQL_FIND_OCCURRENCE, 1), sqlite_column_str(c, SQL_FIND_OCCURRENCE, 2),
			sqlite_column_str(c, SQL_FIND_OCCURRENCE, 3), sqlite_column_str(c, SQL_FIND_OCCURRENCE, 4)};
		return true;
	case STEP_DONE:
		return store_name_unknown(e, name);
	default:
		return false;
	}
}

static bool replace_occurrence(struct sqlite_connection *c, const struct occurrence_row *row, const struct found *old,
			       struct err *e)
{
	return remove_evidence(c, old, e) &&
	       sqlite_run(c, SQL_UPDATE_OCCURRENCE,
			  VALUES(NUMBER(old->sequence), TEXT(row->note), TEXT(row->kind), TEXT(row->resource),
				 TEXT(row->repository), TEXT(row->digest), TEXT(row->json), NUMBER(row->updated_us)),
			  e) == STEP_DONE &&
	       add_evidence(c, row, old->sequence, old->created_us, e);
}

static bool update_occurrence(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	struct found old;
	const struct occurrence_row *row = change->row.occurrence;
	bool ok = find_occurrence(c, &change->name, &old, e) &&
		  (!row->was.ptr || str_eq(row->was, old.json) || store_row_changed(e, &change->name)) &&
		  replace_occurrence(c, row, &old, e);

	sqlite_finish(c, SQL_FIND_OCCURRENCE);
	return ok;
}

static bool delete_occurrence(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	struct found old;
	bool ok = find_occurrence(c, &change->name, &old, e) && remove_evidence(c, &old, e) &&
		  sqlite_run(c, SQL_DELETE_OCCURRENCE, VALUES(NUMBER(old.sequence)), e) == STEP_DONE;

	sqlite_finish(c, SQL_FIND_OCCURRENCE);
	return ok;
}

/* No row is added when the attestation is gone, none is changed when the hint that stands is better: both are fine. */
static bool keep_hint(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	const struct attestation_hint *hint = change->row.hint;
	int64_t expires_at = hint->expires_at ? hint->expires_at : INT64_MAX;

	return sqlite_run(c, SQL_KEEP_HINT,
			  VALUES(TEXT(hint->project), TEXT(hint->id), NUMBER((int64_t)hint->index), TEXT(hint->digest),
				 TEXT(hint->note), TEXT(hint->signer), TEXT(hint->repository), NUMBER(expires_at),
				 NUMBER(hint->signed_at)),
			  e) == STEP_DONE;
}

typedef bool apply_function(struct sqlite_connection *c, const struct store_change *change, struct err *e);

static apply_function *const functions[STORE_ENTITIES][STORE_ACTIONS] = {
	[STORE_PROJECT] = {[STORE_CREATE] = create_project, [STORE_DELETE] = delete_project},
	[STORE_NOTE] = {[STORE_CREATE] = create_note, [STORE_UPDATE] = update_note, [STORE_DELETE] = delete_note},
	[STORE_OCCURRENCE] = {[STORE_CREATE] = create_occurrence,
			      [STORE_UPDATE] = update_occurrence,
			      [STORE_DELETE] = delete_occurrence},
	[STORE_OPERATION] = {[STORE_CREATE] = create_operation,
			     [STORE_UPDATE] = update_operation,
			     [STORE_DELETE] = delete_operation},
	[STORE_HINT] = {[STORE_CREATE] = keep_hint},
};

bool sqlite_apply(struct sqlite_connection *c, const struct store_change *change, struct err *e)
{
	apply_function *apply = functions[change->name.entity][change->action];

	if (!apply)
		return err_set(e, ERR_UNSUPPORTED, "the store has no such change");
	return apply(c, change, e);
}
