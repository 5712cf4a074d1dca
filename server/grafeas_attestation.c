#include "server/grafeas_attestation.h"

#include "attest/armor.h"
#include "policy/image_ref.h"

/* Repository and digest of the resource. */
static bool fill_image(struct arena *arena, struct occurrence_row *row, struct err *e)
{
	static const struct str scheme = {"https://", 8};
	struct str text = str_starts_with(row->resource, scheme) ? str_skip(row->resource, scheme.len) : row->resource;
	struct image_ref image;

	if (!image_ref_parse(text, arena, &image, e))
		return err_context(e, "resourceUrl");
	row->repository = image.repository;
	row->digest = image.digest;
	return true;
}

static bool needs_digest(const struct occurrence_row *row, struct err *e)
{
	return row->digest.len || err_set(e, ERR_INVALID, "resourceUrl: an attestation needs an image with its digest");
}

static bool fill_evidence(const json_t *occurrence, struct evidence *evidence, struct occurrence_row *row,
			  struct err *e)
{
	const json_t *attestation = json_object_get(occurrence, "attestation");
	const json_t *pgp = json_object_get(attestation, "pgpSignedAttestation");

	*evidence = (struct evidence){.signature = json_text(pgp, "signature")};
	if (!armor_acceptable(evidence->signature, e))
		return err_context(e, "attestation.pgpSignedAttestation.signature");
	row->evidence = evidence;
	row->evidence_count = 1;
	return true;
}

bool attestation_fill_row(const json_t *occurrence, struct arena *arena, struct evidence *evidence,
			  struct occurrence_row *row, struct err *e)
{
	struct err no_image = ERR_INIT;

	row->kind = json_text(occurrence, "kind");
	row->resource = json_text(occurrence, "resourceUri");
	row->repository = STR("");
	row->digest = STR("");
	if (str_eq_c(row->kind, "ATTESTATION"))
		return fill_image(arena, row, e) && needs_digest(row, e) && fill_evidence(occurrence, evidence, row, e);
	return fill_image(arena, row, &no_image) || no_image.kind == ERR_INVALID ||
	       err_set(e, no_image.kind, "%s", no_image.text);
}
