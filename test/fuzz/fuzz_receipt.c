// SPDX-License-Identifier: MulanPSL-2.0
// libFuzzer over what strangers hand to `gusu verify`: leaves and receipts. For any bytes: a leaf that reads is the one
// text of what was read (written again from its parts it is the same bytes); a receipt that holds speaks of such a leaf,
// and its checkpoint bears a signature by one of the two keys that the seeds were made with.
#include "app/verify.h"
#include "base/clock.h"

#define DEMAND(is)                                                                                           \
    do {                                                                                                     \
        if (!(is)) __builtin_trap();                                                                         \
    } while (0)
#define VKEY "gusu.local/ledger+f1b5a5a1+ARjS+MMinpIu+LMEZU4USh0dTWvXGqGTJK0IRNuBJfMj"
#define VKEY_SM3                                                                                             \
    "gusu.local/ledger/sm3+31ff5a97+/"                                                                       \
    "2d1c3Utc20yLXNtMwSwavHn8ioBUpIBCUHdYBL5bKO2CazYmFoFXVuxRH2QETyrrpwpS1GZ4GGtiB8GEHxo9JWdyaIw+Y9P2/"      \
    "euJet7"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct verify_trust trust;
static struct arena forever;

static void start(void) {
    struct err e = {0};
    if (trust.n) return;
    arena_init(&forever, 0);
    DEMAND(crypto_start(&e) == OK);
    DEMAND(verify_key_add(&forever, &trust, S(VKEY), &e) == OK);
    DEMAND(verify_key_add(&forever, &trust, S(VKEY_SM3), &e) == OK);
}

static void one_text(struct arena *mem, const struct ledger_entry *e) {
    struct buf b = buf_new(mem, 512, 2 * LEDGER_LEAF_MAX);
    struct str sha = str_base64(mem, e->sha256, HASH_BYTES), sm3 = str_base64(mem, e->sm3, HASH_BYTES);
    struct str time = clock_iso(mem, e->time_ms);
    buf_print(&b, "gusu-entry/v1\nkind %.*s\ntime %.*s\n", STRF(e->kind), STRF(time));
    if (e->clear.p) {
        buf_puts(&b, "clear ");
        buf_put(&b, e->clear);
        buf_char(&b, '\n');
    }
    buf_print(&b, "sha256 %.*s\nsm3 %.*s\n", STRF(sha), STRF(sm3));
    DEMAND(str_eq(buf_str(&b), e->leaf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena mem;
    struct err e = {0};
    struct str note, text = {(const char *)data, n};
    struct ledger_entry entry = {0};
    start();
    arena_init(&mem, (size_t)64 << 20);
    if (ledger_leaf_read(text, &entry)) one_text(&mem, &entry);
    entry = (struct ledger_entry){0};
    if (verify_receipt(&mem, text, &trust, &entry, &note, &e) == OK) {
        one_text(&mem, &entry);
        DEMAND(entry.index >= 0 && str_has(text, note));
    }
    arena_free(&mem);
    return 0;
}
