// SPDX-License-Identifier: MulanPSL-2.0
// Packs against a made-up module: every mistake is told with file and line and none of it is loaded; a pack is there
// whole or not at all; the same pack again changes nothing; names that lead out of the folder are mistakes; the demo
// part is another pack. And a folder that holds a city does not open without its key.
#include "city_fixture.h"
#include "base/file.h"
#include <errno.h>
#include <sys/stat.h>

static struct {
    int checks, stages, publishes;
    bool fails_in_stage, fails_in_publish, asks_outside;
} told;

static int check(struct cx *cx, struct pack *p) {
    struct pack_table t;
    struct json j;
    told.checks++;
    int code = pack_csv(cx, p, "things.csv", true, &t);
    for (size_t i = 0; i < t.n && code == OK; i++)
        if (!pack_cell(&t, i, "id").n)
            pack_mistake(cx, p, t.file, t.lines[i], ERR_field_missing, "id", "%s", "");
    if (code == OK) code = pack_json(cx, p, "settings.json", false, &j);
    if (code == OK && told.asks_outside) code = pack_csv(cx, p, "../outside.csv", false, &t);
    if (code == OK && told.asks_outside) code = pack_json(cx, p, "/etc/passwd", false, &j);
    return code;
}

static int stage(struct cx *cx, struct pack *p) {
    (void)p;
    told.stages++;
    return told.fails_in_stage ? cx_fail(cx, ERR_conflict, "stage", "%s", "wanted") : OK;
}

static int publish(struct cx *cx, struct pack *p) {
    (void)p;
    told.publishes++;
    assert_true(cx->is_writer);
    return told.fails_in_publish ? cx_fail(cx, ERR_conflict, "publish", "%s", "wanted") : OK;
}

static const struct module pack_module = {.name = "toy",
                                          .pack_check = check,
                                          .pack_stage = stage,
                                          .pack_publish = publish,
                                          .zh = "玩具",
                                          .en = "toy"};
FIXTURE_MODULES(&pack_module)
static struct fixture f;
static char folder[80];

static void put(const char *name, const char *text) {
    char path[200];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, str_of(text), 0644, &e), OK);
}

static void put_dir(const char *name) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

#define PACK_JSON                                                                                            \
    "{\"id\":\"toy\",\"version\":\"1\\\"0\",\"city\":\"320500\",\"title\":{\"zh\":\"玩具\",\"en\":\"Toy\"}}"

static int fresh(void **state) {
    (void)state;
    memset(&told, 0, sizeof told);
    fixture_open(&f);
    snprintf(folder, sizeof folder, "%s/pack", f.folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    put("pack.json", PACK_JSON);
    put("things.csv", "id,zh\na,甲\nb,乙\n");
    put("workdays.csv", "day,kind,name_zh,name_en\n2026-10-01,off,国庆节,National Day\n2026-10-10,work,,\n");
    return 0;
}

static int gone(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static struct pack *opened(bool demo) {
    struct pack *p = NULL;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(pack_open(&f.cx, folder, demo, &p), OK);
    return p;
}

static int load(bool demo, bool *ret_changed) {
    bool changed;
    return pack_load(&f.cx, opened(demo), ret_changed ? ret_changed : &changed);
}

static int64_t count(const char *sql) {
    struct err e = {0};
    struct stmt *s = store_text_query(f.conn, str_of(sql), "");
    int64_t n = store_next(s) ? store_int(s, 0) : -1;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

static void loads_once(void **state) {
    (void)state;
    bool changed = false;
    assert_int_equal(load(false, &changed), OK);
    assert_true(changed);
    assert_int_equal(told.publishes, 1);
    assert_int_equal(count("SELECT count(*) FROM core_workday"), 2);
    assert_int_equal(count("SELECT count(*) FROM core_pack_file"), 3);
    assert_int_equal(count("SELECT count(*) FROM core_act WHERE verb='pack.load'"), 1);
    assert_int_equal(f.city.workdays->off_n, 1); // the calendar runs on it at once
    assert_false(workdays_is(f.city.workdays, f.city.workdays->off[0]));
    assert_int_equal(load(false, &changed), OK);
    assert_false(changed);
    assert_int_equal(told.publishes, 1);
    assert_int_equal(count("SELECT count(*) FROM core_act"), 1);
    put("things.csv", "id,zh\na,甲\nb,丙\n"); // one byte of one file
    assert_int_equal(load(false, &changed), OK);
    assert_true(changed);
    assert_int_equal(count("SELECT count(*) FROM core_pack"), 1);
}

// A version with a quotation mark in it must not break the act that tells of it.
static void act_tells_the_version(void **state) {
    (void)state;
    struct err e = {0};
    struct json j;
    assert_int_equal(load(false, NULL), OK);
    struct stmt *s = store_text_query(f.conn, S("SELECT detail FROM core_act"), "");
    assert_true(store_next(s));
    struct str detail = store_str(s, 0, &f.mem);
    assert_int_equal(store_done(s, &e), OK);
    assert_int_equal(json_parse(&f.mem, detail, &j, NULL), OK);
    struct json inner = json_get(j, S("detail"));
    assert_true(str_eq(json_text(json_get(inner, S("version"))), S("1\"0")));
    assert_int_equal(json_text(json_get(inner, S("digest"))).n, 64);
}

static const struct pack_mistake *nth(const struct pack *p, int n) {
    const struct pack_mistake *m = p->mistakes;
    while (m && n--)
        m = m->next;
    return m;
}

static void has_mistake(const struct pack *p, int n, const char *file, int64_t line, enum err_code code) {
    const struct pack_mistake *m = nth(p, n);
    assert_non_null(m);
    assert_true(str_eq(m->file, str_of(file)));
    assert_int_equal(m->line, line);
    assert_int_equal(m->err.code, code);
}

static void mistakes_have_file_and_line(void **state) {
    (void)state;
    put("things.csv", "id,zh\n,甲\nb,乙,丙\n\"多\n行\",丁\n,戊\n");
    put("settings.json", "{\n \"a\": 1,\n \"a\": 2}\n");
    put("workdays.csv", "day,kind\n2026-02-30,off\n2026-03-01,maybe\n");
    struct pack *p = opened(false);
    bool changed;
    assert_int_equal(pack_load(&f.cx, p, &changed), ERR_pack);
    assert_int_equal(p->mistakes_n, 6);
    has_mistake(p, 0, "workdays.csv", 2, ERR_field_type);
    has_mistake(p, 1, "workdays.csv", 3, ERR_field_value);
    has_mistake(p, 2, "things.csv", 3, ERR_csv_columns);
    has_mistake(p, 3, "things.csv", 2, ERR_field_missing);
    has_mistake(p, 4, "things.csv", 6, ERR_field_missing); // counted in lines of the file, not in rows
    has_mistake(p, 5, "settings.json", 3, ERR_json_twice);
    assert_int_equal(told.stages + told.publishes, 0);
    assert_int_equal(count("SELECT count(*) FROM core_pack"), 0);
    assert_int_equal(count("SELECT count(*) FROM core_workday"), 0);
}

static void pack_json_must_say_all(void **state) {
    (void)state;
    put("pack.json", "{\"id\":\"toy\",\"title\":{\"zh\":\"玩具\"}}");
    struct pack *p = opened(false);
    assert_int_equal(pack_check(&f.cx, p), ERR_pack);
    assert_int_equal(p->mistakes_n, 3); // version, city, title.en
    put("pack.json", "{\"id\":");
    assert_int_equal(pack_check(&f.cx, opened(false)), ERR_pack);
    put("pack.json", "[1]");
    assert_int_equal(pack_check(&f.cx, opened(false)), ERR_pack);
    char path[200];
    snprintf(path, sizeof path, "%s/pack.json", folder);
    assert_int_equal(unlink(path), 0);
    p = opened(false);
    assert_int_equal(pack_check(&f.cx, p), ERR_pack);
    has_mistake(p, 0, "pack.json", 0, ERR_not_found);
}

static void missing_files(void **state) {
    (void)state;
    char path[200];
    snprintf(path, sizeof path, "%s/things.csv", folder);
    assert_int_equal(unlink(path), 0);
    struct pack *p = opened(false);
    assert_int_equal(pack_check(&f.cx, p), ERR_pack);
    has_mistake(p, 0, "things.csv", 0, ERR_not_found);
    put_dir("built"); // what a build step made stands in for it
    put("built/things.csv", "\xef\xbb\xbfid,zh\r\na,甲\r\n");
    assert_int_equal(pack_check(&f.cx, opened(false)), OK);
    put("built/things.csv", "");
    assert_int_equal(pack_check(&f.cx, opened(false)), ERR_pack);
    put("built/things.csv", "id,zh\n\xd0\xd5,x\n"); // not UTF-8
    assert_int_equal(pack_check(&f.cx, opened(false)), ERR_pack);
}

static void nothing_leads_out_of_the_pack(void **state) {
    (void)state;
    FILE *file;
    char path[200];
    snprintf(path, sizeof path, "%s/outside.csv", f.folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("id\n1\n", file);
    fclose(file);
    told.asks_outside = true;
    struct pack *p = opened(false);
    assert_int_equal(pack_check(&f.cx, p), ERR_pack);
    assert_int_equal(p->mistakes_n, 2);
    has_mistake(p, 0, "../outside.csv", 0, ERR_bad_request);
    has_mistake(p, 1, "/etc/passwd", 0, ERR_bad_request);
}

static void whole_or_not_at_all(void **state) {
    (void)state;
    bool changed = true;
    told.fails_in_publish = true;
    assert_int_equal(load(false, &changed), ERR_conflict);
    assert_false(changed);
    assert_int_equal(count("SELECT count(*) FROM core_workday"), 0);
    assert_int_equal(count("SELECT count(*) FROM core_pack_file"), 0);
    assert_int_equal(count("SELECT count(*) FROM core_act"), 0);
    told.fails_in_publish = false;
    told.fails_in_stage = true;
    assert_int_equal(load(false, &changed), ERR_conflict);
    assert_int_equal(told.publishes, 1);
    told.fails_in_stage = false;
    assert_int_equal(load(false, &changed), OK);
    assert_true(changed);
}

static void demo_is_another_pack(void **state) {
    (void)state;
    bool changed;
    put_dir("demo");
    put("demo/x.csv", "id\n1\n");
    put_dir("tests");
    put("tests/t.json", "{}");
    struct pack *plain = opened(false), *demo = opened(true);
    assert_memory_not_equal(plain->digest, demo->digest, sizeof plain->digest);
    assert_false(str_has(plain->files, S("demo/x.csv")));
    assert_true(str_has(demo->files, S("demo/x.csv ")));
    assert_false(str_has(demo->files, S("tests/")));
    assert_int_equal(load(true, &changed), OK);
    assert_int_equal(load(true, &changed), OK);
    assert_false(changed);
    assert_int_equal(load(false, &changed), OK);
    assert_true(changed);
}

static void folders_have_a_depth(void **state) {
    (void)state;
    char name[100] = "d";
    for (int i = 0; i < 9; i++) {
        put_dir(name);
        snprintf(name + strlen(name), sizeof name - strlen(name), "/d");
    }
    struct pack *p = NULL;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(pack_open(&f.cx, folder, false, &p), ERR_too_large);
    snprintf(folder, sizeof folder, "%s/none", f.folder);
    assert_int_equal(pack_check(&f.cx, opened(false)), ERR_pack); // no folder: no pack.json
}

static void mistakes_are_counted_beyond_the_limit(void **state) {
    (void)state;
    struct buf b = buf_new(&f.mem, 65536, 1 << 20);
    buf_puts(&b, "id,zh\n");
    for (int i = 0; i < PACK_MISTAKES_MAX + 500; i++)
        buf_puts(&b, ",x\n");
    buf_char(&b, 0);
    put("things.csv", b.p);
    struct pack *p = opened(false);
    assert_int_equal(pack_check(&f.cx, p), ERR_pack);
    assert_int_equal(p->mistakes_n, PACK_MISTAKES_MAX + 500);
    assert_null(nth(p, PACK_MISTAKES_MAX));
}

static void city_without_its_key(void **state) {
    (void)state;
    char path[200];
    struct err e = {0};
    struct city second = {.folder = f.folder, .store_url = f.city.store_url, .now_ms = fixture_clock};
    uint8_t key[32];
    memcpy(key, f.city.key, sizeof key);
    fixture_again(&f);
    assert_memory_equal(key, f.city.key, sizeof key);
    assert_int_equal(load(false, NULL), OK);
    fixture_stop(&f);
    snprintf(path, sizeof path, "%s/key.bin", f.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(city_open(&second, &e), ERR_file);
    assert_string_equal(e.field, "key.bin");
    city_close(&second);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("short", file);
    fclose(file);
    second = (struct city){.folder = f.folder, .store_url = f.city.store_url, .now_ms = fixture_clock};
    assert_int_equal(city_open(&second, &e), ERR_file);
    city_close(&second);
    file = fopen(path, "w");
    assert_non_null(file);
    fwrite(key, 1, sizeof key, file);
    fclose(file);
    fixture_start(&f);
}

int main(void) {
#define PACK(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
    const struct CMUnitTest tests[] = {
        PACK(loads_once),
        PACK(act_tells_the_version),
        PACK(mistakes_have_file_and_line),
        PACK(pack_json_must_say_all),
        PACK(missing_files),
        PACK(nothing_leads_out_of_the_pack),
        PACK(whole_or_not_at_all),
        PACK(demo_is_another_pack),
        PACK(folders_have_a_depth),
        PACK(mistakes_are_counted_beyond_the_limit),
        PACK(city_without_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
