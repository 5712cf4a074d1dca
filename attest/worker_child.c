#include "attest/worker_child.h"

#include <stdlib.h>
#include <unistd.h>

#include "attest/openpgp.h"
#include "attest/worker_protocol.h"
#include "attest/worker_stream.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"

struct child {
	int socket;
	const char *directory;
	struct openpgp *keys;	   /* NULL until a key set was loaded */
	struct openpgp *inspector; /* never imports anything; NULL until a key was described */
	struct buf request;
	struct buf answer;
};

/* All texts of the record into one list; NULL when there is no memory. */
static struct str *list_texts(struct str encoded, size_t *count)
{
	struct str *texts = calloc(LIMIT_KEYS, sizeof(*texts));

	*count = 0;
	while (texts && *count < LIMIT_KEYS && worker_next_text(&encoded, &texts[*count]))
		++*count;
	return texts;
}

/* The keyrings of the record, and the signers in all of them. */
static bool read_keyrings(struct str encoded, struct openpgp_files *files, size_t *count, struct signer_table *signers,
			  struct err *e)
{
	struct str text;

	for (*count = 0; worker_next_text(&encoded, &text); ++*count) {
		if (*count == OPENPGP_KEYRINGS_MAX)
			return err_set(e, ERR_INTERNAL, "more than %u keyrings", OPENPGP_KEYRINGS_MAX);
		if (!worker_decode_keyring(text, &files[*count], signers, e))
			return false;
	}
	return true;
}

static bool load(struct child *c, const struct worker_request *request, struct err *e)
{
	cleanup(signer_table) struct signer_table signers = {0};
	struct openpgp_files files[OPENPGP_KEYRINGS_MAX];
	size_t count;

	openpgp_free(c->keys);
	c->keys = NULL;
	if (read_keyrings(request->texts, files, &count, &signers, e))
		c->keys = openpgp_open(c->directory, files, count, &signers, e);
	return c->keys;
}

static void answer_keys(struct child *c, const struct worker_request *request)
{
	struct err e = ERR_INIT;

	(void)!load(c, request, &e);
	worker_encode_loaded(&c->answer, request->id, &e);
}

static bool make(struct child *c, const struct worker_request *request, struct openpgp_keyring *keyring, struct err *e)
{
	size_t count;
	cleanup(memory) struct str *texts = list_texts(request->texts, &count);

	if (!texts)
		return err_no_memory(e);
	return openpgp_keyring_make(c->directory, request->repair, texts, count, keyring, e);
}

static void answer_make(struct child *c, const struct worker_request *request)
{
	cleanup(openpgp_keyring) struct openpgp_keyring keyring = openpgp_keyring_init();
	struct err e = ERR_INIT;
	bool made = make(c, request, &keyring, &e);

	worker_encode_made(&c->answer, request->id, made ? &keyring : NULL, &e);
}

static void answer_verify(struct child *c, const struct worker_request *request)
{
	struct signature_facts facts = {.verdict = VERDICT_REJECTED, .reason = REASON_WORKER_FAILED};

	if (c->keys)
		openpgp_verify(c->keys, request->upload, request->payload, request->now, &facts);
	worker_encode_facts(&c->answer, request->id, &facts);
}

/* Keys are described in a home of their own: describing must not make them known. */
static bool inspect(struct child *c, struct str key, struct key_list *list, struct err *e)
{
	if (!c->inspector)
		c->inspector = openpgp_new(c->directory, e);
	if (!c->inspector || !openpgp_inspect(c->inspector, key, list, e))
		return false;
	return list->count <= WORKER_KEYS_MAX || err_set(e, ERR_INVALID, "more than %u certificates", WORKER_KEYS_MAX);
}

static void answer_inspect(struct child *c, const struct worker_request *request)
{
	struct err e = ERR_INIT;
	struct key_list list = {0};

	if (!inspect(c, request->upload, &list, &e))
		key_list_release(&list);
	worker_encode_described(&c->answer, request->id, &list, &e);
	key_list_release(&list);
}

static void answer(struct child *c, const struct worker_request *request)
{
	static const struct {
		enum worker_kind kind;
		void (*answer)(struct child *c, const struct worker_request *request);
	} kinds[] = {{WORKER_KEYS, answer_keys},
		     {WORKER_VERIFY, answer_verify},
		     {WORKER_INSPECT, answer_inspect},
		     {WORKER_MAKE, answer_make}};

	/* The second line of defence: a caller that gave up has asked for this process to be killed long before. */
	alarm(request->budget_ms / 1000 + 5);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == request->kind)
			kinds[i].answer(c, request);
	alarm(0);
}

void worker_child_run(int socket, const char *directory)
{
	struct child c = {.socket = socket,
			  .directory = directory,
			  .request = buf_init(WORKER_RECORD_MAX),
			  .answer = buf_init(WORKER_RECORD_MAX)};
	struct worker_request request;
	int status = 1;

	while (stream_receive(socket, &c.request, 0) == STREAM_OK &&
	       worker_decode_request(buf_str(&c.request), &request)) {
		answer(&c, &request);
		if (c.answer.failed || stream_send(socket, buf_str(&c.answer), 0) != STREAM_OK)
			break;
		status = 0;
		/* What a large set of keys took would make every start of gpg dearer. */
		if (request.kind == WORKER_KEYS || request.kind == WORKER_MAKE) {
			buf_release(&c.request);
			buf_release(&c.answer);
		}
	}
	openpgp_free(c.keys);
	openpgp_free(c.inspector);
	buf_release(&c.request);
	buf_release(&c.answer);
	_exit(status);
}
