#include "server/sandbox_places.h"

#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "server/http_address.h"

#define PATHS_MEMORY (4u * 1024 * 1024)
/* Symbolic links on one way, as many as the kernel follows. */
#define LINKS_MAX 40u

static const struct path_rule system_places[] = {
	{"/dev/null", PATH_WRITE},
	{"/dev/urandom", PATH_READ},
	{"/etc/localtime", PATH_READ},
	{"/usr/share/zoneinfo", PATH_READ},
	{"/etc/ssl/openssl.cnf", PATH_READ},
	{"/usr/lib/ssl/openssl.cnf", PATH_READ},
	{"/etc/pki/tls/openssl.cnf", PATH_READ},
	{"/etc/crypto-policies", PATH_READ},
	{"/etc/gnutls", PATH_READ},
	{"/proc/sys/crypto/fips_enabled", PATH_READ},
	/* malloc asks before it gives memory back. */
	{"/proc/sys/vm/overcommit_memory", PATH_READ},
	{"/sys/devices/system/cpu/online", PATH_READ},
};
#define SYSTEM_PLACES (sizeof(system_places) / sizeof(system_places[0]))

/* Right below `/`: nothing that a source stands in should open all of it. */
static const char *const system_directories[] = {"bin",	  "boot", "dev", "etc",	 "home", "lib",	 "lib32",
						 "lib64", "mnt",  "opt", "proc", "root", "run",	 "sbin",
						 "srv",	  "sys",  "tmp", "usr",	 "var",	 "media"};

static bool is_too_much(const char *real)
{
	if (strcmp(real, "/") == 0)
		return true;
	for (size_t i = 0; i < sizeof(system_directories) / sizeof(system_directories[0]); i++)
		if (strcmp(real + 1, system_directories[i]) == 0)
			return true;
	return false;
}

static bool is_within(const char *real, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(real, directory, length) == 0 && (real[length] == 0 || real[length] == '/');
}

static bool is_covered(const struct sandbox_places *places, const char *real, unsigned uses)
{
	for (size_t i = places->system; i < places->count; i++)
		if ((places->rules[i].uses & uses) == uses && is_within(real, places->rules[i].path))
			return true;
	return false;
}

static bool add(struct sandbox_places *places, const char *path, unsigned uses, struct err *e)
{
	struct str copy;

	if (places->count == SANDBOX_PLACES)
		return err_set(e, ERR_TOO_LARGE, "policies and keys lead to more than %u directories", SANDBOX_PLACES);
	copy = arena_copy(&places->arena, str_of(path));
	if (!copy.ptr)
		return err_no_memory(e);
	places->rules[places->count++] = (struct path_rule){copy.ptr, uses};
	return true;
}

/* By where it leads now. To be written includes to be read. */
static bool add_real(struct sandbox_places *places, const char *path, unsigned uses, struct err *e)
{
	cleanup(memory) char *real = realpath(path, NULL);

	if (!real || is_covered(places, real, uses))
		return true;
	return add(places, real, uses == PATH_WRITE ? PATH_READ | PATH_WRITE : uses, e);
}

static void directory_of(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int length = slash ? (int)(slash - path) : 0;

	(void)snprintf(out, PATH_MAX, "%.*s", length ? length : 1, slash ? path : ".");
}

/* What stands at `path`, or is put there anew; `or_else` when its directory is too much. */
static bool add_surroundings(struct sandbox_places *places, const char *path, const char *or_else, struct err *e)
{
	char directory[PATH_MAX];
	cleanup(memory) char *real = NULL;

	directory_of(path, directory);
	real = realpath(directory, NULL);
	if (real && !is_too_much(real))
		return add_real(places, real, PATH_READ, e);
	return !or_else || add_real(places, or_else, PATH_READ, e);
}

/* Replaces the first symbolic link in an absolute path by where it points to, and cuts the path there in `link`. False
 * when there is none, or it can't be followed. */
static bool follow_one(char path[PATH_MAX], char link[PATH_MAX])
{
	char target[PATH_MAX], directory[PATH_MAX], next[PATH_MAX];

	for (size_t end = 1; path[end - 1]; end++) {
		ssize_t length;

		if (path[end] != '/' && path[end] != 0)
			continue;
		(void)snprintf(link, PATH_MAX, "%.*s", (int)end, path);
		length = readlink(link, target, sizeof(target));
		if (length <= 0) {
			if (path[end] == 0)
				break;
			continue;
		}
		directory_of(link, directory);
		if (snprintf(next, sizeof(next), "%s%s%.*s%s", target[0] == '/' ? "" : directory,
			     target[0] == '/' ? "" : "/", (int)length, target, path + end) >= (int)sizeof(next))
			return false;
		memcpy(path, next, sizeof(next));
		return true;
	}
	return false;
}

/* Each link on the way may be turned to somewhere else, as Kubernetes and deployments do. */
static bool add_way(struct sandbox_places *places, const char *start, struct err *e)
{
	char path[PATH_MAX], link[PATH_MAX], here[PATH_MAX] = "";

	if (start[0] != '/' && !getcwd(here, sizeof(here)))
		return err_errno(e, "%s", start);
	if (snprintf(path, sizeof(path), "%s%s%s", here, here[0] ? "/" : "", start) >= (int)sizeof(path))
		return true;
	for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
		path[end - 1] = 0;
	for (unsigned i = 0; i < LINKS_MAX && follow_one(path, link); i++)
		if (!add_surroundings(places, link, NULL, e))
			return false;
	return add_surroundings(places, path, path, e);
}

static void close_directory(DIR *directory)
{
	if (directory)
		closedir(directory);
}
CLEANUP_POINTER(directory, DIR, close_directory)

static bool add_links_in(struct sandbox_places *places, const char *path, struct err *e)
{
	cleanup(directory) DIR *directory = opendir(path);
	const struct dirent *entry;

	for (unsigned i = 0; directory && i < LIMIT_POLICY_FILES && (entry = readdir(directory)) != NULL; i++) {
		char link[PATH_MAX];

		if ((entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) || entry->d_name[0] == '.' ||
		    snprintf(link, sizeof(link), "%s/%s", path, entry->d_name) >= (int)sizeof(link))
			continue;
		if (!add_way(places, link, e))
			return false;
	}
	return true;
}

static bool add_source(struct sandbox_places *places, const char *path, struct err *e)
{
	return !path || !path[0] || (add_way(places, path, e) && add_links_in(places, path, e));
}

/* By its name and, as SQLite does, by where that leads. */
static bool add_store(struct sandbox_places *places, const char *url, struct err *e)
{
	const char *path = url + strlen("sqlite:");
	cleanup(memory) char *real = realpath(path, NULL);
	char directory[PATH_MAX];

	directory_of(path, directory);
	if (!add_real(places, directory, PATH_WRITE, e))
		return false;
	directory_of(real ? real : path, directory);
	return add_real(places, directory, PATH_WRITE, e);
}

static bool add_all(struct sandbox_places *places, const struct config *config, struct err *e)
{
	const char *const sources[] = {config->pubkeys, config->certificate, config->key, config->client_ca,
				       config->token_file};

	for (size_t i = 0; i < SYSTEM_PLACES; i++)
		if (!add(places, system_places[i].path, system_places[i].uses, e))
			return false;
	places->system = places->count;
	if (!add_real(places, config->data_dir, PATH_WRITE, e) || !add_store(places, config->store_url, e))
		return false;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (!add_source(places, sources[i], e))
			return false;
	for (size_t i = 0; i < config->policy_dirs.count; i++)
		if (!add_source(places, config->policy_dirs.items[i], e))
			return false;
	return true;
}

static bool list_ports(const struct config *config, uint16_t ports[SANDBOX_PORTS], struct err *e)
{
	const char *const listeners[SANDBOX_PORTS] = {config->webhook_listen, config->api_listen, config->ops_listen};
	struct http_address address;

	for (size_t i = 0; i < SANDBOX_PORTS; i++) {
		if (!http_address_parse(listeners[i], &address, e))
			return false;
		/* The port stands at the same place for both families. */
		ports[i] = ntohs(((const struct sockaddr_in *)(const void *)&address.socket)->sin_port);
	}
	return true;
}

bool sandbox_places_find(const struct config *config, struct sandbox_places *out, struct err *e)
{
	out->arena = arena_init(PATHS_MEMORY);
	out->count = out->system = 0;
	return add_all(out, config, e) && list_ports(config, out->ports, e);
}

void sandbox_places_release(struct sandbox_places *places)
{
	arena_release(&places->arena);
}
