#!/bin/bash
# make demo: the main job of sealgate, played with the programs that a user would use. Each command is shown before its output.
# KEEP=1 leaves the server running and says how to talk to it. Exit status 0 only when every step gave what the story says.
set -u
build=$(cd "${BUILD:-build}" && pwd) || exit 1
export PATH="$build:$PATH"
work=$(mktemp -d "${TMPDIR:-/tmp}/sealgate-demo-XXXXXX") || exit 1
export GNUPGHOME="$work/gnupg"
mkdir -m 700 "$GNUPGHOME" "$work/keys"
cd "$work" || exit 1
passed=0 failed=0 server=""

if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') red=$(printf '\033[31m') green=$(printf '\033[32m') plain=$(printf '\033[0m'); else bold="" dim="" red="" green="" plain=""; fi

finish() {
	if [ -n "$server" ] && [ "${KEEP:-}" != 1 ]; then
		kill -TERM "$server" 2>/dev/null
		wait "$server" 2>/dev/null
	fi
	gpgconf --kill all 2>/dev/null
	[ "${KEEP:-}" = 1 ] && [ -n "$server" ] || rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
say() { printf '%s\n' "$1" | fold -s -w 100; }
# Shows a command as a user would type it, then runs it; its output is kept in $out as well.
run() {
	printf '%s$ %s%s\n' "$dim" "$1" "$plain"
	out=$(eval "$1" 2>&1)
	status=$?
	[ -z "$out" ] || printf '%s\n' "$out" | cut -c 1-400
}
good() {
	printf '%s  ok: %s%s\n' "$green" "$1" "$plain"
	passed=$((passed + 1))
}
wrong() {
	printf '%s  NOT AS EXPECTED: %s%s\n' "$red" "$1" "$plain"
	failed=$((failed + 1))
}
# The last answer allowed or refused, and for a refusal its message with this text.
admitted() { if [[ $out == *'"allowed":true'* ]]; then good "admitted: $1"; else wrong "should be admitted: $1"; fi; }
refused() {
	if [[ $out == *'"allowed":false'* && $out == *"$2"* ]]; then
		good "refused: $1"
		sed -n 's/.*"message":"\([^"]*\)".*/      \1/p' <<<"$out" | head -n 1 | fold -s -w 110
	else
		wrong "should be refused: $1"
	fi
}
done_right() { if [ "$status" = 0 ]; then good "$1"; else wrong "$1 (exit status $status)"; fi; }

digest=sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887
image=gcr.io/hightowerlabs/payment@$digest
other=gcr.io/hightowerlabs/payment@sha256:5d4d6a4d4c6b0a4a9ef7a2f9d1b7e0c3b4a5968778695a4b3c2d1e0f9a8b7c6d
second=gcr.io/hightowerlabs/frontend@sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0

# review FILE GROUP KIND RESOURCE OBJECT [SUBRESOURCE OPERATION OLD]
review() {
	cat >"$1" <<EOF
{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{
"uid":"705ab4f5-6393-11e8-b7cc-42010a800002",
"kind":{"group":"$2","version":"v1","kind":"$3"},"resource":{"group":"$2","version":"v1","resource":"$4"},
${6:+\"subResource\":\"$6\",}"name":"payment","namespace":"default","operation":"${7:-CREATE}",
"userInfo":{"username":"alice","groups":["system:authenticated"]},
"object":$5,"oldObject":${8:-null},"dryRun":false}}
EOF
}
pod() { printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"payment","namespace":"default"},"spec":{%s}}' "$1"; }
container() { printf '{"name":"%s","image":"%s"}' "$1" "$2"; }
main=$(container payment "$image")
template() { printf '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"payment"},"spec":{"selector":{"matchLabels":{"app":"payment"}},"template":{"metadata":{"labels":{"app":"payment"}},"spec":{"containers":[%s]}}}}' "$1"; }
review pod.json "" Pod pods "$(pod "\"containers\":[$main]")"
review pod-other-digest.json "" Pod pods "$(pod "\"containers\":[$(container payment "$other")]")"
review pod-init.json "" Pod pods "$(pod "\"initContainers\":[$(container migrate "$image")],\"containers\":[$main]")"
review pod-debug.json "" Pod pods "$(pod "\"containers\":[$main],\"ephemeralContainers\":[$(container debugger "$image")]")" \
	ephemeralcontainers UPDATE "$(pod "\"containers\":[$main]")"
review deployment.json apps Deployment deployments "$(template "$main")"
review deployment-sidecar.json apps Deployment deployments "$(template "$main,$(container sidecar "$other")")"
cat >deployment.yaml <<EOF
apiVersion: apps/v1
kind: Deployment
metadata:
  name: frontend
spec:
  selector:
    matchLabels: {app: frontend}
  template:
    metadata:
      labels: {app: frontend}
    spec:
      containers:
      - name: frontend
        image: $second
EOF

title "sealgate: an unsigned image is refused, a signed one is admitted"
say "Everything happens in $work and on loopback. Nothing of yours is touched."

title "Certificates and a throw-away OpenPGP key"
run "sealgate certs init --dir certs --san localhost"
done_right "a CA, a server and a client certificate"
run "gpg --batch --quiet --passphrase '' --pinentry-mode loopback --quick-generate-key 'QA Bob <qa_bob@example.com>' rsa3072 sign never"
done_right "a key for qa_bob@example.com"
run "gpg --armor --export qa_bob@example.com > keys/qa_bob.asc"
run "sealgate key show keys/qa_bob.asc"
done_right "the server will count signatures of this key"

title "The server"
launch="sealgated --data-dir data --pubkeys keys --tls-cert certs/server.pem --tls-key certs/server-key.pem --webhook-listen 127.0.0.1:0 --api-listen 127.0.0.1:0 --ops-listen 127.0.0.1:0"
printf '%s$ %s 2> server.log &%s\n' "$dim" "$launch" "$plain"
if [ "${KEEP:-}" = 1 ]; then
	# shellcheck disable=SC2086
	setsid $launch 2>server.log </dev/null &
else
	# shellcheck disable=SC2086
	$launch 2>server.log </dev/null &
fi
server=$!
address() { sed -n "s/.*\"msg\":\"listening\".*\"listener\":\"$1\".*\"address\":\"\([^\"]*\)\".*/\1/p" server.log | head -n 1; }
for _ in $(seq 200); do
	[ -n "$(address ops)" ] && curl -sf "http://$(address ops)/readyz" >/dev/null && break
	kill -0 "$server" 2>/dev/null || break
	sleep 0.05
done
WEBHOOK=https://localhost:$(address webhook | sed 's/.*://')
API=http://$(address api)
OPS=http://$(address ops)
export WEBHOOK API OPS
say "WEBHOOK=$WEBHOOK  API=$API  OPS=$OPS"
run "curl -s \$OPS/readyz"
if [ "$status" = 0 ]; then good "ready"; else
	wrong "the server did not start"
	cat server.log
	exit 1
fi
ask="curl -s --cacert certs/ca.pem \$WEBHOOK/validate -d"

title "1. A pod with an unsigned image asks to be admitted"
run "$ask @pod.json"
refused "nobody vouches for $image yet" "No matched signatures for container image: $image"

title "2. A note: the authority that signs, called qa"
cat >note.json <<EOF
{"name": "projects/image-signing/notes/qa", "shortDescription": "QA image signer", "kind": "ATTESTATION_AUTHORITY",
 "attestationAuthority": {"hint": {"humanReadableName": "qa"}}}
EOF
run "curl -s -X POST \"\$API/v1alpha1/projects/image-signing/notes?noteId=qa\" -d @note.json"
if [[ $out == *'"name":"projects/image-signing/notes/qa"'* ]]; then good "the note is stored"; else wrong "the note is stored"; fi

title "3. The digest is signed with gpg and uploaded with curl"
run "echo -n $digest > digest.txt"
run "gpg --batch --quiet --no-auto-check-trustdb --armor --local-user qa_bob@example.com --output signature.asc --clearsign digest.txt"
done_right "a clear-signed digest"
fingerprint=$(gpg --batch --with-colons --fingerprint qa_bob@example.com | sed -n 's/^fpr:*\([0-9A-F]*\):.*/\1/p' | head -n 1)
cat >occurrence.json <<EOF
{"resourceUrl": "https://$image", "noteName": "projects/image-signing/notes/qa", "kind": "ATTESTATION_AUTHORITY",
 "attestation": {"pgpSignedAttestation": {"signature": "$(base64 -w0 signature.asc)",
  "contentType": "application/vnd.gcr.image.url.v1", "pgpKeyId": "$fingerprint"}}}
EOF
run "curl -s -X POST \"\$API/v1alpha1/projects/image-signing/occurrences\" -d @occurrence.json"
if [[ $out == *'"name":"projects/image-signing/occurrences/'* ]]; then good "the attestation is stored"; else wrong "the attestation is stored"; fi

title "4. The same review again, and what is like it"
run "$ask @pod.json"
admitted "the pod, now that its image is signed"
run "$ask @pod-other-digest.json"
refused "the same repository at another digest" "$other"
run "$ask @deployment.json"
admitted "the image in a Deployment"
run "$ask @pod-init.json"
admitted "the image in an init container"
run "$ask @pod-debug.json"
admitted "the image in an ephemeral container (kubectl debug)"
run "$ask @deployment-sidecar.json"
refused "a Deployment with an unsigned sidecar, which is named" "spec.template.spec.containers[1].image"

title "5. The short way: one command signs and uploads, another checks a manifest"
run "sealgate sign $second --key qa_bob@example.com --note projects/image-signing/notes/qa --server \$API"
done_right "signed and uploaded"
run "sealgate check -f deployment.yaml --pubkeys keys --server \$API"
done_right "the manifest would be admitted"

title "Summary"
if [ "$failed" = 0 ]; then
	printf '%s%d steps went as the story says.%s\n' "$green" "$passed" "$plain"
else
	printf '%s%d steps went as the story says, %d did not. The server wrote:%s\n' "$red" "$passed" "$failed" "$plain"
	tail -n 20 server.log
fi
if [ "${KEEP:-}" = 1 ]; then
	cat <<EOF

The server is still running (process $server, files in $work). Talk to it:
  cd $work; export GNUPGHOME=$GNUPGHOME PATH=$build:\$PATH WEBHOOK=$WEBHOOK API=$API OPS=$OPS
  curl -s --cacert certs/ca.pem \$WEBHOOK/validate -d @pod.json
  curl -s \$API/v1alpha1/projects/image-signing/occurrences
  curl -s \$OPS/metrics
  tail -f server.log
Stop it:
  kill $server; rm -rf $work
EOF
fi
[ "$failed" = 0 ]
