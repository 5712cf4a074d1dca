#include "attest/signature_check.h"

#include "attest/packets.h"

/* Everything a single check looks at. `signer` and `primary` are NULL when the keyring doesn't have them. */
struct check {
	const struct signature_report *report;
	const struct signer *signer;
	const struct signer *primary;
	int64_t now;
};

static bool is_past(int64_t expires_at, int64_t now)
{
	return expires_at != 0 && expires_at <= now;
}

static enum verdict_reason check_hash(const struct check *c)
{
	if (c->report->finding == FINDING_HASH_REFUSED || packets_hash_is_weak(c->report->hash_algorithm))
		return REASON_WEAK_HASH;
	return REASON_GOOD;
}

static enum verdict_reason check_fit(const struct check *c)
{
	return c->report->finding == FINDING_BAD ? REASON_BAD_SIGNATURE : REASON_GOOD;
}

static enum verdict_reason check_known(const struct check *c)
{
	return c->report->finding == FINDING_NO_KEY || !c->signer || !c->primary ? REASON_UNKNOWN_KEY : REASON_GOOD;
}

static enum verdict_reason check_revocation(const struct check *c)
{
	if (c->primary->revoked)
		return REASON_KEY_REVOKED;
	if (c->signer->revoked || c->report->finding == FINDING_KEY_REVOKED)
		return c->signer == c->primary ? REASON_KEY_REVOKED : REASON_SUBKEY_REVOKED;
	return REASON_GOOD;
}

static enum verdict_reason check_usage(const struct check *c)
{
	return c->report->finding == FINDING_WRONG_USAGE || !c->signer->can_sign ? REASON_KEY_CANNOT_SIGN : REASON_GOOD;
}

static enum verdict_reason check_strength(const struct check *c)
{
	return c->signer->weak || c->primary->weak ? REASON_WEAK_KEY : REASON_GOOD;
}

static enum verdict_reason check_key_dates(const struct check *c)
{
	if (c->primary->created_at > c->now + SIGNATURE_CLOCK_SKEW ||
	    c->signer->created_at > c->now + SIGNATURE_CLOCK_SKEW)
		return REASON_NOT_YET_VALID;
	if (is_past(c->primary->expires_at, c->now))
		return REASON_KEY_EXPIRED;
	if (is_past(c->signer->expires_at, c->now) || c->report->finding == FINDING_KEY_EXPIRED)
		return c->signer == c->primary ? REASON_KEY_EXPIRED : REASON_SUBKEY_EXPIRED;
	return REASON_GOOD;
}

static enum verdict_reason check_signature_dates(const struct check *c)
{
	if (c->report->created_at > c->now + SIGNATURE_CLOCK_SKEW)
		return REASON_NOT_YET_VALID;
	if (c->report->created_at < c->signer->created_at)
		return REASON_BAD_SIGNATURE;
	if (is_past(c->report->expires_at, c->now) || c->report->finding == FINDING_SIGNATURE_EXPIRED)
		return REASON_SIGNATURE_EXPIRED;
	return REASON_GOOD;
}

static enum verdict_reason check_finding(const struct check *c)
{
	return c->report->finding == FINDING_GOOD ? REASON_GOOD : REASON_WORKER_FAILED;
}

/* In this order: what is wrong with the key is worth more to the reader than what is wrong with the date. */
static enum verdict_reason (*const checks[])(const struct check *c) = {
	check_known,   check_fit,      check_hash,	check_revocation,
	check_usage,   check_strength, check_key_dates, check_signature_dates,
	check_finding,
};

static int64_t earlier(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a ? a : b;
	return a < b ? a : b;
}

/* Names the primary key when the keyring has it, else what the signature says. */
static void fill_facts(const struct check *c, const struct signer *named, struct signature_facts *out)
{
	const char *name = named ? named->primary : c->report->signer;

	memcpy(out->signer, name, strlen(name) + 1);
	out->signed_at = c->report->created_at;
	out->signature_expires_at = c->report->expires_at;
	if (c->signer && c->primary)
		out->key_expires_at = earlier(c->signer->expires_at, c->primary->expires_at);
}

void signature_check(const struct signature_report *report, const struct signer_table *signers, int64_t now,
		     struct signature_facts *out)
{
	struct check c = {.report = report, .now = now};
	const struct signer *named = signer_table_find(signers, report->signer);
	enum verdict_reason reason = REASON_NOT_VERIFIED;

	if (!named && report->finding != FINDING_GOOD)
		named = signer_table_find_key_id(signers, report->signer);
	c.signer = named;
	c.primary = named ? signer_table_find(signers, named->primary) : NULL;
	if (report->finding == FINDING_NO_KEY)
		named = NULL;
	fill_facts(&c, named, out);
	if (report->finding == FINDING_NONE || report->finding >= FINDING_COUNT) {
		out->reason = REASON_WORKER_FAILED;
		return;
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		reason = checks[i](&c);
		if (reason != REASON_GOOD)
			break;
	}
	out->reason = reason;
}
