/* The store: projects, notes, occurrences, operations, and the probe from a digest to its attestations.
 *
 * One interface, one vtable, one file per driver (store/sqlite.c). tests/contract/ is the definition: a driver passes
 * it unchanged. Rows hold the canonical JSON text and the columns that are searched; the store never looks inside the
 * JSON. A write has returned true only when it is durable. Names are ids here ("image-signing", "qa"), not paths. All
 * calls may be made from any thread. */
#ifndef SEALGATE_STORE_STORE_H
#define SEALGATE_STORE_STORE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct store;

enum store_mode { STORE_READ_WRITE, STORE_READ_ONLY };

/* `url`: "sqlite:PATH". Creates and migrates (READ_WRITE). ERR_INVALID: unknown scheme; ERR_INTERNAL, with what to do:
 * damaged ("is not a sealgate database or is damaged"), newer ("was written by a newer sealgate"), locked. NULL on
 * failure. */
struct store *store_open(const char *url, enum store_mode mode, struct err *e);
void store_close(struct store *store);

struct project_row {
	struct str id;
	struct str json;
};

struct note_row {
	struct str project;
	struct str id;
	struct str kind; /* canonical: "ATTESTATION" */
	struct str json;
	int64_t created_us; /* microseconds */
	int64_t updated_us;
};

struct occurrence_row {
	struct str project;
	struct str id;
	struct str note; /* "projects/P/notes/N", may be of another project */
	struct str kind;
	struct str resource;   /* the resource URI as uploaded */
	struct str repository; /* normal form; "" when the URI has none */
	struct str digest;     /* "sha256:HEX"; "" when it has none */
	struct str json;
	int64_t created_us;
	int64_t updated_us;
	/* What verification needs, for kind ATTESTATION; empty otherwise. One per signature; v1alpha1 has exactly one.
	 */
	const struct evidence *evidence;
	size_t evidence_count;
};

struct evidence {
	struct str signature; /* as uploaded */
	struct str payload;   /* signed bytes of a detached signature; ptr NULL when inside the signature */
};

struct operation_row {
	struct str project;
	struct str id;
	struct str json;
};

/* A page by key: rows after `token` ("" = from the start) in the order of their ids (occurrences: of creation), at most
 * `limit`. */
struct page {
	struct str token; /* opaque, made by the store; ERR_INVALID "bad page token" when it is not one of this list */
	size_t limit;	  /* 1 to LIMIT_PAGE_SIZE */
};

struct row_list {
	struct str *json; /* in the arena */
	size_t count;
	struct str next; /* "" when the list is finished */
};

/* Creates: ERR_EXISTS. Reads, updates, deletes: ERR_NOT_FOUND. Every call takes the deadline of its request (monotonic
 * milliseconds, 0 = none): ERR_TIMEOUT when a lock or the writer's queue outlasts it. */
bool store_create_project(struct store *s, const struct project_row *row, int64_t deadline_ms, struct err *e) MUST_USE;
bool store_get_project(struct store *s, struct str id, int64_t deadline_ms, struct arena *arena, struct str *json,
		       struct err *e) MUST_USE;
bool store_list_projects(struct store *s, struct page page, int64_t deadline_ms, struct arena *arena,
			 struct row_list *out, struct err *e) MUST_USE;
/* The project's row alone, as the reference does: its notes and occurrences stay. */
bool store_delete_project(struct store *s, struct str id, int64_t deadline_ms, struct err *e) MUST_USE;

bool store_create_note(struct store *s, const struct note_row *row, int64_t deadline_ms, struct err *e) MUST_USE;
bool store_update_note(struct store *s, const struct note_row *row, int64_t deadline_ms, struct err *e) MUST_USE;
bool store_get_note(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct arena *arena,
		    struct str *json, struct err *e) MUST_USE;
bool store_list_notes(struct store *s, struct str project, struct page page, int64_t deadline_ms, struct arena *arena,
		      struct row_list *out, struct err *e) MUST_USE;
bool store_delete_note(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct err *e) MUST_USE;

bool store_create_occurrence(struct store *s, const struct occurrence_row *row, int64_t deadline_ms,
			     struct err *e) MUST_USE;
bool store_update_occurrence(struct store *s, const struct occurrence_row *row, int64_t deadline_ms,
			     struct err *e) MUST_USE;
bool store_get_occurrence(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct arena *arena,
			  struct str *json, struct err *e) MUST_USE;
bool store_list_occurrences(struct store *s, struct str project, struct page page, int64_t deadline_ms,
			    struct arena *arena, struct row_list *out, struct err *e) MUST_USE;
/* Of one note, across all projects. */
bool store_list_note_occurrences(struct store *s, struct str note, struct page page, int64_t deadline_ms,
				 struct arena *arena, struct row_list *out, struct err *e) MUST_USE;
bool store_delete_occurrence(struct store *s, struct str project, struct str id, int64_t deadline_ms,
			     struct err *e) MUST_USE;

bool store_create_operation(struct store *s, const struct operation_row *row, int64_t deadline_ms,
			    struct err *e) MUST_USE;
bool store_update_operation(struct store *s, const struct operation_row *row, int64_t deadline_ms,
			    struct err *e) MUST_USE;
bool store_get_operation(struct store *s, struct str project, struct str id, int64_t deadline_ms, struct arena *arena,
			 struct str *json, struct err *e) MUST_USE;
bool store_list_operations(struct store *s, struct str project, struct page page, int64_t deadline_ms,
			   struct arena *arena, struct row_list *out, struct err *e) MUST_USE;
bool store_delete_operation(struct store *s, struct str project, struct str id, int64_t deadline_ms,
			    struct err *e) MUST_USE;

struct attestation_row {
	struct str project; /* the occurrence's name is projects/PROJECT/occurrences/ID */
	struct str id;
	struct str note;
	struct str signature;
	struct str payload; /* ptr NULL when none */
	int64_t created_us;
};

/* Called for each attestation, newest first within one note; strings live only during the call. Return false to skip
 * the rest of this note (the walk goes on with the next note). */
typedef bool attestation_visitor(void *context, const struct attestation_row *row);

/* The attestations of a digest: one index probe per note, or one over all notes with note_count 0. */
bool store_attestations(struct store *s, struct str digest, const struct str *notes, size_t note_count,
			int64_t deadline_ms, attestation_visitor *visit, void *context, struct err *e) MUST_USE;

/* Operation names for metrics ("attestations", "create_occurrence", ...) and their observed times. May be NULL. */
typedef void store_observer(void *context, const char *operation, int64_t duration_us);
void store_observe(struct store *s, store_observer *observer, void *context);

#endif
