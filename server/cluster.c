#include "server/cluster.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"
#include "server/cluster_run.h"
#include "server/log.h"

/* Refusals and changes of files wait for a look; nothing wakes the thread for them. */
#define LOOK_MS 500

struct cluster {
	struct cluster_run *run;
	struct kube_transport *transport;
	pthread_t thread;
	atomic_bool stopping;
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t stop;
	struct err lost; /* ERR_NONE while the transport is there */
};

static void lose(struct cluster *cluster, const struct err *why)
{
	log_line(LOG_ERROR, "the cluster is not followed any more, what is known of it stays in force",
		 LOG_C("error", why->text));
	cluster_run_lose(cluster->run, why, clock_monotonic_ms());
	pthread_mutex_lock(&cluster->lock);
	cluster->lost = *why;
	while (!atomic_load(&cluster->stopping))
		condition_wait(&cluster->stop, &cluster->lock, 0);
	pthread_mutex_unlock(&cluster->lock);
}

static void *follow(void *context)
{
	struct cluster *cluster = context;
	struct err e = ERR_INIT;

	while (!atomic_load(&cluster->stopping)) {
		int64_t now_ms = clock_monotonic_ms();
		int64_t next_ms = cluster_run_step(cluster->run, now_ms, clock_now());

		if (next_ms > now_ms + LOOK_MS)
			next_ms = now_ms + LOOK_MS;
		if (!kube_transport_run(cluster->transport, next_ms, &e)) {
			lose(cluster, &e);
			break;
		}
	}
	return NULL;
}

struct cluster *cluster_start(const struct cluster_means *means, struct err *e)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));

	if (!cluster) {
		(void)err_no_memory(e);
		return NULL;
	}
	cluster->transport = means->transport;
	pthread_mutex_init(&cluster->lock, NULL);
	condition_init(&cluster->stop);
	cluster->run = cluster_run_new(means);
	if (!cluster->run)
		(void)err_no_memory(e);
	else if (thread_start(&cluster->thread, follow, cluster, e))
		return cluster;
	cluster_run_free(cluster->run);
	free(cluster);
	return NULL;
}

void cluster_stop(struct cluster *cluster)
{
	if (!cluster)
		return;
	pthread_mutex_lock(&cluster->lock);
	atomic_store(&cluster->stopping, true);
	pthread_cond_broadcast(&cluster->stop);
	pthread_mutex_unlock(&cluster->lock);
	kube_transport_wake(cluster->transport);
	pthread_join(cluster->thread, NULL);
	cluster_run_free(cluster->run);
	kube_transport_free(cluster->transport);
	pthread_cond_destroy(&cluster->stop);
	pthread_mutex_destroy(&cluster->lock);
	free(cluster);
}

bool cluster_is_ready(const struct cluster *cluster)
{
	return cluster_run_is_ready(cluster->run);
}

bool cluster_is_lost(struct cluster *cluster, struct err *e)
{
	bool lost;

	pthread_mutex_lock(&cluster->lock);
	lost = cluster->lost.kind != ERR_NONE;
	if (lost)
		*e = cluster->lost;
	pthread_mutex_unlock(&cluster->lock);
	return lost;
}

void cluster_report(struct cluster *cluster, int64_t now_ms, struct buf *out)
{
	cluster_run_report(cluster->run, now_ms, out);
}
