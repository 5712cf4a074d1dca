/* The routes of the webhook listener. */
#ifndef SEALGATE_SERVER_WEBHOOK_H
#define SEALGATE_SERVER_WEBHOOK_H

#include "server/http.h"

/* An http_handler; context is a struct review_service. POST / and /validate: AdmissionReview; POST /image-review:
 * ImageReview. 405 for other methods there, 404 for other paths, both with a Status. */
void webhook_handle(void *context, struct http_request *request, struct http_response *response);

#endif
