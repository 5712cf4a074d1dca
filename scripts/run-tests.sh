#!/bin/bash
# Runs cmocka test programs, TEST_JOBS at a time (as many as there are processors), and adds up their totals. A program that ends
# without a total counts as a failure. Tests share nothing: each has its own scratch directory and takes free ports.
set -u
jobs=${TEST_JOBS:-$(nproc)}
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# One program: its line (and, when it fails, the end of what it said) in one piece; its numbers into a file of its own.
run_one() {
	local program=$1 name=${1#*/tests/} log status ok bad
	log=$(mktemp "$results/log.XXXXXX")
	timeout "${TEST_SECONDS:-600}" "$program" >"$log" 2>&1
	status=$?
	ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{s+=$1} END {print s+0}')
	bad=$(sed -n 's/^\[  FAILED  \] .*: \([0-9]*\) test.*/\1/p' "$log" | awk '{s+=$1} END {print s+0}')
	if [ "$status" = 0 ] && [ "$ok" -gt 0 ] && [ "$bad" = 0 ]; then
		printf '  ok    %-44s %4d\n' "$name" "$ok"
		echo "$ok 0" >"$log.sum"
	else
		printf '  FAIL  %-44s %4d passed, %d failed, exit status %d\n%s\n' "$name" "$ok" "$bad" "$status" \
			"$(grep -avE '^\[ (RUN|      OK) ' "$log" | tail -n 60 | sed 's/^/        /')"
		[ "$bad" -gt 0 ] || bad=1
		echo "$ok $bad $name" >"$log.sum"
	fi
}

for program in "$@"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	run_one "$program" &
done
wait
echo
cat "$results"/*.sum 2>/dev/null | awk -v programs=$# '
	{ passed += $1; failed += $2; seen++; if ($2) broken = broken " " $3 }
	END {
		if (seen < programs) { failed += programs - seen; broken = broken " (" programs - seen " without a result)" }
		if (broken) print "failed:" broken
		printf "cmocka: %d passed, %d failed\n", passed, failed
		exit !(failed == 0 && passed > 0)
	}'
