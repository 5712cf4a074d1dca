#!/bin/bash
# Makes the image's content twice and runs it: the same bytes, small, nothing that could be a shell, both programs at work
# as the image's user in a root of their own, with nothing of this machine in it.
set -eu
cd "$(dirname "$0")/.."
most=$((30 * 1000 * 1000))
work=$(mktemp -d "${TMPDIR:-/tmp}/sealgate-image-XXXXXX")
server=""
finish() {
	# unshare itself takes no signal while its child runs.
	[ -z "$server" ] || pkill -TERM -P "$server" || kill -KILL "$server" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
fail() {
	echo "  FAIL  image: $*" >&2
	exit 1
}
ok() { echo "  ok    image: $*"; }

for copy in a b; do
	scripts/image.sh root "$work/$copy"
	scripts/image.sh pack "$work/$copy" "$work/$copy.tar"
done
cmp -s "$work/a.tar" "$work/b.tar" || fail "the same content makes other bytes"
ok "twice the same bytes ($(sha256sum "$work/a.tar" | cut -c 1-16))"
size=$(stat -c %s "$work/a.tar")
[ "$size" -lt "$most" ] || fail "$size bytes are too many"
ok "$size bytes, compressed"
for name in sh bash dash busybox perl python3 apt dpkg; do
	[ -z "$(find "$work/a" -name "$name")" ] || fail "has $name"
done
[ -z "$(find "$work/a" -type f -perm /6000)" ] || fail "has a program that runs as somebody else"
ok "no shell, no package manager, nothing set-uid"
find "$work/a" -xtype l | grep -q . && fail "a link leads nowhere: $(find "$work/a" -xtype l)"

# A root of its own needs privileges that not every machine gives.
inside=(unshare --mount --pid --fork --kill-child --propagation private -- sh -c "mount -t proc proc '$work/a/proc' && mount --rbind /dev '$work/a/dev' &&
	exec chroot --userspec=65532:65532 '$work/a' \"\$@\"" sh)
if ! "${inside[@]}" /usr/bin/sealgate --help >"$work/help" 2>&1; then
	[ "$(id -u)" != 0 ] || fail "sealgate does not run: $(cat "$work/help")"
	echo "  image: this needs root to run the programs in it: left out"
	exit 0
fi
mkdir -p "$work/a/keys"
cp tests/data/openpgp/keys/rsa.asc "$work/a/keys/"
chown -R 65532:65532 "$work/a/var/lib/sealgate"
flags=(--data-dir /var/lib/sealgate --pubkeys /keys --webhook-listen 127.0.0.1:0 --api-listen 127.0.0.1:0 --ops-listen 127.0.0.1:0)
"${inside[@]}" /usr/sbin/sealgated "${flags[@]}" --check-config >"$work/check" 2>&1 || fail "sealgated can't load keys with its gpg: $(cat "$work/check")"
"${inside[@]}" /usr/sbin/sealgated "${flags[@]}" >"$work/log" 2>&1 &
server=$!
ready=""
for _ in $(seq 300); do
	address=$(sed -n 's/.*"listening".*"ops".*"address":"\([^"]*\)".*/\1/p' "$work/log")
	if [ -n "$address" ] && ready=$(curl -fsS "http://$address/readyz" 2>/dev/null); then
		break
	fi
	kill -0 "$server" 2>/dev/null || fail "sealgated ends: $(cat "$work/log")"
	sleep 0.1
done
[ "$ready" = ok ] || fail "sealgated is not ready: $ready $(cat "$work/log")"
ok "the server loads a key with the image's gpg and is ready"
webhook=$(sed -n 's/.*"listening".*"webhook".*"address":"\([^"]*\)".*/\1/p' "$work/log")
answer=$(curl -sS --cacert "$work/a/var/lib/sealgate/certs/ca.pem" -H 'Content-Type: application/json' -d '{"apiVersion":"admission.k8s.io/v1",
	"kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"shop","kind":{"group":"","version":"v1","kind":"Pod"},
	"resource":{"group":"","version":"v1","resource":"pods"},"object":{"spec":{"containers":[{"name":"a","image":"a"}]}}}}' "https://$webhook/validate")
case $answer in
*"Container image has no digest"*) ok "it refuses an image that nobody has signed" ;;
*) fail "it does not refuse: $answer" ;;
esac
