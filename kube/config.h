/* Where the API server is and who asks: a kubeconfig file, or what a pod finds in its file system.
 *
 * Of a kubeconfig the current context is used: cluster{server, certificate-authority[-data], tls-server-name} and
 * user{client-certificate[-data], client-key[-data], token, tokenFile}. Relative files stand beside the kubeconfig, as
 * for kubectl. Refused with what to do instead: insecure-skip-tls-verify, proxy-url, exec and auth-provider plug-ins,
 * user names with passwords, impersonation, a server that isn't https. Proxies of the environment are never used. */
#ifndef SEALGATE_KUBE_CONFIG_H
#define SEALGATE_KUBE_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define KUBE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

/* A secret is either text or a file that is read again (tokens: at least once a minute, and after a 401). */
struct kube_config {
	struct arena arena;   /* holds what follows */
	const char *server;   /* "https://HOST:PORT" or "https://HOST:PORT/PREFIX", no slash at the end */
	const char *tls_name; /* instead of HOST for the certificate; NULL: HOST */
	const char *ca_file;  /* NULL: ca_pem; both NULL: the system's authorities */
	const char *ca_pem;
	const char *certificate_file; /* with key_file; NULL: certificate_pem with key_pem, or none */
	const char *key_file;
	const char *certificate_pem;
	const char *key_pem;
	const char *token_file; /* NULL: token */
	const char *token;
	const char *namespace_; /* the context's, or the service account's; "default" when neither says */
};

/* ERR_INVALID and ERR_NOT_FOUND "FILE: PATH: TEXT". */
bool kube_config_read(const char *kubeconfig, struct kube_config *out, struct err *e) MUST_USE;
/* From KUBERNETES_SERVICE_HOST and _PORT (an IPv6 host in brackets) and the files of `account_dir`. */
bool kube_config_in_cluster(const char *account_dir, struct kube_config *out, struct err *e) MUST_USE;
/* Wipes what is secret. Legal once one of the two was called. */
void kube_config_release(struct kube_config *config);

CLEANUP_VALUE(kube_config, struct kube_config, kube_config_release)

#endif
