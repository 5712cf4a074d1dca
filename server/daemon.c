#include "server/daemon.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/sha256.h"
#include "attest/worker.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"
#include "server/access.h"
#include "server/cluster_link.h"
#include "server/data_dir.h"
#include "server/grafeas.h"
#include "server/http.h"
#include "server/log.h"
#include "server/ops.h"
#include "server/review.h"
#include "server/sandbox.h"
#include "server/tls_files.h"
#include "server/verify_queue.h"
#include "server/watcher.h"
#include "server/webhook.h"

/* For uploads, by the number of processors; one more is kept for reviews. */
#define WORKERS_MIN 2
#define WORKERS_MAX 4
#define OPS_BODY 4096u
/* Three listeners full of connections, and what else is open. */
#define FILES_WANTED (3u * (LIMIT_CONNECTIONS + LIMIT_CONNECTIONS_SPARE) + 512u)
/* Bytes from which an allocation is a mapping of its own. */
#define MAPPED_FROM (256 * 1024)
#define DRAIN_STEP_MS 20
#define DRAIN_QUIET_STEPS 10
/* Whoever rests on a connection may just be asking. */
#define DRAIN_OPEN_STEPS 50
/* Between two looks at whether the cluster is known. */
#define CLUSTER_STEP_MS 20

enum { EXIT_ENDED = 0, EXIT_RUN_TIME = 1, EXIT_CONFIGURATION = 2 };

/* Policies and keys are loaded by a thread of their own, while the rest is opened. */
struct trust_loading {
	struct trust_sources sources;
	pthread_t thread;
	bool begun;
	struct err e;
};

struct daemon {
	const struct config *config;
	struct sandbox_offer sandbox;
	int lock;
	char own_namespace[64];
	struct option_list exempt;
	sigset_t signals;
	int early_signal; /* that came before the start was done; 0: none */
	struct cluster_link cluster;
	struct metrics *metrics;
	struct worker_pool *workers;
	struct store *store;
	struct trust_holder *trust;
	struct trust_loading loading;
	struct tls_files *tls;
	struct access *access;
	struct verify_queue *queue;
	struct facts_cache *facts;
	struct review_service review;
	struct grafeas grafeas;
	struct ops ops;
	struct watcher watcher;
	struct http_listener *webhook_listener;
	struct http_listener *api_listener;
	struct http_listener *ops_listener;
};

static bool take_data_dir(struct daemon *d, struct err *e)
{
	return data_dir_make(d->config->data_dir, e) && data_dir_lock(d->config->data_dir, &d->lock, e);
}

static bool find_namespaces(struct daemon *d, struct err *e)
{
	cleanup(buf) struct buf own = buf_init(sizeof(d->own_namespace) - 1);
	config_own_namespace(getenv("POD_NAMESPACE"), CONFIG_NAMESPACE_FILE, &own);
	(void)snprintf(d->own_namespace, sizeof(d->own_namespace), "%.*s", STR_ARG(buf_str(&own)));
	return config_exempt_namespaces(d->config, d->own_namespace, &d->exempt, e);
}

static bool start_workers(struct daemon *d, struct err *e)
{
	char run_dir[PATH_MAX];
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t slots = processors < WORKERS_MIN ? WORKERS_MIN : (size_t)processors;
	if (snprintf(run_dir, sizeof(run_dir), "%s/run", d->config->data_dir) >= (int)sizeof(run_dir))
		return err_set(e, ERR_INVALID, "--data-dir: the path is too long");
	d->workers =
		worker_pool_start_confined(1 + (slots < WORKERS_MAX ? slots : WORKERS_MAX), run_dir, &d->sandbox, e);
	return d->workers != NULL;
}

/* From here on signals are read in daemon_run alone; the worker sets its own. */
static bool set_up_process(struct daemon *d, struct err *e)
{
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&d->signals);
	sigaddset(&d->signals, SIGTERM);
	sigaddset(&d->signals, SIGINT);
	sigaddset(&d->signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &d->signals, NULL) != 0)
		return err_errno(e, "cannot block signals");
	d->metrics = metrics_new();
	return d->metrics || err_no_memory(e);
}

static bool start_agent(struct daemon *d, struct err *e)
{
	return cluster_link_start_agent(&d->cluster, d->config, e);
}

static void tell_sandbox(const struct daemon *d)
{
	for (enum sandbox_measure i = 0; i < SANDBOX_MEASURES; i++) {
		const char *why_not = sandbox_lacks(&d->sandbox, i);
		metrics_sandbox(d->metrics, sandbox_measure_names[i], !why_not);
		if (why_not)
			log_line(LOG_WARN, "a measure of the sandbox is not in force",
				 LOG_C("measure", sandbox_measure_names[i]), LOG_C("text", why_not));
	}
}

/* After the worker, which is confined to less and has no secrets. Libraries that are loaded on first use can't be any
 * more: OpenSSL's are loaded by a first hash. */
static bool confine(struct daemon *d, struct err *e)
{
	struct sha256 unused;
	if (!sha256_of(STR(""), &unused))
		return err_set(e, ERR_INTERNAL, "OpenSSL can't be used");
	if (!sandbox_enter(&d->sandbox, d->config, e))
		return false;
	tell_sandbox(d);
	return true;
}

static bool start_log(struct daemon *d, struct err *e)
{
	(void)d;
	return log_start(e);
}

static bool listen_ops(struct daemon *d, struct err *e)
{
	d->ops.metrics = d->metrics;
	struct http_config config = {.name = "ops",
				     .address = d->config->ops_listen,
				     .body_limit = OPS_BODY,
				     .handler = ops_handle,
				     .context = &d->ops,
				     .metrics = d->metrics};
	d->ops_listener = http_start(&config, e);
	return d->ops_listener != NULL;
}

static bool open_store(struct daemon *d, struct err *e)
{
	d->store = store_open(d->config->store_url, STORE_READ_WRITE, e);
	if (!d->store)
		return err_context(e, "--store: %s", d->config->store_url);
	store_observe(d->store, metrics_store, d->metrics);
	return true;
}

static void *load_trust(void *context)
{
	struct daemon *d = context;
	d->trust = trust_holder_open(&d->loading.sources, d->workers, &d->loading.e);
	return NULL;
}

static bool begin_loading(struct daemon *d, struct err *e)
{
	d->loading.sources =
		(struct trust_sources){.policy_dirs = d->config->policy_dirs, .pubkeys = d->config->pubkeys};
	if (d->config->cluster) {
		d->loading.sources.own_namespace = d->own_namespace;
		d->loading.sources.namespace_labels = true;
	}
	d->loading.begun = thread_start(&d->loading.thread, load_trust, d, e);
	return d->loading.begun;
}

static void await_loading(struct daemon *d)
{
	if (d->loading.begun)
		pthread_join(d->loading.thread, NULL);
	d->loading.begun = false;
}

static bool end_loading(struct daemon *d, struct err *e)
{
	await_loading(d);
	if (!d->trust)
		return err_set(e, d->loading.e.kind, "%s", d->loading.e.text);
	return worker_pool_ready(d->workers, e);
}

static bool load_certificates(struct daemon *d, struct err *e)
{
	bool made = false;
	if (!data_dir_certificates(d->config, d->own_namespace, &made, e))
		return false;
	if (made)
		log_line(LOG_INFO, "certificates were made", LOG_C("certificate", d->config->certificate));
	d->tls = tls_files_open(d->config->certificate, d->config->key, d->config->client_ca, e);
	return d->tls != NULL;
}

static bool load_tokens(struct daemon *d, struct err *e)
{
	d->access = access_open(d->config->token_file, d->config->api_loopback, e);
	return d->access != NULL;
}

static bool start_queue(struct daemon *d, struct err *e)
{
	d->queue = verify_queue_start(d->workers, d->store, d->metrics, e);
	if (!d->queue)
		return false;
	d->facts = facts_cache_new(LIMIT_FACTS_BYTES);
	return d->facts || err_no_memory(e);
}

static bool prepare_review(struct daemon *d, struct err *e)
{
	(void)e;
	d->review = (struct review_service){.store = d->store,
					    .queue = d->queue,
					    .trust = d->trust,
					    .facts = d->facts,
					    .metrics = d->metrics,
					    .default_action = config_default_action(d->config),
					    .exempt_namespaces = d->exempt.items,
					    .exempt_namespace_count = d->exempt.count};
	return true;
}

static bool follow_cluster(struct daemon *d, struct err *e)
{
	return cluster_link_follow(&d->cluster, d->config, d->own_namespace, &d->review, &d->ops, e);
}

/* False when it never will be. A signal to end ends the waiting. */
static bool await_cluster(struct daemon *d, struct err *e)
{
	const struct timespec step = {0, CLUSTER_STEP_MS * 1000000L};

	while (!cluster_link_is_ready(&d->cluster)) {
		int number = sigtimedwait(&d->signals, NULL, &step);

		if (number == SIGTERM || number == SIGINT) {
			d->early_signal = number;
			return err_set(e, ERR_UNAVAILABLE, "ended before the cluster was known");
		}
		if (cluster_link_is_lost(&d->cluster, e))
			return err_context(e, "the cluster cannot be followed");
		if (!worker_pool_alive(d->workers))
			return err_set(e, ERR_INTERNAL, "the verify worker has ended");
	}
	return true;
}

static bool listen_webhook(struct daemon *d, struct err *e)
{
	bool certificates = d->config->client_ca != NULL;
	struct http_config config = {.name = "webhook",
				     .address = d->config->webhook_listen,
				     .body_limit = LIMIT_REVIEW_BODY,
				     .request_limit = LIMIT_REVIEWS_IN_WORK,
				     .bodies_limit = LIMIT_REVIEW_BODIES,
				     .tls = d->tls,
				     .client_certificates = certificates,
				     .require_client_certificate = certificates,
				     .handler = webhook_handle,
				     .context = &d->review,
				     .metrics = d->metrics};
	d->webhook_listener = http_start(&config, e);
	return d->webhook_listener != NULL;
}

static bool listen_api(struct daemon *d, struct err *e)
{
	d->grafeas = (struct grafeas){.store = d->store, .access = d->access, .queue = d->queue, .trust = d->trust};
	struct http_config config = {.name = "api",
				     .address = d->config->api_listen,
				     .body_limit = LIMIT_API_BODY,
				     .request_limit = LIMIT_API_IN_WORK,
				     .turns = LIMIT_API_TURNS,
				     .bodies_limit = LIMIT_API_BODIES,
				     .background = true,
				     .screen = grafeas_screen,
				     .tls = d->config->api_loopback ? NULL : d->tls,
				     .client_certificates = d->config->client_ca != NULL,
				     .handler = grafeas_handle,
				     .context = &d->grafeas,
				     .metrics = d->metrics};
	d->api_listener = http_start(&config, e);
	if (d->api_listener && d->config->api_loopback)
		log_line(LOG_WARN, "api is open", LOG_C("address", http_address(d->api_listener)),
			 LOG_C("text", "everybody on this host may read and write facts"));
	return d->api_listener != NULL;
}

static void begin_watching(struct daemon *d)
{
	d->watcher = (struct watcher){
		.trust = d->trust, .tls = d->tls, .access = d->access, .metrics = d->metrics, .store = d->store};
	watcher_begin(&d->watcher);
	if (!d->config->pubkeys && d->config->policy_dirs.count == 0)
		log_line(LOG_WARN, "there are no keys and no policies",
			 LOG_C("default_action", d->config->default_action));
	d->ops.store = d->store;
	atomic_store(&d->ops.trust, d->trust);
	log_line(LOG_INFO, "started", LOG_C("version", SEALGATE_VERSION), LOG_INT("pid", getpid()));
}

/* In this order: the worker is forked, and the agent started, before there are threads, the sandbox holds for all of
 * them, and nothing listens before it can answer, with keys that the worker is ready to verify under. */
static bool start(struct daemon *d, struct err *e)
{
	bool (*const steps[])(struct daemon *, struct err *) = {
		set_up_process,	   take_data_dir, find_namespaces, start_workers, start_agent,
		confine,	   begin_loading, start_log,	   listen_ops,	  open_store,
		load_certificates, load_tokens,	  end_loading,	   start_queue,	  prepare_review,
		follow_cluster,	   await_cluster, listen_webhook,  listen_api};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!steps[i](d, e))
			return false;
	begin_watching(d);
	return true;
}

/* The signal that ends the server; 0 when the verify worker has ended. */
static int serve(struct daemon *d)
{
	const struct timespec period = {WATCHER_PERIOD_MS / 1000, WATCHER_PERIOD_MS % 1000 * 1000000L};
	for (;;) {
		int number = sigtimedwait(&d->signals, NULL, &period);
		if (number == SIGTERM || number == SIGINT)
			return number;
		if (number == SIGHUP)
			log_line(LOG_INFO, "reloading");
		if (!worker_pool_alive(d->workers))
			return 0;
		watcher_look(&d->watcher, number == SIGHUP);
	}
}

static unsigned busy(const struct daemon *d)
{
	return http_busy(d->webhook_listener) + http_busy(d->api_listener);
}

/* Steps without a request after which nobody is expected to ask any more. */
static unsigned quiet_wanted(const struct daemon *d)
{
	bool open = http_connections(d->webhook_listener) + http_connections(d->api_listener) > 0;

	return open ? DRAIN_OPEN_STEPS : DRAIN_QUIET_STEPS;
}

/* True when nothing has been running for a moment; false when it took too long, or at a second signal. */
static bool drain(struct daemon *d)
{
	const struct timespec step = {0, DRAIN_STEP_MS * 1000000L};
	int64_t deadline_ms = clock_monotonic_ms() + 1000 * (int64_t)LIMIT_DRAIN_SECONDS;
	unsigned quiet = 0;
	http_drain(d->webhook_listener);
	http_drain(d->api_listener);
	while (quiet < quiet_wanted(d) && clock_left_ms(deadline_ms) > 0) {
		int number = sigtimedwait(&d->signals, NULL, &step);
		if (number == SIGTERM || number == SIGINT)
			break;
		quiet = busy(d) == 0 ? quiet + 1 : 0;
	}
	return busy(d) == 0;
}

/* The reverse of start, from wherever it got to. */
static void stop(struct daemon *d)
{
	await_loading(d);
	http_stop(d->webhook_listener);
	http_stop(d->api_listener);
	http_stop(d->ops_listener);
	cluster_link_stop(&d->cluster);
	if (d->queue)
		verify_queue_stop(d->queue);
	facts_cache_free(d->facts);
	if (d->access)
		access_close(d->access);
	tls_files_close(d->tls);
	if (d->trust)
		trust_holder_close(d->trust);
	if (d->store)
		store_close(d->store);
	worker_pool_stop(d->workers);
	metrics_free(d->metrics);
	option_list_release(&d->exempt);
	if (d->lock >= 0)
		close(d->lock);
}

/* A server that can't verify would refuse every new attestation for good; a new one can. */
static int tell_end(int signal_number)
{
	if (signal_number) {
		log_line(LOG_INFO, "stopping", LOG_C("signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT"));
		return EXIT_ENDED;
	}
	log_line(LOG_ERROR, "stopping", LOG_C("error", "the verify worker has ended"));
	return EXIT_RUN_TIME;
}

static int end(struct daemon *d, int signal_number)
{
	int status = tell_end(signal_number);

	atomic_store(&d->ops.trust, NULL);
	if (!drain(d)) {
		/* What is acknowledged is durable; waiting for handlers could take as long as they like. */
		log_line(LOG_WARN, "stopped with requests still running", LOG_INT("requests", busy(d)));
		log_flush();
		_exit(status);
	}
	stop(d);
	log_line(LOG_INFO, "stopped");
	return status;
}

static int exit_status(enum err_kind kind)
{
	bool configuration = kind == ERR_INVALID || kind == ERR_NOT_FOUND || kind == ERR_TOO_LARGE ||
			     kind == ERR_UNSUPPORTED || kind == ERR_EXISTS;
	return configuration ? EXIT_CONFIGURATION : EXIT_RUN_TIME;
}

/* What a large body or its tree took goes back to the system with its last request, however many have been there. */
static void set_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	(void)mallopt(M_TRIM_THRESHOLD, MAPPED_FROM);
}

static void set_limits(void)
{
	struct rlimit files;
	(void)umask(077);
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= FILES_WANTED)
		return;
	files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < FILES_WANTED)
		log_line(LOG_WARN, "too few open files are allowed for all connections",
			 LOG_INT("allowed", (int64_t)files.rlim_cur), LOG_INT("wanted", FILES_WANTED));
}

int daemon_run(const struct config *config)
{
	struct daemon d = {.config = config, .lock = -1, .cluster = CLUSTER_LINK_INIT};
	struct err e = ERR_INIT;
	log_setup(config->log_format, config->log_level);
	set_memory();
	set_limits();
	int status;

	sandbox_offer_ask(&d.sandbox);
	if (start(&d, &e)) {
		status = end(&d, serve(&d));
	} else if (d.early_signal) {
		status = tell_end(d.early_signal);
		stop(&d);
	} else {
		log_line(LOG_ERROR, "cannot start", LOG_C("error", e.text));
		stop(&d);
		status = exit_status(e.kind);
	}
	log_stop();
	return status;
}
