/* Verdicts in memory, under the SHA-256 of (signature as uploaded, payload): what was verified once is not verified
 * again. Bounded (LIMIT_VERDICTS), least recently used out first, sharded locks; safe from any thread. Accepted and
 * rejected verdicts have half of the room each to themselves, so that no flood of signatures that don't count pushes
 * out those that do. A verdict about a known signer holds in every key set that has that signer with the same key bytes
 * (key_set_material); "unknown key" holds only in the set that said so. Dates are kept with the verdict: whoever uses
 * it compares them with the clock. */
#ifndef SEALGATE_ATTEST_VERDICT_CACHE_H
#define SEALGATE_ATTEST_VERDICT_CACHE_H

#include "attest/key_set.h"
#include "attest/openpgp.h"
#include "attest/sha256.h"

struct verdict_cache;

struct verdict_cache *verdict_cache_new(size_t max_entries);
void verdict_cache_free(struct verdict_cache *cache);

/* The key of one signature; false only when OpenSSL fails. */
bool verdict_cache_key(struct str upload, struct str payload, struct sha256 *key) MUST_USE;
/* True and *out when there is a verdict that holds under `keys`. Failures of the worker and not-yet-valid are never
 * kept. */
bool verdict_cache_get(struct verdict_cache *cache, const struct sha256 *key, const struct key_set *keys,
		       struct signature_facts *out);
void verdict_cache_put(struct verdict_cache *cache, const struct sha256 *key, const struct key_set *keys,
		       const struct signature_facts *facts);
size_t verdict_cache_count(struct verdict_cache *cache);

#endif
