#include "policy/verdict.h"

static const struct {
	const char *name;
	const char *text;
} reasons[REASON_COUNT] = {
	[REASON_NOT_VERIFIED] = {"not_verified", "not verified yet"},
	[REASON_GOOD] = {"good", "signature is good"},
	[REASON_UNKNOWN_KEY] = {"unknown_key", "signed by a key that no attestor lists"},
	[REASON_BAD_SIGNATURE] = {"bad_signature", "signature does not fit what it signs"},
	[REASON_KEY_EXPIRED] = {"key_expired", "signed by an expired key"},
	[REASON_KEY_REVOKED] = {"key_revoked", "signed by a revoked key"},
	[REASON_SUBKEY_EXPIRED] = {"subkey_expired", "signed by an expired subkey"},
	[REASON_SUBKEY_REVOKED] = {"subkey_revoked", "signed by a revoked subkey"},
	[REASON_KEY_CANNOT_SIGN] = {"key_cannot_sign", "signed by a subkey that may not sign"},
	[REASON_WEAK_KEY] = {"weak_key", "signed by a key that is too weak"},
	[REASON_WEAK_HASH] = {"weak_hash", "signed over a hash that is too weak"},
	[REASON_SIGNATURE_EXPIRED] = {"signature_expired", "signature has expired"},
	[REASON_NOT_YET_VALID] = {"not_yet_valid", "signature is dated in the future"},
	[REASON_SEVERAL_SIGNATURES] = {"several_signatures", "carries more than one signature"},
	[REASON_SEVERAL_MESSAGES] = {"several_messages", "carries data beside its one message"},
	[REASON_NOT_OPENPGP] = {"not_openpgp", "not an OpenPGP message"},
	[REASON_BAD_HEADER] = {"bad_header", "signed text has a header other than Hash:"},
	[REASON_NO_PAYLOAD] = {"no_payload", "carries no signed payload"},
	[REASON_BAD_PAYLOAD] = {"bad_payload", "payload has no known format"},
	[REASON_OTHER_DIGEST] = {"other_digest", "payload names another digest"},
	[REASON_OTHER_REPOSITORY] = {"other_repository", "payload names another repository"},
	[REASON_TOO_LARGE] = {"too_large", "signature or payload is too large"},
	[REASON_TIMEOUT] = {"timeout", "verification took too long"},
	[REASON_WORKER_FAILED] = {"worker_failed", "verification could not run"},
	[REASON_BUSY] = {"busy", "too many verifications are waiting"},
};

const char *verdict_reason_text(enum verdict_reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reasons[reason].text : reasons[REASON_NOT_VERIFIED].text;
}

const char *verdict_reason_name(enum verdict_reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reasons[reason].name : reasons[REASON_NOT_VERIFIED].name;
}
