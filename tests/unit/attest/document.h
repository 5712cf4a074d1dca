/* Blocks of docs/FORMATS.md, so that what is written there is what holds. */
#ifndef SEALGATE_TESTS_UNIT_ATTEST_DOCUMENT_H
#define SEALGATE_TESTS_UNIT_ATTEST_DOCUMENT_H

#include "base/file.h"

/* What stands between ```LANGUAGE and ```, without the last line end. */
static inline struct buf document_block(const char *language)
{
	cleanup(buf) struct buf file = buf_init(1 << 20);
	struct buf block = buf_init(1 << 20);
	struct err e = ERR_INIT;
	char fence[64];
	const char *start;
	const char *end;

	if (!file_read("docs/FORMATS.md", &file, &e))
		fail_msg("%s", e.text);
	snprintf(fence, sizeof(fence), "\n```%s\n", language);
	start = strstr(file.data, fence);
	if (!start)
		fail_msg("docs/FORMATS.md has no block %s", language);
	start += strlen(fence);
	end = strstr(start, "\n```");
	assert_non_null(end);
	buf_add(&block, str_make(start, (size_t)(end - start)));
	return block;
}

#endif
