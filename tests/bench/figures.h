/* Every group of figures, in a file each; a group adds its rows. Its name is what `make bench ONLY=NAME` takes. */
#ifndef SEALGATE_TESTS_BENCH_FIGURES_H
#define SEALGATE_TESTS_BENCH_FIGURES_H

#include "tests/bench/bench.h"

void figures_verify(struct bench *b);	  /* OpenPGP verifications a second, beside bare gpgme */
void figures_first(struct bench *b);	  /* first decisions for images that were never asked about */
void figures_decisions(struct bench *b);  /* warm decisions, beside the echo */
void figures_tails(struct bench *b);	  /* many connections */
void figures_handshakes(struct bench *b); /* TLS connections that come, and that never finish */
void figures_hostile(struct bench *b);	  /* decisions beside clients that hold connections and give little */
void figures_uploads(struct bench *b);	  /* durable uploads, beside bare SQLite */
void figures_lookups(struct bench *b);	  /* the store's probe, beside bare SQLite */
void figures_sizes(struct bench *b);	  /* decisions and starts with many stored attestations */
void figures_containers(struct bench *b); /* a hundred images in one review */
void figures_policies(struct bench *b);	  /* a thousand policies; reloads */
void figures_memory(struct bench *b);	  /* resident memory */
void figures_json(struct bench *b);	  /* json_doc, beside jansson */

#endif
