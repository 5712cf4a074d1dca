#include "kube/config.h"

#include "base/codec.h"
#include "base/file.h"
#include "base/yaml.h"
#include "client/transfer.h"

enum { MEMORY_MAX = 8 * 1024 * 1024, FILE_MAX = 2 * 1024 * 1024 };

/* What is read of a kubeconfig, for as long as it is read. */
struct reading {
	struct kube_config *config;
	const char *file;
	struct str directory;
	struct err *e;
};

struct member {
	const char *name;
	const char *why; /* what to do instead */
};

static const struct member refused_of_cluster[] = {
	{"insecure-skip-tls-verify", "the server's certificate is always looked at; give certificate-authority"},
	{"proxy-url", "no proxy is used"},
};

static const struct member refused_of_user[] = {
	{"exec", "no program is started for a credential; give a client certificate or a token (tokenFile)"},
	{"auth-provider", "give a client certificate or a token (tokenFile)"},
	{"username", "passwords are not sent; give a client certificate or a token (tokenFile)"},
	{"password", "passwords are not sent; give a client certificate or a token (tokenFile)"},
	{"as", "nobody is impersonated; give the credentials of the account itself"},
	{"as-uid", "nobody is impersonated; give the credentials of the account itself"},
	{"as-groups", "nobody is impersonated; give the credentials of the account itself"},
	{"as-user-extra", "nobody is impersonated; give the credentials of the account itself"},
};

static bool wrong(const struct reading *r, const char *place, const char *member, const char *text)
{
	return err_set(r->e, ERR_INVALID, "%s: %s%s%s: %s", r->file, place, *member ? "." : "", member, text);
}

static bool refuse_members(const struct reading *r, const json_t *object, const char *place,
			   const struct member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_object_get(object, members[i].name);

		if (value && !json_is_null(value) && !json_is_false(value))
			return wrong(r, place, members[i].name, members[i].why);
	}
	return true;
}

/* The texts that a C string can hold; "" counts as absent, as it does for kubectl. */
static bool text_member(struct reading *r, const json_t *object, const char *place, const char *name, const char **out)
{
	const json_t *value = json_object_get(object, name);
	struct str text = json_text_of(value), copy;

	if (!value || json_is_null(value) || (json_is_string(value) && text.len == 0))
		return true;
	if (!json_is_string(value))
		return wrong(r, place, name, "is no text");
	copy = arena_copy(&r->config->arena, text);
	*out = copy.ptr;
	return copy.ptr || arena_error(&r->config->arena, r->e, "the kubeconfig is too large");
}

/* Beside the kubeconfig, where it is not absolute. */
static bool file_member(struct reading *r, const json_t *object, const char *place, const char *name, const char **out)
{
	const char *given = NULL;
	struct str path;

	if (!text_member(r, object, place, name, &given))
		return false;
	if (!given)
		return true;
	path = given[0] == '/' ? str_of(given) : ARENA_JOIN(&r->config->arena, r->directory, STR("/"), str_of(given));
	*out = path.ptr;
	return path.ptr || arena_error(&r->config->arena, r->e, "the kubeconfig is too large");
}

static bool data_member(struct reading *r, const json_t *object, const char *place, const char *name, const char **out)
{
	cleanup(buf) struct buf bytes = buf_init_secret(FILE_MAX);
	const char *given = NULL;
	struct str copy;

	if (!text_member(r, object, place, name, &given))
		return false;
	if (!given)
		return true;
	if (!base64_decode(&bytes, str_of(given)) || str_find(buf_str(&bytes), 0) < bytes.len)
		return wrong(r, place, name, "is no PEM in base64");
	copy = arena_copy(&r->config->arena, buf_str(&bytes));
	*out = copy.ptr;
	return copy.ptr || arena_error(&r->config->arena, r->e, "the kubeconfig is too large");
}

static bool is_token(const char *token)
{
	for (const char *c = token; *c; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
			return false;
	return *token != 0;
}

/* Without the slashes at its end. */
static bool check_server(struct reading *r, const char *place, const char *given)
{
	struct transfer_url url = {0};
	bool unwanted = false;
	size_t len = given ? strlen(given) : 0;
	struct str server;

	if (!given || !transfer_url_read(given, &url, &unwanted, NULL) || !url.https)
		return wrong(r, place, "server", "is not https://HOST:PORT");
	while (len > 0 && given[len - 1] == '/')
		len--;
	server = arena_copy(&r->config->arena, str_make(given, len));
	r->config->server = server.ptr;
	return server.ptr || arena_error(&r->config->arena, r->e, "the kubeconfig is too large");
}

static bool read_cluster(struct reading *r, const json_t *cluster, const char *place)
{
	struct kube_config *c = r->config;
	const char *server = NULL;

	return refuse_members(r, cluster, place, refused_of_cluster,
			      sizeof(refused_of_cluster) / sizeof(refused_of_cluster[0])) &&
	       text_member(r, cluster, place, "server", &server) && check_server(r, place, server) &&
	       text_member(r, cluster, place, "tls-server-name", &c->tls_name) &&
	       data_member(r, cluster, place, "certificate-authority-data", &c->ca_pem) &&
	       (c->ca_pem || file_member(r, cluster, place, "certificate-authority", &c->ca_file));
}

static bool read_user(struct reading *r, const json_t *user, const char *place)
{
	struct kube_config *c = r->config;

	if (!refuse_members(r, user, place, refused_of_user, sizeof(refused_of_user) / sizeof(refused_of_user[0])) ||
	    !data_member(r, user, place, "client-certificate-data", &c->certificate_pem) ||
	    !data_member(r, user, place, "client-key-data", &c->key_pem) ||
	    !file_member(r, user, place, "client-certificate", &c->certificate_file) ||
	    !file_member(r, user, place, "client-key", &c->key_file) ||
	    !text_member(r, user, place, "token", &c->token) ||
	    !file_member(r, user, place, "tokenFile", &c->token_file))
		return false;
	if (c->certificate_pem && c->key_pem)
		c->certificate_file = c->key_file = NULL;
	else if (c->certificate_pem || c->key_pem || !c->certificate_file != !c->key_file)
		return wrong(r, place, "client-certificate",
			     "certificate and key go together, both as files or both as data");
	return !c->token || is_token(c->token) || wrong(r, place, "token", "is not one line without spaces");
}

/* The member `kind` of the element of `lists` that is called `name`. */
static const json_t *named(const json_t *config, const char *list, const char *kind, const char *name)
{
	const json_t *element;
	size_t i;

	json_array_foreach(json_object_get(config, list), i,
			   element) if (str_eq_c(json_text(element, "name"), name)) return json_object_get(element,
													   kind);
	return NULL;
}

static bool find_named(struct reading *r, const json_t *config, const char *list, const char *kind, const char *name,
		       const json_t **out)
{
	*out = name ? named(config, list, kind, name) : NULL;
	return json_is_object(*out) || wrong(r, list, name ? name : "", "there is none that current-context leads to");
}

static bool read_context(struct reading *r, const json_t *config)
{
	const char *current = NULL, *cluster = NULL, *user = NULL, *space = NULL;
	const json_t *context = NULL, *cluster_is = NULL, *user_is = NULL;

	if (!text_member(r, config, "kubeconfig", "current-context", &current) ||
	    !find_named(r, config, "contexts", "context", current, &context) ||
	    !text_member(r, context, "context", "cluster", &cluster) ||
	    !text_member(r, context, "context", "user", &user) ||
	    !text_member(r, context, "context", "namespace", &space) ||
	    !find_named(r, config, "clusters", "cluster", cluster, &cluster_is) ||
	    !read_cluster(r, cluster_is, cluster))
		return false;
	r->config->namespace_ = space ? space : "default";
	return find_named(r, config, "users", "user", user, &user_is) && read_user(r, user_is, user);
}

static bool read_document(struct reading *r)
{
	cleanup(buf) struct buf text = buf_init_secret(FILE_MAX);
	cleanup(json) json_t *documents = NULL;
	struct err e = ERR_INIT;

	if (!file_read(r->file, &text, r->e))
		return false;
	if (!yaml_read(buf_str(&text), &documents, &e))
		return err_set(r->e, ERR_INVALID, "%s: %s", r->file, e.text);
	if (json_array_size(documents) != 1 || !json_is_object(json_array_get(documents, 0)))
		return err_set(r->e, ERR_INVALID, "%s: is no kubeconfig", r->file);
	return read_context(r, json_array_get(documents, 0));
}

static bool hand_over(struct kube_config *config, bool good, struct kube_config *out)
{
	if (good)
		*out = *config;
	else
		kube_config_release(config);
	return good;
}

bool kube_config_read(const char *kubeconfig, struct kube_config *out, struct err *e)
{
	struct kube_config config = {.arena = arena_init(MEMORY_MAX)};
	const char *slash = strrchr(kubeconfig, '/');
	struct reading r = {.config = &config,
			    .file = kubeconfig,
			    .directory = slash ? str_make(kubeconfig, (size_t)(slash - kubeconfig)) : STR("."),
			    .e = e};

	return hand_over(&config, read_document(&r), out);
}

static bool account_file(struct kube_config *config, const char *dir, const char *name, const char **out, struct err *e)
{
	cleanup(buf) struct buf text = buf_init_secret(FILE_MAX);
	struct str path = ARENA_JOIN(&config->arena, str_of(dir), STR("/"), str_of(name));

	*out = path.ptr;
	return (path.ptr || err_no_memory(e)) && file_read(path.ptr, &text, e);
}

static bool read_account(struct kube_config *config, const char *dir, struct err *e)
{
	cleanup(buf) struct buf space = buf_init(FILE_MAX);
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	bool bracket = host && strchr(host, ':') && host[0] != '[';
	struct transfer_url url = {0};
	const char *space_file = NULL;
	bool unwanted = false;

	if (!host || !port || !*host || !*port)
		return err_set(e, ERR_NOT_FOUND,
			       "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: --in-cluster is for "
			       "pods; elsewhere give --kubeconfig FILE");
	config->server =
		arena_printf(&config->arena, "https://%s%s%s:%s", bracket ? "[" : "", host, bracket ? "]" : "", port)
			.ptr;
	if (!config->server)
		return err_no_memory(e);
	if (!transfer_url_read(config->server, &url, &unwanted, NULL))
		return err_set(e, ERR_INVALID, "KUBERNETES_SERVICE_HOST and _PORT: \"%s\" is no address",
			       config->server);
	if (!account_file(config, dir, "ca.crt", &config->ca_file, e) ||
	    !account_file(config, dir, "token", &config->token_file, e) ||
	    !account_file(config, dir, "namespace", &space_file, e) || !file_read(space_file, &space, e))
		return false;
	config->namespace_ = arena_copy(&config->arena, str_trim(buf_str(&space))).ptr;
	return config->namespace_ || err_no_memory(e);
}

bool kube_config_in_cluster(const char *account_dir, struct kube_config *out, struct err *e)
{
	struct kube_config config = {.arena = arena_init(MEMORY_MAX)};

	return hand_over(&config, read_account(&config, account_dir, e), out);
}

static void wipe(const char *text)
{
	if (text)
		explicit_bzero((void *)(uintptr_t)text, strlen(text));
}

void kube_config_release(struct kube_config *config)
{
	wipe(config->key_pem);
	wipe(config->token);
	arena_release(&config->arena);
	*config = (struct kube_config){0};
}
