/* An AdmissionReview, decoded: a pure function from the bytes of a request. What the API server's contract demands is
 * checked here; whether the object may run is not. */
#ifndef SEALGATE_SERVER_ADMISSION_REQUEST_H
#define SEALGATE_SERVER_ADMISSION_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json_doc.h"
#include "base/str.h"
#include "policy/workload.h"

enum admission_operation { OPERATION_CREATE, OPERATION_UPDATE, OPERATION_DELETE, OPERATION_CONNECT };

struct admission_request {
	const char *api_version; /* to echo: "admission.k8s.io/v1" or ".../v1beta1" */
	struct str uid;		 /* never empty */
	struct str group;	 /* of the kind; "" for core */
	struct str kind;
	struct str resource_group;
	struct str resource;
	struct str subresource; /* "" for none */
	struct str name;
	struct str namespace_;
	struct str user;
	struct str operation_name;
	enum admission_operation operation;
	bool dry_run;
	const struct workload_kind *workload; /* NULL: carries no pod spec that we know */
	bool too_complex;		      /* the objects did not fit the arena: both are JSON_NONE */
	struct json_doc doc;
	uint32_t object; /* JSON_NONE when absent or null */
	uint32_t old_object;
	uint32_t groups; /* list of strings, or JSON_NONE */
};

/* Decodes `body`; strings live in it or in the arena. ERR_INVALID for everything that is answered with HTTP 400: no
 * JSON, another kind or version, no uid, an unknown operation, a kind that does not fit resource and subResource, a
 * field of the wrong type or a key that differs from one we read only in case. A body that is correct but whose objects
 * do not fit the arena is read without them. */
bool admission_request_read(struct str body, struct arena *arena, struct admission_request *out,
			    struct err *e) MUST_USE;

/* False for what can bring no image: DELETE, CONNECT, kinds without a pod spec, the status subresource. */
bool admission_may_bring_images(const struct admission_request *request);

/* True for the mirror of a static pod: annotation kubernetes.io/config.mirror, sent by a member of system:nodes whose
 * name is system:node: and the pod's spec.nodeName. Anybody may set the annotation, so all three must hold. */
bool admission_is_mirror_pod(const struct admission_request *request, struct arena *arena);

#endif
