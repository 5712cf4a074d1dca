/* The ValidatingWebhookConfiguration that makes an API server ask sealgated. */
#ifndef SEALGATE_CLI_WEBHOOK_CONFIG_H
#define SEALGATE_CLI_WEBHOOK_CONFIG_H

#include "base/json.h"

struct webhook_target {
	const char *service; /* "NAMESPACE/NAME"; NULL when url is given */
	const char *url;     /* "https://HOST[:PORT][/PATH]"; "/validate" when it has no path */
	struct str ca;	     /* certificates in PEM */
};

/* ERR_INVALID when the service or URL is not what the API server would take. The caller owns *out. */
bool webhook_config(const struct webhook_target *target, json_t **out, struct err *e) MUST_USE;

#endif
