/* Bearer tokens of the API: the text that is sent and the line that the server keeps. */
#ifndef SEALGATE_CLI_TOKEN_H
#define SEALGATE_CLI_TOKEN_H

#include "base/err.h"
#include "base/limits.h"

enum { TOKEN_BYTES = 32 };

struct token {
	char text[64];				       /* base64url of the bytes, 43 characters */
	char line[16 + LIMIT_TOKEN_NAME + 8 + 64 + 4]; /* "ROLE NAME sha256:HEX", HEX of the text as it is sent */
};

/* A token of 32 random bytes. ERR_INVALID when `name` is not 1 to LIMIT_TOKEN_NAME letters, digits, '.', '_', '-'. */
bool token_make(const unsigned char bytes[TOKEN_BYTES], const char *role, const char *name, struct token *out,
		struct err *e) MUST_USE;

#endif
