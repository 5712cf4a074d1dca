#include "attest/openpgp.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/grafeas_client.h"
#include "cli/verb.h"
#include "cli/workspace.h"
#include "policy/image_ref.h"

enum { PASSPHRASE_MAX = 4096, ARENA_MAX = 64 * 1024 };

struct sign_options {
	struct verb_options verb;
	const char *key;
	const char *format;
	const char *passphrase_file;
	const char *note;
	struct server_options server;
};

static const struct option options[] = {
	{.name = "key",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct sign_options, key),
	 .value = "KEYID|FILE",
	 .help = "a key of your own gpg keyring by fingerprint, key id or user id, or a file that holds a secret key"},
	{.name = "format",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct sign_options, format),
	 .value = "FORMAT",
	 .choices = "image-url|simple-signing|dsse",
	 .standard = "image-url",
	 .help = "what is signed: the image's URL as text, clear-signed; or simple signing JSON. dsse is known but not "
		 "supported by this version"},
	{.name = "passphrase-file",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct sign_options, passphrase_file),
	 .value = "FILE",
	 .help = "the key's passphrase, its first line; without it gpg-agent asks"},
	{.name = "note",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct sign_options, note),
	 .value = "NAME",
	 .help = "upload the attestation under this note, projects/PROJECT/notes/NOTE"},
	SERVER_ROWS(struct sign_options, server),
	{.name = "output",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct sign_options, verb.output),
	 .value = "FILE|text|json",
	 .standard = "text",
	 .help = "write the signature to FILE; the words text and json choose how the answer is written"},
	VERB_HELP_ROW(struct sign_options),
};

static const struct option_table table = {
	.synopsis = "sealgate sign IMAGE@DIGEST --key KEYID|FILE [options]",
	.summary = "Sign an image's digest, and upload the attestation",
	.detail = "Signs that IMAGE at DIGEST is vouched for by the holder of the key. With --note and --server the "
		  "attestation is uploaded, and the name of the new occurrence is printed; with --output FILE the "
		  "signature is written to a file; with neither it is printed.\n\n"
		  "A tag is not enough: what it points to can change after it was signed.",
	.examples = "sealgate sign registry.example.com/pay@sha256:... --key qa_bob@example.com \\\n"
		    "    --note projects/image-signing/notes/qa --server http://127.0.0.1:8080\n"
		    "sealgate sign registry.example.com/pay@sha256:... --key qa_bob.key --output pay.asc",
	.exit_status = VERB_STATUS_ACTS,
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

/* What was made on the way. */
struct signing {
	struct arena arena;
	struct image_ref image;
	struct buf payload;
	struct buf signature;
	struct buf occurrence; /* its name; empty when nothing was uploaded */
	char fingerprint[FINGERPRINT_MAX + 1];
};

static void signing_release(struct signing *s)
{
	arena_release(&s->arena);
	buf_release(&s->payload);
	buf_release(&s->signature);
	buf_release(&s->occurrence);
}

CLEANUP_VALUE(signing, struct signing, signing_release)

static bool names_file(const char *output)
{
	return !str_eq_c(str_of(output), "text") && !str_eq_c(str_of(output), "json");
}

static bool check_options(const struct sign_options *o, struct err *e)
{
	struct note_name name;

	if (!verb_need(o->key, "key", e))
		return false;
	if (str_eq_c(str_of(o->format), "dsse"))
		return err_set(e, ERR_UNSUPPORTED, "--format dsse is not supported by this version");
	if (!o->note != !o->server.url)
		return err_set(e, ERR_INVALID, "--note and --server go together");
	return !o->note || note_name_read(str_of(o->note), &name, e);
}

static bool read_image(const char *text, struct arena *arena, struct image_ref *out, struct err *e)
{
	if (!image_ref_parse(str_of(text), arena, out, e))
		return err_context(e, "%s", text);
	if (out->digest.len == 0)
		return err_set(
			e, ERR_INVALID,
			"%s has no digest, and a tag can change after it was signed; find the digest with: skopeo "
			"inspect --format '{{.Digest}}' docker://%s",
			text, text);
	return true;
}

/* The first line; a passphrase may begin or end with spaces. */
static bool read_passphrase(const char *file, struct buf *out, struct err *e)
{
	cleanup(buf) struct buf text = buf_init_secret(PASSPHRASE_MAX);
	struct str line;
	bool read = file_read(file, &text, e);

	if (read) {
		line = str_head(buf_str(&text), str_find(buf_str(&text), '\n'));
		if (str_ends_with(line, STR("\r")))
			line.len--;
		buf_add(out, line);
	}
	return read && buf_ok(out, e);
}

static bool make_signature(const struct sign_options *o, struct signing *s, struct err *e)
{
	bool json = str_eq_c(str_of(o->format), "simple-signing");
	cleanup(workspace) struct workspace workspace = {0};
	cleanup(buf) struct buf passphrase = buf_init_secret(PASSPHRASE_MAX);
	struct sign_request request = {.key = o->key, .mode = json ? SIGN_ATTACHED : SIGN_CLEAR};

	payload_write(json ? PAYLOAD_SIMPLE_SIGNING : PAYLOAD_IMAGE_URL, s->image.repository, s->image.digest,
		      &s->payload);
	if (!buf_ok(&s->payload, e) || !workspace_make(&workspace, e) ||
	    (o->passphrase_file && !read_passphrase(o->passphrase_file, &passphrase, e)))
		return false;
	request.payload = buf_str(&s->payload);
	if (o->passphrase_file)
		request.passphrase = passphrase.data ? passphrase.data : "";
	return openpgp_sign(&request, workspace.path, &s->signature, s->fingerprint, e);
}

static bool upload(const struct sign_options *o, struct signing *s, struct err *e)
{
	cleanup(buf) struct buf resource = buf_init(LIMIT_IMAGE_REFERENCE);
	struct new_attestation attestation = {
		.note = o->note,
		.fingerprint = s->fingerprint,
		.signature = buf_str(&s->signature),
		.simple_signing = str_eq_c(str_of(o->format), "simple-signing"),
	};

	buf_printf(&resource, "https://%.*s@%.*s", STR_ARG(s->image.repository), STR_ARG(s->image.digest));
	if (!buf_ok(&resource, e))
		return false;
	attestation.resource = resource.data;
	cleanup(http_client) struct http_client *client = http_client_new(&o->server, e);
	return client && grafeas_create_attestation(client, &attestation, &s->occurrence, e);
}

static bool sign(const struct sign_options *o, const char *image, struct signing *s, struct err *e)
{
	if (!check_options(o, e) || !read_image(image, &s->arena, &s->image, e) || !make_signature(o, s, e))
		return false;
	if (names_file(o->verb.output) && !file_write(o->verb.output, buf_str(&s->signature), 0644, e))
		return false;
	return !o->note || upload(o, s, e);
}

static int print_json(const struct sign_options *o, const char *image, struct signing *s)
{
	cleanup(json) json_t *value =
		json_pack("{s:s, s:s, s:s, s:s, s:s%, s:s%}", "image", image, "format", o->format, "key", o->key,
			  "fingerprint", s->fingerprint, "payload", s->payload.data, s->payload.len, "signature",
			  s->signature.data, s->signature.len);

	if (s->occurrence.len)
		(void)json_object_set_new(value, "occurrence", json_from_str(buf_str(&s->occurrence)));
	return verb_print_json("sign", value, EXIT_YES);
}

static int print_text(const struct sign_options *o, struct signing *s)
{
	cleanup(buf) struct buf out = buf_init(VERB_OUTPUT_MAX);

	if (names_file(o->verb.output))
		buf_printf(&out, "signature of %s written to %s\n", s->fingerprint, o->verb.output);
	if (s->occurrence.len)
		buf_printf(&out, "%.*s created, signed by %s\n", STR_ARG(buf_str(&s->occurrence)), s->fingerprint);
	if (out.len == 0)
		buf_add(&out, buf_str(&s->signature));
	return verb_print("sign", &out, EXIT_YES);
}

static int run(const void *data, const struct option_list *arguments)
{
	const struct sign_options *o = data;
	cleanup(signing) struct signing s = {.arena = arena_init(ARENA_MAX),
					     .payload = buf_init(LIMIT_SIGNATURE),
					     .signature = buf_init(LIMIT_SIGNATURE),
					     .occurrence = buf_init(LIMIT_IMAGE_REFERENCE)};
	struct err e = ERR_INIT;

	if (!sign(o, arguments->items[0], &s, &e))
		return verb_fail("sign", &e);
	return verb_wants_json() ? print_json(o, arguments->items[0], &s) : print_text(o, &s);
}

const struct verb verb_sign = {
	.name = "sign",
	.table = &table,
	.options_size = sizeof(struct sign_options),
	.arguments = 1,
	.run = run,
};
