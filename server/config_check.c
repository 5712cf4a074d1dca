#include "server/config_check.h"

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/trust.h"
#include "certs/x509.h"
#include "server/access.h"
#include "server/cluster_link.h"
#include "server/tls_files.h"

#define OPEN_DIRECTORIES 16
/* Keys are read by as many at the same time. */
#define WORKERS 2
#define OWN_NAMESPACE_MAX 63u

struct scratch {
	char path[PATH_MAX];
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	(void)remove(path);
	return 0;
}

static void scratch_release(struct scratch *scratch)
{
	if (scratch->path[0])
		(void)nftw(scratch->path, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}
CLEANUP_VALUE(scratch, struct scratch, scratch_release)
CLEANUP_POINTER(workers, struct worker_pool, worker_pool_stop)

static bool scratch_make(struct scratch *scratch, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(scratch->path, sizeof(scratch->path), "%.*s/sealgated-check-XXXXXX", PATH_MAX - 64,
		       tmp && tmp[0] ? tmp : "/tmp");
	if (mkdtemp(scratch->path))
		return true;
	err_errno(e, "%s: cannot be made", scratch->path);
	scratch->path[0] = 0;
	return false;
}

static bool check_trust(const struct config *config, const struct scratch *scratch, FILE *errors, struct err *e)
{
	struct trust_sources sources = {.policy_dirs = config->policy_dirs, .pubkeys = config->pubkeys};
	cleanup(buf) struct buf own = buf_init(OWN_NAMESPACE_MAX);
	struct trust *trust = NULL;
	struct sandbox_offer offer;
	if (config->cluster) {
		config_own_namespace(getenv("POD_NAMESPACE"), CONFIG_NAMESPACE_FILE, &own);
		sources.own_namespace = buf_str(&own).ptr;
		sources.namespace_labels = true;
	}
	sandbox_offer_ask(&offer);
	cleanup(workers) struct worker_pool *workers = worker_pool_start_confined(WORKERS, scratch->path, &offer, e);
	if (!workers || !trust_load(&sources, workers, NULL, &trust, e))
		return false;
	for (size_t i = 0; i < trust->warning_count; i++)
		(void)fprintf(errors, "warning: %s\n", trust->warnings[i].text);
	trust_unref(trust);
	return true;
}

static bool check_tokens(const struct config *config, const struct scratch *scratch, FILE *errors, struct err *e)
{
	(void)scratch;
	(void)errors;
	struct access *access = access_open(config->token_file, config->api_loopback, e);
	if (!access)
		return false;
	access_close(access);
	return true;
}

/* Where the certificate would be made at start, one made here stands in for it. */
static bool check_tls(const struct config *config, const struct scratch *scratch, FILE *errors, struct err *e)
{
	bool absent = config->own_certificates && access(config->certificate, F_OK) != 0;
	struct option_list no_names = {0};
	char dir[PATH_MAX + 16], certificate[PATH_MAX + 64], key[PATH_MAX + 64];
	(void)errors;
	(void)snprintf(dir, sizeof(dir), "%s/certs", scratch->path);
	(void)snprintf(certificate, sizeof(certificate), "%s/server.pem", dir);
	(void)snprintf(key, sizeof(key), "%s/server-key.pem", dir);
	if (absent && !certs_init(dir, &no_names, e))
		return false;
	struct tls_files *files = tls_files_open(absent ? certificate : config->certificate, absent ? key : config->key,
						 config->client_ca, e);
	tls_files_close(files);
	return files != NULL;
}

static bool check_cluster(const struct config *config, const struct scratch *scratch, FILE *errors, struct err *e)
{
	(void)scratch;
	(void)errors;
	return cluster_link_check(config, e);
}

bool config_check(const struct config *config, FILE *errors)
{
	bool (*const checks[])(const struct config *, const struct scratch *, FILE *,
			       struct err *) = {check_trust, check_tokens, check_tls, check_cluster};
	cleanup(scratch) struct scratch scratch = {""};
	struct err e = ERR_INIT;
	bool good = scratch_make(&scratch, &e);
	if (!good)
		(void)fprintf(errors, "%s\n", e.text);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && scratch.path[0]; i++) {
		e = ERR_INIT;
		if (checks[i](config, &scratch, errors, &e))
			continue;
		(void)fprintf(errors, "%s\n", e.text);
		good = false;
	}
	return good;
}
