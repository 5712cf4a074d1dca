/* The reference for the store: SQLite and nothing else, on sealgate's own tables. Also fills stores by the million. */
#ifndef SEALGATE_TESTS_BENCH_BARE_H
#define SEALGATE_TESTS_BENCH_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct bare;

/* Opens a database that holds at least one attestation: the newest is the model of every row. */
struct bare *bare_open(const char *path);
void bare_close(struct bare *bare);
/* Inserts copies of the model for the images from `first` on (site_digest), so many in a transaction. `durable`: with
 * an fsync for each transaction, as the store does; otherwise with none at all. */
void bare_insert(struct bare *bare, uint64_t first, uint64_t count, size_t batch, bool durable);
/* The same rows with no fsync at all, by the million: in the order of their digests within each piece, since rows in
 * none would write a page of their own each. */
void bare_fill(struct bare *bare, uint64_t first, uint64_t count);
/* Bytes of the signatures that one probe by digest and note finds. */
size_t bare_look_up(struct bare *bare, uint64_t number);
/* The row that bare_insert would insert for this image, for store_create_occurrence; texts live as long as `bare` and
 * `place`. */
struct bare_place {
	char id[40], digest[72];
	struct evidence evidence;
};
struct occurrence_row bare_row(const struct bare *bare, uint64_t number, struct bare_place *place);

#endif
