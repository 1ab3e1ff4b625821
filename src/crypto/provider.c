// SPDX-License-Identifier: MulanPSL-2.0
// Keys in files, plain or sealed. A sealed file is two lines of how and one of what:
//
//   gusu-sealed/v1
//   argon2id m=65536,t=3 <salt, base64url>
//   <SM4-CTR + HMAC-SM3 under Argon2id(passphrase, salt), bound to the two lines above, base64url>
//
// Kept true: what a file says of its cost is bounded before it is believed; clear bytes are wiped from memory that is
// given out again; a file is replaced whole or not at all; a sealed file that does not open is an error that names the
// passphrase, never an empty key; making a key never replaces one.
#include "crypto/provider.h"
#include "base/file.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define SEALED_FIRST     "gusu-sealed/v1\n"
#define SALT_BYTES       crypto_pwhash_SALTBYTES
#define MEMORY_KIB       65536 // 64 MiB, three passes: about 150 ms, once per file and start
#define PASSES           3
#define MEMORY_KIB_MAX   262144
#define PASSES_MAX       16
#define LABEL_PATH_BYTES 700

bool secret_is_sealed(struct str text) {
    return str_starts(text, S(SEALED_FIRST));
}

static int derive(struct str passphrase, int64_t memory_kib, int64_t passes, const uint8_t salt[SALT_BYTES],
                  uint8_t key[SECRET_KEY_BYTES], struct err *e) {
    const int rc =
        crypto_pwhash(key, SECRET_KEY_BYTES, passphrase.p, passphrase.n, salt, (unsigned long long)passes,
                      (size_t)memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    return rc == 0 ? OK : err_set(e, ERR_no_memory, "passphrase", "%s", "");
}

static bool take_number(struct str *rest, const char *name, char end, int64_t least, int64_t most,
                        int64_t *ret) {
    struct str one = str_cut(*rest, end, rest), key = str_of(name);
    if (!str_starts(one, key)) return false;
    one = (struct str){one.p + key.n, one.n - key.n};
    return str_int64(one, ret) && *ret >= least && *ret <= most;
}

static int bad_file(const char *path, struct err *e) {
    const char *slash = strrchr(path, '/');
    return err_set(e, ERR_passphrase, "passphrase", "%s", slash ? slash + 1 : path);
}

static int open_sealed(struct arena *mem, struct hasher *h, const char *path, struct str text,
                       struct str passphrase, struct str *ret, struct err *e) {
    struct str rest = {text.p + sizeof SEALED_FIRST - 1, text.n - (sizeof SEALED_FIRST - 1)}, body, salt;
    struct str line = str_cut(rest, '\n', &body);
    const struct str context = {text.p, text.n - body.n};
    int64_t memory_kib, passes;
    uint8_t key[SECRET_KEY_BYTES];
    if (!body.p || !str_starts(line, S("argon2id "))) return bad_file(path, e);
    line = (struct str){line.p + 9, line.n - 9};
    if (!take_number(&line, "m=", ',', 8, MEMORY_KIB_MAX, &memory_kib) ||
        !take_number(&line, "t=", ' ', 1, PASSES_MAX, &passes) || !str_unbase64(mem, line, true, &salt) ||
        salt.n != SALT_BYTES)
        return bad_file(path, e);
    if (passphrase.n == 0 || passphrase.n > PASSPHRASE_MAX) return bad_file(path, e);
    int code = derive(passphrase, memory_kib, passes, (const uint8_t *)salt.p, key, e);
    if (code != OK) return code;
    code = unseal_text(mem, h, key, context, str_trim(body), ret, e);
    crypto_wipe(key, sizeof key);
    return code == ERR_crypto ? bad_file(path, e) : code;
}

int secret_file_read(struct arena *mem, struct hasher *h, const char *path, struct str passphrase,
                     struct str *ret_clear, bool *ret_sealed, struct err *e) {
    struct str text;
    int code = file_read(mem, path, SECRET_FILE_MAX, &text, e);
    if (code != OK) return code;
    const bool sealed = secret_is_sealed(text);
    if (sealed) code = open_sealed(mem, h, path, text, passphrase, &text, e);
    if (code != OK) return code;
    if (ret_sealed) *ret_sealed = sealed;
    *ret_clear = text;
    return OK;
}

static int seal(struct arena *mem, struct hasher *h, struct str clear, struct str passphrase, struct str *ret,
                struct err *e) {
    uint8_t salt[SALT_BYTES], key[SECRET_KEY_BYTES];
    struct str sealed;
    if (passphrase.n < PASSPHRASE_MIN || passphrase.n > PASSPHRASE_MAX)
        return err_set(e, ERR_field_range, "passphrase", "%d..%d", PASSPHRASE_MIN, PASSPHRASE_MAX);
    if (crypto_random(salt, sizeof salt)) return err_set(e, ERR_crypto, "", "no random bytes");
    const struct str salt64 = str_base64url(mem, salt, sizeof salt);
    const struct str head =
        str_print(mem, SEALED_FIRST "argon2id m=%d,t=%d %.*s\n", MEMORY_KIB, PASSES, STRF(salt64));
    int code = derive(passphrase, MEMORY_KIB, PASSES, salt, key, e);
    if (code == OK) code = seal_text(mem, h, key, head, clear, &sealed, e);
    crypto_wipe(key, sizeof key);
    if (code != OK) return code;
    *ret = str_print(mem, "%.*s%.*s\n", STRF(head), STRF(sealed));
    return ret->p ? OK : err_set(e, ERR_no_memory, "", "%s", "");
}

int secret_file_write(struct arena *mem, struct hasher *h, const char *path, struct str clear,
                      struct str passphrase, struct err *e) {
    struct str text = clear;
    int code = passphrase.p ? seal(mem, h, clear, passphrase, &text, e) : OK;
    return code == OK ? file_write(path, text, 0600, e) : code;
}

// --- the face ---
static int path_of(const struct provider *p, const char *label, char out[LABEL_PATH_BYTES], struct err *e) {
    const int n = snprintf(out, LABEL_PATH_BYTES, "%s/%s.pem", p->folder, label);
    return n > 0 && n < LABEL_PATH_BYTES ? OK : err_set(e, ERR_too_large, "folder", "%d", LABEL_PATH_BYTES);
}

static bool files_has(struct provider *p, const char *label) {
    char path[LABEL_PATH_BYTES];
    return path_of(p, label, path, NULL) == OK && file_exists(path);
}

static int files_load(struct provider *p, struct arena *mem, const char *label, struct sign_key **ret,
                      struct err *e) {
    char path[LABEL_PATH_BYTES];
    struct str pem;
    int code = path_of(p, label, path, e);
    if (code == OK && !file_exists(path)) code = err_set(e, ERR_not_found, "key", "%s", label);
    if (code == OK) code = secret_file_read(mem, p->hasher, path, p->passphrase, &pem, NULL, e);
    if (code != OK) return code;
    code = sign_load(pem, ret, e);
    crypto_wipe((char *)(uintptr_t)pem.p, pem.n);
    return code;
}

static int files_make(struct provider *p, struct arena *mem, const char *label, enum sign_kind kind,
                      struct sign_key **ret, struct err *e) {
    char path[LABEL_PATH_BYTES];
    struct str pem;
    struct sign_key *k = NULL;
    int code = path_of(p, label, path, e);
    if (code == OK && file_exists(path)) code = err_set(e, ERR_conflict, "key", "%s", label);
    if (code == OK) code = sign_make(kind, &k, e);
    if (code == OK) code = sign_pem(mem, k, &pem, e);
    if (code == OK) {
        code = secret_file_write(mem, p->hasher, path, pem, p->passphrase, e);
        crypto_wipe((char *)(uintptr_t)pem.p, pem.n);
    }
    if (code == OK)
        *ret = k;
    else
        sign_close(k);
    return code;
}

static int files_relabel(struct provider *p, const char *from, const char *to, struct err *e) {
    char a[LABEL_PATH_BYTES], b[LABEL_PATH_BYTES];
    int code = path_of(p, from, a, e);
    if (code == OK) code = path_of(p, to, b, e);
    if (code == OK && rename(a, b) != 0) code = err_set(e, ERR_file, from, "%s", strerrordesc_np(errno));
    return code;
}

// The bytes are overwritten before the name goes. On a disk that copies on write the old ones may still lie somewhere:
// who must rule that out seals the files, or keeps keys in a card.
static int files_destroy(struct provider *p, const char *label, struct err *e) {
    char path[LABEL_PATH_BYTES];
    static const char zeros[512];
    int code = path_of(p, label, path, e);
    if (code != OK || !file_exists(path)) return code;
    FILE *f = fopen(path, "r+b");
    if (f) {
        const bool ok =
            fwrite(zeros, 1, sizeof zeros, f) == sizeof zeros && fflush(f) == 0 && fdatasync(fileno(f)) == 0;
        if (fclose(f) != 0 || !ok) code = err_set(e, ERR_file, label, "%s", strerrordesc_np(errno));
    }
    if (unlink(path) != 0 && code == OK) code = err_set(e, ERR_file, label, "%s", strerrordesc_np(errno));
    return code;
}

const struct provider_ops provider_files = {.name = "file",
                                            .make = files_make,
                                            .load = files_load,
                                            .has = files_has,
                                            .relabel = files_relabel,
                                            .destroy = files_destroy};
