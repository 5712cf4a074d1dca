#!/bin/bash
# image.sh root DIR | pack DIR FILE: the content of a container image, without a container engine.
#   root  puts into DIR what the two programs need to run and nothing else: no shell, no package manager
#   pack  makes an OCI archive of it (docker load, podman load, ctr image import); the same content makes the same bytes
# BUILD is where the programs were built; SOURCE_DATE_EPOCH, else the last commit's time, is the time of every file.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
version=$(sed -n 's/^VERSION := //p' Makefile)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
user=65532

# A file with the way of links that leads to it. What is named /lib stands in /usr/lib.
take() {
	local from=$1 to target
	case $from in
	/lib*) from=/usr$from ;;
	esac
	to=$root$from
	[ ! -e "$to" ] || return 0
	mkdir -p "$(dirname "$to")"
	if [ -L "$from" ]; then
		cp -P "$from" "$to"
		target=$(readlink "$from")
		case $target in
		/*) take "$target" ;;
		*) take "$(realpath -s "$(dirname "$from")/$target")" ;;
		esac
	else
		cp -p "$from" "$to"
	fi
}

# Libraries, by the names that the loader looks for.
libraries() { ldd "$@" | sed -n -E 's/^.*=> (\/[^ ]+) .*/\1/p; s/^\t(\/[^ ]+) \(.*/\1/p' | sort -u; }

make_root() {
	root=$1
	rm -rf "$root"
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/etc/ssl/certs "$root"/{dev,proc,tmp,run} "$root"/var/lib/sealgate
	ln -s usr/bin "$root/bin"
	ln -s usr/sbin "$root/sbin"
	ln -s usr/lib "$root/lib"
	ln -s usr/lib64 "$root/lib64"
	# The build id is made over debugging information, which names directories of the machine that built it.
	for program in sbin/sealgated bin/sealgate; do
		strip --strip-all --remove-section=.note.gnu.build-id -o "$root/usr/$program" "$build/${program#*/}"
	done
	for program in "$build"/sealgate-*; do
		[ ! -x "$program" ] || [ -d "$program" ] || {
			mkdir -p "$root/usr/libexec/sealgate"
			strip --strip-all --remove-section=.note.gnu.build-id -o "$root/usr/libexec/sealgate/${program##*/}" "$program"
		}
	done
	take /usr/bin/gpg
	take /usr/bin/gpgconf
	libraries "$root"/usr/sbin/* "$root"/usr/bin/* $(find "$root/usr/libexec" -type f 2>/dev/null) | while read -r library; do
		take "$library"
	done
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	echo "sealgate:x:$user:$user:sealgate:/var/lib/sealgate:/nonexistent" >"$root/etc/passwd"
	echo "sealgate:x:$user:" >"$root/etc/group"
	echo "hosts: files dns" >"$root/etc/nsswitch.conf"
	# Whose copyright each file is under.
	for file in /usr/bin/gpg $(cd "$root" && find usr/lib -name '*.so*' -type f -printf '/%p\n'); do
		dpkg-query -S "$file" "${file#/usr}" 2>/dev/null || true
	done | sed 's/:.*//' | sort -u | while read -r package; do
		take "/usr/share/doc/$package/copyright"
	done
	find "$root" -type d -exec chmod 755 {} +
	find "$root" -type f -exec chmod u=rwX,go=rX {} +
	chmod 1777 "$root/tmp"
}

tar_of() { tar --sort=name --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -C "$1" -c "${@:2}"; }
hash_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# One blob of the archive; prints its digest and size as the fields of a descriptor.
blob() {
	local digest
	digest=$(hash_of "$1")
	mv "$1" "$work/oci/blobs/sha256/$digest"
	printf '"digest":"sha256:%s","size":%s' "$digest" "$(stat -c %s "$work/oci/blobs/sha256/$digest")"
}

pack() {
	local root=$1 file=$2 config layer manifest diff arch
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work/oci/blobs/sha256"
	tar_of "$root" . >"$work/layer.tar"
	diff=$(hash_of "$work/layer.tar")
	gzip -9 -n "$work/layer.tar"
	layer=$(blob "$work/layer.tar.gz")
	arch=$(dpkg --print-architecture)
	cat >"$work/config" <<-EOT
		{"created":"$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)","architecture":"$arch","os":"linux","config":{"User":"$user:$user","Env":["PATH=/usr/sbin:/usr/bin"],"Entrypoint":["/usr/sbin/sealgated"],"WorkingDir":"/","Labels":{"org.opencontainers.image.title":"sealgate","org.opencontainers.image.version":"$version"}},"rootfs":{"type":"layers","diff_ids":["sha256:$diff"]}}
	EOT
	config=$(blob "$work/config")
	cat >"$work/manifest" <<-EOT
		{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",$config},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",$layer}]}
	EOT
	manifest=$(blob "$work/manifest")
	echo '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
	echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",$manifest,\"annotations\":{\"org.opencontainers.image.ref.name\":\"$version\",\"io.containerd.image.name\":\"docker.io/library/sealgate:$version\"}}]}" >"$work/oci/index.json"
	tar_of "$work/oci" . >"$file"
}

case ${1:-} in
root) make_root "${2:?a directory}" ;;
pack) pack "${2:?a directory}" "${3:?a file}" ;;
*)
	echo "usage: $0 root DIR | pack DIR FILE" >&2
	exit 2
	;;
esac
