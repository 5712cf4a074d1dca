#include "attest/openpgp_home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

/* gpg's own homes are two levels deep. */
#define DEPTH_MAX 8
/* What gpg writes for one key and its locks, with some to spare. */
#define ROOM_BYTES (256 * 1024)
#define SETTINGS_MAX 4096u

extern char **environ;

/* no-random-seed-file: two calls at once otherwise wait a quarter of a second for each other's lock. */
#define QUIET_SETTINGS            \
	"batch\n"                 \
	"no-tty\n"                \
	"no-greeting\n"           \
	"quiet\n"                 \
	"disable-dirmngr\n"       \
	"no-auto-key-retrieve\n"  \
	"no-auto-key-locate\n"    \
	"no-auto-check-trustdb\n" \
	"no-random-seed-file\n"

#define READ_SETTINGS                  \
	QUIET_SETTINGS                 \
	"no-autostart\n"               \
	"lock-never\n"                 \
	"weak-digest RIPEMD160\n"      \
	"no-allow-multiple-messages\n" \
	"max-output 131072\n"

static const struct {
	const char *settings;
	bool make_trustdb;
} uses[] = {
	[HOME_VERIFIES] = {READ_SETTINGS "trust-model always\n", true},
	[HOME_IMPORTS] = {READ_SETTINGS "trust-model direct\nimport-options no-repair-keys\n", false},
	[HOME_REPAIRS] = {READ_SETTINGS "trust-model direct\n", false},
	[HOME_LOADED] = {READ_SETTINGS "trust-model always\nno-default-keyring\n", false},
	[HOME_SIGNS] = {QUIET_SETTINGS "trust-model always\ndigest-algo SHA512\n", true},
};

static bool write_file(const char *home, const char *name, struct str text, struct err *e)
{
	char path[OPENPGP_HOME_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	return file_write(path, text, 0600, e);
}

/* Runs a program of gpg's with its output thrown away; what it did is seen by what follows. */
static void run_quietly(char *const command[])
{
	posix_spawn_file_actions_t quiet;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, command[0], &quiet, NULL, command, environ) == 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	posix_spawn_file_actions_destroy(&quiet);
}

/* Without one gpg can't show expired and revoked keys; "trust-model always" never makes one. */
static void make_trustdb(const char *home)
{
	run_quietly((char *[]){"gpg", "--homedir", (char *)home, "--trust-model", "direct", "--check-trustdb", NULL});
}

/* gpg-agent would notice a minute later that its home is gone. */
static void end_agent(const char *home)
{
	run_quietly((char *[]){"gpgconf", "--homedir", (char *)home, "--kill", "gpg-agent", NULL});
	run_quietly((char *[]){"gpgconf", "--homedir", (char *)home, "--remove-socketdir", NULL});
}

/* Plain calls that gpg itself makes, so that no sandbox stands in their way. */
static bool fill_probe(int home)
{
	static const char block[ROOM_BYTES];
	int probe = openat(home, "room", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool filled;

	if (probe < 0)
		return false;
	errno = ENOSPC;
	filled = write(probe, block, sizeof(block)) == (ssize_t)sizeof(block);
	close(probe);
	unlinkat(home, "room", 0);
	return filled;
}

bool openpgp_home_has_room(const char *path, struct err *e)
{
	cleanup(fd) int home = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (home >= 0 && fill_probe(home))
		return true;
	err_errno(e, "%s: there is no room for keys", path);
	if (e)
		e->kind = ERR_UNAVAILABLE;
	return false;
}

bool openpgp_home_make(const char *parent, enum openpgp_home_use use, char path[OPENPGP_HOME_PATH_MAX], struct err *e)
{
	char name[OPENPGP_HOME_PATH_MAX];
	int length = snprintf(name, sizeof(name), "%s/home-XXXXXX", parent);

	if (length < 0 || (size_t)length >= sizeof(name))
		return err_set(e, ERR_INVALID, "the path of the private home is too long: %s", parent);
	if (!mkdtemp(name))
		return err_errno(e, "can't make a private home below %s", parent);
	if (!write_file(name, "gpg.conf", str_of(uses[use].settings), e)) {
		directory_remove(name);
		return false;
	}
	if (uses[use].make_trustdb)
		make_trustdb(name);
	memcpy(path, name, (size_t)length + 1);
	return true;
}

bool openpgp_home_load(const char *path, const struct openpgp_files *files, size_t count, struct err *e)
{
	cleanup(buf) struct buf settings = buf_init(SETTINGS_MAX);
	char name[32];

	if (count == 0 || count > OPENPGP_KEYRINGS_MAX)
		return count == 0 || err_set(e, ERR_INTERNAL, "more than %u keyrings", OPENPGP_KEYRINGS_MAX);
	buf_add_c(&settings, uses[HOME_LOADED].settings);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%zu.kbx", i);
		buf_printf(&settings, "keyring %s\n", name);
		if (!write_file(path, name, files[i].keyring, e))
			return false;
	}
	return buf_ok(&settings, e) && write_file(path, "gpg.conf", buf_str(&settings), e) &&
	       write_file(path, "trustdb.gpg", files[0].trust, e);
}

static bool read_file(const char *home, const char *name, struct buf *out, struct err *e)
{
	char path[OPENPGP_HOME_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	return file_read(path, out, e);
}

bool openpgp_home_read(const char *path, struct buf *keyring, struct buf *trust, struct err *e)
{
	return read_file(path, "pubring.kbx", keyring, e) && read_file(path, "trustdb.gpg", trust, e);
}

void openpgp_home_remove(const char *path, enum openpgp_home_use use)
{
	if (use == HOME_SIGNS)
		end_agent(path);
	directory_remove(path);
}

static void empty_directory(int directory, int depth);

static void remove_entry(int directory, const char *name, int depth)
{
	int inner;

	if (unlinkat(directory, name, 0) == 0 || depth >= DEPTH_MAX)
		return;
	inner = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (inner >= 0)
		empty_directory(inner, depth + 1);
	unlinkat(directory, name, AT_REMOVEDIR);
}

/* Takes the descriptor over. */
static void empty_directory(int directory, int depth)
{
	DIR *entries = fdopendir(directory);
	const struct dirent *entry;

	if (!entries) {
		close(directory);
		return;
	}
	while ((entry = readdir(entries)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_entry(directory, entry->d_name, depth);
	closedir(entries);
}

void directory_remove(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory >= 0)
		empty_directory(directory, 0);
	rmdir(path);
}
