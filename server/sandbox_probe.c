#include "server/sandbox_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A free port, bound; -1 when there is none. */
static int bind_any(uint16_t *port)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

bool sandbox_probe_bed_open(struct sandbox_probe_bed *bed)
{
	int other = bind_any(&bed->unused);

	bed->listener = bind_any(&bed->listening);
	if (other >= 0)
		close(other);
	return other >= 0 && bed->listener >= 0 && listen(bed->listener, 16) == 0;
}

void sandbox_probe_bed_close(struct sandbox_probe_bed *bed)
{
	if (bed->listener >= 0)
		close(bed->listener);
	bed->listener = -1;
}

/* What a sandbox answers; anything else says nothing about it. */
static enum sandbox_probe_result outcome(bool worked)
{
	bool refused = errno == EPERM || errno == EACCES || errno == ENOSYS || errno == EAFNOSUPPORT;

	if (worked)
		return PROBE_WORKED;
	return refused ? PROBE_REFUSED : PROBE_UNKNOWN;
}

/* The kernel's own word; that it may not be asked would say nothing. */
static enum sandbox_probe_result answer(int now, int free, int confined)
{
	if (now == free)
		return PROBE_WORKED;
	return now == confined ? PROBE_REFUSED : PROBE_UNKNOWN;
}

enum sandbox_probe_result sandbox_probe_privileges(const struct sandbox_probe_bed *bed)
{
	(void)bed;
	return answer(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0, 1);
}

enum sandbox_probe_result sandbox_probe_core(const struct sandbox_probe_bed *bed)
{
	const struct rlimit one = {1, 1};

	(void)bed;
	return outcome(setrlimit(RLIMIT_CORE, &one) == 0);
}

enum sandbox_probe_result sandbox_probe_memory(const struct sandbox_probe_bed *bed)
{
	(void)bed;
	return answer(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1, 0);
}

enum sandbox_probe_result sandbox_probe_unlisted_call(const struct sandbox_probe_bed *bed)
{
	(void)bed;
	return outcome(syscall(SYS_getsid, 0) >= 0);
}

enum sandbox_probe_result sandbox_probe_program(const struct sandbox_probe_bed *bed)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)bed;
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return PROBE_UNKNOWN;
	(void)execl("/proc/self/exe", "sealgated", "--version", (char *)NULL);
	return outcome(false);
}

enum sandbox_probe_result sandbox_probe_process(const struct sandbox_probe_bed *bed)
{
	pid_t child = fork();

	(void)bed;
	if (child == 0)
		_exit(0);
	return outcome(child > 0 && waitpid(child, NULL, 0) == child);
}

enum sandbox_probe_result sandbox_probe_trace(const struct sandbox_probe_bed *bed)
{
	(void)bed;
	return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
}

enum sandbox_probe_result sandbox_probe_code(const struct sandbox_probe_bed *bed)
{
	(void)bed;
	return outcome(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		       MAP_FAILED);
}

enum sandbox_probe_result sandbox_probe_connect(const struct sandbox_probe_bed *bed)
{
	struct sockaddr_in address = loopback(bed->listening);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return outcome(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
}

enum sandbox_probe_result sandbox_probe_datagram(const struct sandbox_probe_bed *bed)
{
	struct sockaddr_in address = loopback(bed->unused);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return outcome(fd >= 0 && sendto(fd, "", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1);
}

enum sandbox_probe_result sandbox_probe_read(const struct sandbox_probe_bed *bed)
{
	(void)bed;
	return outcome(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
}

enum sandbox_probe_result sandbox_probe_scratch(const struct sandbox_probe_bed *bed)
{
	return outcome(open(bed->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
}

enum sandbox_probe_result sandbox_probe_write(const struct sandbox_probe_bed *bed)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/made", bed->scratch);
	return outcome(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0);
}

enum sandbox_probe_result sandbox_probe_listen(const struct sandbox_probe_bed *bed)
{
	struct sockaddr_in address = loopback(bed->unused);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return outcome(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
}

enum sandbox_probe_result sandbox_probe_signal(const struct sandbox_probe_bed *bed)
{
	(void)bed;
	return outcome(kill(getppid(), 0) == 0);
}
