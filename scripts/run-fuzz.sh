#!/bin/bash
# Runs each fuzz target for FUZZ_SECONDS from its seeds and dictionary (tests/fuzz/corpus/NAME, tests/fuzz/NAME.dict; more directories with
# seeds stand in tests/fuzz/NAME.seeds), as many at once as there are processors. The stored inputs, among them everything ever found, run
# before. What a target finds stays in build/fuzz.
set -u
export BUILD=${BUILD:-build} FUZZ_SECONDS=${FUZZ_SECONDS:-60}

fuzz_one() {
	local name=${1#fuzz_}
	local log=$BUILD/fuzz/$name.log work=$BUILD/fuzz/work-$name
	local args=(-max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$BUILD/fuzz/$name-")
	mkdir -p "$work"
	[ -f "tests/fuzz/$name.dict" ] && args+=(-dict="tests/fuzz/$name.dict")
	local stored=("tests/fuzz/corpus/$name")
	[ -f "tests/fuzz/$name.seeds" ] && mapfile -t -O 1 stored <"tests/fuzz/$name.seeds"
	if ! "$BUILD/fuzz/$1" -timeout=10 -runs=0 -artifact_prefix="$BUILD/fuzz/$name-" "${stored[@]}" >"$log" 2>&1; then
		printf '  FAIL  fuzz %s: an input of tests/fuzz/corpus/%s\n' "$name" "$name"
		tail -n 40 "$log" | sed 's/^/        /'
		return 1
	fi
	if "$BUILD/fuzz/$1" "${args[@]}" "$work" "${stored[@]}" >"$log" 2>&1; then
		printf '  ok    fuzz %-20s %s s, %s runs\n' "$name" "$FUZZ_SECONDS" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
	else
		printf '  FAIL  fuzz %s\n' "$name"
		tail -n 40 "$log" | sed 's/^/        /'
		return 1
	fi
}
export -f fuzz_one
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'fuzz_one {}'
