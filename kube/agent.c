#include "kube/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "kube/agent_protocol.h"

#define PROGRAM "sealgate-kube"
/* A look-up of the server's name may take that long. */
enum { READY_MS = 60000, CHUNK = 64 * 1024, CHUNKS_OF_A_RUN = 16 };
/* What waits for the agent to read it. */
#define QUEUE_MAX (16u * 1024 * 1024)

struct agent_request {
	uint64_t id; /* 0: free */
	struct kube_handler handler;
	bool told; /* its head */
};

struct agent_transport {
	struct kube_transport transport;
	struct kube_agent agent;
	int wake;
	bool gone;
	uint64_t last_id;
	struct buf in;
	struct buf out;
	struct agent_request requests[KUBE_REQUESTS];
};

static bool find_program(char *out, size_t size, struct err *e)
{
	static const char *const places[] = {"", "../libexec/sealgate/"};
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[len > 0 ? len : 0] = 0;
	slash = strrchr(self, '/');
	if (!slash)
		return err_set(e, ERR_UNAVAILABLE, "/proc/self/exe: can't tell where this program is");
	slash[1] = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (snprintf(out, size, "%s%s" PROGRAM, self, places[i]) < (int)size && access(out, X_OK) == 0)
			return true;
	return err_set(e, ERR_UNAVAILABLE, PROGRAM " is neither in %s nor in %s../libexec/sealgate: install it there",
		       self, self);
}

/* Between fork and exec: system calls only. */
static void become(const char *program, const char *kubeconfig, int fd, pid_t parent)
{
	const char *const with_file[] = {PROGRAM, "--kubeconfig", kubeconfig, NULL};
	const char *const in_cluster[] = {PROGRAM, "--in-cluster", NULL};
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && dup2(fd, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
		(void)execv(program, (char *const *)(kubeconfig ? with_file : in_cluster));
	}
	_exit(127);
}

void kube_agent_stop(struct kube_agent *agent)
{
	if (agent->fd < 0)
		return;
	close(agent->fd);
	/* sealgated, once confined, signals nobody; the end of the socket is the agent's own. */
	(void)waitpid(agent->pid, NULL, kill(agent->pid, SIGKILL) == 0 ? 0 : WNOHANG);
	*agent = (struct kube_agent){.fd = -1};
}

/* One record that is short, and nothing behind it. */
static enum agent_found receive_first(int fd, char *bytes, size_t size, struct agent_record *out)
{
	int64_t deadline_ms = clock_monotonic_ms() + READY_MS;
	enum agent_found found = AGENT_MORE;
	size_t len = 0, used = 0;

	while (found == AGENT_MORE) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t n =
			poll(&ready, 1, (int)clock_left_ms(deadline_ms)) > 0 ? read(fd, bytes + len, size - len) : 0;

		if (n <= 0)
			return AGENT_BROKEN;
		len += (size_t)n;
		found = agent_decode(str_make(bytes, len), AGENT_TELLS, out, &used);
	}
	return used == len ? found : AGENT_BROKEN;
}

static bool await_ready(const struct kube_agent *agent, struct err *e)
{
	char bytes[2 * ERR_TEXT_MAX];
	struct agent_record record = {0};

	if (receive_first(agent->fd, bytes, sizeof(bytes), &record) != AGENT_RECORD)
		return err_set(e, ERR_UNAVAILABLE, PROGRAM " ended before it was ready");
	if (record.kind == AGENT_FAILED)
		return err_set(e, record.error, "%.*s", STR_ARG(record.text));
	return record.kind == AGENT_READY || err_set(e, ERR_UNAVAILABLE, PROGRAM " does not say that it is ready");
}

bool kube_agent_start_program(const char *program, const char *kubeconfig, struct kube_agent *out, struct err *e)
{
	int ends[2];
	pid_t parent = getpid(), child;
	struct kube_agent agent;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_errno(e, "socketpair");
	child = fork();
	if (child == 0)
		become(program, kubeconfig, ends[1], parent);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return err_errno(e, "fork");
	}
	agent = (struct kube_agent){.fd = ends[0], .pid = child};
	if (!await_ready(&agent, e)) {
		kube_agent_stop(&agent);
		return false;
	}
	*out = agent;
	return true;
}

bool kube_agent_start(const char *kubeconfig, struct kube_agent *out, struct err *e)
{
	char program[PATH_MAX];

	return find_program(program, sizeof(program), e) && kube_agent_start_program(program, kubeconfig, out, e);
}

static struct agent_request *request_of(struct agent_transport *a, uint64_t id)
{
	for (size_t i = 0; i < KUBE_REQUESTS; i++)
		if (a->requests[i].id == id)
			return &a->requests[i];
	return NULL;
}

/* All or nothing of a record goes into the queue. */
static bool queue(struct agent_transport *a, size_t len_before, struct err *e)
{
	if (!a->out.failed)
		return true;
	buf_cut(&a->out, len_before);
	return err_set(e, ERR_UNAVAILABLE, "too much waits for " PROGRAM);
}

static uint64_t agent_start(struct kube_transport *t, const struct kube_request *request,
			    const struct kube_handler *handler, struct err *e)
{
	struct agent_transport *a = (struct agent_transport *)t;
	struct agent_request *slot = request_of(a, 0);
	size_t before = a->out.len;

	if (a->gone || !slot) {
		err_set(e, ERR_UNAVAILABLE, a->gone ? PROGRAM " is gone" : "%u requests are under way", KUBE_REQUESTS);
		return 0;
	}
	agent_encode_start(&a->out, a->last_id + 1, request);
	if (!queue(a, before, e))
		return 0;
	*slot = (struct agent_request){.id = ++a->last_id, .handler = *handler};
	return slot->id;
}

static void drop(struct agent_request *request)
{
	const struct kube_handler handler = request->handler;

	*request = (struct agent_request){0};
	if (handler.dropped)
		handler.dropped(handler.context);
}

static void agent_cancel(struct kube_transport *t, uint64_t id)
{
	struct agent_transport *a = (struct agent_transport *)t;
	struct agent_request *request = id ? request_of(a, id) : NULL;
	size_t before = a->out.len;

	if (!request)
		return;
	agent_encode_cancel(&a->out, id);
	/* The agent would go on with what nobody waits for: harmless. */
	(void)queue(a, before, NULL);
	drop(request);
}

static void finish(struct agent_request *request, const struct err *e)
{
	const struct kube_handler handler = request->handler;

	*request = (struct agent_request){0};
	handler.end(handler.context, e);
}

static void lose(struct agent_transport *a)
{
	struct err e = ERR_INIT;

	a->gone = true;
	err_set(&e, ERR_UNAVAILABLE, PROGRAM " is gone");
	for (size_t i = 0; i < KUBE_REQUESTS; i++)
		if (a->requests[i].id)
			finish(&a->requests[i], &e);
}

/* False when it may not be told now. Of a request that was cancelled anything may still be under way. */
static bool tell(struct agent_transport *a, const struct agent_record *record)
{
	struct agent_request *request = record->id ? request_of(a, record->id) : NULL;
	const struct kube_handler *handler = request ? &request->handler : NULL;
	struct err e = ERR_INIT;

	if (!request)
		return record->id != 0 && record->id <= a->last_id;
	if ((record->kind == AGENT_HEAD) == request->told && (record->kind != AGENT_END || record->error == ERR_NONE))
		return false;
	if (record->kind == AGENT_HEAD) {
		request->told = true;
		handler->head(handler->context, record->status, record->retry_after);
	} else if (record->kind == AGENT_DATA) {
		handler->data(handler->context, record->text);
	} else {
		if (record->error != ERR_NONE)
			err_set(&e, record->error, "%.*s", STR_ARG(record->text));
		finish(request, &e);
	}
	return true;
}

/* Tells what has come, as far as it is whole. */
static bool tell_all(struct agent_transport *a)
{
	struct str rest = buf_str(&a->in);
	struct agent_record record;
	size_t used = 0;

	for (;;) {
		enum agent_found found = agent_decode(rest, AGENT_TELLS, &record, &used);

		if (found == AGENT_BROKEN || (found == AGENT_RECORD && !tell(a, &record)))
			return false;
		if (found == AGENT_MORE)
			break;
		rest = str_skip(rest, used);
	}
	if (rest.len)
		memmove(a->in.data, rest.ptr, rest.len);
	buf_cut(&a->in, rest.len);
	return true;
}

static bool receive(struct agent_transport *a)
{
	char chunk[CHUNK];

	for (int i = 0; i < CHUNKS_OF_A_RUN; i++) {
		ssize_t n = recv(a->agent.fd, chunk, sizeof(chunk), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0)
			return false;
		buf_add(&a->in, str_make(chunk, (size_t)n));
		if (a->in.failed || !tell_all(a))
			return false;
	}
	return true;
}

static bool flush(struct agent_transport *a)
{
	size_t sent = 0;

	while (sent < a->out.len) {
		ssize_t n = send(a->agent.fd, a->out.data + sent, a->out.len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	if (sent == 0)
		return true;
	memmove(a->out.data, a->out.data + sent, a->out.len - sent);
	buf_cut(&a->out, a->out.len - sent);
	return true;
}

static int wait_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms ? clock_left_ms(deadline_ms) : -1;

	return left > INT32_MAX ? INT32_MAX : (int)left;
}

static bool agent_run(struct kube_transport *t, int64_t deadline_ms, struct err *e)
{
	struct agent_transport *a = (struct agent_transport *)t;
	struct pollfd fds[] = {{.fd = a->agent.fd, .events = POLLIN}, {.fd = a->wake, .events = POLLIN}};
	eventfd_t count;

	if (a->gone)
		return err_set(e, ERR_UNAVAILABLE, PROGRAM " is gone");
	if (!flush(a)) {
		lose(a);
		return true;
	}
	if (a->out.len > 0)
		fds[0].events |= POLLOUT;
	if (poll(fds, 2, wait_ms(deadline_ms)) <= 0)
		return true;
	if (fds[1].revents)
		(void)eventfd_read(a->wake, &count);
	if (fds[0].revents && (!receive(a) || !flush(a)))
		lose(a);
	return true;
}

static void agent_wake(struct kube_transport *t)
{
	(void)eventfd_write(((struct agent_transport *)t)->wake, 1);
}

static void agent_free(struct kube_transport *t)
{
	struct agent_transport *a = (struct agent_transport *)t;

	for (size_t i = 0; i < KUBE_REQUESTS; i++)
		if (a->requests[i].id)
			drop(&a->requests[i]);
	kube_agent_stop(&a->agent);
	close(a->wake);
	buf_release(&a->in);
	buf_release(&a->out);
	free(a);
}

static const struct kube_transport_class agent_class = {agent_start, agent_cancel, agent_run, agent_wake, agent_free};

struct kube_transport *kube_agent_transport(struct kube_agent *agent, struct err *e)
{
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct agent_transport *a = wake >= 0 ? calloc(1, sizeof(*a)) : NULL;

	if (!a) {
		err_errno(e, PROGRAM);
		if (wake >= 0)
			close(wake);
		return NULL;
	}
	*a = (struct agent_transport){.transport = {&agent_class},
				      .agent = *agent,
				      .wake = wake,
				      .in = buf_init(AGENT_TOLD_MAX + 2 * CHUNK),
				      .out = buf_init(QUEUE_MAX)};
	*agent = (struct kube_agent){.fd = -1};
	return &a->transport;
}
