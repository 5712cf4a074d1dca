/* Policies and attestors in any number, each attestor with a key of its own. */
#ifndef SEALGATE_TESTS_BENCH_POLICY_FILES_H
#define SEALGATE_TESTS_BENCH_POLICY_FILES_H

#include "tests/bench/site.h"

/* Makes the directory and writes `count` policies and as many attestors into it: one rules the image that site_image
 * names, with the site's own key; the others rule images of other teams. */
void policy_files_write(struct site *site, const char *directory, size_t count);
/* Milliseconds that libyaml alone takes for the events of all of them. */
double policy_files_parse_ms(const char *directory);

#endif
