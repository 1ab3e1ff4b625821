// SPDX-License-Identifier: MulanPSL-2.0
// The leaf, version 1: the bytes that both trees hash and that entry bundles show to everybody. Keeps true: one
// entry has one text (fixed order of lines, one form of each), the text is never rebuilt once stored, and it tells a
// stranger no more than it must: the kind, the hour, and for entries about openly published data their clear part.
//
//   gusu-entry/v1
//   kind exchange.call
//   time 2026-11-22T23:00:00.000Z          exact for clear entries, else rounded down to the hour
//   clear {"object":"…",…}                 only clear entries have this line
//   sha256 <base64 of SHA-256(salt ‖ detail)>
//   sm3 <base64 of SM3(salt ‖ detail)>
//
// The 16 salt bytes have a fixed length and come first, so salt and detail cannot be shifted against each other; 128
// random bits keep a guessed detail from being tried out. Both commitments stand in both trees: whoever trusts only one of the
// two hashes can still check everything.
#include "mod/ledger/tree.h"

#define KIND_MAX 64
#define HOUR_MS  ((int64_t)3600000)
#define TIME_MAX ((int64_t)253402300799999) // 9999-12-31: four digits of year

// The hour, for entries that must not tell when exactly somebody asked.
int64_t ledger_shown_time(int64_t time_ms, struct str clear) {
    return clear.p ? time_ms : time_ms - time_ms % HOUR_MS;
}

static bool kind_ok(struct str kind) {
    if (kind.n == 0 || kind.n > KIND_MAX) return false;
    for (size_t i = 0; i < kind.n; i++) {
        char c = kind.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

// A clear part is one JSON object on one line. JSON text that core wrote has its control characters escaped.
static bool clear_ok(struct str clear) {
    return clear.n >= 2 && clear.p[0] == '{' && clear.p[clear.n - 1] == '}' &&
           !memchr(clear.p, '\n', clear.n);
}

static void commit(struct hasher *h, enum hash_kind k, struct str salt, struct str detail,
                   uint8_t out[HASH_BYTES]) {
    hash_parts(h, k, (const struct str[]){salt, detail}, 2, out);
}

// As clock_iso writes it, by hand: printf's machinery costs as much as a hash, and this runs for every call.
static void put_time(struct buf *b, int64_t time_ms) {
    const struct civil c = clock_civil(time_ms, 0);
    const int parts[] = {c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms};
    static const char marks[] = "--T::.Z";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int unit = i == 0 ? 1000 : i == 6 ? 100 : 10;
        for (; unit > 0; unit /= 10)
            buf_char(b, (char)('0' + parts[i] / unit % 10));
        buf_char(b, marks[i]);
    }
}

struct str ledger_leaf(struct arena *mem, struct hasher *h, const char *kind, int64_t time_ms,
                       struct str clear, const uint8_t salt[LEDGER_SALT_BYTES], struct str detail) {
    const struct str salt_text = {(const char *)salt, LEDGER_SALT_BYTES};
    uint8_t sha[HASH_BYTES], sm3[HASH_BYTES];
    commit(h, HASH_SHA256, salt_text, detail, sha);
    commit(h, HASH_SM3, salt_text, detail, sm3);
    return ledger_leaf_text(mem, kind, time_ms, clear, sha, sm3);
}

struct str ledger_leaf_text(struct arena *mem, const char *kind, int64_t time_ms, struct str clear,
                            const uint8_t sha[HASH_BYTES], const uint8_t sm3[HASH_BYTES]) {
    if (!kind_ok(str_of(kind)) || time_ms < 0 || time_ms > TIME_MAX || (clear.p && !clear_ok(clear)))
        return STR_NONE;
    struct buf b = buf_new(mem, 320 + clear.n, LEDGER_LEAF_MAX);
    buf_puts(&b, "gusu-entry/v1\nkind ");
    buf_puts(&b, kind);
    buf_puts(&b, "\ntime ");
    put_time(&b, ledger_shown_time(time_ms, clear));
    if (clear.p) {
        buf_puts(&b, "\nclear ");
        buf_put(&b, clear);
    }
    buf_puts(&b, "\nsha256 ");
    buf_put(&b, str_base64(mem, sha, HASH_BYTES));
    buf_puts(&b, "\nsm3 ");
    buf_put(&b, str_base64(mem, sm3, HASH_BYTES));
    buf_char(&b, '\n');
    return b.over ? STR_NONE : buf_str(&b);
}

// The next line, when it begins with `word`: what stands behind it.
static bool line(struct str *rest, const char *word, struct str *ret) {
    struct str w = str_of(word), tail, one = str_cut(*rest, '\n', &tail);
    if (!tail.p || !str_starts(one, w)) return false; // every line is ended
    *ret = (struct str){one.p + w.n, one.n - w.n};
    *rest = tail;
    return true;
}

// Value + 1 of each letter of RFC 4648 §4, 0 for all others.
static const uint8_t digits64[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64};

// 32 bytes are 43 letters and one '='; decoded here, without an arena, since `gusu verify` reads millions.
static bool hash_of(struct str b64, uint8_t out[HASH_BYTES]) {
    uint32_t bits = 0, bad = 0;
    int have = 0, n = 0;
    if (b64.n != 44 || b64.p[43] != '=') return false;
    for (int i = 0; i < 43; i++) {
        uint32_t d = digits64[(uint8_t)b64.p[i]];
        bad |= d == 0;
        bits = bits << 6 | ((d - 1) & 63);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    // The two spare bits are zero, or one hash would have four texts.
    return !bad && (bits & ((1u << have) - 1)) == 0;
}

bool ledger_leaf_read(struct str leaf, struct ledger_entry *ret) {
    struct ledger_entry e = {.leaf = leaf};
    struct str rest = leaf, head, time, sha, sm3;
    if (leaf.n > LEDGER_LEAF_MAX || !line(&rest, "gusu-entry/v1", &head) || head.n) return false;
    if (!line(&rest, "kind ", &e.kind) || !kind_ok(e.kind)) return false;
    if (!line(&rest, "time ", &time) || time.n != 24 || time.p[23] != 'Z' || time.p[10] != 'T' ||
        !clock_read_iso(time, &e.time_ms))
        return false;
    if (line(&rest, "clear ", &e.clear) && !clear_ok(e.clear)) return false;
    if (!e.clear.p && e.time_ms % HOUR_MS) return false;
    if (!line(&rest, "sha256 ", &sha) || !hash_of(sha, e.sha256)) return false;
    if (!line(&rest, "sm3 ", &sm3) || !hash_of(sm3, e.sm3) || rest.n) return false;
    e.index = ret->index;
    e.salt = ret->salt;
    e.detail = ret->detail;
    *ret = e;
    return true;
}

bool ledger_leaf_opens(struct hasher *h, const struct ledger_entry *e) {
    uint8_t sha[HASH_BYTES], sm3[HASH_BYTES];
    if (!e->salt.p && !e->detail.p) return true;
    if (e->salt.n != LEDGER_SALT_BYTES || !e->detail.p) return false;
    commit(h, HASH_SHA256, e->salt, e->detail, sha);
    commit(h, HASH_SM3, e->salt, e->detail, sm3);
    return memcmp(sha, e->sha256, sizeof sha) == 0 && memcmp(sm3, e->sm3, sizeof sm3) == 0;
}
