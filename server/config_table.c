#include "server/config.h"

#define AT(field) .offset = offsetof(struct config, field)

static const struct option options[] = {
	{.name = "data-dir",
	 .type = OPTION_TEXT,
	 AT(data_dir),
	 .value = "DIR",
	 .help = "Where the database and the certificates made on first start are kept; required"},
	{.name = "config",
	 .type = OPTION_TEXT,
	 AT(file),
	 .value = "FILE",
	 .flag_only = true,
	 .help = "A YAML file whose keys are these options without the dashes; flags win over it"},
	{.name = "webhook-listen",
	 .type = OPTION_TEXT,
	 AT(webhook_listen),
	 .value = "ADDR:PORT",
	 .standard = "0.0.0.0:8443",
	 .help = "Where the API server asks, over TLS: POST /validate (also POST /) and POST /image-review"},
	{.name = "api-listen",
	 .type = OPTION_TEXT,
	 AT(api_listen),
	 .value = "ADDR:PORT",
	 .standard = "127.0.0.1:8080",
	 .help = "The Grafeas REST API; plain HTTP and open to everybody on loopback, TLS and authentication "
		 "elsewhere"},
	{.name = "ops-listen",
	 .type = OPTION_TEXT,
	 AT(ops_listen),
	 .value = "ADDR:PORT",
	 .standard = "127.0.0.1:9090",
	 .help = "/healthz, /readyz and /metrics, over plain HTTP"},
	{.name = "tls-cert",
	 .type = OPTION_TEXT,
	 AT(tls_cert),
	 .value = "FILE",
	 .help = "The server's certificate and its chain (PEM); without it DIR/certs/server.pem, made on first start. "
		 "Looked at again while the server runs"},
	{.name = "tls-key",
	 .type = OPTION_TEXT,
	 AT(tls_key),
	 .value = "FILE",
	 .help = "The private key of --tls-cert (PEM)"},
	{.name = "client-ca",
	 .type = OPTION_TEXT,
	 AT(client_ca),
	 .value = "FILE",
	 .help = "The webhook answers only clients with a certificate of this CA (PEM); an API listener on TLS takes "
		 "one "
		 "instead of a token"},
	{.name = "token-file",
	 .type = OPTION_TEXT,
	 AT(token_file),
	 .value = "FILE",
	 .help = "Bearer tokens of the API, one line each as `sealgate token new` prints it: ROLE NAME sha256:HEX. "
		 "Looked at "
		 "again while the server runs"},
	{.name = "store",
	 .type = OPTION_TEXT,
	 AT(store),
	 .value = "URL",
	 .help = "Where facts are kept: sqlite:PATH; without it sqlite:DIR/sealgate.db"},
	{.name = "policy-dir",
	 .type = OPTION_LIST,
	 AT(policy_dirs),
	 .value = "DIR",
	 .help = "Policy manifests (.yaml, .yml, .json); watched"},
	{.name = "pubkeys",
	 .type = OPTION_TEXT,
	 AT(pubkeys),
	 .value = "DIR",
	 .help = "OpenPGP public keys (.pub, .asc); watched. Without policy objects every image needs one attestation "
		 "by "
		 "one of them"},
	{.name = "default-action",
	 .type = OPTION_CHOICE,
	 AT(default_action),
	 .value = "WORD",
	 .choices = "deny|warn|allow",
	 .standard = "deny",
	 .help = "What happens to an image that no policy selects"},
	{.name = "exempt-namespace",
	 .type = OPTION_LIST,
	 AT(exempt_given),
	 .value = "NAME",
	 .help = "A namespace in which everything is allowed, besides kube-system, kube-node-lease and the server's "
		 "own; "
		 "an empty NAME clears that list"},
	{.name = "kubeconfig",
	 .type = OPTION_TEXT,
	 AT(kubeconfig),
	 .value = "FILE",
	 .help = "Follows the policy objects of the cluster of this file's current context, and writes back what "
		 "became "
		 "of them"},
	{.name = "in-cluster",
	 .type = OPTION_SWITCH,
	 AT(in_cluster),
	 .help = "Does the same as a pod of the cluster, by its service account"},
	{.name = "scan-interval",
	 .type = OPTION_TEXT,
	 AT(scan_interval),
	 .value = "DURATION",
	 .standard = "6h",
	 .help = "How often what runs in the cluster already is looked at again, like 30m; 0 for never. Also after a "
		 "change of policies or keys; without a cluster it means nothing"},
	{.name = "log-format",
	 .type = OPTION_CHOICE,
	 AT(log_format),
	 .value = "WORD",
	 .choices = "json|text",
	 .standard = "json",
	 .help = "How lines on standard error look"},
	{.name = "log-level",
	 .type = OPTION_CHOICE,
	 AT(log_level),
	 .value = "WORD",
	 .choices = "error|warn|info|debug",
	 .standard = "info",
	 .help = "Which lines are written; the line of each decision always is"},
	{.name = "check-config",
	 .type = OPTION_SWITCH,
	 AT(check_config),
	 .flag_only = true,
	 .help = "Checks flags, configuration, policies and keys as a start would, opens no port, writes nothing, and "
		 "exits"},
	{.name = "check-sandbox",
	 .type = OPTION_SWITCH,
	 AT(check_sandbox),
	 .flag_only = true,
	 .help = "Tries, in processes that are confined as a start with the same flags would confine the server and "
		 "its verify worker, what must not work there; prints what is in force, what isn't and why; and exits"},
	{.name = "version", .type = OPTION_SWITCH, AT(version), .flag_only = true, .help = "Prints the version"},
	{.name = "help", .letter = 'h', .type = OPTION_SWITCH, AT(help), .flag_only = true, .help = "Prints this text"},
	{.name = "man", .type = OPTION_SWITCH, AT(man), .flag_only = true},
};

const struct option_table config_table = {
	.synopsis = "sealgated --data-dir DIR [--config FILE] [options]",
	.summary = "decides whether container images may run, from signed facts about them",
	.detail = "sealgated is a Kubernetes admission webhook and a Grafeas-compatible attestation server. It refuses "
		  "every image "
		  "for which the policies in force find no good attestation, and says what is missing.\n"
		  "\n"
		  "Policies, keys, tokens and certificates are looked at twice a second; a change that can't be loaded "
		  "leaves the "
		  "last good state in force and shows in the log, in /readyz and in the metrics. SIGHUP loads them at "
		  "once. SIGTERM "
		  "and SIGINT finish the requests that are running, for at most 20 seconds, and end the server.",
	.examples = "sealgated --data-dir /var/lib/sealgate --pubkeys /etc/sealgate/keys\n"
		    "sealgated --config /etc/sealgate/sealgated.yaml --check-config\n"
		    "sealgated --config /etc/sealgate/sealgated.yaml --check-sandbox",
	.exit_status =
		"0: ended by SIGTERM or SIGINT; or --check-config found nothing wrong; or --check-sandbox found all of "
		"the sandbox in force.\n"
		"\n"
		"1: something failed at run time: a port is taken, the database is damaged or newer; or a part of the "
		"sandbox is not in force.\n"
		"\n"
		"2: a flag, the configuration, a policy or a key is wrong; nothing was started.",
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};
