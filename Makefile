# gusu: build, run, test. `make help` lists the targets. Everything made goes to build/.
SHELL := /bin/bash
B ?= build
CC ?= gcc

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
  -Wmissing-prototypes -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wwrite-strings -Wcast-qual \
  -Wcast-align -Wpointer-arith -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference
WARN_GCC := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Walloca -Wjump-misses-init -Wstack-usage=16384
HARD := -fstack-protector-strong -fstack-clash-protection -fcf-protection
ifeq ($(findstring clang,$(CC)),)
HARD += -ftrivial-auto-var-init=zero
endif
PQ_FLAGS := $(shell pkg-config --cflags libpq)
CPPFLAGS := -D_GNU_SOURCE $(PQ_FLAGS) -Isrc -I$(B)/gen
CFLAGS := -std=c17 -O2 -g -D_FORTIFY_SOURCE=3 $(HARD) -fno-common -fPIE -pthread $(WARN)
LDFLAGS := -pie -Wl,-z,relro,-z,now -pthread
LIBS := -lsqlite3 -lpq -lssl -lcrypto -lsodium -lexpat -lzip -lxlsxwriter -lcurl -lz -lzstd -lm
SAN := -std=c17 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
  -pthread $(WARN)

SRC := $(sort $(shell find src -name '*.c'))
SQL := $(sort $(shell find src -name '*.sql'))
LIBSRC := $(filter-out src/app/main.c,$(SRC))
OBJ := $(SRC:src/%.c=$(B)/obj/%.o) $(B)/obj/gen/queries.o
SANOBJ := $(LIBSRC:src/%.c=$(B)/san/%.o) $(B)/san/gen/queries.o
UNIT := $(sort $(wildcard test/unit/test_*.c))
UNITBIN := $(UNIT:test/unit/%.c=$(B)/unit/%)

.PHONY: all help
all: $(B)/gusu
help:
	@grep -hE '^## ' Makefile | sed 's/^## //'

## make              build build/gusu
$(B)/gusu: $(OBJ)
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
	@echo "built $@"

$(B)/sqlgen: tools/sqlgen.c src/store/dialect.c src/store/dialect.h
	@mkdir -p $(@D)
	@$(CC) -std=c17 -D_GNU_SOURCE -Isrc -O1 $(WARN) -o $@ $< src/store/dialect.c
$(B)/gen/queries.h: $(B)/sqlgen $(SQL)
	@mkdir -p $(@D)
	@$(B)/sqlgen $(B)/gen $(SQL)
$(B)/gen/queries.c: $(B)/gen/queries.h ;

$(B)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-overlength-strings -MMD -MP -c -o $@ $<
$(B)/obj/%.o: src/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/san/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(SAN) -Wno-overlength-strings -MMD -MP -c -o $@ $<
$(B)/san/%.o: src/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@echo "cc(san) $<"
	@$(CC) $(CPPFLAGS) $(SAN) -MMD -MP -c -o $@ $<

# Unit tests: one cmocka program per test/unit/test_*.c, linked to an archive of everything but main, under ASan and UBSan.
$(B)/san/libgusu.a: $(SANOBJ)
	@rm -f $@ && ar rcs $@ $^
$(B)/unit/%: test/unit/%.c $(B)/san/libgusu.a
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(SAN) -Wno-conversion -Itest/unit -o $@ $< $(B)/san/libgusu.a $(LIBS) -lcmocka -ljansson

## make run          all set-up, then a living Suzhou at the printed URL (PORT=8080)
PORT ?= 8080
DATA ?= data
.PHONY: run setup-run setup-test
setup-run:
	@tools/setup run
setup-test:
	@tools/setup test
run: setup-run
	@$(MAKE) --no-print-directory -j2 all packs web
	@echo "demo log-ins: see README.md (password Gusu-demo-2026)"
	@exec $(B)/gusu serve --data $(DATA) --port $(PORT) --pack packs/suzhou --demo

## make test         all set-up, then all tests: rooms, unit, packs, api, page, faults
## make check        the quick ones for the working day: rooms, unit
.PHONY: test check test-rooms test-unit test-packs
test: setup-test
	@tools/test
check:
	@tools/test rooms unit
test-rooms: lint-rooms
test-packs: packs-test

## make unit         build and run the unit tests (ASan, UBSan)
.PHONY: unit
unit test-unit: $(UNITBIN)
	@bad=0; for t in $(UNITBIN); do echo "== $$t"; ASAN_OPTIONS=detect_leaks=1 $$t 2>&1 || bad=1; done; exit $$bad

## make clean        remove build/
.PHONY: clean
clean:
	rm -rf $(B)

-include mk/*.mk
-include $(OBJ:.o=.d) $(SANOBJ:.o=.d)
