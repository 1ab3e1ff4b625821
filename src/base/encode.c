// SPDX-License-Identifier: MulanPSL-2.0
// Bytes as text and back: hexadecimal and the two alphabets of base64 (RFC 4648). Reading is strict, so that
// one value has one spelling: no white space, no missing or surplus padding, no stray bits in the last
// character. Tokens and digests are compared by these texts; a second spelling would be a second key.
#include "base/text.h"

struct str str_hex(struct arena *a, const void *bytes, size_t n) {
    static const char digit[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    if (n > SIZE_MAX / 2 - 1) return STR_NONE;
    char *p = arena_take(a, 2 * n + 1);
    if (!p) return STR_NONE;
    for (size_t i = 0; i < n; i++) {
        p[2 * i] = digit[in[i] >> 4];
        p[2 * i + 1] = digit[in[i] & 15];
    }
    return (struct str){p, 2 * n};
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The caller knows how many bytes a digest or key has; another length is an error, not a shorter value.
bool str_unhex(struct str s, uint8_t *ret_bytes, size_t n) {
    if (s.n % 2 != 0 || s.n / 2 != n) return false;
    // Checked before the first byte is written: outputs stay untouched on failure.
    for (size_t i = 0; i < s.n; i++)
        if (hex_digit(s.p[i]) < 0) return false;
    for (size_t i = 0; i < n; i++)
        ret_bytes[i] = (uint8_t)(hex_digit(s.p[2 * i]) << 4 | hex_digit(s.p[2 * i + 1]));
    return true;
}

static const char base64_plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Three bytes become four characters of six bits:  |aaaaaabb|bbbbcccc|ccdddddd|
static struct str to_base64(struct arena *a, const void *bytes, size_t n, const char *alphabet, bool pad) {
    const unsigned char *in = bytes;
    if (n > SIZE_MAX / 4 - 8) return STR_NONE;
    char *p = arena_take(a, (n + 2) / 3 * 4 + 1);
    if (!p) return STR_NONE;
    size_t o = 0, i = 0;
    for (; i + 3 <= n; i += 3) {
        unsigned v = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
        p[o++] = alphabet[v >> 18];
        p[o++] = alphabet[v >> 12 & 63];
        p[o++] = alphabet[v >> 6 & 63];
        p[o++] = alphabet[v & 63];
    }
    size_t left = n - i;
    if (left > 0) {
        unsigned v = (unsigned)in[i] << 16 | (left == 2 ? (unsigned)in[i + 1] << 8 : 0);
        p[o++] = alphabet[v >> 18];
        p[o++] = alphabet[v >> 12 & 63];
        if (left == 2) p[o++] = alphabet[v >> 6 & 63];
        for (; pad && left < 3; left++)
            p[o++] = '=';
    }
    return (struct str){p, o};
}

struct str str_base64(struct arena *a, const void *bytes, size_t n) {
    return to_base64(a, bytes, n, base64_plain, true);
}

struct str str_base64url(struct arena *a, const void *bytes, size_t n) {
    return to_base64(a, bytes, n, base64_url, false);
}

static int base64_digit(char c, bool url) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == (url ? '-' : '+')) return 62;
    if (c == (url ? '_' : '/')) return 63;
    return -1;
}

// A lone last character would hold six bits and can be no byte; two hold one byte, three hold two.
bool str_unbase64(struct arena *a, struct str s, bool url, struct str *ret_bytes) {
    if (!url) { // padded to a multiple of four, at most two '='
        if (s.n % 4 != 0) return false;
        for (int k = 0; k < 2 && s.n > 0 && s.p[s.n - 1] == '='; k++)
            s.n--;
    }
    if (s.n % 4 == 1) return false;
    unsigned char *p = arena_take(a, s.n / 4 * 3 + 3);
    if (!p) return false;
    size_t o = 0;
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < s.n; i++) {
        int d = base64_digit(s.p[i], url);
        if (d < 0) return false;
        held = held << 6 | (unsigned)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            p[o++] = (unsigned char)(held >> bits);
            held &= (1u << bits) - 1;
        }
    }
    if (held != 0) return false; // bits that no byte holds: another spelling of the same value
    *ret_bytes = (struct str){(const char *)p, o};
    return true;
}
