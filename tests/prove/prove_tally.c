/* For any number of findings: the contracts of policy/combine.h taken together. */
#include "policy/combine.h"

/* What a review's findings come to, one after the other. */
/*@ requires count == 0 || \valid_read(found + (0 .. count - 1));
  @ assigns \nothing;
  @ ensures \result != DECISION_DENY ==> judged == images &&
  @   (\forall integer i; 0 <= i < count ==> found[i] == ENFORCE_WARN || found[i] == ENFORCE_AUDIT);
  @ ensures \result == DECISION_ALLOW || \result == DECISION_EXEMPT ==> judged == images && count == 0; */
enum decision_kind prove_tally(const enum enforcement *found, size_t count, size_t judged, size_t images,
			       size_t applied, size_t exempt)
{
	struct tally tally = {.images = judged, .applied = applied, .exempt = exempt};

	/*@ loop invariant 0 <= i <= count;
	  @ loop invariant i > 0 ==> tally.deny > 0 || tally.warn > 0 || tally.audit > 0;
	  @ loop invariant tally.deny == 0 ==>
	  @   (\forall integer j; 0 <= j < i ==> found[j] == ENFORCE_WARN || found[j] == ENFORCE_AUDIT);
	  @ loop invariant tally.images == judged;
	  @ loop assigns i, tally.deny, tally.warn, tally.audit;
	  @ loop variant count - i; */
	for (size_t i = 0; i < count; i++)
		tally_finding(&tally, found[i]);
	return tally_decide(&tally, images);
}
