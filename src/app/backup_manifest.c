// SPDX-License-Identifier: MulanPSL-2.0
// The manifest of a backup, written and read line by line: its length follows the number of files, the memory does
// not. Keeps true: (1) the last line commits to all others, and is compared as bytes, so that one flipped byte anywhere
// in it is found; (2) a name in it can lead nowhere but into the backup; (3) what a stranger's manifest can enlarge
// (lines, names) has a limit.
#include "app/backup.h"
#include "base/file.h"
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

static int bad(struct err *e, const char *what) {
    return err_set(e, ERR_backup, "", BACKUP_MANIFEST ": %s", what);
}

static int io(struct err *e) {
    return err_set(e, errno == ENOSPC ? ERR_store_full : ERR_file, "", BACKUP_MANIFEST ": %s",
                   strerrordesc_np(errno));
}

// --- writing ---
static int put_line(struct manifest_writer *w, const struct buf *b, bool is_counted, struct err *e) {
    if (b->over) return err_set(e, ERR_too_large, "", BACKUP_MANIFEST ": %zu", BACKUP_LINE_MAX);
    if (is_counted) hash_add(w->d.sha256, buf_str(b));
    return fwrite(b->p, 1, b->n, w->f) == b->n ? OK : io(e);
}

static void put_head(struct jw *w, const struct backup_head *h) {
    jw_object(w);
    jw_nint(w, "gusu_backup", BACKUP_FORMAT);
    jw_nint(w, "made_ms", h->made_ms);
    jw_ntext(w, "origin", h->origin);
    jw_nint(w, "entries", h->entries);
    jw_ntext(w, "root_sha256", h->root_sha256);
    jw_ntext(w, "root_sm3", h->root_sm3);
    jw_ntext(w, "checkpoint", h->checkpoint);
    jw_ntext(w, "checkpoint_sm3", h->checkpoint_sm3);
    jw_name(w, "schemas");
    jw_raw(w, h->schemas);
    jw_nbool(w, "keys", h->has_keys);
    jw_name(w, "left_out");
    jw_array(w);
    for (int i = 0; i < h->left_n; i++)
        jw_text(w, h->left_out[i]);
    jw_array_end(w);
    jw_object_end(w);
}

int manifest_begin(struct manifest_writer *w, struct arena *mem, const char *folder,
                   const struct backup_head *head, struct err *e) {
    char path[BACKUP_PATH_MAX];
    *w = (struct manifest_writer){0};
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, folder);
    int code = digests_open(&w->d, e);
    if (code != OK) return code;
    w->f = fopen(path, "wxe");
    if (!w->f) {
        code = io(e);
        digests_close(&w->d);
        return code;
    }
    hash_begin(w->d.sha256, HASH_SHA256);
    struct buf b = buf_new(mem, 4096, BACKUP_LINE_MAX);
    struct jw j = jw_to(&b);
    put_head(&j, head);
    buf_char(&b, '\n');
    return put_line(w, &b, true, e);
}

int manifest_add(struct manifest_writer *w, struct arena *mem, const struct backup_file *file,
                 struct err *e) {
    struct buf b = buf_new(mem, 512, BACKUP_LINE_MAX);
    struct jw j = jw_to(&b);
    jw_object(&j);
    jw_ntext(&j, "name", str_of(file->name));
    jw_nint(&j, "bytes", file->bytes);
    jw_ntext(&j, "sha256", str_hex(mem, file->sha256, HASH_BYTES));
    jw_ntext(&j, "sm3", str_hex(mem, file->sm3, HASH_BYTES));
    if (file->was_plain) jw_nbool(&j, "sealed_here", true);
    jw_object_end(&j);
    buf_char(&b, '\n');
    w->files++;
    w->bytes += file->bytes;
    return put_line(w, &b, true, e);
}

// The one form of the last line.
static void put_last(struct buf *b, struct arena *mem, int64_t files, int64_t bytes,
                     const uint8_t digest[HASH_BYTES]) {
    struct str hex = str_hex(mem, digest, HASH_BYTES);
    buf_print(b, "{\"files\":%" PRId64 ",\"bytes\":%" PRId64 ",\"sha256\":\"%.*s\"}\n", files, bytes,
              STRF(hex));
}

int manifest_end(struct manifest_writer *w, uint8_t ret_digest[HASH_BYTES], struct err *e) {
    struct arena mem;
    arena_init(&mem, 65536);
    hash_end(w->d.sha256, ret_digest);
    struct buf b = buf_new(&mem, 512, 4096);
    put_last(&b, &mem, w->files, w->bytes, ret_digest);
    int code = put_line(w, &b, false, e);
    if (code == OK && (fflush(w->f) != 0 || fsync(fileno(w->f)) != 0)) code = io(e);
    if (fclose(w->f) != 0 && code == OK) code = io(e);
    w->f = NULL;
    digests_close(&w->d);
    arena_free(&mem);
    return code;
}

void manifest_drop(struct manifest_writer *w) {
    if (w->f) (void)fclose(w->f);
    w->f = NULL;
    digests_close(&w->d);
}

// --- reading ---
struct reader {
    struct arena mem; // of one line
    FILE *f;
    struct digests d;
    char *line;
    size_t n; // of the line, newline included
    int64_t files, bytes;
};

// False at the end of the file; a line without an end, or too long a one, is broken.
static bool next_line(struct reader *r, struct err *e) {
    if (!fgets(r->line, (int)BACKUP_LINE_MAX, r->f)) {
        (void)(ferror(r->f) ? io(e) : bad(e, "ends early"));
        return false;
    }
    r->n = strlen(r->line);
    if (r->n > 0 && r->line[r->n - 1] == '\n') return true;
    (void)bad(e, "a line too long or cut off");
    return false;
}

static bool read_digest(struct json j, const char *name, uint8_t out[HASH_BYTES]) {
    return str_unhex(json_text(json_get(j, str_of(name))), out, HASH_BYTES);
}

static int read_file(struct reader *r, struct json j,
                     int (*each)(void *arg, const struct backup_file *f, struct err *e), void *arg,
                     struct err *e) {
    struct backup_file f = {0};
    struct str name = json_text(json_get(j, S("name")));
    if (!backup_name_ok(name) || str_eq(name, S(BACKUP_MANIFEST)) ||
        !json_int(json_get(j, S("bytes")), &f.bytes) || f.bytes < 0 || !read_digest(j, "sha256", f.sha256) ||
        !read_digest(j, "sm3", f.sm3))
        return bad(e, "a line that names no file");
    memcpy(f.name, name.p, name.n);
    (void)!json_bool(json_get(j, S("sealed_here")), &f.was_plain);
    r->files++;
    r->bytes += f.bytes;
    return each ? each(arg, &f, e) : OK;
}

static int read_head(struct arena *mem, struct json j, struct backup_head *h, struct err *e) {
    int64_t format = 0;
    *h = (struct backup_head){0};
    if (!json_int(json_get(j, S("gusu_backup")), &format)) return bad(e, "is no manifest");
    if (format != BACKUP_FORMAT) return bad(e, "another format: a newer gusu?");
    bool ok = json_int(json_get(j, S("made_ms")), &h->made_ms) &&
              json_int(json_get(j, S("entries")), &h->entries) &&
              json_is(json_get(j, S("schemas")), JSON_OBJECT);
    h->origin = str_copy(mem, json_text(json_get(j, S("origin"))));
    h->root_sha256 = str_copy(mem, json_text(json_get(j, S("root_sha256"))));
    h->root_sm3 = str_copy(mem, json_text(json_get(j, S("root_sm3"))));
    h->checkpoint = str_copy(mem, json_text(json_get(j, S("checkpoint"))));
    h->checkpoint_sm3 = str_copy(mem, json_text(json_get(j, S("checkpoint_sm3"))));
    h->schemas = str_copy(mem, json_raw(json_get(j, S("schemas"))));
    (void)!json_bool(json_get(j, S("keys")), &h->has_keys);
    struct json left = json_get(j, S("left_out"));
    for (size_t i = 0; i < json_count(left) && h->left_n < BACKUP_LEFT_MAX; i++)
        h->left_out[h->left_n++] = str_copy(mem, json_text(json_at(left, i)));
    return ok && h->origin.p ? OK : bad(e, "its first line is not whole");
}

// The last line has no name; it ends the file.
static int read_last(struct reader *r, struct err *e) {
    uint8_t digest[HASH_BYTES];
    hash_end(r->d.sha256, digest);
    struct buf b = buf_new(&r->mem, 512, 4096);
    put_last(&b, &r->mem, r->files, r->bytes, digest);
    if (b.over || !str_eq(buf_str(&b), (struct str){r->line, r->n}) || fgetc(r->f) != EOF)
        return bad(e, "its last line does not fit the others");
    return OK;
}

static int read_lines(struct reader *r, struct arena *mem, struct backup_head *ret,
                      int (*each)(void *arg, const struct backup_file *f, struct err *e), void *arg,
                      struct err *e) {
    hash_begin(r->d.sha256, HASH_SHA256);
    for (int64_t n = 0;; n++) {
        struct json j;
        if (!next_line(r, e)) return e->code;
        arena_reset(&r->mem);
        const struct str line = {r->line, r->n};
        if (json_parse(&r->mem, line, &j, NULL) != OK) return bad(e, "a line is no JSON");
        if (n > 0 && !json_text(json_get(j, S("name"))).p) return read_last(r, e);
        hash_add(r->d.sha256, line);
        int code = n == 0 ? read_head(mem, j, ret, e) : read_file(r, j, each, arg, e);
        if (code != OK) return code;
    }
}

int manifest_read(struct arena *mem, const char *folder, struct backup_head *ret,
                  int (*each)(void *arg, const struct backup_file *f, struct err *e), void *arg,
                  struct err *e) {
    char path[BACKUP_PATH_MAX];
    struct reader r = {.line = arena_take(mem, BACKUP_LINE_MAX)};
    if (!r.line) return err_set(e, ERR_no_memory, "", BACKUP_MANIFEST);
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, folder);
    r.f = fopen(path, "re");
    if (!r.f) return err_set(e, ERR_not_found, "", "%s", path);
    arena_init(&r.mem, 0);
    int code = digests_open(&r.d, e);
    if (code == OK) code = read_lines(&r, mem, ret, each, arg, e);
    (void)fclose(r.f);
    digests_close(&r.d);
    arena_free(&r.mem);
    return code;
}
