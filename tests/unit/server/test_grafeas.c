/* The Grafeas API as its router sees it: requests in memory, a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <pthread.h>

#include "base/json.h"
#include "base/limits.h"
#include "server/grafeas.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define QUERY_MAX 8
#define P "/v1alpha1/projects/image-signing"
#define DIGEST_A "sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define DIGEST_B "sha256:bba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define IMAGE "https://gcr.io/hightowerlabs/payment@" DIGEST_A
#define ARMOUR "-----BEGIN PGP MESSAGE-----\\n\\nYQ==\\n-----END PGP MESSAGE-----\\n"
#define OTHER_ARMOUR "-----BEGIN PGP MESSAGE-----\\n\\nYg==\\n-----END PGP MESSAGE-----\\n"
#define QA "projects/image-signing/notes/qa"
#define OCCURRENCE(resource, note, signature)                                      \
	"{\"resourceUrl\":\"" resource "\",\"noteName\":\"" note                   \
	"\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"" signature \
	"\",\"contentType\":\"application/vnd.gcr.image.url.v1\",\"pgpKeyId\":\"0CD9D96F\"}}}"

struct fixture {
	char dir[64];
	struct grafeas grafeas;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char url[128];
	struct err e = ERR_INIT;

	snprintf(f->dir, sizeof(f->dir), "/tmp/sealgate-grafeas-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(url, sizeof(url), "sqlite:%s/db", f->dir);
	f->grafeas.store = store_open(url, STORE_READ_WRITE, &e);
	if (!f->grafeas.store)
		fail_msg("%s", e.text);
	f->grafeas.access = access_open(NULL, true, &e);
	assert_non_null(f->grafeas.access);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->grafeas.store);
	access_close(f->grafeas.access);
	assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	test_free(f);
	return 0;
}

/* The query of a path, not percent-decoded: the listener has done that. */
static size_t parse_query(struct str text, struct http_parameter *out)
{
	size_t count = 0;

	while (text.len) {
		struct str item = str_head(text, str_find(text, '&'));
		size_t equals = str_find(item, '=');

		text = str_skip(text, item.len + 1);
		assert_true(count < QUERY_MAX);
		out[count++] = (struct http_parameter){.name = str_head(item, equals),
						       .value = str_skip(item, equals + 1),
						       .has_value = equals < item.len};
	}
	return count;
}

struct answer {
	int status;
	json_t *json;
	const char *authenticate;
};

static struct answer send(struct fixture *f, const char *method, struct str target, struct str body,
			  const char *authorization)
{
	cleanup(arena) struct arena arena = arena_init(64u << 20);
	struct http_parameter query[QUERY_MAX];
	size_t mark = str_find(target, '?');
	struct http_request request = {.method = str_of(method),
				       .path = str_head(target, mark),
				       .query = query,
				       .query_count = parse_query(str_skip(target, mark + 1), query),
				       .body = body,
				       .content_type = STR("application/x-www-form-urlencoded"),
				       .authorization = str_of(authorization),
				       .arena = &arena};
	struct http_response response = {.body = buf_init(1024)};
	struct answer answer;
	json_error_t error;

	grafeas_handle(&f->grafeas, &request, &response);
	answer = (struct answer){.status = response.status, .authenticate = response.authenticate};
	assert_null(response.content_type);
	answer.json = json_loadb(response.body.data, response.body.len, JSON_REJECT_DUPLICATES, &error);
	if (!answer.json)
		fail_msg("%s %.*s: %d, not JSON: %s", method, STR_ARG(target), response.status, error.text);
	buf_release(&response.body);
	return answer;
}

static struct answer call(struct fixture *f, const char *method, const char *target, const char *body)
{
	return send(f, method, str_of(target), str_of(body), "");
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static int status(struct fixture *f, const char *method, const char *target, const char *body)
{
	struct answer answer = call(f, method, target, body);

	json_decref(answer.json);
	return answer.status;
}

/* The answer of a request that must succeed. */
static json_t *ok(struct fixture *f, const char *method, const char *target, const char *body)
{
	struct answer answer = call(f, method, target, body);

	if (answer.status != 200)
		fail_msg("%s %s: %d %s", method, target, answer.status, text(answer.json, "message"));
	return answer.json;
}

static void done(struct fixture *f, const char *method, const char *target, const char *body)
{
	json_decref(ok(f, method, target, body));
}

static void refused(struct fixture *f, const char *method, struct str target, struct str body, int wanted, int code,
		    const char *words)
{
	struct answer answer = send(f, method, target, body, "");
	int found = (int)json_integer_value(json_object_get(answer.json, "code"));

	if (answer.status != wanted || found != code || !strstr(text(answer.json, "message"), words))
		fail_msg("%s %.*s %.*s: %d code %d \"%s\", wanted %d code %d \"%s\"", method, STR_ARG(target),
			 STR_ARG(str_head(body, 200)), answer.status, found, text(answer.json, "message"), wanted, code,
			 words);
	assert_int_equal(json_object_size(answer.json), 2);
	json_decref(answer.json);
}

static void make_note(struct fixture *f)
{
	done(f, "POST", P "/notes?noteId=qa", "{\"attestationAuthority\":{\"hint\":{\"humanReadableName\":\"qa\"}}}");
}

/* The id of a new attestation of the demonstration. */
static void make_attestation(struct fixture *f, char id[37])
{
	json_t *answer = ok(f, "POST", P "/occurrences", OCCURRENCE(IMAGE, QA, ARMOUR));
	const char *name = text(answer, "name");
	static const char prefix[] = "projects/image-signing/occurrences/";

	assert_memory_equal(name, prefix, sizeof(prefix) - 1);
	assert_int_equal(strlen(name), sizeof(prefix) - 1 + 36);
	memcpy(id, name + sizeof(prefix) - 1, 37);
	json_decref(answer);
}

struct seen {
	size_t count;
	/* of the newest */
	char signature[256];
};

static bool see(void *context, const struct attestation_row *row)
{
	struct seen *seen = context;

	if (seen->count++ == 0)
		snprintf(seen->signature, sizeof(seen->signature), "%.*s", STR_ARG(row->signature));
	return true;
}

static struct seen evidence_of(struct fixture *f, const char *digest)
{
	struct seen seen = {0};
	struct str note = STR(QA);
	struct err e = ERR_INIT;

	assert_true(store_attestations(f->grafeas.store, str_of(digest), &note, 1, 0, see, &seen, &e));
	return seen;
}

static void a_note_is_created_once(void **state)
{
	struct fixture *f = *state;
	json_t *note = ok(f, "POST", P "/notes?noteId=qa",
			  "{\"name\":\"" QA "\",\"shortDescription\":\"QA\",\"attestationAuthority\":{}}");

	assert_string_equal(text(note, "name"), QA);
	assert_string_equal(text(note, "kind"), "ATTESTATION_AUTHORITY");
	assert_string_equal(text(note, "shortDescription"), "QA");
	assert_string_equal(text(note, "createTime"), text(note, "updateTime"));
	json_t *read = ok(f, "GET", P "/notes/qa", "");

	assert_true(json_equal(note, read));
	json_decref(note);
	json_decref(read);
	refused(f, "POST", STR(P "/notes?noteId=qa"), STR("{}"), 400, 6, "");
	refused(f, "GET", STR(P "/notes/absent"), STR(""), 404, 5, "");
	refused(f, "GET", STR("/v1alpha1/projects/other/notes/qa"), STR(""), 404, 5, "");
}

static void a_note_id_may_stand_in_the_body_alone(void **state)
{
	struct fixture *f = *state;
	json_t *note = ok(f, "POST", P "/notes", "{\"name\":\"" QA "\"}");

	assert_string_equal(text(note, "name"), QA);
	assert_string_equal(text(note, "kind"), "KIND_UNSPECIFIED");
	json_decref(note);
	done(f, "POST", P "/notes?note_id=snake", "");
	done(f, "GET", P "/notes/snake", "");
}

static void client_times_are_not_taken(void **state)
{
	json_t *note = ok(*state, "POST", P "/notes?noteId=qa",
			  "{\"createTime\":\"0001-01-01T00:00:00Z\",\"updateTime\":\"2001-01-01T00:00:00Z\"}");

	assert_memory_not_equal(text(note, "createTime"), "0001", 4);
	assert_memory_not_equal(text(note, "updateTime"), "2001", 4);
	json_decref(note);
}

static void refuses_bad_note_names(void **state)
{
	static const struct {
		const char *target, *body, *words;
	} rows[] = {
		{P "/notes", "{}", "noteId must be specified"},
		{P "/notes?noteId=", "{}", "noteId must not be empty"},
		{P "/notes?noteId", "{}", "noteId must not be empty"},
		{P "/notes?noteId=a/b", "{}", "must not contain /"},
		{P "/notes?noteId=.", "{}", "must not be . or .."},
		{P "/notes?noteId=..", "{}", "must not be . or .."},
		{P "/notes?noteId=a\x01", "{}", "control"},
		{P "/notes?noteId=a\x7f", "{}", "control"},
		{P "/notes?noteId=\xc3", "{}", "UTF-8"},
		{P "/notes?noteId=\xed\xa0\x80", "{}", "UTF-8"},
		{P "/notes?noteId=a&noteId=a", "{}", "more than once"},
		{P "/notes?noteId=a&note_id=a", "{}", "more than once"},
		{P "/notes?noteId=a", "{\"name\":\"" QA "\"}", "must be projects/image-signing/notes/a"},
		{P "/notes", "{\"name\":\"projects/other/notes/qa\"}", "must be projects/image-signing/notes/qa"},
		{P "/notes", "{\"name\":\"qa\"}", "form projects/PROJECT/notes/ID"},
		{P "/notes", "{\"name\":\"providers/image-signing/notes/qa\"}", "form projects"},
		{P "/notes", "{\"name\":\"projects/image-signing/occurrences/qa\"}", "form projects"},
		{P "/notes", "{\"name\":\"" QA "/more\"}", "must not contain /"},
		{P "/notes", "{\"name\":\"projects/image-signing/notes/\"}", "must not be empty"},
		{P "/notes", "{\"name\":\"projects//notes/qa\"}", "must not be empty"},
		{P "/notes", "{\"name\":\"projects/image-signing/notes\"}", ""},
		{P "/notes", "{\"name\":\"/" QA "\"}", "form projects"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		refused(*state, "POST", str_of(rows[i].target), str_of(rows[i].body), 400, 3, rows[i].words);
}

static void ids_have_a_longest(void **state)
{
	char target[1024];
	char id[LIMIT_ID + 2];

	memset(id, 'a', sizeof(id));
	id[LIMIT_ID + 1] = 0;
	snprintf(target, sizeof(target), P "/notes?noteId=%s", id);
	refused(*state, "POST", str_of(target), STR("{}"), 400, 3, "longer than");
	snprintf(target, sizeof(target), P "/notes/%s", id);
	refused(*state, "GET", str_of(target), STR(""), 400, 3, "longer than");
	snprintf(target, sizeof(target), "/v1alpha1/projects/%s/notes", id);
	refused(*state, "GET", str_of(target), STR(""), 400, 3, "longer than");
	id[LIMIT_ID] = 0;
	snprintf(target, sizeof(target), "/v1alpha1/projects/%s/notes?noteId=%s", id, id);
	done(*state, "POST", target, "{}");
	snprintf(target, sizeof(target), "/v1alpha1/projects/%s/notes/%s", id, id);
	done(*state, "GET", target, "");
}

static void refuses_bad_ids_in_paths(void **state)
{
	refused(*state, "GET", STR(P "/notes/a\0b"), STR(""), 400, 3, "control");
	refused(*state, "GET", STR(P "/notes/\xff"), STR(""), 400, 3, "UTF-8");
	refused(*state, "GET", STR(P "/notes/.."), STR(""), 400, 3, "..");
	refused(*state, "GET", STR("/v1alpha1/projects/a\nb/notes"), STR(""), 400, 3, "control");
	refused(*state, "DELETE", STR(P "/occurrences/.\0"), STR(""), 400, 3, "control");
}

static void unusual_ids_are_fine(void **state)
{
	done(*state, "POST", P "/notes?noteId=CVE-2014-0160:a b~%+", "{}");
	done(*state, "GET", P "/notes/CVE-2014-0160:a b~%+", "");
	done(*state, "POST", "/v1alpha1/projects/example.com:p\xc3\xa9/notes?noteId=\xe2\x82\xac", "{}");
	done(*state, "GET", "/v1alpha1/projects/example.com:p\xc3\xa9/notes/\xe2\x82\xac", "");
	done(*state, "POST", P "/notes?noteId='; DROP TABLE notes; --", "{}");
	done(*state, "GET", P "/notes/'; DROP TABLE notes; --", "");
}

static void slashes_too_many_are_passed_over(void **state)
{
	struct fixture *f = *state;

	make_note(f);
	done(f, "GET", "//v1alpha1/projects/image-signing/notes", "");
	done(f, "GET", "/v1alpha1//projects///image-signing/notes/qa", "");
	done(f, "GET", P "/notes/", "");
	done(f, "GET", P "/notes/qa/", "");
	done(f, "GET", "/v1alpha1/projects/", "");
	done(f, "POST", P "/notes/?noteId=other", "{}");
}

static void unknown_paths_are_404(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"//",
		"/v1alpha1",
		"/v1alpha1/",
		"/v1alpha1/nothing",
		"/v1alpha2/projects",
		"/V1alpha1/projects",
		"/v1alpha1/Projects",
		"/v1alpha1/projects/p/note",
		"/v1alpha1/projects/p/notes/n/occurrence",
		"/v1alpha1/projects/p/notes/n/notes",
		"/v1alpha1/projects/p/notes/n/occurrences/o",
		"/v1alpha1/projects/p/occurrences/o/notes/n",
		"/v1alpha1/projects/p/operations/o/cancel",
		"/v1alpha1/projects/p/notes/a/b/c/d/e/f/g",
		"/v1alpha1/projects/../notes/a/b",
		"/projects/p/notes",
		"/v1alpha1/projects/p/locations/l/notes",
	};

	for (size_t i = 0; i < COUNT(paths); i++) {
		refused(*state, "GET", str_of(paths[i]), STR(""), 404, 5, "Not Found");
		refused(*state, "POST", str_of(paths[i]), STR("{}"), 404, 5, "Not Found");
	}
}

static void wrong_verbs_are_501(void **state)
{
	static const struct {
		const char *method, *path;
	} rows[] = {
		{"PUT", "/v1alpha1/projects"},
		{"PATCH", "/v1alpha1/projects/p"},
		{"POST", "/v1alpha1/projects/p"},
		{"HEAD", P "/notes"},
		{"OPTIONS", P "/notes"},
		{"DELETE", P "/notes"},
		{"PATCH", P "/notes"},
		{"POST", P "/notes/qa"},
		{"POST", P "/notes/qa/occurrences"},
		{"DELETE", P "/occurrences"},
		{"POST", P "/occurrences/o"},
		{"PUT", P "/occurrences/o/notes"},
		{"PATCH", P "/operations"},
		{"POST", P "/operations/o"},
		{"get", P "/notes"},
		{"GETX", P "/notes"},
		{"", P "/notes"},
		{"CONNECT", P "/notes"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		refused(*state, rows[i].method, str_of(rows[i].path), STR(""), 501, 12, "Method Not Allowed");
}

static void refuses_bodies_that_are_no_json_object(void **state)
{
	static const struct {
		struct str body;
	} rows[] = {
		{STR("{")},
		{STR("[]")},
		{STR("null")},
		{STR("\"note\"")},
		{STR("{} {}")},
		{STR("{}x")},
		{STR("{\"name\":}")},
		{STR("{'name':'n'}")},
		{STR("{\"name\":\"a\",}")},
		{STR("\xef\xbb\xbf{}")},
		{STR("{\"shortDescription\":\"\xff\"}")},
		{STR("{\"shortDescription\":\"\\ud800\"}")},
		{STR("{\"shortDescription\":\"\\u0000\"}")},
		{STR("{\"shortDescription\":\"a\0b\"}")},
		{STR("{}\0")},
		{STR("{\"shortDescription\":\"a\",\"shortDescription\":\"a\"}")},
		{STR("{\"shortDescription\":\"a\",\"short\\u0044escription\":\"a\"}")},
		{STR("{\"shortDescription\":\"a\nb\"}")},
		{STR("noteId=qa")},
		{STR("{\"vulnerabilityType\":{\"cvssScore\":1e999}}")},
		{STR("{\"vulnerabilityType\":{\"cvssScore\":01}}")},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		refused(*state, "POST", STR(P "/notes?noteId=bad"), rows[i].body, 400, 3, "");
		refused(*state, "PUT", STR(P "/notes/bad"), rows[i].body, 400, 3, "");
		refused(*state, "POST", STR("/v1alpha1/projects"), rows[i].body, 400, 3, "");
		refused(*state, "POST", STR(P "/operations"), rows[i].body, 400, 3, "");
	}
	refused(*state, "GET", STR(P "/notes/bad"), STR(""), 404, 5, "");
}

static void refuses_deep_bodies(void **state)
{
	cleanup(buf) struct buf deep = buf_init(1u << 20);

	buf_add_c(&deep, "{\"metadata\":{\"a\":");
	for (size_t i = 0; i < LIMIT_JSON_DEPTH; i++)
		buf_add_char(&deep, '[');
	for (size_t i = 0; i < LIMIT_JSON_DEPTH; i++)
		buf_add_char(&deep, ']');
	buf_add_c(&deep, "}}");
	refused(*state, "POST", STR(P "/operations"), buf_str(&deep), 400, 3, "");
	buf_clear(&deep);
	buf_add_c(&deep, "{\"metadata\":{\"a\":");
	for (size_t i = 0; i < LIMIT_JSON_DEPTH - 2; i++)
		buf_add_char(&deep, '[');
	for (size_t i = 0; i < LIMIT_JSON_DEPTH - 2; i++)
		buf_add_char(&deep, ']');
	buf_add_c(&deep, "}}");
	json_decref(send(*state, "POST", STR(P "/operations?operationId=deep"), buf_str(&deep), "").json);
	assert_int_equal(status(*state, "GET", P "/operations/deep", ""), 200);
}

static void an_attestation_is_kept_byte_for_byte(void **state)
{
	static const char *const signatures[] = {
		ARMOUR,
		"-----BEGIN PGP MESSAGE-----\\r\\n\\r\\nYQ==\\r\\n-----END PGP MESSAGE-----\\r\\n",
		"  \\n" ARMOUR "\\n \\t\\n",
		"LS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0tLS0tCgpZUT09Ci0tLS0tRU5EIFBHUCBNRVNTQUdFLS0tLS0K",
		"LS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0t\\nLS0tCgpZUT09Ci0tLS0tRU5EIFBHUCBNRVNTQUdFLS0tLS0K\\n",
	};
	struct fixture *f = *state;

	make_note(f);
	for (size_t i = 0; i < COUNT(signatures); i++) {
		char body[1024], path[128];

		snprintf(
			body, sizeof(body),
			"{\"name\":\"mine\",\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA
			"\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"%s\",\"contentType\":\"x/y\"}}}",
			signatures[i]);
		json_t *sent = json_loads(body, 0, NULL);
		json_t *stored = ok(f, "POST", P "/occurrences", body);

		snprintf(path, sizeof(path), "/v1alpha1/%s", text(stored, "name"));
		json_t *read = ok(f, "GET", path, "");

		assert_true(json_equal(stored, read));
		assert_true(json_equal(json_object_get(read, "attestation"), json_object_get(sent, "attestation")));
		assert_true(
			json_equal(json_object_get(read, "attestationDetails"), json_object_get(sent, "attestation")));
		assert_string_equal(text(read, "kind"), "ATTESTATION_AUTHORITY");
		assert_string_equal(text(read, "resourceUrl"), IMAGE);
		assert_string_equal(evidence_of(f, DIGEST_A).signature,
				    text(json_object_get(json_object_get(sent, "attestation"), "pgpSignedAttestation"),
					 "signature"));
		json_decref(sent);
		json_decref(stored);
		json_decref(read);
	}
	assert_int_equal(evidence_of(f, DIGEST_A).count, COUNT(signatures));
}

static void the_server_names_occurrences(void **state)
{
	struct fixture *f = *state;
	char first[37], second[37];

	make_note(f);
	make_attestation(f, first);
	make_attestation(f, second);
	assert_string_not_equal(first, second);
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		assert_true(dash ? first[i] == '-' : strchr("0123456789abcdef", first[i]) != NULL);
	}
	assert_int_equal(first[14], '7');
	assert_non_null(strchr("89ab", first[19]));
	assert_memory_equal(first, second, 7);
}

/* Each writer's own field, again and again, beside the others. */
struct writer {
	struct fixture *fixture;
	const char *field;
	unsigned lost;
};

#define UPDATES 60

static void *update_own_field(void *context)
{
	struct writer *w = context;

	for (int i = 0; i < UPDATES; i++) {
		char body[64], value[16];
		struct answer answer;

		snprintf(value, sizeof(value), "%d", i);
		snprintf(body, sizeof(body), "{\"%s\":\"%s\"}", w->field, value);
		answer = call(w->fixture, "PATCH", P "/notes/qa", body);
		json_decref(answer.json);
		if (answer.status == 409) {
			i--;
			continue;
		}
		answer = call(w->fixture, "GET", P "/notes/qa", "");
		w->lost += answer.status != 200 || strcmp(text(answer.json, w->field), value) != 0;
		json_decref(answer.json);
	}
	return NULL;
}

static void patches_at_the_same_time_lose_nothing(void **state)
{
	struct fixture *f = *state;
	struct writer writers[] = {{f, "shortDescription", 0}, {f, "longDescription", 0}};
	pthread_t threads[COUNT(writers)];

	make_note(f);
	for (size_t i = 0; i < COUNT(writers); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, update_own_field, &writers[i]), 0);
	for (size_t i = 0; i < COUNT(writers); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < COUNT(writers); i++)
		assert_int_equal(writers[i].lost, 0);
}

/* What others do to a row between each reading and writing of it: the observer is called in between. */
struct rival {
	struct store *store;
	struct note_row row;
	unsigned changes; /* how often it comes in between */
};

static void come_between(void *context, const char *operation, int64_t duration_us)
{
	struct rival *rival = context;
	struct err e;

	(void)duration_us;
	if (strcmp(operation, "get_note") != 0 || rival->changes == 0)
		return;
	rival->changes--;
	rival->row.json =
		rival->changes % 2 ? STR("{\"shortDescription\":\"even\"}") : STR("{\"shortDescription\":\"odd\"}");
	assert_true(store_update_note(rival->store, &rival->row, 0, &e));
}

static void an_update_that_others_always_come_before_is_409(void **state)
{
	struct fixture *f = *state;
	struct rival rival = {.store = f->grafeas.store,
			      .row = {.project = STR("image-signing"), .id = STR("qa"), .kind = STR("ATTESTATION")},
			      .changes = 3};
	json_t *note;

	make_note(f);
	store_observe(f->grafeas.store, come_between, &rival);
	note = ok(f, "PATCH", P "/notes/qa", "{\"longDescription\":\"l\"}");
	assert_int_equal(rival.changes, 0);
	assert_string_equal(text(note, "shortDescription"), "odd");
	assert_string_equal(text(note, "longDescription"), "l");
	json_decref(note);
	rival.changes = 1000000;
	refused(f, "PATCH", STR(P "/notes/qa"), STR("{\"longDescription\":\"m\"}"), 409, 10, "was changed meanwhile");
	rival.changes = 0;
	note = ok(f, "GET", P "/notes/qa", "");
	assert_string_equal(text(note, "longDescription"), "");
	json_decref(note);
}

static void CVE_2023_33199_CVE_2026_23831_CVE_2026_48702_refuses_bad_attestations(void **state)
{
	static const struct {
		const char *body, *words;
	} rows[] = {
		{"", "noteName"},
		{"{}", "noteName"},
		{OCCURRENCE(IMAGE, "projects/image-signing/notes/absent", ARMOUR),
		 "Note projects/image-signing/notes/absent not found"},
		{OCCURRENCE(IMAGE, "projects/other/notes/qa", ARMOUR), "Note projects/other/notes/qa not found"},
		{OCCURRENCE(IMAGE, "qa", ARMOUR), "noteName"},
		{OCCURRENCE(IMAGE, "", ARMOUR), "noteName"},
		{OCCURRENCE(IMAGE, QA, ""), "signature"},
		{OCCURRENCE(IMAGE, QA, "hello world"), "signature"},
		{OCCURRENCE(IMAGE, QA, "\\n"), "signature"},
		{OCCURRENCE("", QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("https://", QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("https://gcr.io/a/b", QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("https://gcr.io/a/b:latest", QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("http://gcr.io/a/b@" DIGEST_A, QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("https://https://gcr.io/a/b@" DIGEST_A, QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("https://gcr.io/a/b@sha256:abc", QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("https://gcr.io/a/b@" DIGEST_A " ", QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE("https://gcr.io/a/b@" DIGEST_A "?x=1", QA, ARMOUR), "resourceUrl"},
		{OCCURRENCE(DIGEST_A, QA, ARMOUR), "resourceUrl"},
		{"{\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA "\",\"kind\":\"ATTESTATION_AUTHORITY\"}",
		 "signature"},
		{"{\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA "\",\"attestation\":{}}", "signature"},
		{"{\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA
		 "\",\"attestation\":{\"pgpSignedAttestation\":{}}}",
		 "signature"},
		{"{\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA
		 "\",\"kind\":\"BUILD_DETAILS\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"" ARMOUR
		 "\"}}}",
		 "kind"},
		{"{\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA
		 "\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"" ARMOUR
		 "\"}},\"attestationDetails\":{\"pgpSignedAttestation\":{\"signature\":\"" OTHER_ARMOUR "\"}}}",
		 "differ"},
	};
	struct fixture *f = *state;

	make_note(f);
	for (size_t i = 0; i < COUNT(rows); i++)
		refused(f, "POST", STR(P "/occurrences"), str_of(rows[i].body), 400, 3, rows[i].words);
	refused(f, "POST", STR(P "/occurrences"),
		STR("{\"noteName\":\"" QA "\",\"operationName\":\"projects/image-signing/operations/absent\"}"), 404, 5,
		"operationName");
	assert_int_equal(evidence_of(f, DIGEST_A).count, 0);
	json_t *list = ok(f, "GET", P "/occurrences", "");

	assert_int_equal(json_array_size(json_object_get(list, "occurrences")), 0);
	json_decref(list);
}

static void CVE_2024_29902_a_signature_has_a_largest_size(void **state)
{
	struct fixture *f = *state;
	cleanup(buf) struct buf body = buf_init(LIMIT_API_BODY);

	make_note(f);
	for (size_t size = LIMIT_SIGNATURE; size <= LIMIT_SIGNATURE + 4; size += 4) {
		buf_clear(&body);
		buf_add_c(&body, "{\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA
				 "\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"");
		for (size_t i = 0; i < size; i++)
			buf_add_char(&body, 'A');
		buf_add_c(&body, "\"}}}");
		struct answer answer = send(f, "POST", STR(P "/occurrences"), buf_str(&body), "");

		assert_int_equal(answer.status, size > LIMIT_SIGNATURE ? 400 : 200);
		json_decref(answer.json);
	}
}

static void the_heredoc_is_read_on_its_route_alone(void **state)
{
	struct fixture *f = *state;
	static const char body[] =
		"{\n  \"resourceUrl\": \"" IMAGE "\",\n  \"noteName\": \"" QA "\",\n"
		"  \"attestation\": {\"pgpSignedAttestation\": {\"signature\": \"-----BEGIN PGP MESSAGE-----\n"
		"\nYQ==\n-----END PGP MESSAGE-----\n\"}}\n}\n";
	char path[128], patch[64];

	make_note(f);
	json_t *stored = ok(f, "POST", P "/occurrences", body);

	assert_string_equal(evidence_of(f, DIGEST_A).signature,
			    "-----BEGIN PGP MESSAGE-----\n\nYQ==\n-----END PGP MESSAGE-----\n");
	snprintf(path, sizeof(path), "/v1alpha1/%s", text(stored, "name"));
	json_decref(stored);
	refused(f, "PUT", str_of(path), str_of(body), 400, 3, "");
	snprintf(patch, sizeof(patch), "{\"remediation\":\"a\nb\"}");
	refused(f, "PATCH", str_of(path), str_of(patch), 400, 3, "");
	refused(f, "POST", STR(P "/notes?noteId=raw"), STR("{\"shortDescription\":\"a\nb\"}"), 400, 3, "");
	refused(f, "POST", STR(P "/occurrences"), STR("{\"noteName\":\"" QA "\",\"remediation\":\"a\\\nb\"}"), 400, 3,
		"");
	refused(f, "POST", STR(P "/occurrences"), STR("{\"noteName\":\"" QA "\",\"remediation\":\"a\x01\nb\"}"), 400, 3,
		"");
}

static void other_kinds_take_any_resource(void **state)
{
	struct fixture *f = *state;
	static const char *const bodies[] = {
		"{\"resourceUrl\":\"git://example.com/x\",\"noteName\":\"" QA "\",\"buildDetails\":{}}",
		"{\"resourceUrl\":\"" IMAGE "\",\"noteName\":\"" QA
		"\",\"discovered\":{\"operation\":{\"name\":\"o\"}}}",
		"{\"noteName\":\"" QA "\",\"customDetails\":{\"description\":\"d\"},\"kind\":\"CUSTOM\"}",
		"{\"noteName\":\"" QA "\"}",
	};

	make_note(f);
	for (size_t i = 0; i < COUNT(bodies); i++)
		done(f, "POST", P "/occurrences", bodies[i]);
	assert_int_equal(evidence_of(f, DIGEST_A).count, 0);
}

static void evidence_follows_put_patch_and_delete(void **state)
{
	struct fixture *f = *state;
	char id[37], path[128];

	make_note(f);
	make_attestation(f, id);
	snprintf(path, sizeof(path), P "/occurrences/%s", id);
	assert_int_equal(evidence_of(f, DIGEST_A).count, 1);
	done(f, "PUT", path, OCCURRENCE("gcr.io/hightowerlabs/payment@" DIGEST_B, QA, OTHER_ARMOUR));
	assert_int_equal(evidence_of(f, DIGEST_A).count, 0);
	assert_int_equal(evidence_of(f, DIGEST_B).count, 1);
	assert_non_null(strstr(evidence_of(f, DIGEST_B).signature, "Yg=="));
	done(f, "PATCH", path, "{\"attestationDetails\":{\"pgpSignedAttestation\":{\"signature\":\"" ARMOUR "\"}}}");
	assert_non_null(strstr(evidence_of(f, DIGEST_B).signature, "YQ=="));
	json_t *read = ok(f, "GET", path, "");

	assert_string_equal(
		text(json_object_get(json_object_get(read, "attestation"), "pgpSignedAttestation"), "pgpKeyId"),
		"0CD9D96F");
	assert_string_not_equal(text(read, "createTime"), text(read, "updateTime"));
	json_decref(read);
	refused(f, "PATCH", str_of(path), STR("{\"resourceUrl\":\"gcr.io/a/b\"}"), 400, 3, "digest");
	refused(f, "PATCH", STR(P "/occurrences/absent"), STR("{}"), 404, 5, "");
	done(f, "DELETE", path, "");
	assert_int_equal(evidence_of(f, DIGEST_B).count, 0);
	refused(f, "DELETE", str_of(path), STR(""), 404, 5, "");
}

static void an_attestation_cannot_lose_its_signature(void **state)
{
	struct fixture *f = *state;
	char id[37], path[128], target[192];

	make_note(f);
	make_attestation(f, id);
	snprintf(path, sizeof(path), P "/occurrences/%s", id);
	snprintf(target, sizeof(target), "%s?updateMask=attestation", path);
	refused(f, "PATCH", str_of(target), STR("{}"), 400, 3, "signature");
	snprintf(target, sizeof(target), "%s?update_mask=attestation.pgp_signed_attestation.signature", path);
	refused(f, "PATCH", str_of(target), STR("{}"), 400, 3, "signature");
	snprintf(target, sizeof(target), "%s?updateMask=resourceUrl", path);
	refused(f, "PATCH", str_of(target), STR("{}"), 400, 3, "resourceUrl");
	snprintf(target, sizeof(target), "%s?updateMask=noteName", path);
	refused(f, "PATCH", str_of(target), STR("{}"), 400, 3, "noteName");
	refused(f, "PATCH", str_of(path), STR("{\"noteName\":\"projects/image-signing/notes/absent\"}"), 400, 3,
		"not found");
	refused(f, "PATCH", str_of(path), STR("{\"buildDetails\":{}}"), 400, 3, "kind");
	refused(f, "PUT", str_of(path), STR("{}"), 400, 3, "noteName");
	refused(f, "PUT", str_of(path), STR("{\"name\":\"projects/image-signing/occurrences/other\"}"), 400, 3, "name");
	assert_int_equal(evidence_of(f, DIGEST_A).count, 1);
}

static void put_replaces_a_note_and_patch_merges(void **state)
{
	struct fixture *f = *state;
	json_t *created = ok(f, "POST", P "/notes?noteId=qa",
			     "{\"shortDescription\":\"s\",\"longDescription\":\"l\",\"attestationAuthority\":{}}");
	json_t *note = ok(f, "PATCH", P "/notes/qa", "{\"shortDescription\":\"t\"}");

	assert_string_equal(text(note, "shortDescription"), "t");
	assert_string_equal(text(note, "longDescription"), "l");
	assert_string_equal(text(note, "createTime"), text(created, "createTime"));
	json_decref(note);
	note = ok(f, "PATCH", P "/notes/qa?updateMask=longDescription,name,createTime", "{\"shortDescription\":\"u\"}");
	assert_string_equal(text(note, "shortDescription"), "t");
	assert_null(json_object_get(note, "longDescription"));
	assert_string_equal(text(note, "name"), QA);
	assert_string_equal(text(note, "createTime"), text(created, "createTime"));
	json_decref(note);
	note = ok(f, "PUT", P "/notes/qa", "{\"longDescription\":\"m\",\"discovery\":{\"analysisKind\":8}}");
	assert_null(json_object_get(note, "shortDescription"));
	assert_string_equal(text(note, "kind"), "DISCOVERY");
	assert_string_equal(text(note, "createTime"), text(created, "createTime"));
	json_decref(note);
	json_decref(created);
	refused(f, "PATCH", STR(P "/notes/qa?updateMask=nothing"), STR("{}"), 400, 3, "updateMask");
	refused(f, "PATCH", STR(P "/notes/qa?updateMask=name&update_mask=name"), STR("{}"), 400, 3, "more than once");
	refused(f, "PUT", STR(P "/notes/qa"), STR("{\"name\":\"projects/image-signing/notes/other\"}"), 400, 3, "name");
	refused(f, "PUT", STR(P "/notes/absent"), STR("{\"name\":\"" QA "\"}"), 400, 3, "name");
	refused(f, "PUT", STR(P "/notes/absent"), STR("{}"), 404, 5, "");
	refused(f, "PATCH", STR(P "/notes/absent"), STR("{}"), 404, 5, "");
	done(f, "DELETE", P "/notes/qa", "");
	refused(f, "DELETE", STR(P "/notes/qa"), STR(""), 404, 5, "");
}

static size_t page_through(struct fixture *f, const char *path, const char *key, int page, size_t *pages)
{
	char token[512] = "", target[1024];
	size_t seen = 0;

	*pages = 0;
	do {
		snprintf(target, sizeof(target), "%s?pageSize=%d&page_token=%s", path, page, token);
		json_t *answer = ok(f, "GET", target, "");

		seen += json_array_size(json_object_get(answer, key));
		snprintf(token, sizeof(token), "%s", text(answer, "nextPageToken"));
		assert_true((json_object_get(answer, "nextPageToken") != NULL) == (token[0] != 0));
		json_decref(answer);
		assert_true(++*pages < 100);
	} while (token[0]);
	return seen;
}

static void lists_page_to_the_end(void **state)
{
	struct fixture *f = *state;
	size_t pages;
	char target[128], id[37];

	make_note(f);
	for (int i = 0; i < 24; i++) {
		snprintf(target, sizeof(target), P "/notes?noteId=n%d", i);
		done(f, "POST", target, "{}");
		make_attestation(f, id);
	}
	assert_int_equal(page_through(f, P "/notes", "notes", 10, &pages), 25);
	assert_int_equal(pages, 3);
	assert_int_equal(page_through(f, P "/notes", "notes", 25, &pages), 25);
	assert_int_equal(pages, 1);
	assert_int_equal(page_through(f, P "/occurrences", "occurrences", 7, &pages), 24);
	assert_int_equal(pages, 4);
	assert_int_equal(page_through(f, P "/notes/qa/occurrences", "occurrences", 1000, &pages), 24);
	assert_int_equal(pages, 1);
	assert_int_equal(page_through(f, P "/notes", "notes", 0, &pages), 25);
	assert_int_equal(page_through(f, "/v1alpha1/projects/none/notes", "notes", 5, &pages), 0);
	assert_int_equal(pages, 1);
	assert_int_equal(page_through(f, "/v1alpha1/projects/image-signin/notes", "notes", 5, &pages), 0);
}

static void refuses_bad_pages(void **state)
{
	static const char *const queries[] = {"pageSize=1001",
					      "pageSize=-1",
					      "pageSize=",
					      "pageSize",
					      "pageSize=x",
					      "pageSize=1.0",
					      "pageSize=+1",
					      "pageSize= 1",
					      "pageSize=0x10",
					      "pageSize=99999999999999999999",
					      "page_size=1001",
					      "pageSize=1&pageSize=1",
					      "pageSize=1&page_size=1",
					      "pageToken=garbage",
					      "page_token=garbage",
					      "pageToken=\xff",
					      "pageToken=a&pageToken=a",
					      "pageSize=\xd9\xa1"};
	static const char *const paths[] = {P "/notes", P "/occurrences", P "/notes/qa/occurrences", P "/operations",
					    "/v1alpha1/projects"};
	struct fixture *f = *state;

	make_note(f);
	for (size_t i = 0; i < COUNT(queries); i++)
		for (size_t j = 0; j < COUNT(paths); j++) {
			char target[256];

			snprintf(target, sizeof(target), "%s?%s", paths[j], queries[i]);
			refused(f, "GET", str_of(target), STR(""), 400, 3, "");
		}
	done(f, "GET", P "/notes?unknown=1&unknown=2&filter=a&filter=b&pageToken=&pageSize=007", "");
}

static void a_token_of_one_list_is_not_one_of_another(void **state)
{
	struct fixture *f = *state;
	char id[37], target[1024];

	make_note(f);
	done(f, "POST", P "/notes?noteId=b", "{}");
	make_attestation(f, id);
	json_t *page = ok(f, "GET", P "/notes?pageSize=1", "");

	snprintf(target, sizeof(target), P "/occurrences?pageToken=%s", text(page, "nextPageToken"));
	refused(f, "GET", str_of(target), STR(""), 400, 3, "");
	json_decref(page);
}

/* Rows that do not fit one answer go on the next page. */
static void a_page_too_large_is_cut_short(void **state)
{
	struct fixture *f = *state;
	size_t size = 3u << 20, pages;
	cleanup(buf) struct buf body = buf_init(LIMIT_API_BODY);
	char target[64];

	buf_add_c(&body, "{\"longDescription\":\"");
	for (size_t i = 0; i < size; i++)
		buf_add_char(&body, 'x');
	buf_add_c(&body, "\"}");
	for (int i = 0; i < 5; i++) {
		snprintf(target, sizeof(target), P "/notes?noteId=n%d", i);
		struct answer answer = send(f, "POST", str_of(target), buf_str(&body), "");

		assert_int_equal(answer.status, 200);
		json_decref(answer.json);
	}
	assert_int_equal(page_through(f, P "/notes", "notes", 5, &pages), 5);
	assert_true(pages > 1 && pages <= 5);
}

static void cross_lists(void **state)
{
	struct fixture *f = *state;
	char id[37], path[128];

	make_note(f);
	make_attestation(f, id);
	done(f, "POST", "/v1alpha1/projects/other/occurrences", OCCURRENCE(IMAGE, QA, ARMOUR));
	json_t *list = ok(f, "GET", P "/notes/qa/occurrences", "");

	assert_int_equal(json_array_size(json_object_get(list, "occurrences")), 2);
	json_decref(list);
	snprintf(path, sizeof(path), P "/occurrences/%s/notes", id);
	json_t *note = ok(f, "GET", path, "");

	assert_string_equal(text(note, "name"), QA);
	json_decref(note);
	refused(f, "GET", STR(P "/occurrences/absent/notes"), STR(""), 404, 5, "");
	refused(f, "GET", STR(P "/notes/absent/occurrences"), STR(""), 404, 5, "");
	done(f, "DELETE", P "/notes/qa", "");
	refused(f, "GET", str_of(path), STR(""), 404, 5, "");
}

static void projects_are_rows_of_their_own(void **state)
{
	struct fixture *f = *state;
	json_t *answer = ok(f, "POST", "/v1alpha1/projects", "{\"name\":\"projects/image-signing\"}");

	assert_int_equal(json_object_size(answer), 0);
	json_decref(answer);
	answer = ok(f, "GET", "/v1alpha1/projects/image-signing", "");
	assert_string_equal(text(answer, "name"), "projects/image-signing");
	json_decref(answer);
	answer = ok(f, "GET", "/v1alpha1/projects", "");
	assert_int_equal(json_array_size(json_object_get(answer, "projects")), 1);
	json_decref(answer);
	refused(f, "POST", STR("/v1alpha1/projects"), STR("{\"name\":\"projects/image-signing\"}"), 400, 6, "");
	make_note(f);
	done(f, "DELETE", "/v1alpha1/projects/image-signing", "");
	refused(f, "GET", STR("/v1alpha1/projects/image-signing"), STR(""), 404, 5, "");
	refused(f, "DELETE", STR("/v1alpha1/projects/image-signing"), STR(""), 404, 5, "");
	done(f, "GET", P "/notes/qa", "");
}

static void refuses_bad_projects(void **state)
{
	static const char *const bodies[] = {
		"",
		"{}",
		"{\"name\":\"\"}",
		"{\"name\":\"image-signing\"}",
		"{\"name\":\"projects/\"}",
		"{\"name\":\"projects/a/b\"}",
		"{\"name\":\"projects/..\"}",
		"{\"name\":\"Projects/a\"}",
		"{\"name\":1}",
		"{\"id\":\"a\"}",
	};

	for (size_t i = 0; i < COUNT(bodies); i++)
		refused(*state, "POST", STR("/v1alpha1/projects"), str_of(bodies[i]), 400, 3, "");
}

static void operations_of_dialect_a(void **state)
{
	struct fixture *f = *state;
	json_t *operation = ok(f, "POST", P "/operations?operationId=scan", "{\"metadata\":{\"a\":\"b\"}}");

	assert_string_equal(text(operation, "name"), "projects/image-signing/operations/scan");
	json_decref(operation);
	refused(f, "POST", STR(P "/operations?operationId=scan"), STR("{}"), 400, 6, "");
	refused(f, "POST", STR(P "/operations?operationId="), STR("{}"), 400, 3, "operationId");
	refused(f, "POST", STR(P "/operations?operationId=other"),
		STR("{\"name\":\"projects/image-signing/operations/x\"}"), 400, 3, "name");
	operation = ok(f, "POST", P "/operations", "{}");
	assert_int_equal(strlen(text(operation, "name")), strlen("projects/image-signing/operations/") + 36);
	json_decref(operation);
	done(f, "PUT", P "/operations/scan", "{\"done\":true,\"response\":{}}");
	refused(f, "PUT", STR(P "/operations/scan"), STR("{\"done\":false}"), 400, 3, "done");
	refused(f, "PUT", STR(P "/operations/scan"), STR("{}"), 400, 3, "done");
	refused(f, "PUT", STR(P "/operations/scan"),
		STR("{\"done\":true,\"name\":\"projects/image-signing/operations/x\"}"), 400, 3, "name");
	done(f, "PUT", P "/operations/scan", "{\"done\":true,\"error\":{\"code\":1}}");
	refused(f, "PUT", STR(P "/operations/absent"), STR("{}"), 404, 5, "");
	json_t *list = ok(f, "GET", P "/operations", "");

	assert_int_equal(json_array_size(json_object_get(list, "operations")), 2);
	json_decref(list);
	done(f, "DELETE", P "/operations/scan", "");
	refused(f, "GET", STR(P "/operations/scan"), STR(""), 404, 5, "");
}

static void operations_of_dialect_b(void **state)
{
	struct fixture *f = *state;
	json_t *operation =
		ok(f, "POST", P "/operations",
		   "{\"parent\":\"projects/image-signing\",\"operation_id\":\"scan\",\"operation\":{\"name\":"
		   "\"projects/image-signing/operations/scan\",\"metadata\":{\"@type\":\"t\"}}}");

	assert_string_equal(text(operation, "name"), "projects/image-signing/operations/scan");
	assert_string_equal(text(json_object_get(operation, "metadata"), "@type"), "t");
	json_decref(operation);
	refused(f, "POST", STR(P "/operations"), STR("{\"operationId\":\"x\"}"), 400, 3, "operation");
	refused(f, "POST", STR(P "/operations"), STR("{\"operation\":null}"), 400, 3, "operation");
	refused(f, "POST", STR(P "/operations"), STR("{\"operation\":{}}"), 400, 3, "operation.name");
	refused(f, "POST", STR(P "/operations"), STR("{\"operation\":{\"name\":\"projects/x/operations/y\"}}"), 400, 3,
		"name");
	refused(f, "POST", STR(P "/operations"),
		STR("{\"operationId\":\"a\",\"operation\":{\"name\":\"projects/image-signing/operations/b\"}}"), 400, 3,
		"differ");
	done(f, "PATCH", P "/operations/scan",
	     "{\"name\":\"projects/image-signing/operations/scan\",\"operation\":{\"name\":"
	     "\"projects/image-signing/operations/scan\",\"done\":true}}");
	refused(f, "PATCH", STR(P "/operations/scan"), STR("{\"operation\":{\"done\":false}}"), 400, 3, "done");
	done(f, "POST", P "/notes?noteId=scanned", "{\"operationName\":\"projects/image-signing/operations/scan\"}");
	refused(f, "POST", STR(P "/notes?noteId=other"),
		STR("{\"operationName\":\"projects/image-signing/operations/absent\"}"), 404, 5, "operationName");
	refused(f, "POST", STR(P "/notes?noteId=other"), STR("{\"operationName\":\"scan\"}"), 400, 3, "operationName");
}

/* Hashes of the tokens "alpha" (read), "beta" (attest). */
static const char tokens[] = "read dash sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8\n"
			     "attest ci sha256:f44e64e75f3948e9f73f8dfa94721c4ce8cbb4f265c4790c702b2d41cfbf2753\n";

static void use_tokens(struct fixture *f)
{
	char path[128];
	struct err e = ERR_INIT;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tokens", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(tokens, 1, sizeof(tokens) - 1, file), sizeof(tokens) - 1);
	assert_int_equal(fclose(file), 0);
	access_close(f->grafeas.access);
	f->grafeas.access = access_open(path, false, &e);
	assert_non_null(f->grafeas.access);
}

static void each_role_may_what_it_may(void **state)
{
	static const struct {
		const char *method, *path, *body, *token;
		int status;
	} rows[] = {
		{"GET", P "/notes/qa", "", "", 401},
		{"GET", "/nothing", "", "", 401},
		{"GET", P "/notes/qa", "", "Bearer nobody", 401},
		{"GET", P "/notes/qa", "", "Bearer alpha", 200},
		{"GET", "/nothing", "", "Bearer alpha", 404},
		{"GET", P "/notes/qa", "", "Bearer beta", 200},
		{"POST", P "/occurrences", OCCURRENCE(IMAGE, QA, ARMOUR), "", 401},
		{"POST", P "/occurrences", OCCURRENCE(IMAGE, QA, ARMOUR), "Bearer alpha", 403},
		{"POST", P "/occurrences", OCCURRENCE(IMAGE, QA, ARMOUR), "Bearer beta", 200},
		{"POST", P "/occurrences", "{\"noteName\":\"" QA "\",\"buildDetails\":{}}", "Bearer beta", 403},
		{"POST", P "/occurrences", "{\"noteName\":\"" QA "\"}", "Bearer beta", 403},
		{"POST", P "/notes?noteId=x", "{}", "Bearer beta", 403},
		{"PUT", P "/notes/qa", "{}", "Bearer beta", 403},
		{"PATCH", P "/notes/qa", "{}", "Bearer beta", 403},
		{"DELETE", P "/notes/qa", "", "Bearer beta", 403},
		{"DELETE", P "/notes/absent", "", "Bearer beta", 403},
		{"PUT", P "/occurrences/x", OCCURRENCE(IMAGE, QA, ARMOUR), "Bearer beta", 403},
		{"DELETE", P "/occurrences/x", "", "Bearer beta", 403},
		{"POST", "/v1alpha1/projects", "{\"name\":\"projects/x\"}", "Bearer beta", 403},
		{"DELETE", "/v1alpha1/projects/x", "", "Bearer beta", 403},
		{"POST", P "/operations", "{}", "Bearer beta", 403},
	};
	struct fixture *f = *state;

	make_note(f);
	use_tokens(f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer answer =
			send(f, rows[i].method, str_of(rows[i].path), str_of(rows[i].body), rows[i].token);

		if (answer.status != rows[i].status)
			fail_msg("%s %s %s: %d, not %d", rows[i].token, rows[i].method, rows[i].path, answer.status,
				 rows[i].status);
		assert_int_equal(answer.authenticate != NULL, answer.status == 401);
		json_decref(answer.json);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_note_is_created_once),
		TEST(a_note_id_may_stand_in_the_body_alone),
		TEST(client_times_are_not_taken),
		TEST(refuses_bad_note_names),
		TEST(ids_have_a_longest),
		TEST(refuses_bad_ids_in_paths),
		TEST(unusual_ids_are_fine),
		TEST(slashes_too_many_are_passed_over),
		TEST(unknown_paths_are_404),
		TEST(wrong_verbs_are_501),
		TEST(refuses_bodies_that_are_no_json_object),
		TEST(refuses_deep_bodies),
		TEST(an_attestation_is_kept_byte_for_byte),
		TEST(the_server_names_occurrences),
		TEST(patches_at_the_same_time_lose_nothing),
		TEST(an_update_that_others_always_come_before_is_409),
		TEST(CVE_2023_33199_CVE_2026_23831_CVE_2026_48702_refuses_bad_attestations),
		TEST(CVE_2024_29902_a_signature_has_a_largest_size),
		TEST(the_heredoc_is_read_on_its_route_alone),
		TEST(other_kinds_take_any_resource),
		TEST(evidence_follows_put_patch_and_delete),
		TEST(an_attestation_cannot_lose_its_signature),
		TEST(put_replaces_a_note_and_patch_merges),
		TEST(lists_page_to_the_end),
		TEST(refuses_bad_pages),
		TEST(a_token_of_one_list_is_not_one_of_another),
		TEST(a_page_too_large_is_cut_short),
		TEST(cross_lists),
		TEST(projects_are_rows_of_their_own),
		TEST(refuses_bad_projects),
		TEST(operations_of_dialect_a),
		TEST(operations_of_dialect_b),
		TEST(each_role_may_what_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
