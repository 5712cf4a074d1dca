/* `sealgate scan` against an API server over TLS, with attestations from a real sealgated. */
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/bed.h"

#define NOTE "projects/image-signing/notes/qa"
#define EMPTY "{\"metadata\":{},\"items\":[]}"
#define POD(space, name, image)                                                                                     \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" space "\",\"uid\":\"u\"},\"spec\":{\"containers\":" \
	"[{\"name\":\"c\",\"image\":\"" image "\"}]}}"
#define LIST(items) "{\"kind\":\"List\",\"metadata\":{},\"items\":[" items "]}"
#define OBJECT(kind, name, spec)                                                         \
	"{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"" kind "\",\"metadata\":{" \
	"\"name\":\"" name "\",\"uid\":\"u\",\"generation\":1},\"spec\":" spec "}"

/* Answers by path; 404 for others. */
struct page {
	const char *path;
	char *body;
	unsigned status; /* 0: 200 */
};

enum { PAGES_MAX = 24 };

struct world {
	struct bed *bed;
	struct MHD_Daemon *daemon;
	char *certificate, *key, *kubeconfig;
	pthread_mutex_t lock; /* what follows is set here and read by the server's thread */
	struct page pages[PAGES_MAX];
	size_t count;
};

static void set_page(struct world *w, const char *path, unsigned status, const char *body)
{
	size_t i = 0;

	pthread_mutex_lock(&w->lock);
	while (i < w->count && strcmp(w->pages[i].path, path) != 0)
		i++;
	assert_true(i < PAGES_MAX);
	if (i == w->count)
		w->count++;
	free(w->pages[i].body);
	w->pages[i] = (struct page){path, text_of("%s", body), status};
	pthread_mutex_unlock(&w->lock);
}

/* The page of `url`, copied into the response. */
static struct MHD_Response *find_page(struct world *w, const char *url, unsigned *status)
{
	const char *body = "{\"kind\":\"Status\",\"message\":\"there is no such thing\"}";
	struct MHD_Response *response;

	*status = 404;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->pages[i].path, url) == 0) {
			body = w->pages[i].body;
			*status = w->pages[i].status ? w->pages[i].status : 200;
		}
	response = MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	pthread_mutex_unlock(&w->lock);
	return response;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **state)
{
	unsigned status;
	struct MHD_Response *response = find_page(context, url, &status);
	enum MHD_Result result;

	(void)method;
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static void make_certificate(struct world *w)
{
	char *key = text_of("%s/api.key", w->bed->dir), *certificate = text_of("%s/api.pem", w->bed->dir);
	const char *const argv[] = {
		"openssl", "req",   "-x509", "-newkey",	  "ec",	    "-pkeyopt", "ec_paramgen_curve:P-256",
		"-nodes",  "-days", "2",     "-subj",	  "/CN=it", "-addext",	"subjectAltName=IP:127.0.0.1",
		"-keyout", key,	    "-out",  certificate, NULL};

	assert_int_equal(bed_run(w->bed, argv, NULL, NULL, NULL), 0);
	w->key = bed_read(key);
	w->certificate = bed_read(certificate);
	free(key);
	free(certificate);
}

static void start_api_server(struct world *w)
{
	char *text;

	make_certificate(w);
	w->daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, w,
				     MHD_OPTION_HTTPS_MEM_CERT, w->certificate, MHD_OPTION_HTTPS_MEM_KEY, w->key,
				     MHD_OPTION_END);
	assert_non_null(w->daemon);
	text = text_of("apiVersion: v1\nkind: Config\ncurrent-context: it\n"
		       "contexts: [{name: it, context: {cluster: here, user: me}}]\n"
		       "clusters: [{name: here, cluster: {server: \"https://127.0.0.1:%u\", "
		       "certificate-authority: api.pem}}]\n"
		       "users: [{name: me, user: {token: secret}}]\n",
		       (unsigned)MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	w->kubeconfig = text_of("%s/kubeconfig", w->bed->dir);
	bed_write(w->kubeconfig, text);
	free(text);
}

static void fill(struct world *w)
{
	static const char *const empty[] = {"/apis/apps/v1/deployments", "/apis/apps/v1/statefulsets",
					    "/apis/apps/v1/daemonsets",	 "/apis/batch/v1/jobs",
					    "/apis/batch/v1/cronjobs",	 "/apis/apps/v1/replicasets",
					    "/api/v1/podtemplates",	 "/api/v1/replicationcontrollers"};

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		set_page(w, empty[i], 0, EMPTY);
	set_page(w, "/api/v1/pods", 0, LIST(POD("shop", "good", IMAGE_A) "," POD("kube-system", "dns", IMAGE_B)));
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *bed = NULL;
	char *text, *signature;

	if (!w || bed_setup(&bed))
		return -1;
	pthread_mutex_init(&w->lock, NULL);
	w->bed = bed;
	bed_key(w->bed, "qa", "qa_bob@example.com");
	bed_start(w->bed, "--pubkeys", w->bed->keys, NULL);
	text = text_of("%s", DIGEST_A);
	signature = bed_clearsign(w->bed, "qa_bob@example.com", text);
	bed_note(w->bed, "image-signing", "qa");
	assert_int_equal(bed_attest(w->bed, "image-signing", "qa", IMAGE_A, signature), 200);
	free(text);
	free(signature);
	start_api_server(w);
	fill(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *bed = w->bed;

	MHD_stop_daemon(w->daemon);
	for (size_t i = 0; i < w->count; i++)
		free(w->pages[i].body);
	free(w->certificate);
	free(w->key);
	free(w->kubeconfig);
	free(w);
	return bed_teardown(&bed);
}

/* Runs `sealgate scan` with these arguments too, checks the status, and gives standard output and error together. */
static char *scan(struct world *w, int wanted, ...) __attribute__((sentinel));
static char *scan(struct world *w, int wanted, ...)
{
	const char *argv[24] = {bed_program("sealgate"), "scan",     "--kubeconfig",
				w->kubeconfig,		 "--server", w->bed->api};
	char *out = NULL, *err = NULL, *both;
	size_t count = 6;
	va_list list;
	int status;

	va_start(list, wanted);
	while (count < 23 && (argv[count] = va_arg(list, const char *)))
		count++;
	va_end(list);
	status = bed_run(w->bed, argv, NULL, &out, &err);
	both = text_of("%s%s", out, err);
	free(out);
	free(err);
	if (status != wanted)
		fail_msg("exit status %d, not %d\n%s", status, wanted, both);
	return both;
}

static void assert_says(char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("no \"%s\" in:\n%s", words, text);
}

static void a_cluster_in_order_is_0(void **state)
{
	struct world *w = *state;
	char *text = scan(w, 0, "--pubkeys", w->bed->keys, NULL);

	assert_says(text, "1 objects: 1 allowed, 0 refused, 0 warned, 0 unknown; 1 skipped\n");
	free(text);
}

static void what_would_be_refused_is_1_and_told_with_its_time(void **state)
{
	struct world *w = *state;
	char *text;

	set_page(w, "/apis/batch/v1/cronjobs", 0,
		 LIST("{\"metadata\":{\"name\":\"nightly\",\"namespace\":\"shop\"},\"spec\":{\"jobTemplate\":{\"spec\":"
		      "{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"" IMAGE_B "\"}]}}}}}}"));
	set_page(w, "/apis/openreports.io/v1alpha1/namespaces/shop/reports/sealgate", 0,
		 "{\"results\":[{\"policy\":\"pubkeys\",\"resources\":[{\"kind\":\"CronJob\",\"name\":\"nightly\"}],"
		 "\"properties\":{\"path\":\"spec.jobTemplate.spec.template.spec.containers[0].image\",\"image\":"
		 "\"" IMAGE_B "\",\"since\":\"2025-11-13T02:13:20Z\"}}]}");
	text = scan(w, 1, "--pubkeys", w->bed->keys, NULL);
	assert_says(text, "CronJob/nightly");
	assert_says(text, "2025-11-13T02:13:20Z");
	assert_says(text, "No matched signatures for container image: " IMAGE_B);
	assert_says(text, "2 objects: 1 allowed, 1 refused");
	free(text);
	text = scan(w, 1, "--pubkeys", w->bed->keys, "--output", "json", NULL);
	assert_says(text, "\"refused\": 1");
	free(text);
}

static void the_policies_of_the_cluster_are_the_standard(void **state)
{
	struct world *w = *state;
	char *file = text_of("%s/qa.asc", w->bed->keys), *armour = bed_read(file);
	json_t *key = json_string(armour);
	char *quoted = json_dumps(key, JSON_ENCODE_ANY);
	char *attestors = text_of(
		LIST(OBJECT("Attestor", "qa", "{\"note\":\"" NOTE "\",\"publicKeys\":[{\"openpgp\":%s}]}")), quoted);
	char *text = scan(w, 2, NULL);

	assert_says(text, "attestors");
	free(text);
	set_page(w, "/apis/sealgate.dev/v1alpha1/attestors", 0, attestors);
	set_page(w, "/apis/sealgate.dev/v1alpha1/clusterimagepolicies", 0,
		 LIST(OBJECT("ClusterImagePolicy", "signed",
			     "{\"match\":{\"namespaceSelector\":{\"matchLabels\":{\"team\":\"a\"}}},"
			     "\"require\":{\"attestations\":[{\"attestors\":[\"qa\"]}]}}")));
	set_page(w, "/apis/sealgate.dev/v1alpha1/imagepolicies", 0, EMPTY);
	set_page(w, "/api/v1/namespaces", 0, LIST("{\"metadata\":{\"name\":\"shop\",\"labels\":{\"team\":\"a\"}}}"));
	text = scan(w, 1, NULL);
	assert_says(text, "signed");
	assert_says(text, "requires attestor qa: no attestation found");
	assert_says(text, "2 objects: 1 allowed, 1 refused");
	free(text);
	free(attestors);
	free(quoted);
	json_decref(key);
	free(armour);
	free(file);
}

static void what_cannot_be_told_is_2(void **state)
{
	struct world *w = *state;
	char *text;

	set_page(w, "/apis/batch/v1/cronjobs", 403, "{\"kind\":\"Status\",\"message\":\"cronjobs is forbidden\"}");
	text = scan(w, 2, "--pubkeys", w->bed->keys, NULL);
	assert_says(text, "not looked at: cronjobs: cronjobs is forbidden");
	free(text);
	set_page(w, "/apis/batch/v1/cronjobs", 0, EMPTY);
	text = scan(w, 2, "--pubkeys", w->bed->keys, "--in-cluster", NULL);
	assert_says(text, "--in-cluster");
	free(text);
	text = scan(w, 2, "--pubkeys", w->bed->keys, "--kubeconfig", "/nonexistent", NULL);
	free(text);
}

static void one_namespace_is_looked_at_alone(void **state)
{
	struct world *w = *state;
	char *text;

	set_page(w, "/api/v1/namespaces/shop/pods", 0, LIST(POD("shop", "good", IMAGE_A)));
	text = scan(w, 2, "--pubkeys", w->bed->keys, "--namespace", "shop", NULL);
	assert_says(text, "1 objects: 1 allowed, 0 refused");
	assert_says(text, "not looked at: deployments: ");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cluster_in_order_is_0),
		cmocka_unit_test(what_would_be_refused_is_1_and_told_with_its_time),
		cmocka_unit_test(the_policies_of_the_cluster_are_the_standard),
		cmocka_unit_test(what_cannot_be_told_is_2),
		cmocka_unit_test(one_namespace_is_looked_at_alone),
	};

	return cmocka_run_group_tests_name("e2e/scan", tests, setup, teardown);
}
