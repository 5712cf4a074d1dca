#!/bin/bash
# Every weakness of tests/data/peer-weaknesses.txt has a test that carries its name, or a reason in docs/THREATS.md.
set -u
status=0 count=0
names=$(grep -rhoE '^static void [A-Za-z0-9_]+\(void \*\*' tests --include=*.c)
reasons=$(awk '/^## /{on = /Without a counterpart/} on' docs/THREATS.md)
while IFS='|' read -r id _; do
	id=${id% }
	[[ -z $id || $id == \#* ]] && continue
	count=$((count + 1))
	grep -qE "(^static void |_)${id//[^A-Za-z0-9]/_}(_|\()" <<<"$names" || grep -qE "(^|[| ,])$id([ ,|]|\$)" <<<"$reasons" ||
		{ echo "tests/data/peer-weaknesses.txt: $id has neither a test nor a row under \"Without a counterpart\"" >&2; status=1; }
done <tests/data/peer-weaknesses.txt
[ "$count" -ge 70 ] || { echo "tests/data/peer-weaknesses.txt has lost entries: $count" >&2; status=1; }
exit $status
