#!/bin/bash
# Builds the control plane once for each state of this module, outside the tree, and prints where it is. The first time takes 5 to 8 minutes on two cores.
set -eu
cd "$(dirname "$0")"
if ! command -v go >/dev/null; then
	echo 'A real control plane is built from its source: this needs Go 1.25 or later (https://go.dev/dl) and, the first time, its module proxy.' >&2
	exit 1
fi
version=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\).*|\1|p' go.mod)
# Which requirements are direct ones doesn't matter.
key=$({ sed 's| // indirect$||' go.mod | sort -u && cat build.sh controlplane/*.go && go version; } | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sealgate/cluster
program=$cache/controlplane-$key
if [ ! -x "$program" ]; then
	mkdir -p "$cache"
	echo "Building Kubernetes $version and etcd in $cache (once; 5 to 8 minutes on two cores) ..." >&2
	# Without its version kubectl can't read the server's. A build that is interrupted leaves nothing under the final name.
	new=$(mktemp "$cache/building-XXXXXX")
	trap 'rm -f "$new"' EXIT
	nice -n 5 go build -p 2 -trimpath -o "$new" -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" ./controlplane
	mv "$new" "$program"
fi
echo "$program"
