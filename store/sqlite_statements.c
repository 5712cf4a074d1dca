#include "store/sqlite_private.h"

/* Columns in the order of enum sqlite_evidence_column. */
#define EVIDENCE "SELECT e.project, e.id, e.ordinal, e.note, e.signature, e.payload, e.created_us "
#define HINTED                                                                                              \
	EVIDENCE "FROM hints AS h CROSS JOIN evidence AS e ON e.digest = h.digest AND e.note = h.note AND " \
		 "e.sequence = h.sequence AND e.ordinal = h.ordinal "

/* Lists give json, id, sequence, in the order of their key, after ?2, at most ?3. */
static const char *const texts[SQL_STATEMENTS] = {
	[SQL_GET_PROJECT] = "SELECT json FROM projects WHERE id = ?2 AND ?1 = ''",
	[SQL_GET_NOTE] = "SELECT json FROM notes WHERE project = ?1 AND id = ?2",
	[SQL_GET_OCCURRENCE] = "SELECT json FROM occurrences WHERE project = ?1 AND id = ?2",
	[SQL_GET_OPERATION] = "SELECT json FROM operations WHERE project = ?1 AND id = ?2",

	[SQL_LIST_PROJECTS] = "SELECT json, id, 0 FROM projects WHERE id > ?2 AND ?1 = '' ORDER BY id LIMIT ?3",
	[SQL_LIST_NOTES] = "SELECT json, id, 0 FROM notes WHERE project = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
	[SQL_LIST_OPERATIONS] =
		"SELECT json, id, 0 FROM operations WHERE project = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
	[SQL_LIST_OCCURRENCES] = "SELECT json, id, sequence FROM occurrences WHERE project = ?1 AND sequence > ?2 "
				 "ORDER BY sequence LIMIT ?3",
	[SQL_LIST_NOTE_OCCURRENCES] = "SELECT json, id, sequence FROM occurrences WHERE note = ?1 AND sequence > ?2 "
				      "ORDER BY sequence LIMIT ?3",

	[SQL_ATTESTATIONS] =
		EVIDENCE "FROM evidence AS e WHERE e.digest = ?1 AND e.note = ?2 ORDER BY e.sequence DESC, e.ordinal",
	[SQL_ATTESTATIONS_ANY_NOTE] = EVIDENCE "FROM evidence AS e INDEXED BY evidence_by_time WHERE e.digest = ?1 "
					       "ORDER BY e.sequence DESC, e.note, e.ordinal",
	[SQL_HINTED] = HINTED "WHERE h.digest = ?1 AND h.note = ?2",
	[SQL_HINTED_ANY_NOTE] = HINTED "WHERE h.digest = ?1",

	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",

	[SQL_INSERT_PROJECT] = "INSERT INTO projects (id, json) VALUES (?1, ?2)",
	[SQL_DELETE_PROJECT] = "DELETE FROM projects WHERE id = ?1",
	[SQL_INSERT_NOTE] = "INSERT INTO notes (project, id, kind, json, created_us, updated_us) "
			    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_UPDATE_NOTE] = "UPDATE notes SET kind = ?3, json = ?4, updated_us = ?5 WHERE project = ?1 AND id = ?2 AND "
			    "(?6 IS NULL OR json = ?6)",
	[SQL_DELETE_NOTE] = "DELETE FROM notes WHERE project = ?1 AND id = ?2",
	[SQL_INSERT_OPERATION] = "INSERT INTO operations (project, id, json) VALUES (?1, ?2, ?3)",
	[SQL_UPDATE_OPERATION] =
		"UPDATE operations SET json = ?3 WHERE project = ?1 AND id = ?2 AND (?4 IS NULL OR json = ?4)",
	[SQL_DELETE_OPERATION] = "DELETE FROM operations WHERE project = ?1 AND id = ?2",

	[SQL_INSERT_OCCURRENCE] =
		"INSERT INTO occurrences "
		"(project, id, note, kind, resource, repository, digest, json, created_us, updated_us) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SQL_FIND_OCCURRENCE] = "SELECT sequence, created_us, digest, note, json FROM occurrences "
				"WHERE project = ?1 AND id = ?2",
	[SQL_UPDATE_OCCURRENCE] = "UPDATE occurrences SET note = ?2, kind = ?3, resource = ?4, repository = ?5, "
				  "digest = ?6, json = ?7, updated_us = ?8 WHERE sequence = ?1",
	[SQL_DELETE_OCCURRENCE] = "DELETE FROM occurrences WHERE sequence = ?1",
	[SQL_INSERT_EVIDENCE] =
		"INSERT INTO evidence (digest, note, sequence, ordinal, project, id, created_us, signature, payload) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_DELETE_EVIDENCE] = "DELETE FROM evidence WHERE digest = ?1 AND note = ?2 AND sequence = ?3",
	[SQL_KEEP_HINT] =
		"INSERT INTO hints (digest, note, signer, repository, sequence, ordinal, expires_at, signed_at) "
		"SELECT e.digest, e.note, ?6, ?7, e.sequence, e.ordinal, ?8, ?9 FROM occurrences AS o "
		"CROSS JOIN evidence AS e ON e.digest = ?4 AND e.note = ?5 AND e.sequence = o.sequence AND "
		"e.ordinal = ?3 WHERE o.project = ?1 AND o.id = ?2 "
		"ON CONFLICT (digest, note, signer, repository) DO UPDATE SET sequence = excluded.sequence, "
		"ordinal = excluded.ordinal, expires_at = excluded.expires_at, signed_at = excluded.signed_at "
		"WHERE (excluded.expires_at, excluded.signed_at) > (hints.expires_at, hints.signed_at)",
	[SQL_DELETE_HINTS] = "DELETE FROM hints WHERE digest = ?1 AND note = ?2 AND sequence = ?3",
};

const char *sqlite_statement_text(enum sqlite_statement id)
{
	return texts[id];
}
