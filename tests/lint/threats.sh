#!/bin/bash
# Every test that docs/THREATS.md names exists: `FOLDER/FILE: NAME` is a function in tests/FOLDER/FILE.c,
# `cluster/FILE: NAME` one in tests/cluster/scenarios/FILE_test.go.
set -u
status=0 count=0
while read -r file name; do
	count=$((count + 1))
	grep -qw "$name" "tests/$file.c" 2>/dev/null || { echo "docs/THREATS.md names $file: $name, which does not exist" >&2; status=1; }
done < <(grep -oE '`(unit|e2e|contract|fault)/[a-z0-9_/]+: [A-Za-z0-9_]+`' docs/THREATS.md | tr -d '`' | tr ':' ' ')
while read -r file name; do
	grep -qw "func $name" "tests/cluster/scenarios/${file#cluster/}_test.go" 2>/dev/null ||
		{ echo "docs/THREATS.md names $file: $name, which does not exist" >&2; status=1; }
done < <(grep -oE '`cluster/[a-z_]+: [A-Za-z0-9_]+`' docs/THREATS.md | tr -d '`' | tr ':' ' ')
[ "$count" -gt 0 ] || { echo "docs/THREATS.md names no test" >&2; status=1; }
# A row of the table without a test is a promise that nobody checks.
awk -F'|' '/^## / {on = /Promises|Faults/} on && /^\|/ && !/^\|[- |]*$/ && !/\| promise \|/ && $4 !~ /`/ {print "no test in: " $0; bad = 1} END {exit bad}' docs/THREATS.md >&2 || status=1
exit $status
