#include "certs/x509.h"
#include "cli/verb.h"
#include "cli/webhook_config.h"
#include "cli/yaml_write.h"
#include "base/limits.h"

struct webhook_config_options {
	struct verb_options verb;
	const char *ca;
	const char *service;
	const char *url;
};

static const struct option options[] = {
	{.name = "ca",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct webhook_config_options, ca),
	 .value = "FILE",
	 .help = "the CA that the webhook's certificate chains to, in PEM: ca.pem of certs init"},
	{.name = "service",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct webhook_config_options, service),
	 .value = "NS/NAME",
	 .help = "the Service in front of sealgated; its namespace is not reviewed"},
	{.name = "url",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct webhook_config_options, url),
	 .value = "URL",
	 .help = "where the API server reaches sealgated instead, https://HOST[:PORT][/PATH]"},
	VERB_OUTPUT_ROW(struct webhook_config_options),
	VERB_HELP_ROW(struct webhook_config_options),
};

static const struct option_table table = {
	.synopsis = "sealgate webhook-config --ca FILE [--service NS/NAME | --url URL]",
	.summary = "Print the ValidatingWebhookConfiguration for a cluster",
	.detail =
		"Prints YAML for kubectl apply. The API server then asks sealgated about every object that can run an "
		"image, and refuses it when sealgated does not answer within five seconds. The namespaces kube-system "
		"and kube-node-lease and the one of the Service are left out, so that a cluster can start. See that "
		"sealgated answers before you apply it.\n\n"
		"The webhook's certificate must carry the name that the API server uses: NAME.NS.svc for a Service, "
		"the host of the URL otherwise (sealgate certs init --san).",
	.examples = "sealgate webhook-config --ca certs/ca.pem --service sealgate/sealgate | kubectl apply -f -\n"
		    "sealgate webhook-config --ca certs/ca.pem --url https://sealgate.example.com:8443",
	.exit_status = VERB_STATUS_ACTS,
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

static bool build(const struct webhook_config_options *o, json_t **out, struct err *e)
{
	cleanup(buf) struct buf ca = buf_init(LIMIT_KEY_FILE);
	struct webhook_target target = {.service = o->service, .url = o->url};

	if (!verb_need(o->ca, "ca", e) || !verb_need_one(o->service, o->url, "--service and --url", e) ||
	    !certs_read_bundle(o->ca, &ca, e))
		return false;
	target.ca = buf_str(&ca);
	return webhook_config(&target, out, e);
}

static int run(const void *data, const struct option_list *arguments)
{
	cleanup(json) json_t *config = NULL;
	cleanup(buf) struct buf out = buf_init(VERB_OUTPUT_MAX);
	struct err e = ERR_INIT;

	(void)arguments;
	if (!build(data, &config, &e))
		return verb_fail("webhook-config", &e);
	if (verb_wants_json())
		return verb_print_json("webhook-config", config, EXIT_YES);
	if (!yaml_write(config, &out, &e))
		return verb_fail("webhook-config", &e);
	return verb_print("webhook-config", &out, EXIT_YES);
}

const struct verb verb_webhook_config = {
	.name = "webhook-config",
	.table = &table,
	.options_size = sizeof(struct webhook_config_options),
	.run = run,
};
