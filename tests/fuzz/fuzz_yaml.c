/* Whatever yaml_read accepts is JSON: it can be written, and reads the same again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_document(json_t *document)
{
	cleanup(buf) struct buf text = buf_init(1u << 24);
	cleanup(json) json_t *again = NULL;
	struct err e = ERR_INIT;

	if (!json_write(document, &text, &e))
		return;
	if (!json_read(buf_str(&text), &again, &e) || !json_equal(document, again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	cleanup(json) json_t *documents = NULL;
	struct err e = ERR_INIT;
	json_t *document;
	size_t i;

	if (!yaml_read(text, &documents, &e)) {
		if (documents || e.kind == ERR_NONE || !e.text[0])
			abort();
		return 0;
	}
	json_array_foreach(documents, i, document) check_document(document);
	return 0;
}
