/* Whole requests to the API: "METHOD TARGET", a line break, the body. The store is kept from input to input. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "server/grafeas.h"

#define QUERY_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct grafeas grafeas;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void open_once(void)
{
	static char dir[] = "/tmp/sealgate-fuzz-XXXXXX";
	char url[64];
	struct err e = ERR_INIT;

	if (grafeas.store)
		return;
	require(mkdtemp(dir) != NULL);
	snprintf(url, sizeof(url), "sqlite:%s/db", dir);
	grafeas.store = store_open(url, STORE_READ_WRITE, &e);
	grafeas.access = access_open(NULL, true, &e);
	require(grafeas.store && grafeas.access);
}

/* The part up to `c`, which is taken off `rest` too. */
static struct str cut(struct str *rest, char c)
{
	struct str part = str_head(*rest, str_find(*rest, c));

	*rest = str_skip(*rest, part.len + 1);
	return part;
}

static size_t parse_query(struct str text, struct http_parameter *out)
{
	size_t count = 0;

	while (text.len && count < QUERY_MAX) {
		struct str value = cut(&text, '&');
		struct str name = cut(&value, '=');

		out[count++] = (struct http_parameter){.name = name, .value = value, .has_value = true};
	}
	return count;
}

static bool is_known_status(int status)
{
	static const int known[] = {200, 400, 404, 413, 501};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (status == known[i])
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
	struct str head = cut(&rest, '\n');
	struct str method = cut(&head, ' ');
	struct str path = cut(&head, '?');
	struct http_parameter query[QUERY_MAX];
	cleanup(arena) struct arena arena = arena_init(64u << 20);
	struct http_request request = {.method = method,
				       .path = path,
				       .query = query,
				       .query_count = parse_query(head, query),
				       .body = rest,
				       .arena = &arena};
	struct http_response response = {0};
	cleanup(json) json_t *answer = NULL;
	json_error_t error;

	open_once();
	grafeas_handle(&grafeas, &request, &response);
	require(is_known_status(response.status));
	answer = json_loadb(response.body.data, response.body.len, JSON_REJECT_DUPLICATES, &error);
	require(json_is_object(answer));
	require(response.status == 200 || json_is_integer(json_object_get(answer, "code")));
	buf_release(&response.body);
	return 0;
}
