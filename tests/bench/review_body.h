/* Realistic AdmissionReviews of a wanted size: a Deployment whose managedFields and annotations make up most of it, as
 * in clusters. */
#ifndef SEALGATE_TESTS_BENCH_REVIEW_BODY_H
#define SEALGATE_TESTS_BENCH_REVIEW_BODY_H

#include <stddef.h>

/* About `size` bytes, with one container of `image`; to be freed. The same bytes for the same arguments. */
char *review_body(size_t size, const char *image);
/* The same with a container per image; larger than `size` when they alone take more. */
char *review_body_of(size_t size, const char *const *images, size_t count);

#endif
