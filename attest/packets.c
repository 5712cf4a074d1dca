#include "attest/packets.h"

/* A message has at most three packets; one more shows that there are too many. */
#define PACKETS_MAX 4

enum tag {
	TAG_SIGNATURE = 2,
	TAG_ONE_PASS = 4,
	TAG_PUBLIC_KEY = 6,
	TAG_COMPRESSED = 8,
	TAG_LITERAL = 11,
	TAG_USER_ID = 13,
	TAG_SUBKEY = 14,
	TAG_ATTRIBUTE = 17,
};

struct packet {
	unsigned tag;
	struct str body; /* without the lengths of partial parts: the first part alone when `partial` */
	bool partial;
};

/*@ predicate packets_whole(struct packet *p, integer n) =
  @   \valid_read(p + (0 .. n - 1)) && (\forall integer i; 0 <= i < n ==> str_readable(p[i].body)); */

/*@ requires str_readable(bytes) && index < bytes.len;
  @ assigns \nothing;
  @ ensures \result <= 255; */
static unsigned byte_at(struct str bytes, size_t index)
{
	return (unsigned char)bytes.ptr[index];
}

/* A big-endian number of `size` bytes taken off `rest`. */
/*@ requires \valid(rest) && \valid(out) && \separated(rest, out) && str_readable(*rest);
  @ assigns *rest, *out;
  @ ensures str_readable(*rest) && rest->len <= \old(rest->len);
  @ ensures \result ==> rest->len == \old(rest->len) - size; */
static bool take_number(struct str *rest, size_t size, size_t *out)
{
	size_t value = 0;

	if (rest->len < size)
		return false;
	/*@ loop invariant 0 <= i <= size;
	  @ loop assigns i, value;
	  @ loop variant size - i; */
	for (size_t i = 0; i < size; i++)
		value = value << 8 | byte_at(*rest, i);
	*rest = str_skip(*rest, size);
	*out = value;
	return true;
}

/*@ requires \valid(rest) && \valid(out) && \separated(rest, out) && str_readable(*rest);
  @ assigns *rest, *out;
  @ ensures str_readable(*rest) && rest->len <= \old(rest->len);
  @ ensures \result ==> str_readable(*out); */
static bool take_bytes(struct str *rest, size_t size, struct str *out)
{
	if (rest->len < size)
		return false;
	*out = str_head(*rest, size);
	*rest = str_skip(*rest, size);
	return true;
}

/* One length of the new format; *partial when another follows its data. */
/*@ requires \valid(rest) && \valid(length) && \valid(partial) && \separated(rest, length, partial) && str_readable(*rest);
  @ assigns *rest, *length, *partial;
  @ ensures str_readable(*rest) && rest->len <= \old(rest->len);
  @ ensures \result ==> rest->len < \old(rest->len); */
static bool take_new_length(struct str *rest, size_t *length, bool *partial)
{
	size_t first;
	size_t second;

	*partial = false;
	if (!take_number(rest, 1, &first))
		return false;
	if (first < 192) {
		*length = first;
		return true;
	}
	if (first < 224) {
		if (!take_number(rest, 1, &second))
			return false;
		*length = ((first - 192) << 8) + second + 192;
		return true;
	}
	if (first == 255)
		return take_number(rest, 4, length);
	*partial = true;
	*length = (size_t)1 << first % 32;
	return true;
}

/* The remaining parts of a packet that came in parts. */
/*@ requires \valid(rest) && str_readable(*rest);
  @ assigns *rest;
  @ ensures str_readable(*rest) && rest->len <= \old(rest->len); */
static bool skip_parts(struct str *rest)
{
	bool partial = true;
	size_t length;
	struct str part;

	/*@ loop invariant str_readable(*rest) && rest->len <= \at(rest->len, Pre);
	  @ loop assigns *rest, partial, length, part;
	  @ loop variant rest->len; */
	while (partial)
		if (!take_new_length(rest, &length, &partial) || !take_bytes(rest, length, &part))
			return false;
	return true;
}

/* Only data may come in parts (RFC 4880, 4.2.2.4). */
/*@ assigns \nothing; */
static bool may_be_partial(unsigned tag)
{
	return tag == TAG_LITERAL || tag == TAG_COMPRESSED;
}

/*@ requires \valid(rest) && \valid(packet) && \separated(rest, packet) && str_readable(*rest);
  @ assigns *rest, packet->body, packet->partial;
  @ ensures str_readable(*rest) && rest->len <= \old(rest->len);
  @ ensures \result ==> str_readable(packet->body); */
static bool take_new_packet(struct str *rest, struct packet *packet)
{
	size_t length;

	if (!take_new_length(rest, &length, &packet->partial) || !take_bytes(rest, length, &packet->body))
		return false;
	if (!packet->partial)
		return true;
	return may_be_partial(packet->tag) && skip_parts(rest);
}

/*@ requires length_type <= 3;
  @ requires \valid(rest) && \valid(packet) && \separated(rest, packet) && str_readable(*rest);
  @ assigns *rest, packet->body, packet->partial;
  @ ensures str_readable(*rest) && rest->len <= \old(rest->len);
  @ ensures \result ==> str_readable(packet->body); */
static bool take_old_packet(struct str *rest, unsigned length_type, struct packet *packet)
{
	size_t length = rest->len;

	if (length_type == 3) {
		/* Up to the end: how gpg writes compressed data. */
		if (!may_be_partial(packet->tag))
			return false;
	} else if (!take_number(rest, (size_t)1 << length_type, &length)) {
		return false;
	}
	return take_bytes(rest, length, &packet->body);
}

/*@ requires \valid(rest) && \valid(packet) && \separated(rest, packet) && str_readable(*rest);
  @ assigns *rest, *packet;
  @ ensures str_readable(*rest) && rest->len <= \old(rest->len);
  @ ensures \result ==> str_readable(packet->body) && rest->len < \old(rest->len); */
static bool take_packet(struct str *rest, struct packet *packet)
{
	size_t first;

	*packet = (struct packet){0};
	if (!take_number(rest, 1, &first) || !(first & 0x80))
		return false;
	if (first & 0x40) {
		packet->tag = first & 0x3f;
		return take_new_packet(rest, packet);
	}
	packet->tag = first >> 2 & 0x0f;
	return take_old_packet(rest, first % 4, packet);
}

/* Version 4 (and 5) begin with version, type, key algorithm, hash algorithm; version 3 has a fixed head. */
/*@ requires str_readable(body) && \valid(out);
  @ assigns out->version, out->signature_type, out->hash_algorithm;
 */
static bool read_signature(struct str body, struct packets *out)
{
	size_t type_at = 1;
	size_t hash_at = 3;

	if (body.len < 19)
		return false;
	out->version = byte_at(body, 0);
	if (out->version == 3) {
		type_at = 2;
		hash_at = 16;
	} else if (out->version != 4 && out->version != 5) {
		return false;
	}
	out->signature_type = byte_at(body, type_at);
	out->hash_algorithm = byte_at(body, hash_at);
	return true;
}

/*@ requires str_readable(body) && \valid(out);
  @ assigns out->version, out->signature_type, out->hash_algorithm; */
static enum verdict_reason signature_reason(struct str body, struct packets *out)
{
	if (!read_signature(body, out))
		return REASON_NOT_OPENPGP;
	return out->signature_type <= 1 ? REASON_GOOD : REASON_BAD_SIGNATURE;
}

/* The last byte says whether another one-pass signature follows inside. */
/*@ requires str_readable(body);
  @ assigns \nothing; */
static enum verdict_reason one_pass_reason(struct str body)
{
	if (body.len != 13 || byte_at(body, 0) != 3)
		return REASON_NOT_OPENPGP;
	return byte_at(body, 12) == 1 ? REASON_GOOD : REASON_SEVERAL_SIGNATURES;
}

/* Format, name, date, then data. */
/*@ requires \valid_read(packet) && str_readable(packet->body);
  @ assigns \nothing; */
static enum verdict_reason literal_reason(const struct packet *packet)
{
	size_t head;

	if (packet->body.len < 2)
		return REASON_NOT_OPENPGP;
	head = 2 + (size_t)byte_at(packet->body, 1) + 4;
	if (packet->body.len < head)
		return packet->partial ? REASON_GOOD : REASON_NOT_OPENPGP;
	return packet->body.len == head && !packet->partial ? REASON_NO_PAYLOAD : REASON_GOOD;
}

/*@ requires packets_whole(packets, 3);
  @ requires \valid(out) && \separated(packets + (0 .. 2), out);
  @ assigns *out; */
static enum verdict_reason message_reason(const struct packet *packets, struct packets *out)
{
	enum verdict_reason reason = one_pass_reason(packets[0].body);

	out->shape = PACKETS_MESSAGE;
	if (reason == REASON_GOOD)
		reason = literal_reason(&packets[1]);
	if (reason == REASON_GOOD)
		reason = signature_reason(packets[2].body, out);
	return reason;
}

/*@ requires packets_whole(packets, count);
  @ assigns \nothing; */
static size_t count_of(const struct packet *packets, size_t count, unsigned tag)
{
	size_t found = 0;

	/*@ loop invariant 0 <= i <= count;
	  @ loop assigns i, found;
	  @ loop variant count - i; */
	for (size_t i = 0; i < count; i++)
		found += packets[i].tag == tag;
	return found;
}

/* Why packets that don't have one of the three shapes don't count. */
/*@ requires count > 0 && packets_whole(packets, count);
  @ assigns \nothing; */
static enum verdict_reason refusal(const struct packet *packets, size_t count)
{
	size_t signatures = count_of(packets, count, TAG_SIGNATURE);

	if (signatures > 1 || count_of(packets, count, TAG_ONE_PASS) > 1)
		return REASON_SEVERAL_SIGNATURES;
	if (count_of(packets, count, TAG_LITERAL) == 1 && count == 1)
		return REASON_BAD_SIGNATURE;
	if (signatures == 1 || packets[0].tag == TAG_COMPRESSED)
		return REASON_SEVERAL_MESSAGES;
	return REASON_NOT_OPENPGP;
}

/*@ requires count > 0 && packets_whole(packets, count);
  @ requires \valid(out) && \separated(packets + (0 .. count - 1), out);
  @ assigns *out; */
static enum verdict_reason judge(const struct packet *packets, size_t count, struct packets *out)
{
	if (count == 1 && packets[0].tag == TAG_SIGNATURE) {
		out->shape = PACKETS_SIGNATURE;
		return signature_reason(packets[0].body, out);
	}
	if (count == 1 && packets[0].tag == TAG_COMPRESSED) {
		out->shape = PACKETS_COMPRESSED;
		return packets[0].body.len > 1 ? REASON_GOOD : REASON_NO_PAYLOAD;
	}
	if (count == 3 && packets[0].tag == TAG_ONE_PASS && packets[1].tag == TAG_LITERAL &&
	    packets[2].tag == TAG_SIGNATURE)
		return message_reason(packets, out);
	return refusal(packets, count);
}

enum verdict_reason packets_read(struct str bytes, struct packets *out)
{
	struct packet packets[PACKETS_MAX], next;
	struct packets found = {0};
	enum verdict_reason reason;
	size_t count = 0;

	if (bytes.len == 0)
		return REASON_NOT_OPENPGP;
	/*@ loop invariant str_readable(bytes) && 0 <= count <= PACKETS_MAX && (count == 0 ==> bytes.len > 0);
	  @ loop invariant packets_whole(&packets[0], count);
	  @ loop assigns bytes, count, next, packets[0 .. PACKETS_MAX - 1];
	  @ loop variant PACKETS_MAX - count; */
	while (bytes.len && count < PACKETS_MAX) {
		if (!take_packet(&bytes, &next))
			return count ? REASON_SEVERAL_MESSAGES : REASON_NOT_OPENPGP;
		packets[count++] = next;
	}
	reason = judge(packets, count, &found);
	if (reason == REASON_GOOD)
		*out = found;
	return reason;
}

/* Packets of either tag in whole packets that begin with a primary key. */
/*@ requires str_readable(bytes);
  @ assigns \nothing; */
static size_t count_tags(struct str bytes, unsigned tag, unsigned other)
{
	struct packet packet;
	size_t count = 0;

	/*@ loop invariant str_readable(bytes);
	  @ loop assigns bytes, count, packet;
	  @ loop variant bytes.len; */
	while (bytes.len) {
		if (!take_packet(&bytes, &packet) || packet.partial || (count == 0 && packet.tag != TAG_PUBLIC_KEY))
			return 0;
		count += packet.tag == tag || packet.tag == other;
	}
	return count;
}

size_t packets_count_certificates(struct str bytes)
{
	return count_tags(bytes, TAG_PUBLIC_KEY, TAG_PUBLIC_KEY);
}

size_t packets_count_keys(struct str bytes)
{
	return count_tags(bytes, TAG_PUBLIC_KEY, TAG_SUBKEY);
}

/* What was read of a certificate so far. */
struct outline {
	unsigned part; /* the tag that signatures speak of now */
	size_t user_ids;
	size_t attributes;
	size_t subkeys;
	struct str primary;
};

/* Types of signatures and what they stand behind (RFC 4880, 5.2.1). */
static const struct {
	unsigned part;
	unsigned char first, last;
} placed[] = {
	{TAG_PUBLIC_KEY, 0x1f, 0x20}, {TAG_USER_ID, 0x10, 0x13}, {TAG_USER_ID, 0x30, 0x30}, {TAG_ATTRIBUTE, 0x10, 0x13},
	{TAG_ATTRIBUTE, 0x30, 0x30},  {TAG_SUBKEY, 0x18, 0x18},	 {TAG_SUBKEY, 0x28, 0x28},
};

/*@ requires str_readable(body);
  @ assigns \nothing; */
static bool is_in_place(unsigned part, struct str body)
{
	struct packets signature;

	if (!read_signature(body, &signature) || signature.version != 4)
		return false;
	/*@ loop invariant 0 <= i <= sizeof(placed) / sizeof(placed[0]);
	  @ loop assigns i;
	  @ loop variant sizeof(placed) / sizeof(placed[0]) - i; */
	for (size_t i = 0; i < sizeof(placed) / sizeof(placed[0]); i++)
		if (placed[i].part == part && signature.signature_type >= placed[i].first &&
		    signature.signature_type <= placed[i].last)
			return true;
	return false;
}

/*@ requires \valid(outline) && str_readable(body) && str_readable(outline->primary);
  @ assigns outline->primary;
  @ ensures str_readable(outline->primary); */
static bool begin_certificate(struct outline *outline, struct str body)
{
	if (outline->part || body.len < 6 || byte_at(body, 0) != 4)
		return false;
	outline->primary = body;
	return true;
}

/* User ids stand before subkeys. */
/*@ requires \valid(outline) && \valid_read(packet) && \separated(outline, packet);
  @ requires str_readable(packet->body) && str_readable(outline->primary);
  @ assigns *outline;
  @ ensures str_readable(outline->primary); */
static bool add_part(struct outline *outline, const struct packet *packet)
{
	if (packet->tag == TAG_SIGNATURE)
		return is_in_place(outline->part, packet->body);
	if (packet->tag == TAG_PUBLIC_KEY ? !begin_certificate(outline, packet->body) : outline->part == 0)
		return false;
	if (packet->tag != TAG_SUBKEY && outline->subkeys)
		return false;
	outline->part = packet->tag;
	outline->user_ids += packet->tag == TAG_USER_ID;
	outline->attributes += packet->tag == TAG_ATTRIBUTE;
	outline->subkeys += packet->tag == TAG_SUBKEY;
	return packet->tag == TAG_PUBLIC_KEY || packet->tag == TAG_USER_ID || packet->tag == TAG_ATTRIBUTE ||
	       packet->tag == TAG_SUBKEY;
}

enum packets_certificate packets_certificate(struct str bytes, struct str *primary)
{
	struct outline outline = {0};
	struct packet packet;

	/*@ loop invariant str_readable(bytes) && str_readable(outline.primary);
	  @ loop assigns bytes, outline, packet;
	  @ loop variant bytes.len; */
	while (bytes.len)
		if (!take_packet(&bytes, &packet) || packet.partial || !add_part(&outline, &packet))
			return CERTIFICATE_ODD;
	if (outline.user_ids == 0)
		return CERTIFICATE_ODD;
	*primary = outline.primary;
	return outline.user_ids == 1 && outline.attributes == 0 && outline.subkeys <= 1 ? CERTIFICATE_PLAIN
											: CERTIFICATE_COMPLEX;
}

bool packets_hash_is_weak(unsigned hash_algorithm)
{
	/* SHA256, SHA384, SHA512, SHA224; SHA3-256, SHA3-512 (RFC 9580) */
	static const unsigned char strong[] = {8, 9, 10, 11, 12, 14};

	/*@ loop invariant 0 <= i <= sizeof(strong);
	  @ loop assigns i;
	  @ loop variant sizeof(strong) - i; */
	for (size_t i = 0; i < sizeof(strong); i++)
		if (strong[i] == hash_algorithm)
			return false;
	return true;
}
