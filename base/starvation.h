/* Whether memory ran out. Deep below a verdict "no memory" and "not what was expected" may look the same; who must tell
 * them apart compares the count before and after. Each thread has its own. */
#ifndef SEALGATE_BASE_STARVATION_H
#define SEALGATE_BASE_STARVATION_H

/* Called wherever base/ gets no memory, and by those who hear it from a library. */
void starvation_note(void);
/* How often this thread has got no memory. */
unsigned starvation_count(void);

#endif
