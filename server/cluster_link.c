#include "server/cluster_link.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

bool cluster_link_check(const struct config *config, struct err *e)
{
	struct cluster_link link = CLUSTER_LINK_INIT;

	if (!cluster_link_start_agent(&link, config, e))
		return false;
	kube_agent_stop(&link.agent);
	return true;
}

bool cluster_link_start_agent(struct cluster_link *link, const struct config *config, struct err *e)
{
	return !config->cluster || kube_agent_start(config->kubeconfig, &link->agent, e) ||
	       err_context(e, config->kubeconfig ? "--kubeconfig" : "--in-cluster");
}

static void name_instance(struct cluster_link *link)
{
	const char *pod = getenv("POD_NAME");

	if (pod && pod[0])
		(void)snprintf(link->instance, sizeof(link->instance), "%s", pod);
	else if (gethostname(link->instance, sizeof(link->instance) - 1) != 0 || !link->instance[0])
		(void)snprintf(link->instance, sizeof(link->instance), "sealgated");
}

static void report(void *context, struct buf *out)
{
	struct cluster_link *link = context;

	cluster_report(link->cluster, clock_monotonic_ms(), out);
}

static bool find_labels(void *context, struct str namespace_, int64_t deadline_ms, struct arena *arena,
			struct labels *out)
{
	return cluster_namespaces_labels(context, namespace_, deadline_ms, arena, out);
}

static bool start_thread(struct cluster_link *link, const char *own_namespace, struct review_service *review,
			 struct err *e)
{
	struct cluster_means means = {.review = review,
				      .namespaces = link->namespaces,
				      .own_namespace = own_namespace,
				      .instance = link->instance,
				      .job = &link->job};

	if (getrandom(&means.seed, sizeof(means.seed), 0) != (ssize_t)sizeof(means.seed))
		return err_errno(e, "no random number");
	means.transport = kube_agent_transport(&link->agent, e);
	if (!means.transport)
		return false;
	link->cluster = cluster_start(&means, e);
	if (!link->cluster)
		kube_transport_free(means.transport);
	return link->cluster != NULL;
}

static bool make_parts(struct cluster_link *link, const struct config *config, struct review_service *review)
{
	link->refusals = refusal_queue_new();
	link->namespaces = cluster_namespaces_new();
	link->scan = scan_job_new(config->scan_interval_ms, metrics_cluster(review->metrics));
	if (!link->refusals || !link->namespaces || !link->scan)
		return false;
	link->job = scan_job_interface(link->scan);
	link->labels = (struct namespace_labels){link->namespaces, find_labels};
	review->refusals = link->refusals;
	review->labels = &link->labels;
	return true;
}

bool cluster_link_follow(struct cluster_link *link, const struct config *config, const char *own_namespace,
			 struct review_service *review, struct ops *ops, struct err *e)
{
	if (!config->cluster)
		return true;
	name_instance(link);
	if (!make_parts(link, config, review))
		return err_no_memory(e);
	if (!start_thread(link, own_namespace, review, e))
		return false;
	link->report = (struct ops_report){report, link};
	atomic_store(&ops->cluster, &link->report);
	return true;
}

bool cluster_link_is_ready(const struct cluster_link *link)
{
	return !link->cluster || cluster_is_ready(link->cluster);
}

bool cluster_link_is_lost(struct cluster_link *link, struct err *e)
{
	return link->cluster && cluster_is_lost(link->cluster, e);
}

void cluster_link_stop(struct cluster_link *link)
{
	cluster_stop(link->cluster);
	kube_agent_stop(&link->agent);
	scan_job_free(link->scan);
	cluster_namespaces_free(link->namespaces);
	refusal_queue_free(link->refusals);
	*link = CLUSTER_LINK_INIT;
}
