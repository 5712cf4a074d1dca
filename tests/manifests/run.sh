#!/bin/sh
# run.sh PACKAGE...: tests of manifests/ with the code of Kubernetes, kustomize and Helm themselves. Needs Go, which fetches their modules.
set -eu
cd "$(dirname "$0")"
if ! command -v go >/dev/null 2>&1; then
	echo "This needs Go 1.25 or later (Debian package golang-go, or https://go.dev/dl): left out" >&2
	exit 2
fi
# What is tested stands outside the module, where Go does not notice changes.
exec go test -count=1 "$@"
