/* Messages by tables: what v1alpha1 reads, what is kept, what it writes; and update masks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/grafeas_version.h"

#define V (&grafeas_v1alpha1)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

	if (!value)
		fail_msg("%s: %s", text, error.text);
	return value;
}

static void expect_json(const json_t *got, const char *wanted, const char *what)
{
	cleanup(json) json_t *expected = parse(wanted);
	char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);

	if (!json_equal(got, expected))
		fail_msg("%s: got %s, wanted %s", what, text, wanted);
	free(text);
}

static void expect_decoded(const struct message *m, const char *in, const char *wanted)
{
	cleanup(json) json_t *given = parse(in);
	cleanup(json) json_t *out = NULL;
	struct err e = ERR_INIT;

	if (!message_decode(m, given, &out, &e))
		fail_msg("%s: %s", in, e.text);
	expect_json(out, wanted, in);
}

static void expect_refused(const struct message *m, const char *in, const char *wanted)
{
	cleanup(json) json_t *given = parse(in);
	json_t *out = NULL;
	struct err e = ERR_INIT;

	if (message_decode(m, given, &out, &e))
		fail_msg("%s was read", in);
	assert_null(out);
	assert_int_equal(e.kind, ERR_INVALID);
	if (!strstr(e.text, wanted))
		fail_msg("%s: \"%s\" does not say \"%s\"", in, e.text, wanted);
}

static void expect_encoded(const struct message *m, const char *canonical, const char *wanted)
{
	cleanup(json) json_t *given = parse(canonical);
	cleanup(json) json_t *out = message_encode(m, given);

	assert_non_null(out);
	expect_json(out, wanted, canonical);
}

static void reads_either_case_and_either_dialect(void **state)
{
	(void)state;
	static const char attestation[] = "{\"noteName\":\"n\",\"attestation\":{\"pgpSignedAttestation\":{"
					  "\"signature\":\"s\",\"pgpKeyId\":\"k\"}}}";

	expect_decoded(V->occurrence,
		       "{\"note_name\":\"n\",\"attestation_details\":{\"pgp_signed_attestation\":{\"signature\":\"s\","
		       "\"pgp_key_id\":\"k\"}}}",
		       attestation);
	expect_decoded(
		V->occurrence,
		"{\"noteName\":\"n\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"s\",\"pgp_key_id\":"
		"\"k\"}}}",
		attestation);
	expect_decoded(V->note, "{\"base_image\":{\"fingerprint\":{\"v1_name\":\"a\",\"v2_blob\":[\"b\"]}}}",
		       "{\"image\":{\"fingerprint\":{\"v1Name\":\"a\",\"v2Blob\":[\"b\"]}}}");
	expect_decoded(V->note, "{\"vulnerabilityType\":{\"package_type\":\"deb\"}}",
		       "{\"vulnerability\":{\"packageType\":\"deb\"}}");
}

/* A client that reads an answer and sends it back sends both dialects. */
static void reads_both_dialects_when_they_agree(void **state)
{
	(void)state;
	expect_decoded(V->occurrence, "{\"discovered\":{},\"discoveredDetails\":{}}", "{\"discovery\":{}}");
	expect_refused(V->occurrence,
		       "{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"a\"}},"
		       "\"attestationDetails\":{\"pgpSignedAttestation\":{\"signature\":\"b\"}}}",
		       "differ");
	expect_refused(V->occurrence, "{\"deployment\":{\"address\":\"a\"},\"deployment_details\":{}}", "differ");
}

static void writes_both_dialects(void **state)
{
	(void)state;
	expect_encoded(
		V->occurrence,
		"{\"kind\":\"ATTESTATION\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"s\"}}}",
		"{\"kind\":\"ATTESTATION_AUTHORITY\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"s\"}},"
		"\"attestationDetails\":{\"pgpSignedAttestation\":{\"signature\":\"s\"}}}");
	expect_encoded(V->occurrence, "{\"image\":{\"distance\":1}}",
		       "{\"derivedImage\":{\"distance\":1},\"derivedImageDetails\":{\"distance\":1}}");
}

static void leaves_out_what_the_version_does_not_have(void **state)
{
	(void)state;
	expect_encoded(V->note, "{\"kind\":\"SBOM_REFERENCE\",\"sbomReference\":{\"format\":\"x\"},\"name\":\"n\"}",
		       "{\"kind\":\"KIND_UNSPECIFIED\",\"name\":\"n\"}");
}

static void flattens_locations(void **state)
{
	(void)state;
	static const char outer[] =
		"{\"vulnerabilityDetails\":{\"packageIssue\":[{\"affectedLocation\":{\"cpeUri\":\"c\","
		"\"package\":\"p\",\"version\":{\"name\":\"1\",\"kind\":\"NORMAL\"}},"
		"\"fixedLocation\":{\"version\":{\"kind\":\"MAXIMUM\"}}}]}}";
	static const char inner[] =
		"{\"vulnerability\":{\"packageIssue\":[{\"affectedCpeUri\":\"c\",\"affectedPackage\":"
		"\"p\",\"affectedVersion\":{\"name\":\"1\",\"kind\":\"NORMAL\"},"
		"\"fixedVersion\":{\"kind\":\"MAXIMUM\"}}]}}";

	expect_decoded(V->occurrence, outer, inner);
	expect_encoded(V->occurrence, inner, outer);
	expect_encoded(V->occurrence, "{\"vulnerability\":{\"packageIssue\":[{\"affectedCpeUri\":\"c\"}]}}",
		       "{\"vulnerabilityDetails\":{\"packageIssue\":[{\"affectedLocation\":{\"cpeUri\":\"c\"}}]}}");
	expect_decoded(
		V->note,
		"{\"vulnerability_type\":{\"details\":[{\"cpe_uri\":\"c\",\"min_affected_version\":{\"epoch\":1}}]}}",
		"{\"vulnerability\":{\"details\":[{\"affectedCpeUri\":\"c\",\"affectedVersionStart\":{\"epoch\":1,"
		"\"kind\":\"NORMAL\"}}]}}");
}

static void both_source_contexts_are_one(void **state)
{
	(void)state;
	static const char inner[] = "{\"build\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"git\":{\"url\":"
				    "\"u\"},\"labels\":{\"a\":"
				    "\"b\"}}}}}}";

	expect_decoded(
		V->occurrence,
		"{\"buildDetails\":{\"provenance\":{\"sourceProvenance\":{\"sourceContext\":{\"context\":{\"git\":{"
		"\"url\":\"u\"}},\"labels\":{\"a\":\"b\"}}}}}}",
		inner);
	expect_decoded(V->occurrence,
		       "{\"buildDetails\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"git\":{\"url\":\"u\"},"
		       "\"labels\":{\"a\":\"b\"}}}}}}",
		       inner);
}

/* Each scalar in every form that is read, inside the message and field that has it. */
static void reads_scalars(void **state)
{
	(void)state;
	expect_decoded(V->note, "{\"expirationTime\":\"2026-11-24T05:43:15+02:00\"}",
		       "{\"expirationTime\":\"2026-11-24T03:43:15Z\"}");
	expect_decoded(V->note, "{\"createTime\":\"0001-01-01T00:00:00Z\"}",
		       "{\"createTime\":\"0001-01-01T00:00:00Z\"}");
	expect_decoded(V->note, "{\"createTime\":\"2026-11-24T03:43:15.1200Z\"}",
		       "{\"createTime\":\"2026-11-24T03:43:15.120Z\"}");
	expect_decoded(V->occurrence,
		       "{\"buildDetails\":{\"provenance\":{\"projectNum\":12,\"userId\":\"-9223372036854775808\"}}}",
		       "{\"build\":{\"provenance\":{\"projectNum\":\"12\",\"userId\":\"-9223372036854775808\"}}}");
	expect_decoded(V->occurrence, "{\"buildDetails\":{\"provenance\":{\"projectNum\":1e3,\"userId\":\"1e2\"}}}",
		       "{\"build\":{\"provenance\":{\"projectNum\":\"1000\",\"userId\":\"100\"}}}");
	expect_decoded(V->occurrence, "{\"derivedImage\":{\"distance\":\"4294967295\"}}",
		       "{\"image\":{\"distance\":4294967295}}");
	expect_decoded(V->occurrence, "{\"derivedImage\":{\"distance\":1.0}}", "{\"image\":{\"distance\":1}}");
	expect_decoded(V->note, "{\"vulnerabilityType\":{\"cvssScore\":\"7.5\"}}",
		       "{\"vulnerability\":{\"cvssScore\":7.5}}");
	expect_decoded(V->note, "{\"vulnerabilityType\":{\"cvssScore\":\"NaN\"}}",
		       "{\"vulnerability\":{\"cvssScore\":\"NaN\"}}");
	expect_decoded(V->operation, "{\"done\":true,\"metadata\":{\"@type\":\"t\",\"a\":[1,null]}}",
		       "{\"done\":true,\"metadata\":{\"@type\":\"t\",\"a\":[1,null]}}");
}

static void reads_bytes_in_both_alphabets(void **state)
{
	(void)state;
	static const char wanted[] =
		"{\"build\":{\"provenance\":{\"sourceProvenance\":{\"fileHashes\":{\"f\":{\"fileHash\":[{"
		"\"type\":\"SHA256\",\"value\":\"+/8=\"}]}}}}}}";
	static const char *const forms[] = {"+/8=", "+/8", "-_8=", "-_8"};

	for (size_t i = 0; i < COUNT(forms); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "{\"buildDetails\":{\"provenance\":{\"sourceProvenance\":{\"fileHashes\":{\"f\":{\"fileHash\":"
			 "[{"
			 "\"type\":1,\"value\":\"%s\"}]}}}}}}",
			 forms[i]);
		expect_decoded(V->occurrence, text, wanted);
	}
}

static void reads_enums_by_name_and_number(void **state)
{
	(void)state;
	expect_decoded(V->note, "{\"kind\":8}", "{\"kind\":\"ATTESTATION\"}");
	expect_decoded(V->note, "{\"kind\":\"ATTESTATION_AUTHORITY\"}", "{\"kind\":\"ATTESTATION\"}");
	expect_decoded(V->note, "{\"kind\":\"CUSTOM\"}", "{\"kind\":\"CUSTOM\"}");
	expect_decoded(V->note, "{\"discovery\":{\"analysisKind\":\"UNKNOWN\"}}",
		       "{\"discovery\":{\"analysisKind\":\"KIND_UNSPECIFIED\"}}");
	expect_decoded(V->note, "{\"vulnerabilityType\":{\"severity\":\"UNKNOWN\"}}",
		       "{\"vulnerability\":{\"severity\":\"SEVERITY_UNSPECIFIED\"}}");
	expect_decoded(
		V->occurrence,
		"{\"derivedImage\":{\"layerInfo\":[{\"directive\":\"UNKNOWN_DIRECTIVE\"},{\"directive\":2}]}}",
		"{\"image\":{\"layerInfo\":[{\"directive\":\"DIRECTIVE_UNSPECIFIED\"},{\"directive\":\"RUN\"}]}}");
}

static void content_type_is_any_text(void **state)
{
	(void)state;
	static const char text[] = "{\"attestation\":{\"pgpSignedAttestation\":{\"contentType\":\"application/"
				   "vnd.gcr.image.url.v1\"}}}";

	expect_decoded(V->occurrence, text, text);
	expect_decoded(V->occurrence, "{\"attestation\":{\"pgpSignedAttestation\":{\"contentType\":1}}}",
		       "{\"attestation\":{\"pgpSignedAttestation\":{\"contentType\":\"SIMPLE_SIGNING_JSON\"}}}");
	expect_refused(V->occurrence, "{\"attestation\":{\"pgpSignedAttestation\":{\"contentType\":7}}}",
		       "contentType");
	expect_refused(V->occurrence, "{\"attestation\":{\"pgpSignedAttestation\":{\"contentType\":[]}}}",
		       "contentType");
}

static void deployment_config_is_text_or_a_map(void **state)
{
	(void)state;
	expect_decoded(V->occurrence, "{\"deployment\":{\"config\":\"c\"}}", "{\"deployment\":{\"config\":\"c\"}}");
	expect_decoded(V->occurrence, "{\"deployment\":{\"config\":{\"a\":\"b\"}}}",
		       "{\"deployment\":{\"config\":{\"a\":\"b\"}}}");
	expect_encoded(V->occurrence, "{\"deployment\":{\"config\":{\"a\":\"b\"}}}",
		       "{\"deployment\":{\"config\":{\"a\":\"b\"}},\"deploymentDetails\":{\"config\":{\"a\":\"b\"}}}");
	expect_refused(V->occurrence, "{\"deployment\":{\"config\":{\"a\":1}}}",
		       "deployment.config.a: expected a string");
	expect_refused(V->occurrence, "{\"deployment\":{\"config\":[]}}", "deployment.config: expected a string");
}

static void null_is_absent(void **state)
{
	(void)state;
	expect_decoded(V->occurrence,
		       "{\"name\":null,\"attestation\":null,\"kind\":null,\"discovered\":{\"operation\":null}}",
		       "{\"discovery\":{}}");
	expect_refused(V->note, "{\"relatedUrl\":[null]}", "relatedUrl[0]: expected an object, found null");
	expect_refused(V->note, "{\"relatedNoteNames\":[\"a\",null]}", "relatedNoteNames[1]: expected a string");
}

static void refuses_what_is_not_an_object(void **state)
{
	(void)state;
	static const char *const rows[] = {"[]", "null", "\"note\"", "1", "true"};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_refused(V->note, rows[i], "body: expected an object");
}

static void refuses_unknown_fields(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"{\"nam\":1}", "unknown field \"nam\""},
		{"{\"Name\":\"n\"}", "unknown field \"Name\""},
		{"{\"NAME\":\"n\"}", "unknown field \"NAME\""},
		{"{\"\":\"n\"}", "unknown field \"\""},
		{"{\"short_Description\":\"n\"}", "unknown field"},
		{"{\"short_description_\":\"n\"}", "unknown field"},
		{"{\"_name\":\"n\"}", "unknown field"},
		{"{\"shortdescription\":\"n\"}", "unknown field"},
		{"{\"attestation\":{}}", "unknown field \"attestation\""},
		{"{\"vulnerability\":{}}", "unknown field \"vulnerability\""},
		{"{\"attestationAuthority\":{\"hint\":{\"name\":\"x\"}}}",
		 "attestationAuthority.hint: unknown field \"name\""},
		{"{\"relatedUrl\":[{},{\"uri\":\"x\"}]}", "relatedUrl[1]: unknown field \"uri\""},
		{"{\"unknown\":null}", "unknown field"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_refused(V->note, rows[i].text, rows[i].wanted);
}

static void refuses_a_field_in_both_cases(void **state)
{
	(void)state;
	expect_refused(V->note, "{\"shortDescription\":\"a\",\"short_description\":\"a\"}",
		       "given twice: field \"short_description\"");
	expect_refused(V->note, "{\"shortDescription\":\"a\",\"short_description\":null}", "given twice");
	expect_refused(
		V->note,
		"{\"attestationAuthority\":{\"hint\":{\"humanReadableName\":\"a\",\"human_readable_name\":\"a\"}}}",
		"given twice");
}

static void refuses_two_members_of_a_oneof(void **state)
{
	(void)state;
	expect_refused(V->note, "{\"attestationAuthority\":{},\"discovery\":{}}", "only one of");
	expect_refused(V->occurrence, "{\"attestation\":{},\"buildDetails\":{}}", "only one of");
	expect_refused(V->occurrence, "{\"attestationDetails\":{},\"customDetails\":{}}", "only one of");
	expect_refused(V->operation, "{\"error\":{},\"response\":{}}", "only one of");
	expect_refused(V->occurrence,
		       "{\"buildDetails\":{\"provenance\":{\"sourceProvenance\":{\"repoSource\":{\"tagName\":\"a\","
		       "\"commitSha\":"
		       "\"b\"}}}}}",
		       "only one of");
	expect_decoded(V->note, "{\"attestationAuthority\":{},\"discovery\":null}", "{\"attestation\":{}}");
}

static void refuses_wrong_types(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"{\"name\":1}", "name: expected a string, found"},
		{"{\"name\":[\"n\"]}", "name: expected a string"},
		{"{\"name\":{}}", "name: expected a string"},
		{"{\"name\":true}", "name: expected a string"},
		{"{\"kind\":\"8\"}", "kind: expected"},
		{"{\"kind\":1}", "kind: expected"},
		{"{\"kind\":-1}", "kind: expected"},
		{"{\"kind\":99}", "kind: expected"},
		{"{\"kind\":8.0}", "kind: expected"},
		{"{\"kind\":\"attestation_authority\"}", "kind: expected"},
		{"{\"kind\":\"ATTESTATION\"}", "kind: expected"},
		{"{\"kind\":\"ATTESTATION_AUTHORITY \"}", "kind: expected"},
		{"{\"kind\":\"\"}", "kind: expected"},
		{"{\"kind\":{}}", "kind: expected"},
		{"{\"createTime\":1}", "createTime: expected a time"},
		{"{\"createTime\":\"\"}", "createTime: expected a time"},
		{"{\"createTime\":\"2026-11-24\"}", "createTime: expected a time"},
		{"{\"createTime\":\"2026-11-24T03:43:15\"}", "createTime: expected a time"},
		{"{\"createTime\":\"2026-13-24T03:43:15Z\"}", "createTime: expected a time"},
		{"{\"updateTime\":\"2026-11-24T03:43:60Z\"}", "updateTime: expected a time"},
		{"{\"expirationTime\":\"10000-01-01T00:00:00Z\"}", "expirationTime: expected a time"},
		{"{\"relatedUrl\":{}}", "relatedUrl: expected a list"},
		{"{\"relatedUrl\":\"u\"}", "relatedUrl: expected a list"},
		{"{\"relatedUrl\":[[]]}", "relatedUrl[0]: expected an object"},
		{"{\"relatedNoteNames\":\"u\"}", "relatedNoteNames: expected a list"},
		{"{\"attestationAuthority\":\"x\"}", "attestationAuthority: expected an object"},
		{"{\"attestationAuthority\":[]}", "attestationAuthority: expected an object"},
		{"{\"attestationAuthority\":{\"hint\":1}}", "attestationAuthority.hint: expected an object"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"high\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"1e999\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"0x10\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"inf\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"1,5\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"1 \"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"+1\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"01\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"1.\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":\"1e\"}}", "cvssScore: expected a number"},
		{"{\"vulnerabilityType\":{\"cvssScore\":true}}", "cvssScore: expected a number"},
		{"{\"package\":{\"distribution\":[{\"latestVersion\":{\"epoch\":2147483648}}]}}", "a 32-bit integer"},
		{"{\"package\":{\"distribution\":[{\"latestVersion\":{\"epoch\":\"-2147483649\"}}]}}",
		 "a 32-bit integer"},
		{"{\"package\":{\"distribution\":[{\"latestVersion\":{\"epoch\":1.5}}]}}", "a 32-bit integer"},
		{"{\"package\":{\"distribution\":[{\"latestVersion\":{\"epoch\":\"\"}}]}}", "a 32-bit integer"},
		{"{\"package\":{\"distribution\":[{\"latestVersion\":{\"epoch\":\"1}\"}}]}}", "a 32-bit integer"},
		{"{\"package\":{\"distribution\":[{\"latestVersion\":{\"kind\":3}}]}}", "kind: expected"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_refused(V->note, rows[i].text, rows[i].wanted);
}

static void refuses_wrong_types_in_occurrences(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"{\"resourceUrl\":{}}", "resourceUrl: expected a string"},
		{"{\"noteName\":1}", "noteName: expected a string"},
		{"{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":1}}}",
		 "attestation.pgpSignedAttestation.signature: expected a string"},
		{"{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":[\"s\"]}}}",
		 "signature: expected a string"},
		{"{\"attestation\":{\"pgpSignedAttestation\":\"s\"}}", "pgpSignedAttestation: expected an object"},
		{"{\"attestation\":{\"pgpSignedAttestation\":{\"pgpKeyId\":1}}}", "pgpKeyId: expected a string"},
		{"{\"derivedImage\":{\"distance\":-1}}", "an unsigned 32-bit integer"},
		{"{\"derivedImage\":{\"distance\":4294967296}}", "an unsigned 32-bit integer"},
		{"{\"buildDetails\":{\"provenance\":{\"projectNum\":\"9223372036854775808\"}}}", "a 64-bit integer"},
		{"{\"buildDetails\":{\"provenance\":{\"projectNum\":\"1e300\"}}}", "a 64-bit integer"},
		{"{\"buildDetails\":{\"provenance\":{\"projectNum\":1.5}}}", "a 64-bit integer"},
		{"{\"buildDetails\":{\"provenance\":{\"buildOptions\":[]}}}", "buildOptions: expected an object"},
		{"{\"buildDetails\":{\"provenance\":{\"buildOptions\":{\"a\":null}}}}",
		 "buildOptions.a: expected a string"},
		{"{\"buildDetails\":{\"provenance\":{\"sourceProvenance\":{\"fileHashes\":{\"f\":{\"fileHash\":[{"
		 "\"value\":\"Zm9\\n\"}"
		 "]}}}}}}",
		 "fileHashes.f.fileHash[0].value: expected base64"},
		{"{\"discovered\":{\"operation\":{\"done\":\"true\"}}}", "done: expected true or false"},
		{"{\"discovered\":{\"operation\":{\"done\":1}}}", "done: expected true or false"},
		{"{\"discovered\":{\"operation\":{\"metadata\":[]}}}", "metadata: expected an object"},
		{"{\"discovered\":{\"operation\":{\"error\":{\"details\":[1]}}}}", "details[0]: expected an object"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_refused(V->occurrence, rows[i].text, rows[i].wanted);
}

static void kind_follows_the_details(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted; /* NULL: refused */
	} rows[] = {
		{"{\"attestation\":{}}", "{\"attestation\":{},\"kind\":\"ATTESTATION\"}"},
		{"{\"kind\":\"KIND_UNSPECIFIED\",\"build\":{}}", "{\"build\":{},\"kind\":\"BUILD\"}"},
		{"{\"kind\":\"PACKAGE\",\"package\":{}}", "{\"package\":{},\"kind\":\"PACKAGE\"}"},
		{"{\"kind\":\"DISCOVERY\"}", "{\"kind\":\"DISCOVERY\"}"},
		{"{}", "{\"kind\":\"KIND_UNSPECIFIED\"}"},
		{"{\"kind\":\"BUILD\",\"attestation\":{}}", NULL},
		{"{\"kind\":\"ATTESTATION\",\"vulnerability\":{}}", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		cleanup(json) json_t *object = parse(rows[i].text);
		struct err e = ERR_INIT;
		bool settled = grafeas_kind_settle(object, &e);

		assert_int_equal(settled, rows[i].wanted != NULL);
		if (settled)
			expect_json(object, rows[i].wanted, rows[i].text);
		else
			assert_int_equal(e.kind, ERR_INVALID);
	}
}

struct merge_row {
	const char *stored, *patch, *mask, *wanted; /* wanted NULL: refused */
};

static void expect_merged(const struct message *m, const struct merge_row *row)
{
	cleanup(json) json_t *stored = parse(row->stored);
	cleanup(json) json_t *patch = parse(row->patch);
	struct err e = ERR_INIT;
	bool merged = message_merge(m, stored, patch, str_of(row->mask), &e);

	if (merged != (row->wanted != NULL))
		fail_msg("%s with mask %s: %s", row->patch, row->mask, merged ? "merged" : e.text);
	if (merged)
		expect_json(stored, row->wanted, row->mask);
	else
		assert_int_equal(e.kind, ERR_INVALID);
}

static void masks_change_what_they_list(void **state)
{
	(void)state;
	static const struct merge_row rows[] = {
		{"{\"shortDescription\":\"a\",\"longDescription\":\"b\"}", "{\"shortDescription\":\"c\"}",
		 "shortDescription", "{\"shortDescription\":\"c\",\"longDescription\":\"b\"}"},
		{"{\"shortDescription\":\"a\",\"longDescription\":\"b\"}", "{\"shortDescription\":\"c\"}",
		 "longDescription", "{\"shortDescription\":\"a\"}"},
		{"{\"shortDescription\":\"a\",\"longDescription\":\"b\"}", "{\"shortDescription\":\"c\"}",
		 "short_description,long_description", "{\"shortDescription\":\"c\"}"},
		{"{\"attestation\":{\"hint\":{\"humanReadableName\":\"a\"}}}",
		 "{\"attestation\":{\"hint\":{\"humanReadableName\":\"b\"}}}",
		 "attestationAuthority.hint.humanReadableName",
		 "{\"attestation\":{\"hint\":{\"humanReadableName\":\"b\"}}}"},
		{"{\"attestation\":{\"hint\":{\"humanReadableName\":\"a\"}}}", "{}",
		 "attestation_authority.hint.human_readable_name", "{\"attestation\":{\"hint\":{}}}"},
		{"{\"attestation\":{\"hint\":{\"humanReadableName\":\"a\"}}}", "{}", "attestationAuthority", "{}"},
		{"{\"name\":\"n\"}", "{}", "buildType.signature.keyId", "{\"name\":\"n\"}"},
		{"{\"name\":\"n\"}", "{\"build\":{\"builderVersion\":\"1\"}}", "buildType.builderVersion",
		 "{\"name\":\"n\",\"build\":{\"builderVersion\":\"1\"}}"},
		{"{\"relatedUrl\":[{\"url\":\"a\"}]}", "{\"relatedUrl\":[{\"url\":\"b\"},{\"url\":\"c\"}]}",
		 "relatedUrl", "{\"relatedUrl\":[{\"url\":\"b\"},{\"url\":\"c\"}]}"},
		{"{\"a\":1,\"name\":\"n\"}", "{\"shortDescription\":\"c\"}", "*", "{\"shortDescription\":\"c\"}"},
		{"{\"discovery\":{\"analysisKind\":\"BUILD\"}}", "{\"build\":{\"builderVersion\":\"1\"}}", "buildType",
		 "{\"build\":{\"builderVersion\":\"1\"}}"},
		{"{\"discovery\":{\"analysisKind\":\"BUILD\"}}", "{\"build\":{\"builderVersion\":\"1\"}}",
		 "buildType.builderVersion", "{\"build\":{\"builderVersion\":\"1\"}}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_merged(V->note, &rows[i]);
}

static void without_a_mask_what_is_given_is_taken_over(void **state)
{
	(void)state;
	static const struct merge_row rows[] = {
		{"{\"shortDescription\":\"a\",\"longDescription\":\"b\"}", "{\"shortDescription\":\"c\"}", "",
		 "{\"shortDescription\":\"c\",\"longDescription\":\"b\"}"},
		{"{\"build\":{\"builderVersion\":\"1\",\"signature\":{\"keyId\":\"k\"}}}",
		 "{\"build\":{\"signature\":{\"publicKey\":\"p\"}}}", "",
		 "{\"build\":{\"builderVersion\":\"1\",\"signature\":{\"keyId\":\"k\",\"publicKey\":\"p\"}}}"},
		{"{\"relatedUrl\":[{\"url\":\"a\"}]}", "{\"relatedUrl\":[]}", "", "{\"relatedUrl\":[]}"},
		{"{\"discovery\":{}}", "{\"build\":{\"builderVersion\":\"1\"}}", "",
		 "{\"build\":{\"builderVersion\":\"1\"}}"},
		{"{\"name\":\"n\"}", "{}", "", "{\"name\":\"n\"}"},
		{"{\"attestation\":{\"hint\":{\"humanReadableName\":\"a\"}}}", "{\"attestation\":{\"hint\":{}}}", "",
		 "{\"attestation\":{\"hint\":{}}}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_merged(V->note, &rows[i]);
}

static void masks_refuse_paths_that_do_not_exist(void **state)
{
	(void)state;
	static const char *const masks[] = {
		"nothing",
		"name.first",
		"relatedUrl.url",
		"relatedUrl[0]",
		"attestationAuthority.nothing",
		"attestationAuthority.hint.humanReadableName.x",
		"attestation",
		",",
		"name,",
		",name",
		".",
		"name.",
		".name",
		"buildType..signature",
		" name",
		"*,name",
		"vulnerabilityType.details.cpeUri",
		"note_type",
	};

	for (size_t i = 0; i < COUNT(masks); i++) {
		const struct merge_row row = {"{\"name\":\"n\"}", "{\"build\":{\"builderVersion\":\"1\"}}", masks[i],
					      NULL};

		expect_merged(V->note, &row);
	}
}

static void masks_know_both_dialects_and_go_into_locations(void **state)
{
	(void)state;
	static const struct merge_row rows[] = {
		{"{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"a\",\"pgpKeyId\":\"k\"}}}",
		 "{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"b\"}}}",
		 "attestationDetails.pgpSignedAttestation.signature",
		 "{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"b\",\"pgpKeyId\":\"k\"}}}"},
		{"{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"a\"}}}",
		 "{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"b\"}}}",
		 "attestation.pgp_signed_attestation.signature",
		 "{\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"b\"}}}"},
		{"{\"vulnerability\":{\"fixedLocation\":{\"cpeUri\":\"a\"}}}",
		 "{\"vulnerability\":{\"fixedLocation\":{\"cpeUri\":\"b\"}}}",
		 "vulnerabilityDetails.fixedLocation.cpeUri",
		 "{\"vulnerability\":{\"fixedLocation\":{\"cpeUri\":\"b\"}}}"},
		{"{\"build\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"git\":{\"url\":\"a\"},\"labels\":{"
		 "\"l\":"
		 "\"m\"}}}}}}",
		 "{\"build\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"git\":{\"url\":\"b\"}}}}}}",
		 "buildDetails.provenance.sourceProvenance.sourceContext.context.git.url",
		 "{\"build\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"git\":{\"url\":\"b\"},\"labels\":{"
		 "\"l\":"
		 "\"m\"}}}}}}"},
		{"{\"build\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"git\":{\"url\":\"a\"},\"labels\":{"
		 "\"l\":"
		 "\"m\"}}}}}}",
		 "{\"build\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"gerrit\":{\"hostUri\":\"b\"}}}}}}",
		 "",
		 "{\"build\":{\"provenance\":{\"sourceProvenance\":{\"context\":{\"gerrit\":{\"hostUri\":\"b\"},"
		 "\"labels\":{"
		 "\"l\":\"m\"}}}}}}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_merged(V->occurrence, &rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_either_case_and_either_dialect),
		cmocka_unit_test(reads_both_dialects_when_they_agree),
		cmocka_unit_test(writes_both_dialects),
		cmocka_unit_test(leaves_out_what_the_version_does_not_have),
		cmocka_unit_test(flattens_locations),
		cmocka_unit_test(both_source_contexts_are_one),
		cmocka_unit_test(reads_scalars),
		cmocka_unit_test(reads_bytes_in_both_alphabets),
		cmocka_unit_test(reads_enums_by_name_and_number),
		cmocka_unit_test(content_type_is_any_text),
		cmocka_unit_test(deployment_config_is_text_or_a_map),
		cmocka_unit_test(null_is_absent),
		cmocka_unit_test(refuses_what_is_not_an_object),
		cmocka_unit_test(refuses_unknown_fields),
		cmocka_unit_test(refuses_a_field_in_both_cases),
		cmocka_unit_test(refuses_two_members_of_a_oneof),
		cmocka_unit_test(refuses_wrong_types),
		cmocka_unit_test(refuses_wrong_types_in_occurrences),
		cmocka_unit_test(kind_follows_the_details),
		cmocka_unit_test(masks_change_what_they_list),
		cmocka_unit_test(without_a_mask_what_is_given_is_taken_over),
		cmocka_unit_test(masks_refuse_paths_that_do_not_exist),
		cmocka_unit_test(masks_know_both_dialects_and_go_into_locations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
