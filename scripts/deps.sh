#!/bin/sh
# Installs the Debian packages that a goal needs and that are missing: `deps.sh build|test|fuzz|coverage|prove|fresh|monitoring`.
# As root it runs apt-get, otherwise through sudo; with neither it prints the one line to run, and fails.
set -eu

build="gcc libc6-dev make pkg-config libmicrohttpd-dev libgnutls28-dev libssl-dev libgpgme-dev libjansson-dev
libsqlite3-dev libseccomp-dev libyaml-dev libcurl4-openssl-dev gnupg curl ca-certificates"
check="libcmocka-dev sqlite3 openssl procps"
case "${1:-build}" in
build) packages=$build ;;
test) packages="$build $check" ;;
fuzz) packages="$build clang libclang-rt-14-dev llvm" ;;
fresh) packages="mmdebstrap git" ;;
prove) packages="frama-c-base why3 z3 cvc4 gcc libc6-dev bsdextrautils" ;;
coverage) packages="$build $check gcovr" ;;
# Alerts and dashboard are judged by Prometheus itself.
monitoring) packages="$build prometheus" ;;
*)
	echo "usage: $0 build|test|fuzz|coverage|prove|fresh|monitoring" >&2
	exit 2
	;;
esac

missing=""
for package in $packages; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	run=""
elif command -v sudo >/dev/null 2>&1; then
	run="sudo"
else
	echo "These Debian packages are missing. Install them as root, then run make again:" >&2
	echo "  apt-get install$missing" >&2
	exit 1
fi
echo "Installing:$missing"
$run apt-get update -qq
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
