#!/bin/bash
# make demo-cluster: the main job of sealgate in a real cluster, from the first refusal to controllers that run. BED is the directory of a running one
# (tests/cluster/run.sh). Each command is shown before its output. Exit status 0 only when every step gave what the story says.
set -u
. "${BED:?the directory of a running cluster}/env"
cd "$BED" || exit 1
failed=0

if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') red=$(printf '\033[31m') green=$(printf '\033[32m') plain=$(printf '\033[0m'); else bold="" dim="" red="" green="" plain=""; fi

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
# Shows a command as a user would type it, then runs it; its output is kept in $out as well. Digests are shortened for reading.
run() {
	printf '%s$ %s%s\n' "$dim" "$1" "$plain"
	out=$(eval "$1" 2>&1)
	status=$?
	[ -z "$out" ] || printf '%s\n' "$out" | sed -E 's/(sha256:[0-9a-f]{8})[0-9a-f]{56}/\1.../g' | fold -s -w 118
}
wrong() {
	printf '%s  NOT AS EXPECTED: %s%s\n' "$red" "$1" "$plain"
	failed=$((failed + 1))
}
good() { printf '%s  %s%s\n' "$green" "$1" "$plain"; }
admitted() { if [ "$status" = 0 ]; then good "$1"; else wrong "should be admitted: $1"; fi; }
refused() { if [ "$status" != 0 ] && [[ $out == *"denied the request: $2"* ]]; then good "$1"; else wrong "should be refused: $1"; fi; }
# Waits for what a controller will bring, then shows it.
show_when() {
	for _ in $(seq 100); do
		[[ $(eval "$2" 2>&1) == *"$1"* ]] && break
		sleep 0.1
	done
	run "$2"
	[[ $out == *"$1"* ]] || wrong "should show $1"
}

IMAGE=gcr.io/hightowerlabs/payment@sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887
OTHER=gcr.io/hightowerlabs/payment@sha256:5d4d6a4d4c6b0a4a9ef7a2f9d1b7e0c3b4a5968778695a4b3c2d1e0f9a8b7c6d
export IMAGE OTHER
none="No matched signatures for container image: "

title "A real cluster: etcd, kube-apiserver, controllers and kubectl, none of them ours, with sealgate before them"
run "kubectl version | tail -n 1; kubectl get validatingwebhookconfigurations"
admitted "the API server asks sealgate about every object that can run an image"

title "1. Nobody vouches for this image yet"
run "kubectl create deployment payment --image=\$IMAGE --replicas=3"
refused "refused, with image, place, policy and what is missing" "$none$IMAGE"

title "2. Bob of QA signs its digest"
run "sealgate sign \$IMAGE --key \$SIGNER --note \$NOTE --server \$API"
admitted "signed with OpenPGP and uploaded"

title "3. The same command again"
run "kubectl create deployment payment --image=\$IMAGE --replicas=3"
admitted "admitted"
show_when "3         3" "kubectl get replicasets -o custom-columns=REPLICASET:.metadata.name,DESIRED:.spec.replicas,PODS:.status.replicas"
show_when "payment" "kubectl get pods -o custom-columns=POD:.metadata.name,STATUS:.status.phase,IMAGE:.spec.containers[0].image"
good "the controllers' own pods were judged too (no node is here to run them)"

title "4. What comes later is judged as well"
run "kubectl set image deployment/payment payment=\$OTHER"
refused "another digest of the same repository" "$none$OTHER"
run "kubectl set image deployment/payment payment=gcr.io/hightowerlabs/payment:latest"
refused "a tag, which may be anything tomorrow" "Container image has no digest"
run "kubectl debug \$(kubectl get pods -o name | head -n 1) --image=\$OTHER --profile=general --attach=false"
refused "a debug container in a running pod" "$none$OTHER"
run "kubectl create cronjob report --schedule='@daily' --image=\$OTHER"
refused "a job for tonight" "$none$OTHER"
run "kubectl scale deployment/payment --replicas=4"
admitted "one more of what is signed"

title "5. What sealgate wrote down"
show_when '"kind":"Pod"' "tail -n 1 sealgated/sealgated.log | sed 's/,\"/\\n  \"/g' | grep -E 'decision\"|kind|\"name|user|policies|duration'"

if [ "$failed" = 0 ]; then
	printf '\n%sAll as the story says.%s\n' "$green" "$plain"
else
	printf '\n%s%d steps were not as the story says.%s\n' "$red" "$failed" "$plain"
fi
[ "$failed" = 0 ]
