/* Image references: what parses has a normal form that is stable and has no second reading, and the grammar written as
 * regular expressions takes the same texts and finds the same parts. */
#include "base/arena.h"
#include "base/limits.h"
#include "policy/image_ref.h"
#include "tests/fuzz/naive.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
	if (!holds)
		abort();
}

static void check_bytes(const struct image_ref *ref)
{
	struct str host = ref->host;

	for (size_t i = 0; i < host.len; i++)
		need(host.ptr[i] > 0x20 && host.ptr[i] < 0x7f && !(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z'));
	for (size_t i = 0; i < ref->path.len; i++) {
		char c = ref->path.ptr[i];

		need((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '_' || c == '-');
	}
	need(ref->path.len > 0 && ref->path.len <= LIMIT_IMAGE_PATH && ref->tag.len <= 128);
	need(host.len > 0 && str_find(host, '/') == host.len);
	need(!str_eq(host, STR("index.docker.io")));
	need(!str_eq(host, STR("docker.io")) || str_find(ref->path, '/') < ref->path.len);
	need(ref->digest.len == 0 || image_digest_valid(ref->digest));
}

static void check_repository(const struct image_ref *ref)
{
	need(ref->repository.len == ref->host.len + 1 + ref->path.len);
	need(str_eq(str_head(ref->repository, ref->host.len), ref->host));
	need(ref->repository.ptr[ref->host.len] == '/');
	need(str_eq(str_skip(ref->repository, ref->host.len + 1), ref->path));
}

static void check_again(const struct image_ref *ref, struct arena *arena)
{
	struct str text = arena_printf(arena, "%.*s%s%.*s%s%.*s", STR_ARG(ref->repository), ref->tag.len ? ":" : "",
				       STR_ARG(ref->tag), ref->digest.len ? "@" : "", STR_ARG(ref->digest));
	struct image_ref again;

	need(text.ptr && image_ref_parse(text, arena, &again, NULL));
	need(str_eq(again.repository, ref->repository) && str_eq(again.tag, ref->tag) &&
	     str_eq(again.digest, ref->digest));
}

static void compare(struct str text, const struct image_ref *ref)
{
	static struct naive_image naive;
	bool reads = naive_image_read(text, &naive);

	need(reads == (ref != NULL));
	if (ref)
		need(str_eq_c(ref->host, naive.host) && str_eq_c(ref->path, naive.path) &&
		     str_eq_c(ref->tag, naive.tag) && str_eq_c(ref->digest, naive.digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena) struct arena arena = arena_init(1 << 20);
	struct str text = str_make((const char *)data, size);
	struct image_ref ref;
	struct str repository;
	struct err e = ERR_INIT;

	if (!image_ref_parse(text, &arena, &ref, &e)) {
		need(e.kind == ERR_INVALID && e.text[0]);
		need(!image_ref_parse_repository(text, &arena, &repository, &e));
		compare(text, NULL);
		return 0;
	}
	check_bytes(&ref);
	check_repository(&ref);
	check_again(&ref, &arena);
	compare(text, &ref);
	need(image_ref_parse_repository(text, &arena, &repository, &e) && str_eq(repository, ref.repository));
	return 0;
}
