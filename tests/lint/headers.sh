#!/bin/bash
# Every header compiles alone, has a guard named after its path, and says what it is for in its first lines. No file is named after nothing.
set -u
status=0
flags=$(pkg-config --cflags jansson gpgme gnutls libmicrohttpd)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for header in {base,policy,store,attest,certs,server,cli}/*.h; do
	if ! echo "#include \"$header\"" | ${CC:-cc} -std=c11 -D_GNU_SOURCE -I. $flags -Wall -Wextra -Werror -fsyntax-only -x c - 2>"$out"; then
		echo "$header does not compile alone:" >&2
		head -n 5 "$out" >&2
		status=1
	fi
	guard=SEALGATE_$(tr 'a-z/.' 'A-Z__' <<<"$header")
	grep -q "^#ifndef $guard$" "$header" || { echo "$header: the guard should be $guard" >&2; status=1; }
	head -n 1 "$header" | grep -q '^/\*' || { echo "$header: begins without saying what it is for" >&2; status=1; }
done
for file in $(git ls-files base client policy store attest certs kube server cli); do
	case "$(basename "$file")" in
	*util* | *misc* | *common* | *helper*) echo "$file: name the noun it holds" >&2; status=1 ;;
	esac
done
exit $status
