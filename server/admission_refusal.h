/* A refusal as the Event about it tells it: what it regards is the controller that owns the refused object, which
 * people look at when no pods come, or else the namespace. The refused object itself isn't there. */
#ifndef SEALGATE_SERVER_ADMISSION_REFUSAL_H
#define SEALGATE_SERVER_ADMISSION_REFUSAL_H

#include "server/admission_request.h"
#include "server/refusal_queue.h"

/* Fills all of *out but the note, from texts of the request and of the arena. An owner that can't be read, or whose
 * texts are longer than names can be, is passed over. False for a request that is in no namespace. */
bool admission_refusal_regards(const struct admission_request *request, struct arena *arena, struct refusal *out);

#endif
