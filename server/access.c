#include "server/access.h"

#include <pthread.h>
#include <stdint.h>

#include "attest/sha256.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/limits.h"

#define LINE_PARTS 3

struct token {
	struct sha256 hash;
	enum access_role role;
	char name[LIMIT_TOKEN_NAME + 1];
};

struct token_list {
	struct token *items;
	size_t count;
};

struct access {
	const char *file; /* NULL: no tokens */
	bool open;
	/* of the last reading; only the one who refreshes uses them */
	struct file_look look;
	bool retry; /* it failed, and not for what is in the file */
	struct err told;
	pthread_rwlock_t lock;
	struct token_list tokens; /* under the lock */
};

static const struct {
	const char *word;
	enum access_role role;
} roles[] = {{"read", ACCESS_READ}, {"attest", ACCESS_ATTEST}, {"admin", ACCESS_ADMIN}};

static void token_list_release(struct token_list *list)
{
	free(list->items);
	*list = (struct token_list){0};
}

CLEANUP_VALUE(token_list, struct token_list, token_list_release)

/* Up to `max` words between blanks; the number there are. */
static size_t split_words(struct str line, struct str *words, size_t max)
{
	size_t count = 0;

	for (line = str_trim(line); line.len; line = str_trim(line)) {
		size_t end = 0;

		while (end < line.len && line.ptr[end] != ' ' && line.ptr[end] != '\t')
			end++;
		if (count < max)
			words[count] = str_head(line, end);
		count++;
		line = str_skip(line, end);
	}
	return count;
}

static bool read_role(struct str word, enum access_role *role, struct err *e)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (!str_eq_c(word, roles[i].word))
			continue;
		*role = roles[i].role;
		return true;
	}
	return err_set(e, ERR_INVALID, "the role must be read, attest or admin");
}

static bool read_name(struct str word, char name[LIMIT_TOKEN_NAME + 1], struct err *e)
{
	if (word.len > LIMIT_TOKEN_NAME)
		return err_set(e, ERR_INVALID, "the name is longer than %u bytes", LIMIT_TOKEN_NAME);
	for (size_t i = 0; i < word.len; i++)
		if (word.ptr[i] < 0x21 || word.ptr[i] > 0x7e)
			return err_set(e, ERR_INVALID, "the name must be printable ASCII");
	memcpy(name, word.ptr, word.len);
	name[word.len] = 0;
	return true;
}

static bool read_hash(struct str word, struct sha256 *hash, struct err *e)
{
	static const struct str prefix = {"sha256:", 7};

	if (!str_starts_with(word, prefix) || !hex_is_lower(str_skip(word, prefix.len), 2 * SHA256_SIZE) ||
	    !hex_decode(str_skip(word, prefix.len), hash->bytes, SHA256_SIZE))
		return err_set(e, ERR_INVALID, "the hash must be sha256: and 64 lower-case hex digits");
	return true;
}

static bool token_read(struct str line, struct token *token, struct err *e)
{
	struct str words[LINE_PARTS];

	if (split_words(line, words, LINE_PARTS) != LINE_PARTS)
		return err_set(e, ERR_INVALID, "expected ROLE NAME sha256:HEX");
	return read_role(words[0], &token->role, e) && read_name(words[1], token->name, e) &&
	       read_hash(words[2], &token->hash, e);
}

/* All tokens are looked at, whichever one matches; the index, or `count` when none does. */
static size_t find_token(const struct token_list *tokens, const struct sha256 *hash)
{
	size_t found = tokens->count;

	for (size_t i = 0; i < tokens->count; i++)
		if (sha256_equal(&tokens->items[i].hash, hash))
			found = i;
	return found;
}

static bool add_token(struct token_list *list, const struct token *token, struct err *e)
{
	struct token *grown;

	if (list->count == LIMIT_TOKENS)
		return err_set(e, ERR_INVALID, "more than %u tokens", LIMIT_TOKENS);
	if (find_token(list, &token->hash) != list->count)
		return err_set(e, ERR_INVALID, "the same token stands on an earlier line");
	grown = realloc(list->items, (list->count + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	list->items = grown;
	list->items[list->count++] = *token;
	return true;
}

static bool parse_tokens(struct str text, struct token_list *list, struct err *e)
{
	for (size_t number = 1; text.len; number++) {
		size_t end = str_find(text, '\n');
		struct str line = str_trim(str_head(text, end));
		struct token token;

		text = str_skip(text, end + 1);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (!token_read(line, &token, e) || !add_token(list, &token, e))
			return err_context(e, "line %zu", number);
	}
	return true;
}

static bool load(struct access *access, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_TOKEN_FILE);
	cleanup(token_list) struct token_list list = {0};
	struct token_list old;

	if (!file_read_settled(access->file, &text, e))
		return false;
	if (!parse_tokens(buf_str(&text), &list, e))
		return err_context(e, "%s", access->file);
	pthread_rwlock_wrlock(&access->lock);
	old = access->tokens;
	access->tokens = list;
	list = old;
	pthread_rwlock_unlock(&access->lock);
	return true;
}

struct access *access_open(const char *token_file, bool open, struct err *e)
{
	struct access *access = calloc(1, sizeof(*access));

	if (!access) {
		err_no_memory(e);
		return NULL;
	}
	access->file = token_file;
	access->open = open;
	pthread_rwlock_init(&access->lock, NULL);
	if (!token_file)
		return access;
	(void)file_look_again(access->file, &access->look);
	if (load(access, e))
		return access;
	if (e->kind != ERR_INTERNAL)
		e->kind = ERR_INVALID;
	access_close(access);
	return NULL;
}

void access_close(struct access *access)
{
	if (!access)
		return;
	token_list_release(&access->tokens);
	pthread_rwlock_destroy(&access->lock);
	free(access);
}

static bool is_about_file(const struct err *e)
{
	return e->kind == ERR_INVALID || e->kind == ERR_NOT_FOUND || e->kind == ERR_TOO_LARGE;
}

bool access_refresh(struct access *access, struct err *e)
{
	struct err why = ERR_INIT;
	bool again = access->retry;

	*e = ERR_INIT;
	if (!access->file || (!file_look_again(access->file, &access->look) && !again))
		return false;
	if (load(access, &why)) {
		access->retry = false;
		return true;
	}
	access->retry = !is_about_file(&why);
	if (!again || strcmp(why.text, access->told.text) != 0)
		*e = why;
	access->told = why;
	return false;
}

static bool refuse(struct err *e)
{
	return err_set(e, ERR_UNAUTHENTICATED, "the API needs a bearer token or a client certificate");
}

/* The token of an Authorization header; false when it is no bearer token. */
static bool bearer(struct str header, struct str *token)
{
	static const struct str scheme = {"Bearer ", 7};

	if (!str_eq_nocase(str_head(header, scheme.len), scheme))
		return false;
	*token = str_trim(str_skip(header, scheme.len));
	return token->len != 0;
}

static bool role_of_token(struct access *access, const struct http_request *request, enum access_role *role,
			  struct str *name, struct err *e)
{
	struct sha256 hash;
	struct str token, text;
	struct token found = {.role = ACCESS_NONE};
	size_t at;

	if (!bearer(request->authorization, &token))
		return refuse(e);
	if (!sha256_of(token, &hash))
		return err_set(e, ERR_INTERNAL, "SHA-256 failed");
	pthread_rwlock_rdlock(&access->lock);
	at = find_token(&access->tokens, &hash);
	if (at < access->tokens.count)
		found = access->tokens.items[at];
	pthread_rwlock_unlock(&access->lock);
	if (found.role == ACCESS_NONE)
		return err_set(e, ERR_UNAUTHENTICATED, "the bearer token is not known");
	text = arena_printf(request->arena, "token %s", found.name);
	if (!text.ptr)
		return err_no_memory(e);
	*role = found.role;
	*name = text;
	return true;
}

static bool admin(const char *who, enum access_role *role, struct str *name)
{
	*role = ACCESS_ADMIN;
	*name = str_of(who);
	return true;
}

bool access_role_of(struct access *access, const struct http_request *request, enum access_role *role, struct str *name,
		    struct err *e)
{
	if (request->authorization.len)
		return role_of_token(access, request, role, name, e);
	if (request->client_certificate)
		return admin("client certificate", role, name);
	if (access->open)
		return admin("loopback", role, name);
	return refuse(e);
}
