/* One open store, fresh for each test, and short ways to fill it. */
#ifndef SEALGATE_TESTS_CONTRACT_BED_H
#define SEALGATE_TESTS_CONTRACT_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store.h"
#include "tests/contract/store_contract.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S str_of

struct bed {
	char *url;
	struct store *store;
	struct arena arena;
	struct err err;
};

int bed_setup(void **state);
int bed_teardown(void **state);
/* Closes the store and opens it again. */
void bed_reopen(struct bed *bed, enum store_mode mode);

/* Rows whose other columns follow from the arguments. */
struct note_row note_of(const char *project, const char *id, const char *json);
struct occurrence_row occurrence_of(const char *project, const char *id, const char *note);
/* An attestation of `digest` with one signature that reads "signature of ID". The evidence belongs to the bed. */
struct occurrence_row attestation_of(struct bed *bed, const char *id, const char *note, const char *digest);

#define assert_done(call)                                         \
	do {                                                      \
		if (!(call))                                      \
			fail_msg("%s: %s", #call, bed->err.text); \
	} while (0)
#define assert_refused(call, k)                     \
	do {                                        \
		bed->err = ERR_INIT;                \
		assert_false(call);                 \
		assert_int_equal(bed->err.kind, k); \
		assert_true(bed->err.text[0] != 0); \
	} while (0)
#define assert_str(s, text) assert_true(str_eq_c((s), (text)))

#define CASE(function) cmocka_unit_test_setup_teardown(function, bed_setup, bed_teardown)

#endif
