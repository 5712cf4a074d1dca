/* What the proofs assume of the C library's functions on memory. Only `make prove` (plug-in WP) reads this file, in
 * place of <string.h>: Frama-C's own also asks for initialised and non-dangling memory, of which WP knows nothing. */
#ifndef SEALGATE_PROVE_WP_STRING_H
#define SEALGATE_PROVE_WP_STRING_H

#include <stddef.h>

/*@ requires n == 0 || \valid_read((const char *)a + (0 .. n - 1));
  @ requires n == 0 || \valid_read((const char *)b + (0 .. n - 1));
  @ terminates \true;
  @ exits \false;
  @ assigns \result \from ((const char *)a)[0 .. n - 1], ((const char *)b)[0 .. n - 1];
  @ ensures \result == 0 <==>
  @   (\forall integer i; 0 <= i < n ==> ((const char *)a)[i] == ((const char *)b)[i]); */
int memcmp(const void *a, const void *b, size_t n);

/*@ requires n == 0 || \valid_read((const char *)s + (0 .. n - 1));
  @ terminates \true;
  @ exits \false;
  @ assigns \result \from s, ((const char *)s)[0 .. n - 1];
  @ ensures \result == \null ==> (\forall integer i; 0 <= i < n ==> ((const char *)s)[i] != (char)c);
  @ ensures \result != \null ==>
  @   (\exists integer i; 0 <= i < n && \result == (const char *)s + i && ((const char *)s)[i] == (char)c &&
  @     (\forall integer j; 0 <= j < i ==> ((const char *)s)[j] != (char)c)); */
void *memchr(const void *s, int c, size_t n);

/*@ requires \exists size_t n; \valid_read(s + (0 .. n)) && s[n] == 0;
  @ terminates \true;
  @ exits \false;
  @ assigns \result \from s;
  @ ensures \valid_read(s + (0 .. \result)) && s[\result] == 0;
  @ ensures \forall integer i; 0 <= i < \result ==> s[i] != 0; */
size_t strlen(const char *s);

#endif
