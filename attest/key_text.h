/* What a key text says of itself, read without gpg: which texts gpg may be given together, and by what name it must
 * then call the key in each. Nothing here makes a key count. */
#ifndef SEALGATE_ATTEST_KEY_TEXT_H
#define SEALGATE_ATTEST_KEY_TEXT_H

#include "attest/packets.h"
#include "policy/facts.h"

struct key_text {
	struct str text;		       /* armour, as it was given */
	enum packets_certificate shape;	       /* ODD: more or less than one certificate, or not plain armour */
	char fingerprint[FINGERPRINT_MAX + 1]; /* of the primary key, upper-case hex; "" when ODD */
};

/* Reads `text`, which *out points into. Whatever fails makes it ODD. */
void key_text_read(struct str text, struct key_text *out);

#endif
