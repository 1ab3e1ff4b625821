// SPDX-License-Identifier: MulanPSL-2.0
// C2SP signed notes and tlog checkpoints, as the verifiers of the world read them (Go's sumdb/note is the
// yardstick: what it refuses is refused here). A note is
//
//   body lines … "\n"      what is signed, last newline included
//   "\n"
//   "— " name " " base64(id ‖ signature) "\n"      once per key
//
// and a witness's line (cosignature/v1) is one of these whose blob also holds the time it speaks of. Kept true: a note
// is cut at its *last* empty line, so nothing that looks like a signature inside the body
// counts as one; and the first line that names our key decides, so a good line behind a bad one saves
// nothing.
#include "crypto/sign.h"
#include "crypto/start.h"
#include <assert.h>

#define ID_BYTES      4
#define SIGNATURE_MAX 72
#define COSIGN_BYTES  (8 + 64) // time, Ed25519 signature
#define TYPE_MAX      (sizeof NOTE_SM2_TYPE - 1)
static const struct str DASH = {"\xe2\x80\x94 ", 4}; // U+2014 and a space

bool note_name_ok(struct str name) {
    if (name.n == 0 || !str_utf8_ok(name)) return false;
    for (size_t at = 0; at < name.n;) {
        const int32_t c = str_utf8_next(name, &at);
        // '+' separates a vkey; the rest is Unicode White_Space and what Go counts as control.
        if (c < 0x21 || c == '+' || c == 0x7f || c == 0x85 || c == 0xa0 || c == 0x1680) return false;
        if ((c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
            c == 0x3000)
            return false;
    }
    return true;
}

// type ‖ public as one run of bytes: what a vkey carries and what the id hashes.
static size_t typed_as(const struct sign_key *k, struct str type, uint8_t out[TYPE_MAX + SIGN_PUBLIC_MAX]) {
    memcpy(out, type.p, type.n);
    return type.n + sign_public_raw(k, out + type.n);
}

static size_t typed_key(const struct sign_key *k, uint8_t out[TYPE_MAX + SIGN_PUBLIC_MAX]) {
    return typed_as(k, sign_kind_of(k) == SIGN_ED25519 ? S("\x01") : S(NOTE_SM2_TYPE), out);
}

// One digest per key and note: a context of its own is cheap enough here and spares callers a hasher.
static bool key_id(struct str name, const uint8_t *typed, size_t n, uint8_t out[ID_BYTES]) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    const bool ok = c && EVP_DigestInit_ex2(c, crypto_fetched()->digest[HASH_SHA256], NULL) == 1 &&
                    EVP_DigestUpdate(c, name.p, name.n) == 1 && EVP_DigestUpdate(c, "\n", 1) == 1 &&
                    EVP_DigestUpdate(c, typed, n) == 1 && EVP_DigestFinal_ex(c, digest, NULL) == 1;
    EVP_MD_CTX_free(c);
    if (ok) memcpy(out, digest, ID_BYTES);
    return ok;
}

static struct str vkey_text(struct arena *mem, struct str name, const uint8_t *typed, size_t n) {
    uint8_t id[ID_BYTES];
    if (!note_name_ok(name) || !key_id(name, typed, n, id)) return STR_NONE;
    const struct str hex = str_hex(mem, id, ID_BYTES), b64 = str_base64(mem, typed, n);
    return str_print(mem, "%.*s+%.*s+%.*s", STRF(name), STRF(hex), STRF(b64));
}

struct str note_vkey(struct arena *mem, const struct sign_key *k, struct str name) {
    uint8_t typed[TYPE_MAX + SIGN_PUBLIC_MAX];
    return vkey_text(mem, name, typed, typed_key(k, typed));
}

struct str cosign_vkey(struct arena *mem, const struct sign_key *k, struct str name) {
    uint8_t typed[TYPE_MAX + SIGN_PUBLIC_MAX];
    assert(sign_kind_of(k) == SIGN_ED25519);
    return vkey_text(mem, name, typed, typed_as(k, S(NOTE_COSIGN_TYPE), typed));
}

// Name and "type ‖ public" of a vkey, its id checked.
static int split_vkey(struct arena *mem, struct str vkey, struct str *ret_name, struct str *ret_raw,
                      struct err *e) {
    struct str rest = STR_NONE, b64 = STR_NONE, raw = STR_NONE;
    const struct str name = str_cut(vkey, '+', &rest);
    const struct str hex = str_cut(rest, '+', &b64);
    uint8_t id[ID_BYTES], want[ID_BYTES];
    if (!note_name_ok(name) || !str_unhex(hex, id, ID_BYTES) || !str_unbase64(mem, b64, false, &raw))
        return err_set(e, ERR_crypto, "vkey", "not name+id+key");
    if (!key_id(name, (const uint8_t *)raw.p, raw.n, want) || memcmp(id, want, ID_BYTES) != 0)
        return err_set(e, ERR_crypto, "vkey", "the id does not fit name and key");
    *ret_name = name;
    *ret_raw = raw;
    return OK;
}

int cosign_read_vkey(struct arena *mem, struct str vkey, struct str *ret_name, struct sign_key **ret,
                     struct err *e) {
    struct str name, raw;
    int rc = split_vkey(mem, vkey, &name, &raw, e);
    if (rc != OK) return rc;
    if (!str_starts(raw, S(NOTE_COSIGN_TYPE)))
        return err_set(e, ERR_crypto, "vkey", "not a witness's key of cosignature/v1");
    rc = sign_from_public(SIGN_ED25519, (struct str){raw.p + 1, raw.n - 1}, ret, e);
    if (rc == OK && ret_name) *ret_name = name;
    return rc;
}

int note_read_vkey(struct arena *mem, struct str vkey, struct str *ret_name, struct sign_key **ret,
                   struct err *e) {
    struct str name, raw;
    const int split = split_vkey(mem, vkey, &name, &raw, e);
    if (split != OK) return split;
    const struct str types[] = {S("\x01"), S(NOTE_SM2_TYPE)};
    const enum sign_kind kinds[] = {SIGN_ED25519, SIGN_SM2};
    for (int i = 0; i < 2; i++) {
        if (!str_starts(raw, types[i])) continue;
        const struct str key = {raw.p + types[i].n, raw.n - types[i].n};
        const int rc = sign_from_public(kinds[i], key, ret, e);
        if (rc == OK && ret_name) *ret_name = name;
        return rc;
    }
    return err_set(e, ERR_crypto, "vkey", "unknown signature type");
}

// What Go's note.Open asks of any note: UTF-8 without control characters other than the newline.
static bool text_ok(struct str s) {
    if (s.n > NOTE_BYTES_MAX || !str_utf8_ok(s)) return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\n') return false;
    return true;
}

static void put_line(struct arena *mem, struct buf *out, struct str name, const uint8_t *blob, size_t n) {
    buf_put(out, DASH);
    buf_put(out, name);
    buf_char(out, ' ');
    buf_put(out, str_base64(mem, blob, n));
    buf_char(out, '\n');
}

static int put_signature(struct arena *mem, struct buf *out, struct str body, const struct sign_key *k,
                         struct str name, struct err *e) {
    uint8_t typed[TYPE_MAX + SIGN_PUBLIC_MAX], blob[ID_BYTES + SIGNATURE_MAX];
    struct str sig = STR_NONE;
    if (!note_name_ok(name)) return err_set(e, ERR_crypto, "name", "not a key name");
    if (!key_id(name, typed, typed_key(k, typed), blob)) return err_set(e, ERR_crypto, "", "hashing failed");
    const int rc = sign_bytes(mem, k, body, &sig, e);
    if (rc) return rc;
    if (sig.n > SIGNATURE_MAX) return err_set(e, ERR_crypto, "key", "a signature of %zu bytes", sig.n);
    memcpy(blob + ID_BYTES, sig.p, sig.n);
    put_line(mem, out, name, blob, ID_BYTES + sig.n);
    return OK;
}

int note_sign(struct arena *mem, struct str body, const struct sign_key *const *keys, const struct str *names,
              size_t n, struct str *ret_note, struct err *e) {
    if (n == 0 || n > NOTE_SIGNATURES_MAX) return err_set(e, ERR_crypto, "", "%zu signatures", n);
    if (!text_ok(body) || !str_ends(body, S("\n")))
        return err_set(e, ERR_crypto, "body", "not the body of a note");
    struct buf out = buf_new(mem, body.n + 1 + n * 256, NOTE_BYTES_MAX);
    buf_put(&out, body);
    buf_char(&out, '\n');
    for (size_t i = 0; i < n; i++) {
        const int rc = put_signature(mem, &out, body, keys[i], names[i], e);
        if (rc) return rc;
    }
    if (out.over) return err_set(e, ERR_too_large, "body", "%zu", NOTE_BYTES_MAX);
    *ret_note = buf_str(&out);
    return OK;
}

// "— name base64" without its newline; strict, since Go drops the whole note for one bad line.
static bool read_line(struct arena *mem, struct str line, struct str *ret_name, struct str *ret_blob) {
    if (!str_starts(line, DASH)) return false;
    struct str b64 = STR_NONE;
    *ret_name = str_cut((struct str){line.p + DASH.n, line.n - DASH.n}, ' ', &b64);
    return note_name_ok(*ret_name) && b64.n && str_unbase64(mem, b64, false, ret_blob) &&
           ret_blob->n > ID_BYTES;
}

// Offset just behind the last "\n\n"; 0 when there is none.
static size_t signatures_at(struct str note) {
    for (size_t i = note.n; i >= 2; i--)
        if (note.p[i - 1] == '\n' && note.p[i - 2] == '\n') return i;
    return 0;
}

bool note_split(struct str note, struct str *ret_body) {
    const size_t at = signatures_at(note);
    if (!text_ok(note) || at < 3 || at == note.n || note.p[note.n - 1] != '\n') return false;
    *ret_body = (struct str){note.p, at - 1};
    return true;
}

enum note_answer note_look(struct arena *mem, struct str note, const struct sign_key *key, struct str name,
                           struct str *ret_body, struct str *ret_line) {
    uint8_t typed[TYPE_MAX + SIGN_PUBLIC_MAX], id[ID_BYTES];
    struct str body;
    if (!note_split(note, &body) || !key_id(name, typed, typed_key(key, typed), id)) return NOTE_UNSIGNED;
    struct str rest = {note.p + body.n + 1, note.n - body.n - 1};
    enum note_answer answer = NOTE_UNSIGNED;
    for (int lines = 0; rest.n; lines++) {
        struct str line_name, blob;
        const struct str line = str_cut(rest, '\n', &rest);
        if (lines == NOTE_SIGNATURES_MAX || !read_line(mem, line, &line_name, &blob)) return NOTE_UNSIGNED;
        if (answer != NOTE_UNSIGNED || !str_eq(line_name, name) || memcmp(blob.p, id, ID_BYTES) != 0)
            continue;
        const bool ok = sign_ok(key, body, (struct str){blob.p + ID_BYTES, blob.n - ID_BYTES});
        answer = ok ? NOTE_SIGNED : NOTE_FORGED;
        if (ok && ret_line) *ret_line = (struct str){line.p, line.n + 1};
    }
    if (answer == NOTE_SIGNED && ret_body) *ret_body = body;
    return answer;
}

bool note_check(struct arena *mem, struct str note, const struct sign_key *key, struct str name,
                struct str *ret_body) {
    return note_look(mem, note, key, name, ret_body, NULL) == NOTE_SIGNED;
}

static struct str cosigned_text(struct arena *mem, struct str body, int64_t time_s) {
    return str_print(mem, "cosignature/v1\ntime %lld\n%.*s", (long long)time_s, STRF(body));
}

int cosign_line(struct arena *mem, struct str body, const struct sign_key *k, struct str name, int64_t time_s,
                struct str *ret_line, struct err *e) {
    uint8_t typed[TYPE_MAX + SIGN_PUBLIC_MAX], blob[ID_BYTES + COSIGN_BYTES];
    struct str sig = STR_NONE, text = cosigned_text(mem, body, time_s);
    assert(sign_kind_of(k) == SIGN_ED25519);
    if (time_s <= 0) return err_set(e, ERR_crypto, "time", "a cosignature needs a time");
    if (!note_name_ok(name) || !text_ok(body) || !str_ends(body, S("\n")))
        return err_set(e, ERR_crypto, "body", "not the body of a note");
    if (!text.p) return err_set(e, ERR_no_memory, "", "%s", "");
    if (!key_id(name, typed, typed_as(k, S(NOTE_COSIGN_TYPE), typed), blob))
        return err_set(e, ERR_crypto, "", "hashing failed");
    const int rc = sign_bytes(mem, k, text, &sig, e);
    if (rc) return rc;
    if (sig.n != COSIGN_BYTES - 8) return err_set(e, ERR_crypto, "key", "a signature of %zu bytes", sig.n);
    for (int i = 0; i < 8; i++)
        blob[ID_BYTES + i] = (uint8_t)((uint64_t)time_s >> (56 - 8 * i));
    memcpy(blob + ID_BYTES + 8, sig.p, sig.n);
    struct buf out = buf_new(mem, 256, NOTE_BYTES_MAX);
    put_line(mem, &out, name, blob, sizeof blob);
    if (out.over) return err_set(e, ERR_no_memory, "", "%s", "");
    *ret_line = buf_str(&out);
    return OK;
}

bool cosign_check(struct arena *mem, struct str body, struct str lines, const struct sign_key *k,
                  struct str name, int64_t *ret_time_s, struct str *ret_line) {
    uint8_t typed[TYPE_MAX + SIGN_PUBLIC_MAX], id[ID_BYTES];
    bool is_good = false;
    if (!text_ok(lines) || !str_ends(lines, S("\n")) ||
        !key_id(name, typed, typed_as(k, S(NOTE_COSIGN_TYPE), typed), id))
        return false;
    for (int n = 0; lines.n; n++) {
        struct str line_name, blob;
        const struct str line = str_cut(lines, '\n', &lines);
        if (n == NOTE_SIGNATURES_MAX || !read_line(mem, line, &line_name, &blob)) return false;
        if (is_good || !str_eq(line_name, name) || memcmp(blob.p, id, ID_BYTES) != 0) continue;
        if (blob.n != ID_BYTES + COSIGN_BYTES) return false;
        uint64_t time_s = 0;
        for (int i = 0; i < 8; i++)
            time_s = time_s << 8 | (uint8_t)blob.p[ID_BYTES + i];
        if (time_s == 0 || time_s > INT64_MAX) return false;
        const struct str text = cosigned_text(mem, body, (int64_t)time_s);
        if (!text.p || !sign_ok(k, text, (struct str){blob.p + ID_BYTES + 8, blob.n - ID_BYTES - 8}))
            return false;
        is_good = true;
        if (ret_time_s) *ret_time_s = (int64_t)time_s;
        if (ret_line) *ret_line = (struct str){line.p, line.n + 1};
    }
    return is_good;
}

struct str checkpoint_body(struct arena *mem, struct str origin, uint64_t size,
                           const uint8_t root[HASH_BYTES]) {
    const struct str b64 = str_base64(mem, root, HASH_BYTES);
    return str_print(mem, "%.*s\n%llu\n%.*s\n", STRF(origin), (unsigned long long)size, STRF(b64));
}

// A decimal as the specification wants it: no sign, no leading zero, "0" for the empty tree.
static bool read_size(struct str s, uint64_t *ret) {
    int64_t v = 0;
    if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9' || (s.n > 1 && s.p[0] == '0') || !str_int64(s, &v))
        return false;
    *ret = (uint64_t)v;
    return true;
}

bool checkpoint_read(struct arena *mem, struct str body, struct str *ret_origin, uint64_t *ret_size,
                     uint8_t root[HASH_BYTES]) {
    if (!text_ok(body) || !str_ends(body, S("\n"))) return false;
    struct str rest = body, hash = STR_NONE;
    const struct str origin = str_cut(rest, '\n', &rest);
    const struct str size = str_cut(rest, '\n', &rest);
    const struct str b64 = str_cut(rest, '\n', &rest);
    uint64_t n = 0;
    if (origin.n == 0 || !read_size(size, &n)) return false;
    if (!str_unbase64(mem, b64, false, &hash) || hash.n != HASH_BYTES) return false;
    while (rest.n) // extension lines: ours to ignore, but none may be empty
        if (str_cut(rest, '\n', &rest).n == 0) return false;
    *ret_origin = origin;
    *ret_size = n;
    memcpy(root, hash.p, HASH_BYTES);
    return true;
}
