#include "tests/bench/echo.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **request)
{
	static int seen;
	struct MHD_Response *response = context;

	(void)url;
	(void)method;
	(void)version;
	(void)upload;
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static void serve(const char *certificate, const char *key, struct str text, int report)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct MHD_Response *response;
	struct MHD_Daemon *daemon;
	const union MHD_DaemonInfo *info;
	uint16_t port;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	response = MHD_create_response_from_buffer(text.len, (void *)(uintptr_t)text.ptr, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_TLS, 0, NULL,
		NULL, answer, response, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_CERT, certificate,
		MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_CONNECTION_LIMIT, 2048u, MHD_OPTION_LISTEN_BACKLOG_SIZE,
		1024u, MHD_OPTION_END);
	info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	port = info ? info->port : 0;
	(void)!write(report, &port, sizeof(port));
	close(report);
	while (port)
		pause();
	_exit(1);
}

pid_t echo_start(const char *certificate, const char *key, struct str text, uint16_t *port)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(certificate, key, text, ends[1]);
	}
	close(ends[1]);
	if (read(ends[0], port, sizeof(*port)) != sizeof(*port) || *port == 0) {
		echo_stop(child);
		child = -1;
	}
	close(ends[0]);
	return child;
}

void echo_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
