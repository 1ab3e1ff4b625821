# SPDX-License-Identifier: MulanPSL-2.0
# Measurements live in bench/, beside src/: `gusu bench NAME` is linked into the program, so that what is measured is
# what runs. Linked here and not through SRC, since the unit tests' archive does not want them.
BENCHOBJ := $(patsubst bench/%.c,$(B)/obj/bench/%.o,$(sort $(wildcard bench/*.c)))

$(B)/gusu: $(BENCHOBJ)
$(B)/obj/bench/%.o: bench/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -c -o $@ $<

-include $(BENCHOBJ:.o=.d)
