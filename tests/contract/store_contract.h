/* The contract of store/store.h as tests: every driver passes all of them, unchanged. */
#ifndef SEALGATE_TESTS_CONTRACT_STORE_CONTRACT_H
#define SEALGATE_TESTS_CONTRACT_STORE_CONTRACT_H

struct store_factory {
	char *(*fresh)(void);	    /* the URL of a store that is empty; freed by `discard` */
	void (*discard)(char *url); /* removes it */
};

/* Runs the suite; the number of failed tests. */
int store_contract_run(const char *name, const struct store_factory *factory);

/* What the parts of the suite share. */
struct CMUnitTest;
extern const struct store_factory *contract_factory;

struct contract_part {
	const struct CMUnitTest *tests;
	unsigned long count;
};
extern const struct contract_part contract_rows, contract_pages, contract_attestations, contract_durability,
	contract_version;

#endif
