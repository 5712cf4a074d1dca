#!/bin/bash
# Proves the units of tests/prove/units with Frama-C, as many at once as there are processors, and prints one table. Logs: build/prove.
# Anything short of a whole proof fails: a goal not proven, no goals, an alarm, code that was not reached, a crash, something taken on trust.
# PROVE_BYTES=N: inputs of Eva up to N bytes long instead of the bounds in the units file.
set -u
export BUILD=${BUILD:-build}
export OUT=$BUILD/prove
export CPP_ARGS="-std=c11 -D_GNU_SOURCE -I."
export WHY3CONFIG=$OUT/why3.conf

command -v frama-c >/dev/null || { echo "frama-c is missing: scripts/deps.sh prove" >&2; exit 1; }
rm -rf "$OUT" && mkdir -p "$OUT"
why3 config detect >"$OUT/why3.log" 2>&1 || { cat "$OUT/why3.log" >&2; exit 1; }
# Nothing is taken on trust: no axiom and no admitted property stands in an ACSL comment of ours.
if git ls-files -z 'base/*.[ch]' 'policy/*.[ch]' 'attest/*.[ch]' 'tests/prove/*.[ch]' | xargs -0 perl -0777 -ne '
	while (m{(/\*\@.*?\*/|//\@(?:[^\n]*\\\n)*[^\n]*)}sg) { my $text = $1; print "$ARGV: $text\n" if $text =~ /\b(axiom|axiomatic|admit)\b/ }' | grep .; then
	echo "taken on trust, not proven" >&2
	exit 1
fi

# Each sets `result` and `ok` from the log of one unit.
prove_wp() {
	frama-c -machdep gcc_x86_64 -cpp-extra-args="$CPP_ARGS -D__FC_STRING_H_ -include tests/prove/wp_string.h" \
		-wp -wp-rte -wp-definitions-terminate -wp-declarations-terminate -wp-prover cvc4,z3 -wp-par 2 -wp-timeout 10 -wp-cache none \
		${SMOKE:+-wp-smoke-tests -wp-smoke-timeout 2} "$@" >"$log" 2>&1
	local status=$? proven
	proven=$(sed -n 's/^\[wp\] Proved goals: *\([0-9]*\) \/ \([0-9]*\)$/\1 \2/p' "$log" | tail -1)
	[ $status = 0 ] && [ -n "$proven" ] || { result="Frama-C failed" ok=crash; return; }
	result="${proven% *}/${proven#* } goals"
	[ "${proven% *}" = "${proven#* }" ] && [ "${proven#* }" -gt 0 ] && ok=yes
	# cleanup_arena and cleanup_buf stand in headers, and are no part of any unit.
	if grep -E 'Degenerated|Neither code nor specification' "$log" | grep -vqE ' (arena|buf)_release,'; then
		ok=no result="$result, not all of them real"
	fi
}

# Slices are told apart by their length and buffers by length and capacity (`//@ split`), nothing else is: what Eva merges
# it makes larger, never smaller.
eva() {
	frama-c -c11 -machdep gcc_x86_64 -cpp-extra-args="$CPP_ARGS -DBYTES=$bound -include tests/prove/eva_libc.h" -eva -eva-slevel 0 -eva-interprocedural-splits \
		-eva-split-limit 1000 -eva-msg-key=-initial-state,-final-states "$@" -then -metrics -metrics-eva-cover
}

# An unbroken analysis without an alarm, from the beginning of main to its end. What contracts promise of str is proven by WP.
is_clean() {
	grep -q 'done for function main' "$log" && grep -q '^  0 alarms generated' "$log" &&
		grep -q "check 'reached_end' got status invalid" "$log" &&
		! grep -qE 'Degenerat|User Error|Failure|[Aa]borted|[Rr]ecursive' "$log" &&
		! grep -A1 -E 'Warning:' "$log" | grep -vE '^--|Warning: *$|reached_end' | grep -vqE '^  function str_\w+: postcondition got status unknown'
}

# Functions with code that was not reached, but for those named: main, and the inline functions of headers.
unreached() {
	sed -n 's/^  \(\w*\): \([0-9]*\) stmts out of .*(\([0-9.]*\)%)$/\1 \3/p' "$log" |
		grep -vE "^(main|str_\w+|any_bytes|${partly//,/|}) | 100.0$" | cut -d' ' -f1 | paste -sd, -
}

# The same unit with a fault planted: the last field names the file, and what sed does to it. Eva must raise an alarm.
finds_fault() {
	local file=${fault%% *} copy=$OUT/fault_${log##*/} args
	copy=${copy%.log}/$file
	mkdir -p "${copy%/*}"
	sed "${fault#* }" "$file" >"$copy"
	! cmp -s "$file" "$copy" || { result="$result, no fault planted"; return 1; }
	args=" $* "
	# shellcheck disable=SC2086
	eva -eva-stop-at-nth-alarm 1 ${args/ $file / $copy } >"${log%.log}.fault.log" 2>&1
	grep -q 'Stopping at nth alarm' "${log%.log}.fault.log" || { result="$result, planted fault NOT FOUND"; return 1; }
	result="$result, planted fault found"
}

prove_eva() {
	local partly=main missing
	[[ ${*: -1} = partly=* ]] && partly=${*: -1} partly=${partly#partly=} && set -- "${@:1:$#-1}"
	[ "$bound" = any ] || bound=${PROVE_BYTES:-$bound}
	eva "$@" >"$log" 2>&1 || { result="Frama-C failed" ok=crash; return; }
	is_clean || { result=$(grep -o '^  [0-9]* alarms\? generated' "$log" || echo "analysis ended early") ok=no; return; }
	missing=$(unreached)
	[ -z "$missing" ] || { result="not reached in full: $missing" ok=no; return; }
	result="no alarm in $(sed -n 's/^  [0-9]* stmts in analyzed functions, \([0-9]*\) .*/\1/p' "$log") statements"
	finds_fault "$@" && ok=yes
	[ "$bound" = any ] || bound="up to $bound bytes"
}

prove_unit() {
	local name plugin bound files options fault log ok=no result="" begun=$SECONDS
	IFS='|' read -r name plugin bound files options fault <<<"$1"
	read -r name <<<"$name"; read -r bound <<<"$bound"; read -r plugin <<<"$plugin"; read -r fault <<<"$fault"
	log=$OUT/${name//[ \/]/_}.log
	# shellcheck disable=SC2086
	"prove_$plugin" $files $options
	case $name in
	broken*) [ $ok = no ] && ok=yes result="$result: found" || ok=no ;;
	esac
	[ $ok = yes ] || result="$result  FAIL: $log"
	printf '%s|%s|%s|%s|%ss\n' "$name" "$plugin" "$bound" "$result" "$((SECONDS - begun))" >"${log%.log}.row"
	printf '  %-5s prove %-24s %s s\n' "$([ $ok = yes ] && echo ok || echo FAIL)" "$name" "$((SECONDS - begun))"
	[ $ok = yes ]
}
export -f prove_unit prove_wp prove_eva eva is_clean unreached finds_fault

units=$(sed '/^#/d; /^$/d' tests/prove/units)
[ $# -gt 0 ] && units=$(grep -F -- "$1" <<<"$units")
[ -n "$units" ] || { echo "no such unit" >&2; exit 1; }
echo "$(wc -l <<<"$units") units, about a minute each on two processors"
tr '\n' '\0' <<<"$units" | xargs -0 -P "$(nproc)" -I{} bash -c 'prove_unit "$1"' prove {}
status=$?
echo
{
	echo 'unit|plug-in|input|result|time'
	while IFS='|' read -r name _; do
		read -r name <<<"$name"
		cat "$OUT/${name//[ \/]/_}.row"
	done <<<"$units"
} | column -t -s '|'
exit $status
