/* sealgate-kube: the one process of sealgated that connects (kube/agent.h). Its socket to sealgated is descriptor 0. */
#include <signal.h>
#include <sys/socket.h>

#include "base/file.h"
#include "kube/agent_protocol.h"
#include "kube/agent_sandbox.h"
#include "kube/agent_serve.h"
#include "kube/direct.h"

enum { EXIT_ENDED = 0, EXIT_RUN_TIME = 1, EXIT_CONFIGURATION = 2, NAMESPACE_MAX = 63 };

static bool is_started_by_sealgated(void)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

static bool read_config(int argc, char **argv, struct kube_config *out, struct err *e)
{
	if (argc == 3 && strcmp(argv[1], "--kubeconfig") == 0)
		return kube_config_read(argv[2], out, e);
	if (argc == 2 && strcmp(argv[1], "--in-cluster") == 0)
		return kube_config_in_cluster(KUBE_ACCOUNT_DIR, out, e);
	return err_set(e, ERR_INVALID, "usage: sealgate-kube --kubeconfig FILE | --in-cluster");
}

/* As sealgated finds it; empty when nothing says so: then no ConfigMap or Secret can be read. */
static void find_namespace(struct buf *out)
{
	cleanup(buf) struct buf text = buf_init(NAMESPACE_MAX + 1);
	struct str name = str_trim(str_of(getenv("POD_NAMESPACE")));

	if (name.len == 0 && file_read(KUBE_ACCOUNT_DIR "/namespace", &text, NULL))
		name = str_trim(buf_str(&text));
	buf_add(out, name);
	if (out->failed)
		buf_clear(out);
}

static bool confine(const struct kube_config *config, struct err *e)
{
	struct sandbox_offer offer;

	sandbox_offer_ask(&offer);
	return agent_sandbox_enter(&offer, config, e) || err_context(e, "the sandbox of sealgate-kube can't be set up");
}

static int fail(const struct err *e)
{
	cleanup(buf) struct buf record = buf_init(AGENT_TOLD_MAX);

	agent_encode_failed(&record, e);
	(void)agent_send(STDIN_FILENO, buf_str(&record));
	return EXIT_CONFIGURATION;
}

static int serve(const struct kube_config *config, struct str own_namespace)
{
	cleanup(buf) struct buf ready = buf_init(AGENT_TOLD_MAX);
	struct err e = ERR_INIT;
	cleanup(kube_transport) struct kube_transport *transport = kube_direct_new(config, &e);

	if (!transport || !confine(config, &e))
		return fail(&e);
	agent_encode_ready(&ready);
	if (!agent_send(STDIN_FILENO, buf_str(&ready)) ||
	    agent_serve(transport, kube_direct_run, STDIN_FILENO, own_namespace, &e))
		/* libcurl would wait here for names that are being looked up. */
		_exit(EXIT_ENDED);
	(void)fprintf(stderr, "sealgate-kube: %s\n", e.text);
	_exit(EXIT_RUN_TIME);
}

int main(int argc, char **argv)
{
	cleanup(buf) struct buf own = buf_init(NAMESPACE_MAX);
	cleanup(kube_config) struct kube_config config = {0};
	struct err e = ERR_INIT;

	if (!is_started_by_sealgated()) {
		(void)fprintf(stderr, "sealgate-kube is started by sealgated --kubeconfig FILE or --in-cluster\n");
		return EXIT_CONFIGURATION;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	find_namespace(&own);
	if (!read_config(argc, argv, &config, &e))
		return fail(&e);
	return serve(&config, buf_str(&own));
}
