/* A little API server over TLS for tests: what it answers depends on the path alone, who may ask on its token. */
#ifndef SEALGATE_TESTS_E2E_API_SERVER_H
#define SEALGATE_TESTS_E2E_API_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct api_server {
	struct MHD_Daemon *daemon;
	char *certificate, *key;
	unsigned port;
	pthread_mutex_t lock;
	char token[64]; /* what counts now */
	atomic_int refused;
	atomic_int asked;
	atomic_bool released; /* what hangs ends */
};

/* Half an event, and then silence, or the end of the connection. */
struct api_stream {
	struct api_server *server;
	bool broken;
};

#define API_HALF_EVENT "{\"type\":\"ADDED\",\"object\":{\"ki"

static ssize_t api_stream_read(void *context, uint64_t at, char *out, size_t max)
{
	struct api_stream *stream = context;

	if (at == 0 && max >= strlen(API_HALF_EVENT)) {
		memcpy(out, API_HALF_EVENT, strlen(API_HALF_EVENT));
		return (ssize_t)strlen(API_HALF_EVENT);
	}
	while (!stream->broken && !atomic_load(&stream->server->released))
		usleep(10000);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *api_stream(struct api_server *server, bool broken)
{
	struct api_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		abort();
	*stream = (struct api_stream){server, broken};
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, api_stream_read, stream, free);
}

static struct MHD_Response *api_text(const char *text)
{
	return MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
}

static bool api_may_ask(struct api_server *server, struct MHD_Connection *connection)
{
	const char *given = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
	char wanted[96];

	pthread_mutex_lock(&server->lock);
	(void)snprintf(wanted, sizeof(wanted), "Bearer %s", server->token);
	pthread_mutex_unlock(&server->lock);
	return given && strcmp(given, wanted) == 0;
}

static struct MHD_Response *api_answer(struct api_server *server, struct MHD_Connection *connection, const char *url,
				       unsigned *status)
{
	struct MHD_Response *response;

	*status = 200;
	if (!api_may_ask(server, connection)) {
		atomic_fetch_add(&server->refused, 1);
		*status = 401;
		return api_text("{\"kind\":\"Status\",\"message\":\"Unauthorized\"}");
	}
	if (strcmp(url, "/apis/batch/v1/jobs") == 0)
		return api_stream(server, false);
	if (strcmp(url, "/apis/batch/v1/cronjobs") == 0)
		return api_stream(server, true);
	if (strcmp(url, "/apis/apps/v1/deployments") == 0) {
		*status = 429;
		response = api_text("{\"kind\":\"Status\",\"message\":\"slow down\"}");
		MHD_add_response_header(response, "Retry-After", "7");
		return response;
	}
	if (strcmp(url, "/apis/apps/v1/daemonsets") == 0) {
		*status = 302;
		response = api_text("");
		MHD_add_response_header(response, "Location", "/api/v1/pods");
		return response;
	}
	return api_text("{\"kind\":\"PodList\"}");
}

static enum MHD_Result api_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_size, void **state)
{
	static int begun;
	struct api_server *server = context;
	struct MHD_Response *response;
	enum MHD_Result result;
	unsigned status;

	(void)method;
	(void)version;
	(void)upload;
	if (!*state || *upload_size) {
		*state = &begun;
		*upload_size = 0;
		return MHD_YES;
	}
	atomic_fetch_add(&server->asked, 1);
	response = api_answer(server, connection, url, &status);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static void api_set_token(struct api_server *server, const char *token)
{
	pthread_mutex_lock(&server->lock);
	(void)snprintf(server->token, sizeof(server->token), "%s", token);
	pthread_mutex_unlock(&server->lock);
}

/* Takes over the texts, which are freed with it. */
static struct api_server *api_start(char *certificate, char *key)
{
	struct api_server *server = calloc(1, sizeof(*server));

	if (!server || !certificate || !key)
		abort();
	server->certificate = certificate;
	server->key = key;
	pthread_mutex_init(&server->lock, NULL);
	api_set_token(server, "first");
	server->daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION,
					  0, NULL, NULL, api_handle, server, MHD_OPTION_HTTPS_MEM_CERT, certificate,
					  MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_END);
	if (!server->daemon)
		abort();
	server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	return server;
}

static void api_stop(struct api_server *server)
{
	atomic_store(&server->released, true);
	MHD_stop_daemon(server->daemon);
	free(server->certificate);
	free(server->key);
	free(server);
}

#endif
