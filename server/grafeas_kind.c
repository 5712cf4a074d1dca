#include "server/grafeas_version.h"

static const struct {
	const char *member;
	const char *kind;
} kinds[] = {
	{"vulnerability", "VULNERABILITY"},
	{"build", "BUILD"},
	{"image", "IMAGE"},
	{"package", "PACKAGE"},
	{"deployment", "DEPLOYMENT"},
	{"discovery", "DISCOVERY"},
	{"attestation", "ATTESTATION"},
	{"custom", "CUSTOM"},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))
#define KIND_UNSPECIFIED "KIND_UNSPECIFIED"

static const char *kind_by_member(const json_t *object)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (json_object_get(object, kinds[i].member))
			return kinds[i].kind;
	return NULL;
}

bool grafeas_kind_settle(json_t *object, struct err *e)
{
	struct str given = json_text(object, "kind");
	const char *kind = kind_by_member(object);

	if (str_eq_c(given, KIND_UNSPECIFIED))
		given = STR("");
	if (kind && given.len && !str_eq_c(given, kind))
		return err_set(e, ERR_INVALID, "kind: says %.*s, but the details are of kind %s", STR_ARG(given), kind);
	if (!kind && given.len)
		return true;
	return json_object_set_new(object, "kind", json_string(kind ? kind : KIND_UNSPECIFIED)) == 0 ||
	       err_no_memory(e);
}
