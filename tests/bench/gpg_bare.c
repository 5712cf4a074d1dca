#include "tests/bench/gpg_bare.h"

#include <gpgme.h>
#include <stdlib.h>

#include "attest/openpgp_home.h"
#include "tests/bench/bench.h"

struct gpg_bare {
	gpgme_ctx_t context;
	char home[OPENPGP_HOME_PATH_MAX];
};

struct gpg_bare *gpg_bare_open(const char *directory, struct str key)
{
	struct gpg_bare *gpg = calloc(1, sizeof(*gpg));
	struct err e = ERR_INIT;
	gpgme_data_t data;

	if (!gpg || !openpgp_home_make(directory, HOME_VERIFIES, gpg->home, &e))
		bench_give_up("no home for gpg: %s", e.text);
	gpgme_set_global_flag("disable-gpgconf", "1");
	gpgme_check_version(NULL);
	if (gpgme_new(&gpg->context) ||
	    gpgme_ctx_set_engine_info(gpg->context, GPGME_PROTOCOL_OpenPGP, NULL, gpg->home) ||
	    gpgme_data_new_from_mem(&data, key.ptr, key.len, 0) || gpgme_op_import(gpg->context, data))
		bench_give_up("gpgme can't be used");
	gpgme_data_release(data);
	return gpg;
}

void gpg_bare_verify(struct gpg_bare *gpg, struct str message)
{
	gpgme_data_t upload, plain;
	gpgme_verify_result_t result;

	if (gpgme_data_new_from_mem(&upload, message.ptr, message.len, 0) || gpgme_data_new(&plain))
		bench_give_up("gpgme has no memory");
	if (gpgme_op_verify(gpg->context, upload, NULL, plain))
		bench_give_up("gpgme does not verify");
	result = gpgme_op_verify_result(gpg->context);
	if (!result || !result->signatures || result->signatures->status)
		bench_give_up("gpgme finds a good signature bad");
	gpgme_data_release(upload);
	gpgme_data_release(plain);
}

void gpg_bare_close(struct gpg_bare *gpg)
{
	gpgme_release(gpg->context);
	openpgp_home_remove(gpg->home, HOME_VERIFIES);
	free(gpg);
}
