#include "attest/key.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/utf8.h"

void key_list_release(struct key_list *list)
{
	free(list->items);
	*list = (struct key_list){0};
}

bool key_list_add(struct key_list *list, const struct key_info *key, struct err *e)
{
	struct key_info *items;

	if (list->count >= LIMIT_KEYS)
		return err_set(e, ERR_TOO_LARGE, "more than %u keys in one text", LIMIT_KEYS);
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return err_no_memory(e);
	items[list->count++] = *key;
	list->items = items;
	return true;
}

void key_name(struct key_info *key, const char *user_id)
{
	struct str text = utf8_head(str_of(user_id), sizeof(key->user_id) - 1);
	size_t length = 0;

	if (!utf8_valid(text))
		text = STR("(not UTF-8)");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= 0x20 && c != 0x7f)
			key->user_id[length++] = (char)c;
	}
	key->user_id[length] = 0;
}

/* Sizes that were once made; the names are those of key_info.algorithm. */
static const struct {
	const char *algorithm;
	const char *refusal;
} weak_keys[] = {
	{"rsa512", "is too weak (rsa512)"},   {"rsa768", "is too weak (rsa768)"},
	{"rsa1024", "is too weak (rsa1024)"}, {"rsa1280", "is too weak (rsa1280)"},
	{"rsa1536", "is too weak (rsa1536)"}, {"rsa2047", "is too weak (rsa2047)"},
	{"dsa512", "is too weak (dsa512)"},   {"dsa768", "is too weak (dsa768)"},
	{"dsa1024", "is too weak (dsa1024)"}, {"dsa1536", "is too weak (dsa1536)"},
};

static const char *weak_refusal(const char *algorithm)
{
	for (size_t i = 0; i < sizeof(weak_keys) / sizeof(weak_keys[0]); i++)
		if (strcmp(weak_keys[i].algorithm, algorithm) == 0)
			return weak_keys[i].refusal;
	return "is too weak";
}

const char *key_refusal(const struct key_info *key)
{
	if (key->secret)
		return "holds a secret key";
	if (key->weak)
		return weak_refusal(key->algorithm);
	if (!key->can_sign)
		return "cannot sign";
	return NULL;
}
