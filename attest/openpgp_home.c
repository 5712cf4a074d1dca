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
#include "base/str.h"

/* gpg's own homes are two levels deep. */
#define DEPTH_MAX 8
/* What gpg writes for one key and its locks, with some to spare. */
#define ROOM_BYTES (256 * 1024)

extern char **environ;

/* no-random-seed-file: two calls at once otherwise wait a quarter of a second for each other's lock. */
static const char verify_settings[] = "batch\n"
				      "no-tty\n"
				      "no-greeting\n"
				      "quiet\n"
				      "no-autostart\n"
				      "disable-dirmngr\n"
				      "no-auto-key-retrieve\n"
				      "no-auto-key-locate\n"
				      "trust-model always\n"
				      "no-auto-check-trustdb\n"
				      "lock-never\n"
				      "no-random-seed-file\n"
				      "weak-digest RIPEMD160\n"
				      "no-allow-multiple-messages\n"
				      "max-output 131072\n";

static const char sign_settings[] = "batch\n"
				    "no-tty\n"
				    "no-greeting\n"
				    "quiet\n"
				    "disable-dirmngr\n"
				    "no-auto-key-retrieve\n"
				    "no-auto-key-locate\n"
				    "trust-model always\n"
				    "no-auto-check-trustdb\n"
				    "no-random-seed-file\n"
				    "digest-algo SHA512\n";

static const struct str settings[] = {
	[HOME_VERIFIES] = {verify_settings, sizeof(verify_settings) - 1},
	[HOME_SIGNS] = {sign_settings, sizeof(sign_settings) - 1},
};

static bool write_settings(int home, struct str text, struct err *e)
{
	cleanup(fd) int file = openat(home, "gpg.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (file < 0 || write(file, text.ptr, text.len) != (ssize_t)text.len)
		return err_errno(e, "gpg.conf of a private home");
	return true;
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
	cleanup(fd) int home = -1;

	if (length < 0 || (size_t)length >= sizeof(name))
		return err_set(e, ERR_INVALID, "the path of the private home is too long: %s", parent);
	if (!mkdtemp(name))
		return err_errno(e, "can't make a private home below %s", parent);
	home = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (home < 0 || !write_settings(home, settings[use], e)) {
		directory_remove(name);
		return home < 0 ? err_errno(e, "%s", name) : false;
	}
	make_trustdb(name);
	memcpy(path, name, (size_t)length + 1);
	return true;
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
