#!/bin/bash
# Proves the units of tests/prove/units with Frama-C, as many at once as there are processors, and prints one table. Logs: build/prove.
# Anything short of a whole proof fails: a goal not proven, no goals, a crash, something taken on trust.
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
	while (m{(/\*\@.*?\*/|//\@[^\n]*)}sg) { print "$ARGV: $1\n" if $1 =~ /\b(axiom|axiomatic|admit)\b/ }' | grep .; then
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

prove_unit() {
	local name plugin bound files options log ok=no result="" begun=$SECONDS
	IFS='|' read -r name plugin bound files options <<<"$1"
	read -r name <<<"$name"; read -r bound <<<"$bound"; read -r plugin <<<"$plugin"
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
export -f prove_unit prove_wp

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
