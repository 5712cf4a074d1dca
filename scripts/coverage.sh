#!/bin/bash
# make coverage: line and branch coverage of all tests, as HTML (build/coverage/html/index.html) and one summary per folder.
set -eu
scripts/deps.sh coverage
make --no-print-directory -j2 BUILD=build/coverage HARDEN="--coverage -DSEALGATE_COVERAGE -fprofile-update=atomic -O0" LDFLAGS=--coverage tests
BUILD=build/coverage scripts/run-tests.sh build/coverage/tests/unit/*/test_* build/coverage/tests/contract/test_* build/coverage/tests/e2e/test_*
mkdir -p build/coverage/html
for folder in base policy attest store certs server cli; do
	printf '%-8s' "$folder"
	gcovr --root . --filter "$folder/" build/coverage/obj --print-summary --output /dev/null 2>/dev/null | grep -E '^(lines|branches)' | tr '\n' ' '
	echo
done
gcovr --root . --exclude tests/ build/coverage/obj --html-details build/coverage/html/index.html --print-summary 2>/dev/null | grep -E '^(lines|branches)'
echo "build/coverage/html/index.html"
