#include "attest/worker_supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/openpgp.h"
#include "attest/openpgp_home.h"
#include "attest/worker_child.h"
#include "attest/worker_sandbox.h"
#include "base/cleanup.h"

struct supervisor {
	int control;
	int signals;
	size_t slots;
	pid_t *children; /* by slot; 0 = none */
	const char *directory;
	const struct sandbox_offer *offer; /* NULL: not confined */
};

/* Of the caller's process too: gpg must not hold what is not its own. */
static void close_from(int first)
{
	if (close_range((unsigned)first, ~0u, 0) == 0)
		return;
	for (int fd = first; fd < 65536; fd++)
		close(fd);
}

static void slot_directory(const struct supervisor *s, size_t slot, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/slot-%zu", s->directory, slot);
}

/* All that a child started, gone before its homes are removed: what dies may still write a file. */
static void end_group(pid_t child)
{
	kill(-child, SIGKILL);
	while (waitpid(-child, NULL, 0) > 0 || errno == EINTR)
		continue;
}

/* Ends the slot's child with all that it started, and removes its homes. */
static void end_child(struct supervisor *s, size_t slot)
{
	char path[OPENPGP_HOME_PATH_MAX];
	pid_t child = s->children[slot];

	if (child > 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			continue;
		end_group(child);
	}
	s->children[slot] = 0;
	slot_directory(s, slot, path, sizeof(path));
	directory_remove(path);
}

static void run_child(const struct supervisor *s, size_t slot, int socket, pid_t supervisor)
{
	char path[OPENPGP_HOME_PATH_MAX];
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "sealgate-verify");
	if (getppid() != supervisor || dup2(socket, 3) != 3)
		_exit(1);
	close_from(4);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGALRM, SIG_DFL);
	slot_directory(s, slot, path, sizeof(path));
	if (mkdir(path, 0700) != 0 || (s->offer && !worker_sandbox_enter(s->offer, WORKER_CHILD, path, NULL)))
		_exit(1);
	worker_child_run(3, path);
}

/* A new child for the slot; gives our end of its socket, -1 on failure. */
static int start_child(struct supervisor *s, size_t slot)
{
	int ends[2];
	pid_t self = getpid(), child;

	end_child(s, slot);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	child = fork();
	if (child == 0)
		run_child(s, slot, ends[1], self);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return -1;
	}
	setpgid(child, child);
	s->children[slot] = child;
	return ends[0];
}

static bool send_answer(int control, const unsigned char *request, int socket)
{
	unsigned char answer[WORKER_ANSWER_SIZE] = {socket >= 0, request[2], request[3]};
	char space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {answer, sizeof(answer)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (socket >= 0) {
		struct cmsghdr *head;

		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &socket, sizeof(int));
	}
	return sendmsg(control, &message, MSG_NOSIGNAL) == sizeof(answer);
}

/* One request from the control socket; false when it closed. */
static bool serve(struct supervisor *s)
{
	unsigned char request[WORKER_REQUEST_SIZE];
	ssize_t n = recv(s->control, request, sizeof(request), 0);
	size_t slot;
	bool sent;
	int socket;

	if (n < 0 && errno == EINTR)
		return true;
	if (n != sizeof(request))
		return false;
	slot = (size_t)request[0] << 8 | request[1];
	socket = slot < s->slots ? start_child(s, slot) : -1;
	sent = send_answer(s->control, request, socket);
	if (socket >= 0)
		close(socket);
	return sent;
}

/* Whatever ended below us: children, and what gpg leaves behind, which is ours as a subreaper. */
static void reap(struct supervisor *s)
{
	struct signalfd_siginfo ignored;
	pid_t gone;

	(void)!read(s->signals, &ignored, sizeof(ignored));
	while ((gone = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < s->slots; i++)
			if (s->children[i] == gone) {
				end_group(gone);
				s->children[i] = 0;
			}
}

static void prepare(struct supervisor *s)
{
	sigset_t children, others;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NAME, "sealgate-worker");
	setpgid(0, 0);
	/* Signals that end the server reach the whole group or container: the worker goes when the control socket
	 * closes, not before. */
	sigemptyset(&others);
	sigaddset(&others, SIGTERM);
	sigaddset(&others, SIGINT);
	sigaddset(&others, SIGHUP);
	sigprocmask(SIG_SETMASK, &others, NULL);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	s->signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void end_all(struct supervisor *s)
{
	for (size_t i = 0; i < s->slots; i++)
		end_child(s, i);
	directory_remove(s->directory);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* The standard streams stay open for nobody: gpg talks through pipes of its own. */
static void detach_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

void worker_supervisor_run(int control, size_t slots, const char *directory, const struct sandbox_offer *offer)
{
	struct supervisor s = {.slots = slots, .directory = directory, .offer = offer};
	bool running = true;

	detach_streams();
	if (dup2(control, 3) != 3)
		_exit(1);
	close_from(4);
	s.control = 3;
	prepare(&s);
	if (offer && !worker_sandbox_enter(offer, WORKER_SUPERVISOR, directory, NULL)) {
		directory_remove(directory);
		_exit(WORKER_EXIT_NOT_CONFINED);
	}
	/* Every child has what is found out here. */
	openpgp_warm_up();
	s.children = calloc(slots, sizeof(*s.children));
	running = s.children && s.signals >= 0;
	while (running) {
		struct pollfd ready[2] = {{.fd = s.control, .events = POLLIN}, {.fd = s.signals, .events = POLLIN}};

		if (poll(ready, 2, -1) < 0)
			continue;
		if (ready[1].revents)
			reap(&s);
		if (ready[0].revents)
			running = serve(&s);
	}
	if (s.children)
		end_all(&s);
	_exit(0);
}
