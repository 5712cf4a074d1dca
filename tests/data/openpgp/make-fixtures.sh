#!/bin/bash
# Makes the OpenPGP fixtures beside it: keys/*.asc, keys/fingerprints.tsv, signatures/*. cases.tsv says what each must
# give; docs/FORMATS.md shows signatures/clear-url.asc. Needs gpg 2.2 and python3. What it makes differs from run
# to run, since the keys are new; what it means does not.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=$(mktemp -d)
trap 'gpgconf --homedir "$home" --kill gpg-agent; rm -rf "$home"' EXIT
mkdir -p "$here/keys" "$here/signatures"
cd "$here"
rm -f keys/* signatures/*

repository=gcr.io/hightowerlabs/payment
digest=sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887
other=sha256:0000000000000000000000000000000000000000000000000000000000000001
url=https://$repository@$digest
born=20240101T000000
signed=20240601T120000

at() { # at TIME ARGUMENT...: gpg on that day
	local time=$1
	shift
	gpg --homedir "$home" --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' --no-emit-version \
		--no-comments --faked-system-time "$time!" "$@"
}
fingerprint() { gpg --homedir "$home" --batch --with-colons --list-keys "<$1@example.com>" 2>/dev/null | awk -F: '$1=="fpr" {print $10; exit}'; }
subkeys() { gpg --homedir "$home" --batch --with-colons --list-keys "<$1@example.com>" 2>/dev/null | awk -F: '$1=="sub" {s=1} $1=="fpr" && s {print $10; s=0}'; }
export_key() { # export_key NAME [FILE]
	at $born --armor --export "<$1@example.com>" >"keys/${2:-$1}.asc"
	printf '%s\t%s\n' "${2:-$1}" "$(fingerprint "$1")" >>keys/fingerprints.tsv
}
new_key() { # new_key NAME ALGORITHM [USAGE [EXPIRY [BORN]]]
	at "${5:-$born}" --quick-generate-key "$1@example.com" "$2" "${3:-default}" "${4:-never}"
}
user() { # user NAME|FINGERPRINT!: exactly that key; a bare address would match the end of others
	case $1 in
	*!) echo "$1" ;;
	*) echo "<$1@example.com>" ;;
	esac
}
sign() { # sign FILE KEY ARGUMENT...: standard input, on the day the rest was signed
	local file=$1 key
	key=$(user "$2")
	shift 2
	at "${when:-$signed}" --yes --output "signatures/$file" --local-user "$key" "$@"
}
packets() { gpg --homedir "$home" --batch --dearmor; }
armor() { # armor KIND: binary OpenPGP on standard input
	python3 -c '
import base64, sys
data = sys.stdin.buffer.read()
crc = 0xb704ce
for byte in data:
    crc ^= byte << 16
    for _ in range(8):
        crc <<= 1
        if crc & 0x1000000: crc ^= 0x1864cfb
text = base64.b64encode(data).decode()
print("-----BEGIN PGP %s-----\n" % sys.argv[1])
for i in range(0, len(text), 64): print(text[i:i + 64])
print("=" + base64.b64encode(crc.to_bytes(3, "big")).decode())
print("-----END PGP %s-----" % sys.argv[1])' "$1"
}
simple_signing() { # simple_signing TYPE REPOSITORY DIGEST
	printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"%s"}}' "$2" "$3" "$1"
}

# --- keys -----------------------------------------------------------------------------------------------------------
new_key rsa rsa3072 sign
new_key ed ed25519 sign
new_key p256 nistp256 sign
new_key dsa2048 dsa2048 sign
new_key stranger ed25519 sign
new_key rsa1024 rsa1024 sign
new_key dsa1024 dsa1024 sign
new_key revoked ed25519 sign
new_key expired ed25519 sign 20240901T000000
new_key subkey ed25519 cert
new_key subrevoked ed25519 cert
new_key subexpired ed25519 cert
new_key subweak ed25519 cert
new_key encryptonly ed25519 cert
at $born --quick-add-key "$(fingerprint subkey)" ed25519 sign never
at $born --quick-add-key "$(fingerprint subkey)" cv25519 encr never
at $born --quick-add-key "$(fingerprint subrevoked)" ed25519 sign never
at $born --quick-add-key "$(fingerprint subexpired)" ed25519 sign 20240901T000000
at $born --quick-add-key "$(fingerprint subweak)" rsa1024 sign never
at $born --quick-add-key "$(fingerprint encryptonly)" rsa3072 sign never
for name in rsa ed p256 dsa2048 stranger rsa1024 dsa1024 expired subkey subexpired subweak; do export_key $name; done
# The same key before and after its revocation, and before and after its subkey's.
export_key revoked revoked-before
export_key subrevoked subrevoked-before

# Two keys whose key ids agree in the last 32 bits alone: the same two materials, born at other seconds.
new_key shorta ed25519 sign
new_key shortb ed25519 sign
at $born --export "<shorta@example.com>" >"$home/a.bin"
at $born --export "<shortb@example.com>" >"$home/b.bin"
python3 - "$home/a.bin" "$home/b.bin" >"$home/seconds" <<'PY'
import hashlib, struct, sys
def material(path):
    data = open(path, "rb").read()
    assert data[0] & 0x40 == 0 and data[0] & 3 == 0
    body = data[2:2 + data[1]]
    return body[5:]
def short_ids(rest):
    for second in range(1700000000, 1700000000 + 400000):
        body = b"\x04" + struct.pack(">I", second) + rest
        yield hashlib.sha1(b"\x99" + struct.pack(">H", len(body)) + body).digest()[-4:], second
left = dict(short_ids(material(sys.argv[1])))
for short, second in short_ids(material(sys.argv[2])):
    if short in left:
        print(left[short], second)
        break
PY
read -r seconds_a seconds_b <"$home/seconds"
for name in a b; do
	grip=$(gpg --homedir "$home" --batch --with-colons --with-keygrip --list-keys "<short$name@example.com>" 2>/dev/null | awk -F: '$1=="grp" {print $10; exit}')
	seconds=seconds_$name
	cat >"$home/parameters" <<PARAMETERS
Key-Type: EdDSA
Key-Grip: $grip
Key-Usage: sign
Name-Email: collision$name@example.com
Creation-Date: seconds=${!seconds}
Expire-Date: 0
%no-protection
%commit
PARAMETERS
	at $born --generate-key "$home/parameters"
	export_key collision$name
done
[ "$(fingerprint collisiona | tail -c 9)" = "$(fingerprint collisionb | tail -c 9)" ]
[ "$(fingerprint collisiona | tail -c 17)" != "$(fingerprint collisionb | tail -c 17)" ]

# --- what counts ----------------------------------------------------------------------------------------------------
printf %s "$digest" | sign clear-digest.asc rsa --clearsign
printf '%s\n' "$digest" | sign clear-digest-newline.asc rsa --clearsign
printf '%s\r\n' "$digest" | sign clear-digest-crlf.asc rsa --clearsign
printf %s "$url" | sign clear-url.asc ed --clearsign
printf %s "$repository@$digest" | sign clear-reference.asc p256 --clearsign
printf %s "$url" | sign clear-dsa2048.asc dsa2048 --clearsign
printf %s "$url" | sign clear-subkey.asc "$(subkeys subkey | head -1)!" --clearsign
printf %s "$url" | sign attached.asc ed --armor --sign
printf %s "$url" | sign attached-uncompressed.asc ed --armor --sign --compress-algo none
printf %s "$url" | sign attached-bzip2.asc ed --armor --sign --compress-algo bzip2
printf %s "$url" | sign attached-text.asc rsa --armor --sign --textmode
printf %s "$url" | sign attached.gpg ed --sign
base64 -w76 signatures/attached.gpg >signatures/attached-binary.b64
base64 -w76 signatures/clear-url.asc >signatures/clear-url.b64
base64 -w0 signatures/clear-url.asc | tr -d = >signatures/clear-url-nopad.b64
printf %s "$url" >signatures/payload-url.txt
printf %s "$url" | sign detached.asc ed --armor --detach-sign
printf %s "$url" | sign detached-text.asc rsa --armor --detach-sign --textmode
simple_signing 'atomic container signature' $repository $digest | sign simple-signing.asc ed --armor --sign
simple_signing 'Google cloud binauthz container signature' $repository $digest | sign binauthz.asc rsa --armor --sign
simple_signing 'atomic container signature' $repository:v1 $digest | sign simple-signing-clear.asc ed --clearsign
simple_signing 'atomic container signature' docker.io/library/nginx $digest | sign simple-signing-nginx.asc ed --armor --sign
{ printf ' \n\t'; cat signatures/clear-url.asc; printf '\r\n \n'; } >signatures/clear-white-space-around.asc
sed 's/$/\r/' signatures/clear-url.asc >signatures/clear-crlf-lines.asc
sed '/^=....$/d' signatures/attached.asc >signatures/attached-no-checksum.asc
# Go's clearsign writes a binary signature where gpg writes one over text.
printf '%s' "$url" >"$home/text"
at $signed --yes --output "$home/binary.sig" --local-user "$(user ed)" --detach-sign "$home/text"
{ printf -- '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n%s\n' "$url"; armor SIGNATURE <"$home/binary.sig"; } >signatures/clear-binary-type.asc
# An RSA signature whose number is shorter than the modulus: one in 256 is.
number_bits() { # of the clear-signed text on standard input
	sed -n '/BEGIN PGP SIGNATURE/,$p' | packets | python3 -c '
import struct, sys
body = sys.stdin.buffer.read()[3:]
hashed = struct.unpack(">H", body[4:6])[0]
unhashed = struct.unpack(">H", body[6 + hashed:8 + hashed])[0]
at = 8 + hashed + unhashed + 2
print(struct.unpack(">H", body[at:at + 2])[0])'
}
for second in $(seq 0 5000); do
	moment=$(date -u -d "2024-06-01 $second seconds" +%Y%m%dT%H%M%S)
	printf %s "$url" | at "$moment" --local-user "$(user rsa)" --clearsign >"$home/short.asc"
	if [ "$(number_bits <"$home/short.asc")" -le 3064 ]; then
		cp "$home/short.asc" signatures/clear-short-mpi.asc
		break
	fi
done
[ -s signatures/clear-short-mpi.asc ]

# --- the key does not count -----------------------------------------------------------------------------------------
printf %s "$url" | sign by-stranger.asc stranger --clearsign
printf %s "$url" | sign by-collision.asc collisionb --clearsign
printf %s "$url" | sign by-rsa1024.asc rsa1024 --clearsign
printf %s "$url" | sign by-dsa1024.asc dsa1024 --clearsign --digest-algo SHA256 --enable-dsa2
printf %s "$url" | sign by-subweak.asc "$(subkeys subweak | head -1)!" --clearsign
printf %s "$url" | sign by-expired.asc expired --clearsign
printf %s "$url" | sign by-subexpired.asc "$(subkeys subexpired | head -1)!" --clearsign
printf %s "$url" | sign by-revoked.asc revoked --clearsign
printf %s "$url" | sign by-subrevoked.asc "$(subkeys subrevoked | head -1)!" --clearsign
# A subkey that could sign when it did, and that its owner has since made one for encryption alone.
printf %s "$url" | sign by-encryptonly.asc "$(subkeys encryptonly | head -1)!" --clearsign
printf 'key 1\nchange-usage\ns\ne\nq\nsave\n' | at 20240701T000000 --command-fd 0 --expert --edit-key "<encryptonly@example.com>"
export_key encryptonly
sed 's/^:---/---/' "$home/openpgp-revocs.d/$(fingerprint revoked).rev" | at 20240701T000000 --import
export_key revoked
printf 'key 1\nrevkey\ny\n0\n\ny\nsave\n' | at 20240701T000000 --command-fd 0 --edit-key "<subrevoked@example.com>"
export_key subrevoked
cat keys/rsa.asc keys/ed.asc >keys/both.asc
at $born --armor --export-secret-keys "<ed@example.com>" >keys/ed-secret.asc
at $born --export "<rsa@example.com>" >keys/rsa.gpg

# --- the signature does not count -----------------------------------------------------------------------------------
printf %s "$url" | when=20990101T000000 sign future.asc ed --clearsign
printf %s "$url" | sign signature-expired.asc ed --clearsign --default-sig-expire 20240901T000000
printf %s "$url" | sign sha1.asc rsa --clearsign --digest-algo SHA1
printf %s "$url" | sign sha1-attached.asc rsa --armor --sign --digest-algo SHA1
printf %s "$url" | sign ripemd160.asc rsa --clearsign --digest-algo RIPEMD160
printf %s "$url" | sign md5.asc rsa --clearsign --digest-algo MD5 --allow-weak-digest-algos
printf %s "$url" | sign md5-attached.asc rsa --armor --sign --digest-algo MD5 --allow-weak-digest-algos
sed "s/$digest/$other/" signatures/clear-digest.asc >signatures/tampered.asc

# --- the message does not count -------------------------------------------------------------------------------------
printf %s "$url" | sign two-signatures.asc rsa --local-user "$(user ed)" --clearsign
printf %s "$url" | sign two-attached.asc rsa --local-user "$(user ed)" --armor --sign
printf %s "$url" | sign two-attached-uncompressed.asc rsa --local-user "$(user ed)" --armor --sign --compress-algo none
printf %s "$other" | sign other.sig ed --detach-sign
printf %s "$url" | sign good.sig rsa --detach-sign
{ sed '/BEGIN PGP SIGNATURE/,$d' signatures/clear-url.asc; cat signatures/good.sig signatures/other.sig | armor SIGNATURE; } >signatures/two-signatures-one-bad.asc
{ cat signatures/clear-url.asc; echo "$other"; } >signatures/trailing-text.asc
cat signatures/clear-url.asc signatures/clear-digest.asc >signatures/two-messages.asc
{ echo "$digest"; cat signatures/clear-url.asc; } >signatures/leading-text.asc
{ packets <signatures/attached-uncompressed.asc; printf '\313\013b\000\000\000\000\000hello'; } | armor MESSAGE >signatures/trailing-packet.asc
{ packets <signatures/attached.asc; printf '\313\013b\000\000\000\000\000hello'; } | armor MESSAGE >signatures/trailing-packet-compressed.asc
{ printf '\313\013b\000\000\000\000\000hello'; packets <signatures/attached-uncompressed.asc; } | armor MESSAGE >signatures/leading-packet.asc
at $signed --yes --output "$home/inner.gpg" --local-user "$(user ed)" --sign "$home/text"
sign nested.asc rsa --armor --sign <"$home/inner.gpg"
sign nested-clear.asc rsa --clearsign <signatures/clear-url.asc
sign empty.asc rsa --armor --sign --compress-algo none </dev/null
sign empty-compressed.asc rsa --armor --sign </dev/null
sign empty-clear.asc rsa --clearsign </dev/null
printf %s "$url" | at $signed --store --armor >signatures/unsigned.asc
printf %s "$url" | at $signed --store --compress-algo none --armor >signatures/unsigned-uncompressed.asc
sed 's/^Hash: .*/&\nComment: not signed/' signatures/clear-url.asc >signatures/clear-comment-header.asc
sed 's/^Hash: .*/NotDashEscaped: yes/' signatures/clear-url.asc >signatures/clear-not-dash-escaped.asc
base64 -w76 signatures/clear-url.b64 >signatures/base64-twice.b64
head -c 200 signatures/attached.asc >signatures/truncated.asc
sed 's/^=....$/=AAAA/' signatures/attached.asc >signatures/attached-bad-checksum.asc
cp keys/ed.asc signatures/public-key.asc
at $signed --armor --encrypt --trust-model always --recipient "$(subkeys subkey | tail -1)!" <"$home/text" >signatures/encrypted.asc
base64 -w76 keys/rsa.gpg >signatures/public-key.b64

# --- the payload does not count -------------------------------------------------------------------------------------
sed "s/^-----BEGIN PGP SIGNATURE-----/&\nComment: $digest/" <(printf %s "$other" | at $signed --local-user "$(user rsa)" --clearsign) >signatures/digest-in-comment.asc
printf '%s\n%s\n' "$other" "$digest" | sign digest-in-second-line.asc rsa --clearsign
printf '%s\n%s\n' "$digest" "$other" | sign two-lines.asc rsa --clearsign
printf '%s\n\n' "$digest" | sign two-newlines.asc rsa --armor --sign
printf '%s ' "$digest" | sign trailing-space.asc rsa --clearsign
printf 'http://%s@%s' $repository $digest | sign plain-http.asc rsa --clearsign
printf '%s' $repository:v1 | sign tag-only.asc rsa --clearsign
printf 'payment is fine' | sign prose.asc rsa --clearsign
printf %s "${digest^^}" | sign upper-case.asc rsa --clearsign
simple_signing 'something else' $repository $digest | sign simple-signing-other-type.asc ed --armor --sign
simple_signing 'atomic container signature' $repository "$other\",\"docker-manifest-digest\":\"$digest" | sign simple-signing-duplicate.asc ed --armor --sign
head -c 70000 /dev/zero | tr '\0' a | sign large-payload.asc ed --armor --sign
head -c 20000000 /dev/zero | sign bomb.asc ed --armor --sign
rm -f signatures/*.sig
rm -f signatures/attached.gpg

# The same key under a passphrase, for signing; last, since from here on it needs it.
printf 'correct horse\n' >"$home/passphrase"
with_passphrase() { gpg --homedir "$home" --batch --quiet --no-tty --pinentry-mode loopback --passphrase-file "$home/passphrase" "$@"; }
with_passphrase --change-passphrase "<ed@example.com>"
with_passphrase --armor --export-secret-keys "<ed@example.com>" >keys/ed-passphrase.asc
