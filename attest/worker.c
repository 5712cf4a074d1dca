#include "attest/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/keyrings.h"
#include "attest/openpgp_home.h"
#include "attest/worker_protocol.h"
#include "attest/worker_sandbox.h"
#include "attest/worker_stream.h"
#include "attest/worker_supervisor.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"

#define DIRECTORY_PREFIX "verify-"
#define SLOTS_MAX 64u
/* How long the supervisor is waited for; it may answer later, which nobody takes for the answer to something else. */
#define CONTROL_MS 1000
#define CONTROL_START_MS 10000

struct slot {
	int socket;	 /* -1: no child */
	unsigned wanted; /* number of the request for its child that has no answer yet; 0 = none. Under the control lock
			  */
	bool busy;
	bool tainted;  /* its child has seen a signature */
	uint64_t keys; /* id of the key set its child has loaded; 0 = none */
};

struct worker_pool {
	const struct sandbox_offer *offer; /* of the caller of start; NULL: not confined */
	pid_t supervisor;
	int control;
	int directory_lock;		       /* -1: none */
	char directory[OPENPGP_HOME_PATH_MAX]; /* "" until made */
	pthread_mutex_t control_lock;	       /* of the socket and its requests */
	unsigned requests;		       /* the last one's number */
	pthread_mutex_t lock;		       /* of slots and ids */
	pthread_cond_t freed;
	struct slot *slots;
	size_t count;
	uint64_t last_id;
};

/* Takes the lock of a directory, which the kernel gives back when its owner dies, whatever its number is: in a
 * container every server is process 1. -1 when another process has it. */
static int lock_directory(const char *path, int mode)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, mode) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void remove_if_left_over(const char *run_dir, const char *name)
{
	char path[OPENPGP_HOME_PATH_MAX];
	struct stat st;
	int lock;

	if (strncmp(name, DIRECTORY_PREFIX, sizeof(DIRECTORY_PREFIX) - 1) != 0 ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", run_dir, name) >= sizeof(path))
		return;
	lock = lock_directory(path, LOCK_EX | LOCK_NB);
	if (lock < 0)
		return;
	if (fstat(lock, &st) == 0 && st.st_uid == geteuid())
		directory_remove(path);
	close(lock);
}

static void remove_leftovers(const char *run_dir)
{
	DIR *entries = opendir(run_dir);

	for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;)
		remove_if_left_over(run_dir, entry->d_name);
	if (entries)
		closedir(entries);
}

/* The directory of this pool, locked for as long as this process lives. */
static bool make_directory(struct worker_pool *pool, const char *run_dir, char *path, size_t size, struct err *e)
{
	cleanup(fd) int all = -1;

	if (mkdir(run_dir, 0700) != 0 && errno != EEXIST)
		return err_errno(e, "%s", run_dir);
	/* So that nobody takes a directory for left over that is made but not locked yet. */
	all = lock_directory(run_dir, LOCK_EX);
	if (all < 0)
		return err_errno(e, "%s", run_dir);
	remove_leftovers(run_dir);
	if ((size_t)snprintf(path, size, "%s/" DIRECTORY_PREFIX "XXXXXX", run_dir) >= size)
		return err_set(e, ERR_INVALID, "%s: the path is too long", run_dir);
	if (!mkdtemp(path))
		return err_errno(e, "%s", path);
	pool->directory_lock = lock_directory(path, LOCK_EX | LOCK_NB);
	return pool->directory_lock >= 0 || err_errno(e, "%s", path);
}

static bool fork_supervisor(struct worker_pool *pool, const char *directory, struct err *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_errno(e, "verify worker");
	pool->supervisor = fork();
	if (pool->supervisor == 0) {
		close(ends[0]);
		worker_supervisor_run(ends[1], pool->count, directory, pool->offer);
	}
	close(ends[1]);
	pool->control = ends[0];
	return pool->supervisor > 0 || err_errno(e, "verify worker: fork");
}

/* One answer of the supervisor; *socket is -1 when none came with it. */
static bool receive_answer(int control, unsigned char answer[WORKER_ANSWER_SIZE], int *socket)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec part = {answer, WORKER_ANSWER_SIZE};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	struct cmsghdr *head;

	*socket = -1;
	if (recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != WORKER_ANSWER_SIZE)
		return false;
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(socket, CMSG_DATA(head), sizeof(*socket));
	return true;
}

/* Gives an answer to the slot that waits for it; what answers an earlier request, which nobody waits for any more, is
 * let go. */
static void hand_out(struct worker_pool *pool, const unsigned char answer[WORKER_ANSWER_SIZE], int socket)
{
	unsigned number = (unsigned)answer[1] << 8 | answer[2];

	for (size_t i = 0; i < pool->count; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->wanted != number || answer[0] != (socket >= 0))
			continue;
		slot->wanted = 0;
		slot->socket = socket;
		return;
	}
	if (socket >= 0)
		close(socket);
}

/* Waits for the slot's child, if one was asked for. */
static bool await_child(struct worker_pool *pool, struct slot *slot, int patience_ms)
{
	int64_t deadline_ms = clock_monotonic_ms() + patience_ms;
	unsigned char answer[WORKER_ANSWER_SIZE];
	int socket;

	pthread_mutex_lock(&pool->control_lock);
	while (slot->wanted && stream_wait(pool->control, POLLIN, deadline_ms) == STREAM_OK &&
	       receive_answer(pool->control, answer, &socket))
		hand_out(pool, answer, socket);
	slot->wanted = 0;
	pthread_mutex_unlock(&pool->control_lock);
	return slot->socket >= 0;
}

/* Asks for a new child for the slot, which the caller holds; the old one, if any, is killed. */
static void want_child(struct worker_pool *pool, struct slot *slot)
{
	size_t place = (size_t)(slot - pool->slots);
	unsigned char request[WORKER_REQUEST_SIZE] = {(unsigned char)(place >> 8), (unsigned char)place};

	pthread_mutex_lock(&pool->control_lock);
	if (slot->socket >= 0)
		close(slot->socket);
	slot->socket = -1;
	slot->tainted = false;
	slot->keys = 0;
	pool->requests = pool->requests % 0xffff + 1;
	slot->wanted = pool->requests;
	request[2] = (unsigned char)(slot->wanted >> 8);
	request[3] = (unsigned char)slot->wanted;
	if (send(pool->control, request, sizeof(request), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(request))
		slot->wanted = 0;
	pthread_mutex_unlock(&pool->control_lock);
}

static bool replace_child(struct worker_pool *pool, struct slot *slot, int patience_ms)
{
	want_child(pool, slot);
	return await_child(pool, slot, patience_ms);
}

static void init_locks(struct worker_pool *pool)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&pool->control_lock, NULL);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->freed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static bool explain_start(const struct worker_pool *pool, struct err *e)
{
	siginfo_t gone = {0};

	if (waitid(P_PID, (id_t)pool->supervisor, &gone, WEXITED | WNOHANG | WNOWAIT) == 0 && gone.si_pid != 0 &&
	    gone.si_status == WORKER_EXIT_NOT_CONFINED)
		return err_set(e, ERR_INTERNAL, "the verify worker can't be confined");
	return err_set(e, ERR_INTERNAL, "the verify worker can't be started");
}

static bool start(struct worker_pool *pool, const char *run_dir, struct err *e)
{
	if (!make_directory(pool, run_dir, pool->directory, sizeof(pool->directory), e))
		return false;
	if (!fork_supervisor(pool, pool->directory, e)) {
		directory_remove(pool->directory);
		return false;
	}
	for (size_t i = 0; i < pool->count; i++)
		want_child(pool, &pool->slots[i]);
	pool->offer = NULL;
	return true;
}

struct worker_pool *worker_pool_start(size_t slots, const char *run_dir, struct err *e)
{
	return worker_pool_start_confined(slots, run_dir, NULL, e);
}

struct worker_pool *worker_pool_start_confined(size_t slots, const char *run_dir, const struct sandbox_offer *offer,
					       struct err *e)
{
	struct worker_pool *pool = NULL;

	if (offer && !worker_sandbox_can_run_gpg(offer, e))
		return NULL;
	pool = calloc(1, sizeof(*pool));
	if (!pool || slots == 0 || slots > SLOTS_MAX || !(pool->slots = calloc(slots, sizeof(*pool->slots)))) {
		free(pool);
		err_no_memory(e);
		return NULL;
	}
	pool->offer = offer;
	pool->control = -1;
	pool->directory_lock = -1;
	pool->count = slots;
	for (size_t i = 0; i < slots; i++)
		pool->slots[i].socket = -1;
	init_locks(pool);
	if (!start(pool, run_dir, e)) {
		worker_pool_stop(pool);
		return NULL;
	}
	return pool;
}

void worker_pool_stop(struct worker_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->count; i++)
		if (pool->slots[i].socket >= 0)
			close(pool->slots[i].socket);
	if (pool->control >= 0)
		close(pool->control);
	if (pool->supervisor > 0)
		while (waitpid(pool->supervisor, NULL, 0) < 0 && errno == EINTR)
			continue;
	/* The supervisor has done so, unless it was killed. */
	if (pool->directory_lock >= 0) {
		directory_remove(pool->directory);
		close(pool->directory_lock);
	}
	pthread_cond_destroy(&pool->freed);
	pthread_mutex_destroy(&pool->lock);
	pthread_mutex_destroy(&pool->control_lock);
	free(pool->slots);
	free(pool);
}

bool worker_pool_alive(const struct worker_pool *pool)
{
	siginfo_t gone = {0};

	return waitid(P_PID, (id_t)pool->supervisor, &gone, WEXITED | WNOHANG | WNOWAIT) == 0 && gone.si_pid == 0;
}

size_t worker_pool_slots(const struct worker_pool *pool)
{
	return pool->count;
}

/* A free slot, the one that has `keys` loaded if there is a choice. */
static struct slot *free_slot(struct worker_pool *pool, uint64_t keys)
{
	struct slot *any = NULL;

	for (size_t i = 0; i < pool->count; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->busy)
			continue;
		if (slot->keys == keys)
			return slot;
		if (!any)
			any = slot;
	}
	return any;
}

/* Takes a slot for this thread alone; NULL when the deadline passes first. */
static struct slot *take_slot(struct worker_pool *pool, uint64_t keys, int64_t deadline_ms, uint64_t *id)
{
	struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
	struct slot *slot;
	int waited = 0;

	pthread_mutex_lock(&pool->lock);
	while (!(slot = free_slot(pool, keys)) && waited != ETIMEDOUT)
		waited = deadline_ms ? pthread_cond_timedwait(&pool->freed, &pool->lock, &until)
				     : pthread_cond_wait(&pool->freed, &pool->lock);
	if (slot) {
		slot->busy = true;
		/* Two ids: one to load keys, one for the request itself. */
		pool->last_id += 2;
		*id = pool->last_id;
	}
	pthread_mutex_unlock(&pool->lock);
	return slot;
}

static void give_back(struct worker_pool *pool, struct slot *slot)
{
	pthread_mutex_lock(&pool->lock);
	slot->busy = false;
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->lock);
}

static uint32_t budget(int64_t deadline_ms)
{
	int64_t left = clock_left_ms(deadline_ms);

	if (left > LIMIT_VERIFY_MS * 6)
		left = LIMIT_VERIFY_MS * 6;
	return left > 0 ? (uint32_t)left : 1;
}

static bool explain(enum stream_result result, struct err *e)
{
	if (result == STREAM_TIMEOUT)
		return err_set(e, ERR_TIMEOUT, "the verify worker did not answer in time");
	return err_set(e, ERR_UNAVAILABLE, "the verify worker ended");
}

/* Sends the record in `data` and reads the answer into it. */
static bool exchange(struct slot *slot, struct buf *data, int64_t deadline_ms, struct err *e)
{
	enum stream_result result;

	if (!buf_ok(data, e))
		return false;
	result = stream_send(slot->socket, buf_str(data), deadline_ms);
	if (result == STREAM_OK)
		result = stream_receive(slot->socket, data, deadline_ms);
	return result == STREAM_OK || explain(result, e);
}

/* One whole exchange with a slot's child. Whoever gets anything but the right answer has the child replaced: what a
 * late or wrong answer belonged to can't be told any more. */
static bool ready_child(struct worker_pool *pool, struct slot *slot, struct err *e)
{
	if (await_child(pool, slot, CONTROL_START_MS) || replace_child(pool, slot, CONTROL_MS))
		return true;
	return err_set(e, ERR_UNAVAILABLE, "the verify worker can't be started");
}

static bool load_keys(struct slot *slot, const struct key_set *keys, uint64_t id, struct buf *data, int64_t deadline_ms,
		      struct err *e)
{
	struct str texts[OPENPGP_KEYRINGS_MAX];
	size_t count;

	if (slot->keys == key_set_id(keys))
		return true;
	count = keyrings_list(key_set_keyrings(keys), texts);
	worker_encode_keys(data, id, budget(deadline_ms), texts, count);
	if (!exchange(slot, data, deadline_ms, e) || !worker_decode_loaded(buf_str(data), id, e))
		return false;
	slot->keys = key_set_id(keys);
	return true;
}

/* What a signature has done to a child must not get into the keys of the others. */
static bool untainted_child(struct worker_pool *pool, struct slot *slot, struct err *e)
{
	if (slot->tainted)
		(void)replace_child(pool, slot, CONTROL_MS);
	return ready_child(pool, slot, e);
}

static bool make_keyring(struct slot *slot, uint64_t id, bool repair, const struct str *texts, size_t count,
			 int64_t deadline_ms, struct buf *out, struct key_list *certificates, struct err *e)
{
	cleanup(buf) struct buf data = buf_init(WORKER_RECORD_MAX);
	struct str keyring;

	worker_encode_make(&data, id, budget(deadline_ms), repair, texts, count);
	if (!exchange(slot, &data, deadline_ms, e) ||
	    !worker_decode_made(buf_str(&data), id, &keyring, certificates, e))
		return false;
	buf_add(out, keyring);
	return true;
}

bool worker_make_keyring(struct worker_pool *pool, bool repair, const struct str *texts, size_t count,
			 int64_t deadline_ms, struct buf *out, struct key_list *certificates, struct err *e)
{
	uint64_t id = 0;
	struct slot *slot = take_slot(pool, 0, deadline_ms, &id);
	bool ok;

	if (!slot)
		return err_set(e, ERR_TIMEOUT, "the verify worker is busy");
	ok = untainted_child(pool, slot, e) &&
	     make_keyring(slot, id, repair, texts, count, deadline_ms, out, certificates, e);
	if (!ok)
		replace_child(pool, slot, CONTROL_MS);
	give_back(pool, slot);
	return ok && buf_ok(out, e);
}

bool worker_pool_ready(struct worker_pool *pool, struct err *e)
{
	bool ready = true;

	for (size_t i = 0; i < pool->count && ready; i++)
		ready = await_child(pool, &pool->slots[i], CONTROL_START_MS);
	return ready || explain_start(pool, e);
}

bool worker_inspect_key(struct worker_pool *pool, struct str key, int64_t deadline_ms, struct key_list *out,
			struct err *e)
{
	cleanup(buf) struct buf data = buf_init(WORKER_RECORD_MAX);
	struct err failure = ERR_INIT;
	uint64_t id = 0;
	struct slot *slot = take_slot(pool, 0, deadline_ms, &id);
	bool ok = false;

	if (!slot)
		return err_set(e, ERR_TIMEOUT, "the verify worker is busy");
	worker_encode_inspect(&data, id, budget(deadline_ms), key);
	ok = ready_child(pool, slot, &failure) && exchange(slot, &data, deadline_ms, &failure) &&
	     worker_decode_described(buf_str(&data), id, out, &failure);
	/* A key that can't be read is an answer; everything else is a child that can't be relied on. */
	if (!ok && failure.kind != ERR_INVALID)
		replace_child(pool, slot, CONTROL_MS);
	give_back(pool, slot);
	return ok || err_set(e, failure.kind, "%s", failure.text);
}

static bool verify(struct worker_pool *pool, struct slot *slot, uint64_t id, struct key_set *keys, struct str upload,
		   struct str payload, int64_t now, int64_t deadline_ms, struct signature_facts *out, struct err *e)
{
	cleanup(buf) struct buf data = buf_init(WORKER_RECORD_MAX);

	if (!ready_child(pool, slot, e) || !load_keys(slot, keys, id - 1, &data, deadline_ms, e))
		return false;
	slot->tainted = true;
	worker_encode_verify(&data, id, budget(deadline_ms), upload, payload, now);
	return exchange(slot, &data, deadline_ms, e) && worker_decode_facts(buf_str(&data), id, out, e);
}

void worker_verify(struct worker_pool *pool, struct key_set *keys, struct str upload, struct str payload, int64_t now,
		   int64_t deadline_ms, struct signature_facts *out)
{
	struct err e = ERR_INIT;
	uint64_t id = 0;
	struct slot *slot;

	*out = (struct signature_facts){.verdict = VERDICT_REJECTED, .reason = REASON_TIMEOUT};
	if (!keyrings_ready(pool, keys, deadline_ms, &e)) {
		out->reason = e.kind == ERR_TIMEOUT ? REASON_TIMEOUT : REASON_WORKER_FAILED;
		return;
	}
	slot = take_slot(pool, key_set_id(keys), deadline_ms, &id);
	if (!slot)
		return;
	if (!verify(pool, slot, id, keys, upload, payload, now, deadline_ms, out, &e)) {
		*out = (struct signature_facts){.verdict = VERDICT_REJECTED};
		out->reason = e.kind == ERR_TIMEOUT ? REASON_TIMEOUT : REASON_WORKER_FAILED;
		replace_child(pool, slot, CONTROL_MS);
	}
	give_back(pool, slot);
}
