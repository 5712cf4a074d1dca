#include "tests/e2e/bed.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

char *text_of(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	assert_non_null(text);
	return text;
}

const char *bed_program(const char *name)
{
	static char path[4][512];
	static unsigned next;
	char *out = path[next++ % 4];
	const char *build = getenv("BUILD");

	snprintf(out, 512, "%s/%s", build ? build : "build", name);
	return out;
}

char *bed_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t length = 0;

	if (!file)
		return NULL;
	FILE *out = open_memstream(&text, &length);
	char block[4096];
	size_t got;

	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		fwrite(block, 1, got, out);
	fclose(file);
	fclose(out);
	return text;
}

void bed_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Waits for the end of this process, also by kill -9, and then ends gpg-agent and removes what is left: its end of the
 * pipe closes. In a session of its own, so that nobody's signal to a group takes it along. */
static void start_guard(const struct bed *bed)
{
	static const char clean[] = "cat; gpgconf --homedir \"$0\" --kill all; rm -rf \"$1\"";
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	if (fork() == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		setsid();
		if (dup2(ends[0], 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2)
			execlp("sh", "sh", "-c", clean, bed->gnupg, bed->dir, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
}

int bed_setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(bed);
	signal(SIGPIPE, SIG_IGN);
	snprintf(bed->dir, sizeof(bed->dir), "%.200s/sealgate-e2e-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(bed->dir));
	snprintf(bed->data, sizeof(bed->data), "%s/data", bed->dir);
	snprintf(bed->keys, sizeof(bed->keys), "%s/keys", bed->dir);
	snprintf(bed->policies, sizeof(bed->policies), "%s/policies", bed->dir);
	snprintf(bed->gnupg, sizeof(bed->gnupg), "%s/gnupg", bed->dir);
	snprintf(bed->log, sizeof(bed->log), "%s/log", bed->dir);
	snprintf(bed->ca, sizeof(bed->ca), "%s/certs/ca.pem", bed->data);
	assert_int_equal(mkdir(bed->keys, 0700), 0);
	assert_int_equal(mkdir(bed->policies, 0700), 0);
	assert_int_equal(mkdir(bed->gnupg, 0700), 0);
	start_guard(bed);
	*state = bed;
	return 0;
}

static void end_agent(struct bed *bed)
{
	const char *argv[] = {"gpgconf", "--kill", "all", NULL};

	bed_run(bed, argv, NULL, NULL, NULL);
}

int bed_teardown(void **state)
{
	struct bed *bed = *state;
	int status = bed->server ? bed_stop(bed) : 0;

	if (status != 0) {
		char *log = bed_read(bed->log);

		print_error("sealgated ended with %d:\n%s\n", status, log ? log : "");
		free(log);
	}
	end_agent(bed);
	nftw(bed->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(bed);
	return status;
}

static pid_t spawn(struct bed *bed, const char *const *argv, int input, int output, int errors)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	/* Nothing outlives the test, however it ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(input, 0);
	dup2(output, 1);
	dup2(errors, 2);
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	setenv("GNUPGHOME", bed->gnupg, 1);
	setenv("TMPDIR", bed->dir, 1);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int exit_status(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int bed_run(struct bed *bed, const char *const *argv, const char *input, char **out, char **err)
{
	char *names[3];
	int fds[3], status;

	for (int i = 0; i < 3; i++) {
		names[i] = text_of("%s/run-%d-XXXXXX", bed->dir, i);
		fds[i] = mkstemp(names[i]);
		assert_true(fds[i] >= 0);
	}
	if (input)
		assert_int_equal(write(fds[0], input, strlen(input)), strlen(input));
	lseek(fds[0], 0, SEEK_SET);
	status = exit_status(spawn(bed, argv, fds[0], fds[1], fds[2]));
	if (out)
		*out = bed_read(names[1]);
	if (err)
		*err = bed_read(names[2]);
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
		unlink(names[i]);
		free(names[i]);
	}
	return status;
}

static bool is_given(const char *const *argv, size_t count, const char *flag)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(argv[i], flag) == 0)
			return true;
	return false;
}

/* The test's flags, and a free port for each listener that they don't name. */
static pid_t start(struct bed *bed, va_list flags)
{
	static const char *const listeners[] = {"--webhook-listen", "--api-listen", "--ops-listen"};
	const char *argv[BED_ARGUMENTS] = {bed_program("sealgated"), "--data-dir", bed->data};
	size_t count = 3;
	const char *flag;
	int log = open(bed->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int null = open("/dev/null", O_RDWR);
	pid_t child;

	assert_true(log >= 0 && null >= 0);
	while ((flag = va_arg(flags, const char *)) && count < BED_ARGUMENTS - 7)
		argv[count++] = flag;
	for (size_t i = 0; i < 3; i++) {
		if (is_given(argv, count, listeners[i]))
			continue;
		argv[count++] = listeners[i];
		argv[count++] = "127.0.0.1:0";
	}
	child = spawn(bed, argv, null, log, log);
	close(log);
	close(null);
	return child;
}

/* The address in the "listening" line of one listener. */
static bool listening(struct bed *bed, const char *listener, char *url, size_t size)
{
	char *log = bed_read(bed->log);
	bool found = false;

	for (char *save = NULL, *line = log ? strtok_r(log, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		json_t *entry = json_loads(line, 0, NULL);
		const char *message = json_string_value(json_object_get(entry, "msg"));
		const char *name = json_string_value(json_object_get(entry, "listener"));
		const char *address = json_string_value(json_object_get(entry, "address"));
		bool tls = json_is_true(json_object_get(entry, "tls"));

		if (message && name && address && strcmp(message, "listening") == 0 && strcmp(name, listener) == 0) {
			snprintf(url, size, "%s://%s", tls ? "https" : "http", address);
			found = true;
		}
		json_decref(entry);
	}
	free(log);
	return found;
}

static bool says_ready(struct bed *bed)
{
	struct reply reply;
	bool ok;

	if (!listening(bed, "webhook", bed->webhook, sizeof(bed->webhook)) ||
	    !listening(bed, "api", bed->api, sizeof(bed->api)) || !listening(bed, "ops", bed->ops, sizeof(bed->ops)))
		return false;
	reply = bed_request(bed, "GET", bed->ops, "/readyz", NULL, 0, NULL);
	ok = reply.status == 200;
	reply_release(&reply);
	return ok;
}

bool bed_is_ready(struct bed *bed, void *context)
{
	int status;

	(void)context;
	if (bed->server && waitpid(bed->server, &status, WNOHANG) == bed->server) {
		bed->server = 0;
		return true;
	}
	return says_ready(bed);
}

void bed_start(struct bed *bed, ...)
{
	va_list flags;

	va_start(flags, bed);
	bed->server = start(bed, flags);
	va_end(flags);
	if (!bed_eventually(bed, bed_is_ready, NULL) || bed->server == 0) {
		char *log = bed_read(bed->log);

		fail_msg("sealgated did not become ready:\n%s", log ? log : "");
	}
}

bool bed_try_start(struct bed *bed, int *status, ...)
{
	va_list flags;
	int64_t deadline = clock_monotonic_ms() + 20000;

	va_start(flags, status);
	bed->server = start(bed, flags);
	va_end(flags);
	while (clock_left_ms(deadline) > 0) {
		int ended;

		if (waitpid(bed->server, &ended, WNOHANG) == bed->server) {
			bed->server = 0;
			*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
			return false;
		}
		/* One of the two may be lost when memory runs out. */
		if (bed_log_lines(bed, "started") == 1 || says_ready(bed))
			return true;
		poll(NULL, 0, 5);
	}
	*status = -2;
	return false;
}

int bed_start_fails(struct bed *bed, ...)
{
	va_list flags;
	pid_t child;

	va_start(flags, bed);
	child = start(bed, flags);
	va_end(flags);
	for (int i = 0; i < 1000; i++) {
		int status;

		if (waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		poll(NULL, 0, 10);
	}
	kill(child, SIGKILL);
	exit_status(child);
	return -2;
}

int bed_stop(struct bed *bed)
{
	int status;

	kill(bed->server, SIGTERM);
	status = exit_status(bed->server);
	bed->server = 0;
	return status;
}

void bed_kill(struct bed *bed)
{
	kill(bed->server, SIGKILL);
	exit_status(bed->server);
	bed->server = 0;
}

bool bed_eventually(struct bed *bed, bool (*check)(struct bed *bed, void *context), void *context)
{
	int64_t deadline = clock_monotonic_ms() + 20000;

	do {
		if (check(bed, context))
			return true;
		poll(NULL, 0, 20);
	} while (clock_left_ms(deadline) > 0);
	return false;
}

void bed_key(struct bed *bed, const char *name, const char *email)
{
	const char *make[] = {
		"gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key",
		email, "ed25519", "sign",    "never",		NULL};
	char *file = text_of("%s/%s.asc", bed->keys, name);
	const char *export[] = {"gpg", "--batch", "--armor", "--output", file, "--export", email, NULL};

	assert_int_equal(bed_run(bed, make, NULL, NULL, NULL), 0);
	assert_int_equal(bed_run(bed, export, NULL, NULL, NULL), 0);
	free(file);
}

char *bed_clearsign(struct bed *bed, const char *email, const char *text)
{
	const char *argv[] = {"gpg", "--batch", "--armor", "--local-user", email, "--clearsign", NULL};
	char *out = NULL;

	assert_int_equal(bed_run(bed, argv, text, &out, NULL), 0);
	return out;
}

size_t bed_log_lines(struct bed *bed, const char *message)
{
	char *log = bed_read(bed->log);
	size_t count = 0;

	for (char *save = NULL, *line = log ? strtok_r(log, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		json_t *entry = json_loads(line, 0, NULL);
		const char *text = json_string_value(json_object_get(entry, "msg"));

		count += text && strcmp(text, message) == 0;
		json_decref(entry);
	}
	free(log);
	return count;
}
