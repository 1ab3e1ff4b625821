# SPDX-License-Identifier: MulanPSL-2.0
# Clients that others wrote, against a running gusu: ckanapi, rdflib and the SHACL shapes of DCAT-AP 3, Go's tlog,
# Tessera's fsck, Sigstore's verifier; and the same load against what a user would pick instead of gusu. All of it comes
# from the network, so `make test` does not need it. Set-up is a step of its own and first: on a bare machine there is
# no compiler yet when make reads the rules of what is built.

## make check-peers  foreign clients: ckanapi, a DCAT harvester, Go's tlog, Tessera's fsck, Sigstore's verifier
.PHONY: check-peers setup-peers
setup-peers:
	@tools/setup run peers
check-peers: setup-peers
	@$(MAKE) --no-print-directory $(B)/gusu packs
	@bad=0; test/peers/run $(abspath $(B)) $(abspath $(B)/gusu) || bad=1; \
	  $(MAKE) --no-print-directory check-peers-ledger || bad=1; exit $$bad

# The generator of `gusu bench` and a bare PostgreSQL client, as programs of their own. They open libpq, which no room of
# the program may: so they are no part of it, and are built only here.
PEERSBIN := $(B)/peers/load $(B)/peers/insert
PEERSWIRE := bench/wire.c bench/wire_histogram.c bench/peers/procs.c src/net/http_parse.c \
  $(addprefix src/base/,arena.c text.c buf.c err.c file.c)
PEERSINC := -Isrc -I$(B)/gen -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)

$(B)/peers/load: bench/peers/load.c $(PEERSWIRE) bench/wire.h bench/peers/procs.h
	@mkdir -p $(@D)
	@$(CC) -D_GNU_SOURCE $(PEERSINC) $(CFLAGS) -o $@ $< $(PEERSWIRE) $(LDFLAGS) -lm
$(B)/peers/insert: bench/peers/insert.c bench/peers/procs.c bench/wire_histogram.c bench/wire.h bench/peers/procs.h
	@mkdir -p $(@D)
	@$(CC) -D_GNU_SOURCE $(PEERSINC) $(CFLAGS) -o $@ $< bench/peers/procs.c bench/wire_histogram.c $(LDFLAGS) -lpq
# Go of its own choice; a machine without one leaves the line out and says so.
$(B)/peers/service: $(wildcard bench/peers/service/*)
	@mkdir -p $(@D)
	@if command -v go >/dev/null; then cd bench/peers/service && go build -o $(abspath $@) .; else echo "no go"; fi

## make bench-peers  the same load against gusu, nginx + REST + PostgreSQL, and bare inserts (BENCH_PEERS="--seconds 15 --rounds 3")
BENCH_PEERS ?=
.PHONY: bench-peers setup-bench-peers
setup-bench-peers:
	@tools/setup run peers bench-peers
bench-peers: setup-bench-peers
	@$(MAKE) --no-print-directory $(B)/gusu packs $(PEERSBIN) $(B)/peers/service
	@python3 bench/peers/run.py $(abspath $(B)) --write docs/bench/peers.md $(BENCH_PEERS)

# The same strict compilation as src/.
PEERSLINT := $(filter bench/peers/%,$(wildcard bench/peers/*.c))
$(B)/lint/gcc/bench/peers/%.o: bench/peers/%.c
	@mkdir -p $(@D)
	@$(LINT_CC) -D_GNU_SOURCE $(PEERSINC) $(CFLAGS) $(WARN_GCC) -Werror -MMD -MP -c -o $@ $<
$(B)/lint/clang/bench/peers/%.ok: bench/peers/%.c
	@mkdir -p $(@D)
	@$(LINT_CLANG) -D_GNU_SOURCE $(PEERSINC) -std=c17 -O1 $(WARN) -Werror -fsyntax-only $<
	@touch $@
.PHONY: lint-peers
lint-peers: $(PEERSLINT:%.c=$(B)/lint/gcc/%.o) $(PEERSLINT:%.c=$(B)/lint/clang/%.ok)
