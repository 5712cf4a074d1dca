#include "server/admission_response.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "policy/line.h"

/* Room for "and N more" among the warnings. */
#define MORE_ROOM 32u
/* Room for most answers at once. */
#define USUAL_ANSWER 500u

/* The API server drops a warning that has a control character, C1 ones (C2 80 to C2 9F) included. */
static struct str warning_text(struct str text, char out[LIMIT_WARNING_TEXT])
{
	struct str head = utf8_head(text, text.len > LIMIT_WARNING_TEXT ? LIMIT_WARNING_TEXT - 3 : LIMIT_WARNING_TEXT);

	memcpy(out, head.ptr, head.len);
	for (size_t i = 0; i < head.len; i++) {
		unsigned char c = (unsigned char)out[i], next = i + 1 < head.len ? (unsigned char)out[i + 1] : 0;

		if (c < 0x20 || c == 0x7f)
			out[i] = '?';
		if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
			out[i] = out[i + 1] = '?';
	}
	if (head.len < text.len) {
		memcpy(out + head.len, "...", 3);
		head.len += 3;
	}
	return str_make(out, head.len);
}

static size_t count_of(const struct decision *decision, enum enforcement enforcement)
{
	size_t n = 0;

	for (size_t i = 0; i < decision->finding_count; i++)
		n += decision->findings[i].enforcement == enforcement;
	return n;
}

static void add_warnings(const struct decision *decision, struct buf *out)
{
	size_t left = count_of(decision, ENFORCE_WARN), added = 0, total = 0;

	if (left == 0)
		return;
	buf_add_c(out, ",\"warnings\":[");
	for (size_t i = 0; i < decision->finding_count; i++) {
		char scratch[LIMIT_WARNING_TEXT];
		struct str text;

		if (decision->findings[i].enforcement != ENFORCE_WARN)
			continue;
		text = warning_text(decision->findings[i].text, scratch);
		if (total + text.len > LIMIT_WARNINGS_TOTAL - MORE_ROOM)
			break;
		buf_add_c(out, added++ ? "," : "");
		buf_add_json_string(out, text);
		total += text.len;
		left--;
	}
	if (left)
		buf_printf(out, "%s\"and %zu more\"", added ? "," : "", left);
	buf_add_char(out, ']');
}

static void add_causes(const struct decision *decision, struct buf *out)
{
	size_t added = 0;

	buf_add_c(out, ",\"details\":{\"causes\":[");
	for (size_t i = 0; i < decision->finding_count && added < LIMIT_CAUSES; i++) {
		const struct finding *finding = &decision->findings[i];

		if (finding->enforcement != ENFORCE_DENY)
			continue;
		buf_add_c(out, added++ ? ",{" : "{");
		buf_add_c(out, "\"reason\":\"FieldValueForbidden\",\"message\":");
		buf_add_json_string(out, utf8_head(finding->text, LIMIT_DENY_MESSAGE));
		if (finding->path.len) {
			buf_add_c(out, ",\"field\":");
			buf_add_json_string(out, finding->path);
		}
		buf_add_char(out, '}');
	}
	buf_add_c(out, "]}");
}

void admission_message_write(const struct decision *decision, struct buf *out)
{
	cleanup(buf) struct buf message = buf_init(LIMIT_DENY_MESSAGE);

	decision_message(decision, &message);
	buf_add_json_string(out, message.failed ? STR("Refused, and no memory is left to say why") : buf_str(&message));
}

static void add_status(const struct decision *decision, struct buf *out)
{
	buf_add_c(out, ",\"status\":{\"status\":\"Failure\",\"code\":403,\"reason\":\"Forbidden\",\"message\":");
	admission_message_write(decision, out);
	if (count_of(decision, ENFORCE_DENY))
		add_causes(decision, out);
	buf_add_char(out, '}');
}

/* Adds as much of `text` as fits; false when it was cut. */
static bool add_cut(struct buf *out, const char *separator, struct str text)
{
	size_t used = out->len + (out->len ? strlen(separator) : 0);
	struct str head = utf8_head(text, used < out->max ? out->max - used : 0);

	if (used > out->max)
		return false;
	if (out->len)
		buf_add_c(out, separator);
	buf_add(out, head);
	return head.len == text.len;
}

/* As written, unless a terminal that shows the audit log would obey it. */
static bool add_image(struct buf *out, struct str text)
{
	struct line line;

	if (line_is_plain(text))
		return add_cut(out, " ", text);
	line_init(&line, LIMIT_IMAGE_TEXT);
	line_add_escaped(&line, text, LIMIT_IMAGE_TEXT);
	return add_cut(out, " ", line_str(&line));
}

static void add_annotation(struct buf *out, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	buf_add(out, STR(",\""));
	buf_add_c(out, name);
	buf_add(out, STR("\":"));
	buf_add_json_string(out, value);
}

void admission_annotations_write(const struct decision *decision, const struct image_uses *uses, struct buf *out)
{
	cleanup(buf) struct buf images = buf_init(LIMIT_AUDIT_IMAGES);
	cleanup(buf) struct buf policies = buf_init(LIMIT_AUDIT_IMAGES);

	for (size_t i = 0; uses && i < uses->count; i++)
		if (!add_image(&images, uses->items[i].text))
			break;
	for (size_t i = 0; i < decision->policy_count; i++)
		if (!add_cut(&policies, ",", decision->policies[i]))
			break;
	buf_add(out, STR("{\"decision\":\""));
	buf_add_c(out, decision_kind_name(decision->kind));
	buf_add_char(out, '"');
	add_annotation(out, "images", buf_str(&images));
	add_annotation(out, "policy", buf_str(&policies));
	buf_add_char(out, '}');
}

void admission_response_write(const struct admission_request *request, const struct decision *decision,
			      const struct image_uses *uses, struct buf *out)
{
	buf_reserve(out, USUAL_ANSWER);
	buf_add(out, STR("{\"apiVersion\":\""));
	buf_add_c(out, request->api_version);
	buf_add(out, STR("\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":"));
	buf_add_json_string(out, request->uid);
	buf_add_c(out, decision->allowed ? ",\"allowed\":true" : ",\"allowed\":false");
	if (!decision->allowed)
		add_status(decision, out);
	add_warnings(decision, out);
	buf_add_c(out, ",\"auditAnnotations\":");
	admission_annotations_write(decision, uses, out);
	buf_add_c(out, "}}\n");
}
