#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Stated here because headers are often older than the kernel (Documentation/userspace-api/landlock.rst). */
enum { CREATE_VERSION = 1, RULE_PATH = 1, RULE_PORT = 2 };
#define RUN_FILE (1ull << 0)
#define WRITE_FILE (1ull << 1)
#define READ_FILE (1ull << 2)
#define READ_DIRECTORY (1ull << 3)
#define REMOVE_DIRECTORY (1ull << 4)
#define REMOVE_FILE (1ull << 5)
#define MAKE_DIRECTORY (1ull << 7)
#define MAKE_FILE (1ull << 8)
#define FIRST_FILE_RIGHTS ((1ull << 13) - 1)
#define REFER (1ull << 13)
#define TRUNCATE (1ull << 14)
#define IOCTL_DEVICE (1ull << 15)
#define LISTEN_TCP (1ull << 0)
#define CONNECT_TCP (1ull << 1)
#define SCOPE_ABSTRACT_SOCKETS (1ull << 0)
#define SCOPE_SIGNALS (1ull << 1)
/* A rule on what is no directory may name these alone. */
#define RIGHTS_OF_A_FILE (RUN_FILE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE)

struct ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

struct path_beneath {
	uint64_t rights;
	int32_t directory;
} __attribute__((packed));

struct net_port {
	uint64_t rights;
	uint64_t port;
};

static const struct {
	int abi;
	struct ruleset adds;
} abis[] = {
	{1, {.files = FIRST_FILE_RIGHTS}}, {2, {.files = REFER}},
	{3, {.files = TRUNCATE}},	   {LANDLOCK_ABI_PORTS, {.net = LISTEN_TCP | CONNECT_TCP}},
	{5, {.files = IOCTL_DEVICE}},	   {LANDLOCK_ABI_SIGNALS, {.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS}},
};

static struct ruleset handled_by(int abi)
{
	struct ruleset handled = {0};

	for (size_t i = 0; i < sizeof(abis) / sizeof(abis[0]); i++) {
		if (abis[i].abi > abi)
			break;
		handled.files |= abis[i].adds.files;
		handled.net |= abis[i].adds.net;
		handled.scoped |= abis[i].adds.scoped;
	}
	return handled;
}

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t rights_of(unsigned uses)
{
	uint64_t rights = uses & PATH_PRUNE ? REMOVE_DIRECTORY : 0;

	if (uses & (PATH_READ | PATH_RUN | PATH_WRITE))
		rights |= READ_FILE | READ_DIRECTORY;
	if (uses & PATH_RUN)
		rights |= RUN_FILE;
	if (uses & PATH_WRITE)
		rights |= WRITE_FILE | TRUNCATE | MAKE_DIRECTORY | MAKE_FILE | REMOVE_DIRECTORY | REMOVE_FILE;
	return rights;
}

/* What can't be reached now is not reached later either. */
static bool is_out_of_reach(int number)
{
	return number == ENOENT || number == ENOTDIR || number == EACCES || number == ELOOP;
}

static bool add_path(int ruleset, uint64_t handled, const struct path_rule *rule, struct err *e)
{
	cleanup(fd) int fd = open(rule->path, O_PATH | O_CLOEXEC);
	struct path_beneath beneath = {.rights = rights_of(rule->uses) & handled, .directory = fd};
	struct stat st;

	if (fd < 0 && is_out_of_reach(errno))
		return true;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(e, "Landlock: %s", rule->path);
	if (!S_ISDIR(st.st_mode))
		beneath.rights &= RIGHTS_OF_A_FILE;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &beneath, 0) == 0 ||
	       err_errno(e, "Landlock: %s", rule->path);
}

static bool add_port(int ruleset, uint64_t rights, uint16_t port, struct err *e)
{
	struct net_port rule = {.rights = rights, .port = port};

	return rule.rights == 0 || syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0) == 0 ||
	       err_errno(e, "Landlock: port %u", port);
}

bool landlock_confine(int abi, const struct landlock_rules *rules, struct err *e)
{
	struct ruleset handled = handled_by(abi);
	cleanup(fd) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);

	if (ruleset < 0)
		return err_errno(e, "Landlock");
	for (size_t i = 0; i < rules->path_count; i++)
		if (!add_path(ruleset, handled.files, &rules->paths[i], e))
			return false;
	for (size_t i = 0; i < rules->port_count; i++)
		if (!add_port(ruleset, handled.net & LISTEN_TCP, rules->ports[i], e))
			return false;
	for (size_t i = 0; i < rules->connect_count; i++)
		if (!add_port(ruleset, handled.net & CONNECT_TCP, rules->connect_ports[i], e))
			return false;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 || err_errno(e, "Landlock");
}
