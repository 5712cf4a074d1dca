#include "server/scan_thread.h"

#include <sys/resource.h>

#include "base/thread.h"

/* Added to the niceness of sealgated. */
enum { STEP_BACK = 10 };

struct scan_thread {
	struct kube_transport *transport;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_bool stop;
	/* under the lock */
	struct scan *scan; /* NULL: nothing to do */
	struct scan_judge judge;
	bool quit;
};

static bool wait_for_page(struct scan_thread *thread)
{
	bool has_page;

	pthread_mutex_lock(&thread->lock);
	while (!thread->scan && !thread->quit)
		condition_wait(&thread->changed, &thread->lock, 0);
	has_page = !thread->quit;
	pthread_mutex_unlock(&thread->lock);
	return has_page;
}

static void *run(void *context)
{
	struct scan_thread *thread = context;

	/* On Linux a thread's niceness is its own; `who` 0 is this thread. */
	(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + STEP_BACK);
	while (wait_for_page(thread)) {
		scan_judge_page(thread->scan, &thread->judge);
		pthread_mutex_lock(&thread->lock);
		thread->scan = NULL;
		pthread_mutex_unlock(&thread->lock);
		kube_transport_wake(thread->transport);
	}
	return NULL;
}

struct scan_thread *scan_thread_start(struct kube_transport *transport, struct err *e)
{
	struct scan_thread *thread = calloc(1, sizeof(*thread));

	if (!thread) {
		err_no_memory(e);
		return NULL;
	}
	thread->transport = transport;
	pthread_mutex_init(&thread->lock, NULL);
	condition_init(&thread->changed);
	if (thread_start(&thread->thread, run, thread, e))
		return thread;
	pthread_cond_destroy(&thread->changed);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
	return NULL;
}

void scan_thread_stop(struct scan_thread *thread)
{
	if (!thread)
		return;
	atomic_store(&thread->stop, true);
	pthread_mutex_lock(&thread->lock);
	thread->quit = true;
	pthread_cond_signal(&thread->changed);
	pthread_mutex_unlock(&thread->lock);
	pthread_join(thread->thread, NULL);
	pthread_cond_destroy(&thread->changed);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
}

void scan_thread_give(struct scan_thread *thread, struct scan *scan, const struct scan_judge *judge)
{
	pthread_mutex_lock(&thread->lock);
	thread->judge = *judge;
	thread->judge.stop = &thread->stop;
	thread->scan = scan;
	pthread_cond_signal(&thread->changed);
	pthread_mutex_unlock(&thread->lock);
}

bool scan_thread_busy(struct scan_thread *thread)
{
	bool busy;

	pthread_mutex_lock(&thread->lock);
	busy = thread->scan != NULL;
	pthread_mutex_unlock(&thread->lock);
	return busy;
}
