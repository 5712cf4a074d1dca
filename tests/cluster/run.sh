#!/bin/bash
# run.sh up|check|demo|bench: a real control plane on loopback, with sealgate before it.
#   up     starts it, says how to use it, and leaves it running
#   check  runs the scenarios; RUN=PATTERN chooses some
#   demo   plays scripts/demo-cluster.sh
#   bench  what a webhook costs whoever creates pods, into BUILD/bench-cluster.json
# Everything is below a temporary directory. Except for `up`, all of it is gone at the end, also after a failure or an interrupt.
set -eu
cd "$(dirname "$0")"
what=${1:?up, check, demo or bench}
SEALGATE_BUILD=$(cd "../../${BUILD:-build}" && pwd)
CONTROLPLANE=$(./build.sh)
export SEALGATE_BUILD CONTROLPLANE
# As the control plane was built, so that what is compiled already serves here too.
export GOFLAGS="${GOFLAGS:-} -trimpath"
work=$(mktemp -d "${TMPDIR:-/tmp}/sealgate-cluster-XXXXXX")
# What ends a bed also ends what it has started, and removes its directory.
programs=$work/programs
mkdir "$programs"
child=""
finish() {
	if [ -n "$child" ]; then
		kill -TERM "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# Waits for a process of ours; an interrupt ends the wait, and `finish` the process.
follow() {
	child=$1
	local status=0
	wait "$child" || status=$?
	child=""
	return "$status"
}

# One line for each scenario; of one that fails all that it says.
shown='s/^--- PASS: Test(.*)/  ok    \1/p; t; s/^( *)--- FAIL: Test(.*)/  FAIL  \1\2/p; t; /^(=== |PASS$|FAIL$| *--- PASS)/d; p'

start_bed() {
	go build -o "$programs/up" ./up
	setsid "$programs/up" "$work" >"$work/up.log" 2>&1 </dev/null &
	child=$!
	while [ ! -e "$work/ready" ]; do
		kill -0 "$child" 2>/dev/null || {
			cat "$work/up.log" >&2
			return 1
		}
		sleep 0.1
	done
}

case $what in
up)
	start_bed
	cat "$work/ready"
	child=""
	trap - EXIT
	;;
check)
	go test -c -o "$programs/scenarios" ./scenarios
	exec 3> >(sed -u -n -E "$shown")
	printer=$!
	status=0
	BED=$work "$programs/scenarios" -test.v -test.timeout 15m -test.parallel 8 -test.run "${RUN:-.}" >&3 3>&- &
	follow $! || status=$?
	exec 3>&-
	wait "$printer"
	exit "$status"
	;;
demo)
	start_bed
	BED=$work ../../scripts/demo-cluster.sh
	;;
bench)
	go build -o "$programs/" ./allow ./bench
	ALLOW=$programs/allow "$programs/bench" "$work" "$SEALGATE_BUILD/bench-cluster.json" &
	follow $!
	;;
*)
	echo "run.sh: up, check, demo or bench" >&2
	exit 2
	;;
esac
