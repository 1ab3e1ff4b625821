// SPDX-License-Identifier: MulanPSL-2.0
// `gusu migrate --from STORE --to STORE`: a city's store goes from SQLite to PostgreSQL, or back, or to another SQLite
// file; a STORE is a data folder or a postgres:// address. Keys and uploads stay in the data folder: only the store
// moves. Keeps true: (1) all or nothing: a target that is not finished is marked (app_moved) and no server starts on it;
// a second run over it begins anew; (2) every table's rows are counted and summed on both sides and compared before the
// mark goes, and the source is looked at again: whoever wrote to it meanwhile makes the whole move fail; (3) afterwards
// the source is marked: two cities over one log must never run; (4) a target with anything in it is refused.
#include "app/migrate.h"
#include "app/backup.h"
#include "base/file.h"
#include "mod/catalog/catalog.h"
#include "store/copy.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int say(const struct err *e) {
    struct arena mem;
    arena_init(&mem, 0);
    struct str zh = err_text(&mem, e, true), en = err_text(&mem, e, false);
    fprintf(stderr, "gusu: %s%s%.*s / %.*s\n", e->field, e->field[0] ? ": " : "", STRF(zh), STRF(en));
    arena_free(&mem);
    return 1;
}

static bool is_postgres(const char *where) {
    return str_starts(str_of(where), S("postgres://")) || str_starts(str_of(where), S("postgresql://"));
}

// --- marks ---
struct mark {
    struct work work;
    struct move *m;
    const char *place; // NULL takes it away
};

static int run_mark(struct work *work, struct conn *w, struct err *e) {
    const struct mark *k = (const struct mark *)work;
    if (!k->place) return store_exec(w, NULL, e, Q_app_moved_drop, "");
    return store_exec(w, NULL, e, Q_app_moved_put, "zi", k->place, k->m->now_ms);
}

static void mark_done(struct work *w) {
    (void)w;
}

static int put_mark(struct move *m, struct store *s, const char *place, struct err *e) {
    struct mark k = {.work = {.run = run_mark, .done = mark_done}, .m = m, .place = place};
    return store_do(s, &k.work, e);
}

// *ret_place: "" while it is being filled; STR_NONE = no mark.
static int read_mark(struct conn *c, struct arena *mem, struct str *ret_place, struct err *e) {
    struct stmt *s = store_query(c, Q_app_moved, "");
    *ret_place = store_next(s) ? store_str(s, 0, mem) : STR_NONE;
    return store_done(s, e);
}

// Asked by the server at its start (app_module).
int migrate_start(struct cx *cx) {
    struct str place;
    int code = read_mark(cx->db, cx->mem, &place, &cx->err);
    if (code != OK || !place.p) return code;
    return cx_fail(cx, ERR_store_moved, "", "%.*s%s", STRF(place),
                   place.n ? "" : "未完成的迁移" ERR_OR "an unfinished migration");
}

// --- opening ---
// A PostgreSQL store wants a folder for its lock: one that is gone afterwards.
static int open_store(struct move *m, int which, const char *where, struct store **ret, struct err *e) {
    struct store_config config = {.folder = where};
    if (is_postgres(where)) {
        snprintf(m->folder[which], sizeof m->folder[which], "/tmp/gusu-migrate-XXXXXX");
        if (!mkdtemp(m->folder[which])) return err_set(e, ERR_file, "", "/tmp: %s", strerrordesc_np(errno));
        config.folder = m->folder[which];
        config.url = where;
    }
    return store_open(&config, ret, e);
}

static void close_store(struct move *m, int which, struct store *s, struct conn *c) {
    char path[96];
    store_conn_close(c);
    store_close(s);
    if (!m->folder[which][0]) return;
    snprintf(path, sizeof path, "%s/lock", m->folder[which]);
    (void)unlink(path);
    (void)rmdir(m->folder[which]);
}

static int same_schemas(struct move *m, struct err *e) {
    struct stmt *a = store_query(m->source, Q_app_schemas, ""),
                *b = store_query(m->target, Q_app_schemas, "");
    int code = OK;
    for (;;) {
        bool x = store_next(a), y = store_next(b);
        if (!x && !y) break;
        if (x && y && str_eq(store_str(a, 0, NULL), store_str(b, 0, NULL)) &&
            store_int(a, 1) == store_int(b, 1))
            continue;
        code = err_set(e, ERR_store_other, "from", "%s", "");
        break;
    }
    int ends[] = {store_done(a, e), store_done(b, e)};
    return code != OK ? code : ends[0] != OK ? ends[0] : ends[1];
}

// Empty, or an unfinished earlier try.
static int judge_target(struct move *m, bool *ret_again, struct err *e) {
    struct str place, from;
    int64_t size = 0, acts = 0;
    int code = read_mark(m->source, &m->mem, &from, e);
    if (code == OK) code = read_mark(m->target, &m->mem, &place, e);
    if (code != OK) return code;
    *ret_again = place.p && place.n == 0;
    // A move that broke off at its very last step has marked its source already: it may be done again.
    if (from.p && !*ret_again) return err_set(e, ERR_store_moved, "from", "%.*s", STRF(from));
    if (*ret_again) return OK;
    struct stmt *s = store_query(m->target, Q_verify_head, "i", (int64_t)0);
    if (store_next(s)) size = store_int(s, 0);
    code = store_done(s, e);
    if (code != OK) return code;
    s = store_query(m->target, Q_app_any_act, "");
    if (store_next(s)) acts = 1;
    code = store_done(s, e);
    if (code == OK && (size > 0 || acts > 0 || place.p))
        return err_set(e, ERR_not_empty, "to", "%s", "store");
    return code;
}

// --- moving ---
// What an earlier try left of generated tables goes.
static int drop_generated(struct move *m, struct err *e) {
    struct move back = *m;
    struct str *names;
    size_t n;
    back.source = m->target; // list what stands there
    back.from_postgres = m->to_postgres;
    int code = move_tables(&back, &names, &n, e);
    m->mem = back.mem;
    for (size_t i = 0; i < n && code == OK; i++) {
        char sql[MIGRATE_NAME_MAX + 32];
        if (!str_starts(names[i], S("r_"))) continue;
        int k = snprintf(sql, sizeof sql, "DROP TABLE %.*s", STRF(names[i]));
        code = move_exec(m, (struct str){sql, (size_t)k}, e);
    }
    return code;
}

static int move_one(struct move *m, struct move_table *t, struct move_sum *ret, struct err *e) {
    int64_t begin = clock_mono_us();
    int code = t->is_generated ? move_make(m, t, e) : move_clear(m, t, e);
    if (code == OK) code = move_rows(m, t, ret, e);
    if (code == OK) code = move_finish(m, t, e);
    double s = (double)(clock_mono_us() - begin) / 1e6;
    if (code == OK && ret->rows >= 10000 && !m->is_quiet)
        printf("  %-28s %12" PRId64 "  %.0f/s\n", t->name, ret->rows, s > 0 ? (double)ret->rows / s : 0.0);
    return code;
}

static int compare(struct move *m, const struct move_table *t, const struct move_sum *want, struct err *e) {
    struct move_sum got;
    int code = move_sum(m, m->target, t, &got, e);
    if (code != OK) return code;
    if (got.rows == want->rows && memcmp(got.sum, want->sum, sizeof got.sum) == 0) return OK;
    return err_set(e, ERR_migrate_differs, "", "%s: %" PRId64 ", %" PRId64, t->name, want->rows, got.rows);
}

// The full-text index is each engine's own: made anew from the editions, by the module that keeps it.
struct search_work {
    struct work work;
    struct city *city;
    struct hasher *hasher;
    struct str id;
};

static int run_search(struct work *work, struct conn *w, struct err *e) {
    const struct search_work *s = (const struct search_work *)work;
    struct arena mem;
    struct cx cx;
    arena_init(&mem, 0);
    core_cx(&cx, s->city, &mem, w, s->hasher, NULL);
    cx.is_writer = true;
    int code = catalog_search_renew(&cx, s->id);
    if (code != OK) *e = cx.err;
    arena_free(&mem);
    return code;
}

static int64_t city_now(void) {
    return clock_now_ms();
}

static int renew_search(struct move *m, struct err *e) {
    struct city *city = arena_take(&m->mem, sizeof *city);
    struct hasher *h = hasher_open();
    size_t n = 0, cap = 0;
    struct str *ids = NULL;
    int code = city && h ? OK : err_set(e, ERR_no_memory, "", "search");
    if (code == OK) *city = (struct city){.magic = CITY_MAGIC, .store = m->to, .now_ms = city_now};
    struct stmt *s = code == OK ? store_query(m->source, Q_catalog_dataset_ids, "") : NULL;
    while (s && code == OK && store_next(s)) {
        if (n == cap) {
            size_t more = cap ? cap * 2 : 256;
            ids = arena_grow(&m->mem, ids, cap * sizeof *ids, more * sizeof *ids);
            cap = more;
        }
        if (ids)
            ids[n++] = store_str(s, 0, &m->mem);
        else
            code = err_set(e, ERR_no_memory, "", "search");
    }
    int end = s ? store_done(s, e) : OK;
    if (code == OK) code = end;
    for (size_t i = 0; i < n && code == OK; i++) {
        struct search_work w = {
            .work = {.run = run_search, .done = mark_done}, .city = city, .hasher = h, .id = ids[i]};
        code = store_do(m->to, &w.work, e);
    }
    hasher_close(h);
    return code;
}

static int move_all(struct move *m, struct err *e) {
    struct str *names;
    size_t n;
    int code = move_tables(m, &names, &n, e);
    if (code != OK) return code;
    struct move_sum *sums = arena_array(&m->mem, n + 1, sizeof *sums);
    struct move_table *t = calloc(1, sizeof *t);
    int64_t rows = 0;
    if (!sums || !t) code = err_set(e, ERR_no_memory, "", "tables");
    for (size_t i = 0; i < n && code == OK; i++) {
        code = move_shape(m, str_z(&m->mem, names[i]), t, e);
        if (code == OK) code = move_one(m, t, &sums[i], e);
        rows += sums[i].rows;
    }
    if (code == OK) code = renew_search(m, e);
    for (size_t i = 0; i < n && code == OK; i++) {
        code = move_shape(m, str_z(&m->mem, names[i]), t, e);
        if (code == OK) code = compare(m, t, &sums[i], e);
    }
    free(t);
    if (code == OK && !m->is_quiet)
        printf("  %zu 张表 / tables, %" PRId64 " 行 / rows: 两侧一致 / the same on both sides\n", n, rows);
    return code;
}

// For backups of a PostgreSQL store: what the reader's snapshot holds, as a SQLite file in a folder that is there.
int migrate_snapshot(struct conn *source, const char *folder, struct err *e) {
    struct move *m = calloc(1, sizeof *m);
    if (!m) return err_set(e, ERR_no_memory, "", "migrate");
    m->source = source;
    m->from_postgres = true;
    m->is_quiet = true;
    arena_init(&m->mem, 0);
    int code = open_store(m, 1, folder, &m->to, e);
    if (code == OK && !(m->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK) code = store_migrate(m->to, e);
    if (code == OK) code = store_conn_open(m->to, &m->target, e);
    if (code == OK) code = same_schemas(m, e);
    if (code == OK) code = move_all(m, e);
    close_store(m, 1, m->to, m->target);
    char path[1100];
    snprintf(path, sizeof path, "%s/lock", folder);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/gusu.db", folder);
    if (code == OK) code = store_copy_settle(path, e);
    hasher_close(m->hasher);
    arena_free(&m->mem);
    free(m);
    return code;
}

// After the snapshot: has anybody written to the source since? The ledger and the audit log grow with every act.
static int still_same(struct move *m, const struct str *before, struct err *e) {
    struct stmt *s = store_query(m->source, Q_verify_head, "i", (int64_t)0);
    bool same = store_next(s) ? str_eq(store_str(s, 1, NULL), *before) : !before->p;
    int code = store_done(s, e);
    return code == OK && !same ? err_set(e, ERR_migrate_differs, "", "ledger_head") : code;
}

static int read_root(struct move *m, struct str *ret, struct err *e) {
    struct stmt *s = store_query(m->source, Q_verify_head, "i", (int64_t)0);
    *ret = store_next(s) ? store_str(s, 1, &m->mem) : STR_NONE;
    return store_done(s, e);
}

// `at`: where the target lies while it is being filled.
static int run(struct move *m, const char *from, const char *to, const char *at, struct err *e) {
    bool again = false;
    struct str root;
    int code = open_store(m, 0, from, &m->from, e);
    if (code == OK) code = open_store(m, 1, at, &m->to, e);
    if (code == OK) code = store_migrate(m->to, e);
    if (code == OK) code = store_conn_open(m->from, &m->source, e);
    if (code == OK) code = store_conn_open(m->to, &m->target, e);
    if (code == OK) code = same_schemas(m, e);
    if (code == OK) code = judge_target(m, &again, e);
    if (code == OK) code = put_mark(m, m->to, "", e);
    if (code == OK && again) code = drop_generated(m, e);
    if (code != OK) return code;
    store_read_begin(m->source);
    code = read_root(m, &root, e);
    if (code == OK) code = move_all(m, e);
    store_read_end(m->source);
    if (code == OK) code = still_same(m, &root, e);
    // The source is closed to servers before the target is opened to them: at no moment do both stand open.
    if (code == OK) code = put_mark(m, m->from, is_postgres(to) ? "postgres" : to, e);
    return code == OK ? put_mark(m, m->to, NULL, e) : code;
}

// A SQLite target is filled in a folder of its own, and takes its name when all is done.
static int settle(const char *part, const char *to, struct err *e) {
    char a[1100], b[1100];
    snprintf(a, sizeof a, "%s/gusu.db", part);
    snprintf(b, sizeof b, "%s/gusu.db", to);
    if (file_exists(b)) return err_set(e, ERR_not_empty, "to", "%s", b);
    return rename(a, b) == 0 ? OK : err_set(e, ERR_file, "to", "%s: %s", b, strerrordesc_np(errno));
}

static void remove_part(const char *part) {
    static const char *const names[] = {"gusu.db", "gusu.db-wal", "gusu.db-shm", "lock"};
    char path[1100];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", part, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(part);
}

static int migrate(const char *from, const char *to, struct err *e) {
    struct move *m = calloc(1, sizeof *m);
    char part[1024] = "", path[1100];
    const bool had_folder = file_exists(to);
    if (!m) return err_set(e, ERR_no_memory, "", "migrate");
    m->from_postgres = is_postgres(from);
    m->to_postgres = is_postgres(to);
    m->now_ms = clock_now_ms();
    arena_init(&m->mem, 0);
    int code = crypto_start(e);
    if (code == OK && !(m->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK && !m->to_postgres) {
        snprintf(path, sizeof path, "%s/gusu.db", to);
        if (file_exists(path)) code = err_set(e, ERR_not_empty, "to", "%s", path);
        if (code == OK) code = file_make_dirs(to, 0700, e);
        snprintf(part, sizeof part, "%s/migrate-XXXXXX", to);
        if (code == OK && !mkdtemp(part)) code = err_set(e, ERR_file, "to", "%s", strerrordesc_np(errno));
    }
    if (code == OK) code = run(m, from, to, part[0] ? part : to, e);
    close_store(m, 0, m->from, m->source);
    close_store(m, 1, m->to, m->target);
    if (code == OK && part[0]) code = settle(part, to, e);
    if (part[0]) remove_part(part);
    if (code != OK && !m->to_postgres && !had_folder) (void)rmdir(to);
    hasher_close(m->hasher);
    arena_free(&m->mem);
    free(m);
    return code;
}

int command_migrate(const struct options *o) {
    struct err e = {0};
    char path[1100];
    if (!o->from || !o->to || o->rest_n || (is_postgres(o->from) && is_postgres(o->to))) {
        fprintf(stderr, "gusu: migrate --from DIR|postgres://… --to DIR|postgres://…\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/gusu.db", o->from);
    if (!is_postgres(o->from) && !file_exists(path)) { // opening would make one
        (void)err_set(&e, ERR_not_found, "from", "%s", path);
        return say(&e);
    }
    int64_t begin = clock_mono_us();
    if (migrate(o->from, o->to, &e) != OK) return say(&e);
    printf(
        "已迁移 / moved, %.1f s. 原库已封存，不再启动 / the old store is closed and does not start again\n",
        (double)(clock_mono_us() - begin) / 1e6);
    return 0;
}
