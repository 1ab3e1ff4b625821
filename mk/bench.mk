# SPDX-License-Identifier: MulanPSL-2.0
# Measurements live in bench/, beside src/: `gusu bench NAME` is linked into the program, so that what is measured is
# what runs. Linked here and not through SRC, since the unit tests' archive does not want them.
BENCHOBJ := $(patsubst bench/%.c,$(B)/obj/bench/%.o,$(sort $(wildcard bench/*.c)))

$(B)/gusu: $(BENCHOBJ)
$(B)/obj/bench/%.o: bench/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The same strict compilation as src/.
$(B)/lint/gcc/bench/%.o: bench/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@$(LINT_CC) $(CPPFLAGS) $(CFLAGS) $(WARN_GCC) -Werror -MMD -MP -c -o $@ $<
$(B)/lint/clang/bench/%.ok: bench/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@$(LINT_CLANG) $(CPPFLAGS) -std=c17 -O1 $(WARN) -Werror -MMD -MP -MF $(@:.ok=.d) -MT $@ -fsyntax-only $<
	@touch $@
lint-gcc: $(BENCHOBJ:$(B)/obj/%=$(B)/lint/gcc/%)
lint-clang: $(BENCHOBJ:$(B)/obj/%.o=$(B)/lint/clang/%.ok)

-include $(BENCHOBJ:.o=.d)

## make bench-all    every named load, the table in docs/bench/README.md (BENCH_SECONDS=10 each; on a quiet machine)
BENCH_SECONDS ?= 10
.PHONY: bench-all
bench-all: $(B)/gusu packs
	@python3 bench/all.py $(abspath $(B))/gusu docs/bench/README.md $(BENCH_SECONDS)
