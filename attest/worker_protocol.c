#include "attest/worker_protocol.h"

#include <stdlib.h>
#include <string.h>

/* A described key has this many bytes at least: three texts, a number, two times, five flags. */
#define KEY_MIN (3 * 4 + 4 + 2 * 8 + 5)

/* Reading: what is left of a record. A failed read makes every later one fail. */
struct reader {
	struct str left;
	bool failed;
};

static uint64_t read_number(struct reader *r, size_t size)
{
	uint64_t value = 0;

	if (r->failed || r->left.len < size) {
		r->failed = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		value = value << 8 | (unsigned char)r->left.ptr[i];
	r->left = str_skip(r->left, size);
	return value;
}

static struct str read_text(struct reader *r)
{
	uint64_t length = read_number(r, 4);
	struct str text;

	if (r->failed || length > r->left.len) {
		r->failed = true;
		return str_head(r->left, 0);
	}
	text = str_head(r->left, (size_t)length);
	r->left = str_skip(r->left, (size_t)length);
	return text;
}

static bool read_flag(struct reader *r)
{
	uint64_t value = read_number(r, 1);

	r->failed = r->failed || value > 1;
	return value == 1;
}

/* A text into a terminated field; one that does not fit, or has a zero byte, fails. */
static void read_field(struct reader *r, char *field, size_t size)
{
	struct str text = read_text(r);

	if (r->failed || text.len >= size || str_find(text, 0) < text.len) {
		r->failed = true;
		return;
	}
	memset(field, 0, size);
	if (text.len)
		memcpy(field, text.ptr, text.len);
}

static bool read_end(const struct reader *r)
{
	return !r->failed && r->left.len == 0;
}

static void add_number(struct buf *out, uint64_t value, size_t size)
{
	for (size_t i = size; i > 0; i--)
		buf_add_char(out, (char)(value >> (8 * (i - 1)) & 0xff));
}

static void add_text(struct buf *out, struct str text)
{
	add_number(out, text.len, 4);
	buf_add(out, text);
}

static void begin(struct buf *out, enum worker_kind kind, uint64_t id)
{
	buf_clear(out);
	add_number(out, 0, WORKER_LENGTH_SIZE);
	add_number(out, (uint64_t)kind, 1);
	add_number(out, id, 8);
}

static void end(struct buf *out)
{
	size_t length = out->len - WORKER_LENGTH_SIZE;

	if (out->failed || length > WORKER_RECORD_MAX) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < WORKER_LENGTH_SIZE; i++)
		out->data[i] = (char)(length >> (8 * (WORKER_LENGTH_SIZE - 1 - i)) & 0xff);
}

size_t worker_record_length(const unsigned char head[WORKER_LENGTH_SIZE])
{
	size_t length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

	return length >= 9 && length <= WORKER_RECORD_MAX ? length : 0;
}

static void begin_request(struct buf *out, enum worker_kind kind, uint64_t id, uint32_t budget_ms)
{
	begin(out, kind, id);
	add_number(out, budget_ms, 4);
}

void worker_encode_keys(struct buf *out, uint64_t id, uint32_t budget_ms, const struct str *keyrings, size_t count)
{
	begin_request(out, WORKER_KEYS, id, budget_ms);
	for (size_t i = 0; i < count; i++)
		add_text(out, keyrings[i]);
	end(out);
}

void worker_encode_make(struct buf *out, uint64_t id, uint32_t budget_ms, bool repair, const struct str *texts,
			size_t count)
{
	begin_request(out, WORKER_MAKE, id, budget_ms);
	add_number(out, repair, 1);
	for (size_t i = 0; i < count; i++)
		add_text(out, texts[i]);
	end(out);
}

void worker_encode_verify(struct buf *out, uint64_t id, uint32_t budget_ms, struct str upload, struct str payload,
			  int64_t now)
{
	begin_request(out, WORKER_VERIFY, id, budget_ms);
	add_number(out, (uint64_t)now, 8);
	add_text(out, upload);
	add_number(out, payload.ptr != NULL, 1);
	add_text(out, payload);
	end(out);
}

void worker_encode_inspect(struct buf *out, uint64_t id, uint32_t budget_ms, struct str key)
{
	begin_request(out, WORKER_INSPECT, id, budget_ms);
	add_text(out, key);
	end(out);
}

/* The texts must fill the rest of the record exactly. */
static bool read_texts(struct reader *r, struct worker_request *request)
{
	struct reader texts = *r;

	request->texts = r->left;
	//@ split request->texts.len;
	while (!texts.failed && texts.left.len)
		(void)read_text(&texts);
	r->left = texts.left;
	r->failed = texts.failed;
	return read_end(r);
}

static bool read_make(struct reader *r, struct worker_request *request)
{
	request->repair = read_flag(r);
	return read_texts(r, request);
}

static bool read_inspect(struct reader *r, struct worker_request *request)
{
	request->upload = read_text(r);
	return read_end(r);
}

static bool read_verify(struct reader *r, struct worker_request *request)
{
	bool has_payload;

	request->now = (int64_t)read_number(r, 8);
	request->upload = read_text(r);
	has_payload = read_flag(r);
	request->payload = read_text(r);
	if (!has_payload)
		request->payload = (struct str){NULL, 0};
	return read_end(r);
}

bool worker_decode_request(struct str record, struct worker_request *out)
{
	static const struct {
		enum worker_kind kind;
		bool (*read)(struct reader *r, struct worker_request *request);
	} kinds[] = {{WORKER_KEYS, read_texts},
		     {WORKER_VERIFY, read_verify},
		     {WORKER_INSPECT, read_inspect},
		     {WORKER_MAKE, read_make}};
	struct reader r = {.left = record};
	struct worker_request request = {.kind = (enum worker_kind)read_number(&r, 1)};
	bool ok = false;

	request.id = read_number(&r, 8);
	request.budget_ms = (uint32_t)read_number(&r, 4);
	if (r.failed || request.budget_ms == 0)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == request.kind)
			ok = kinds[i].read(&r, &request);
	//@ split ok;
	if (ok)
		*out = request;
	return ok;
}

bool worker_next_text(struct str *texts, struct str *text)
{
	struct reader r = {.left = *texts};
	struct str next;

	if (texts->len == 0)
		return false;
	next = read_text(&r);
	//@ split r.failed;
	if (r.failed)
		return false;
	*text = next;
	*texts = r.left;
	return true;
}

static void add_signer(struct buf *out, const struct signer *signer)
{
	add_text(out, str_of(signer->fingerprint));
	add_text(out, str_of(signer->primary));
	add_number(out, (uint64_t)signer->created_at, 8);
	add_number(out, (uint64_t)signer->expires_at, 8);
	add_number(out, signer->revoked, 1);
	add_number(out, signer->can_sign, 1);
	add_number(out, signer->weak, 1);
}

void worker_encode_keyring(struct buf *out, const struct openpgp_keyring *keyring)
{
	add_text(out, buf_str(&keyring->keyring));
	add_text(out, buf_str(&keyring->trust));
	for (size_t i = 0; i < keyring->signers.count; i++)
		add_signer(out, &keyring->signers.items[i]);
}

static void add_failure(struct buf *out, const struct err *failure)
{
	bool failed = failure && failure->kind != ERR_NONE;

	add_number(out, failed ? (uint64_t)failure->kind : 0, 1);
	add_text(out, failed ? str_of(failure->text) : STR(""));
}

void worker_encode_loaded(struct buf *out, uint64_t id, const struct err *failure)
{
	begin(out, WORKER_LOADED, id);
	add_failure(out, failure);
	end(out);
}

void worker_encode_facts(struct buf *out, uint64_t id, const struct signature_facts *f)
{
	begin(out, WORKER_FACTS, id);
	add_number(out, f->verdict == VERDICT_ACCEPTED, 1);
	add_number(out, (uint64_t)f->reason, 1);
	add_text(out, str_of(f->signer));
	add_number(out, (uint64_t)f->signed_at, 8);
	add_number(out, (uint64_t)f->signature_expires_at, 8);
	add_number(out, (uint64_t)f->key_expires_at, 8);
	add_text(out, str_of(f->digest));
	add_text(out, str_of(f->repository));
	end(out);
}

/* A text whose length is known when it has been written. */
static void add_keyring(struct buf *out, const struct openpgp_keyring *keyring)
{
	cleanup(buf) struct buf text = buf_init(WORKER_RECORD_MAX);

	if (keyring)
		worker_encode_keyring(&text, keyring);
	out->failed = out->failed || text.failed;
	add_text(out, buf_str(&text));
}

static void add_key(struct buf *out, const struct key_info *key)
{
	add_text(out, str_of(key->fingerprint));
	add_text(out, str_of(key->user_id));
	add_text(out, str_of(key->algorithm));
	add_number(out, key->bits, 4);
	add_number(out, (uint64_t)key->created_at, 8);
	add_number(out, (uint64_t)key->expires_at, 8);
	add_number(out, key->expired, 1);
	add_number(out, key->revoked, 1);
	add_number(out, key->secret, 1);
	add_number(out, key->can_sign, 1);
	add_number(out, key->weak, 1);
}

void worker_encode_described(struct buf *out, uint64_t id, const struct key_list *list, const struct err *failure)
{
	begin(out, WORKER_DESCRIBED, id);
	add_failure(out, failure);
	add_number(out, list->count, 4);
	for (size_t i = 0; i < list->count; i++)
		add_key(out, &list->items[i]);
	end(out);
}

void worker_encode_made(struct buf *out, uint64_t id, const struct openpgp_keyring *keyring, const struct err *failure)
{
	begin(out, WORKER_MADE, id);
	add_failure(out, failure);
	add_keyring(out, keyring);
	for (size_t i = 0; keyring && i < keyring->certificates.count; i++)
		add_key(out, &keyring->certificates.items[i]);
	end(out);
}

static bool begin_answer(struct reader *r, enum worker_kind kind, uint64_t id, struct err *e)
{
	if (read_number(r, 1) != (uint64_t)kind || read_number(r, 8) != id || r->failed)
		return err_set(e, ERR_INTERNAL, "the verify worker answered something else");
	return true;
}

static bool not_an_answer(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "the verify worker's answer can't be read");
}

/* True when the answer carries no failure. */
static bool read_success(struct reader *r, struct err *e)
{
	uint64_t kind = read_number(r, 1);
	struct str text = read_text(r);

	if (r->failed || kind >= ERR_KINDS)
		return not_an_answer(e);
	if (kind != ERR_NONE)
		return err_set(e, (enum err_kind)kind, "%.*s", STR_ARG(text));
	return true;
}

bool worker_decode_loaded(struct str record, uint64_t id, struct err *e)
{
	struct reader r = {.left = record};

	if (!begin_answer(&r, WORKER_LOADED, id, e) || !read_success(&r, e))
		return false;
	return read_end(&r) || not_an_answer(e);
}

/* What no worker in its senses says: accepted without its proof. */
static bool facts_make_sense(const struct signature_facts *f)
{
	bool good = f->reason == REASON_GOOD;

	if ((f->verdict == VERDICT_ACCEPTED) != good)
		return false;
	return !good || (f->signer[0] && f->digest[0]);
}

bool worker_decode_facts(struct str record, uint64_t id, struct signature_facts *out, struct err *e)
{
	struct reader r = {.left = record};
	struct signature_facts f = {.verdict = VERDICT_REJECTED};
	uint64_t reason;
	bool accepted;

	if (!begin_answer(&r, WORKER_FACTS, id, e))
		return false;
	accepted = read_flag(&r);
	reason = read_number(&r, 1);
	read_field(&r, f.signer, sizeof(f.signer));
	f.signed_at = (int64_t)read_number(&r, 8);
	f.signature_expires_at = (int64_t)read_number(&r, 8);
	f.key_expires_at = (int64_t)read_number(&r, 8);
	read_field(&r, f.digest, sizeof(f.digest));
	read_field(&r, f.repository, sizeof(f.repository));
	if (!read_end(&r) || reason >= REASON_COUNT)
		return not_an_answer(e);
	f.reason = (enum verdict_reason)reason;
	f.verdict = accepted ? VERDICT_ACCEPTED : VERDICT_REJECTED;
	if (!facts_make_sense(&f))
		return not_an_answer(e);
	*out = f;
	return true;
}

static void read_key(struct reader *r, struct key_info *key)
{
	read_field(r, key->fingerprint, sizeof(key->fingerprint));
	read_field(r, key->user_id, sizeof(key->user_id));
	read_field(r, key->algorithm, sizeof(key->algorithm));
	key->bits = (unsigned)read_number(r, 4);
	key->created_at = (int64_t)read_number(r, 8);
	key->expires_at = (int64_t)read_number(r, 8);
	key->expired = read_flag(r);
	key->revoked = read_flag(r);
	key->secret = read_flag(r);
	key->can_sign = read_flag(r);
	key->weak = read_flag(r);
}

static void read_signer(struct reader *r, struct signer *signer)
{
	read_field(r, signer->fingerprint, sizeof(signer->fingerprint));
	read_field(r, signer->primary, sizeof(signer->primary));
	signer->created_at = (int64_t)read_number(r, 8);
	signer->expires_at = (int64_t)read_number(r, 8);
	signer->revoked = read_flag(r);
	signer->can_sign = read_flag(r);
	signer->weak = read_flag(r);
}

bool worker_decode_keyring(struct str text, struct openpgp_files *files, struct signer_table *signers, struct err *e)
{
	struct reader r = {.left = text};
	struct openpgp_files found = {.keyring = read_text(&r)};

	found.trust = read_text(&r);
	while (!r.failed && r.left.len) {
		struct signer signer = {0};

		read_signer(&r, &signer);
		if (!r.failed && (!signer.fingerprint[0] || !signer.primary[0]))
			r.failed = true;
		if (!r.failed && !signer_table_add(signers, &signer, e))
			return false;
	}
	if (r.failed)
		return err_set(e, ERR_INTERNAL, "a keyring can't be read");
	*files = found;
	return true;
}

bool worker_decode_made(struct str record, uint64_t id, struct str *keyring, struct key_list *certificates,
			struct err *e)
{
	struct reader r = {.left = record};
	struct key_list list = {0};
	struct str found;

	if (!begin_answer(&r, WORKER_MADE, id, e) || !read_success(&r, e))
		return false;
	found = read_text(&r);
	while (!r.failed && r.left.len) {
		struct key_info key = {0};

		read_key(&r, &key);
		if (!r.failed && !key_list_add(&list, &key, e)) {
			key_list_release(&list);
			return false;
		}
	}
	if (r.failed) {
		key_list_release(&list);
		return not_an_answer(e);
	}
	*keyring = found;
	*certificates = list;
	return true;
}

bool worker_decode_described(struct str record, uint64_t id, struct key_list *out, struct err *e)
{
	struct reader r = {.left = record};
	struct key_list list = {0};
	uint64_t count;

	if (!begin_answer(&r, WORKER_DESCRIBED, id, e) || !read_success(&r, e))
		return false;
	count = read_number(&r, 4);
	/* Memory is taken for what is there, not for what is announced. */
	if (r.failed || count == 0 || count > WORKER_KEYS_MAX || count > r.left.len / KEY_MIN)
		return not_an_answer(e);
	//@ split count;
	list.items = calloc((size_t)count, sizeof(*list.items));
	if (!list.items)
		return err_no_memory(e);
	for (; list.count < count; list.count++)
		read_key(&r, &list.items[list.count]);
	if (!read_end(&r)) {
		key_list_release(&list);
		return not_an_answer(e);
	}
	*out = list;
	return true;
}
