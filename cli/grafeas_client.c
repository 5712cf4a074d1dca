#include "cli/grafeas_client.h"

#include "base/codec.h"

/* Small pages: a hundred signatures of 64 KiB fit an answer; after that ten, when they are escaped badly. */
enum { PAGE_SIZE = 100, PAGE_SIZE_SMALL = 10, PATH_TEXT_MAX = 16 * 1024, BODY_MAX = 4 * 1024 * 1024 };

static bool post(struct http_client *client, const char *path, const json_t *value, struct http_answer *answer,
		 struct err *e)
{
	cleanup(buf) struct buf body = buf_init(BODY_MAX);

	if (!value)
		return err_no_memory(e);
	return json_write(value, &body, e) && http_client_call(client, "POST", path, buf_str(&body), answer, e);
}

static bool note_exists(struct http_client *client, const struct note_name *name)
{
	cleanup(buf) struct buf path = buf_init(PATH_TEXT_MAX);
	cleanup(http_answer) struct http_answer answer = {.body = buf_init(0)};

	buf_add_c(&path, "/v1alpha1/projects/");
	percent_encode(&path, name->project);
	buf_add_c(&path, "/notes/");
	percent_encode(&path, name->note);
	return !path.failed && http_client_call(client, "GET", path.data, (struct str){0}, &answer, NULL) &&
	       answer.status == 200;
}

/* v1alpha1 says 400 for a name that is taken, so a refusal is looked at again. */
static bool note_accepted(struct http_client *client, const struct note_name *name, const struct http_answer *answer,
			  struct err *e)
{
	if (http_answer_ok(client, answer, e))
		return true;
	if ((answer->status == 400 || answer->status == 409) && note_exists(client, name))
		return err_set(e, ERR_EXISTS, "projects/%.*s/notes/%.*s is there already", STR_ARG(name->project),
			       STR_ARG(name->note));
	return false;
}

static json_t *note_body(const struct note_name *name, const char *full)
{
	return json_pack("{s:s, s:s, s:s%, s:{s:{s:s%}}}", "name", full, "kind", "ATTESTATION_AUTHORITY",
			 "shortDescription", name->note.ptr, name->note.len, "attestationAuthority", "hint",
			 "humanReadableName", name->note.ptr, name->note.len);
}

bool grafeas_create_note(struct http_client *client, const struct note_name *name, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_TEXT_MAX);
	cleanup(buf) struct buf full = buf_init(PATH_TEXT_MAX);
	cleanup(http_answer) struct http_answer answer = {.body = buf_init(0)};

	buf_printf(&full, "projects/%.*s/notes/%.*s", STR_ARG(name->project), STR_ARG(name->note));
	buf_add_c(&path, "/v1alpha1/projects/");
	percent_encode(&path, name->project);
	buf_add_c(&path, "/notes?noteId=");
	percent_encode(&path, name->note);
	if (!buf_ok(&path, e) || !buf_ok(&full, e))
		return false;
	cleanup(json) json_t *body = note_body(name, full.data);
	return post(client, path.data, body, &answer, e) && note_accepted(client, name, &answer, e);
}

static json_t *attestation_body(const struct new_attestation *a)
{
	return json_pack("{s:s, s:s, s:s, s:{s:{s:s%, s:s, s:s}}}", "resourceUrl", a->resource, "noteName", a->note,
			 "kind", "ATTESTATION_AUTHORITY", "attestation", "pgpSignedAttestation", "signature",
			 a->signature.ptr, a->signature.len, "contentType",
			 a->simple_signing ? "SIMPLE_SIGNING_JSON" : "CONTENT_TYPE_UNSPECIFIED", "pgpKeyId",
			 a->fingerprint);
}

static bool read_name(const struct http_answer *answer, struct buf *name, struct err *e)
{
	cleanup(json) json_t *value = NULL;
	struct str text;

	if (!json_read(buf_str(&answer->body), &value, e))
		return err_context(e, "the server's answer can't be read");
	text = json_text(value, "name");
	if (text.len == 0)
		return err_set(e, ERR_UNAVAILABLE, "the server's answer names no occurrence");
	buf_add(name, text);
	return buf_ok(name, e);
}

static bool attestation_accepted(struct http_client *client, const struct new_attestation *a,
				 const struct note_name *note, const struct http_answer *answer, struct err *e)
{
	if (http_answer_ok(client, answer, e))
		return true;
	if (answer->status != 401 && answer->status != 403 && answer->status < 500 && !note_exists(client, note))
		return err_set(e, ERR_INVALID,
			       "%s does not exist; create it with: sealgate note create %s --server URL", a->note,
			       a->note);
	return false;
}

bool grafeas_create_attestation(struct http_client *client, const struct new_attestation *attestation, struct buf *name,
				struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_TEXT_MAX);
	cleanup(http_answer) struct http_answer answer = {.body = buf_init(0)};
	cleanup(json) json_t *body = attestation_body(attestation);
	struct note_name note;

	if (!note_name_read(str_of(attestation->note), &note, e))
		return false;
	buf_add_c(&path, "/v1alpha1/projects/");
	percent_encode(&path, note.project);
	buf_add_c(&path, "/occurrences");
	return buf_ok(&path, e) && post(client, path.data, body, &answer, e) &&
	       attestation_accepted(client, attestation, &note, &answer, e) && read_name(&answer, name, e);
}

static bool get_page(struct http_client *client, const char *path, unsigned size, struct str token, json_t **page,
		     struct err *e)
{
	cleanup(buf) struct buf url = buf_init(PATH_TEXT_MAX);
	cleanup(http_answer) struct http_answer answer = {.body = buf_init(0)};

	buf_printf(&url, "%s?pageSize=%u", path, size);
	if (token.len) {
		buf_add_c(&url, "&pageToken=");
		percent_encode(&url, token);
	}
	if (!buf_ok(&url, e) || !http_client_call(client, "GET", url.data, (struct str){0}, &answer, e) ||
	    !http_answer_ok(client, &answer, e))
		return false;
	return json_read(buf_str(&answer.body), page, e) || err_context(e, "the server's list can't be read");
}

static bool get_page_of_any_size(struct http_client *client, const char *path, struct str token, json_t **page,
				 struct err *e)
{
	struct err first = ERR_INIT;

	if (get_page(client, path, PAGE_SIZE, token, page, &first))
		return true;
	if (first.kind == ERR_TOO_LARGE)
		return get_page(client, path, PAGE_SIZE_SMALL, token, page, e);
	return err_set(e, first.kind, "%s", first.text);
}

static bool visit_page(const json_t *page, const char *member, grafeas_visitor *visit, void *context, struct err *e)
{
	const json_t *list = json_object_get(page, member);

	if (!json_is_object(page) || (list && !json_is_array(list) && !json_is_null(list)))
		return err_set(e, ERR_UNAVAILABLE, "the server's list has another form than the API's");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!visit(context, json_array_get(list, i), e))
			return false;
	return true;
}

/* Takes over the token of the next page; empty at the end. */
static bool next_token(const json_t *page, struct buf *token, struct err *e)
{
	struct str next = json_text(page, "nextPageToken");

	if (next.len && str_eq(next, buf_str(token)))
		return err_set(e, ERR_UNAVAILABLE,
			       "the server's list does not end: it gives the same page token again");
	buf_clear(token);
	buf_add(token, next);
	return buf_ok(token, e);
}

bool grafeas_list(struct http_client *client, const char *path, const char *member, grafeas_visitor *visit,
		  void *context, struct err *e)
{
	cleanup(buf) struct buf token = buf_init(PATH_TEXT_MAX / 4);

	for (unsigned pages = 0; pages < GRAFEAS_PAGES_MAX; pages++) {
		cleanup(json) json_t *page = NULL;

		if (!get_page_of_any_size(client, path, buf_str(&token), &page, e) ||
		    !visit_page(page, member, visit, context, e) || !next_token(page, &token, e))
			return false;
		if (token.len == 0)
			return true;
	}
	return err_set(e, ERR_TOO_LARGE, "the server's list has more than %u pages", GRAFEAS_PAGES_MAX);
}
