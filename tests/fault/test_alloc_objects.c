/* Objects of a cluster are loaded or reviewed and memory runs out, at every point: what comes out is what they are, or
 * nothing that is said of them. */
#include "tests/fault/inside.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/trust_review.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/fault/alloc.h"

#define HEAD(kind, name)                                                   \
	"{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"" kind "\"," \
	"\"metadata\":{\"name\":\"" name "\",\"uid\":\"u\",\"generation\":1},\"spec\":"
#define NO_KEY "-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nbm90IGEga2V5\\n-----END PGP PUBLIC KEY BLOCK-----\\n"
#define REQUIRES(attestor) "{\"require\":{\"attestations\":[{\"attestors\":[\"" attestor "\"]}]}}}"

struct path {
	struct inside *in;
	struct trust_sources sources;
	struct trust *whole;
	struct trust_object object; /* that is reviewed */
	bool usable;
	bool onwards;
};

static void add(struct trust_objects *objects, enum trust_object_kind kind, const char *name, struct str text)
{
	struct trust_object object = {
		.kind = kind, .name = str_of(name), .uid = STR("u"), .generation = 1, .text = text};

	assert_true(trust_objects_add(objects, &object, NULL));
}

/* An attestor with a key and one that names a key elsewhere, one whose key is none, and policies for two of them. */
static struct trust_objects *objects_of(struct str key)
{
	struct trust_objects *objects = trust_objects_new();
	struct key_source source = {KEY_SOURCE_CONFIG_MAP, STR("sealgate"), STR("keys"), STR("k"), key};
	cleanup(buf) struct buf good = buf_init(100000);

	assert_non_null(objects);
	buf_add_c(&good, HEAD("Attestor", "good") "{\"note\":\"projects/p/notes/good\",\"publicKeys\":[{\"openpgp\":");
	buf_add_json_string(&good, key);
	buf_add_c(&good, "}]}}");
	assert_true(buf_ok(&good, NULL));
	add(objects, TRUST_OBJECT_ATTESTOR, "good", buf_str(&good));
	add(objects, TRUST_OBJECT_ATTESTOR, "far",
	    STR(HEAD("Attestor", "far") "{\"note\":\"projects/p/notes/far\",\"publicKeys\":[{\"from\":{\"configMap\":{"
					"\"namespace\":\"sealgate\",\"name\":\"keys\",\"key\":\"k\"}}}]}}"));
	add(objects, TRUST_OBJECT_ATTESTOR, "bad",
	    STR(HEAD("Attestor", "bad") "{\"note\":\"projects/p/notes/bad\",\"publicKeys\":[{\"openpgp\":\"" NO_KEY
					"\"}]}}"));
	add(objects, TRUST_OBJECT_CLUSTER_POLICY, "one", STR(HEAD("ClusterImagePolicy", "one") REQUIRES("good")));
	add(objects, TRUST_OBJECT_CLUSTER_POLICY, "two", STR(HEAD("ClusterImagePolicy", "two") REQUIRES("bad")));
	assert_true(trust_objects_add_source(objects, &source, NULL));
	assert_true(trust_objects_finish(objects, NULL));
	return objects;
}

static bool same(const struct trust *a, const struct trust *b)
{
	bool equal = a->policies->policy_count == b->policies->policy_count &&
		     a->policies->attestor_count == b->policies->attestor_count && a->known_count == b->known_count;

	for (size_t i = 0; equal && i < a->objects->object_count; i++)
		equal = a->outcomes[i].state == b->outcomes[i].state && a->outcomes[i].reason == b->outcomes[i].reason;
	return equal;
}

static bool load(void *context, unsigned n)
{
	struct path *path = context;
	cleanup(trust) struct trust *trust = NULL;
	struct err e = ERR_INIT;
	bool loaded, fired;

	alloc_fail(n, ALLOC_THREAD, path->onwards);
	loaded = trust_load(&path->sources, path->in->workers, path->whole, &trust, &e);
	fired = alloc_work_again();
	if (!loaded && (!fired || e.kind == ERR_INVALID || e.kind == ERR_TOO_LARGE || e.kind == ERR_NOT_FOUND))
		fail_msg("n = %u: %s", n, e.text);
	if (loaded && !same(trust, path->whole))
		fail_msg("n = %u: not what they are", n);
	return fired;
}

static bool review(void *context, unsigned n)
{
	struct path *path = context;
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct trust_review out = {0};
	struct err e = ERR_INIT;
	bool known, fired;

	alloc_fail(n, ALLOC_THREAD, path->onwards);
	known = trust_review_object(&path->sources, path->in->workers, path->whole, &path->object,
				    clock_monotonic_ms() + 60000, &arena, &out, &e);
	fired = alloc_work_again();
	assert_true(known || fired);
	if (known && out.usable != path->usable)
		fail_msg("n = %u: %.*s", n, STR_ARG(out.problem));
	return fired;
}

static void begin(struct path *path, void **state)
{
	cleanup(buf) struct buf key = buf_init(100000);
	struct err e = ERR_INIT;

	*path = (struct path){.in = *state};
	assert_true(file_read("tests/data/openpgp/keys/ed.asc", &key, NULL));
	path->sources = path->in->sources;
	path->sources.own_namespace = "sealgate";
	path->sources.objects = objects_of(buf_str(&key));
	if (!trust_load(&path->sources, path->in->workers, NULL, &path->whole, &e))
		fail_msg("%s", e.text);
}

static void end(struct path *path)
{
	trust_unref(path->whole);
	trust_objects_unref(path->sources.objects);
}

static void loading_says_nothing_of_objects_that_is_not_so(void **state)
{
	struct path path;

	begin(&path, state);
	alloc_each(load, &path);
	path.onwards = true;
	alloc_each(load, &path);
	end(&path);
}

static void a_review_says_nothing_of_an_object_that_is_not_so(void **state)
{
	struct path path;

	begin(&path, state);
	for (size_t i = 0; i < path.sources.objects->object_count; i++) {
		path.object = path.sources.objects->objects[i];
		path.usable = !str_eq_c(path.object.name, "bad");
		path.onwards = false;
		alloc_each(review, &path);
		path.onwards = true;
		alloc_each(review, &path);
	}
	end(&path);
}

/* Objects that come into force, in turn, beside files that can't be loaded any more. */
struct taking {
	struct trust_holder *holder;
	struct trust_objects *sets[2];
	bool onwards;
	unsigned turn;
};

static struct trust_objects *one_policy(const char *name, struct str text)
{
	struct trust_objects *objects = trust_objects_new();

	assert_non_null(objects);
	add(objects, TRUST_OBJECT_CLUSTER_POLICY, name, text);
	assert_true(trust_objects_finish(objects, NULL));
	return objects;
}

static bool is_in_force(struct trust_holder *holder, const char *name)
{
	cleanup(trust) struct trust *trust = trust_holder_pin(holder, NULL);

	for (size_t i = 0; i < trust->policies->policy_count; i++)
		if (str_eq_c(trust->policies->policies[i].name, name))
			return true;
	return false;
}

/* Before and after, the file's policy rules, and one of the two objects. */
static bool take_objects(void *context, unsigned n)
{
	static const char *const names[] = {"even", "odd"};
	struct taking *t = context;
	unsigned now = ++t->turn & 1;
	bool fresh, fired;

	alloc_fail(n, ALLOC_THREAD, t->onwards);
	fresh = trust_holder_set_objects(t->holder, t->sets[now], NULL);
	fired = alloc_work_again();
	assert_true(fresh || fired);
	assert_true(is_in_force(t->holder, "file"));
	assert_int_equal(is_in_force(t->holder, names[now]), fresh);
	assert_int_equal(is_in_force(t->holder, names[!now]), !fresh);
	for (int looks = 0; looks < 3 && !fresh; looks++)
		fresh = trust_holder_refresh(t->holder, false, NULL);
	assert_true(is_in_force(t->holder, "file") && is_in_force(t->holder, names[now]));
	assert_false(is_in_force(t->holder, names[!now]));
	assert_true(trust_holder_problem(t->holder, NULL));
	return fired;
}

static void write_policy(const char *dir, const char *text)
{
	cleanup(buf) struct buf path = buf_init(1000);

	buf_printf(&path, "%s/a.yaml", dir);
	unlink(path.data);
	assert_true(file_write(path.data, str_of(text), 0600, NULL));
}

static void what_the_cluster_takes_back_is_gone_beside_broken_files(void **state)
{
	struct inside *in = *state;
	char dir[300];
	const char *dirs[] = {dir};
	struct trust_sources sources = {.policy_dirs = {.items = dirs, .count = 1, .given = true},
					.own_namespace = "sealgate"};
	struct taking t = {
		.sets = {one_policy("even", STR(HEAD("ClusterImagePolicy", "even") "{\"require\":{\"digest\":true}}}")),
			 one_policy("odd", STR(HEAD("ClusterImagePolicy", "odd") "{\"require\":{\"digest\":true}}}"))}};

	(void)snprintf(dir, sizeof(dir), "%s/beside", in->dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_policy(dir, "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: file}\n"
			  "spec: {require: {digest: true}}\n");
	t.holder = trust_holder_open(&sources, in->workers, NULL);
	assert_non_null(t.holder);
	assert_true(trust_holder_set_objects(t.holder, t.sets[0], NULL));
	write_policy(dir, "kind: Pod\n");
	(void)trust_holder_refresh(t.holder, true, NULL);
	alloc_each(take_objects, &t);
	t.onwards = true;
	alloc_each(take_objects, &t);
	trust_holder_close(t.holder);
	trust_objects_unref(t.sets[0]);
	trust_objects_unref(t.sets[1]);
}

#define OF(test) cmocka_unit_test_setup_teardown(test, inside_setup, inside_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(loading_says_nothing_of_objects_that_is_not_so),
		OF(a_review_says_nothing_of_an_object_that_is_not_so),
		OF(what_the_cluster_takes_back_is_gone_beside_broken_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
