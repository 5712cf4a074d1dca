/* The Grafeas REST API. Routes and messages are tables (grafeas_routes.c, grafeas_v1alpha1.c); handlers work on the
 * canonical model. */
#ifndef SEALGATE_SERVER_GRAFEAS_H
#define SEALGATE_SERVER_GRAFEAS_H

#include "server/access.h"
#include "server/http.h"
#include "server/trust_holder.h"
#include "server/verify_queue.h"
#include "store/store.h"

struct grafeas {
	struct store *store;
	struct access *access;
	struct verify_queue *queue; /* uploads are verified from here; may be NULL in tests */
	struct trust_holder *trust; /* may be NULL in tests */
};

/* An http_handler; context is a struct grafeas. */
void grafeas_handle(void *context, struct http_request *request, struct http_response *response);

/* An http_screen: 401 for a caller that is not known, before its body is read. */
bool grafeas_screen(void *context, struct http_request *request, struct http_response *response);

#endif
