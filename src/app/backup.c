// SPDX-License-Identifier: MulanPSL-2.0
// Backups as people and the clock ask for them: the command, the plan that the server follows by itself, what is kept of
// older ones, and what the administrator is told. Keeps true: every backup made or failed is a row, and one made is an
// act, so that the ledger commits to its manifest; an older backup goes only after a newer one stands, and only out of
// the plan's own folder and this city's own; the plan survives a restart.
#include "app/backup.h"
#include "app/server.h"
#include "base/file.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

// --- what is remembered ---
struct outcome {
    const struct backup_made *made;
    int64_t begun_ms;
    const struct err *problem; // NULL: it was made
};

static int remember(struct cx *cx, void *arg) {
    const struct outcome *o = arg;
    const struct backup_made *m = o->made;
    struct str digest = o->problem ? STR_NONE : m->digest;
    const char *problem = o->problem ? err_info(o->problem->code)->name : NULL;
    int code = store_exec(cx->db, NULL, &cx->err, Q_app_backup_put, "iiziiiisz", o->begun_ms, m->took_ms,
                          m->place, m->bytes, m->files, m->entries, m->wal_bytes, digest, problem);
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_app_backup_sweep, "i", (int64_t)BACKUP_ROWS);
    if (code != OK || o->problem) return code;
    struct buf b = buf_new(cx->mem, 256, 4096);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_nint(&w, "bytes", m->bytes);
    jw_ntext(&w, "digest", m->digest);
    jw_nint(&w, "entries", m->entries);
    jw_object_end(&w);
    const char *slash = strrchr(m->place, '/');
    struct act *a = cx_act(cx, "backup", str_of(slash ? slash + 1 : m->place));
    a->verb = "backup.made";
    a->detail = b.over ? STR_NONE : buf_str(&b);
    return OK;
}

// --- older ones ---
// Which folder of the plan is a backup of this city: by its manifest's first line. A strange or broken one stays.
static bool is_mine(struct cx *cx, const char *folder) {
    struct arena mem;
    struct backup_head head;
    struct err ignore = {0};
    arena_init(&mem, 0);
    bool is = manifest_read(&mem, folder, &head, NULL, NULL, &ignore) == OK &&
              str_eq(head.origin, str_of(cx->city->origin));
    arena_free(&mem);
    return is;
}

// Dated names sort by age. The beginnings that a crash left behind go too: nobody else writes there.
static void sweep_older(struct errand *r, const char *place, int64_t keep) {
    struct cx *cx = r->cx;
    struct str *names;
    size_t n = 0;
    struct err e = {0};
    int64_t seen = 0;
    if (file_list(cx->mem, place, &names, &n, &e) != OK) return;
    for (size_t i = n; i-- > 0;) {
        struct str name = names[i];
        if (!str_starts(name, S("gusu-")) || name.p[name.n - 1] != '/') continue;
        struct str whole = str_print(cx->mem, "%s/%.*s", place, (int)name.n - 1, name.p);
        char *path = whole.p ? str_z(cx->mem, whole) : NULL;
        if (!path) return;
        bool is_part = str_has(name, S(".part-"));
        if (!is_part && (!is_mine(cx, path) || ++seen <= keep)) continue;
        e = (struct err){0};
        if (backup_remove(path, &e) != OK)
            errand_complain(r, "  %s: %s", path, e.arg);
        else
            errand_say(r, "  已清理 / removed: %s", path);
    }
}

// --- the plan ---
struct plan {
    struct str place;
    int64_t every_s, keep;
};

static int read_plan(struct cx *cx, struct plan *ret, bool *ret_found) {
    struct stmt *s = store_query(cx->db, Q_app_backup_plan, "");
    *ret_found = store_next(s);
    if (*ret_found) *ret = (struct plan){store_str(s, 0, cx->mem), store_int(s, 1), store_int(s, 2)};
    return store_done(s, &cx->err);
}

static int put_plan(struct cx *cx, void *arg) {
    const struct plan *p = arg;
    struct act *a = cx_act(cx, "backup_plan", S("plan"));
    a->verb = "backup.plan";
    a->detail = str_print(cx->mem, "{\"every_s\":%" PRId64 ",\"keep\":%" PRId64 "}", p->every_s, p->keep);
    if (p->every_s == 0) return store_exec(cx->db, NULL, &cx->err, Q_app_backup_plan_drop, "");
    return store_exec(cx->db, NULL, &cx->err, Q_app_backup_plan_put, "siii", p->place, p->every_s, p->keep,
                      cx->now_ms);
}

bool backup_read_span(const char *text, int64_t *ret_s) {
    static const struct {
        char unit;
        int64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    struct str s = str_of(text);
    int64_t n;
    if (s.n < 2) return str_eq(s, S("0")) ? (*ret_s = 0, true) : false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (s.p[s.n - 1] != units[i].unit) continue;
        if (!str_int64((struct str){s.p, s.n - 1}, &n) || n < 0 || n > BACKUP_EVERY_MAX_S) return false;
        *ret_s = n * units[i].s;
        return *ret_s <= BACKUP_EVERY_MAX_S;
    }
    return false;
}

static int set_plan(struct errand *r, const char *place) {
    struct cx *cx = r->cx;
    struct plan p = {.place = str_of(place), .keep = 7};
    if (!backup_read_span(r->o->every, &p.every_s) || (p.every_s && p.every_s < BACKUP_EVERY_MIN_S))
        return cx_fail(cx, ERR_field_value, "--every", "30m, 24h, 7d; 0");
    if (r->o->keep && (!str_int64(str_of(r->o->keep), &p.keep) || p.keep < 1 || p.keep > BACKUP_KEEP_MAX))
        return cx_fail(cx, ERR_field_range, "--keep", "1..%d", BACKUP_KEEP_MAX);
    if (p.every_s) {
        int code = file_make_dirs(place, 0700, &cx->err);
        if (code != OK) return code;
    }
    int code = cx_write(cx, put_plan, &p);
    if (code != OK) return code;
    if (p.every_s)
        errand_say(r, "备份计划 / plan: %s, %" PRId64 " s, %" PRId64, place, p.every_s, p.keep);
    else
        errand_say(r, "备份计划已取消 / the plan is dropped");
    return OK;
}

// --- the errand ---
static void tell_made(struct errand *r, const struct backup_made *m) {
    double s = (double)m->took_ms / 1000, mb = (double)m->bytes / 1e6;
    errand_say(r, "已备份 / backed up: %s", m->place);
    errand_say(r,
               "  %" PRId64 " 个文件 / files, %.1f MB, %.1f s, %.0f MB/s; 存证 / entries %" PRId64
               "; WAL %.1f MB",
               m->files, mb, s, s > 0 ? mb / s : 0.0, m->entries, (double)m->wal_bytes / 1e6);
    errand_say(r, "  SHA-256 %.*s", STRF(m->digest));
}

static int make_one(struct errand *r, const char *place, int64_t keep) {
    struct cx *cx = r->cx;
    struct backup_made *made = arena_take(cx->mem, sizeof *made);
    struct err e = {0};
    if (!made) return cx_fail(cx, ERR_no_memory, "", "backup");
    struct outcome o = {.made = made, .begun_ms = cx->city->now_ms()};
    int code = backup_make(r, place, r->o->with_keys, made, &e);
    if (code != OK) o.problem = &e;
    cx->err = (struct err){0};
    // What went wrong is remembered where it can be; the error that is told stays the first one.
    int kept = cx_write(cx, remember, &o);
    if (code != OK) cx->err = e;
    if (code != OK || kept != OK) return code != OK ? code : kept;
    tell_made(r, made);
    if (keep) sweep_older(r, place, keep);
    return OK;
}

int errand_backup(struct errand *r) {
    struct cx *cx = r->cx;
    const char *place = r->o->to ? errand_path(r, r->o->to) : NULL;
    int64_t keep = 0;
    int code = OK;
    if (r->o->every) // a plan: the first backup is made by it at once
        code = set_plan(r, place ? place : "");
    else if (r->o->keep && (!str_int64(str_of(r->o->keep), &keep) || keep < 1))
        code = cx_fail(cx, ERR_field_range, "--keep", "1..%d", BACKUP_KEEP_MAX);
    else
        code = make_one(r, place, keep);
    if (code == OK) return 0;
    return errand_failed(r, &cx->err);
}

// --- by itself ---
static int64_t last_of(struct cx *cx, bool only_good) {
    int64_t at = 0;
    struct stmt *s = store_query(cx->db, Q_app_backups, "i", (int64_t)BACKUP_ROWS);
    while (!at && store_next(s))
        if (!only_good || store_is_null(s, 9)) at = store_int(s, 1);
    return store_done(s, &cx->err) == OK ? at : 0;
}

// A clock put back must not silence it: a time in the future counts as none.
static bool is_due(int64_t now_ms, int64_t last_ms, int64_t every_s) {
    return last_ms == 0 || last_ms > now_ms || now_ms - last_ms >= every_s * 1000;
}

// The list of erasures lies beside the backups too, always of today: who loses the disk and restores an old backup must
// still be able to forget whom he had forgotten since.
static int keep_erasures(struct cx *cx, struct str place) {
    char from[BACKUP_PATH_MAX], to[BACKUP_PATH_MAX];
    struct stat a, b;
    struct str text;
    struct arena mem;
    snprintf(from, sizeof from, "%s/erasures.jsonl", cx->city->folder);
    snprintf(to, sizeof to, "%.*s/erasures.jsonl", STRF(place));
    if (stat(from, &a) != 0) return OK;
    if (stat(to, &b) == 0 && b.st_mtim.tv_sec > a.st_mtim.tv_sec && b.st_size == a.st_size) return OK;
    arena_init(&mem, 0);
    int code = file_read(&mem, from, (size_t)200 << 20, &text, &cx->err);
    if (code == OK) code = file_write(to, text, 0600, &cx->err);
    arena_free(&mem);
    return code;
}

static int run_plan(struct cx *cx) {
    struct server *s = cx->city->mod[module_index("app")];
    struct plan p;
    bool has;
    int code = read_plan(cx, &p, &has);
    if (code != OK || !has || !s) return code;
    int kept = keep_erasures(cx, p.place);
    const struct err why = cx->err; // told at the end: a place that is gone must show as a failed backup too
    cx->err = (struct err){0};
    int64_t good = last_of(cx, true), tried = last_of(cx, false);
    bool is_now =
        is_due(cx->now_ms, good, p.every_s) && (tried == good || is_due(cx->now_ms, tried, BACKUP_RETRY_S));
    if (cx->err.code != OK) return cx->err.code;
    if (!is_now) {
        cx->err = why;
        return kept;
    }
    char keep[24];
    snprintf(keep, sizeof keep, "%" PRId64, p.keep);
    const struct options o = {.to = str_z(cx->mem, p.place), .keep = keep};
    if (o.to)
        (void)!socket_begin(s->socket, "backup", &o); // one that still runs, or no room: at the next look
    cx->err = why;
    return kept;
}

const struct job backup_jobs[] = {
    {"app.backup", 30, run_plan, "按计划备份", "makes backups by the plan", true, false}, {0}};

// --- the interface ---
static int get_backups(struct cx *cx) {
    struct plan p;
    bool has;
    int code = read_plan(cx, &p, &has);
    if (code != OK) return code;
    int64_t good = last_of(cx, true),
            late_s = has ? p.every_s + p.every_s / 2 + BACKUP_RETRY_S : BACKUP_OLD_S;
    struct jw *w = &cx->w;
    jw_object(w);
    if (good) jw_nint(w, "last_ms", good);
    jw_nbool(w, "is_late", is_due(cx->now_ms, good, late_s));
    if (has) {
        jw_name(w, "plan");
        jw_object(w);
        jw_ntext(w, "place", p.place);
        jw_nint(w, "every_s", p.every_s);
        jw_nint(w, "keep", p.keep);
        jw_object_end(w);
    }
    jw_name(w, "items");
    jw_array(w);
    struct stmt *s = store_query(cx->db, Q_app_backups, "i", cx_limit(cx, 50, BACKUP_ROWS));
    while (store_next(s)) {
        jw_object(w);
        jw_nint(w, "id", store_int(s, 0));
        jw_nint(w, "made_ms", store_int(s, 1));
        jw_nint(w, "took_ms", store_int(s, 2));
        jw_ntext(w, "place", store_str(s, 3, NULL));
        jw_nint(w, "bytes", store_int(s, 4));
        jw_nint(w, "files", store_int(s, 5));
        jw_nint(w, "entries", store_int(s, 6));
        jw_nint(w, "wal_bytes", store_int(s, 7));
        if (!store_is_null(s, 8)) jw_ntext(w, "digest", store_str(s, 8, NULL));
        if (!store_is_null(s, 9)) jw_ntext(w, "problem", store_str(s, 9, NULL));
        jw_object_end(w);
    }
    code = store_done(s, &cx->err);
    jw_array_end(w);
    jw_object_end(w);
    return code;
}

static const struct field list_takes[] = {
    {"limit", IN_QUERY, T_INT, .min = 1, .max = BACKUP_ROWS, .zh = "条数", .en = "how many"}, {0}};
static const struct field plan_fields[] = {
    {"place", .type = T_TEXT, .required = true, .zh = "备份文件夹", .en = "folder"},
    {"every_s", .type = T_INT, .required = true, .zh = "间隔（秒）", .en = "seconds between two"},
    {"keep", .type = T_INT, .required = true, .zh = "保留份数", .en = "how many are kept"},
    {0}};
static const struct field item_fields[] = {
    {"id", .type = T_INT, .required = true, .zh = "编号", .en = "id"},
    {"made_ms", .type = T_INT, .required = true, .zh = "开始时间", .en = "begun at"},
    {"took_ms", .type = T_INT, .required = true, .zh = "用时（毫秒）", .en = "took, ms"},
    {"place", .type = T_TEXT, .required = true, .zh = "位置", .en = "where it lies"},
    {"bytes", .type = T_INT, .required = true, .zh = "字节数", .en = "bytes"},
    {"files", .type = T_INT, .required = true, .zh = "文件数", .en = "files"},
    {"entries", .type = T_INT, .required = true, .zh = "存证条数", .en = "ledger entries in it"},
    {"wal_bytes", .type = T_INT, .required = true, .zh = "期间变更日志",
     .en = "write-ahead log at its end, bytes"},
    {"digest", .type = T_TEXT, .zh = "清单的 SHA-256", .en = "SHA-256 of the manifest"},
    {"problem", .type = T_TEXT, .zh = "未成的原因", .en = "why it failed"},
    {0}};
static const struct field list_fields[] = {
    {"last_ms", .type = T_INT, .zh = "最近一次成功", .en = "the last one that was made"},
    {"is_late", .type = T_BOOL, .required = true, .zh = "逾期未备份",
     .en = "the last one is too old, or there is none"},
    {"plan", .type = T_OBJECT, .of = plan_fields, .zh = "计划", .en = "plan"},
    {"items", .type = T_ITEMS, .required = true, .of = item_fields, .zh = "备份记录",
     .en = "backups, newest first"},
    {0}};
static const struct shape list_shape = {"Backups", list_fields, NULL};
const struct route backup_routes[] = {
    {"GET", "/api/v1/backups", ROUTE_READ, R_(SYSADMIN) | R_(AUDITOR), list_takes, &list_shape, NULL, 0, 0,
     get_backups, "备份情况", "Backups: when, how large, how they went, whether the last one is too old",
     NULL},
    {0}};

// --- the command ---
struct str backup_passphrase(struct arena *mem) {
    const char *path = getenv("GUSU_PASSPHRASE_FILE");
    struct str text = STR_NONE;
    struct err e = {0};
    if (path) return file_read(mem, path, 4096, &text, &e) == OK ? str_trim(text) : STR_NONE;
    struct termios before, quiet;
    char line[1026];
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) return STR_NONE;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "口令 / passphrase: ");
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    bool has = fgets(line, sizeof line, stdin) != NULL;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    fprintf(stderr, "\n");
    if (has) text = str_trim(str_copy(mem, str_of(line)));
    crypto_wipe(line, sizeof line);
    return text.n ? text : STR_NONE;
}

int command_backup(const struct options *o) {
    bool is_drop = o->every && strcmp(o->every, "0") == 0;
    if (o->rest_n || (!o->to && !is_drop)) {
        fprintf(stderr, "gusu: backup --to DIR [--with-keys] [--every 24h --keep 7]\n");
        return 2;
    }
    char path[BACKUP_PATH_MAX], door[BACKUP_PATH_MAX];
    snprintf(path, sizeof path, "%s/gusu.db", o->data);
    snprintf(door, sizeof door, "%s/" ERRAND_SOCKET, o->data);
    if (!file_exists(path) && !file_exists(door)) { // opening would make a city, and a backup of nothing
        fprintf(stderr, "gusu: %s: 没有 gusu.db / no gusu.db\n", o->data);
        return 1;
    }
    struct arena mem;
    arena_init(&mem, 0);
    int result = errand_go("backup", o, o->with_keys ? backup_passphrase(&mem) : STR_NONE);
    arena_free(&mem);
    return result;
}
