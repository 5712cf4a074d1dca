#!/bin/sh
# Links every test, and the two programs that end-to-end tests start, with the code under test as a shared library; then the mutants.
set -eu
mkdir -p "$BUILD"
cc -shared -o "$BUILD/libsealgate.so" $OBJECTS $LIBS
for program in $PROGRAMS; do
	mkdir -p "$(dirname "$program")"
	object=$BUILD/obj/${program#"$BUILD"/}.o
	support=
	case $program in
	*/e2e/*) support=$E2E ;;
	*/fault/*) support=$FAULT ;;
	esac
	cc -pie -pthread -o "$program" "$object" $support -L"$BUILD" -lsealgate $LIBS -lcmocka
done
cc -pie -pthread -o "$BUILD/sealgated" "$BUILD/obj/server/main.o" -L"$BUILD" -lsealgate $LIBS
cc -pie -pthread -o "$BUILD/sealgate" "$BUILD/obj/cli/main.o" $CLI -L"$BUILD" -lsealgate $LIBS
exec perl tests/mutants/run.pl
