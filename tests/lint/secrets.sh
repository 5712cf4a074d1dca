#!/bin/bash
# What proves who calls is compared in constant time: where tokens are checked, nothing that stops at the first difference is called
# with a token, a hash or a passphrase, and sha256_equal decides.
set -u
status=0
files=(server/access.c)
stops='\b(memcmp|strn?cmp|strn?casecmp|str_eq[a-z_]*|str_compare|str_starts_with|str_ends_with)\('
for file in "${files[@]}"; do
	if grep -nE "$stops" "$file" | grep -E '(token|hash|secret|passphrase)[a-z]*(\.|->|,|\))' | grep -vE 'token_file|word, prefix'; then
		echo "$file: compare secrets with sha256_equal" >&2
		status=1
	fi
	grep -q 'sha256_equal(' "$file" || { echo "$file: no constant-time comparison" >&2; status=1; }
done
exit $status
