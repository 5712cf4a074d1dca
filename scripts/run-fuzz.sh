#!/bin/bash
# Runs each fuzz target for FUZZ_SECONDS from its seeds and dictionary (tests/fuzz/corpus/NAME, tests/fuzz/NAME.dict). What it finds stays in build/.
set -u
status=0
for target in "$@"; do
	name=${target#fuzz_}
	work=$BUILD/fuzz/work-$name
	mkdir -p "$work"
	seeds=tests/fuzz/corpus/$name
	dictionary=tests/fuzz/$name.dict
	args=(-max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$BUILD/fuzz/$name-")
	[ -f "$dictionary" ] && args+=(-dict="$dictionary")
	dirs=("$work")
	[ -d "$seeds" ] && dirs+=("$seeds")
	printf '  FUZZ %-24s %ss ' "$name" "${FUZZ_SECONDS:-60}"
	if "$BUILD/fuzz/$target" "${args[@]}" "${dirs[@]}" >"$BUILD/fuzz/$name.log" 2>&1; then
		sed -n 's/^stat::number_of_executed_units: */ok, runs: /p' "$BUILD/fuzz/$name.log"
	else
		echo FAILED
		tail -n 40 "$BUILD/fuzz/$name.log"
		status=1
	fi
done
exit $status
