#include "server/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/x509.h"
#include "policy/kube_name.h"
#include "server/http.h"

#define NAMES_MAX 4u

bool data_dir_make(const char *path, struct err *e)
{
	struct stat st;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_set(e, ERR_INVALID, "--data-dir: %s: cannot be made: %s", path, strerror(errno));
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "--data-dir: %s: is not a directory", path);
	return true;
}

bool data_dir_lock(const char *path, int *fd, struct err *e)
{
	char file[PATH_MAX];
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (snprintf(file, sizeof(file), "%s/lock", path) >= (int)sizeof(file))
		return err_set(e, ERR_INVALID, "--data-dir: the path is too long");
	int opened = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (opened < 0)
		return err_errno(e, "%s: cannot be opened", file);
	if (fcntl(opened, F_SETLK, &whole) != 0) {
		close(opened);
		return err_set(e, ERR_UNAVAILABLE, "%s: another sealgated uses this directory", path);
	}
	*fd = opened;
	return true;
}

/* The host part of the webhook's address, when it is one that callers could use. */
static bool own_address(const char *listen, char *out, size_t size)
{
	bool loopback = true;
	bool v6 = listen[0] == '[';
	const char *colon = strrchr(listen, ':');
	if (!http_address_is_loopback(listen, &loopback, NULL) || loopback || !colon)
		return false;
	(void)snprintf(out, size, "%.*s", (int)(colon - listen) - 2 * v6, listen + v6);
	return strcmp(out, "0.0.0.0") != 0 && strcmp(out, "::") != 0;
}

static bool own_host(char *out, size_t size)
{
	if (gethostname(out, size) != 0)
		return false;
	out[size - 1] = 0;
	return strcmp(out, "localhost") != 0 && kube_subdomain_valid(str_of(out));
}

bool data_dir_certificates(const struct config *config, const char *own_namespace, bool *made, struct err *e)
{
	char dir[PATH_MAX], host[256], address[64], service[128];
	const char *names[NAMES_MAX];
	struct option_list list = {.items = names, .given = true};
	*made = false;
	if (!config->own_certificates || access(config->certificate, F_OK) == 0)
		return true;
	if (snprintf(dir, sizeof(dir), "%s/certs", config->data_dir) >= (int)sizeof(dir))
		return err_set(e, ERR_INVALID, "--data-dir: the path is too long");
	if (own_host(host, sizeof(host)))
		names[list.count++] = host;
	if (own_address(config->webhook_listen, address, sizeof(address)))
		names[list.count++] = address;
	(void)snprintf(service, sizeof(service), "sealgate.%s.svc", own_namespace);
	if (own_namespace[0])
		names[list.count++] = service;
	*made = certs_init(dir, &list, e);
	return *made;
}
