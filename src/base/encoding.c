// SPDX-License-Identifier: MulanPSL-2.0
// Which encoding a file from an office has, and its text as UTF-8. Keeps true: what comes out is valid UTF-8
// without BOM and without U+0000, or an error with the byte at which it went wrong; nothing is replaced by
// '?' or U+FFFD, since a name that was silently damaged is worse than one that was refused.
//
// The hard case is GB18030 against Latin-1: "é" followed by a letter is a lawful GBK pair, so lawfulness alone
// proves little. Chinese text consists of pairs whose two bytes both are >= 0xA1 (GB2312), mostly in a row;
// Latin-1 text has its high bytes alone between ASCII letters. The votes of all pairs decide.
#include "base/csv.h"
#include <assert.h>
#include <errno.h>
#include <iconv.h>

const char *text_encoding_name(enum text_encoding e) {
    static const char *const names[] = {"", "utf-8", "gb18030", "utf-16le", "utf-16be", "iso-8859-1"};
    return names[e];
}

// --- guessing ---

// Valid up to a character that the end of the sample cuts.
static bool is_utf8_cut(struct str s) {
    for (size_t cut = 0; cut < 4 && cut < s.n; cut++) {
        unsigned char c = (unsigned char)s.p[s.n - 1 - cut];
        if (c < 0x80) break;
        if (c >= 0xC0) { // a lead byte: drop it when its sequence is not complete
            size_t whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
            if (whole > cut + 1) s.n -= cut + 1;
            break;
        }
    }
    return str_utf8_ok(s);
}

static bool in(unsigned char c, unsigned char low, unsigned char high) {
    return c >= low && c <= high;
}

// Bytes of the GB18030 character at p, 0 when there is none; *ret_cut when the sample's end cuts it.
static size_t gb_length(const unsigned char *p, size_t n, bool *ret_cut) {
    if (p[0] < 0x80) return 1;
    if (!in(p[0], 0x81, 0xFE)) return 0;
    if (n < 2) return *ret_cut = true, 0;
    if (in(p[1], 0x40, 0x7E) || in(p[1], 0x80, 0xFE)) return 2;
    if (!in(p[1], 0x30, 0x39)) return 0;
    if (n < 4) return *ret_cut = true, 0;
    return in(p[2], 0x81, 0xFE) && in(p[3], 0x30, 0x39) ? 4 : 0;
}

static bool is_small_letter(const unsigned char *p, const unsigned char *end) {
    return p < end && in(*p, 'a', 'z');
}

// Is one lone pair inside a word: "cr[éé]e", "C[ôt]e"? Chinese has small letters on both sides hardly ever.
static bool is_inside_word(const unsigned char *from, const unsigned char *pair, const unsigned char *end) {
    bool before = pair > from && (in(pair[-1], 'a', 'z') || in(pair[-1], 'A', 'Z'));
    return before && is_small_letter(pair + 2, end);
}

// A single unlawful byte rules it out, and then only Latin-1 is left, in which every byte is lawful.
static bool is_gb18030(struct str s) {
    const unsigned char *from = (const unsigned char *)s.p, *end = from + s.n;
    size_t chinese = 0, latin = 0;
    bool is_cut = false;
    for (const unsigned char *p = from; p < end;) {
        size_t k = gb_length(p, (size_t)(end - p), &is_cut);
        if (k == 0 && is_cut) break;
        if (k == 0) return false;
        if (k == 2) {
            // Rows A1..A9 are signs, B0..F7 the characters of GB2312; its other rows are empty.
            bool is_gb2312 = in(p[1], 0xA1, 0xFE) && (in(p[0], 0xB0, 0xF7) || in(p[0], 0xA1, 0xA9));
            if (is_gb2312 && !is_inside_word(from, p, end))
                chinese++;
            else
                latin++;
        } else if (k == 4) {
            chinese++; // digits between high bytes do not happen in words
        }
        p += k;
    }
    return chinese > 0 && chinese >= latin;
}

// A byte order mark decides; then UTF-8, whose rules other text hardly ever obeys by chance; then the votes.
enum text_encoding text_encoding_guess(struct str sample) {
    if (str_starts(sample, S("\xEF\xBB\xBF"))) return ENC_UTF8;
    if (str_starts(sample, S("\xFF\xFE"))) return ENC_UTF16LE;
    if (str_starts(sample, S("\xFE\xFF"))) return ENC_UTF16BE;
    if (is_utf8_cut(sample)) return ENC_UTF8;
    return is_gb18030(sample) ? ENC_GB18030 : ENC_LATIN1;
}

// --- decoding ---

// People count bytes from 1, as `cmp` and editors do.
static int bad_byte(struct err *e, size_t at) {
    return err_set(e, ERR_encoding, "", "%zu", at + 1);
}

static int decode_utf8(struct str bytes, struct str *ret, struct err *e) {
    size_t skipped = str_starts(bytes, S("\xEF\xBB\xBF")) ? 3 : 0;
    struct str text = {bytes.p + skipped, bytes.n - skipped};
    if (!str_utf8_ok(text)) {
        size_t at = 0;
        while (str_utf8_next(text, &at) >= 0) {
        }
        return bad_byte(e, skipped + at);
    }
    *ret = text.n ? text : S("");
    return OK;
}

// Read as windows-1252, as the WHATWG Encoding Standard does for every "latin1": what Windows writes in
// 80..9F are typographic signs, and the five bytes it leaves open stay the control characters they were.
static int decode_latin1(struct arena *mem, struct str bytes, struct str *ret, struct err *e) {
    static const uint16_t upper[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                       0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                       0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                       0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    size_t need = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c == 0) return bad_byte(e, i);
        need += c < 0x80 ? 1 : c < 0xA0 ? 3 : 2;
    }
    char *out = arena_take(mem, need + 1);
    if (!out) return err_set(e, ERR_no_memory, "", NULL);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        n += str_utf8_put(out + n, in(c, 0x80, 0x9F) ? upper[c - 0x80] : c);
    }
    assert(n <= need);
    *ret = (struct str){out, n};
    return OK;
}

// Runs the whole input through an open conversion, into room that grows by what is left to read.
static int convert(iconv_t cd, struct arena *mem, struct str bytes, size_t skipped, struct str *ret,
                   struct err *e) {
    size_t most = bytes.n * 3 + 16; // GB18030: 1 to 1, 2 to 3, 4 to 4 bytes; UTF-16: 2 to 3, 4 to 4
    struct buf out = buf_new(mem, bytes.n + bytes.n / 2 + 16, most);
    union {
        const char *is;
        char *was; // iconv(3) never writes through its input, but POSIX left the const out
    } in_at = {.is = bytes.p};
    size_t left = bytes.n;
    while (left > 0) {
        size_t step = left + 16;
        char *room = buf_room(&out, step < 4096 ? step : 4096);
        if (!room) return err_set(e, ERR_no_memory, "", NULL);
        size_t before = out.cap - 1 - out.n, free_n = before;
        size_t done = iconv(cd, &in_at.was, &left, &room, &free_n);
        out.n += before - free_n;
        if (done == (size_t)-1 && errno != E2BIG) return bad_byte(e, skipped + bytes.n - left);
    }
    struct str text = buf_str(&out);
    const char *zero = text.n ? memchr(text.p, 0, text.n) : NULL;
    // The place of a zero is given in the bytes of the result; a file with zeros is no text in any encoding.
    if (zero) return bad_byte(e, (size_t)(zero - text.p));
    *ret = text.n ? text : S("");
    return OK;
}

static int decode_iconv(struct arena *mem, struct str bytes, const char *from, size_t bom, struct str *ret,
                        struct err *e) {
    iconv_t cd = iconv_open("UTF-8", from);
    // Minimal systems leave out glibc's conversion modules; then the operator must hear which one is missing.
    if (cd == (iconv_t)-1) return err_set(e, ERR_internal, "", "iconv %s", from);
    int code = convert(cd, mem, (struct str){bytes.p + bom, bytes.n - bom}, bom, ret, e);
    iconv_close(cd);
    return code;
}

int text_decode(struct arena *mem, struct str bytes, enum text_encoding enc, struct str *ret, struct err *e) {
    switch (enc) {
    case ENC_UTF8:
        return decode_utf8(bytes, ret, e);
    case ENC_GB18030:
        return decode_iconv(mem, bytes, "GB18030", str_starts(bytes, S("\x84\x31\x95\x33")) ? 4 : 0, ret, e);
    case ENC_UTF16LE:
        return decode_iconv(mem, bytes, "UTF-16LE", str_starts(bytes, S("\xFF\xFE")) ? 2 : 0, ret, e);
    case ENC_UTF16BE:
        return decode_iconv(mem, bytes, "UTF-16BE", str_starts(bytes, S("\xFE\xFF")) ? 2 : 0, ret, e);
    case ENC_LATIN1:
        return decode_latin1(mem, bytes, ret, e);
    }
    return err_set(e, ERR_internal, "", "encoding %d", (int)enc);
}
