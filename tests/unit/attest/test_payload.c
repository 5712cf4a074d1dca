#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "attest/payload.h"
#include "attest/sha256.h"
#include "base/codec.h"
#include "tests/unit/attest/document.h"

#define HEX "aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define DIGEST "sha256:" HEX
#define OTHER "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define REPOSITORY "gcr.io/hightowerlabs/payment"
#define ATOMIC "\"type\":\"atomic container signature\""
#define IDENTITY(reference) "\"identity\":{\"docker-reference\":\"" reference "\"}"
#define IMAGE(digest) "\"image\":{\"docker-manifest-digest\":\"" digest "\"}"
#define JSON(reference, digest) "{\"critical\":{" IDENTITY(reference) "," IMAGE(digest) "," ATOMIC "}}"

static void reads_every_accepted_form(void **state)
{
	const struct {
		const char *payload;
		enum payload_format format;
		const char *repository;
	} cases[] = {
		{DIGEST, PAYLOAD_IMAGE_URL, ""},
		{DIGEST "\n", PAYLOAD_IMAGE_URL, ""},
		{DIGEST "\r\n", PAYLOAD_IMAGE_URL, ""},
		{REPOSITORY "@" DIGEST, PAYLOAD_IMAGE_URL, REPOSITORY},
		{"https://" REPOSITORY "@" DIGEST, PAYLOAD_IMAGE_URL, REPOSITORY},
		{"https://" REPOSITORY "@" DIGEST "\n", PAYLOAD_IMAGE_URL, REPOSITORY},
		{"https://GCR.io/hightowerlabs/payment:v1@" DIGEST, PAYLOAD_IMAGE_URL, REPOSITORY},
		{"nginx@" DIGEST, PAYLOAD_IMAGE_URL, "docker.io/library/nginx"},
		{JSON(REPOSITORY, DIGEST), PAYLOAD_SIMPLE_SIGNING, REPOSITORY},
		{JSON("nginx", DIGEST), PAYLOAD_SIMPLE_SIGNING, "docker.io/library/nginx"},
		{JSON("index.docker.io/library/nginx:1.25", DIGEST) "\n", PAYLOAD_SIMPLE_SIGNING,
		 "docker.io/library/nginx"},
		{"{\"critical\":{\"type\":\"Google cloud binauthz container signature\"," IDENTITY(
			 REPOSITORY) "," IMAGE(DIGEST) "},"
						       "\"optional\":{\"critical\":{},\"x\":[1]},\"beside\":null}",
		 PAYLOAD_SIMPLE_SIGNING, REPOSITORY},
		{"{\"critical\":{\"\\u0074ype\":\"atomic container signature\"," IDENTITY(
			 "gcr.io\\/hightowerlabs\\/payment") "," IMAGE(DIGEST) "}}",
		 PAYLOAD_SIMPLE_SIGNING, REPOSITORY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(arena) struct arena arena = arena_init(1 << 16);
		struct payload_claim claim;
		struct err why = ERR_INIT;

		if (payload_parse(str_of(cases[i].payload), &arena, &claim, &why) != REASON_GOOD)
			fail_msg("%s: %s", cases[i].payload, why.text);
		assert_int_equal(claim.format, cases[i].format);
		assert_true(str_eq(claim.digest, STR(DIGEST)));
		assert_true(str_eq_c(claim.repository, cases[i].repository));
	}
}

static const char *const bad_texts[] = {
	" " DIGEST,
	DIGEST " ",
	DIGEST "\n\n",
	DIGEST "\r",
	DIGEST "\n" OTHER,
	OTHER "\n" DIGEST,
	"\xef\xbb\xbf" DIGEST,
	"SHA256:" HEX,
	"sha256:" HEX "0",
	"sha256:ABA48D60BA4410EC921F9D2E8169236C57660D121F9430DC9758D754EEC8F887",
	"sha512:" HEX,
	HEX,
	"@" DIGEST,
	REPOSITORY,
	REPOSITORY ":v1",
	REPOSITORY "@sha256:"
		   "00",
	REPOSITORY "@" DIGEST "@" DIGEST,
	"http://" REPOSITORY "@" DIGEST,
	"HTTPS://" REPOSITORY "@" DIGEST,
	"https://https://" REPOSITORY "@" DIGEST,
	"https://" DIGEST,
	"https://user@" REPOSITORY "@" DIGEST,
	REPOSITORY "@" DIGEST "?x=1",
	REPOSITORY "@" DIGEST "#" OTHER,
	"[" DIGEST "]",
	"digest: " DIGEST,
};

static const char *const bad_jsons[] = {
	"{}",
	"{\"critical\":null}",
	"{\"critical\":[]}",
	" " JSON(REPOSITORY, DIGEST),
	JSON(REPOSITORY, DIGEST) "x",
	JSON(REPOSITORY, DIGEST) JSON(REPOSITORY, DIGEST),
	JSON(REPOSITORY, "sha256:00"),
	JSON(REPOSITORY, "SHA256:" HEX),
	JSON("", DIGEST),
	JSON("not a reference", DIGEST),
	JSON("https://" REPOSITORY, DIGEST),
	"{\"Critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) "," ATOMIC "}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) "," ATOMIC "},\"Critical\":{}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) "," ATOMIC "},\"critical\":{}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) "}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," ATOMIC "}}",
	"{\"critical\":{" IMAGE(DIGEST) "," ATOMIC "}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) "," ATOMIC "," ATOMIC "}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) "," ATOMIC ",\"more\":1}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) ",\"type\":\"cosign container image signature\"}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) ",\"type\":\"Atomic Container Signature\"}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) ",\"type\":1}}",
	"{\"critical\":{\"identity\":\"" REPOSITORY "\"," IMAGE(DIGEST) "," ATOMIC "}}",
	"{\"critical\":{\"identity\":{\"docker-reference\":[\"" REPOSITORY "\"]}," IMAGE(DIGEST) "," ATOMIC "}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) ",\"image\":{\"docker-manifest-digest\":\"" OTHER
					       "\",\"docker-manifest-digest\":\"" DIGEST "\"}," ATOMIC "}}",
	"{\"critical\":{" IDENTITY(REPOSITORY) ",\"image\":{\"docker-manifest-digest\":\"" OTHER
					       "\",\"Docker-manifest-digest\":\"" DIGEST "\"}," ATOMIC "}}",
};

static enum verdict_reason parse(struct str payload)
{
	cleanup(arena) struct arena arena = arena_init(1 << 16);
	struct payload_claim claim;

	return payload_parse(payload, &arena, &claim, NULL);
}

static void refuses_everything_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++)
		if (parse(str_of(bad_texts[i])) != REASON_BAD_PAYLOAD)
			fail_msg("%s", bad_texts[i]);
	for (size_t i = 0; i < sizeof(bad_jsons) / sizeof(bad_jsons[0]); i++)
		if (parse(str_of(bad_jsons[i])) != REASON_BAD_PAYLOAD)
			fail_msg("%s", bad_jsons[i]);
}

static void refuses_a_null_byte(void **state)
{
	(void)state;
	assert_int_equal(parse(STR(DIGEST "\0")), REASON_BAD_PAYLOAD);
	assert_int_equal(parse(STR(REPOSITORY "@" DIGEST "\0")), REASON_BAD_PAYLOAD);
	assert_int_equal(parse(STR(JSON(REPOSITORY, DIGEST) "\0")), REASON_BAD_PAYLOAD);
}

static void tells_no_payload_from_a_bad_one(void **state)
{
	(void)state;
	assert_int_equal(parse((struct str){0}), REASON_NO_PAYLOAD);
	assert_int_equal(parse(STR("")), REASON_NO_PAYLOAD);
	assert_int_equal(parse(STR("\n")), REASON_NO_PAYLOAD);
	assert_int_equal(parse(STR("\r\n")), REASON_NO_PAYLOAD);
	assert_int_equal(parse(STR(" ")), REASON_BAD_PAYLOAD);
}

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define UNKNOWN "\"\\u0061" LONG LONG LONG LONG LONG LONG LONG LONG "\":1"

/* Whatever the arena holds: a claim is read as a whole, and what is not known in it is not passed over. */
static void too_little_memory_never_changes_what_is_claimed(void **state)
{
	static const char *const good[] = {DIGEST, REPOSITORY "@" DIGEST,
					   JSON("gcr.io\\/hightowerlabs/payment", DIGEST)};
	static const char bad[] = "{\"critical\":{" IDENTITY(REPOSITORY) "," IMAGE(DIGEST) "," ATOMIC "," UNKNOWN "}}";

	(void)state;
	for (size_t max = 0; max < 8192; max += 16) {
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
			cleanup(arena) struct arena arena = arena_init(max);
			struct payload_claim claim = {0};
			enum verdict_reason reason = payload_parse(str_of(good[i]), &arena, &claim, NULL);

			if (reason == REASON_GOOD) {
				assert_true(str_eq(claim.digest, STR(DIGEST)));
				assert_non_null(claim.repository.ptr);
				assert_true(str_eq(claim.repository, i ? STR(REPOSITORY) : STR("")));
			}
			assert_true(reason == REASON_GOOD || (reason == REASON_BAD_PAYLOAD && max < 4096));
		}
		{
			cleanup(arena) struct arena arena = arena_init(max);
			struct payload_claim claim;

			assert_int_equal(payload_parse(str_of(bad), &arena, &claim, NULL), REASON_BAD_PAYLOAD);
		}
	}
}

static void says_what_is_wrong(void **state)
{
	cleanup(arena) struct arena arena = arena_init(1 << 16);
	struct payload_claim claim = {.digest = STR("as before")};
	struct err why = ERR_INIT;

	(void)state;
	assert_int_equal(payload_parse(STR(REPOSITORY), &arena, &claim, &why), REASON_BAD_PAYLOAD);
	assert_string_equal(why.text, "payload names no digest");
	assert_true(str_eq(claim.digest, STR("as before")));
}

static void matches_only_what_it_names(void **state)
{
	const struct {
		const char *claimed_repository;
		const char *repository;
		const char *digest;
		enum verdict_reason reason;
	} cases[] = {
		{"", REPOSITORY, DIGEST, REASON_GOOD},
		{REPOSITORY, REPOSITORY, DIGEST, REASON_GOOD},
		{REPOSITORY, REPOSITORY, OTHER, REASON_OTHER_DIGEST},
		{"", REPOSITORY, OTHER, REASON_OTHER_DIGEST},
		{"", REPOSITORY, "", REASON_OTHER_DIGEST},
		{"", REPOSITORY, "sha256:", REASON_OTHER_DIGEST},
		{REPOSITORY, REPOSITORY "s", DIGEST, REASON_OTHER_REPOSITORY},
		{REPOSITORY, "", DIGEST, REASON_OTHER_REPOSITORY},
		{REPOSITORY, "gcr.io", DIGEST, REASON_OTHER_REPOSITORY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct payload_claim claim = {.digest = STR(DIGEST), .repository = str_of(cases[i].claimed_repository)};
		enum verdict_reason reason = REASON_NOT_VERIFIED;
		enum verdict verdict =
			payload_matches(&claim, str_of(cases[i].repository), str_of(cases[i].digest), &reason);

		assert_int_equal(reason, cases[i].reason);
		assert_int_equal(verdict == VERDICT_ACCEPTED, reason == REASON_GOOD);
	}
}

static void an_empty_claim_matches_nothing(void **state)
{
	struct payload_claim claim = {0};
	enum verdict_reason reason;

	(void)state;
	assert_int_equal(payload_matches(&claim, STR(""), STR(""), &reason), VERDICT_REJECTED);
	assert_int_equal(reason, REASON_OTHER_DIGEST);
}

static void writes_what_it_reads(void **state)
{
	cleanup(buf) struct buf text = buf_init(1024);
	cleanup(buf) struct buf json = buf_init(1024);

	(void)state;
	payload_write(PAYLOAD_IMAGE_URL, STR(REPOSITORY), STR(DIGEST), &text);
	payload_write(PAYLOAD_SIMPLE_SIGNING, STR(REPOSITORY), STR(DIGEST), &json);
	assert_string_equal(text.data, "https://" REPOSITORY "@" DIGEST);
	assert_string_equal(json.data, JSON(REPOSITORY, DIGEST));
	assert_int_equal(parse(buf_str(&text)), REASON_GOOD);
	assert_int_equal(parse(buf_str(&json)), REASON_GOOD);
}

/* {64} stands for that many hex digits, \n and \r for line ends. */
static void expand(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		struct str rest = str_skip(text, i);

		if (str_starts_with(rest, STR("\\n")) || str_starts_with(rest, STR("\\r"))) {
			buf_add_char(out, rest.ptr[1] == 'n' ? '\n' : '\r');
			i++;
		} else if (rest.ptr[0] == '{') {
			for (unsigned long n = strtoul(rest.ptr + 1, NULL, 10); n > 0; n--)
				buf_add_char(out, '0');
			i += str_find(rest, '}');
		} else {
			buf_add_char(out, rest.ptr[0]);
		}
	}
}

static void every_example_of_the_document_holds(void **state)
{
	cleanup(buf) struct buf block = document_block("payloads");
	struct str rest = buf_str(&block);
	size_t count = 0;

	(void)state;
	for (; rest.len; count++) {
		cleanup(buf) struct buf payload = buf_init(1024);
		struct str line = str_head(rest, str_find(rest, '\n'));
		enum verdict_reason expected = line.ptr[0] == '+' ? REASON_GOOD : REASON_BAD_PAYLOAD;

		rest = str_skip(rest, line.len + 1);
		expand(str_skip(line, 2), &payload);
		if (parse(buf_str(&payload)) != expected)
			fail_msg("%.*s", STR_ARG(line));
	}
	assert_true(count > 12);
}

static void the_worked_examples_are_what_is_written(void **state)
{
	cleanup(buf) struct buf text = document_block("payload-example");
	cleanup(buf) struct buf json = document_block("simple-signing-example");
	cleanup(buf) struct buf hash = document_block("payload-example-sha256");
	cleanup(buf) struct buf written_text = buf_init(1024);
	cleanup(buf) struct buf written_json = buf_init(1024);
	cleanup(buf) struct buf hex = buf_init(1024);
	struct sha256 sum;

	(void)state;
	payload_write(PAYLOAD_IMAGE_URL, STR(REPOSITORY), STR(DIGEST), &written_text);
	payload_write(PAYLOAD_SIMPLE_SIGNING, STR(REPOSITORY), STR(DIGEST), &written_json);
	assert_string_equal(text.data, written_text.data);
	assert_string_equal(json.data, written_json.data);
	assert_int_equal(text.len, 108);
	assert_true(sha256_of(buf_str(&text), &sum));
	hex_encode(&hex, str_make((const char *)sum.bytes, SHA256_SIZE));
	assert_string_equal(hash.data, hex.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_accepted_form),
		cmocka_unit_test(refuses_everything_else),
		cmocka_unit_test(refuses_a_null_byte),
		cmocka_unit_test(tells_no_payload_from_a_bad_one),
		cmocka_unit_test(too_little_memory_never_changes_what_is_claimed),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(matches_only_what_it_names),
		cmocka_unit_test(an_empty_claim_matches_nothing),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(every_example_of_the_document_holds),
		cmocka_unit_test(the_worked_examples_are_what_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
