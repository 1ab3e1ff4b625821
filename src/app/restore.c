// SPDX-License-Identifier: MulanPSL-2.0
// `gusu restore BACKUP --data DIR`: a city out of a backup. Keeps true: (1) every byte of the backup is held against the
// manifest before anything is written, and each damaged, missing or foreign file is named; what is copied afterwards is
// held against it again; (2) nothing is written over: DIR is absent or empty, and appears whole or not at all; (3) the
// folder is marked, so that its first start takes a new name for its log: entries signed after the backup may exist
// elsewhere, and two logs of one name must not part (mod/ledger/keys_origin.c).
#include "app/backup.h"
#include "base/file.h"
#include "crypto/provider.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER     "restored.json"
#define WALK_DEPTH 3
// As the ledger writes and reads them (mod/ledger/erase.h).
#define ERASURES        "erasures.jsonl"
#define ERASURES_REPLAY "erasures-replay.jsonl"
#define ERASURES_MAX    ((size_t)200 << 20)

struct restoring {
    struct arena mem;
    const struct options *o;
    const char *from;
    char data[BACKUP_PATH_MAX - 32], part[BACKUP_PATH_MAX];
    struct backup_head head;
    struct digests d;
    struct str passphrase;
    uint64_t *names; // hashes of the manifest's names, sorted, to find what stands in no line of it
    size_t names_n, names_cap;
    int64_t bytes, faults;
    bool has_server_key;
};

static int say(const struct err *e) {
    struct arena mem;
    arena_init(&mem, 0);
    struct str zh = err_text(&mem, e, true), en = err_text(&mem, e, false);
    fprintf(stderr, "gusu: %s%s%.*s / %.*s\n", e->field, e->field[0] ? ": " : "", STRF(zh), STRF(en));
    arena_free(&mem);
    return 1;
}

// --- judging the backup ---
static void fault(struct restoring *r, const char *name, const char *zh, const char *en) {
    r->faults++;
    fprintf(stderr, "  %s: %s / %s\n", name, zh, en);
}

static bool same(const struct backup_file *a, const struct backup_file *b) {
    return a->bytes == b->bytes && memcmp(a->sha256, b->sha256, HASH_BYTES) == 0 &&
           memcmp(a->sm3, b->sm3, HASH_BYTES) == 0;
}

static int check_file(void *arg, const struct backup_file *f, struct err *e) {
    struct restoring *r = arg;
    struct backup_file found = {0};
    struct err why = {0};
    char path[BACKUP_PATH_MAX + BACKUP_NAME_MAX];
    if (r->names_n == r->names_cap) {
        size_t more = r->names_cap ? r->names_cap * 2 : 1024;
        r->names = arena_grow(&r->mem, r->names, r->names_cap * sizeof *r->names, more * sizeof *r->names);
        if (!r->names) return err_set(e, ERR_no_memory, "", "manifest");
        r->names_cap = more;
    }
    r->names[r->names_n++] = str_hash(str_of(f->name));
    snprintf(path, sizeof path, "%s/%s", r->from, f->name);
    int code = backup_copy(&r->d, path, NULL, &found, &why);
    if (code == ERR_not_found)
        fault(r, f->name, "缺失", "is missing");
    else if (code != OK)
        fault(r, f->name, "读不出", "cannot be read");
    else if (found.bytes != f->bytes)
        fault(r, f->name, "长度不符", "has another length");
    else if (!same(&found, f))
        fault(r, f->name, "内容被改动", "was changed");
    r->bytes += f->bytes;
    return OK;
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// What the manifest does not name was put there by somebody: it is not restored, and it is told.
static void find_foreign(struct restoring *r, const char *inner, int depth) {
    char path[BACKUP_PATH_MAX + BACKUP_NAME_MAX];
    snprintf(path, sizeof path, "%s/%s", r->from, inner);
    DIR *dir = opendir(path);
    const struct dirent *d;
    while (dir && (d = readdir(dir))) {
        char name[BACKUP_NAME_MAX + 300];
        struct stat st;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) continue;
        snprintf(name, sizeof name, "%s%s%s", inner, inner[0] ? "/" : "", d->d_name);
        if (strcmp(name, BACKUP_MANIFEST) == 0) continue;
        bool is_folder = fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
        uint64_t hash = str_hash(str_of(name));
        if (is_folder && depth < WALK_DEPTH)
            find_foreign(r, name, depth + 1);
        else if (!bsearch(&hash, r->names, r->names_n, sizeof hash, by_value))
            fault(r, name, "不在清单中", "stands in no line of the manifest");
    }
    if (dir) closedir(dir);
}

// A backup of a newer program has tables that this one does not know.
static int check_schemas(struct restoring *r, struct err *e) {
    struct json j;
    int code = json_parse(&r->mem, r->head.schemas, &j, e);
    if (code != OK) return code;
    for (struct json_iter it = json_iter(j); json_next(&it);) {
        int64_t version = 0, ours = 0;
        for (const struct schema_text *t = schema_texts; t->module; t++)
            if (str_eq(it.name, str_of(t->module)) && t->version > ours) ours = t->version;
        if (!json_int(it.value, &version) || version > ours)
            return err_set(e, ERR_backup, "",
                           "%.*s %" PRId64 " > %" PRId64 ERR_OR "made by a newer gusu (%.*s)", STRF(it.name),
                           version, ours, STRF(it.name));
    }
    return OK;
}

static int check_all(struct restoring *r, struct err *e) {
    struct backup_head again;
    int code = manifest_read(&r->mem, r->from, &r->head, NULL, NULL, e);
    if (code == OK) code = check_schemas(r, e);
    if (code == OK) code = manifest_read(&r->mem, r->from, &again, check_file, r, e);
    if (code != OK) return code;
    if (r->names_n > 1) qsort(r->names, r->names_n, sizeof *r->names, by_value);
    find_foreign(r, "", 0);
    return r->faults ? err_set(e, ERR_backup, "", "%" PRId64, r->faults) : OK;
}

// --- copying ---
static int copy_key(struct restoring *r, const struct backup_file *f, const char *from, struct err *e) {
    char to[BACKUP_PATH_MAX + BACKUP_NAME_MAX];
    struct str text;
    struct hasher *h = r->d.sm3;
    snprintf(to, sizeof to, "%s/%s", r->part, f->name + sizeof "keys/" - 1);
    if (strcmp(f->name, "keys/key.bin") == 0) r->has_server_key = true;
    int code = f->was_plain ? secret_file_read(&r->mem, h, from, r->passphrase, &text, NULL, e)
                            : file_read(&r->mem, from, SECRET_FILE_MAX, &text, e);
    if (code != OK) return code;
    code = file_write(to, text, 0600, e);
    crypto_wipe((char *)(uintptr_t)text.p, text.n);
    return code;
}

static int copy_file(void *arg, const struct backup_file *f, struct err *e) {
    struct restoring *r = arg;
    struct backup_file found = {0};
    char from[BACKUP_PATH_MAX + BACKUP_NAME_MAX], to[BACKUP_PATH_MAX + BACKUP_NAME_MAX];
    snprintf(from, sizeof from, "%s/%s", r->from, f->name);
    snprintf(to, sizeof to, "%s/%s", r->part, f->name);
    if (str_starts(str_of(f->name), S("keys/"))) return copy_key(r, f, from, e);
    char *slash = strrchr(to, '/');
    *slash = 0;
    int code = file_make_dirs(to, 0700, e);
    *slash = '/';
    if (code == OK) code = backup_copy(&r->d, from, to, &found, e);
    if (code == OK && !same(&found, f)) code = err_set(e, ERR_backup, "", "%s", f->name);
    return code;
}

// Keys that were kept apart from the backup, from the folder that the operator names.
static int bring_keys(struct restoring *r, struct err *e) {
    struct str *names;
    size_t n = 0;
    if (!r->o->keys) return OK;
    int code = file_list(&r->mem, r->o->keys, &names, &n, e);
    for (size_t i = 0; i < n && code == OK; i++) {
        struct backup_file f = {0};
        char from[BACKUP_PATH_MAX + BACKUP_NAME_MAX], to[BACKUP_PATH_MAX + BACKUP_NAME_MAX];
        if (backup_kind_of(names[i]) != BACKUP_SECRET || !backup_name_ok(names[i])) continue;
        snprintf(from, sizeof from, "%s/%.*s", r->o->keys, STRF(names[i]));
        snprintf(to, sizeof to, "%s/%.*s", r->part, STRF(names[i]));
        if (str_eq(names[i], S("key.bin"))) r->has_server_key = true;
        if (file_exists(to)) continue; // the backup had it
        code = backup_copy(&r->d, from, to, &f, e);
    }
    return code;
}

static int put_marker(struct restoring *r, struct err *e) {
    char path[BACKUP_PATH_MAX + 32];
    struct buf b = buf_new(&r->mem, 4096, BACKUP_LINE_MAX);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "origin", r->head.origin);
    jw_nint(&w, "entries", r->head.entries);
    jw_nint(&w, "made_ms", r->head.made_ms);
    jw_ntext(&w, "checkpoint", r->head.checkpoint);
    jw_nbool(&w, "may_continue", r->o->may_continue);
    jw_object_end(&w);
    buf_char(&b, '\n');
    snprintf(path, sizeof path, "%s/" MARKER, r->part);
    return b.over ? err_set(e, ERR_too_large, "", MARKER) : file_write(path, buf_str(&b), 0600, e);
}

// People who were forgotten after the backup must stay forgotten: what the old folder, the backup itself (its list is a
// little younger than its store) and the place of the plan know of erasures is carried out again at the first start. A
// line that stands in several lists is one erasure (it has a code), so all of them are brought.
static int add_erasures(struct restoring *r, struct buf *b, const char *folder, const char *name, bool must,
                        struct err *e) {
    char path[BACKUP_PATH_MAX + BACKUP_NAME_MAX];
    struct str text;
    snprintf(path, sizeof path, "%s%s%s", folder, folder[0] ? "/" : "", name);
    if (!must && !file_exists(path)) return OK;
    int code = file_read(&r->mem, path, ERASURES_MAX, &text, e);
    if (code != OK) return code;
    buf_put(b, text);
    if (text.n && text.p[text.n - 1] != '\n') buf_char(b, '\n');
    return b->over ? err_set(e, ERR_too_large, "", "%s", path) : OK;
}

static int bring_erasures(struct restoring *r, struct err *e) {
    char path[BACKUP_PATH_MAX + 32], parent[BACKUP_PATH_MAX];
    struct buf b = buf_new(&r->mem, 4096, ERASURES_MAX);
    size_t n = (size_t)snprintf(parent, sizeof parent, "%s", r->from);
    while (n > 1 && n < sizeof parent && parent[n - 1] == '/')
        parent[--n] = 0;
    char *slash = strrchr(parent, '/');
    if (slash)
        *slash = 0;
    else
        snprintf(parent, sizeof parent, ".");
    int code = add_erasures(r, &b, r->part, ERASURES_REPLAY, false, e);
    if (code == OK) code = add_erasures(r, &b, r->part, ERASURES, false, e);
    if (code == OK) code = add_erasures(r, &b, parent, ERASURES, false, e);
    if (code == OK && r->o->keys) code = add_erasures(r, &b, r->o->keys, ERASURES, false, e);
    if (code == OK && r->o->erasures) code = add_erasures(r, &b, "", r->o->erasures, true, e);
    if (code != OK || b.n == 0) return code;
    snprintf(path, sizeof path, "%s/" ERASURES_REPLAY, r->part);
    return file_write(path, buf_str(&b), 0600, e);
}

static int fill(struct restoring *r, struct err *e) {
    const char *data = r->data;
    struct backup_head again;
    snprintf(r->part, sizeof r->part, "%s.part-XXXXXX", data);
    if (!mkdtemp(r->part)) {
        r->part[0] = 0;
        return err_set(e, ERR_file, "data", "%s: %s", data, strerrordesc_np(errno));
    }
    int code = manifest_read(&r->mem, r->from, &again, copy_file, r, e);
    if (code == OK) code = bring_keys(r, e);
    if (code == OK) code = bring_erasures(r, e);
    if (code == OK) code = put_marker(r, e);
    if (code == OK) code = backup_sync_folder(r->part, e);
    // Takes the place of an empty folder too; of one that is not empty, never.
    if (code == OK && rename(r->part, data) != 0)
        code = err_set(e, errno == ENOTEMPTY || errno == EEXIST ? ERR_not_empty : ERR_file, "data", "%s: %s",
                       data, strerrordesc_np(errno));
    if (code == OK) r->part[0] = 0;
    return code;
}

// --- the command ---
static int look_at_target(const char *data, struct err *e) {
    DIR *dir = opendir(data);
    if (!dir && errno == ENOENT) return OK;
    if (!dir) return err_set(e, ERR_file, "data", "%s: %s", data, strerrordesc_np(errno));
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n <= 2 ? OK : err_set(e, ERR_not_empty, "data", "%s", data);
}

static void tell(const struct restoring *r, int64_t us) {
    double s = (double)us / 1e6, mb = (double)r->bytes / 1e6;
    printf("已恢复 / restored: %s\n  %zu 个文件 / files, %.1f MB, %.1f s; 存证 / entries %" PRId64 "\n",
           r->data, r->names_n, mb, s, r->head.entries);
    for (int i = 0; i < r->head.left_n; i++)
        printf("  备份未含 / not in the backup: %.*s\n", STRF(r->head.left_out[i]));
    if (!r->has_server_key)
        printf("  缺 key.bin：无它密码与加密列均不可用，请放回原件再启动 / without key.bin no password fits "
               "and no sealed "
               "column opens: put it back before the start\n");
    printf("  首次启动将启用新的日志名；请先执行 gusu verify / the first start takes a new name for the log; "
           "run gusu verify "
           "first\n");
}

int command_restore(const struct options *o) {
    struct restoring *r = calloc(1, sizeof *r);
    struct err e = {0};
    int64_t begin = clock_mono_us();
    if (!r) return 1;
    if (o->rest_n != 1) {
        fprintf(stderr, "gusu: restore BACKUP --data DIR [--keys DIR] [--erasures FILE]\n");
        free(r);
        return 2;
    }
    r->o = o;
    r->from = o->rest[0];
    arena_init(&r->mem, 0);
    size_t n = (size_t)snprintf(r->data, sizeof r->data, "%s", o->data);
    while (n > 1 && n < sizeof r->data && r->data[n - 1] == '/')
        r->data[--n] = 0;
    int code =
        n < sizeof r->data ? crypto_start(&e) : err_set(&e, ERR_too_large, "data", "%zu", sizeof r->data);
    if (code == OK) code = look_at_target(r->data, &e);
    if (code == OK) code = digests_open(&r->d, &e);
    if (code == OK) code = check_all(r, &e);
    if (code == OK && r->head.has_keys) r->passphrase = backup_passphrase(&r->mem);
    if (code == OK) code = fill(r, &e);
    struct err ignore = {0};
    if (r->part[0]) (void)!backup_remove(r->part, &ignore);
    if (code == OK) tell(r, clock_mono_us() - begin);
    digests_close(&r->d);
    arena_free(&r->mem);
    free(r);
    return code == OK ? 0 : say(&e);
}
