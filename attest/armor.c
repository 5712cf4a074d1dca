#include "attest/armor.h"

#include <stdint.h>

#include "base/codec.h"
#include "base/limits.h"

#define CRC24_INIT 0xb704ceu
#define CRC24_POLYNOMIAL 0x1864cfbu
#define CRC24_SIZE 3

static const struct str begin_any = {"-----BEGIN PGP ", 15};
static const struct str begin_clear = {"-----BEGIN PGP SIGNED MESSAGE-----", 34};

/* The kinds of block that hold binary OpenPGP. */
static const struct block {
	enum armor_kind kind;
	const char *begin;
	const char *end;
} blocks[] = {
	{ARMOR_MESSAGE, "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"},
	{ARMOR_SIGNATURE, "-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----"},
};

struct armor_message armor_message_init(void)
{
	return (struct armor_message){
		.packets = buf_init(LIMIT_SIGNATURE),
		.text = buf_init(2 * LIMIT_SIGNATURE),
	};
}

void armor_message_release(struct armor_message *message)
{
	buf_release(&message->packets);
	buf_release(&message->text);
}

static const struct block *block_beginning_with(struct str line)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (str_eq_c(line, blocks[i].begin))
			return &blocks[i];
	return NULL;
}

/* Takes a line off `rest`, without its LF or CRLF; false at the end. */
static bool next_line(struct str *rest, struct str *line)
{
	size_t length = str_find(*rest, '\n');

	if (rest->len == 0)
		return false;
	*line = str_head(*rest, length);
	*rest = str_skip(*rest, length + 1);
	if (line->len && line->ptr[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool has_begin_line(struct str text)
{
	struct str line;

	while (next_line(&text, &line))
		if (str_starts_with(line, begin_any))
			return true;
	return false;
}

static uint32_t crc24(struct str bytes)
{
	uint32_t crc = CRC24_INIT;

	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (uint32_t)(unsigned char)bytes.ptr[i] << 16;
		for (int bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if (crc & 0x1000000)
				crc ^= CRC24_POLYNOMIAL;
		}
	}
	return crc & 0xffffff;
}

/* `line` is "=" and the base64 of the checksum of `bytes`. */
static bool checksum_fits(struct str line, struct str bytes)
{
	cleanup(buf) struct buf sum = buf_init(CRC24_SIZE);
	uint32_t crc = crc24(bytes);
	const char expected[CRC24_SIZE] = {(char)(crc >> 16), (char)(crc >> 8 & 0xff), (char)(crc & 0xff)};

	return base64_decode(&sum, str_skip(line, 1)) && str_eq(buf_str(&sum), str_make(expected, sizeof(expected)));
}

/* Armour headers say nothing that counts: "Name: value" lines up to the empty one. A line that begins with a dash is
 * none: other readers take it for the beginning of another block. */
static bool skip_headers(struct str *rest)
{
	struct str line;

	while (next_line(rest, &line)) {
		if (line.len == 0)
			return true;
		if (str_find(line, ':') == line.len || line.ptr[0] == '-')
			return false;
	}
	return false;
}

/* Whether a line may stand in the body: the standard alphabet only. */
static bool is_body_line(struct str line)
{
	return line.len && str_find(line, '-') == line.len && str_find(line, '_') == line.len &&
	       str_find(line, '\r') == line.len;
}

/* What follows the BEGIN line: headers, base64, perhaps a checksum, the END line. */
static bool read_block(struct str *rest, const struct block *block, struct buf *packets)
{
	struct str body;
	struct str line = {0};
	const char *start;

	if (!skip_headers(rest))
		return false;
	start = rest->ptr;
	body = str_make(start, 0);
	while (next_line(rest, &line) && is_body_line(line) && line.ptr[0] != '=')
		body.len = (size_t)(line.ptr - start) + line.len;
	if (!base64_decode(packets, body) || packets->len == 0)
		return false;
	if (line.len && line.ptr[0] == '=') {
		if (!checksum_fits(line, buf_str(packets)) || !next_line(rest, &line))
			return false;
	}
	return str_eq_c(line, block->end);
}

/* "Hash: SHA256, SHA512": the only header that clear-signed text may have. */
static bool is_hash_header(struct str line)
{
	struct str names = str_skip(line, 6);

	if (!str_starts_with(line, STR("Hash: ")) || names.len == 0)
		return false;
	for (size_t i = 0; i < names.len; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-, ", names.ptr[i]))
			return false;
	return true;
}

static enum verdict_reason read_hash_headers(struct str *rest)
{
	struct str line;

	while (next_line(rest, &line)) {
		if (line.len == 0)
			return REASON_GOOD;
		if (!is_hash_header(line))
			return REASON_BAD_HEADER;
	}
	return REASON_NOT_OPENPGP;
}

static bool ends_in_white_space(struct str line)
{
	return line.len && strchr(" \t\r", line.ptr[line.len - 1]);
}

/* One line of clear-signed text; one that begins with a dash must be escaped. */
static enum verdict_reason add_text_line(struct str line, struct buf *text)
{
	if (line.len && line.ptr[0] == '-') {
		if (!str_starts_with(line, STR("- ")))
			return REASON_NOT_OPENPGP;
		line = str_skip(line, 2);
	}
	if (ends_in_white_space(line))
		return REASON_BAD_PAYLOAD;
	buf_add(text, line);
	buf_add_c(text, "\r\n");
	return REASON_GOOD;
}

static enum verdict_reason read_clear_text(struct str *rest, struct buf *text)
{
	enum verdict_reason reason = read_hash_headers(rest);
	struct str line;

	while (reason == REASON_GOOD && next_line(rest, &line)) {
		if (str_eq_c(line, "-----BEGIN PGP SIGNATURE-----"))
			return text->len ? REASON_GOOD : REASON_NO_PAYLOAD;
		reason = add_text_line(line, text);
	}
	return reason == REASON_GOOD ? REASON_NOT_OPENPGP : reason;
}

/* `text` begins with a BEGIN line. */
static enum verdict_reason read_armor(struct str text, struct armor_message *out)
{
	const struct block *block;
	struct str line;
	enum verdict_reason reason;

	if (memchr(text.ptr, 0, text.len) || !next_line(&text, &line))
		return REASON_NOT_OPENPGP;
	block = block_beginning_with(line);
	if (str_eq(line, begin_clear)) {
		reason = read_clear_text(&text, &out->text);
		if (reason != REASON_GOOD)
			return reason;
		out->kind = ARMOR_CLEAR_SIGNED;
		block = block_beginning_with(STR("-----BEGIN PGP SIGNATURE-----"));
	} else if (block) {
		out->kind = block->kind;
	}
	if (!block || !read_block(&text, block, &out->packets))
		return REASON_NOT_OPENPGP;
	return str_trim(text).len == 0 ? REASON_GOOD : REASON_SEVERAL_MESSAGES;
}

static enum verdict_reason read_binary(struct str bytes, struct armor_message *out)
{
	/* Every packet begins with a byte whose highest bit is set; no text does. */
	if (bytes.len == 0 || !((unsigned char)bytes.ptr[0] & 0x80))
		return REASON_NOT_OPENPGP;
	out->kind = ARMOR_BINARY;
	buf_add(&out->packets, bytes);
	return REASON_GOOD;
}

static enum verdict_reason read_base64(struct str text, struct armor_message *out)
{
	cleanup(buf) struct buf decoded = buf_init(LIMIT_SIGNATURE);
	struct str inner;

	if (!base64_decode(&decoded, text))
		return has_begin_line(text) ? REASON_SEVERAL_MESSAGES : REASON_NOT_OPENPGP;
	inner = str_trim(buf_str(&decoded));
	if (str_starts_with(inner, begin_any))
		return read_armor(inner, out);
	if (has_begin_line(inner))
		return REASON_SEVERAL_MESSAGES;
	return read_binary(buf_str(&decoded), out);
}

enum verdict_reason armor_unwrap(struct str upload, struct armor_message *out)
{
	struct str text = str_trim(upload);
	enum verdict_reason reason;

	if (upload.len > LIMIT_SIGNATURE)
		return REASON_TOO_LARGE;
	if (text.len == 0)
		return REASON_NOT_OPENPGP;
	reason = str_starts_with(text, begin_any) ? read_armor(text, out) : read_base64(text, out);
	if (reason == REASON_GOOD && (!buf_ok(&out->packets, NULL) || !buf_ok(&out->text, NULL)))
		return REASON_TOO_LARGE;
	return reason;
}

/* One block of keys off the head of `rest`, which it leaves trimmed. */
static bool unwrap_key_block(struct str *rest, struct buf *packets)
{
	static const struct block keys = {
		.begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----",
		.end = "-----END PGP PUBLIC KEY BLOCK-----",
	};
	cleanup(buf) struct buf own = buf_init(packets->max);
	struct str line;

	if (!next_line(rest, &line) || !str_eq_c(line, keys.begin) || !read_block(rest, &keys, &own))
		return false;
	buf_add(packets, buf_str(&own));
	*rest = str_trim(*rest);
	return true;
}

bool armor_unwrap_keys(struct str text, struct buf *packets)
{
	struct str rest = str_trim(text);

	if (rest.len == 0)
		return false;
	while (rest.len)
		if (!unwrap_key_block(&rest, packets))
			return false;
	return buf_ok(packets, NULL);
}

bool armor_acceptable(struct str upload, struct err *e)
{
	cleanup(buf) struct buf decoded = buf_init(LIMIT_SIGNATURE);
	struct str text = str_trim(upload);

	if (text.len == 0)
		return err_set(e, ERR_INVALID, "signature is empty");
	if (upload.len > LIMIT_SIGNATURE)
		return err_set(e, ERR_INVALID, "signature is longer than %u bytes", LIMIT_SIGNATURE);
	if (has_begin_line(text) || base64_decode(&decoded, text))
		return true;
	if (decoded.failed && !decoded.full)
		return err_no_memory(e);
	return err_set(e, ERR_INVALID, "signature is neither OpenPGP armour nor base64");
}
