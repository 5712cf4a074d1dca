#include "policy/key_armour.h"

#include <string.h>

static bool contains(struct str text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

const char *key_armour_refusal(struct str text)
{
	if (contains(text, "PRIVATE KEY BLOCK"))
		return "holds a secret key; only the public key belongs here";
	return contains(text, "-----BEGIN PGP PUBLIC KEY BLOCK-----") ? NULL : "is not an armoured OpenPGP public key";
}
