/* Whether a text may be an OpenPGP public key at all: what catches a key that was pasted into the wrong place. */
#ifndef SEALGATE_POLICY_KEY_ARMOUR_H
#define SEALGATE_POLICY_KEY_ARMOUR_H

#include "base/str.h"

/* NULL when `text` holds the head of an armoured public key and none of a secret one; otherwise what is wrong, as a
 * sentence without its subject ("is not an armoured OpenPGP public key"). Whether the key counts is found out by
 * OpenPGP. */
const char *key_armour_refusal(struct str text);

#endif
