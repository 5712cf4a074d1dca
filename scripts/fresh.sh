#!/bin/bash
# make fresh: the README's commands on a machine that has nothing. Makes a minimal Debian root with make and git, clones this repository into it, and
# runs `make check` and `make demo` there (or the goals that are given), as a stranger would. Needs root.
set -eu
[ $# -gt 0 ] || set -- check demo
[ "$(id -u)" = 0 ] || { echo "make fresh needs root (mmdebstrap, chroot)" >&2; exit 1; }
# Mounts of its own, which end with it.
[ -n "${FRESH_MOUNTS:-}" ] || FRESH_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
here=$(git rev-parse --show-toplevel)
"$here/scripts/deps.sh" fresh
root=$(mktemp -d "${TMPDIR:-/var/tmp}/sealgate-fresh-XXXXXX")
clean() {
	for mount in dev/pts dev proc; do umount -l "$root/$mount" 2>/dev/null || true; done
	rm -rf --one-file-system "$root"
}
trap clean EXIT

echo "A minimal Debian root in $root"
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
# The machine's own way to Debian's packages is copied in; nothing else is.
options=()
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/99* /etc/apt/apt.conf.d/*proxy*; do
	[ -f "$file" ] && options+=("--aptopt=$file")
done
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
	[ -s "$file" ] && sources+=("$file")
done
mmdebstrap --quiet --variant=minbase --include=make,git,ca-certificates "${options[@]}" "$suite" "$root" "${sources[@]}"
for file in /etc/resolv.conf /etc/hosts "${options[@]#--aptopt=}"; do
	mkdir -p "$root$(dirname "$file")"
	cat "$file" >"$root$file"
done
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"

git clone -q --no-hardlinks "$here" "$root/root/sealgate"
for goal in "$@"; do
	echo "make $goal in the fresh root"
	chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TERM=dumb ${WERROR:+WERROR=$WERROR} \
		bash -c "cd /root/sealgate && make $goal"
done
echo "fresh: make $* works on a machine that had nothing"
