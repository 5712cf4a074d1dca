# sealgate: `make help` lists what there is.
#   PREFIX, DESTDIR   where `make install` puts things (default /usr/local)
#   SANITIZE          address,undefined or thread: a build of its own below build/
#   V=1               show the commands
#   WERROR=1          warnings are errors (CI)

VERSION := 0.1.0
PREFIX ?= /usr/local
SANITIZE ?=
BUILD ?= build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))
comma := ,
Q := $(if $(V),,@)
CC ?= cc
# The goals that build for the user use all processors, unless make was told how many.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

FOLDERS := base client policy store attest certs kube server cli
PACKAGES := libmicrohttpd gnutls libcrypto jansson sqlite3 gpgme gpg-error yaml-0.1 libcurl libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 $(if $(WERROR),-Werror)
# Where branches and returns may lead: what the processor's compiler has for it.
BRANCHES := $(shell for o in -fcf-protection -mbranch-protection=standard; do \
	$(CC) $$o -x c -c -o /dev/null /dev/null 2>/dev/null && echo $$o && break; done)
HARDEN := $(if $(SANITIZE),-fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all,-D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fstack-clash-protection $(BRANCHES))
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DSEALGATE_VERSION='"$(VERSION)"' -I. -include base/banned.h -O2 -g -fPIE -pthread \
	$(WARNINGS) $(HARDEN) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

sources = $(wildcard $(1)/*.c)
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c,$(call sources,$(1))))
MAINS := server/main.c cli/main.c kube/main.c
HEADERS := $(foreach f,$(FOLDERS),$(wildcard $(f)/*.h))

# A folder may use itself and what stands below it; the same order serves the linker.
uses_base := base
uses_policy := policy base
uses_store := store base
uses_attest := attest policy base
uses_client := client base
uses_certs := certs base
uses_kube := kube client base
uses_server := server kube certs attest store policy client base
uses_cli := cli server kube certs attest store policy client base
uses_bench := bench base
uses_e2e := kube policy client base
archives = $(patsubst %,$(BUILD)/lib%.a,$(uses_$(1)))

TESTS := $(wildcard tests/unit/*/test_*.c) $(wildcard tests/contract/test_*.c)
TEST_BINARIES := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TESTS))
CONTRACT_SUPPORT := $(filter-out $(wildcard tests/contract/test_*.c),$(wildcard tests/contract/*.c))
E2E_TESTS := $(wildcard tests/e2e/test_*.c)
E2E_BINARIES := $(patsubst tests/%.c,$(BUILD)/tests/%,$(E2E_TESTS))
E2E_SUPPORT := $(filter-out $(E2E_TESTS),$(wildcard tests/e2e/*.c))
# What breaks on purpose. Libraries that are loaded before the C library don't go together with a sanitizer's own; the
# tests that use one (preload_NAME for test_NAME) are left out there.
FAULT_PRELOADS := $(wildcard tests/fault/preload_*.c)
FAULT_TESTS := $(filter-out $(if $(SANITIZE),$(subst /preload_,/test_,$(FAULT_PRELOADS))),$(wildcard tests/fault/test_*.c))
FAULT_BINARIES := $(patsubst tests/%.c,$(BUILD)/tests/%,$(FAULT_TESTS))
FAULT_LIBRARIES := $(patsubst tests/%.c,$(BUILD)/tests/%.so,$(FAULT_PRELOADS))
FAULT_SUPPORT := $(filter-out $(wildcard tests/fault/test_*.c) $(FAULT_PRELOADS),$(wildcard tests/fault/*.c)) $(E2E_SUPPORT)
# A sanitizer brings an allocator of its own, so that only the calls of our own objects are replaced there.
FAULT_WRAPS := malloc calloc realloc reallocarray posix_memalign aligned_alloc strdup strndup vasprintf pthread_create
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SUPPORT := $(filter-out $(wildcard tests/fuzz/fuzz_*.c),$(wildcard tests/fuzz/*.c))
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/*.c) $(E2E_SUPPORT))
FUZZ_SECONDS ?= 60

all: $(BUILD)/sealgated $(BUILD)/sealgate $(BUILD)/sealgate-kube

help:
	@echo 'make            build/sealgated, build/sealgate and build/sealgate-kube'
	@echo 'make demo       the main job, played with gpg, curl and the two programs (KEEP=1 leaves the server running)'
	@echo 'make check      installs what is missing, builds, runs every test'
	@echo 'make faults     breaks memory, system calls, files and processes at every point'
	@echo 'make soak       clients that mean harm, SOAK=30 times as long as in check'
	@echo 'make check-manifests  manifests/, judged by the code of Kubernetes itself (needs Go)'
	@echo 'make check-monitoring  alerts and dashboard, asked of a real Prometheus over live metrics (needs Go)'
	@echo 'make image      build/sealgate-image.tar, a container image made without an engine; make image-check runs it'
	@echo 'make lint       layers, banned functions, sizes, headers'
	@echo 'make fuzz       every fuzz target, FUZZ_SECONDS=60 each'
	@echo 'make prove      contracts and absence of undefined behaviour, proven by Frama-C (SMOKE=1: the contracts contradict nothing; PROVE_BYTES=N)'
	@echo 'make bench      figures beside their references, as a table and build/bench.json (ONLY=NAME,... QUICK=1 FULL=1)'
	@echo 'make bench-compare  A=FILE|COMMIT B=FILE|COMMIT, side by side'
	@echo 'make cluster    a real Kubernetes control plane on loopback with sealgate before it, built from its source once (needs Go)'
	@echo 'make demo-cluster   the main job in that cluster, with kubectl: from the first refusal to controllers that run'
	@echo 'make check-cluster  what people and controllers do to a cluster, tried there (RUN=PATTERN chooses)'
	@echo 'make bench-cluster  what a webhook costs whoever creates pods there: none, one that always allows, sealgate (build/bench-cluster.json)'
	@echo 'make coverage   line and branch coverage of the tests'
	@echo 'make mutants    changes each condition and verdict of policy/ and attest/, and lists what no test notices'
	@echo 'make fresh      check and demo (FRESH_GOALS) in a minimal Debian root (needs root)'
	@echo 'make deps       installs the Debian packages that are missing'
	@echo 'make install    PREFIX=/usr/local DESTDIR='
	@echo 'make man dist fmt clean'

deps:
	$(Q)scripts/deps.sh build

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC   $<')
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(BUILD)/lib$(1).a: $(call objects,$(1))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

# Of the bench only the table has unit tests.
$(BUILD)/libbench.a: $(patsubst %,$(BUILD)/obj/tests/bench/%.o,series table compare)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/sealgated: $(BUILD)/obj/server/main.o $(call archives,server)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/sealgate: $(BUILD)/obj/cli/main.o $(call archives,cli)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/sealgate-kube: $(BUILD)/obj/kube/main.o $(call archives,kube)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Looks at memory when it is given back.
$(BUILD)/tests/unit/base/test_secret: override LDFLAGS += -Wl,--wrap=free

# tests/unit/FOLDER/test_*.c link what FOLDER may use.
.SECONDEXPANSION:
$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $$(call archives,$$(firstword $$(subst /, ,$$*)))
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

$(BUILD)/tests/contract/%: $(BUILD)/obj/tests/contract/%.o $(patsubst %.c,$(BUILD)/obj/%.o,$(CONTRACT_SUPPORT)) $$(call archives,store)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

$(BUILD)/tests/e2e/%: $(BUILD)/obj/tests/e2e/%.o $(patsubst %.c,$(BUILD)/obj/%.o,$(E2E_SUPPORT)) $(call archives,e2e)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

$(BUILD)/tests/bench/bench: $(BENCH_OBJECTS) $(call archives,server)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lssl -lcmocka

$(BUILD)/tests/fault/preload_%.so: tests/fault/preload_%.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -I. -O2 -g -fPIC -shared -pthread $(WARNINGS) -o $@ $<

$(BUILD)/tests/fault/%: $(BUILD)/obj/tests/fault/%.o $(patsubst %.c,$(BUILD)/obj/%.o,$(FAULT_SUPPORT)) $(call archives,server)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(SANITIZE),$(addprefix -Wl$(comma)--wrap=,$(FAULT_WRAPS))) -o $@ $^ $(PKG_LIBS) -lcmocka

# A decision without TLS and HTTP around it, for perf and valgrind.
$(BUILD)/tests/profile/%: $(BUILD)/obj/tests/profile/%.o $(BUILD)/obj/tests/bench/review_body.o $(patsubst %.c,$(BUILD)/obj/%.o,$(E2E_SUPPORT)) $(call archives,server)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

tests: all $(TEST_BINARIES) $(E2E_BINARIES) $(FAULT_BINARIES) $(if $(SANITIZE),,$(FAULT_LIBRARIES))

# What was built is run from here, so that a build for a sanitizer tests itself.
check: deps-test
	$(Q)$(MAKE) $(JOBS) --no-print-directory tests
	$(Q)BUILD=$(BUILD) scripts/run-tests.sh $(TEST_BINARIES) $(E2E_BINARIES) $(FAULT_BINARIES)

# Every point of every path, not a part of them as in check.
faults: deps-test
	$(Q)$(MAKE) $(JOBS) --no-print-directory tests
	$(Q)FAULTS=all TEST_SECONDS=7200 BUILD=$(BUILD) scripts/run-tests.sh $(FAULT_BINARIES)

# Clients that mean harm, for longer than in check: SOAK times as many rounds.
SOAK ?= 30
SOAK_BINARIES := $(addprefix $(BUILD)/tests/e2e/test_,closed protocol overload)
soak: deps-test
	$(Q)$(MAKE) $(JOBS) --no-print-directory all $(SOAK_BINARIES)
	$(Q)SOAK=$(SOAK) TEST_JOBS=1 TEST_SECONDS=7200 BUILD=$(BUILD) scripts/run-tests.sh $(SOAK_BINARIES)

check-unit: $(TEST_BINARIES)
	$(Q)BUILD=$(BUILD) scripts/run-tests.sh $(TEST_BINARIES)

.PHONY: check-manifests
check-manifests:
	$(Q)tests/manifests/run.sh ./crds ./render

# Prometheus itself is asked every query of the dashboard and the alerts.
.PHONY: check-monitoring
check-monitoring:
	$(Q)scripts/deps.sh monitoring
	$(Q)$(MAKE) $(JOBS) --no-print-directory all
	$(Q)BUILD=$(BUILD) tests/manifests/run.sh ./monitoring

deps-test:
	$(Q)scripts/deps.sh test

demo:
	$(Q)scripts/deps.sh build
	$(Q)$(MAKE) $(JOBS) --no-print-directory all
	$(Q)BUILD=$(BUILD) KEEP=$(KEEP) scripts/demo.sh

FRESH_GOALS ?= check demo
fresh:
	$(Q)scripts/fresh.sh $(FRESH_GOALS)

lint:
	$(Q)scripts/deps.sh build
	$(Q)tests/lint/run.sh $(FOLDERS)

fmt:
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

# Fuzz targets are built by clang, with everything they link, in a build of their own.
FUZZ_MAKE = $(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/fuzz \
	HARDEN='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -O1' \
	LDFLAGS='-fsanitize=fuzzer,address,undefined'
$(BUILD)/fuzz/%: FORCE
	$(Q)$(FUZZ_MAKE) $@

$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(patsubst %.c,$(BUILD)/obj/%.o,$(FUZZ_SUPPORT)) $(call archives,server)
	$(if $(V),,@echo '  LD   $@')
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

fuzz-binaries: $(addprefix $(BUILD)/,$(FUZZ))

fuzz: fuzz-deps
	$(Q)$(FUZZ_MAKE) $(JOBS) fuzz-binaries
	$(Q)BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/run-fuzz.sh $(FUZZ)

fuzz-deps:
	$(Q)scripts/deps.sh fuzz

bench: bench-program
	$(Q)BUILD=$(BUILD) $(BUILD)/tests/bench/bench $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) $(if $(FULL),--full) \
		--out $(BUILD)/bench.json

bench-compare: bench-program
	$(Q)BUILD=$(BUILD) ONLY=$(ONLY) QUICK=$(QUICK) scripts/bench-compare.sh "$(A)" "$(B)"

bench-program:
	$(Q)scripts/deps.sh test
	$(Q)$(MAKE) $(JOBS) --no-print-directory all $(BUILD)/tests/bench/bench

# The control plane is built first: without Go there is nothing to do.
cluster check-cluster demo-cluster bench-cluster:
	$(Q)tests/cluster/build.sh >/dev/null
	$(Q)scripts/deps.sh build
	$(Q)$(MAKE) $(JOBS) --no-print-directory all
	$(Q)BUILD=$(BUILD) RUN='$(RUN)' tests/cluster/run.sh $(if $(filter cluster,$@),up,$(@:%-cluster=%))

prove:
	$(Q)scripts/deps.sh prove
	$(Q)BUILD=$(BUILD) SMOKE=$(SMOKE) PROVE_BYTES=$(PROVE_BYTES) scripts/prove.sh $(UNIT)

coverage:
	$(Q)scripts/coverage.sh

# The code under test is a shared library here, so that a mutant costs one file and one link.
MUTANT_OBJECTS = $(foreach f,$(uses_server),$(call objects,$(f)))
MUTANT_PROGRAMS = $(patsubst %,$(BUILD)/tests/%,$(patsubst tests/%.c,%,$(wildcard $(addsuffix /test_*.c,$(addprefix tests/unit/,policy attest server))) \
	$(addprefix tests/e2e/,$(addsuffix .c,test_story test_policies test_admission)) tests/fault/test_alloc_decision.c tests/fault/test_alloc_keys.c tests/fault/test_alloc_verify.c))
MUTANT_SUPPORT = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
mutants:
	$(Q)scripts/deps.sh test
	$(Q)$(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD)/mutants WARNINGS=-w HARDEN='-fPIC -O1' run-mutants

run-mutants: $(MUTANT_OBJECTS) $(call objects,cli) $(MUTANT_PROGRAMS:$(BUILD)/tests/%=$(BUILD)/obj/tests/%.o) $(MAINS:%.c=$(BUILD)/obj/%.o) \
		$(call MUTANT_SUPPORT,$(FAULT_SUPPORT))
	$(Q)BUILD=$(BUILD) COMPILE='$(CC) $(ALL_CFLAGS)' LIBS='$(PKG_LIBS)' OBJECTS='$(MUTANT_OBJECTS)' PROGRAMS='$(MUTANT_PROGRAMS)' \
		CLI='$(call objects,cli)' E2E='$(call MUTANT_SUPPORT,$(E2E_SUPPORT))' FAULT='$(call MUTANT_SUPPORT,$(FAULT_SUPPORT))' tests/mutants/run.sh

# A container image without a container engine; image-check runs what is in it.
.PHONY: image image-check
image: deps all
	$(Q)BUILD=$(BUILD) scripts/image.sh root $(BUILD)/image
	$(Q)BUILD=$(BUILD) scripts/image.sh pack $(BUILD)/image $(BUILD)/sealgate-image.tar
	@echo '$(BUILD)/sealgate-image.tar: docker load -i, podman load -i, ctr image import'

image-check: deps all
	$(Q)BUILD=$(BUILD) scripts/image-check.sh

man: $(BUILD)/man/sealgated.8 $(BUILD)/man/sealgate.1
$(BUILD)/man/sealgated.8: $(BUILD)/sealgated
	@mkdir -p $(@D)
	$(Q)$< --man > $@
$(BUILD)/man/sealgate.1: $(BUILD)/sealgate
	@mkdir -p $(@D)
	$(Q)$< man --directory $(@D)

install: all man
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/sealgate $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/doc/sealgate $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 $(BUILD)/sealgated $(DESTDIR)$(PREFIX)/sbin/sealgated
	install -m 755 $(BUILD)/sealgate $(DESTDIR)$(PREFIX)/bin/sealgate
	install -m 755 $(BUILD)/sealgate-kube $(DESTDIR)$(PREFIX)/libexec/sealgate/sealgate-kube
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(BUILD)/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 README.md NEWS SECURITY.md docs/*.md $(DESTDIR)$(PREFIX)/share/doc/sealgate/
	sed 's|@PREFIX@|$(PREFIX)|g' manifests/systemd/sealgated.service.in > $(DESTDIR)$(PREFIX)/lib/systemd/system/sealgated.service

dist:
	git archive --format=tar.gz --prefix=sealgate-$(VERSION)/ -o sealgate-$(VERSION).tar.gz HEAD

clean:
	rm -rf build

FORCE:
.PHONY: all help deps deps-test tests check check-unit faults soak demo fresh lint fmt fuzz fuzz-deps fuzz-binaries prove bench bench-compare bench-program cluster check-cluster demo-cluster bench-cluster coverage mutants run-mutants man install dist clean FORCE
.SECONDARY:

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
