/* What drivers and store.c share: the vtable, and calls as values. Only store/ includes it. */
#ifndef SEALGATE_STORE_STORE_PRIVATE_H
#define SEALGATE_STORE_STORE_PRIVATE_H

#include "store/page_token.h"
#include "store/store.h"

enum store_entity { STORE_PROJECT, STORE_NOTE, STORE_OCCURRENCE, STORE_OPERATION, STORE_HINT, STORE_ENTITIES };
enum store_action { STORE_CREATE, STORE_UPDATE, STORE_DELETE, STORE_ACTIONS };

/* The name of one row. A project has only an id. */
struct store_name {
	enum store_entity entity;
	struct str project;
	struct str id;
};

/* One write. Borrowed: the caller waits for its end. */
struct store_change {
	enum store_action action;
	struct store_name name;
	union { /* by entity; not set for STORE_DELETE */
		const struct project_row *project;
		const struct note_row *note;
		const struct occurrence_row *occurrence;
		const struct operation_row *operation;
		const struct attestation_hint *hint;
	} row;
};

struct store_list {
	enum store_listing listing;
	struct str scope; /* the project; the note's name for note occurrences; "" for projects */
	struct page_key after;
	size_t limit;
};

struct store_page {
	struct str *json; /* in the arena */
	size_t count;
	bool more;
	struct page_key last; /* of the last row, in the arena; set when `more` */
};

struct store_walk {
	struct str digest;
	const struct str *notes;
	size_t note_count;
	bool hinted; /* only what hints point at */
	attestation_visitor *visit;
	void *context;
};

/* Deadlines, errors and promises are those of store.h. */
struct store_driver {
	const char *scheme;
	struct store *(*open)(const char *location, enum store_mode mode, struct err *e);
	void (*close)(struct store *s);
	bool (*check)(struct store *s, int64_t deadline_ms, struct err *e);
	bool (*version)(struct store *s, int64_t deadline_ms, uint64_t *version, struct err *e);
	bool (*change)(struct store *s, const struct store_change *change, int64_t deadline_ms, struct err *e);
	bool (*get)(struct store *s, const struct store_name *name, int64_t deadline_ms, struct arena *arena,
		    struct str *json, struct err *e);
	bool (*list)(struct store *s, const struct store_list *list, int64_t deadline_ms, struct arena *arena,
		     struct store_page *out, struct err *e);
	bool (*walk)(struct store *s, const struct store_walk *walk, int64_t deadline_ms, struct err *e);
};

/* The head of every driver's own struct. */
struct store {
	const struct store_driver *driver;
	enum store_mode mode;
	store_observer *observer;
	void *observer_context;
};

extern const struct store_driver sqlite_driver;

/* ERR_EXISTS `note "projects/P/notes/N" already exists`, ERR_NOT_FOUND "... does not exist", ERR_CHANGED "... was
 * changed meanwhile". Return false. */
bool store_name_taken(struct err *e, const struct store_name *name);
bool store_name_unknown(struct err *e, const struct store_name *name);
bool store_row_changed(struct err *e, const struct store_name *name);

#endif
