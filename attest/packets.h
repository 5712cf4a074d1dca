/* The outline of binary OpenPGP (RFC 4880, section 4), read before gpg sees it: which packets there are, and that they
 * are exactly one signature or one signed message. What is inside a compressed packet is left to gpg. Nothing is
 * copied, nothing is trusted: this only refuses. */
#ifndef SEALGATE_ATTEST_PACKETS_H
#define SEALGATE_ATTEST_PACKETS_H

#include <stdint.h>

#include "base/err.h"
#include "policy/verdict.h"

enum packets_shape {
	PACKETS_SIGNATURE,  /* one signature packet: detached, or of clear-signed text */
	PACKETS_MESSAGE,    /* one-pass signature, literal data, signature */
	PACKETS_COMPRESSED, /* one compressed packet: an attached message, as gpg makes it by default */
};

struct packets {
	enum packets_shape shape;
	/* Of the signature packet; 0 for PACKETS_COMPRESSED. */
	unsigned version;	 /* 3, 4 or 5 */
	unsigned signature_type; /* 0 binary, 1 text */
	unsigned hash_algorithm; /* RFC 4880, 9.4 */
};

/* REASON_GOOD and *out, or REASON_NOT_OPENPGP, REASON_SEVERAL_SIGNATURES, REASON_SEVERAL_MESSAGES (also data after the
 * message), REASON_NO_PAYLOAD (a signed message without data), REASON_BAD_SIGNATURE (data without a signature, or a
 * signature that isn't over a document). */
/*@ requires str_readable(bytes) && \valid(out);
  @ assigns *out; */
enum verdict_reason packets_read(struct str bytes, struct packets *out) MUST_USE;
/* How many certificates stand in `bytes`, which must be whole packets and begin with a primary key; otherwise 0. */
/*@ requires str_readable(bytes);
  @ assigns \nothing; */
size_t packets_count_certificates(struct str bytes);
/* The same with their subkeys. */
/*@ requires str_readable(bytes);
  @ assigns \nothing; */
size_t packets_count_keys(struct str bytes);

enum packets_certificate {
	CERTIFICATE_ODD = 0, /* anything else */
	CERTIFICATE_COMPLEX, /* with several user ids or subkeys */
	CERTIFICATE_PLAIN,   /* with one user id and at most one subkey: no signature can stand behind the wrong one */
};

/* Whether `bytes` is one certificate as programs write it: a version 4 primary key with a user id, packets that belong
 * to a certificate and no others, every signature behind a part that its type speaks of. *primary gets the body of the
 * primary key's packet unless it is CERTIFICATE_ODD. */
/*@ requires str_readable(bytes) && \valid(primary);
  @ assigns *primary;
  @ ensures \result != CERTIFICATE_ODD ==> str_readable(*primary); */
enum packets_certificate packets_certificate(struct str bytes, struct str *primary) MUST_USE;
/* True for MD5, SHA-1, RIPEMD-160 and everything that is not known: only SHA-2 and SHA-3 of 224 bits and more count. */
/*@ assigns \nothing; */
bool packets_hash_is_weak(unsigned hash_algorithm);

#endif
