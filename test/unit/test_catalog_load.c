// SPDX-License-Identifier: MulanPSL-2.0
// The load wizard from the upload to the flip: encodings and headers as offices send them, every reason to
// set a row aside, the same file twice, append and upsert, a stale base.
#include "load_city.h"
#include <iconv.h>

// --- what offices send ---

static struct str convert(const char *encoding, struct str s) {
    iconv_t c = iconv_open(encoding, "UTF-8");
    char *in = str_z(&f.mem, s), *out = arena_take(&f.mem, s.n * 4 + 16), *p = out;
    size_t in_n = s.n, out_n = s.n * 4 + 16;
    assert_int_equal(iconv(c, &in, &in_n, &p, &out_n), 0);
    iconv_close(c);
    return (struct str){out, (size_t)(p - out)};
}

static void every_encoding_and_separator_loads(void **state) {
    (void)state;
    static const struct {
        const char *encoding, *text;
        const char *seen, *sep;
    } files[] = {
        {NULL, "uscc,firm_name\n$0,样甲\n$1,样乙\n", "utf-8", ","},
        {NULL, "\xEF\xBB\xBFuscc,firm_name\r\n$0,样甲\r\n$1,样乙\r\n", "utf-8", ","},
        {"GB18030", "统一社会信用代码;企业名称\n$0;样甲\n$1;样乙\n", "gb18030", ";"},
        {"UTF-16", "uscc\t企业名称\n$0\t样甲\n$1\t样乙\n", "utf-16", "\t"},
        {NULL, "TYSHXYDM|企业名称（必填）\n$0|样甲\n$1|样乙\n", "utf-8", "|"},
        {NULL, "企业登记一览表,,\n制表：某局,,\nＵＳＣＣ,企业 名称,备注\n$0,样甲,x\n$1,样乙,y\n", "utf-8",
         ","},
        {NULL, "uscc,firm_name\n$0,\"样甲\"\n\"$1\",\"样\n乙\"\n", "utf-8", ","},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct str body = csv(files[i].text);
        if (files[i].encoding) body = convert(files[i].encoding, body);
        const int64_t load = upload(body);
        const struct str encoding = fixture_text(&f, "encoding");
        assert_true(str_eq_nocase((struct str){encoding.p, strlen(files[i].seen)}, str_of(files[i].seen)));
        assert_true(str_eq(fixture_text(&f, "separator"), str_of(files[i].sep)));
        assert_int_equal(fixture_int(&f, "rows"), 2);
        assert_true(str_eq(json_text(json_get(seen_column(0), S("column"))), S("uscc")));
        assert_true(str_eq(json_text(json_get(seen_column(1), S("column"))), S("firm_name")));
        put_mapping(load, found_mapping("replace"));
        assert_status(&f, 200);
        assert_int_equal(fixture_int(&f, "good_n"), 2);
        commit(load);
        assert_status(&f, 200);
        const struct json items = preview("");
        assert_int_equal(json_count(items), 2);
        assert_true(str_starts(value(json_at(items, 1), "firm_name"), S("样")));
    }
}

static void headers_types_and_units_are_found_on_all_rows(void **state) {
    (void)state;
    struct buf b = buf_new(&f.mem, 1024, 1 << 20);
    buf_puts(&b, "信用代码,注册资本(万元),成立日期,XM,未知,数,编号\n");
    for (int i = 0; i < 300; i++)
        buf_print(&b, "%s,%d.5,2020/1/%d,样,%s,%d,00%d\n", code_of[i % 5], i, i % 28 + 1,
                  i == 299 ? "词" : "1", i, i);
    upload(buf_str(&b));
    static const struct {
        const char *column, *how, *type, *unit;
    } want[] = {{"uscc", "alias", "text", ""},
                {"capital", "name", "dec", "wan"},
                {"est_date", "name", "date", ""},
                {"legal_rep", "alias", "text", ""},
                {"", "", "text", ""},
                {"", "", "int", ""},
                {"", "", "text", ""}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct json c = seen_column(i);
        assert_true(str_eq(str_of(want[i].column), catalog_none(json_text(json_get(c, S("column"))))));
        assert_true(str_eq(str_of(want[i].how), catalog_none(json_text(json_get(c, S("how"))))));
        assert_true(str_eq(str_of(want[i].type), json_text(json_get(c, S("type_seen")))));
        assert_true(str_eq(str_of(want[i].unit), catalog_none(json_text(json_get(c, S("unit"))))));
    }
}

static void money_units_become_fen(void **state) {
    (void)state;
    load_all(csv("uscc,注册资本（元）\n$0,1234.5\n$1,\"12,000\"\n$2,\n$3,1.005\n"), "replace");
    assert_int_equal(fixture_int(&f, "bad_n"), 1); // a tenth of a fen is no money
    const struct json items = preview("");
    assert_true(str_eq(value(json_at(items, 0), "capital"), S("123450")));
    assert_true(str_eq(value(json_at(items, 1), "capital"), S("1200000")));
    assert_true(json_is(json_get(json_at(items, 2), S("capital")), JSON_NULL));
    load_all(csv("uscc,capital\n$0,123450\n"), "replace");
    assert_true(str_eq(value(json_at(preview(""), 0), "capital"), S("123450")));
}

static void spreadsheets_load_like_text(void **state) {
    (void)state;
    struct err e = {0};
    struct xlsx_out *o;
    struct str bytes;
    const struct str path = str_print(&f.mem, "%s/made.xlsx", f.folder);
    const struct xlsx_column none[] = {{S("说明"), 0}},
                             columns[] = {{S("信用代码"), 0}, {S("企业名称"), 0}, {S("成立日期"), 0}};
    assert_int_equal(xlsx_out_open(path.p, f.folder, &o, &e), OK);
    assert_int_equal(xlsx_out_sheet(o, S("封面"), none, 1, &e), OK);
    assert_int_equal(xlsx_out_sheet(o, S("数据"), columns, 3, &e), OK);
    for (int i = 0; i < 3; i++) {
        const struct xlsx_cell cells[] = {
            {str_of(code_of[i]), XLSX_TEXT},
            {S("样"), XLSX_TEXT},
            {i == 2 ? S("不详") : S("2020-02-03"), i == 2 ? XLSX_TEXT : XLSX_DATE}};
        assert_int_equal(xlsx_out_row(o, cells, 3, &e), OK);
    }
    assert_int_equal(xlsx_out_close(o, &e), OK);
    assert_int_equal(file_read(&f.mem, path.p, 1 << 20, &bytes, &e), OK);
    const int64_t load = upload(bytes);
    assert_int_equal(json_count(json_get(f.json, S("sheets"))), 2);
    assert_true(str_eq(fixture_text(&f, "sheet"), S("封面")));
    put_mapping(load, S("{\"sheet\":\"没有\"}"));
    assert_status(&f, 422);
    put_mapping(load, S("{\"sheet\":\"数据\"}")); // another sheet is looked at anew
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "rows"), 3);
    put_mapping(load, found_mapping("replace"));
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "good_n"), 2);
    assert_int_equal(fixture_int(&f, "bad_n"), 1);
    commit(load);
    assert_status(&f, 200);
    assert_true(str_eq(value(json_at(preview(""), 1), "est_date"), S("2020-02-03")));
}

// --- set aside ---

static const char faulty[] = "uscc,firm_name,est_date,kind,rid,capital\n"
                             "$0,好,2020-01-01,A,,1\n"             // 2
                             "91329900MA0000010X,校验错,,A,,1\n"   // 3 uscc_check
                             ",无主键,,A,,1\n"                     // 4 field_missing
                             "$1,名称一二三四五六七,,A,,1\n"       // 5 field_long
                             "$2,日期错,2020-02-30,A,,1\n"         // 6 field_type
                             "$3,代码错,,C,,1\n"                   // 7 code_unknown
                             "$0,重复,,A,,1\n"                     // 8 duplicate_key
                             "$4,少列\n"                           // 9 csv_columns
                             "$4,两处错,x,C,,1\n"                  // 10 two faults
                             "$4,证号错,,A,329900198703021111,1\n" // 11 rid_check
                             "$3,=cmd(),,A,,abc\n"    // 12 field_type, a formula for bad.csv below
                             "$4,\"没有闭合,,A,,1\n"; // 13 csv_quote

static void faulty_rows_are_set_aside_with_reasons(void **state) {
    (void)state;
    static const struct {
        int row;
        const char *column, *code;
    } want[] = {{3, "uscc", "uscc-check"},     {4, "uscc", "field-missing"},   {5, "firm_name", "field-long"},
                {6, "est_date", "field-type"}, {7, "kind", "code-unknown"},    {8, "uscc", "duplicate-key"},
                {9, "", "csv-columns"},        {10, "est_date", "field-type"}, {10, "kind", "code-unknown"},
                {11, "rid", "rid-check"},      {12, "capital", "field-type"},  {13, "", "csv-quote"}};
    const int64_t load = check(csv(faulty), "replace");
    assert_int_equal(fixture_int(&f, "good_n"), 1);
    assert_int_equal(fixture_int(&f, "bad_n"), 11);
    assert_int_equal(fixture_int(&f, "duplicate_n"), 1);
    assert_int_equal(fixture_int(&f, "progress"), 12);
    fixture_call(&f, "GET", str_print(&f.mem, "/api/v1/loads/%d/bad?limit=7", (int)load).p, NULL);
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "total"), 11);
    const struct json first = json_get(f.json, S("items"));
    const struct str next = fixture_text(&f, "next");
    fixture_call(&f, "GET", str_print(&f.mem, "/api/v1/loads/%d/bad?after=%.*s", (int)load, STRF(next)).p,
                 NULL);
    const struct json second = json_get(f.json, S("items"));
    assert_int_equal(json_count(first) + json_count(second), sizeof want / sizeof *want);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct json b = i < 7 ? json_at(first, i) : json_at(second, i - 7);
        int64_t row = 0;
        assert_true(json_int(json_get(b, S("row")), &row));
        if (row != want[i].row) print_error("%.*s\n", STRF(json_raw(b)));
        assert_int_equal(row, want[i].row);
        assert_true(str_eq(catalog_none(json_text(json_get(b, S("column")))), str_of(want[i].column)));
        if (!str_eq_nocase(json_text(json_get(b, S("code"))), str_of(want[i].code)))
            print_error("%.*s\n", STRF(json_raw(b)));
        assert_true(str_eq_nocase(json_text(json_get(b, S("code"))), str_of(want[i].code)));
        assert_true(json_text(json_get(b, S("title_zh"))).n > 0 &&
                    json_text(json_get(b, S("title_en"))).n > 0);
    }
    // A faulty identity number is as secret as a good one.
    assert_int_equal(number_of("SELECT count(*) FROM catalog_bad_row WHERE value LIKE '%198703021111%'"), 0);
    fixture_call(&f, "GET", str_print(&f.mem, "/api/v1/loads/%d/bad.csv", (int)load).p, NULL);
    assert_int_equal(f.status, 200);
    assert_true(str_starts(f.body, S("\xEF\xBB\xBF行号,列,值,原因\r\n3,uscc,91329900MA0000010X,")));
    assert_true(str_has(f.body, S("\r\n11,rid,329900198703021111,")));
    commit(load);
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "rows"), 1);
}

static void mappings_are_judged(void **state) {
    (void)state;
    static const struct {
        const char *mapping;
        int status;
    } rows[] = {
        {"{\"columns\":[{\"n\":2,\"column\":\"firm_name\"}]}", 422}, // the key is missing
        {"{\"columns\":[{\"n\":1,\"column\":\"uscc\"},{\"n\":2,\"column\":\"uscc\"}]}",
         422}, // a column twice
        {"{\"columns\":[{\"n\":1,\"column\":\"uscc\"},{\"n\":1,\"column\":\"firm_name\"}]}",
         422}, // a file column twice
        {"{\"columns\":[{\"n\":9,\"column\":\"uscc\"}]}", 422},
        {"{\"columns\":[{\"n\":1,\"column\":\"nothing\"}]}", 422},
        {"{\"columns\":[{\"n\":1,\"column\":\"uscc\"}],\"mode\":\"merge\"}", 422},
        {"{\"columns\":[{\"n\":1,\"column\":\"uscc\"}]}", 200},
    };
    const int64_t load = upload(csv("uscc,firm_name\n$0,样\n"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_mapping(load, str_of(rows[i].mapping));
        assert_status(&f, rows[i].status);
    }
    assert_int_equal(number_of("SELECT count(*) FROM catalog_table WHERE state = 'staged'"), 1);
}

static void empty_and_hopeless_files_are_refused(void **state) {
    (void)state;
    static const char *const bodies[] = {"", "\n\n", "\xEF\xBB\xBF", "PK\x03\x04 no zip", "\"never closed"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        call_bytes("POST", "/api/v1/datasets/firm/loads", str_of(bodies[i]), -1, (int64_t)strlen(bodies[i]));
        assert_status(&f, 422);
    }
    call_bytes("POST", "/api/v1/datasets/nothing/loads", S("a,b\n1,2\n"), -1, 8);
    assert_status(&f, 404);
    // Nothing of a refused upload stays.
    assert_int_equal(number_of("SELECT count(*) FROM catalog_load"), 0);
    struct str *names;
    size_t n;
    assert_int_equal(file_list(&f.mem, str_print(&f.mem, "%s/loads", f.folder).p, &names, &n, &f.cx.err), OK);
    assert_int_equal(n, 0);
}

// --- twice, append, upsert ---

static void the_same_file_twice_changes_nothing(void **state) {
    (void)state;
    const struct str body = csv("uscc,firm_name\n$0,样甲\n$1,样乙\n");
    const int64_t first = load_all(body, "replace");
    const struct catalog_resource before = resource();
    const int64_t second = upload(body);
    assert_int_equal(fixture_int(&f, "same_as"), first);
    put_mapping(second, found_mapping("replace"));
    assert_status(&f, 200);
    assert_true(json_is(json_get(f.json, S("same")), JSON_TRUE));
    commit(second);
    assert_status(&f, 200);
    assert_true(json_is(json_get(f.json, S("same")), JSON_TRUE));
    assert_int_equal(fixture_int(&f, "rows"), 2);
    assert_int_equal(resource().table, before.table);
    commit(second); // and a commit happens once
    assert_status(&f, 409);
    load_all(csv("uscc,firm_name\n$0,样甲\n"), "replace");
    load_all(body, "replace"); // after another load the first file is news again
    assert_int_equal(fixture_int(&f, "rows"), 2);
    assert_true(json_is(json_get(f.json, S("same")), JSON_FALSE));
}

static void append_adds_and_sets_repeats_aside(void **state) {
    (void)state;
    load_all(csv("uscc,firm_name\n$0,样甲\n$1,样乙\n"), "replace");
    const struct catalog_resource before = resource();
    (void)preview("limit=1");
    const struct str next = str_copy(&f.mem, fixture_text(&f, "next"));
    const int64_t load = check(csv("uscc,firm_name\n$1,又来\n$2,样丙\n"), "append");
    assert_int_equal(fixture_int(&f, "good_n"), 1);
    assert_int_equal(fixture_int(&f, "bad_n"), 1);
    assert_int_equal(fixture_int(&f, "duplicate_n"), 1);
    assert_int_equal(json_count(preview("")), 2); // not yet
    commit(load);
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "rows"), 3);
    assert_true(resource().table != before.table && resource().series == before.series);
    // A page begun before the append goes on after it: rows keep their ids.
    const struct json items = preview(str_print(&f.mem, "limit=5&after=%.*s", STRF(next)).p);
    assert_int_equal(json_count(items), 2);
    assert_true(str_eq(value(json_at(items, 0), "uscc"), str_of(code_of[1])));
    assert_true(str_eq(value(json_at(items, 1), "firm_name"), S("样丙")));
    load_all(csv("uscc,firm_name\n$1,又来\n$2,样丙\n"), "append"); // the same file again
    assert_true(json_is(json_get(f.json, S("same")), JSON_TRUE));
    assert_int_equal(fixture_int(&f, "rows"), 3);
}

static void upsert_touches_only_what_the_file_holds(void **state) {
    (void)state;
    load_all(csv("uscc,firm_name,kind,rid\n$0,样甲,A,\n$1,样乙,B,#\n"), "replace");
    load_all(csv("uscc,kind\n$1,A\n$3,B\n"), "upsert");
    assert_int_equal(fixture_int(&f, "rows"), 3);
    assert_int_equal(fixture_int(&f, "good_n"), 2);
    const struct json items = preview("");
    assert_true(str_eq(value(json_at(items, 1), "kind"), S("A")));
    assert_true(str_eq(value(json_at(items, 1), "firm_name"), S("样乙")));
    assert_true(
        str_eq(value(json_at(items, 1), "rid"), S("***"))); // carried over, still sealed, still masked
    assert_true(str_eq(value(json_at(items, 2), "uscc"), str_of(code_of[3])));
}

static void a_stale_base_is_refused(void **state) {
    (void)state;
    load_all(csv("uscc,firm_name\n$0,样甲\n"), "replace");
    const int64_t a = check(csv("uscc,firm_name\n$1,样乙\n"), "append");
    const int64_t b = check(csv("uscc,firm_name\n$2,样丙\n"), "append");
    commit(b);
    assert_status(&f, 200);
    commit(a);
    assert_status(&f, 409);
    assert_int_equal(json_count(preview("")), 2);
    fixture_call(&f, "DELETE", str_print(&f.mem, "/api/v1/loads/%d", (int)a).p, NULL);
    assert_status(&f, 200);
    fixture_call(&f, "DELETE", str_print(&f.mem, "/api/v1/loads/%d", (int)b).p, NULL);
    assert_status(&f, 409); // what is done is done
}

int main(void) {
#define CITY(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        CITY(every_encoding_and_separator_loads),
        CITY(headers_types_and_units_are_found_on_all_rows),
        CITY(money_units_become_fen),
        CITY(spreadsheets_load_like_text),
        CITY(faulty_rows_are_set_aside_with_reasons),
        CITY(mappings_are_judged),
        CITY(empty_and_hopeless_files_are_refused),
        CITY(the_same_file_twice_changes_nothing),
        CITY(append_adds_and_sets_repeats_aside),
        CITY(upsert_touches_only_what_the_file_holds),
        CITY(a_stale_base_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
