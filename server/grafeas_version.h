/* One version of the Grafeas API: its messages and where its manners differ. A further version is a further table. */
#ifndef SEALGATE_SERVER_GRAFEAS_VERSION_H
#define SEALGATE_SERVER_GRAFEAS_VERSION_H

#include "server/message.h"

struct grafeas_version {
	const char *name; /* "v1alpha1": the first segment of its paths */
	const struct message *project;
	const struct message *note;
	const struct message *occurrence;
	const struct message *operation;
	const struct message
		*operation_request; /* {parent, operationId, operation}: how dialect B wraps an operation */
	int exists_status;	    /* HTTP status of a name that is taken */
	bool raw_line_breaks;	    /* occurrence uploads may hold raw line breaks within strings (heredoc.h) */
};

/* Both dialects of v1alpha1 in one (grafeas_v1alpha1.c). */
extern const struct grafeas_version grafeas_v1alpha1;

/* Settles the kind of a canonical note or occurrence: that of the member it has; with no member the given one, or
 * "KIND_UNSPECIFIED". ERR_INVALID when the given kind and the member disagree. */
bool grafeas_kind_settle(json_t *object, struct err *e) MUST_USE;

#endif
