/* What sealgated was told: flags, the configuration file, and what follows from them. The table is the one place for
 * names, defaults and help. */
#ifndef SEALGATE_SERVER_CONFIG_H
#define SEALGATE_SERVER_CONFIG_H

#include "base/options.h"
#include "policy/model.h"

struct config {
	/* As given, or the default. */
	const char *data_dir;
	const char *file;
	const char *webhook_listen;
	const char *api_listen;
	const char *ops_listen;
	const char *tls_cert;
	const char *tls_key;
	const char *client_ca;
	const char *token_file;
	const char *store;
	struct option_list policy_dirs;
	const char *pubkeys;
	const char *default_action;
	struct option_list exempt_given;
	const char *kubeconfig;
	bool in_cluster;
	const char *scan_interval;
	const char *log_format;
	const char *log_level;
	bool check_config, check_sandbox, version, help, man;
	/* What follows. */
	char *certificate; /* a file, --tls-cert or DIR/certs/server.pem */
	char *key;
	char *store_url;
	bool own_certificates;	  /* in DIR/certs, made on first start */
	bool api_loopback;	  /* plain and open; otherwise TLS and authentication */
	bool cluster;		  /* is followed */
	int64_t scan_interval_ms; /* 0: nothing is scanned */
};

extern const struct option_table config_table;

/* Reads argv and the file that --config names, and checks both: addresses, what needs what. ERR_INVALID "--NAME: what
 * is wrong and what to do", or "FILE: document 1: KEY: what is wrong". With help, version or man nothing is required.
 * `out` is released by the caller, also on failure, when
 * its check_config is right as long as the flags could be read. */
bool config_load(int argc, char **argv, struct config *out, struct err *e) MUST_USE;
void config_release(struct config *config);

/* The word of --default-action. */
enum default_action config_default_action(const struct config *config);

/* Where a pod finds its namespace. */
#define CONFIG_NAMESPACE_FILE "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

/* The server's own namespace: `environment` ($POD_NAMESPACE, may be NULL), else the content of `file`; appended to
 * `out` when it is a namespace's name. */
void config_own_namespace(const char *environment, const char *file, struct buf *out);
/* kube-system, kube-node-lease and `own` (may be ""), unless an empty --exempt-namespace cleared them; then what was
 * given. Items point into `config` and `own`; freed with option_list_release. */
bool config_exempt_namespaces(const struct config *config, const char *own, struct option_list *out,
			      struct err *e) MUST_USE;

#endif
