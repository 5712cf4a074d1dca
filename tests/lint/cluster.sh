#!/bin/bash
# tests/cluster: its scripts parse, lines have at most 140 columns and files 400 lines; where Go is present its code is formatted and vetted.
set -u
cd tests/cluster || exit 1
status=0
for script in *.sh; do
	bash -n "$script" || status=1
done
awk '{ gsub(/\t/, "    ") } length($0) > 140 { print "tests/cluster/" FILENAME ":" FNR ": longer than 140 columns"; bad = 1 }
	FNR > 400 && !told[FILENAME]++ { print "tests/cluster/" FILENAME ": more than 400 lines"; bad = 1 }
	END { exit bad }' */*.go >&2 || status=1
command -v go >/dev/null || exit "$status"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt -w: $unformatted" >&2; status=1; }
# Vetting compiles what the tests import; that of the control plane itself is left to its build.
GOFLAGS="${GOFLAGS:-} -trimpath" go vet ./allow ./bed ./bench ./up ./scenarios >&2 || status=1
exit "$status"
