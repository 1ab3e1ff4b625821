// SPDX-License-Identifier: MulanPSL-2.0
// What becomes of loads: a crash in the middle, tables that were replaced, limits, slices, a pack's files;
// and who sees which rows of what was loaded.
#include "load_city.h"
#include <fcntl.h>

// --- crash and cleaning ---

static int crash_while_checking(struct cx *cx, void *arg) {
    (void)arg;
    return store_text_exec(cx->db, S("UPDATE catalog_load SET state = 'checking'"), &cx->err);
}

static int64_t count_tables(const char *state) {
    return number_of(str_print(&f.mem, "SELECT count(*) FROM catalog_table WHERE state = '%s'", state).p);
}

static void a_crash_leaves_no_half_load(void **state) {
    (void)state;
    load_all(csv("uscc,firm_name\n$0,样甲\n"), "replace");
    const int64_t load = check(csv("uscc,firm_name\n$1,样乙\n"), "replace");
    fixture_again(&f); // a checked load survives a restart …
    assert_int_equal(count_tables("staged"), 1);
    assert_int_equal(cx_write(fresh(), crash_while_checking, NULL), OK);
    fixture_again(&f); // … one cut off in the middle does not
    assert_int_equal(count_tables("staged"), 0);
    commit(load);
    assert_status(&f, 409);
    assert_int_equal(json_count(preview("")), 1);
    assert_int_equal(load_clean(fresh()), OK);
    assert_int_equal(count_tables("gone"), 1);
    assert_int_equal(number_of(on_postgres()
                                   ? "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
                                     " AND tablename LIKE 'r\\_%'"
                                   : "SELECT count(*) FROM sqlite_master WHERE type='table'"
                                     " AND name GLOB 'r_*'"),
                     1);
    fixture_call(&f, "GET", str_print(&f.mem, "/api/v1/loads/%d", (int)load).p, NULL);
    assert_true(str_eq(fixture_text(&f, "state"), S("read"))); // the file is still there: check again
    put_mapping(load, found_mapping("replace"));
    assert_status(&f, 200);
    commit(load);
    assert_status(&f, 200);
}

static void old_tables_wait_for_their_readers(void **state) {
    (void)state;
    load_all(csv("uscc,firm_name\n$0,样甲\n"), "replace");
    load_all(csv("uscc,firm_name\n$1,样乙\n"), "replace");
    assert_int_equal(load_clean(fresh()), OK);
    assert_int_equal(count_tables("old"), 1);
    fixture_now_ms += LOAD_OLD_MS;
    assert_int_equal(load_clean(fresh()), OK);
    assert_int_equal(count_tables("old"), 0);
    assert_int_equal(count_tables("live"), 1);
    // Files of finished loads are gone, an upload that nobody finished goes after a week.
    assert_int_equal(number_of("SELECT count(*) FROM catalog_load WHERE file <> ''"), 0);
    (void)check(csv("uscc,firm_name\n$1,样丁\n$1,\n"), "replace");
    fixture_now_ms += LOAD_ABANDONED_MS + 1;
    assert_int_equal(load_clean(fresh()), OK);
    assert_int_equal(load_clean(fresh()), OK);
    assert_int_equal(count_tables("staged"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM catalog_bad_row"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM catalog_load WHERE state = 'dropped'"), 1);
}

// --- limits ---

static void limits_hold(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/big", f.folder);
    const int fd = open(path, O_RDWR | O_CREAT, 0600); // sparse: one byte too long
    assert_int_equal(ftruncate(fd, LOAD_BYTES_MAX + 1), 0);
    call_bytes("POST", "/api/v1/datasets/firm/loads", STR_NONE, fd, LOAD_BYTES_MAX + 1);
    assert_status(&f, 413);
    close(fd);
    struct buf b = buf_new(&f.mem, 1 << 16, (size_t)16 << 20);
    for (int i = 0; i <= LOAD_COLUMNS_MAX; i++)
        buf_puts(&b, "a,");
    buf_puts(&b, "\n1\n");
    call_bytes("POST", "/api/v1/datasets/firm/loads", buf_str(&b), -1, (int64_t)b.n);
    assert_status(&f, 422);
    b.n = 0;
    buf_puts(&b, "uscc\n");
    for (int i = 0; i < LOAD_ROWS_MAX + LOAD_HEADER_ROWS + 2; i++)
        buf_puts(&b, "1\n");
    call_bytes("POST", "/api/v1/datasets/firm/loads", buf_str(&b), -1, (int64_t)b.n);
    assert_status(&f, 413);
}

static void big_loads_go_in_slices(void **state) {
    (void)state;
    struct buf b = buf_new(&f.mem, 1 << 16, (size_t)16 << 20);
    buf_puts(&b, "uscc,firm_name\n");
    for (int i = 0; i < 5000; i++) {
        char code[19];
        snprintf(code, sizeof code, "91329900MA%07u", (unsigned)i % 10000000);
        code[17] = element_uscc_check_char((struct str){code, 17});
        buf_print(&b, "%.18s,样%d\n", code, i);
    }
    const uint64_t before = store_stats(f.city.store).items;
    load_all(buf_str(&b), "replace");
    assert_int_equal(fixture_int(&f, "rows"), 5000);
    assert_true(store_stats(f.city.store).items - before >= 5); // not one long item
    assert_int_equal(number_of("SELECT count(*) FROM core_act WHERE verb = 'dataset.load'"), 1);
    b.n = 0; // faults too
    buf_puts(&b, "uscc,kind\n");
    for (int i = 0; i < 5000; i++)
        buf_print(&b, "x%d,C\n", i);
    check(buf_str(&b), "replace");
    assert_int_equal(fixture_int(&f, "bad_n"), 5000);
    assert_int_equal(json_count(json_get(f.json, S("reasons"))), 2);
}

// --- who ---

static void only_the_provider_loads(void **state) {
    (void)state;
    const struct str body = csv("uscc,firm_name\n$0,样甲\n");
    const int64_t load = check(body, "replace");
    const char *paths[] = {"GET /api/v1/loads/%d", "GET /api/v1/loads/%d/bad", "GET /api/v1/loads/%d/bad.csv",
                           "POST /api/v1/loads/%d/commit", "DELETE /api/v1/loads/%d"};
    for (int who = 0; who < 3; who++) {
        if (who == 0) fixture_as(&f, 0, NULL, NULL, 0);
        if (who == 1) fixture_as(&f, 9, "sp-bm", "sz-approval", R_(STEWARD));
        if (who == 2) fixture_as(&f, 8, "rs-fz", "sz-hrss", R_(UNIT_HEAD)); // signs, does not compile
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            struct str rest;
            const struct str line = str_print(&f.mem, paths[i], (int)load);
            const struct str verb = str_cut(line, ' ', &rest);
            fixture_call(&f, str_z(&f.mem, verb), str_z(&f.mem, rest), NULL);
            assert_status(&f, who == 0 ? 401 : 403);
        }
        call_bytes("POST", "/api/v1/datasets/firm/loads", body, -1, (int64_t)body.n);
        assert_status(&f, who == 0 ? 401 : 403);
    }
}

static int publish(struct cx *cx, void *arg) {
    (void)arg;
    if (store_text_exec(cx->db, S("UPDATE catalog_edition SET state = 4"), &cx->err)) return cx->err.code;
    return store_text_exec(cx->db, S("UPDATE catalog_dataset SET live = work, work = 0"), &cx->err);
}

static struct str sent_file(void) {
    char *p = arena_take(&f.mem, (size_t)f.cx.reply.fd_bytes + 1);
    assert_int_equal(pread(f.cx.reply.fd, p, (size_t)f.cx.reply.fd_bytes, 0), f.cx.reply.fd_bytes);
    close(f.cx.reply.fd);
    return (struct str){p, (size_t)f.cx.reply.fd_bytes};
}

static int count_row(void *arg, const struct xlsx_row *row, struct err *e) {
    (void)e;
    (void)row;
    ++*(int *)arg;
    return OK;
}

static void rows_are_shown_as_far_as_each_may_see(void **state) {
    (void)state;
    load_all(csv("uscc,firm_name,legal_rep,rid,capital\n$0,=样甲,样某某,#,5\n$1,样乙,样某,,6\n"), "replace");
    fixture_as(&f, 0, NULL, NULL, 0);
    fixture_call(&f, "GET", "/api/v1/portal/datasets/firm/preview", NULL);
    assert_status(&f, 404); // a draft is nobody's business
    assert_int_equal(cx_write(fresh(), publish, NULL), OK);
    fixture_call(&f, "GET", "/api/v1/portal/datasets/firm/preview", NULL);
    assert_status(&f, 200);
    const struct json row = json_at(json_get(f.json, S("items")), 0);
    assert_int_equal(json_count(row), 5); // neither the head's name nor his number
    assert_true(str_eq(value(row, "firm_name"), S("=样甲")));
    fixture_call(&f, "GET", "/api/v1/portal/datasets/firm/preview?legal_rep=x", NULL);
    assert_status(&f, 422);
    fixture_call(&f, "GET", "/api/v1/portal/datasets/firm/download?format=csv", NULL);
    assert_int_equal(f.status, 200);
    const struct str text = sent_file();
    const struct str want = csv("uscc,firm_name,capital,est_date,kind\r\n$0,'=样甲,5,,\r\n$1,样乙,6,,\r\n");
    assert_true(str_eq(text, want));
    fixture_call(&f, "GET", "/api/v1/portal/datasets/firm/download?format=json", NULL);
    struct json j;
    assert_int_equal(json_parse(&f.mem, sent_file(), &j, NULL), OK);
    assert_int_equal(json_count(json_get(j, S("items"))), 2);
    fixture_call(&f, "GET", "/api/v1/portal/datasets/firm/download?format=xlsx", NULL);
    struct xlsx *x;
    int rows = 0;
    assert_int_equal(xlsx_open(sent_file(), &x, &f.cx.err), OK);
    assert_int_equal(xlsx_rows(x, 0, count_row, &rows, &f.cx.err), OK);
    assert_int_equal(rows, 3);
    xlsx_close(x);
    fixture_call(&f, "GET", "/api/v1/datasets/firm/preview", NULL);
    assert_status(&f, 401);
    fixture_as(&f, 9, "sp-bm", "sz-approval", R_(STEWARD)); // another office: masked
    struct json items = preview("");
    assert_true(str_eq(value(json_at(items, 0), "legal_rep"), S("样**")));
    assert_true(str_eq(value(json_at(items, 0), "rid"), S("***")));
    fixture_call(&f, "GET", "/api/v1/datasets/firm/preview?reason=x", NULL);
    assert_status(&f, 403);
    fixture_call(&f, "GET", "/api/v1/datasets/firm/preview?legal_rep=%E6%A0%B7", NULL);
    assert_status(&f, 403);
    as_steward(); // the provider, with a reason, and the looking is noted
    items = preview("reason=check");
    assert_true(str_eq(value(json_at(items, 0), "legal_rep"), S("样某某")));
    assert_non_null(f.cx.note);
    assert_true(str_has(f.cx.note->detail, S("\"reason\":\"check\"")));
    fixture_call(&f, "GET", "/api/v1/datasets/firm/boundary", NULL);
    assert_status(&f, 404);
}

// --- packs ---

static void packs_keep_their_faults(void **state) {
    (void)state;
    struct catalog_dataset *ds;
    struct load_staged st;
    assert_int_equal(catalog_load_edition(fresh(), S("firm"), &ds), OK);
    assert_int_equal(
        catalog_load_file(&f.cx, ds,
                          csv("uscc,firm_name,kind,est_date\n$0,甲,A,\n$0,甲,A,\n91329900MA0000010X,乙,C,\n"
                              "$1,丙,A,2020-02-30\n"),
                          &st),
        OK);
    assert_int_equal(st.rows, 3);
    assert_int_equal(st.bad_n, 1);
    assert_int_equal(count_tables("staged"), 1);
    fixture_again(&f); // never published: dropped at the next start
    assert_int_equal(count_tables("staged"), 0);
}

int main(void) {
#define CITY(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        CITY(a_crash_leaves_no_half_load),
        CITY(old_tables_wait_for_their_readers),
        CITY(limits_hold),
        CITY(big_loads_go_in_slices),
        CITY(only_the_provider_loads),
        CITY(rows_are_shown_as_far_as_each_may_see),
        CITY(packs_keep_their_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
