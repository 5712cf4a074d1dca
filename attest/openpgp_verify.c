#include <errno.h>

#include "attest/armor.h"
#include "attest/cpu_limit.h"
#include "attest/openpgp_private.h"
#include "attest/packets.h"
#include "attest/signature_check.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/starvation.h"

/* What reading a payload may take. */
#define PAYLOAD_ARENA (4u * 1024 * 1024)

/* gpg's plain text; more than the maximum ends the call. */
static ssize_t take_plain_text(void *handle, const void *bytes, size_t size)
{
	struct buf *plain = handle;

	buf_add(plain, str_make(bytes, size));
	if (buf_ok(plain, NULL))
		return (ssize_t)size;
	errno = ENOSPC;
	return -1;
}

static bool data_into(struct buf *plain, gpgme_data_t *out)
{
	static struct gpgme_data_cbs callbacks = {.write = take_plain_text};

	return !gpgme_data_new_from_cbs(out, &callbacks, plain);
}

/* What of gpgme's statuses says something about the signature. */
static const struct {
	gpg_err_code_t code;
	enum finding finding;
} findings[] = {
	{GPG_ERR_NO_ERROR, FINDING_GOOD},
	{GPG_ERR_BAD_SIGNATURE, FINDING_BAD},
	{GPG_ERR_NO_PUBKEY, FINDING_NO_KEY},
	{GPG_ERR_WRONG_KEY_USAGE, FINDING_WRONG_USAGE},
	{GPG_ERR_DIGEST_ALGO, FINDING_HASH_REFUSED},
	{GPG_ERR_KEY_EXPIRED, FINDING_KEY_EXPIRED},
	{GPG_ERR_CERT_REVOKED, FINDING_KEY_REVOKED},
	{GPG_ERR_SIG_EXPIRED, FINDING_SIGNATURE_EXPIRED},
};

/* A good signature comes with a whole fingerprint and a date; one without is the work of a gpg that was killed. */
static bool is_complete(gpgme_signature_t signature)
{
	char fingerprint[FINGERPRINT_MAX + 1];

	return openpgp_fingerprint(signature->fpr, fingerprint) && signature->timestamp != 0;
}

static enum finding finding_of(const struct openpgp *p, gpgme_signature_t signature)
{
	gpg_err_code_t code = gpgme_err_code(signature->status);

	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++)
		if (findings[i].code == code)
			return p->gpg_refused || is_complete(signature) ? findings[i].finding : FINDING_NONE;
	return p->gpg_refused ? FINDING_BAD : FINDING_NONE;
}

/* The summary contradicts a good status when any of these is set. */
static bool summary_contradicts(gpgme_signature_t signature)
{
	const unsigned wrong = GPGME_SIGSUM_RED | GPGME_SIGSUM_KEY_REVOKED | GPGME_SIGSUM_KEY_EXPIRED |
			       GPGME_SIGSUM_SIG_EXPIRED | GPGME_SIGSUM_KEY_MISSING | GPGME_SIGSUM_BAD_POLICY |
			       GPGME_SIGSUM_SYS_ERROR;

	return ((unsigned)signature->summary & wrong) || signature->wrong_key_usage ||
	       signature->validity == GPGME_VALIDITY_NEVER;
}

static void report_signature(const struct openpgp *p, gpgme_signature_t signature, struct signature_report *report)
{
	report->finding = finding_of(p, signature);
	if (report->finding == FINDING_GOOD && summary_contradicts(signature))
		report->finding = FINDING_BAD;
	if (signature->fpr && strlen(signature->fpr) <= FINGERPRINT_MAX)
		memcpy(report->signer, signature->fpr, strlen(signature->fpr) + 1);
	report->hash_algorithm = (unsigned)signature->hash_algo;
	report->created_at = (int64_t)signature->timestamp;
	report->expires_at = (int64_t)signature->exp_timestamp;
}

/* One message on its way through verification. */
struct verification {
	struct openpgp *p;
	struct armor_message message;
	struct packets packets;
	struct buf plain;   /* of an attached message */
	struct str payload; /* what was signed, as the payload formats see it */
	int64_t now;
};

static void verification_release(struct verification *v)
{
	armor_message_release(&v->message);
	buf_release(&v->plain);
}

CLEANUP_VALUE(verification, struct verification, verification_release)

static bool is_attached(const struct verification *v)
{
	return v->packets.shape != PACKETS_SIGNATURE;
}

/* Calls gpg. Attached: the message alone; otherwise signature and signed bytes apart, whoever wrapped them. */
static gpgme_error_t call_gpg(struct verification *v, struct str signed_bytes)
{
	cleanup(gpgme_data) gpgme_data_t signature = NULL;
	cleanup(gpgme_data) gpgme_data_t other = NULL;
	bool ok = openpgp_enter(v->p, NULL) && openpgp_data(buf_str(&v->message.packets), &signature, NULL);

	v->p->gpg_refused = false;
	buf_clear(&v->plain);
	if (is_attached(v)) {
		ok = ok && data_into(&v->plain, &other);
		return ok ? gpgme_op_verify(v->p->context, signature, NULL, other) : gpg_error(GPG_ERR_ENOMEM);
	}
	ok = ok && openpgp_data(signed_bytes, &other, NULL);
	return ok ? gpgme_op_verify(v->p->context, signature, other, NULL) : gpg_error(GPG_ERR_ENOMEM);
}

/* Data that unfolds without end must not take the time of all that wait. */
static gpgme_error_t call_gpg_briefly(struct verification *v, struct str signed_bytes)
{
	struct cpu_limit before;
	gpgme_error_t error;

	cpu_limit_set(LIMIT_GPG_CPU_SECONDS, &before);
	error = call_gpg(v, signed_bytes);
	cpu_limit_lift(&before);
	if (gpgme_err_code(error) == GPG_ERR_ENOMEM)
		starvation_note();
	return error;
}

/* What is signed and what the payload reader is to see of it. For clear-signed text the last line end is not signed. */
static enum verdict_reason choose_payload(struct verification *v, struct str given, struct str *signed_bytes)
{
	struct str text = buf_str(&v->message.text);

	if (v->message.kind == ARMOR_CLEAR_SIGNED) {
		if (is_attached(v))
			return REASON_NOT_OPENPGP;
		*signed_bytes = str_head(text, text.len - 2);
		v->payload = text;
		return REASON_GOOD;
	}
	if (is_attached(v))
		return REASON_GOOD;
	if (!given.ptr)
		return REASON_NO_PAYLOAD;
	*signed_bytes = given;
	v->payload = given;
	return given.len > LIMIT_SIGNATURE ? REASON_TOO_LARGE : REASON_GOOD;
}

/* Without a signature in the result: gpg's own word that there is none, or no word at all. */
static enum verdict_reason no_signature_reason(const struct verification *v)
{
	if (v->plain.failed)
		return v->plain.full ? REASON_TOO_LARGE : REASON_WORKER_FAILED;
	return v->p->gpg_refused ? REASON_BAD_SIGNATURE : REASON_WORKER_FAILED;
}

static enum verdict_reason check_result(struct verification *v, gpgme_error_t error, struct signature_facts *out)
{
	bool asked = gpgme_err_code(error) != GPG_ERR_ENOMEM;
	/* Without memory gpg may not have been asked at all: what is there is the result of the last question. */
	gpgme_verify_result_t result = asked ? gpgme_op_verify_result(v->p->context) : NULL;
	gpgme_signature_t first = result ? result->signatures : NULL;
	struct signature_report report = {0};

	if (!first || v->plain.failed)
		return no_signature_reason(v);
	if (first->next)
		return REASON_SEVERAL_SIGNATURES;
	report_signature(v->p, first, &report);
	if (report.finding == FINDING_GOOD && (error || v->p->gpg_refused))
		return v->p->gpg_refused ? REASON_BAD_SIGNATURE : REASON_WORKER_FAILED;
	signature_check(&report, &v->p->signers, v->now, out);
	return out->reason;
}

/* Where gpg gave no answer it is asked again. A message that it twice has nothing to say about is not a signature;
 * otherwise nobody would ever judge it, and whoever uploads a few hundred of them could keep an image out. */
static enum verdict_reason ask_gpg(struct verification *v, struct str signed_bytes, struct signature_facts *out)
{
	enum verdict_reason reason = check_result(v, call_gpg_briefly(v, signed_bytes), out);

	if (reason != REASON_WORKER_FAILED || !openpgp_engine_works(v->p))
		return reason;
	reason = check_result(v, call_gpg_briefly(v, signed_bytes), out);
	return reason == REASON_WORKER_FAILED ? REASON_BAD_SIGNATURE : reason;
}

static enum verdict_reason check_signed(struct verification *v, struct str given, struct signature_facts *out)
{
	struct str signed_bytes = {0};
	enum verdict_reason reason = choose_payload(v, given, &signed_bytes);

	if (reason != REASON_GOOD)
		return reason;
	if (v->packets.hash_algorithm && packets_hash_is_weak(v->packets.hash_algorithm))
		return REASON_WEAK_HASH;
	if (!openpgp_know_signers(v->p, NULL))
		return REASON_WORKER_FAILED;
	reason = ask_gpg(v, signed_bytes, out);
	if (is_attached(v))
		v->payload = buf_str(&v->plain);
	return reason;
}

static enum verdict_reason read_claim(struct str payload, struct signature_facts *out)
{
	cleanup(arena) struct arena arena = arena_init(PAYLOAD_ARENA);
	struct payload_claim claim;
	enum verdict_reason reason = payload_parse(payload, &arena, &claim, NULL);

	if (reason != REASON_GOOD)
		return reason;
	if (claim.digest.len >= sizeof(out->digest) || claim.repository.len >= sizeof(out->repository))
		return REASON_BAD_PAYLOAD;
	memcpy(out->digest, claim.digest.ptr, claim.digest.len);
	memcpy(out->repository, claim.repository.ptr, claim.repository.len);
	return REASON_GOOD;
}

static enum verdict_reason verify(struct verification *v, struct str upload, struct str given,
				  struct signature_facts *out)
{
	enum verdict_reason reason = armor_unwrap(upload, &v->message);

	if (reason == REASON_GOOD)
		reason = packets_read(buf_str(&v->message.packets), &v->packets);
	if (reason == REASON_GOOD)
		reason = check_signed(v, given, out);
	if (reason == REASON_GOOD)
		reason = read_claim(v->payload, out);
	return reason;
}

void openpgp_verify(struct openpgp *p, struct str upload, struct str payload, int64_t now, struct signature_facts *out)
{
	cleanup(verification) struct verification v = {
		.p = p,
		.message = armor_message_init(),
		.plain = buf_init(LIMIT_SIGNATURE),
		.now = now,
	};
	unsigned before = starvation_count();

	*out = (struct signature_facts){.verdict = VERDICT_REJECTED};
	out->reason = verify(&v, upload, payload, out);
	/* Nothing is wrong with the signature then, and nobody may remember that there was. */
	if (out->reason != REASON_GOOD && starvation_count() != before)
		out->reason = REASON_WORKER_FAILED;
	if (out->reason == REASON_GOOD)
		out->verdict = VERDICT_ACCEPTED;
}
