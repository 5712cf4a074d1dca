#include <regex.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "tests/fuzz/naive.h"

#define PART "([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
#define HOST "^(" PART "([.]" PART ")*|\\[[a-fA-F0-9:]+\\])(:[0-9]+)?$"
#define WORD "[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*"
#define TAG "[A-Za-z0-9_][A-Za-z0-9_.-]*"
#define DIGEST "(sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})"
#define REST "^" WORD "(/" WORD ")*(:" TAG ")?(@" DIGEST ")?$"

#define TAG_MAX 128
#define PATH_MAX_BYTES 255
#define ID_DIGITS 64

void naive_check(bool holds)
{
	if (!holds)
		abort();
}

static bool fits(const char *expression, regex_t *compiled, const char *text)
{
	if (!compiled->re_nsub)
		naive_check(regcomp(compiled, expression, REG_EXTENDED) == 0);
	return regexec(compiled, text, 0, NULL, 0) == 0;
}

static bool is_host(const char *text)
{
	static regex_t compiled;

	return fits(HOST, &compiled, text);
}

static bool is_rest(const char *text)
{
	static regex_t compiled;

	return fits(REST, &compiled, text);
}

/* Whether what stands before the first slash is a host. */
static bool looks_like_host(const char *text, size_t len)
{
	if (len == 9 && memcmp(text, "localhost", 9) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '.' || text[i] == ':' || (text[i] >= 'A' && text[i] <= 'Z'))
			return true;
	return false;
}

static void copy(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	out[len] = 0;
}

/* Ends a text at `mark` and gives what stood behind it; NULL: nothing does. */
static void cut(char *mark, char *part)
{
	copy(part, mark ? mark + 1 : "", mark ? strlen(mark + 1) : 0);
	if (mark)
		*mark = 0;
}

static void split(const char *text, struct naive_image *out, char *rest)
{
	const char *slash = strchr(text, '/');
	char *last;

	if (slash && looks_like_host(text, (size_t)(slash - text))) {
		copy(out->host, text, (size_t)(slash - text));
		text = slash + 1;
	} else {
		copy(out->host, "docker.io", 9);
	}
	copy(rest, text, strlen(text));
	copy(out->path, text, strlen(text));
	cut(strchr(out->path, '@'), out->digest);
	last = strrchr(out->path, '/');
	cut(strchr(last ? last : out->path, ':'), out->tag);
}

static void normalise(struct naive_image *image)
{
	char path[NAIVE_TEXT_MAX + 32];

	for (char *c = image->host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (strcmp(image->host, "index.docker.io") == 0)
		copy(image->host, "docker.io", 9);
	if (strcmp(image->host, "docker.io") == 0 && !strchr(image->path, '/') && strcmp(image->path, "**") != 0) {
		(void)snprintf(path, sizeof(path), "library/%s", image->path);
		copy(image->path, path, strlen(path));
	}
}

static bool is_id(const char *text)
{
	return strlen(text) == ID_DIGITS && strspn(text, "0123456789abcdef") == ID_DIGITS;
}

/* A host that only capitals make one would read as a path once they are folded: refused here, unlike elsewhere. */
static bool stays_a_host(const char *host)
{
	return strpbrk(host, ".:") || str_eq_nocase(str_of(host), STR("localhost"));
}

bool naive_image_read(struct str text, struct naive_image *out)
{
	char whole[NAIVE_TEXT_MAX + 1], rest[NAIVE_TEXT_MAX + 1];

	if (text.len == 0 || text.len > NAIVE_TEXT_MAX || memchr(text.ptr, 0, text.len))
		return false;
	copy(whole, text.ptr, text.len);
	split(whole, out, rest);
	if (is_id(whole) || !stays_a_host(out->host) || !is_host(out->host) || !is_rest(rest) ||
	    strlen(out->tag) > TAG_MAX)
		return false;
	normalise(out);
	return strlen(out->path) <= PATH_MAX_BYTES;
}

void naive_repository(const struct naive_image *image, char out[2 * NAIVE_TEXT_MAX])
{
	(void)snprintf(out, 2 * NAIVE_TEXT_MAX, "%s/%s", image->host, image->path);
}

enum star { STAR_ANY, STAR_SEGMENT, STAR_SEGMENTS };

/* Which prefixes of `text` are reached through one more star. */
static void pass_star(enum star star, const bool *from, bool *to, struct str text)
{
	for (size_t j = 0; j <= text.len; j++) {
		to[j] = star == STAR_ANY && from[j];
		for (size_t k = j; k > 0 && !to[j]; k--) {
			if (star == STAR_SEGMENT && text.ptr[k - 1] == '/')
				break;
			to[j] = from[k - 1];
		}
	}
}

static void pass_char(char c, const bool *from, bool *to, struct str text)
{
	to[0] = false;
	for (size_t j = 0; j < text.len; j++)
		to[j + 1] = from[j] && text.ptr[j] == c;
}

static bool glob(struct str pattern, struct str text, enum star single)
{
	cleanup(memory) bool *from = calloc(text.len + 1, sizeof(bool));
	cleanup(memory) bool *to = calloc(text.len + 1, sizeof(bool));

	naive_check(from && to);
	from[0] = true;
	for (size_t i = 0; i < pattern.len; i++) {
		bool *swap = from;
		bool twice = single == STAR_SEGMENT && i + 1 < pattern.len && pattern.ptr[i + 1] == '*';

		if (pattern.ptr[i] == '*')
			pass_star(twice ? STAR_SEGMENTS : single, from, to, text);
		else
			pass_char(pattern.ptr[i], from, to, text);
		i += pattern.ptr[i] == '*' && twice;
		from = to;
		to = swap;
	}
	return from[text.len];
}

bool naive_name_matches(struct str pattern, struct str name)
{
	return glob(pattern, name, STAR_ANY);
}

bool naive_pattern_matches(struct str pattern, const struct naive_image *image)
{
	static struct naive_image p;
	char whole[NAIVE_TEXT_MAX + 1], rest[NAIVE_TEXT_MAX + 1];

	naive_check(pattern.len <= NAIVE_TEXT_MAX);
	copy(whole, pattern.ptr, pattern.len);
	split(whole, &p, rest);
	normalise(&p);
	if (strcmp(p.host, image->host) != 0 || !glob(str_of(p.path), str_of(image->path), STAR_SEGMENT))
		return false;
	if (*p.tag && strcmp(p.tag, image->tag) != 0)
		return false;
	if (*p.digest && str_ends_with(str_of(p.digest), STR(":*")))
		return strncmp(p.digest, image->digest, strlen(p.digest) - 1) == 0;
	return !*p.digest || strcmp(p.digest, image->digest) == 0;
}
