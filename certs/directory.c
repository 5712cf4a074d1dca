#include "certs/directory.h"

#include <limits.h>

#include "base/file.h"

static bool read_file(const char *dir, const char *name, struct buf *out, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "%s/%s: the path is too long", dir, name);
	return file_read(path, out, e);
}

X509 *directory_certificate(const char *dir, const char *name, struct err *e)
{
	cleanup(buf) struct buf pem = buf_init(CERTIFICATE_FILE_MAX);
	X509 *certificate;

	if (!read_file(dir, name, &pem, e))
		return NULL;
	certificate = pem_read_certificate(buf_str(&pem), e);
	if (!certificate)
		err_context(e, "%s/%s", dir, name);
	return certificate;
}

EVP_PKEY *directory_key(const char *dir, const char *name, struct err *e)
{
	cleanup(buf) struct buf pem = buf_init_secret(CERTIFICATE_FILE_MAX);
	EVP_PKEY *key;

	if (!read_file(dir, name, &pem, e))
		return NULL;
	key = pem_read_key(buf_str(&pem), e);
	if (!key)
		err_context(e, "%s/%s", dir, name);
	return key;
}

bool directory_key_name(const char *file, char out[64])
{
	struct str name = str_of(file);

	if (!str_ends_with(name, STR(".pem")))
		return false;
	return snprintf(out, 64, "%.*s-key.pem", (int)(name.len - 4), file) < 64;
}
