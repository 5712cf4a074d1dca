#!/bin/bash
# make lint: layers, headers that compile alone, banned functions, library headers in their one file, sizes. Each check prints what to change.
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
for check in layers headers banned sizes threats weaknesses secrets hardening unit cluster; do
	if tests/lint/$check.sh; then
		printf '  ok    lint %s\n' "$check"
	else
		printf '  FAIL  lint %s\n' "$check"
		status=1
	fi
done
exit $status
