#include "tests/contract/store_contract.h"

#include "tests/contract/bed.h"

int store_contract_run(const char *name, const struct store_factory *factory)
{
	static const struct contract_part *const parts[] = {&contract_rows, &contract_pages, &contract_attestations,
							    &contract_durability, &contract_version};
	int failed = 0;

	contract_factory = factory;
	for (size_t i = 0; i < COUNT(parts); i++)
		failed += _cmocka_run_group_tests(name, parts[i]->tests, parts[i]->count, NULL, NULL);
	return failed;
}
