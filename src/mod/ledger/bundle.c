// SPDX-License-Identifier: MulanPSL-2.0
// How 256 entries lie in one row once they are sealed. The leaves are packed as exactly the bytes that C2SP calls an
// entry bundle; salts are random and stay as they are; details pack well, since a city says the same things often.
// Keeps true: what is unpacked is byte for byte what was packed, or it is refused; the digest covers the row as it
// lies, so that a changed byte is seen even where unpacking would pass over it.
#include "base/compress.h"
#include "mod/ledger/entries.h"

#define LEAVES_MAX  ((size_t)LEDGER_BUNDLE * (LEDGER_LEAF_MAX + 2))
#define SALTS_BYTES ((size_t)LEDGER_BUNDLE * LEDGER_SALT_BYTES)
#define ERASED      UINT32_MAX // in place of a detail's length

static const char no_salt[LEDGER_SALT_BYTES];

static void digest_of(struct hasher *h, const struct ledger_packed *p, uint8_t out[HASH_BYTES]) {
    const struct str parts[] = {p->leaves, p->salts, p->details};
    hash_parts(h, HASH_SHA256, parts, 3, out);
}

static void put_length(struct buf *b, uint32_t v, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        buf_char(b, (char)(v >> shift & 0xff));
}

bool bundle_pack(struct arena *mem, struct hasher *h, const struct ledger_bundle *b,
                 struct ledger_packed *ret) {
    struct buf leaves = buf_new(mem, (size_t)48 << 10, LEAVES_MAX),
               salts = buf_new(mem, SALTS_BYTES, SALTS_BYTES),
               details = buf_new(mem, (size_t)192 << 10, LEDGER_DETAILS_MAX);
    for (int i = 0; i < LEDGER_BUNDLE; i++) {
        bool is_erased = !b->detail[i].p || b->salt[i].n != LEDGER_SALT_BYTES;
        put_length(&leaves, (uint32_t)b->leaf[i].n, 2);
        buf_put(&leaves, b->leaf[i]);
        buf_put(&salts, is_erased ? (struct str){no_salt, sizeof no_salt} : b->salt[i]);
        put_length(&details, is_erased ? ERASED : (uint32_t)b->detail[i].n, 4);
        if (!is_erased) buf_put(&details, b->detail[i]);
    }
    if (leaves.over || salts.over || details.over) return false;
    ret->leaves = compress_zstd(mem, buf_str(&leaves));
    ret->salts = buf_str(&salts);
    ret->details = compress_zstd(mem, buf_str(&details));
    if (!ret->leaves.p || !ret->details.p) return false;
    digest_of(h, ret, ret->digest);
    return true;
}

// The next `bytes` of length and what they announce, cut off the front of *rest.
static bool take(struct str *rest, int bytes, struct str *ret) {
    uint32_t n = 0;
    if (rest->n < (size_t)bytes) return false;
    for (int i = 0; i < bytes; i++)
        n = n << 8 | (uint8_t)rest->p[i];
    *rest = (struct str){rest->p + bytes, rest->n - (size_t)bytes};
    if (bytes == 4 && n == ERASED) {
        *ret = STR_NONE;
        return true;
    }
    if (rest->n < n) return false;
    *ret = (struct str){rest->p, n};
    *rest = (struct str){rest->p + n, rest->n - n};
    return true;
}

bool bundle_unpack(struct arena *mem, struct hasher *h, const struct ledger_packed *p,
                   struct ledger_bundle *ret) {
    struct str leaves, details;
    uint8_t digest[HASH_BYTES];
    if (h) {
        digest_of(h, p, digest);
        if (memcmp(digest, p->digest, sizeof digest) != 0) return false;
    }
    if (p->salts.n != SALTS_BYTES || !decompress_zstd(mem, p->leaves, LEAVES_MAX, &leaves) ||
        !decompress_zstd(mem, p->details, LEDGER_DETAILS_MAX, &details))
        return false;
    for (int i = 0; i < LEDGER_BUNDLE; i++) {
        if (!take(&leaves, 2, &ret->leaf[i]) || !take(&details, 4, &ret->detail[i])) return false;
        ret->salt[i] = (struct str){p->salts.p + i * LEDGER_SALT_BYTES, LEDGER_SALT_BYTES};
        bool is_blank = memcmp(ret->salt[i].p, no_salt, sizeof no_salt) == 0;
        if (is_blank != !ret->detail[i].p) return false; // erased together or not at all
        if (is_blank) ret->salt[i] = STR_NONE;
    }
    return leaves.n == 0 && details.n == 0;
}
