/* What an occurrence must have to be looked up and, as an attestation, to be verified. */
#ifndef SEALGATE_SERVER_GRAFEAS_ATTESTATION_H
#define SEALGATE_SERVER_GRAFEAS_ATTESTATION_H

#include "base/json.h"
#include "store/store.h"

/* Fills kind, resource, repository, digest and evidence of the row from the canonical occurrence, whose kind is
 * settled; strings live in the arena or in the occurrence, evidence in *evidence. An attestation must have a resource
 * that parses and carries a digest ("https://" before it is allowed) and a signature that armor_acceptable() takes:
 * ERR_INVALID otherwise. The resource of other kinds may be anything; repository and digest stay empty when it is no
 * image. */
bool attestation_fill_row(const json_t *occurrence, struct arena *arena, struct evidence *evidence,
			  struct occurrence_row *row, struct err *e) MUST_USE;

#endif
