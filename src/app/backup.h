// SPDX-License-Identifier: MulanPSL-2.0
// What backup and restore share: the manifest, files copied under both digests, which file of a data folder is what.
//
//   <backup>/manifest.jsonl   one JSON object a line:
//                               first  {"gusu_backup":1,"made_ms":…,"origin":…,"entries":…,"checkpoint":…,…}
//                               then   {"name":"gusu.db","bytes":…,"sha256":hex,"sm3":hex}       one a file, sorted by
//                               last   {"files":…,"bytes":…,"sha256":hex of all lines before it}  nothing in particular
//   <backup>/gusu.db          the store at one commit
//   <backup>/files/ loads/    what was uploaded, as it lies in the data folder
//   <backup>/keys/            only with --with-keys, each sealed under a passphrase
//
// A folder appears under its name only when all of it is on disk.
#ifndef APP_BACKUP_H
#define APP_BACKUP_H
#include "app/errand.h"
#include <stdio.h>

#define BACKUP_FORMAT      1
#define BACKUP_MANIFEST    "manifest.jsonl"
#define BACKUP_LINE_MAX    ((size_t)65536) // of the manifest
#define BACKUP_NAME_MAX    600             // bytes of a file's name within a backup
#define BACKUP_LEFT_MAX    200             // names of things left out that are told
#define BACKUP_PATH_MAX    4096
#define BACKUP_ROWS        200 // kept in app_backup
#define BACKUP_KEEP_MAX    1000
#define BACKUP_EVERY_MIN_S 60
#define BACKUP_EVERY_MAX_S (366 * 86400)
#define BACKUP_RETRY_S     600                  // after one that failed
#define BACKUP_OLD_S       (8 * 86400)          // without a plan: a backup older than this is told to be late
#define BACKUP_FREE_MIN    ((int64_t)256 << 20) // bytes to be left free on the data's own volume while it runs

// --- files ---
struct digests { // both at once
    struct hasher *sha256, *sm3;
};
struct backup_file {
    char name[BACKUP_NAME_MAX];
    int64_t bytes;
    uint8_t sha256[HASH_BYTES], sm3[HASH_BYTES];
    bool was_plain; // of a key: sealed by the backup, so opened by the restore
};
int digests_open(struct digests *d, struct err *e) MUST;
void digests_close(struct digests *d);
// Reads a file to its end; `to` NULL: only its digests. A copy has mode 0600 and is on disk when this returns.
int backup_copy(struct digests *d, const char *from, const char *to, struct backup_file *ret,
                struct err *e) MUST;
int backup_sync_folder(const char *path, struct err *e) MUST;
bool backup_name_ok(
    struct str name) MUST; // relative, no "..", nothing hidden: a manifest cannot write elsewhere
int backup_remove(const char *folder,
                  struct err *e) MUST; // a backup or the beginning of one, and nothing else
int64_t backup_free_bytes(const char *path);

enum backup_kind {
    BACKUP_PLAIN = 1,
    BACKUP_SECRET,
    BACKUP_FOLDER,
    BACKUP_STORE,
    BACKUP_PASSING,
    BACKUP_UNKNOWN
};
enum backup_kind backup_kind_of(struct str name); // of an entry of the data folder; folders end with '/'

// --- the manifest ---
struct backup_head {
    int64_t made_ms, entries;
    struct str origin, checkpoint, checkpoint_sm3, root_sha256, root_sm3; // roots in base64, at `entries`
    struct str schemas;                                                   // JSON object: module → version
    bool has_keys;
    struct str left_out[BACKUP_LEFT_MAX];
    int left_n;
};
struct manifest_writer {
    FILE *f;
    struct digests d;
    int64_t files, bytes;
};
int manifest_begin(struct manifest_writer *w, struct arena *mem, const char *folder,
                   const struct backup_head *head, struct err *e) MUST;
int manifest_add(struct manifest_writer *w, struct arena *mem, const struct backup_file *file,
                 struct err *e) MUST;
int manifest_end(struct manifest_writer *w, uint8_t ret_digest[HASH_BYTES],
                 struct err *e) MUST; // digest of the file
void manifest_drop(struct manifest_writer *w);
// Reads and judges the manifest alone, calling `each` for every file it names; a flipped byte of it is ERR_backup.
int manifest_read(struct arena *mem, const char *folder, struct backup_head *ret,
                  int (*each)(void *arg, const struct backup_file *f, struct err *e), void *arg,
                  struct err *e) MUST;

// --- making one ---
struct backup_made {
    char place[BACKUP_PATH_MAX];
    int64_t bytes, files, entries, took_ms, copy_ms, wal_bytes;
    struct str digest; // hex
};
// `place`: a folder that is there (a dated one is made in it) or the name of a new one.
int backup_make(struct errand *r, const char *place, bool with_keys, struct backup_made *ret,
                struct err *e) MUST;

// What a reader's snapshot of a PostgreSQL store holds, as a SQLite file in the folder (migrate.c).
int migrate_snapshot(struct conn *source, const char *folder, struct err *e) MUST;

// --- a passphrase: from GUSU_PASSPHRASE_FILE, or asked for where somebody can be asked ---
struct str backup_passphrase(struct arena *mem);

extern const struct route backup_routes[];
extern const struct job backup_jobs[];
bool backup_read_span(const char *text, int64_t *ret_s) MUST; // "24h", "30m", "7d", "90s"
#endif
