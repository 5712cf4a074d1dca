#!/bin/bash
# Functions: median at most 18 lines, 95 % under 60, none over 100. Files: median at most 250 lines, none over 900. Program sources only.
# An exception stands in tests/lint/sizes.allow with its reason: "FILE:FUNCTION reason" or "FILE reason".
set -u
files=$(git ls-files {base,policy,store,attest,certs,server,cli}/'*.c')
awk -v allow="$(cut -d' ' -f1 tests/lint/sizes.allow | tr '\n' ' ')" '
function sorted(a, n,   i, j, t) {
	for (i = 2; i <= n; i++) { t = a[i]; for (j = i - 1; j >= 1 && a[j] > t; j--) a[j + 1] = a[j]; a[j + 1] = t }
}
function bad(text) { print text > "/dev/stderr"; failed = 1 }
function end_file() {
	file_lines[++nf] = last
	if (last > 900 && index(allow, current " ") == 0) bad(current ": " last " lines (900 at most)")
}
FNR == 1 && NR > 1 { end_file() }
FNR == 1 { current = FILENAME; inside = 0; header = "" }
{ last = FNR }
/^[A-Za-z_]/ && /\(/ { header = $0 }
/^{$/ { inside = 1; start = FNR; name = header; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
/^}$/ && inside {
	inside = 0; n = FNR - start + 1; lengths[++count] = n
	if (n > 100 && index(allow, FILENAME ":" name " ") == 0) bad(FILENAME ":" start ": " name " has " n " lines (100 at most)")
	if (n >= 60) long_ones++
}
END {
	if (!count) exit 0
	end_file()
	sorted(lengths, count); sorted(file_lines, nf)
	median = lengths[int((count + 1) / 2)]; file_median = file_lines[int((nf + 1) / 2)]
	printf "        %d functions: median %d lines, %.1f %% under 60, longest %d; %d files: median %d lines, longest %d\n",
		count, median, 100 * (count - long_ones) / count, lengths[count], nf, file_median, file_lines[nf]
	if (median > 18) bad("median function length " median " (18 at most)")
	if (long_ones / count > 0.05) bad(long_ones " of " count " functions have 60 lines or more (5 % at most)")
	if (file_median > 250) bad("median file length " file_median " (250 at most)")
	exit failed
}' $files
