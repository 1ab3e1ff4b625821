// SPDX-License-Identifier: MulanPSL-2.0
// Where private keys live. One small face, so that the ledger neither knows nor cares: files in the data folder today,
// sealed under a passphrase when the operator wants that; a PKCS#11 token or an SDF card (GM/T 0018) is another table
// of the same functions. What every such store can do and no more: keys are named by a label (CKA_LABEL, a container's
// or index's name), made inside, asked to sign (struct sign_key: its private half may never leave the card), their
// public half read, given another label, destroyed.
//
//   make, load   give a struct sign_key: sign_bytes signs, sign_public_raw and note_vkey show the public half
//   sealed file  "gusu-sealed/v1" ‖ "argon2id m=KiB,t=passes SALT" ‖ SM4-CTR + HMAC-SM3 of the text (crypto/secret.h)
#ifndef CRYPTO_PROVIDER_H
#define CRYPTO_PROVIDER_H
#include "crypto/secret.h"
#include "crypto/sign.h"

#define PASSPHRASE_MIN  12 // bytes; Argon2id slows guessing, it does not make short ones long
#define PASSPHRASE_MAX  1024
#define SECRET_FILE_MAX ((size_t)65536)

struct provider;
struct provider_ops {
    const char *name; // "file"
    // A label that is taken already is an error: no key is ever replaced by making one.
    int (*make)(struct provider *p, struct arena *mem, const char *label, enum sign_kind kind,
                struct sign_key **ret, struct err *e);
    int (*load)(struct provider *p, struct arena *mem, const char *label, struct sign_key **ret,
                struct err *e); // ERR_not_found: no such label; ERR_passphrase: it is there and sealed
    bool (*has)(struct provider *p, const char *label);
    // In one step, replacing what bore the new label: a rotation's last step.
    int (*relabel)(struct provider *p, const char *from, const char *to, struct err *e);
    int (*destroy)(struct provider *p, const char *label, struct err *e);
};
struct provider {
    const struct provider_ops *ops;
    const char *folder;    // file: <folder>/<label>.pem
    struct str passphrase; // file: opens sealed files, and seals new ones; STR_NONE = none was given
    struct hasher *hasher; // of the thread that uses it
};
extern const struct provider_ops provider_files;

// A secret in a file of its own, sealed or not; mode 0600, replaced atomically. Reading tells which by the first line.
// A passphrase is only asked for when the file is sealed; it is derived again for each file, since each has its salt.
bool secret_is_sealed(struct str text);
int secret_file_read(struct arena *mem, struct hasher *h, const char *path, struct str passphrase,
                     struct str *ret_clear, bool *ret_sealed, struct err *e) MUST;
// passphrase STR_NONE writes it as it is.
int secret_file_write(struct arena *mem, struct hasher *h, const char *path, struct str clear,
                      struct str passphrase, struct err *e) MUST;
#endif
