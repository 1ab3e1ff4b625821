# SPDX-License-Identifier: MulanPSL-2.0
# What a reviewer should not have to look for: directions of includes, banned calls, sizes, shape, and every
# warning as an error under two compilers. Objects are kept in $(B)/lint, so a second run compiles what changed.
LINT_CC := gcc
LINT_CLANG := clang
LINT_C := $(sort $(shell find src tools test bench \( -name node_modules -o -name '.?*' \) -prune -o -name '*.[ch]' -print))
LINT_SRC := $(filter src/%,$(LINT_C)) $(sort $(shell find src -name '*.def'))
LINT_TOOL_SRC := $(addprefix src/base/,arena.c text.c buf.c err.c file.c)
LINT_GCC_OBJ := $(SRC:src/%.c=$(B)/lint/gcc/%.o)
LINT_CLANG_OBJ := $(SRC:src/%.c=$(B)/lint/clang/%.ok)

## make lint         rooms, banned calls, sizes, strict flags under gcc and clang, clang-format
.PHONY: lint lint-rooms lint-habits lint-self lint-format lint-gcc lint-clang
lint: lint-self lint-rooms lint-habits lint-format lint-gcc lint-clang
	@echo "lint: clean"

$(B)/lint/tool/%: tools/%.c $(LINT_TOOL_SRC)
	@mkdir -p $(@D)
	@$(LINT_CC) -std=c17 -D_GNU_SOURCE -Isrc -O1 $(WARN) $(WARN_GCC) -Werror -o $@ $< $(LINT_TOOL_SRC)

lint-rooms: $(B)/lint/tool/rooms
	@$< src $(LINT_SRC)
lint-habits: $(B)/lint/tool/habits
	@$< src $(LINT_C)
lint-self: $(B)/lint/tool/rooms $(B)/lint/tool/habits
	@test/lint/planted.sh $(B)/lint/tool
lint-format:
	@clang-format --dry-run -Werror $(LINT_C)

# gcc compiles in full: -Wnull-dereference and -Wstack-usage see only what the optimiser sees.
$(B)/lint/gcc/%.o: src/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@$(LINT_CC) $(CPPFLAGS) $(CFLAGS) $(WARN_GCC) -Werror -MMD -MP -c -o $@ $<
$(B)/lint/clang/%.ok: src/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@$(LINT_CLANG) $(CPPFLAGS) -std=c17 -O1 $(WARN) -Werror -MMD -MP -MF $(@:.ok=.d) -MT $@ -fsyntax-only $<
	@touch $@
lint-gcc: $(LINT_GCC_OBJ)
	@echo "lint: $(words $^) files without a warning under $(LINT_CC)"
lint-clang: $(LINT_CLANG_OBJ)
	@echo "lint: $(words $^) files without a warning under $(LINT_CLANG)"

-include $(LINT_GCC_OBJ:.o=.d) $(LINT_CLANG_OBJ:.ok=.d)
