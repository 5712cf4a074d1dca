/* What a plain reader makes of the same bytes: slow, short, over trees of jansson, and written from the documents, not
 * from the code under test. Fuzz targets compare. */
#ifndef SEALGATE_TESTS_FUZZ_NAIVE_H
#define SEALGATE_TESTS_FUZZ_NAIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Aborts, so that the fuzzer keeps the input. */
void naive_check(bool holds);

/* ---- Image references, by the grammar of distribution/reference as regular expressions ---- */

#define NAIVE_TEXT_MAX 4096

struct naive_image {
	char host[NAIVE_TEXT_MAX + 1];
	char path[NAIVE_TEXT_MAX + 32];
	char tag[NAIVE_TEXT_MAX + 1];
	char digest[NAIVE_TEXT_MAX + 1];
};

bool naive_image_read(struct str text, struct naive_image *out);
/* HOST "/" PATH, as it is compared. */
void naive_repository(const struct naive_image *image, char out[2 * NAIVE_TEXT_MAX]);
/* `pattern` is one that a policy may hold. */
bool naive_pattern_matches(struct str pattern, const struct naive_image *image);
/* `*` stands for any run of bytes. */
bool naive_name_matches(struct str pattern, struct str name);

/* ---- The images of an object ---- */

#define NAIVE_USES_MAX 512

struct naive_use {
	char path[128];
	struct str name;
	struct str text;
	size_t list; /* 0 containers, 1 initContainers, 2 ephemeralContainers, 3 volumes */
};

struct naive_uses {
	struct naive_use uses[NAIVE_USES_MAX];
	size_t count;
	struct str service_account;
	bool wrong; /* something can't be read: the object is refused */
};

/* `spec` is the way to the pod spec ("" for the object itself), which must be there when `must`. */
void naive_walk(struct naive_uses *out, const char *spec, bool must, json_t *object);
/* The way to the pod spec of this group and kind; NULL when it has none. */
const char *naive_spec_path(struct str group, struct str kind);
/* Drops what stood in the same place with the same text. */
void naive_only_new(struct naive_uses *uses, const struct naive_uses *old);

/* ---- The decision ---- */

struct naive_fact { /* one attestation that is there, and good unless `rejected` */
	struct str digest, note, signer, repository;
	int64_t expires_at; /* 0 for never */
	bool rejected;
};

struct naive_world {
	json_t *documents; /* of the policies */
	const struct naive_fact *facts;
	size_t fact_count;
	const char *default_action; /* "deny", "warn", "allow" */
	const char *exempt_namespace;
	bool labels_known; /* of every namespace: "name", which is its name, and "stage", which is "prod" */
	int64_t now;
};

/* How a key is called that stands in a policy with this text: its lines but the first and last, without white space. */
#define NAIVE_SIGNER_MAX 64
size_t naive_signer(struct str key, char out[NAIVE_SIGNER_MAX]);
/* "deny", "allow", "warn", "audit" or "exempt", for a review that is whole. */
const char *naive_decide(const struct naive_world *world, json_t *review);

#endif
