// SPDX-License-Identifier: MulanPSL-2.0
// Making a backup while the city lives. Keeps true: (1) store, heads and checkpoints are one commit's state; uploads are
// copied after it, and files are never taken away under their digest, so that everything the store names is there; (2) no
// key leaves the folder unsealed, and what is left out is told; (3) a backup appears under its name when all of it is on
// disk, and a failed one goes away; (4) memory does not grow with the city; the log of changes does while the snapshot
// stands, so the copy gives up before the data's own volume is full: the living city comes first.
#include "app/backup.h"
#include "base/file.h"
#include "crypto/provider.h"
#include "store/copy.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NICE         10 // the copy works in what the city leaves over
#define TELL_MS      5000
#define FOLDER_DEPTH 2 // files/ab/…

struct making {
    struct errand *r;
    const char *data;
    char dest[BACKUP_PATH_MAX], part[BACKUP_PATH_MAX + 16];
    struct backup_head head;
    struct manifest_writer w;
    struct digests d;
    bool with_keys;
    int64_t told_ms;
    bool is_tight; // the volume of the data folder was nearly full
};

// --- the store ---
static bool go_on(void *arg, int64_t done, int64_t all) {
    struct making *m = arg;
    int64_t now = clock_mono_us() / 1000;
    if (errand_must_stop(m->r)) return false;
    if (now - m->told_ms < TELL_MS) return true;
    m->told_ms = now;
    m->is_tight = backup_free_bytes(m->data) < BACKUP_FREE_MIN;
    errand_say(m->r, "  gusu.db %" PRId64 " %%", all > 0 ? done * 100 / all : 0);
    return !m->is_tight && !m->r->is_gone;
}

static int read_checkpoint(struct cx *cx, int64_t tree, struct str *ret) {
    struct stmt *s = store_query(cx->db, Q_ledger_checkpoint_newest, "i", tree);
    if (store_next(s)) *ret = store_str(s, 1, cx->mem);
    return store_done(s, &cx->err);
}

static int read_root(struct cx *cx, int64_t tree, int64_t *ret_size, struct str *ret) {
    struct stmt *s = store_query(cx->db, Q_verify_head, "i", tree);
    *ret = STR_NONE;
    *ret_size = 0;
    if (store_next(s)) {
        struct str root = store_str(s, 1, NULL);
        *ret_size = store_int(s, 0);
        *ret = str_base64(cx->mem, root.p, root.n);
    }
    return store_done(s, &cx->err);
}

static struct str schemas(struct cx *cx) {
    struct buf b = buf_new(cx->mem, 256, 16384);
    struct jw w = jw_to(&b);
    jw_object(&w);
    struct stmt *s = store_query(cx->db, Q_app_schemas, "");
    while (store_next(s)) {
        char *name = str_z(cx->mem, store_str(s, 0, NULL));
        if (name) jw_nint(&w, name, store_int(s, 1));
    }
    int code = store_done(s, &cx->err);
    jw_object_end(&w);
    return code == OK && !b.over ? buf_str(&b) : STR_NONE;
}

// Everything that is said of the snapshot, read in it.
static int read_snapshot(struct making *m) {
    struct cx *cx = m->r->cx;
    struct backup_head *h = &m->head;
    h->made_ms = cx->city->now_ms();
    h->origin = str_of(cx->city->origin);
    h->has_keys = m->with_keys;
    int code = read_root(cx, 0, &h->entries, &h->root_sha256);
    if (code == OK) code = read_root(cx, 1, &h->entries, &h->root_sm3);
    if (code == OK) code = read_checkpoint(cx, 0, &h->checkpoint);
    if (code == OK) code = read_checkpoint(cx, 1, &h->checkpoint_sm3);
    h->schemas = schemas(cx);
    return code == OK && !h->schemas.p ? cx_fail(cx, ERR_no_memory, "", "schemas") : code;
}

static int copy_store(struct making *m, int64_t *ret_bytes) {
    struct cx *cx = m->r->cx;
    char path[BACKUP_PATH_MAX + 32];
    const struct store_copy_watch watch = {m, go_on};
    m->told_ms = clock_mono_us() / 1000;
    snprintf(path, sizeof path, "%s/gusu.db", m->part);
    store_read_begin(cx->db);
    int code = read_snapshot(m);
    if (code == OK && store_is_postgres(cx->db))
        code = migrate_snapshot(cx->db, m->part, &cx->err); // row by row, into the same kind of file
    else if (code == OK)
        code = store_copy_pages(cx->db, path, &watch, ret_bytes, &cx->err);
    store_read_end(cx->db);
    if (code == ERR_busy && m->is_tight)
        code = cx_fail(cx, ERR_store_full, "data", "%s" ERR_OR "%s",
                       "备份期间变更日志增长，数据卷空间将尽，已停止备份",
                       "the log of changes grew while copying and the data volume is nearly full: stopped");
    return code;
}

// --- files ---
static void leave_out(struct making *m, struct str name) {
    if (m->head.left_n < BACKUP_LEFT_MAX) m->head.left_out[m->head.left_n++] = str_copy(m->r->cx->mem, name);
}

static int add_file(struct making *m, const char *name, struct arena *mem) {
    struct cx *cx = m->r->cx;
    struct backup_file f = {0};
    char from[BACKUP_PATH_MAX + BACKUP_NAME_MAX], to[BACKUP_PATH_MAX + BACKUP_NAME_MAX + 32];
    snprintf(f.name, sizeof f.name, "%s", name);
    snprintf(from, sizeof from, "%s/%s", m->data, name);
    snprintf(to, sizeof to, "%s/%s", m->part, name);
    if (errand_must_stop(m->r)) return cx_fail(cx, ERR_busy, "", "backup");
    int code = backup_copy(&m->d, from, to, &f, &cx->err);
    // A load's file goes when its rows stand: gone since the folder was listed, nothing of the snapshot needs it.
    if (code == ERR_not_found) {
        cx->err = (struct err){0};
        return OK;
    }
    return code == OK ? manifest_add(&m->w, mem, &f, &cx->err) : code;
}

// One folder of uploads; each level has an arena of its own, so that memory follows one folder's names, not the tree's.
static int add_folder(struct making *m, const char *name, int depth) {
    struct cx *cx = m->r->cx;
    struct arena mem;
    struct str *names;
    size_t n = 0;
    char path[BACKUP_PATH_MAX + BACKUP_NAME_MAX];
    arena_init(&mem, 0);
    snprintf(path, sizeof path, "%s/%s", m->part, name);
    int code = file_make_dirs(path, 0700, &cx->err);
    snprintf(path, sizeof path, "%s/%s", m->data, name);
    if (code == OK) code = file_list(&mem, path, &names, &n, &cx->err);
    for (size_t i = 0; i < n && code == OK; i++) {
        bool is_folder = names[i].p[names[i].n - 1] == '/';
        if (str_starts(names[i], S("new-"))) continue; // an upload that is still coming
        struct str inner = str_print(&mem, "%s/%.*s", name, (int)names[i].n - is_folder, names[i].p);
        char *z = inner.p ? str_z(&mem, inner) : NULL;
        if (!z)
            code = cx_fail(cx, ERR_no_memory, "", "backup");
        else if (!backup_name_ok(inner) || (is_folder && depth == FOLDER_DEPTH))
            leave_out(m, inner);
        else
            code = is_folder ? add_folder(m, z, depth + 1) : add_file(m, z, &mem);
    }
    if (code == OK) {
        snprintf(path, sizeof path, "%s/%s", m->part, name);
        code = backup_sync_folder(path, &cx->err);
    }
    arena_free(&mem);
    return code;
}

// A key sealed by its owner is copied as it is; another is sealed now, or nothing is made.
static int add_key(struct making *m, struct str name) {
    struct cx *cx = m->r->cx;
    struct backup_file f = {0};
    struct str text;
    char from[BACKUP_PATH_MAX + BACKUP_NAME_MAX], to[BACKUP_PATH_MAX + BACKUP_NAME_MAX + 32];
    snprintf(f.name, sizeof f.name, "keys/%.*s", STRF(name));
    snprintf(from, sizeof from, "%s/%.*s", m->data, STRF(name));
    snprintf(to, sizeof to, "%s/%s", m->part, f.name);
    int code = file_read(cx->mem, from, SECRET_FILE_MAX, &text, &cx->err);
    if (code != OK) return code;
    f.was_plain = !secret_is_sealed(text);
    if (f.was_plain && !m->r->secret.p)
        code = cx_fail(cx, ERR_backup_passphrase, "passphrase", "%.*s", STRF(name));
    if (code == OK)
        code =
            secret_file_write(cx->mem, cx->hasher, to, text, f.was_plain ? m->r->secret : STR_NONE, &cx->err);
    crypto_wipe((char *)(uintptr_t)text.p, text.n);
    if (code == OK) code = backup_copy(&m->d, to, NULL, &f, &cx->err);
    return code == OK ? manifest_add(&m->w, cx->mem, &f, &cx->err) : code;
}

static int add_one(struct making *m, struct str name) {
    char *z = str_z(m->r->cx->mem, name);
    if (!z) return cx_fail(m->r->cx, ERR_no_memory, "", "backup");
    switch (backup_kind_of(name)) {
    case BACKUP_PLAIN:
        return add_file(m, z, m->r->cx->mem);
    case BACKUP_FOLDER:
        z[name.n - 1] = 0; // without its '/'
        return add_folder(m, z, 1);
    case BACKUP_SECRET:
        return m->with_keys ? add_key(m, name) : OK;
    case BACKUP_STORE:
    case BACKUP_PASSING:
    case BACKUP_UNKNOWN:
        break;
    }
    return OK;
}

// What will be left out stands in the manifest's first line, so it is found before anything is copied.
static void find_left_out(struct making *m, const struct str *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        enum backup_kind k = backup_kind_of(names[i]);
        if (k == BACKUP_UNKNOWN || (k == BACKUP_SECRET && !m->with_keys)) leave_out(m, names[i]);
    }
}

// --- all of it ---
// Told before anything is written, where it can be known: the store is nearly all of it.
static int look_for_room(struct making *m) {
    char path[BACKUP_PATH_MAX + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/gusu.db", m->data);
    if (stat(path, &st) != 0 || backup_free_bytes(m->part) >= (int64_t)st.st_size + BACKUP_FREE_MIN)
        return OK;
    return cx_fail(m->r->cx, ERR_store_full, "to", "%" PRId64 " MB",
                   ((int64_t)st.st_size + BACKUP_FREE_MIN) >> 20);
}

static int name_it(struct making *m, const char *place) {
    struct cx *cx = m->r->cx;
    struct stat st;
    int n;
    if (stat(place, &st) == 0 && S_ISDIR(st.st_mode)) {
        const struct civil t = clock_civil(cx->city->now_ms(), 0);
        n = snprintf(m->dest, sizeof m->dest, "%s/gusu-%04d%02d%02dT%02d%02d%02dZ", place, t.year, t.month,
                     t.day, t.hour, t.minute, t.second);
    } else {
        n = snprintf(m->dest, sizeof m->dest, "%s", place);
    }
    while (n > 1 && n < (int)sizeof m->dest && m->dest[n - 1] == '/')
        m->dest[--n] = 0;
    if (n <= 0 || n >= (int)sizeof m->dest - 64)
        return cx_fail(cx, ERR_too_large, "to", "%d", BACKUP_PATH_MAX);
    if (file_exists(m->dest)) return cx_fail(cx, ERR_not_empty, "to", "%s", m->dest);
    snprintf(m->part, sizeof m->part, "%s.part-XXXXXX", m->dest);
    if (mkdtemp(m->part)) return OK;
    m->part[0] = 0;
    return cx_fail(cx, ERR_file, "to", "%s: %s", place, strerrordesc_np(errno));
}

static int copy_all(struct making *m, struct backup_made *ret) {
    struct cx *cx = m->r->cx;
    struct str *names;
    size_t n;
    struct backup_file db = {.name = "gusu.db"};
    char path[BACKUP_PATH_MAX + 32];
    int64_t begin = clock_mono_us(), bytes = 0;
    int code = file_list(cx->mem, m->data, &names, &n, &cx->err);
    if (code != OK) return code;
    find_left_out(m, names, n);
    code = copy_store(m, &bytes);
    ret->copy_ms = (clock_mono_us() - begin) / 1000;
    ret->wal_bytes = (int64_t)store_stats(cx->city->store).wal_bytes;
    if (code == OK) code = manifest_begin(&m->w, cx->mem, m->part, &m->head, &cx->err);
    snprintf(path, sizeof path, "%s/gusu.db", m->part);
    if (code == OK) code = backup_copy(&m->d, path, NULL, &db, &cx->err);
    if (code == OK && bytes && db.bytes != bytes) code = cx_fail(cx, ERR_backup, "", "gusu.db");
    if (code == OK) code = manifest_add(&m->w, cx->mem, &db, &cx->err);
    if (code == OK && m->with_keys) {
        snprintf(path, sizeof path, "%s/keys", m->part);
        code = file_make_dirs(path, 0700, &cx->err);
    }
    for (size_t i = 0; i < n && code == OK; i++)
        code = add_one(m, names[i]);
    if (code == OK && m->with_keys) code = backup_sync_folder(path, &cx->err);
    return code;
}

// The name is the last thing that happens.
static int publish(struct making *m, struct backup_made *ret) {
    struct cx *cx = m->r->cx;
    uint8_t digest[HASH_BYTES];
    ret->files = m->w.files;
    ret->bytes = m->w.bytes;
    ret->entries = m->head.entries;
    int code = manifest_end(&m->w, digest, &cx->err);
    ret->digest = str_hex(cx->mem, digest, sizeof digest);
    if (code == OK) code = backup_sync_folder(m->part, &cx->err);
    if (code == OK && rename(m->part, m->dest) != 0)
        code = cx_fail(cx, ERR_file, "to", "%s: %s", m->dest, strerrordesc_np(errno));
    if (code != OK) return code;
    m->part[0] = 0;
    char parent[BACKUP_PATH_MAX];
    snprintf(parent, sizeof parent, "%s", m->dest);
    char *slash = strrchr(parent, '/');
    if (slash) *slash = 0;
    return backup_sync_folder(!slash ? "." : slash == parent ? "/" : parent, &cx->err);
}

int backup_make(struct errand *r, const char *place, bool with_keys, struct backup_made *ret, struct err *e) {
    struct cx *cx = r->cx;
    struct making *m = arena_take(cx->mem, sizeof *m);
    int64_t begin = clock_mono_us();
    *ret = (struct backup_made){0};
    if (!m) return err_set(e, ERR_no_memory, "", "backup");
    *m = (struct making){.r = r, .data = cx->city->folder, .with_keys = with_keys};
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(),
                      NICE); // of this thread alone, and it ends with the errand
    int code = name_it(m, place);
    snprintf(ret->place, sizeof ret->place, "%s", m->dest);
    if (code == OK) code = look_for_room(m);
    if (code == OK) code = digests_open(&m->d, &cx->err);
    if (code == OK) code = copy_all(m, ret);
    if (code == OK) code = publish(m, ret);
    manifest_drop(&m->w);
    digests_close(&m->d);
    for (int i = 0; i < m->head.left_n && code == OK; i++)
        errand_complain(r, "  未备份 / left out: %.*s", STRF(m->head.left_out[i]));
    struct err ignore = {0};
    if (m->part[0]) (void)!backup_remove(m->part, &ignore);
    ret->took_ms = (clock_mono_us() - begin) / 1000;
    if (code != OK) *e = cx->err;
    return code;
}
