/* The HTTP side of the test bed: requests over libcurl, reviews, uploads. */
#include <curl/curl.h>

#include "tests/e2e/bed.h"

static size_t collect(char *data, size_t size, size_t count, void *out)
{
	return fwrite(data, size, count, out) * size;
}

struct reply bed_request(struct bed *bed, const char *method, const char *base, const char *path, const char *body,
			 size_t length, const char *const *headers)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
	struct reply reply = {0};
	char *url = text_of("%s%s", base, path);
	char *head = NULL;
	size_t head_length = 0;
	FILE *out = open_memstream(&reply.body, &reply.length);
	FILE *head_out = open_memstream(&head, &head_length);

	for (; headers && *headers; headers++)
		list = curl_slist_append(list, *headers);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_CAINFO, bed->ca);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, head_out);
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	}
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
	fclose(out);
	fclose(head_out);
	snprintf(reply.headers, sizeof(reply.headers), "%s", head);
	free(head);
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
	free(url);
	return reply;
}

void reply_release(struct reply *reply)
{
	free(reply->body);
	*reply = (struct reply){0};
}

json_t *reply_json(const struct reply *reply)
{
	json_error_t error;
	json_t *value = json_loadb(reply->body, reply->length,
				   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (!value)
		fail_msg("not JSON (HTTP %ld): %s: %s", reply->status, error.text, reply->body);
	return value;
}

long bed_note(struct bed *bed, const char *project, const char *note)
{
	char *path = text_of("/v1alpha1/projects/%s/notes?noteId=%s", project, note);
	char *body = text_of(
		"{\"name\":\"projects/%s/notes/%s\",\"shortDescription\":\"QA\",\"kind\":\"ATTESTATION_AUTHORITY\","
		"\"attestationAuthority\":{\"hint\":{\"humanReadableName\":\"%s\"}}}",
		project, note, note);
	struct reply reply = bed_request(bed, "POST", bed->api, path, body, strlen(body), NULL);
	long status = reply.status;

	reply_release(&reply);
	free(path);
	free(body);
	return status;
}

long bed_attest(struct bed *bed, const char *project, const char *note, const char *image, const char *signature)
{
	char *path = text_of("/v1alpha1/projects/%s/occurrences", project);
	char *resource = text_of("https://%s", image);
	char *name = text_of("projects/%s/notes/%s", project, note);
	json_t *body = json_pack("{s:s,s:s,s:s,s:{s:{s:s,s:s,s:s}}}", "resourceUrl", resource, "noteName", name, "kind",
				 "ATTESTATION_AUTHORITY", "attestation", "pgpSignedAttestation", "signature", signature,
				 "contentType", "application/vnd.gcr.image.url.v1", "pgpKeyId", "0CD9D96F");
	char *text = json_dumps(body, 0);
	struct reply reply = bed_request(bed, "POST", bed->api, path, text, strlen(text), NULL);
	long status = reply.status;

	if (status != 200)
		print_message("upload: HTTP %ld %s\n", status, reply.body);
	reply_release(&reply);
	json_decref(body);
	free(text);
	free(path);
	free(resource);
	free(name);
	return status;
}

char *bed_review_text(const char *version, const char *operation, const char *group, const char *kind,
		      const char *resource, const char *subresource, const char *namespace_, const char *object,
		      const char *old)
{
	char *sub = subresource ? text_of("\"subResource\":\"%s\",", subresource) : text_of("%s", "");
	char *text =
		text_of("{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/%s\",\"request\":{"
			"\"uid\":\"705ab4f5-6393-11e8-b7cc-42010a800002\","
			"\"kind\":{\"group\":\"%s\",\"version\":\"v1\",\"kind\":\"%s\"},"
			"\"resource\":{\"group\":\"%s\",\"version\":\"v1\",\"resource\":\"%s\"},%s"
			"\"name\":\"payment\",\"namespace\":\"%s\",\"operation\":\"%s\","
			"\"userInfo\":{\"username\":\"alice\",\"groups\":[\"system:authenticated\"]},"
			"\"object\":%s,\"oldObject\":%s,\"dryRun\":false,\"options\":null}}",
			version, group, kind, group, resource, sub, namespace_, operation, object, old ? old : "null");

	free(sub);
	return text;
}

json_t *bed_review(struct bed *bed, const char *review)
{
	struct reply reply =
		bed_request(bed, "POST", bed->webhook, "/validate?timeout=10s", review, strlen(review), NULL);
	json_t *answer, *response;

	if (reply.status != 200)
		fail_msg("review: HTTP %ld %s", reply.status, reply.body);
	answer = reply_json(&reply);
	response = json_incref(json_object_get(answer, "response"));
	assert_non_null(response);
	json_decref(answer);
	reply_release(&reply);
	return response;
}

json_t *bed_review_pod(struct bed *bed, const char *image)
{
	char *pod = text_of("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"payment\"},"
			    "\"spec\":{\"containers\":[{\"name\":\"payment\",\"image\":\"%s\"}]}}",
			    image);
	char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", pod, NULL);
	json_t *response = bed_review(bed, review);

	free(pod);
	free(review);
	return response;
}

bool response_allowed(const json_t *response)
{
	assert_true(json_is_boolean(json_object_get(response, "allowed")));
	return json_is_true(json_object_get(response, "allowed"));
}

const char *response_message(const json_t *response)
{
	const char *message = json_string_value(json_object_get(json_object_get(response, "status"), "message"));

	return message ? message : "";
}
