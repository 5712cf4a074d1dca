/* Must not be proven: counts an attestor each time that the rule names it. */
#include "policy/combine.h"

bool rule_holds(const struct attestation_rule *rule, const struct facts_answer *facts, const struct vouched *what)
{
	size_t vouching = 0;

	if (rule->count == 0 || rule->count > rule->attestor_count)
		return false;
	/*@ loop invariant 0 <= i <= rule->attestor_count;
	  @ loop invariant 0 <= vouching <= i;
	  @ loop invariant \forall integer k; at_least(k, rule, i, facts, what) <==> k <= vouching;
	  @ loop assigns i, vouching;
	  @ loop variant rule->attestor_count - i; */
	for (size_t i = 0; i < rule->attestor_count; i++)
		if (attestor_evidence(rule->attestors[i], facts, what))
			vouching++;
	return vouching >= rule->count;
}
