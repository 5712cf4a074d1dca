#include "server/config.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/yaml.h"
#include "policy/kube_name.h"
#include "server/http.h"

#define CONFIG_FILE_MAX (1024u * 1024)
#define SCAN_INTERVAL_MIN_MS 60000

static char *join(const char *dir, const char *name)
{
	cleanup(buf) struct buf path = buf_init(65536);
	buf_printf(&path, "%s%s", dir, name);
	return buf_detach(&path);
}

static bool is_file_key(const char *name)
{
	for (size_t i = 0; i < config_table.count; i++)
		if (strcmp(config_table.options[i].name, name) == 0)
			return true;
	return false;
}

static enum option_type type_of(const char *name)
{
	for (size_t i = 0; i < config_table.count; i++)
		if (strcmp(config_table.options[i].name, name) == 0)
			return config_table.options[i].type;
	return OPTION_TEXT;
}

static bool set_list(struct config *config, const char *name, const json_t *list, struct err *e)
{
	size_t i;
	json_t *item;
	if (type_of(name) != OPTION_LIST)
		return err_set(e, ERR_INVALID, "%s: must not be a list", name);
	if (json_array_size(list) == 0)
		return options_set(&config_table, name, STR(""), config, e);
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item) || json_string_length(item) == 0)
			return err_set(e, ERR_INVALID, "%s[%zu]: must be text", name, i);
		if (!options_set(&config_table, name, json_text_of(item), config, e))
			return false;
	}
	return true;
}

static bool set_key(struct config *config, const char *name, const json_t *value, struct err *e)
{
	bool is_switch = type_of(name) == OPTION_SWITCH;
	if (!is_file_key(name) || (json_is_string(value) && !is_switch))
		return options_set(&config_table, name, json_text_of(value), config, e);
	if (json_is_array(value))
		return set_list(config, name, value, e);
	if (json_is_boolean(value) && is_switch)
		return options_set(&config_table, name, json_is_true(value) ? STR("true") : STR("false"), config, e);
	return err_set(e, ERR_INVALID, "%s: must be %s, not %s", name, is_switch ? "true or false" : "text",
		       json_type_name(value));
}

static bool set_keys(struct config *config, const json_t *documents, struct err *e)
{
	const char *name;
	json_t *value, *document = json_array_get(documents, 0);
	if (json_array_size(documents) > 1)
		return err_set(e, ERR_INVALID, "document 2: there may be only one");
	if (document && !json_is_object(document))
		return err_set(e, ERR_INVALID, "document 1: must be a mapping of options, not %s",
			       json_type_name(document));
	json_object_foreach(document, name, value)
	{
		if (!set_key(config, name, value, e))
			return err_context(e, "document 1");
	}
	return true;
}

static bool read_file(struct config *config, const char *path, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(CONFIG_FILE_MAX);
	cleanup(json) json_t *documents = NULL;
	struct err unread = ERR_INIT;
	if (!file_read(path, &text, &unread))
		return err_set(e, ERR_INVALID, "--config: %s", unread.text);
	return (yaml_read(buf_str(&text), &documents, e) && set_keys(config, documents, e)) ||
	       err_context(e, "%s", path);
}

/* --config has to be known before the flags that win over its file are read. */
static bool find_file(int argc, char **argv, struct config *out, char **path, struct err *e)
{
	struct config first = {0};
	bool parsed = options_parse(&config_table, argc, argv, &first, NULL, e);
	if (parsed && first.file)
		*path = strdup(first.file);
	out->check_config = first.check_config;
	out->help = first.help || first.version || first.man;
	if (parsed && first.file && !*path)
		parsed = err_no_memory(e);
	config_release(&first);
	return parsed;
}

static bool check_address(const char *flag, const char *address, struct err *e)
{
	bool loopback;
	return http_address_is_loopback(address, &loopback, e) || err_context(e, "%s", flag);
}

static bool check_api(struct config *config, struct err *e)
{
	if (!http_address_is_loopback(config->api_listen, &config->api_loopback, e))
		return err_context(e, "--api-listen");
	if (config->api_loopback || config->token_file || config->client_ca)
		return true;
	return err_set(e, ERR_INVALID,
		       "--api-listen: %s is not loopback, so callers must prove who they are: give --token-file or "
		       "--client-ca, or listen on 127.0.0.1",
		       config->api_listen);
}

static bool check_store(const struct config *config, struct err *e)
{
	struct str url = str_of(config->store_url);
	if (str_starts_with(url, STR("postgres://")) || str_starts_with(url, STR("postgresql://")))
		return err_set(e, ERR_INVALID, "--store: PostgreSQL is not supported by this version: use sqlite:PATH");
	if (!str_starts_with(url, STR("sqlite:")) || url.len == strlen("sqlite:"))
		return err_set(e, ERR_INVALID, "--store: must be sqlite:PATH");
	return true;
}

static bool check_exempt(const struct config *config, struct err *e)
{
	for (size_t i = 0; i < config->exempt_given.count; i++)
		if (!kube_label_valid(str_of(config->exempt_given.items[i])))
			return err_set(e, ERR_INVALID, "--exempt-namespace: %s is not the name of a namespace",
				       config->exempt_given.items[i]);
	return true;
}

static bool check_cluster(struct config *config, struct err *e)
{
	struct str interval = str_of(config->scan_interval);

	config->cluster = config->kubeconfig || config->in_cluster;
	if (config->kubeconfig && !config->kubeconfig[0])
		return err_set(e, ERR_INVALID, "--kubeconfig: name a file");
	if (config->kubeconfig && config->in_cluster)
		return err_set(e, ERR_INVALID, "--kubeconfig and --in-cluster: give one of them");
	if (!str_eq_c(interval, "0") && !duration_parse(interval, &config->scan_interval_ms))
		return err_set(e, ERR_INVALID, "--scan-interval: must be a duration like 6h or 30m, or 0");
	if (config->scan_interval_ms > 0 && config->scan_interval_ms < SCAN_INTERVAL_MIN_MS)
		return err_set(e, ERR_INVALID, "--scan-interval: must be 1m or more, or 0");
	return true;
}

static bool check(struct config *config, struct err *e)
{
	if (!config->data_dir || !config->data_dir[0])
		return err_set(e, ERR_INVALID, "--data-dir: say where the database and the certificates are kept");
	if (!config->tls_cert != !config->tls_key)
		return err_set(e, ERR_INVALID, "--tls-cert and --tls-key: give both or neither");
	return check_address("--webhook-listen", config->webhook_listen, e) &&
	       check_address("--ops-listen", config->ops_listen, e) && check_api(config, e) &&
	       check_exempt(config, e) && check_cluster(config, e);
}

static bool derive(struct config *config, struct err *e)
{
	config->own_certificates = !config->tls_cert;
	config->certificate = config->tls_cert ? strdup(config->tls_cert) : join(config->data_dir, "/certs/server.pem");
	config->key = config->tls_key ? strdup(config->tls_key) : join(config->data_dir, "/certs/server-key.pem");
	if (config->store) {
		config->store_url = strdup(config->store);
	} else {
		cleanup(memory) char *path = join(config->data_dir, "/sealgate.db");
		config->store_url = path ? join("sqlite:", path) : NULL;
	}
	return (config->certificate && config->key && config->store_url) || err_no_memory(e);
}

bool config_load(int argc, char **argv, struct config *out, struct err *e)
{
	cleanup(memory) char *path = NULL;
	*out = (struct config){0};
	if (!find_file(argc, argv, out, &path, e))
		return false;
	bool only_tells = out->help;
	out->help = false;
	if (!options_defaults(&config_table, out, e))
		return false;
	if (path && !only_tells && !read_file(out, path, e))
		return false;
	if (!options_parse(&config_table, argc, argv, out, NULL, e))
		return false;
	return only_tells || (check(out, e) && derive(out, e) && check_store(out, e));
}

void config_release(struct config *config)
{
	options_release(&config_table, config);
	free(config->certificate);
	free(config->key);
	free(config->store_url);
	*config = (struct config){0};
}

enum default_action config_default_action(const struct config *config)
{
	if (strcmp(config->default_action, "allow") == 0)
		return DEFAULT_ALLOW;
	return strcmp(config->default_action, "warn") == 0 ? DEFAULT_WARN : DEFAULT_DENY;
}

void config_own_namespace(const char *environment, const char *file, struct buf *out)
{
	cleanup(buf) struct buf text = buf_init(256);
	struct str name = str_trim(str_of(environment));
	if (name.len == 0 && file_read(file, &text, NULL))
		name = str_trim(buf_str(&text));
	if (kube_label_valid(name))
		buf_add(out, name);
}

static bool add(struct option_list *list, const char *item, struct err *e)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return err_no_memory(e);
	items[list->count++] = item;
	list->items = items;
	return true;
}

bool config_exempt_namespaces(const struct config *config, const char *own, struct option_list *out, struct err *e)
{
	const char *const standard[] = {"kube-system", "kube-node-lease", own};
	struct option_list list = {0};
	bool added = true;
	for (size_t i = 0; i < 3 && !config->exempt_given.cleared && added; i++)
		if (standard[i][0])
			added = add(&list, standard[i], e);
	for (size_t i = 0; i < config->exempt_given.count && added; i++)
		added = add(&list, config->exempt_given.items[i], e);
	if (added)
		*out = list;
	else
		option_list_release(&list);
	return added;
}
