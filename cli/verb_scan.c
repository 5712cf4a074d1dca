#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/facts_server.h"
#include "cli/facts_store.h"
#include "cli/facts_watch.h"
#include "cli/scan_cluster.h"
#include "cli/scan_table.h"
#include "cli/verb.h"
#include "kube/direct.h"
#include "server/scan.h"

/* Facts of one decision: what the webhook keeps in its store stands in memory here. */
#define DECISION_MEMORY (512u * 1024 * 1024)
#define OWN_NAMESPACE "sealgate"

struct scan_options {
	struct verb_options verb;
	const char *kubeconfig;
	bool in_cluster;
	const char *namespace_;
	const char *own_namespace;
	struct judge_options judge;
	struct server_options server;
	struct option_list projects;
	const char *store;
	struct option_list exempt_namespaces;
};

static const struct option options[] = {
	{.name = "kubeconfig",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct scan_options, kubeconfig),
	 .value = "FILE",
	 .help = "how the API server is reached; without it the file in KUBECONFIG, or else ~/.kube/config"},
	{.name = "in-cluster",
	 .type = OPTION_SWITCH,
	 .offset = offsetof(struct scan_options, in_cluster),
	 .help = "reach it as a pod does, with the pod's service account"},
	{.name = "namespace",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct scan_options, namespace_),
	 .value = "NAME",
	 .help = "look at this namespace alone"},
	JUDGE_ROWS(struct scan_options, judge),
	SERVER_ROWS(struct scan_options, server),
	PROJECT_ROW(struct scan_options, projects),
	{.name = "store",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct scan_options, store),
	 .value = "URL",
	 .help = "read the attestations from a database instead of a server: sqlite:PATH"},
	{.name = "server-namespace",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct scan_options, own_namespace),
	 .value = "NAME",
	 .standard = OWN_NAMESPACE,
	 .help = "where sealgated runs: it is exempt, and keys come from its ConfigMaps and Secrets"},
	{.name = "exempt-namespace",
	 .type = OPTION_LIST,
	 .offset = offsetof(struct scan_options, exempt_namespaces),
	 .value = "NAME",
	 .help = "a namespace that is not judged, beside kube-system, kube-node-lease and the server's; given empty it "
		 "clears these"},
	VERB_OUTPUT_ROW(struct scan_options),
	VERB_HELP_ROW(struct scan_options),
};

static const struct option_table table = {
	.synopsis = "sealgate scan [--kubeconfig FILE | --in-cluster] [--namespace NAME] (--server URL | --store URL)",
	.summary = "Say what runs in a cluster and would not be admitted today",
	.detail =
		"Lists every workload of the cluster and judges each as sealgated judges its creation, by the same "
		"evaluation. Policies are the cluster's own, unless --policy-dir or --pubkeys is given. Signatures "
		"are verified here. What a controller owns is left out: the controller stands for it. SINCE is when a "
		"scan of sealgated found it first.",
	.examples = "sealgate scan --server https://sealgate.example:8080 --cacert ca.pem\n"
		    "sealgate scan --namespace shop --policy-dir policies --store sqlite:sealgate.db --output json",
	.exit_status =
		"0 nothing would be refused, 1 something would, 2 could not tell: bad input, a server that can't "
		"be reached, a kind that may not be listed.",
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

CLEANUP_POINTER(store, struct store, store_close)

/* Everything of one run. */
struct run {
	const struct scan_options *options;
	struct judge judge;
	struct kube_config config;
	bool has_config;
	struct kube_transport *transport;
	struct facts_watch watch;
	json_t *labels; /* of all namespaces; NULL: no policy asks */
	struct arena memory;
	struct scan_findings *findings;
	struct scan *scan;
	atomic_bool stop;
};

static void run_release(struct run *run)
{
	scan_free(run->scan);
	scan_findings_free(run->findings);
	arena_release(&run->memory);
	json_decref(run->labels);
	kube_transport_free(run->transport);
	if (run->has_config)
		kube_config_release(&run->config);
	judge_release(&run->judge);
}

CLEANUP_VALUE(run, struct run, run_release)

/* ---- The API server ---- */

static bool read_config(struct run *run, struct err *e)
{
	const struct scan_options *o = run->options;
	const char *environment = getenv("KUBECONFIG");
	const char *home = getenv("HOME");
	char path[PATH_MAX];

	run->has_config = true;
	if (o->in_cluster)
		return kube_config_in_cluster(KUBE_ACCOUNT_DIR, &run->config, e);
	if (o->kubeconfig)
		return kube_config_read(o->kubeconfig, &run->config, e);
	if (environment && *environment)
		return kube_config_read(environment, &run->config, e);
	(void)snprintf(path, sizeof(path), "%s/.kube/config", home ? home : "");
	return kube_config_read(path, &run->config, e);
}

static bool load_policies(struct run *run, struct err *e)
{
	const struct scan_options *o = run->options;
	cleanup(trust_objects) struct trust_objects *objects = NULL;
	struct trust_sources sources = {
		.policy_dirs = o->judge.policy_dirs, .pubkeys = o->judge.pubkeys, .namespace_labels = true};

	if (o->judge.policy_dirs.count == 0 && !o->judge.pubkeys) {
		if (!scan_cluster_policies(run->transport, o->own_namespace, &objects, e))
			return err_context(e, "the policies of the cluster (--policy-dir takes others)");
		sources.own_namespace = o->own_namespace;
		sources.objects = objects;
	}
	if (!judge_load(&run->judge, "scan", &sources, e))
		return false;
	return !run->judge.trust->policies->needs_labels || scan_cluster_labels(run->transport, &run->labels, e);
}

/* ---- Decisions ---- */

static bool is_exempt(void *context, struct str namespace_)
{
	const struct run *run = context;
	const struct option_list *more = &run->options->exempt_namespaces;
	const char *const own[] = {"kube-system", "kube-node-lease", run->options->own_namespace};

	for (size_t i = 0; i < more->count; i++)
		if (str_eq_c(namespace_, more->items[i]))
			return true;
	for (size_t i = 0; !more->cleared && i < sizeof(own) / sizeof(own[0]); i++)
		if (str_eq_c(namespace_, own[i]))
			return true;
	return false;
}

/* What a decision needs lives until the next one. */
static void decide(void *context, const struct subject *subject, const struct image_uses *uses, struct arena *arena,
		   struct decision *out)
{
	struct run *run = context;
	struct facts facts = facts_watch_interface(&run->watch);
	struct subject labelled = *subject;
	struct labels labels;

	(void)arena;
	arena_release(&run->memory);
	run->memory = arena_init(DECISION_MEMORY);
	if (run->labels && scan_cluster_labels_of(run->labels, subject->namespace_, &run->memory, &labels))
		labelled.labels = &labels;
	judge_decide(&run->judge, &facts, &labelled, uses, &run->memory, out);
	if (run->watch.failed)
		atomic_store(&run->stop, true);
}

/* A line that shows how far it is; only where somebody watches. */
static void show_progress(const struct scan *scan)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (scan_state(scan) < SCAN_DONE)
		fprintf(stderr, "\r\x1b[K%zu objects, %s", scan_objects(scan), scan_resource_now(scan));
	else
		fprintf(stderr, "\r\x1b[K");
}

static bool walk(struct run *run, struct err *e)
{
	const struct scan_judge judge = {.context = run, .exempt = is_exempt, .decide = decide, .stop = &run->stop};

	while (scan_state(run->scan) < SCAN_DONE && !run->watch.failed) {
		int64_t next = scan_step(run->scan, clock_monotonic_ms());

		show_progress(run->scan);
		if (scan_state(run->scan) == SCAN_READ)
			scan_judge_page(run->scan, &judge);
		else if (scan_state(run->scan) == SCAN_WAITING &&
			 !kube_transport_run(run->transport, next == INT64_MAX ? 0 : next, e))
			return false;
	}
	if (run->watch.failed)
		return err_set(e, run->watch.error.kind, "%s", run->watch.error.text);
	if (scan_state(run->scan) == SCAN_FAILED)
		return err_set(e, scan_error(run->scan)->kind, "%s", scan_error(run->scan)->text);
	return true;
}

static bool scan_with(struct run *run, struct facts facts, struct err *e)
{
	run->watch.inner = facts;
	run->findings = scan_findings_new();
	run->scan = run->findings ? scan_new(run->transport, str_of(run->options->namespace_), run->findings) : NULL;
	return run->scan ? walk(run, e) : err_no_memory(e);
}

static bool scan_by_server(struct run *run, struct err *e)
{
	cleanup(http_client) struct http_client *client = http_client_new(&run->options->server, e);
	cleanup(facts_server) struct facts_server *source =
		client ? facts_server_new(&run->judge, client, &run->options->projects, e) : NULL;

	return source && scan_with(run, facts_server_interface(source), e);
}

static bool scan_by_store(struct run *run, struct err *e)
{
	cleanup(store) struct store *store = store_open(run->options->store, STORE_READ_ONLY, e);
	struct facts_store source = {.judge = &run->judge, .store = store};

	return store && scan_with(run, facts_store_interface(&source), e);
}

static bool check_options(const struct scan_options *o, struct err *e)
{
	if (o->kubeconfig && o->in_cluster)
		return err_set(e, ERR_INVALID, "--kubeconfig and --in-cluster exclude each other");
	return verb_need_one(o->server.url, o->store, "--server and --store", e);
}

static bool run_scan(struct run *run, struct err *e)
{
	const struct scan_options *o = run->options;

	if (!check_options(o, e) || !read_config(run, e) || !judge_start(&run->judge, &o->judge, e))
		return false;
	run->transport = kube_direct_new(&run->config, e);
	if (!run->transport || !load_policies(run, e))
		return false;
	return o->store ? scan_by_store(run, e) : scan_by_server(run, e);
}

static json_t *report_about(void *context, struct str namespace_)
{
	return scan_cluster_report(context, namespace_);
}

static int print(struct run *run, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(VERB_OUTPUT_MAX);
	cleanup(json) json_t *value = NULL;
	const struct scan_summary summary = {.findings = run->findings,
					     .objects = scan_objects(run->scan),
					     .left_out = scan_left_out(run->scan),
					     .report = report_about,
					     .context = run->transport};

	if (verb_wants_json()) {
		value = scan_table_json(&summary, e);
		return value ? verb_print_json("scan", value, scan_table_status(&summary)) : verb_fail("scan", e);
	}
	if (!scan_table_write(&summary, &text, e))
		return verb_fail("scan", e);
	return verb_print("scan", &text, scan_table_status(&summary));
}

static int run_verb(const void *data, const struct option_list *arguments)
{
	cleanup(run) struct run run = {.options = data, .memory = arena_init(DECISION_MEMORY)};
	struct err e = ERR_INIT;

	(void)arguments;
	return run_scan(&run, &e) ? print(&run, &e) : verb_fail("scan", &e);
}

const struct verb verb_scan = {
	.name = "scan",
	.table = &table,
	.options_size = sizeof(struct scan_options),
	.run = run_verb,
};
