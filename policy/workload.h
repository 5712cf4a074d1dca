/* Which images an object of Kubernetes would run, and where they stand in it.
 *
 * Every built-in kind that carries a pod spec, in all groups that ever had it (facts: Pod, PodTemplate,
 * ReplicationController, ReplicaSet, Deployment, StatefulSet, DaemonSet, Job, CronJob, ControllerRevision). Group and
 * kind decide, the version is ignored. */
#ifndef SEALGATE_POLICY_WORKLOAD_H
#define SEALGATE_POLICY_WORKLOAD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json_doc.h"
#include "base/str.h"

enum image_role { IMAGE_CONTAINER, IMAGE_INIT, IMAGE_EPHEMERAL, IMAGE_VOLUME };

struct image_use {
	struct str path;  /* "spec.template.spec.containers[0].image", as Kubernetes writes it */
	struct str place; /* name of the container or volume */
	struct str text;  /* the image as written, unescaped */
	enum image_role role;
};

struct image_uses {
	struct image_use
		*items; /* containers, initContainers, ephemeralContainers, volumes; each in the order of its list */
	size_t count;
	struct str service_account; /* of the pod spec; "" when it names none */
};

struct workload_kind; /* one row of the table in workload.c */

/* The row for group ("" for core) and kind; NULL when it carries no pod spec we know. */
const struct workload_kind *workload_find(struct str group, struct str kind);
/* The lower-case plural ("deployments") and whether `resource` with `subresource` ("" for none) may carry this kind in
 * a request. */
bool workload_fits(const struct workload_kind *row, struct str resource, struct str subresource);
/* True when a request for this resource carries one of the kinds of the table: any other kind is then a mistake. */
bool workload_expected(struct str group, struct str resource, struct str subresource);

/* Lists the images of `object`, a node of `doc`. Order: containers, initContainers, ephemeralContainers, volumes. An
 * absent pod template or list has no images, and neither has a volume image without (or with an empty) reference. An
 * absent or empty image of a container is an image use with text "": the evaluation refuses it. ERR_INVALID, with the
 * path, when anything on the way has the wrong type, a Pod has no spec, or what has an image has no name.
 * ERR_TOO_LARGE past LIMIT_IMAGES (text WORKLOAD_TOO_MANY) or when the arena is full. */
#define WORKLOAD_TOO_MANY "too many images"
bool workload_images(const struct workload_kind *row, const struct json_doc *doc, uint32_t object, struct arena *arena,
		     struct image_uses *out, struct err *e) MUST_USE;

/* Keeps in `uses` only what an update brings: drops a use when `old` has the same place (role and name) with the same
 * text, byte for byte. When a place stands twice in either object nothing is dropped. n log n. */
void workload_only_new(struct image_uses *uses, const struct image_uses *old);

#endif
