/* What `verify` and `check` share: the caller's policies and keys, the worker that verifies, and the evaluation. What
 * counts is decided here, never by the server that keeps the attestations. */
#ifndef SEALGATE_CLI_JUDGE_H
#define SEALGATE_CLI_JUDGE_H

#include "attest/trust.h"
#include "attest/verdict_cache.h"
#include "attest/worker.h"
#include "base/json.h"
#include "cli/workspace.h"
#include "policy/evaluate.h"

/* Flags of a verb that judges. */
struct judge_options {
	struct option_list policy_dirs;
	const char *pubkeys;
	const char *default_action;
};

/* The rows of the struct judge_options `member` in the table of a verb whose option struct is `owner`. */
#define JUDGE_ROWS(owner, member)                                                                                  \
	{.name = "policy-dir",                                                                                     \
	 .type = OPTION_LIST,                                                                                      \
	 .offset = offsetof(owner, member.policy_dirs),                                                            \
	 .value = "DIR",                                                                                           \
	 .help = "a directory of policies, YAML or JSON"},                                                         \
		{.name = "pubkeys",                                                                                \
		 .type = OPTION_TEXT,                                                                              \
		 .offset = offsetof(owner, member.pubkeys),                                                        \
		 .value = "DIR",                                                                                   \
		 .help = "a directory of OpenPGP public keys; without policies each image needs one of them"},     \
	{                                                                                                          \
		.name = "default-action", .type = OPTION_CHOICE, .offset = offsetof(owner, member.default_action), \
		.value = "ACTION", .choices = "deny|warn|allow", .standard = "deny",                               \
		.help = "for an image that no policy selects, as sealgated is started",                            \
	}

struct judge {
	struct workspace workspace;
	struct worker_pool *workers;
	struct trust *trust;
	struct verdict_cache *verdicts;
	enum default_action default_action;
	int64_t now; /* seconds */
};

/* `labels`: those of namespaces are given, so that policies may have a namespaceSelector. Starts the worker and loads
 * policies and keys; call before any thread exists. What was left out of the trust is told on standard error as
 * "sealgate VERB: warning: ...". The judge is released also after a failure. */
bool judge_open(struct judge *judge, const char *verb, const struct judge_options *options, bool labels,
		struct err *e) MUST_USE;
/* judge_open in two parts, for policies that come from elsewhere than files: first the worker, before any thread
 * exists, then the policies and keys of `sources`. */
bool judge_start(struct judge *judge, const struct judge_options *options, struct err *e) MUST_USE;
bool judge_load(struct judge *judge, const char *verb, const struct trust_sources *sources, struct err *e) MUST_USE;
void judge_release(struct judge *judge);
CLEANUP_VALUE(judge, struct judge, judge_release)

/* Judges as sealgated would. */
void judge_decide(struct judge *judge, const struct facts *facts, const struct subject *subject,
		  const struct image_uses *uses, struct arena *arena, struct decision *out);

/* What became of one row of a decision: "admitted", "exempt", "refused", "warned" or "noted" (audited only). */
struct str judge_word(const struct decision *decision, const struct judgement *row);
/* The rows of a decision as a JSON list; NULL when there is no memory. */
json_t *judge_json(const struct decision *decision);

/* An attestation as it is kept somewhere. */
struct kept_attestation {
	struct str name;      /* "projects/P/occurrences/ID" */
	struct str note;      /* "projects/P/notes/N" */
	struct str signature; /* as uploaded */
	struct str payload;   /* ptr NULL when inside the signature */
	int64_t created_us;   /* newer ones are judged first */
};

/* Verifies the attestations of one digest and gives them as facts, newest first; sorts `kept`. At most LIMIT_UNVERIFIED
 * of one note are verified, the others are counted. */
bool judge_facts(struct judge *judge, struct kept_attestation *kept, size_t count, struct str digest,
		 struct arena *arena, struct facts_answer *out, struct err *e) MUST_USE;

#endif
