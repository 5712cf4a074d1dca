/* Objects judged one after the other as their creation would be, and the report about it. */
#ifndef SEALGATE_CLI_CHECK_H
#define SEALGATE_CLI_CHECK_H

#include "base/json.h"
#include "cli/facts_watch.h"
#include "cli/judge.h"
#include "cli/objects.h"

/* Fewer objects than these are judged before anybody could read how far it is. */
#define CHECK_PROGRESS_FROM 50u

struct check {
	struct judge *judge;
	struct str namespace_; /* of objects that name none */
	const struct option_list *exempt_namespaces;
	const struct object_list *given; /* everything; labels of namespaces come from the Namespaces among them */
	struct facts_watch watch;
	/* the report */
	struct buf text;
	json_t *results;
	size_t objects, images, refused;
};

/* Makes the report empty. */
bool check_init(struct check *check, struct err *e) MUST_USE;
void check_release(struct check *check);
CLEANUP_VALUE(check, struct check, check_release)

/* Judges one object and adds it to the report. False only when facts can't be had or there is no memory: then nothing
 * can be told. */
bool check_object(struct check *check, const struct object *object, struct err *e) MUST_USE;
/* Adds the last line. */
void check_summary(struct check *check);
/* EXIT_NO when one was refused, else EXIT_YES. */
int check_status(const struct check *check);

#endif
