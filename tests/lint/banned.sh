#!/bin/bash
# The compiler refuses most banned functions (base/banned.h); this finds what a macro could hide, and breaks of other house rules.
set -u
status=0
files=$(git ls-files '*.c' '*.h' | grep -v '^base/banned.h$')
look() {
	if found=$(grep -nE "$1" $files /dev/null); then
		printf '%s\n' "$found" | sed "s|^|$2: |" >&2
		status=1
	fi
}
look '\b(strcpy|strcat|strncpy|strncat|strtok|sprintf|vsprintf|gets|atoi|atol|alloca|mktemp|tmpnam)[[:space:]]*\(' 'banned function'
look '\bgoto\b[^"]*;' 'scope cleanup instead of goto'
look '\b(TODO|FIXME|XXX|HACK)\b' 'finish it or say so in NEWS'
look '#[[:space:]]*include[[:space:]]*"[^"]*\.c"' 'a test includes a source file'
look '\b(system|popen)[[:space:]]*\(' 'no shell'
if found=$(grep -nE '"[^"]*(SELECT|INSERT|UPDATE|DELETE) [^"]*%[sd.*]' store/*.c /dev/null); then
	printf 'SQL is bound, not pasted: %s\n' "$found" >&2
	status=1
fi
exit $status
