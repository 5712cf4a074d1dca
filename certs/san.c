#include "certs/san.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

enum { DNS_NAME_MAX = 253, DNS_LABEL_MAX = 63 };

CLEANUP_POINTER(general_name, GENERAL_NAME, GENERAL_NAME_free)

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool dns_label_valid(struct str label)
{
	if (label.len == 0 || label.len > DNS_LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!is_letter_or_digit(label.ptr[i]) && label.ptr[i] != '-')
			return false;
	return label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return true;
}

/* A last label of digits alone is a mistyped address, not a name. */
static bool dns_name_valid(struct str name)
{
	struct str rest = name;

	if (name.len == 0 || name.len > DNS_NAME_MAX)
		return false;
	if (str_starts_with(rest, STR("*.")))
		rest = str_skip(rest, 2);
	for (;;) {
		size_t dot = str_find(rest, '.');
		struct str label = str_head(rest, dot);

		if (!dns_label_valid(label))
			return false;
		if (dot == rest.len)
			return !all_digits(label);
		rest = str_skip(rest, dot + 1);
	}
}

static size_t ip_bytes(const char *text, unsigned char out[16])
{
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static GENERAL_NAME *name_of(int type, const void *bytes, size_t len)
{
	ASN1_STRING *value = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!value || !name || !ASN1_STRING_set(value, bytes, (int)len)) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, type, value);
	return name;
}

static bool contains(const GENERAL_NAMES *names, GENERAL_NAME *name)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), name) == 0)
			return true;
	return false;
}

/* Takes the name over. */
static bool push(GENERAL_NAMES *names, GENERAL_NAME *name, struct err *e)
{
	cleanup(general_name) GENERAL_NAME *owned = name;

	if (!owned)
		return err_no_memory(e);
	if (contains(names, owned))
		return true;
	if (!sk_GENERAL_NAME_push(names, owned))
		return err_no_memory(e);
	(void)take(owned);
	return true;
}

bool san_add(GENERAL_NAMES *names, const char *text, struct err *e)
{
	unsigned char address[16];
	size_t len = ip_bytes(text, address);

	if (len)
		return push(names, name_of(GEN_IPADD, address, len), e);
	if (!dns_name_valid(str_of(text)))
		return err_set(e, ERR_INVALID, "\"%s\" is neither a DNS name nor an IP address", text);
	return push(names, name_of(GEN_DNS, text, strlen(text)), e);
}

bool san_add_from(GENERAL_NAMES *names, const X509 *certificate, struct err *e)
{
	cleanup(general_names) GENERAL_NAMES *old = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(old); i++) {
		int type = 0;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(old, i), &type);

		if (type != GEN_DNS && type != GEN_IPADD)
			continue;
		if (!push(names, name_of(type, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), e))
			return false;
	}
	return true;
}

static void write_one(const GENERAL_NAME *name, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	int type = 0;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
	const unsigned char *bytes = type == GEN_DNS || type == GEN_IPADD ? ASN1_STRING_get0_data(value) : NULL;

	if (type == GEN_DNS)
		buf_add(out, str_make((const char *)bytes, (size_t)ASN1_STRING_length(value)));
	else if (type == GEN_IPADD && ASN1_STRING_length(value) == 4)
		buf_add_c(out, inet_ntop(AF_INET, bytes, text, sizeof(text)));
	else if (type == GEN_IPADD && ASN1_STRING_length(value) == 16)
		buf_add_c(out, inet_ntop(AF_INET6, bytes, text, sizeof(text)));
	else
		buf_add_c(out, "(another kind of name)");
}

void san_write(const GENERAL_NAMES *names, struct buf *out)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (i > 0)
			buf_add_c(out, ", ");
		write_one(sk_GENERAL_NAME_value(names, i), out);
	}
}
