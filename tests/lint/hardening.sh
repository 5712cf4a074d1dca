#!/bin/bash
# What was built has what the loader and the processor can offer: position independence, relocations that are resolved and closed at start, a
# stack that isn't run, guarded stack frames, and marks for indirect branches and shadow stacks (CET). Nothing is said where nothing was built.
set -u
status=0
build=${BUILD:-build}
complain() {
	echo "$1" >&2
	status=1
}
for program in sealgated sealgate sealgate-kube; do
	file=$build/$program
	[ -f "$file" ] || continue
	headers=$(readelf -hWl "$file")
	dynamic=$(readelf -Wd "$file")
	symbols=$(readelf -W --dyn-syms "$file")
	grep -q 'Type: *DYN' <<<"$headers" || complain "$file: not position independent (-fPIE -pie)"
	grep -q 'GNU_RELRO' <<<"$headers" || complain "$file: relocations stay writable (-Wl,-z,relro)"
	grep -qE 'BIND_NOW|FLAGS_1.*NOW' <<<"$dynamic" || complain "$file: functions are bound late (-Wl,-z,now)"
	grep -q 'TEXTREL' <<<"$dynamic" && complain "$file: code is written to at start"
	grep -qE 'RPATH|RUNPATH' <<<"$dynamic" && complain "$file: looks for libraries in places of its own"
	grep 'GNU_STACK' <<<"$headers" | grep -q 'RWE' && complain "$file: the stack can be run"
	grep 'LOAD' <<<"$headers" | grep -q 'RWE' && complain "$file: a part is both written and run"
	grep -q '__stack_chk_fail' <<<"$symbols" || complain "$file: stack frames aren't guarded (-fstack-protector-strong)"
	grep -q '_chk@' <<<"$symbols" || complain "$file: libc's functions don't check sizes (-D_FORTIFY_SOURCE=2)"
done
# What connects is sealgate-kube: libcurl and what it brings would cost the server a fifth of its memory.
[ -f "$build/sealgated" ] && readelf -Wd "$build/sealgated" | grep -q 'NEEDED.*libcurl' && complain "$build/sealgated: needs libcurl, which only sealgate-kube and sealgate do"
# The linker drops the marks where the system's own start files have none, as Debian 12's: ours are looked at one by one.
for object in "$build"/obj/{base,client,policy,store,attest,certs,kube,server,cli}/*.o; do
	[ -f "$object" ] || continue
	readelf -h "$object" | grep -q 'Machine:.*X86-64' || continue
	readelf -Wn "$object" | grep -q 'IBT.*SHSTK' || complain "$object: no marks for indirect branches and shadow stacks (-fcf-protection)"
done
exit $status
