#include "tests/bench/review_body.h"

#include "base/buf.h"

static void add_env(struct buf *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(b, "%s{\"name\":\"SETTING_%zu\",\"value\":\"value-of-setting-%zu\"}", i ? "," : "", i,
			   i * 7919);
}

/* One manager's entry of managedFields: keys as the API server writes them. */
static void add_manager(struct buf *b, size_t number)
{
	buf_printf(b,
		   "{\"manager\":\"controller-%zu\",\"operation\":\"Update\",\"apiVersion\":\"apps/"
		   "v1\",\"time\":\"2026-01-02T03:04:05Z\","
		   "\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},\"f:"
		   "deployment.kubernetes.io/revision\":{}},"
		   "\"f:labels\":{\".\":{},\"f:app\":{},\"f:team-%zu\":{}}},\"f:spec\":{\"f:progressDeadlineSeconds\":{"
		   "},\"f:replicas\":{},"
		   "\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"payment\\\"}\":{\".\":{},\"f:"
		   "image\":{},\"f:resources\":{}}}}}}}}",
		   number, number);
}

static void add_head(struct buf *b)
{
	buf_add_c(b, "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"
		     "\"705ab4f5-6393-11e8-b7cc-42010a800002\",\"kind\":{\"group\":\"apps\",\"version\":\"v1\","
		     "\"kind\":\"Deployment\"},"
		     "\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},"
		     "\"requestKind\":{\"group\":\"apps\","
		     "\"version\":\"v1\",\"kind\":\"Deployment\"},\"requestResource\":{\"group\":\"apps\",\"version\":"
		     "\"v1\",\"resource\":"
		     "\"deployments\"},\"name\":\"payment\",\"namespace\":\"default\",\"operation\":\"CREATE\","
		     "\"userInfo\":{\"username\":"
		     "\"system:serviceaccount:ci:deployer\",\"uid\":\"1\",\"groups\":[\"system:serviceaccounts\","
		     "\"system:authenticated\"]},"
		     "\"object\":{\"kind\":\"Deployment\",\"apiVersion\":\"apps/"
		     "v1\",\"metadata\":{\"name\":\"payment\",\"namespace\":"
		     "\"default\",\"labels\":{\"app\":\"payment\"},\"annotations\":{\"team\":\"payments\"},"
		     "\"managedFields\":[");
}

static void add_container(struct buf *b, size_t number, const char *image, size_t settings)
{
	buf_printf(b, "%s{\"name\":\"container-%zu\",\"image\":", number ? "," : "", number);
	buf_add_json_string(b, str_of(image));
	buf_add_c(b, ",\"ports\":[{\"containerPort\":8080,\"protocol\":\"TCP\"}],\"env\":[");
	add_env(b, settings);
	buf_add_c(b, "],\"resources\":{\"limits\":{\"cpu\":\"500m\",\"memory\":\"256Mi\"}},\"imagePullPolicy\":"
		     "\"IfNotPresent\"}");
}

static void add_tail(struct buf *b, const char *const *images, size_t count, size_t settings)
{
	buf_add_c(b, "]},\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"app\":\"payment\"}},\"template\":{"
		     "\"metadata\":{\"labels\":{\"app\":\"payment\"}},\"spec\":{\"containers\":[");
	for (size_t i = 0; i < count; i++)
		add_container(b, i, images[i], i ? 0 : settings);
	buf_add_c(b, "],\"restartPolicy\":\"Always\",\"serviceAccountName\":\"payment\","
		     "\"terminationGracePeriodSeconds\":30}}},\"status\":{}},"
		     "\"oldObject\":null,\"dryRun\":false,\"options\":{\"kind\":\"CreateOptions\",\"apiVersion\":"
		     "\"meta.k8s.io/v1\"}}}\n");
}

char *review_body_of(size_t size, const char *const *images, size_t count)
{
	struct buf b = buf_init(64u * 1024 * 1024);
	size_t settings = size / 300, containers = 600 + count * 240;

	add_head(&b);
	for (size_t i = 0; i == 0 || b.len + containers + settings * 55 < size; i++) {
		if (i)
			buf_add_char(&b, ',');
		add_manager(&b, i);
	}
	add_tail(&b, images, count, settings);
	return buf_detach(&b);
}

char *review_body(size_t size, const char *image)
{
	return review_body_of(size, &image, 1);
}
