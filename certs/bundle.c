#include "certs/x509.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "certs/issue.h"

enum { BUNDLE_MAX = 1024 * 1024 };

CLEANUP_POINTER(bio, BIO, BIO_free_all)

static bool copy_certificates(BIO *bio, struct buf *out, size_t *count, struct err *e)
{
	int reason;

	for (;;) {
		cleanup(x509) X509 *one = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!one)
			break;
		if (!pem_write_certificate(one, out, e))
			return false;
		(*count)++;
	}
	/* Anything but "no further block" is a block that can't be read. */
	reason = ERR_GET_REASON(ERR_peek_last_error());
	ERR_clear_error();
	if (reason != PEM_R_NO_START_LINE)
		return err_set(e, ERR_INVALID, "holds a certificate that can't be read");
	return true;
}

bool certs_read_bundle(const char *path, struct buf *out, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(BUNDLE_MAX);
	cleanup(buf) struct buf pem = buf_init(BUNDLE_MAX);
	size_t count = 0;

	if (!file_read(path, &text, e))
		return false;
	if (text.len && memmem(text.data, text.len, "PRIVATE KEY-----", 16))
		return err_set(e, ERR_INVALID, "%s holds a private key; give the certificate of the CA alone", path);
	cleanup(bio) BIO *bio = BIO_new_mem_buf(text.data ? text.data : "", (int)text.len);
	if (!bio)
		return err_no_memory(e);
	if (!copy_certificates(bio, &pem, &count, e))
		return err_context(e, "%s", path);
	if (count == 0)
		return err_set(e, ERR_INVALID, "%s holds no certificate in PEM", path);
	buf_add(out, buf_str(&pem));
	return buf_ok(out, e);
}
