#include "base/spelling.h"

#define NAME_MAX_LEN 64u

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance, row by row; both at most NAME_MAX_LEN long. */
static size_t distance(struct str a, struct str b)
{
	size_t row[NAME_MAX_LEN + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t above = row[j];

			row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a.ptr[i - 1] != b.ptr[j - 1]));
			diagonal = above;
		}
	}
	return row[b.len];
}

size_t spelling_limit(struct str typed)
{
	return typed.len / 3 + 2;
}

bool spelling_nearer(struct str typed, struct str known, size_t *least)
{
	size_t edits;

	if (typed.len > NAME_MAX_LEN || known.len > NAME_MAX_LEN)
		return false;
	edits = distance(typed, known);
	if (edits >= *least)
		return false;
	*least = edits;
	return true;
}
