#!/bin/bash
# Arrows of inclusion point down only, and each foreign library is included by its own files alone.
set -u
status=0
complain() {
	echo "$1" >&2
	status=1
}

allowed() {
	case "$1" in
	base) echo "base" ;;
	policy) echo "policy base" ;;
	store) echo "store base" ;;
	attest) echo "attest policy base" ;;
	certs) echo "certs base" ;;
	client) echo "client base" ;;
	kube) echo "kube client base" ;;
	server) echo "server kube certs attest store policy base" ;;
	cli) echo "cli server kube certs attest store policy client base" ;;
	esac
}

for folder in base client policy store attest certs kube server cli; do
	while IFS=: read -r file line include; do
		target=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$include")
		case " $(allowed "$folder") " in
		*" ${target%%/*} "*) ;;
		*) complain "$file:$line: $folder/ may not include $target" ;;
		esac
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$folder"/*.[ch] /dev/null)
done

# header: the files that may include it (shell patterns)
owners="gpgme.h attest/openpgp_private.h
sqlite3.h store/sqlite*
libpq-fe.h store/postgres*
microhttpd.h server/http.c
gnutls/ server/tls_files.c
yaml.h base/yaml.c
curl/curl.h client/transfer.c
openssl/ certs/*|attest/sha1.c|attest/sha256.c|cli/token*|server/tls_files.c
seccomp.h base/syscall_filter.c
cmocka.h none"
while read -r header patterns; do
	while IFS=: read -r file line _; do
		ok=false
		for one in ${patterns//|/ }; do
			[[ $file == $one ]] && ok=true
		done
		$ok || complain "$file:$line: <$header> belongs to $patterns"
	done < <(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$header" {base,client,policy,store,attest,certs,kube,server,cli}/*.[ch] /dev/null)
done <<<"$owners"

# policy/ computes: it opens nothing and reads no clock.
while IFS=: read -r file line text; do
	complain "$file:$line: policy/ opens nothing and reads no clock: $text"
done < <(grep -nE '\b(fopen|open|openat|socket|clock_now|clock_gettime|time|getenv|fork|pthread_create)[[:space:]]*\(' policy/*.c /dev/null)

# Only the CLI prints, only the server's log writes.
while IFS=: read -r file line text; do
	complain "$file:$line: a library returns a struct err, it does not print: $text"
done < <(grep -nE '\b(printf|puts|fputs|fprintf|perror|putchar)[[:space:]]*\(' {base,policy,store,attest,certs}/*.c /dev/null)
exit $status
