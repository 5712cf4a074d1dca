#!/bin/bash
# Runs cmocka test programs one after the other and adds up their totals. A program that ends without a total counts as a failure.
set -u
passed=0 failed=0 broken=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for program in "$@"; do
	name=${program#*/tests/}
	timeout "${TEST_SECONDS:-600}" "$program" >"$log" 2>&1
	status=$?
	ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{s+=$1} END {print s+0}')
	bad=$(sed -n 's/^\[  FAILED  \] .*: \([0-9]*\) test.*/\1/p' "$log" | awk '{s+=$1} END {print s+0}')
	if [ "$status" = 0 ] && [ "$ok" -gt 0 ] && [ "$bad" = 0 ]; then
		printf '  ok    %-44s %4d\n' "$name" "$ok"
	else
		printf '  FAIL  %-44s %4d passed, %d failed, exit status %d\n' "$name" "$ok" "$bad" "$status"
		grep -vE '^\[ (RUN|      OK) ' "$log" | tail -n 60 | sed 's/^/        /'
		[ "$bad" -gt 0 ] || bad=1
		broken+=("$name")
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
done
echo
[ ${#broken[@]} = 0 ] || printf 'failed: %s\n' "${broken[*]}"
echo "cmocka: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
