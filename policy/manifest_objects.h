/* Objects of a cluster beside the manifests of files.
 *
 * What files say is complete in itself and checked first: their policies name attestors of files only, so that nothing
 * in a cluster can make them unreadable. Each object stands for itself: one that can't be read leaves the others as
 * they are. The steps follow each other, and each can be taken once: files (manifest_reader_add),
 * manifest_reader_end_files, attestors, manifest_reader_end_attestors, policies, manifest_reader_finish. */
#ifndef SEALGATE_POLICY_MANIFEST_OBJECTS_H
#define SEALGATE_POLICY_MANIFEST_OBJECTS_H

#include "policy/manifest.h"

/* An object as the API server gave it, and what it must say it is. */
struct manifest_object {
	const char *kind;      /* "Attestor", "ClusterImagePolicy", "ImagePolicy" */
	struct str namespace_; /* "" for one that belongs to the cluster */
	struct str name;
	struct str text; /* JSON */
};

/* Checks what the files say, as manifest_reader_finish does. The set that it gives has the files' attestors and
 * policies only, and stays the reader's; the keys of its attestors may be changed. */
bool manifest_reader_end_files(struct manifest_reader *reader, struct policy_set **out, struct err *e) MUST_USE;
/* All attestors are known, with their keys. */
bool manifest_reader_end_attestors(struct manifest_reader *reader, struct err *e) MUST_USE;

/* True when a file has this kind and name, which then stands; *origin says where. */
bool manifest_reader_overrides(const struct manifest_reader *reader, const struct manifest_object *object,
			       struct str *origin);

/* Reads an Attestor without adding it. ERR_INVALID "PATH: TEXT" speaks of the object, and ERR_TOO_LARGE of all policies
 * together. What *out points to is the reader's; its keys may be changed until it is added. */
bool manifest_read_attestor_object(struct manifest_reader *reader, const struct manifest_object *object,
				   struct attestor **out, struct err *e) MUST_USE;
/* Reads a ClusterImagePolicy or ImagePolicy without adding it; two attestors of one entry with the same key are an
 * error too. *absent is ERR_NOT_FOUND with its place when it names an attestor that is not there (nothing counts for
 * that one), else ERR_NONE. */
bool manifest_read_policy_object(struct manifest_reader *reader, const struct manifest_object *object,
				 struct image_policy **out, struct err *absent, struct err *e) MUST_USE;

/* Adds what was read. */
bool manifest_reader_add_attestor(struct manifest_reader *reader, const struct attestor *attestor,
				  struct err *e) MUST_USE;
bool manifest_reader_add_policy(struct manifest_reader *reader, const struct image_policy *policy,
				struct err *e) MUST_USE;
/* Adds what can't be read, `why`: an Attestor without keys, or a policy that refuses every image of its namespace, of
 * all for a ClusterImagePolicy. */
bool manifest_reader_add_unreadable(struct manifest_reader *reader, const struct manifest_object *object,
				    struct str why, struct err *e) MUST_USE;

#endif
