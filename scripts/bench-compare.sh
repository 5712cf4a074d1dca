#!/bin/bash
# bench-compare.sh A B: two tables of `make bench`, each a file or a commit, side by side. A commit is built in a worktree
# of its own below $TMPDIR and measured there by the bench that it brings. ONLY and QUICK go to make bench.
set -eu
build=${BUILD:-build}
scratch=$(mktemp -d)
trap 'for tree in "$scratch"/tree-*; do [ ! -d "$tree" ] || git worktree remove --force "$tree"; done; rm -rf "$scratch"' EXIT

# Prints the name of the table of $1, made if $1 is a commit. Everything else goes to standard error.
table() {
	if [ -f "$1" ]; then
		echo "$1"
		return
	fi
	git rev-parse --verify --quiet "$1^{commit}" >/dev/null || { echo "bench-compare: $1 is neither a file nor a commit" >&2; return 1; }
	git worktree add --quiet --detach "$scratch/tree-$2" "$1" >&2
	make -C "$scratch/tree-$2" --no-print-directory bench ONLY="${ONLY:-}" QUICK="${QUICK:-}" >&2
	[ -f "$scratch/tree-$2/build/bench.json" ] || { echo "bench-compare: the bench of $1 writes no table" >&2; return 1; }
	cp "$scratch/tree-$2/build/bench.json" "$scratch/$2.json"
	echo "$scratch/$2.json"
}

a=$(table "$1" a)
b=$(table "$2" b)
"$build/tests/bench/bench" --compare "$a" "$b"
