#!/bin/bash
# make coverage: line and branch coverage of all tests, as HTML (build/coverage/html/index.html) and one summary line. Fails
# where policy/, attest/ or base/ fall below 95 % of the lines or 90 % of the branches; tests/coverage/justified.txt names
# what no test can reach. Branches are gcov's, of a build without optimisation: each operand of && and || counts, both ways.
set -eu
scripts/deps.sh coverage
build=build/coverage
mkdir -p $build/html
find $build -name '*.gcda' -delete
cc -std=c11 -O2 -c -o $build/keep_counts.o tests/coverage/keep_counts.c
make --no-print-directory -j2 BUILD=$build HARDEN="--coverage -DSEALGATE_COVERAGE -fprofile-update=atomic -O0" \
	LDFLAGS="--coverage $build/keep_counts.o -Wl,--wrap=_exit,--wrap=alarm" tests
programs() {
	for source in "$@"; do
		program=${source%.c}
		echo "$build/$program"
	done
}
failed=0
BUILD=$build scripts/run-tests.sh $(programs tests/unit/*/test_*.c tests/contract/test_*.c tests/fault/test_*.c tests/e2e/test_*.c) || failed=1
# Memory that runs out at every point, not at some: each is a branch.
FAULTS=all TEST_SECONDS=1800 BUILD=$build scripts/run-tests.sh $(programs tests/fault/test_alloc_*.c) || failed=1
gcovr --root . --exclude tests/ $build/obj --json $build/coverage.json --html-details $build/html/index.html
perl tests/coverage/judge.pl $build/coverage.json || failed=1
echo "$build/html/index.html"
exit $failed
