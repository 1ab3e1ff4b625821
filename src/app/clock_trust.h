// SPDX-License-Identifier: MulanPSL-2.0
// Private to app: is the wall clock to be believed just now?
#ifndef APP_CLOCK_TRUST_H
#define APP_CLOCK_TRUST_H
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_JUMP_MS ((int64_t)600000)  // against the clock that only runs: more than any slewing
#define CLOCK_WAIT_MS ((int64_t)3600000) // a jumped clock is believed when it has run steadily so long
#define CLOCK_ABSENT_MS                                                                                      \
    ((int64_t)30 * 24 * 3600000) // a start so long after the last act is looked at as a jump

struct clock_trust {
    int64_t offset_ms; // wall − monotonic, as last seen
    int64_t from_ms;   // monotonic: believed from then on
};
// newest_ms: when the last thing happened here, as far as the store knows; 0 = nothing did.
void clock_trust_start(struct clock_trust *t, int64_t wall_ms, int64_t mono_ms, int64_t newest_ms);
// Looks again; *ret_jump_ms is by how much it has jumped since the last look, 0 = not. True when it is believed.
bool clock_trust_look(struct clock_trust *t, int64_t wall_ms, int64_t mono_ms, int64_t *ret_jump_ms);
#endif
