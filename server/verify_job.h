/* One signature on its way to a verdict, and the lists and the table that hold such jobs. Private to the verify queue,
 * whose lock guards everything here. */
#ifndef SEALGATE_SERVER_VERIFY_JOB_H
#define SEALGATE_SERVER_VERIFY_JOB_H

#include <pthread.h>

#include "attest/key_set.h"
#include "attest/openpgp.h"
#include "attest/sha256.h"
#include "store/store.h"

/* In one list while it waits, in the table until it has its verdict. Texts are the job's own. */
struct verify_job {
	struct sha256 key;
	struct key_set *keys;
	struct attestation_row row; /* one of those that have this signature */
	struct str digest;	    /* under which it is stored */
	char *texts;		    /* what row and digest point into */
	unsigned references;	    /* the queue's and each ticket's */
	bool urgent;
	bool started;
	bool done;
	pthread_cond_t finished;
	struct signature_facts facts;
	struct verify_job *before, *after; /* in its list */
	struct verify_job *next;	   /* in its bucket */
};

/* Copies everything, with one reference; NULL when there is no memory. */
struct verify_job *verify_job_new(const struct sha256 *key, struct key_set *keys, struct str digest,
				  const struct attestation_row *row);
/* Gives one reference back; the last one frees. */
void verify_job_unref(struct verify_job *job);
/* Bytes it takes in a list: those of signature and payload. */
size_t verify_job_size(const struct verify_job *job);

struct verify_list {
	struct verify_job *first, *last;
	size_t count;
	size_t bytes;
};

void verify_list_add(struct verify_list *list, struct verify_job *job);
void verify_list_remove(struct verify_list *list, struct verify_job *job);

/* By signature, payload and key set. */
struct verify_table {
	struct verify_job *buckets[1024];
};

struct verify_job *verify_table_find(const struct verify_table *table, const struct sha256 *key,
				     const struct key_set *keys);
void verify_table_add(struct verify_table *table, struct verify_job *job);
void verify_table_remove(struct verify_table *table, struct verify_job *job);
/* Wakes whoever waits for any of its jobs. */
void verify_table_wake(struct verify_table *table);

#endif
