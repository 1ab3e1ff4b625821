// SPDX-License-Identifier: MulanPSL-2.0
// A made-up module for the tests of core: a few routes over core's own tables, so that core is tested without the
// city. Its "rows" are working days (core_workday), since that table is there and small.
#ifndef CORE_TOY_H
#define CORE_TOY_H
#include "city_fixture.h"
#include <inttypes.h>

#define TOY_FIELD(name_, where_, type_, must_, min_, max_)                                                   \
    { name_, where_, type_, must_, min_, max_, NULL, NULL, "字段", "field" }

static struct { // what the toy's handlers saw and are told to do; tests read and set it
    int runs, judged, tells;
    enum err_code judge_says;
    bool moves_generation, leaves_file, announces, fills_memory;
    char told[200];
} toy;

static int64_t __attribute__((unused)) toy_days(struct fixture *f) {
    int64_t n = 0;
    struct err e = {0};
    struct stmt *s = store_query(f->conn, Q_core_workdays, "");
    while (store_next(s))
        n++;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

static int toy_put(struct cx *cx, int64_t day) {
    return store_exec(cx->db, NULL, &cx->err, Q_core_workday_put, "iizz", day, (int64_t)1, "x", "x");
}

static int toy_read(struct cx *cx) {
    toy.runs++;
    jw_object(&cx->w);
    jw_ntext(&cx->w, "after", cx_after(cx));
    jw_nint(&cx->w, "limit", cx_limit(cx, 5, 20));
    cx_next(cx, S("40:last"));
    jw_object_end(&cx->w);
    return OK;
}

// POST /toy/days {day}: one row, one act.
static int toy_write(struct cx *cx) {
    toy.runs++;
    int64_t day = cx_int(cx, "day", 0);
    int code = toy_put(cx, day);
    if (code == OK && toy.fills_memory) (void)!arena_take(cx->mem, ARENA_LIMIT_DEFAULT);
    if (toy.moves_generation) city_auth_moved(cx->city);
    if (code == OK && toy.announces) code = cx_announce(cx, "toy.put", S("a\"b\n"), cx->who.office);
    struct act *a = cx_act(cx, "toy", str_print(cx->mem, "%" PRId64, day));
    a->detail = S("{\"why\":\"测试\"}");
    a->before = S("{}");
    a->object_name = S("日");
    a->trace = S("SQ-1");
    cx_etag(cx, day);
    jw_object(&cx->w);
    jw_nint(&cx->w, "day", day);
    jw_object_end(&cx->w);
    if (code == OK && day == 666) return cx_fail(cx, ERR_conflict, "day", "%s", "666");
    return code;
}

static int toy_secret(struct cx *cx) {
    toy.runs++;
    (void)cx_act(cx, "toy", S("secret"));
    jw_object(&cx->w);
    jw_ntext(&cx->w, "key", str_print(cx->mem, "gk_%d", toy.runs));
    jw_object_end(&cx->w);
    return OK;
}

static int toy_edit(struct cx *cx) {
    int code = cx_match(cx, 3);
    if (code != OK) return code;
    (void)cx_act(cx, "toy", cx_text(cx, "id"));
    cx_etag(cx, 4);
    jw_object(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

// The slow kind: two writes of one call, or as many as it is told.
static int toy_slow_write(struct cx *cx, void *arg) {
    (void)cx_act(cx, "toy", S("slow"));
    return toy_put(cx, *(int64_t *)arg);
}

static int toy_slow(struct cx *cx) {
    toy.runs++;
    int64_t day = cx_int(cx, "day", 0), next = day + 1;
    int code = cx_write(cx, toy_slow_write, &day);
    if (code == OK && toy.moves_generation) atomic_fetch_add(&cx->city->auth_generation, 1);
    if (code == OK) code = cx_write(cx, toy_slow_write, &next);
    if (code != OK) return code;
    jw_object(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

// READ with an entry: what leaves is decided on the writer.
static int toy_judge(struct cx *cx, struct note *n) {
    (void)n;
    toy.judged++;
    assert_true(cx->is_writer);
    return toy.judge_says == OK ? OK : cx_fail(cx, toy.judge_says, "toy", "%s", "judged");
}

static int toy_entry(struct cx *cx) {
    toy.runs++;
    struct note *n = arena_take(cx->mem, sizeof *n);
    if (!n) return ERR_no_memory;
    *n = (struct note){.kind = "toy.read", .time_ms = cx->now_ms, .detail = S("{}"), .judge = toy_judge};
    if (cx_bool(cx, "no_judge", false)) n->judge = NULL;
    cx->note = n;
    cx_etag(cx, 1);
    if (toy.leaves_file) {
        FILE *file = tmpfile();
        assert_non_null(file);
        fputs("secret bytes", file);
        fflush(file);
        cx_reply_fd(cx, "text/plain", dup(fileno(file)), 12, S("秘密.txt"));
        fclose(file);
        return OK;
    }
    jw_object(&cx->w);
    jw_ntext(&cx->w, "row", S("secret bytes"));
    jw_object_end(&cx->w);
    return OK;
}

static const struct field toy_nested[] = {
    TOY_FIELD("id", 0, T_TEXT, true, 1, 5), TOY_FIELD("n", 0, T_INT, false, -3, 0), {0}};
static const struct field toy_gives[] = {TOY_FIELD("day", 0, T_INT, false, 0, 0), {0}};
static const struct field toy_page_takes[] = {TOY_FIELD("limit", IN_QUERY, T_INT, false, 1, 100),
                                              TOY_FIELD("after", IN_QUERY, T_TEXT, false, 0, 200),
                                              {0}};
static const struct field toy_day_takes[] = {TOY_FIELD("day", 0, T_INT, true, 1, 1000), {0}};
static const struct field toy_edit_takes[] = {
    TOY_FIELD("id", IN_PATH, T_TEXT, true, 1, 20), TOY_FIELD("note", 0, T_TEXT, false, 0, 0), {0}};
static const struct field toy_entry_takes[] = {TOY_FIELD("no_judge", IN_QUERY, T_BOOL, false, 0, 0), {0}};
static const struct shape toy_shape = {"Toy", toy_gives, NULL};

static const struct route toy_routes[] = {
    {"GET", "/api/v1/toy", ROUTE_READ, R_PUBLIC, toy_page_takes, &toy_shape, NULL, 0, 0, toy_read, "读",
     "read", NULL},
    {"POST", "/api/v1/toy/days", ROUTE_WRITE, R_(STEWARD), toy_day_takes, &toy_shape, "toy.put", 0, 0,
     toy_write, "写", "write", "toy:write"},
    {"POST", "/api/v1/toy/open", ROUTE_WRITE, R_PUBLIC, toy_day_takes, &toy_shape, "toy.put", 0, 0, toy_write,
     "公开写", "write, open to all", NULL},
    {"POST", "/api/v1/toy/secret", ROUTE_WRITE, R_(STEWARD), NULL, &toy_shape, "toy.secret", 0, ROUTE_SECRET,
     toy_secret, "密钥", "secret", NULL},
    {"PUT", "/api/v1/toy/things/{id}", ROUTE_WRITE, R_LOGIN, toy_edit_takes, &toy_shape, "toy.edit", 1 << 20,
     ROUTE_NEEDS_MATCH, toy_edit, "改", "edit", NULL},
    {"POST", "/api/v1/toy/slow", ROUTE_SLOW, R_(STEWARD), toy_day_takes, &toy_shape, "toy.slow", 0, 0,
     toy_slow, "慢写", "slow", NULL},
    {"GET", "/api/v1/toy/entry", ROUTE_READ_ENTRY, R_(STEWARD), toy_entry_takes, &toy_shape, NULL, 0, 0,
     toy_entry, "读且存证", "read with entry", NULL},
    {0}};
static const struct route *const toy_tables[] = {toy_routes, NULL};
static const struct module toy_module
    __attribute__((unused)) = {.name = "toy", .route_tables = toy_tables, .zh = "玩具", .en = "toy"};

#define AS_STEWARD(f) fixture_as(f, 7, "steward", "o1", R_(STEWARD))
#define AS_NOBODY(f)  fixture_as(f, 0, NULL, NULL, 0)

// Code of the problem that the last call got, "" when it was none.
static struct str toy_code(struct fixture *f) {
    struct str code = fixture_text(f, "code");
    return code.p ? code : S("");
}
#define assert_refused(f, status_, code_)                                                                    \
    do {                                                                                                     \
        assert_status(f, status_);                                                                           \
        assert_true(str_eq(toy_code(f), S(code_)));                                                          \
    } while (0)

static struct str __attribute__((unused)) toy_reply_header(struct fixture *f, const char *name) {
    for (int i = 0; i < f->cx.reply.headers_n; i++)
        if (str_eq(f->cx.reply.headers[i][0], str_of(name))) return f->cx.reply.headers[i][1];
    return STR_NONE;
}
#endif
