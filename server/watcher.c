#include "server/watcher.h"

#include "base/clock.h"
#include "server/log.h"

/* Everything that depends on which trust is in force. */
static void tell_trust(struct watcher *w, const struct trust *trust, uint64_t generation)
{
	struct metrics_key *keys = calloc(trust->known_count + 1, sizeof(*keys));
	for (size_t i = 0; keys && i < trust->known_count; i++) {
		const struct key_info *info = &trust->known[i].info;
		(void)snprintf(keys[i].fingerprint, sizeof(keys[i].fingerprint), "%s", info->fingerprint);
		keys[i].expires_at = info->expires_at;
	}
	if (keys)
		metrics_keys(w->metrics, keys, trust->known_count);
	free(keys);
	log_line(LOG_INFO, "policies and keys are in force", LOG_INT("generation", (int64_t)generation),
		 LOG_INT("keys", (int64_t)trust->known_count), LOG_FLAG("from_pubkeys", trust->from_pubkeys));
	for (size_t i = 0; i < trust->warning_count; i++)
		log_line(LOG_WARN, "a key or policy is left out or never counts",
			 LOG_C("text", trust->warnings[i].text));
}

static void set_policy_gauges(struct watcher *w)
{
	struct err problem = ERR_INIT;
	uint64_t generation = 0;
	bool failed = trust_holder_problem(w->trust, &problem);
	trust_unref(trust_holder_pin(w->trust, &generation));
	metrics_policy(w->metrics, generation, !failed);
}

static void tell_news(struct watcher *w)
{
	uint64_t generation = 0;
	struct trust *trust = trust_holder_pin(w->trust, &generation);
	if (generation != w->generation)
		tell_trust(w, trust, generation);
	w->generation = generation;
	trust_unref(trust);
}

void watcher_begin(struct watcher *w)
{
	tell_news(w);
	set_policy_gauges(w);
	metrics_certificate(w->metrics, "server", tls_files_expiry(w->tls));
}

static void look_at_trust(struct watcher *w, bool force)
{
	struct err e = ERR_INIT;
	/* Objects of the cluster may have come into force beside files that can't be loaded. */
	(void)trust_holder_refresh(w->trust, force, &e);
	if (e.kind != ERR_NONE)
		log_line(LOG_ERROR, "policies or keys cannot be loaded, the last good ones stay in force",
			 LOG_C("error", e.text));
	tell_news(w);
	set_policy_gauges(w);
}

static void look_at_certificates(struct watcher *w)
{
	struct err e = ERR_INIT;
	if (tls_files_refresh(w->tls, &e)) {
		metrics_certificate(w->metrics, "server", tls_files_expiry(w->tls));
		log_line(LOG_INFO, "new certificates are in force");
	}
	if (e.kind != ERR_NONE)
		log_line(LOG_WARN, "certificates cannot be loaded, the last good ones stay in force",
			 LOG_C("error", e.text));
}

static void look_at_tokens(struct watcher *w)
{
	struct err e = ERR_INIT;
	if (access_refresh(w->access, &e))
		log_line(LOG_INFO, "new tokens are in force");
	else if (e.kind != ERR_NONE)
		log_line(LOG_ERROR, "tokens cannot be loaded, the last good ones stay in force",
			 LOG_C("error", e.text));
}

/* A store that is only busy is no news. */
static void look_at_store(struct watcher *w)
{
	struct err e = ERR_INIT;
	if (!w->store || (!store_check(w->store, clock_monotonic_ms(), &e) && e.kind == ERR_TIMEOUT))
		return;
	if (e.kind != w->store_problem && e.kind != ERR_NONE)
		log_line(LOG_ERROR, "the store cannot be used", LOG_C("error", e.text));
	else if (e.kind != w->store_problem)
		log_line(LOG_INFO, "the store can be used again");
	w->store_problem = e.kind;
}

void watcher_look(struct watcher *w, bool force)
{
	look_at_trust(w, force);
	look_at_certificates(w);
	look_at_tokens(w);
	look_at_store(w);
}
