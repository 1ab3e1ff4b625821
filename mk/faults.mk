# SPDX-License-Identifier: MulanPSL-2.0
# Faults: power cuts, kills, the n-th failure, a full disk, a jumping clock (test/faults/README.md). One cmocka program
# per test/faults/test_*.c under ASan and UBSan; --wrap gives our own calls of these functions to test/faults/fault.c,
# which the product never sees. The short form is part of `make test`; the long one is by hand.
FAULTS := $(patsubst test/faults/%.c,$(B)/faults/%,$(sort $(wildcard test/faults/test_*.c)))
FAULTS_OBJ := $(patsubst test/faults/%.c,$(B)/faults/obj/%.o,$(filter-out test/faults/test_%,$(wildcard test/faults/*.c)))
FAULTS_WRAP := $(foreach f,malloc calloc realloc strdup strndup mmap write pwrite fsync fdatasync ftruncate open,-Wl,--wrap=$(f))

$(B)/faults/obj/%.o: test/faults/%.c $(B)/gen/queries.h
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(SAN) -Wno-conversion -Itest/unit -MMD -MP -c -o $@ $<
$(B)/faults/%: test/faults/%.c $(wildcard test/faults/*.h) $(FAULTS_OBJ) $(B)/san/libgusu.a
	@mkdir -p $(@D)
	@echo "cc(faults) $<"
	@$(CC) $(CPPFLAGS) $(SAN) -Wno-conversion -Itest/unit -Itest/faults $(FAULTS_WRAP) -o $@ $< $(FAULTS_OBJ) \
	  $(B)/san/libgusu.a $(LIBS) -lcmocka -ljansson

# The whole program with the faults inside; which one comes is said by its environment (test/faults/program/begin.c).
FAULTS_PROGRAM := test/faults/program/begin.c src/app/main.c $(sort $(wildcard bench/*.c))
$(B)/faults/gusu: $(FAULTS_PROGRAM) $(FAULTS_OBJ) $(B)/san/libgusu.a
	@echo "cc(faults) $@"
	@$(CC) $(CPPFLAGS) $(SAN) -Itest/faults $(FAULTS_WRAP) -o $@ $(FAULTS_PROGRAM) $(FAULTS_OBJ) $(B)/san/libgusu.a $(LIBS)

## make test-faults  power cuts, kills, failures, full disks, clocks: the short form that `make test` runs
## make faults       the long form: 200 power cuts, 1,000 kills, every n-th failure (FAULTS_SEED=… repeats a run)
.PHONY: test-faults faults
test-faults: $(B)/gusu $(B)/faults/gusu $(FAULTS)
	@bad=0; for t in $(FAULTS); do echo "== $$t"; GUSU_BIN=$(abspath $(B)/gusu) \
	  GUSU_FAULTY_BIN=$(abspath $(B)/faults/gusu) $$t 2>&1 || bad=1; done; exit $$bad
faults:
	@FAULTS_LONG=1 FAULTS_KILLS=$${FAULTS_KILLS:-1000} FAULTS_CUTS=$${FAULTS_CUTS:-200} $(MAKE) --no-print-directory test-faults

.SECONDARY: $(FAULTS_OBJ)
-include $(FAULTS_OBJ:.o=.d)
