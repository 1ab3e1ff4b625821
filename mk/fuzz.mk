# SPDX-License-Identifier: MulanPSL-2.0
# Fuzzing by clang's libFuzzer under ASan and UBSan: one program per test/fuzz/fuzz_*.c. Beside it may lie
#   fuzz_x.dict    words of the format           fuzz_x.seeds/   first inputs, and every finding after its repair
#   fuzz_x.src     further sources it needs beyond src/base, one path a line
# What it learns is kept in $(B)/fuzz/corpus, so that a second run goes on where the first one stopped.
FUZZ := $(patsubst test/fuzz/fuzz_%.c,%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
FUZZ_SECONDS ?= 60
FUZZ_SAN := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

## make fuzz         fuzz every target for FUZZ_SECONDS (60) each; make fuzz-json for one
.PHONY: fuzz $(FUZZ:%=fuzz-%)
fuzz: $(FUZZ:%=fuzz-%)

.SECONDEXPANSION:
$(B)/fuzz/%: test/fuzz/fuzz_%.c $$(wildcard src/base/*.[ch]) $$(wildcard test/fuzz/fuzz_$$*.src)
	@mkdir -p $(@D)
	@echo "cc(fuzz) $<"
	@clang -std=c17 -O1 -g -fno-omit-frame-pointer $(FUZZ_SAN) $(CPPFLAGS) -Itest/unit -o $@ $< \
	  $(wildcard src/base/*.c) $(shell cat test/fuzz/fuzz_$*.src 2>/dev/null) $(LIBS) -ljansson

$(FUZZ:%=fuzz-%): fuzz-%: $(B)/fuzz/%
	@mkdir -p $(B)/fuzz/corpus/$* $(B)/fuzz/found
	@$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	  -artifact_prefix=$(B)/fuzz/found/$*- $(addprefix -dict=,$(wildcard test/fuzz/fuzz_$*.dict)) \
	  $(B)/fuzz/corpus/$* $(wildcard test/fuzz/fuzz_$*.seeds)
