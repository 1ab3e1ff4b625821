// SPDX-License-Identifier: MulanPSL-2.0
// libFuzzer over the JSON reader, with jansson as the oracle. For any bytes: what we take, jansson takes, and
// the other way round save where gusu is stricter on purpose (depth, length of numbers and exponents) or
// jansson is (doubles out of range); what was taken survives copy and canonical form with the same meaning.
#include "jansson_oracle.h"
#include "base/json.h"
#include <stdlib.h>

#define DEMAND(is)                                                                                           \
    do {                                                                                                     \
        if (!(is)) __builtin_trap();                                                                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

// Touches every value by every getter, so that ASan sees each slice; true when a number is beyond a double.
static bool walk(struct json v) {
    bool is_vast = false;
    int64_t i;
    double d;
    bool b;
    struct str raw = json_raw(v), text = json_text(v);
    DEMAND(raw.n > 0 && str_utf8_ok(raw));
    DEMAND(!text.p || str_utf8_ok(text));
    if (json_is(v, JSON_NUMBER)) {
        bool is_double = json_double(v, &d);
        if (json_int(v, &i)) DEMAND(is_double && (double)i == d);
        return !is_double;
    }
    if (json_bool(v, &b)) DEMAND(b == json_is(v, JSON_TRUE));
    size_t k = 0;
    for (struct json_iter it = json_iter(v); json_next(&it); k++) {
        is_vast |= walk(it.value);
        struct json found = it.is_object ? json_get(v, it.name) : json_at(v, k);
        DEMAND(found.doc == v.doc && found.at == it.value.at);
    }
    DEMAND(k == json_count(v));
    return is_vast;
}

static json_t *oracle(struct str text) {
    json_error_t error;
    return json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                      &error);
}

static struct json again(struct arena *mem, struct str text) {
    struct json v = {0};
    struct err e = {0};
    DEMAND(json_parse(mem, text, &v, &e) == OK);
    return v;
}

// Deeper than we write, or a number that only we find too long: the oracle may take those.
static bool is_our_limit(int code) {
    return code == ERR_json_depth || code == ERR_json_number || code == ERR_too_large;
}

static void check_taken(struct arena *mem, struct str text, struct json v) {
    bool is_vast = walk(v);
    json_t *theirs = oracle(text);
    DEMAND(theirs || is_vast);
    struct buf out = buf_new(mem, 0, (size_t)64 << 20);
    struct jw w = jw_to(&out);
    jw_value(&w, v);
    DEMAND(!out.over && !memchr(out.p, '\n', out.n));
    json_t *copied = oracle(buf_str(&out));
    DEMAND(!theirs == !copied && (!theirs || json_equal(theirs, copied)));
    struct str canonical = json_canonical(mem, v);
    json_t *same = oracle(canonical);
    DEMAND(!theirs == !same && (!theirs || json_equal(theirs, same)));
    DEMAND(str_eq(json_canonical(mem, again(mem, canonical)), canonical));
    DEMAND(str_eq(json_canonical(mem, again(mem, buf_str(&out))), canonical));
    json_decref(theirs);
    json_decref(copied);
    json_decref(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena mem;
    arena_init(&mem, 0);
    // Its own heap block without a zero behind it: one byte too far is then seen.
    char *exact = malloc(n ? n : 1);
    if (!exact) return 0;
    memcpy(exact, data, n);
    struct str text = {exact, n};
    struct json v = {0};
    struct err e = {0};
    int code = json_parse(&mem, text, &v, &e);
    if (code == OK) {
        DEMAND(!memchr(exact, 0, n));
        check_taken(&mem, text, v);
    } else {
        DEMAND(e.code == (enum err_code)code && str_utf8_ok(str_of(e.field)) && str_utf8_ok(str_of(e.arg)));
        // jansson loses a zero byte that follows a number (its push-back buffer ends at zero); we refuse it.
        bool is_theirs_to_say = !is_our_limit(code) && !(n && memchr(exact, 0, n));
        json_t *theirs = is_theirs_to_say ? oracle(text) : NULL;
        DEMAND(!theirs);
    }
    free(exact);
    arena_free(&mem);
    return 0;
}
