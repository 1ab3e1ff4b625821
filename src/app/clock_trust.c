// SPDX-License-Identifier: MulanPSL-2.0
// What is ended by date does not come back: a grant, an account that nobody used, an upload that was left. A clock that
// jumps (an empty battery, a wrong hand, a time server gone mad) would end all of it in one minute, and putting it right
// again would bring nothing back. So jobs that end things by date wait until a clock that has jumped has run steadily
// for an hour. Keeps true: a right clock costs nothing; a clock that was put right is believed after that hour, without
// anybody's hand. Requests are judged by the clock as it is: what they are refused today they are given tomorrow.
#include "app/clock_trust.h"

void clock_trust_start(struct clock_trust *t, int64_t wall_ms, int64_t mono_ms, int64_t newest_ms) {
    bool is_odd = newest_ms && (wall_ms < newest_ms - CLOCK_JUMP_MS || wall_ms > newest_ms + CLOCK_ABSENT_MS);
    *t = (struct clock_trust){.offset_ms = wall_ms - mono_ms,
                              .from_ms = is_odd ? mono_ms + CLOCK_WAIT_MS : mono_ms};
}

bool clock_trust_look(struct clock_trust *t, int64_t wall_ms, int64_t mono_ms, int64_t *ret_jump_ms) {
    int64_t offset = wall_ms - mono_ms, jump = offset - t->offset_ms;
    bool has_jumped = jump > CLOCK_JUMP_MS || jump < -CLOCK_JUMP_MS;
    *ret_jump_ms = has_jumped ? jump : 0;
    if (has_jumped) t->from_ms = mono_ms + CLOCK_WAIT_MS;
    t->offset_ms = offset; // slewing adds up over weeks and is no jump
    return mono_ms >= t->from_ms;
}
