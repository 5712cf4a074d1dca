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

/* `url`: "sqlite:PATH". Creates (mode 0600) and migrates forward (READ_WRITE only). ERR_INVALID: unknown scheme, no
 * path, a directory, no such file or directory; ERR_INTERNAL, with what to do: damaged or foreign ("is not a sealgate
 * database or is damaged"), newer ("was written by a newer sealgate"), locked, not writable. NULL on failure.
 * READ_ONLY changes nothing in the file; every write is then ERR_UNSUPPORTED. */
struct store *store_open(const char *url, enum store_mode mode, struct err *e);
/* No other call may be running. NULL is legal. */
void store_close(struct store *store);

/* Whether what was opened is still there, without reading any row. ERR_UNAVAILABLE: it was moved, deleted or replaced
 * beneath us; reads go on, writes are refused with the same words until it is back. ERR_INTERNAL: it was cut short or
 * overwritten, or can't be read. ERR_TIMEOUT: all connections are in use until the deadline. */
bool store_check(struct store *s, int64_t deadline_ms, struct err *e) MUST_USE;

/* The version of what is stored, for whoever keeps what a walk has shown. A commit of any process that changes a row
 * makes each later call give a larger number than every call that ended before the commit; a walk that begins after a
 * call sees at least what that call has seen. So what a walk has shown is still all there is while the number read
 * before the walk is given again. It may also grow without any change. Errors as of reads: then nothing is known. */
bool store_version(struct store *s, int64_t deadline_ms, uint64_t *version, struct err *e) MUST_USE;

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
	struct str was; /* for updates */
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
	struct str was; /* for updates */
	/* For creations: the ids of the note, when it must be stored already; both empty otherwise. */
	struct str note_project, note_id;
};

struct evidence {
	struct str signature; /* as uploaded */
	struct str payload;   /* signed bytes of a detached signature; ptr NULL when inside the signature */
};

struct operation_row {
	struct str project;
	struct str id;
	struct str json;
	struct str was; /* for updates */
};

/* A page by key: rows after `token` ("" = from the start) in the order of their ids (occurrences: of creation), at most
 * `limit`, fewer when they hold more than LIMIT_PAGE_BYTES. A row deleted between two pages doesn't disturb the rest.
 */
struct page {
	struct str token; /* opaque, made by the store; ERR_INVALID "bad page token" when it is not one of this list */
	size_t limit;	  /* 1 to LIMIT_PAGE_SIZE */
};

struct row_list {
	struct str *json; /* in the arena */
	size_t count;
	struct str next; /* "" when the list is finished */
};

/* Creates: ERR_EXISTS; ERR_INVALID for an id that is empty or longer than LIMIT_ID. Reads, updates, deletes:
 * ERR_NOT_FOUND. Updates replace everything but `created_us` and the place in lists; with `was`, the JSON text that the
 * change was made from, only when the row still holds it: ERR_CHANGED otherwise. Any call: ERR_INTERNAL when the
 * database can't be read or written, ERR_UNAVAILABLE when the disk or the queue of writers is full.
 *
 * Every call takes the deadline of its request (monotonic milliseconds, 0 = none): ERR_TIMEOUT when a lock or the
 * writer's queue outlasts it, and then nothing was written. A write that has begun is waited for, so that the answer is
 * the truth. */
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

/* One signature of one occurrence. */
struct attestation_row {
	struct str project; /* the occurrence's name is projects/PROJECT/occurrences/ID */
	struct str id;
	size_t index; /* of the signature in the occurrence's evidence */
	struct str note;
	struct str signature;
	struct str payload; /* ptr NULL when none */
	int64_t created_us;
};

/* Called for each attestation, newest first (the order in which the store created them, which no clock can disturb);
 * strings live only during the call, and it may not call the store. Return false to skip the rest of this note (with
 * note_count 0: to end the walk). */
typedef bool attestation_visitor(void *context, const struct attestation_row *row);

/* The attestations of a digest: one index probe per note; with note_count 0 one over all notes, newest first whatever
 * the note, so that a flood under invented notes can't hide what came after it. */
bool store_attestations(struct store *s, struct str digest, const struct str *notes, size_t note_count,
			int64_t deadline_ms, attestation_visitor *visit, void *context, struct err *e) MUST_USE;

/* Where to look first when a digest has more attestations than anybody wants to walk. A hint is a row's address, found
 * by whoever has verified its signature; it proves nothing, and what it leads to is verified like any other row. */
struct attestation_hint {
	struct str project; /* the attestation, as attestation_row */
	struct str id;
	size_t index;
	struct str digest; /* where it is looked for: dropped when the attestation is not (any more) under these */
	struct str note;
	struct str signer;     /* one hint is kept per digest, note, signer and repository */
	struct str repository; /* "" when the payload names none */
	int64_t expires_at;    /* seconds, 0 = never: the one that lasts longest is kept, */
	int64_t signed_at;     /* among equals the one signed last */
};
bool store_keep_hint(struct store *s, const struct attestation_hint *hint, int64_t deadline_ms, struct err *e) MUST_USE;
/* As store_attestations, for those that a hint points at; in no order. Hints go with the row they point at. */
bool store_hinted_attestations(struct store *s, struct str digest, const struct str *notes, size_t note_count,
			       int64_t deadline_ms, attestation_visitor *visit, void *context, struct err *e) MUST_USE;

/* Operation names for metrics ("attestations", "create_occurrence", ...) and their observed times. Set before other
 * threads use the store; may be NULL. */
typedef void store_observer(void *context, const char *operation, int64_t duration_us);
void store_observe(struct store *s, store_observer *observer, void *context);

#endif
