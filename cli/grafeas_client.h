/* What the command line asks of the Grafeas API of sealgated, v1alpha1. */
#ifndef SEALGATE_CLI_GRAFEAS_CLIENT_H
#define SEALGATE_CLI_GRAFEAS_CLIENT_H

#include "base/arena.h"
#include "base/json.h"
#include "cli/http_client.h"
#include "cli/note_name.h"

/* Creates a note of kind ATTESTATION_AUTHORITY. ERR_EXISTS when there is one of that name. */
bool grafeas_create_note(struct http_client *client, const struct note_name *name, struct err *e) MUST_USE;

struct new_attestation {
	const char *note;	 /* "projects/P/notes/N"; the occurrence is made in project P */
	const char *resource;	 /* "https://REPOSITORY@DIGEST" */
	const char *fingerprint; /* of the key, for display */
	struct str signature;	 /* armour */
	bool simple_signing;	 /* contentType SIMPLE_SIGNING_JSON */
};

/* Creates the occurrence; appends its name to `name`. ERR_INVALID, with what to do, when the note does not exist. */
bool grafeas_create_attestation(struct http_client *client, const struct new_attestation *attestation, struct buf *name,
				struct err *e) MUST_USE;

/* Called for each element of a listed page. False stops the walk with e's text. */
typedef bool grafeas_visitor(void *context, const json_t *element, struct err *e);

/* Walks all pages of GET `path` ("/v1alpha1/projects"), whose elements stand in `member` ("projects"). A server that
 * gives the same page token twice, or more than GRAFEAS_PAGES_MAX pages, is an error. */
bool grafeas_list(struct http_client *client, const char *path, const char *member, grafeas_visitor *visit,
		  void *context, struct err *e) MUST_USE;

#define GRAFEAS_PAGES_MAX 100000u

#endif
