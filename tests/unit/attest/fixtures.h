/* tests/data/openpgp for test programs: keys, signatures, and the table of what each must give. */
#ifndef SEALGATE_TESTS_UNIT_ATTEST_FIXTURES_H
#define SEALGATE_TESTS_UNIT_ATTEST_FIXTURES_H

#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"

#define FIXTURES "tests/data/openpgp/"
#define FIXTURE_CASES_MAX 256
#define FIXTURE_KEYS_MAX 16

#define ASKED "sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define OTHER "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define REPOSITORY "gcr.io/hightowerlabs/payment"
#define NOW 1767225600 /* 2026-01-01 */

struct fixture_case {
	struct str signature;
	struct str keys;
	struct str payload;
	struct str now;
	struct str digest;
	struct str repository;
	struct str verdict;
	struct str reason;
	struct str signer;
};

struct fixture_cases {
	struct buf text;
	struct fixture_case items[FIXTURE_CASES_MAX];
	size_t count;
};

static inline struct buf fixture_file(const char *folder, struct str name, const char *suffix)
{
	struct buf content = buf_init(LIMIT_KEY_FILE);
	struct err e = ERR_INIT;
	char path[256];

	snprintf(path, sizeof(path), FIXTURES "%s/%.*s%s", folder, STR_ARG(name), suffix);
	if (!file_read(path, &content, &e))
		fail_msg("%s", e.text);
	return content;
}

static inline struct buf fixture_signature(struct str name)
{
	return fixture_file("signatures", name, "");
}

static inline struct buf fixture_key(struct str name)
{
	return fixture_file("keys", name, ".asc");
}

/* Takes what stands before `end` off `rest`. */
static inline struct str fixture_field(struct str *rest, char end)
{
	struct str field = str_head(*rest, str_find(*rest, end));

	*rest = str_skip(*rest, field.len + 1);
	return field;
}

static inline void fixture_case_read(struct str line, struct fixture_case *c)
{
	struct str *fields[] = {&c->signature,	&c->keys,    &c->payload, &c->now,   &c->digest,
				&c->repository, &c->verdict, &c->reason,  &c->signer};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*fields[i] = fixture_field(&line, '\t');
	assert_true(c->signer.len > 0);
}

static inline void fixture_cases_read(struct fixture_cases *cases)
{
	struct str rest;

	cases->text = fixture_file("", STR("cases.tsv"), "");
	cases->count = 0;
	rest = buf_str(&cases->text);
	while (rest.len) {
		struct str line = fixture_field(&rest, '\n');

		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		assert_true(cases->count < FIXTURE_CASES_MAX);
		fixture_case_read(line, &cases->items[cases->count++]);
	}
}

static inline void fixture_cases_release(struct fixture_cases *cases)
{
	buf_release(&cases->text);
}

static inline int64_t fixture_now(const struct fixture_case *c)
{
	int64_t now = 0;

	if (str_eq_c(c->now, "-"))
		return NOW;
	for (size_t i = 0; i < c->now.len; i++)
		now = now * 10 + (c->now.ptr[i] - '0');
	return now;
}

static inline struct str fixture_digest(const struct fixture_case *c)
{
	if (str_eq_c(c->digest, "asked"))
		return STR(ASKED);
	return str_eq_c(c->digest, "other") ? STR(OTHER) : c->digest;
}

static inline struct str fixture_repository(const struct fixture_case *c)
{
	return str_eq_c(c->repository, "-") ? STR(REPOSITORY) : c->repository;
}

/* True when the fingerprint is that of the key called `name`. */
static inline bool fixture_is_key(struct str name, struct str fingerprint)
{
	cleanup(buf) struct buf table = fixture_file("keys", STR("fingerprints.tsv"), "");
	struct str rest = buf_str(&table);

	while (rest.len) {
		struct str line = fixture_field(&rest, '\n');

		if (str_eq(fixture_field(&line, '\t'), name))
			return str_eq(line, fingerprint);
	}
	return false;
}

/* The fingerprint of the key called `name`, "" when there is none. */
static inline void fixture_fingerprint(struct str name, char *out, size_t size)
{
	cleanup(buf) struct buf table = fixture_file("keys", STR("fingerprints.tsv"), "");
	struct str rest = buf_str(&table);

	out[0] = 0;
	while (rest.len) {
		struct str line = fixture_field(&rest, '\n');

		if (str_eq(fixture_field(&line, '\t'), name))
			snprintf(out, size, "%.*s", STR_ARG(line));
	}
}

/* Key files by their names, comma separated. */
struct fixture_keys {
	struct buf files[FIXTURE_KEYS_MAX];
	struct str texts[FIXTURE_KEYS_MAX];
	size_t count;
};

static inline void fixture_keys_read(struct str names, struct fixture_keys *keys)
{
	keys->count = 0;
	while (names.len && !str_eq_c(names, "none")) {
		assert_true(keys->count < FIXTURE_KEYS_MAX);
		keys->files[keys->count] = fixture_key(fixture_field(&names, ','));
		keys->texts[keys->count] = buf_str(&keys->files[keys->count]);
		keys->count++;
	}
}

static inline void fixture_keys_release(struct fixture_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		buf_release(&keys->files[i]);
}

CLEANUP_VALUE(fixture_cases, struct fixture_cases, fixture_cases_release)
CLEANUP_VALUE(fixture_keys, struct fixture_keys, fixture_keys_release)

#endif
