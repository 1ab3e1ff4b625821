// SPDX-License-Identifier: MulanPSL-2.0
// The small tools of cx and what becomes of acts: opaque page keys that cannot be invented, file names that arrive
// whole, audit rows whose detail is the very text that the ledger commits to, announcements inside the transaction,
// deadlines by the table of clocks; and a city that comes up and goes down, also when something in it will not.
#include "core_toy.h"

static struct {
    char detail[2000], clear[500], kind[40], trace[40];
    int notes;
    enum err_code fails;
} ledger; // what the hook of the ledger was given

static int on_note(struct cx *cx, struct note *n) {
    assert_true(cx->is_writer);
    if (ledger.fails) return cx_fail(cx, ledger.fails, "ledger", "%s", "wanted");
    snprintf(ledger.detail, sizeof ledger.detail, "%.*s", STRF(n->detail));
    snprintf(ledger.clear, sizeof ledger.clear, "%.*s", STRF(n->clear));
    snprintf(ledger.kind, sizeof ledger.kind, "%s", n->kind);
    snprintf(ledger.trace, sizeof ledger.trace, "%.*s", STRF(n->trace));
    n->entry = ledger.notes++;
    return OK;
}

static struct { // the subscriber's side
    int heard;
    enum err_code says, start_says;
} ear;

static int on_event(struct cx *cx, const char *event, struct str object, struct str office) {
    assert_true(cx->is_writer);
    assert_string_equal(event, "toy.put");
    assert_true(object.n && office.n);
    ear.heard++;
    int code = toy_put(cx, 900); // a subscriber's row stands or falls with the announcer's
    return code == OK && ear.says ? cx_fail(cx, ear.says, "ear", "%s", "") : code;
}

static int on_start(struct cx *cx) {
    return ear.start_says ? cx_fail(cx, ear.start_says, "ear", "%s", "will not") : OK;
}
static const struct module ear_module = {
    .name = "ear", .on_event = on_event, .start = on_start, .zh = "耳", .en = "ear"};
FIXTURE_MODULES(&toy_module, &ear_module)
static struct fixture f;

static int fresh(void **state) {
    (void)state;
    memset(&toy, 0, sizeof toy);
    memset(&ledger, 0, sizeof ledger);
    memset(&ear, 0, sizeof ear);
    fixture_open(&f);
    f.city.on_note = on_note;
    AS_STEWARD(&f);
    return 0;
}

static int gone(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static int post_day(const char *body) {
    return fixture_call(&f, "POST", "/api/v1/toy/days", body);
}

static void audit_row_is_what_the_ledger_commits_to(void **state) {
    (void)state;
    struct err e = {0};
    struct json j;
    post_day("{\"day\":5}");
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "entry"), 0);
    struct stmt *s =
        store_text_query(f.conn, S("SELECT detail, verb, trace, entry, before_digest FROM core_act"), "");
    assert_true(store_next(s));
    assert_true(str_eq(store_str(s, 0, NULL), str_of(ledger.detail))); // byte for byte
    assert_string_equal(ledger.kind, "toy.put");
    assert_string_equal(ledger.trace, "SQ-1");
    assert_string_equal(ledger.clear, ""); // not about open data: nothing in clear
    assert_int_equal(store_int(s, 3), 0);
    assert_int_equal(store_str(s, 4, NULL).n, 64);
    assert_false(store_next(s));
    assert_int_equal(store_done(s, &e), OK);
    // Canonical: names sorted, so that anybody writes the same bytes again.
    assert_int_equal(json_parse(&f.mem, str_of(ledger.detail), &j, NULL), OK);
    assert_true(str_eq(json_canonical(&f.mem, j), str_of(ledger.detail)));
    assert_true(str_eq(json_text(json_get(j, S("actor_name"))), S("steward")));
    assert_true(str_eq(json_text(json_get(j, S("peer"))), S("127.0.0.1")));
    post_day("{\"day\":6}");
    assert_int_equal(fixture_int(&f, "entry"), 1);
    assert_true(str_eq(toy_reply_header(&f, "Gusu-Entry"), S("1")));
}

static void no_entry_no_write(void **state) {
    (void)state;
    ledger.fails = ERR_store;
    post_day("{\"day\":5}");
    assert_refused(&f, 500, "store");
    assert_int_equal(toy_days(&f), 0);
}

static void subscribers_stand_or_fall_with_the_announcer(void **state) {
    (void)state;
    toy.announces = true;
    ear.says = ERR_conflict;
    post_day("{\"day\":5}");
    assert_refused(&f, 409, "conflict");
    assert_int_equal(toy_days(&f), 0);
    ear.says = OK;
    post_day("{\"day\":5}");
    assert_int_equal(toy_days(&f), 2);
    assert_int_equal(ear.heard, 2);
}

static void auditors_page_through_acts(void **state) {
    (void)state;
    char body[40], target[200] = "/api/v1/acts?limit=2";
    for (int i = 1; i <= 5; i++) {
        snprintf(body, sizeof body, "{\"day\":%d}", i);
        post_day(body);
    }
    int seen = 0, pages = 0;
    fixture_as(&f, 3, "auditor", NULL, R_(AUDITOR));
    for (bool more = true; more; pages++) {
        fixture_call(&f, "GET", target, NULL);
        assert_status(&f, 200);
        seen += (int)json_count(json_get(f.json, S("items")));
        struct str next = fixture_text(&f, "next");
        more = next.n > 0;
        snprintf(target, sizeof target, "/api/v1/acts?limit=2&after=%.*s", STRF(next));
    }
    assert_int_equal(seen, 5);
    assert_int_equal(pages, 3);
    fixture_call(&f, "GET", "/api/v1/acts?limit=2&after=bm90LWEtbnVtYmVy", NULL); // "not-a-number"
    assert_int_equal(f.status, 422);
    fixture_call(&f, "GET", "/api/v1/acts?limit=501", NULL);
    assert_refused(&f, 422, "field-range");
    fixture_as(&f, 4, "else", "o2", R_(STEWARD)); // another office's things are not shown
    fixture_call(&f, "GET", "/api/v1/acts", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 0);
    fixture_call(&f, "GET", "/api/v1/acts?object_kind=toy&object=1", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 0);
}

static void page_keys(void **state) {
    (void)state;
    fixture_call(&f, "GET", "/api/v1/toy", NULL);
    assert_true(json_is(json_get(f.json, S("after")), JSON_NULL));
    assert_int_equal(fixture_int(&f, "limit"), 5);
    char target[200];
    struct str next = fixture_text(&f, "next");
    snprintf(target, sizeof target, "/api/v1/toy?limit=99&after=%.*s", STRF(next));
    fixture_call(&f, "GET", target, NULL);
    assert_true(str_eq(fixture_text(&f, "after"), S("40:last")));
    assert_int_equal(fixture_int(&f, "limit"), 20); // the handler's own most
    fixture_call(&f, "GET", "/api/v1/toy?after=", NULL);
    assert_status(&f, 200);
    static const char *const invented[] = {"%21", "a", "NDA6bGFzdA%3D%3D", "_w",
                                           "AA"}; // not base64url, or not text
    for (size_t i = 0; i < sizeof invented / sizeof invented[0]; i++) {
        snprintf(target, sizeof target, "/api/v1/toy?after=%s", invented[i]);
        fixture_call(&f, "GET", target, NULL);
        assert_refused(&f, 422, "cursor");
        assert_true(str_eq(fixture_text(&f, "field"), S("after")));
    }
}

static void file_names_arrive_whole(void **state) {
    (void)state;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    cx_reply_fd(&f.cx, "text/csv", -1, 0, S("园区\"; x\r\n.csv"));
    assert_true(str_eq(toy_reply_header(&f, "Content-Disposition"),
                       S("attachment; filename*=UTF-8''%E5%9B%AD%E5%8C%BA%22%3B%20x%0D%0A.csv")));
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    char name[3000];
    memset(name, '"', sizeof name);
    cx_reply_fd(&f.cx, "text/csv", -1, 0, (struct str){name, sizeof name});
    assert_true(str_eq(toy_reply_header(&f, "Content-Disposition"), S("attachment")));
}

static int put_clocks(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    return store_text_exec(c,
                           S("INSERT INTO core_clock VALUES('answer','答复','answer',10,5,'x',NULL,0),"
                             "('none','无','none',NULL,NULL,NULL,NULL,0)"),
                           e);
}
static void is_done(struct work *w) {
    (void)w;
}

static void deadlines_by_the_table(void **state) {
    (void)state;
    struct err e = {0};
    struct work w = {.run = put_clocks, .done = is_done};
    assert_int_equal(store_do(f.city.store, &w, &e), OK);
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    bool certain = true;
    // Ten working days from Monday the 9th, Chinese time: the end of Monday the 23rd. No calendar: not certain.
    int64_t due = cx_deadline(&f.cx, "answer", fixture_now_ms, &certain);
    assert_int_equal((due - fixture_now_ms) / DAY_MS, 14);
    assert_false(certain);
    assert_int_equal(cx_deadline(&f.cx, "none", fixture_now_ms, &certain), 0);
    assert_int_equal(cx_deadline(&f.cx, "unknown", fixture_now_ms, NULL), 0);
}

static void comes_up_and_goes_down(void **state) {
    (void)state;
    post_day("{\"day\":5}");
    for (int i = 0; i < 3; i++)
        fixture_again(&f);
    assert_int_equal(toy_days(&f), 1);
    struct err e = {0};
    struct city second = {.folder = f.folder, .store_url = f.city.store_url, .now_ms = fixture_clock};
    assert_int_equal(city_open(&second, &e), ERR_store_busy);
    city_close(&second);
    fixture_stop(&f);
    ear.start_says =
        ERR_conflict; // a module that will not start: the city does not answer, and lets go of all
    second = (struct city){.folder = f.folder, .store_url = f.city.store_url, .now_ms = fixture_clock};
    e = (struct err){0};
    assert_int_equal(city_open(&second, &e), ERR_conflict);
    assert_int_equal(e.code, ERR_conflict);
    assert_string_equal(e.field, "ear");
    city_close(&second);
    ear.start_says = OK;
    fixture_start(&f);
    assert_int_equal(toy_days(&f), 1);
}

static void folder_that_cannot_be(void **state) {
    (void)state;
    struct err e = {0};
    char path[200];
    snprintf(path, sizeof path, "%s/lock/under-a-file", f.folder);
    struct city second = {.folder = path, .store_url = f.city.store_url, .now_ms = fixture_clock};
    assert_int_equal(city_open(&second, &e), ERR_file);
    city_close(&second);
}

int main(void) {
#define CITY(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
    const struct CMUnitTest tests[] = {
        CITY(audit_row_is_what_the_ledger_commits_to),
        CITY(no_entry_no_write),
        CITY(subscribers_stand_or_fall_with_the_announcer),
        CITY(auditors_page_through_acts),
        CITY(page_keys),
        CITY(file_names_arrive_whole),
        CITY(deadlines_by_the_table),
        CITY(comes_up_and_goes_down),
        CITY(folder_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
