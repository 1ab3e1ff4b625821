// SPDX-License-Identifier: MulanPSL-2.0
// The access log: what a line says and what it must not (values of a query, ends of lines), rotation by size and by
// request, a disk that is full, and that no line is lost unnoticed when many come at once.
#include "cmocka_all.h"
#include "app/access.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/module.h"

const struct module *const modules[] = {NULL};

static char folder[64], path[96], old[100];
static struct arena mem;

static int up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gusu-access-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/access.log", folder);
    snprintf(old, sizeof old, "%s.1", path);
    arena_init(&mem, 0);
    return 0;
}

static int down(void **state) {
    (void)state;
    unlink(path);
    unlink(old);
    rmdir(folder);
    arena_free(&mem);
    return 0;
}

static struct str content(const char *of) {
    struct str s;
    struct err e = {0};
    assert_int_equal(file_read(&mem, of, (size_t)64 << 20, &s, &e), OK);
    return s;
}

static struct access *opened(int64_t file_max) {
    struct access *a;
    struct err e = {0};
    assert_int_equal(access_open(path, file_max, &a, &e), OK);
    return a;
}

static struct access_line line_of(const char *target, const char *query) {
    return (struct access_line){.time_ms = 1794182400123, // 2026-11-09T00:00:00.123Z
                                .us = 1431,
                                .peer = S("10.1.2.3"),
                                .verb = S("GET"),
                                .path = str_of(target),
                                .query = query ? str_of(query) : STR_NONE,
                                .trace = S("SQ-2026-000001"),
                                .who_kind = "key",
                                .who = 12,
                                .status = 200,
                                .bytes = 512};
}

static void says(void **state) {
    (void)state;
    struct access *a = opened(1 << 20);
    struct access_line l =
        line_of("/api/v1/exchange/3/rows", "rid=32050119900101123X&limit=1&320501199001011234&a%41=1&=2");
    access_put(a, &l);
    l = (struct access_line){.time_ms = 1794182401000, .us = -1, .peer = S("::1"), .status = 400};
    access_put(a, &l);
    l = line_of("/a\nb\x01", NULL);
    l.trace = S("x\ny");
    access_put(a, &l);
    assert_int_equal(access_stats(a).lines, 3);
    access_close(a);
    struct str rest = content(path), first = str_cut(rest, '\n', &rest), second = str_cut(rest, '\n', &rest),
               third = str_cut(rest, '\n', &rest);
    assert_true(str_eq(
        first, S("2026-11-09T00:00:00.123Z 10.1.2.3 key:12 GET /api/v1/exchange/3/rows?rid&limit&*&*&* 200 "
                 "512 1.431 SQ-2026-000001")));
    assert_true(str_eq(second, S("2026-11-09T00:00:01.000Z ::1 - - - 400 0 - -")));
    assert_true(str_has(third, S("/a?b? 200")) && str_ends(third, S("x?y")));
    assert_int_equal(rest.n, 0);
}

static void a_long_path_is_cut(void **state) {
    (void)state;
    struct access *a = opened(1 << 20);
    char *long_path = arena_take(&mem, 9001), *long_query = arena_take(&mem, 9001);
    memset(long_path, 'a', 9000);
    for (int i = 0; i < 9000; i++)
        long_query[i] = "ab=&"[i % 4];
    struct access_line l = line_of(long_path, long_query);
    for (int i = 0; i < 100; i++)
        access_put(a, &l);
    access_close(a);
    struct str rest = content(path);
    int n = 0;
    while (rest.n) {
        struct str one = str_cut(rest, '\n', &rest);
        assert_true(one.n < ACCESS_LINE_MAX && str_ends(one, S(" 200 512 1.431 SQ-2026-000001")));
        n++;
    }
    assert_int_equal(n, 100);
}

// Many at once: in the file or counted, none else.
static void none_is_lost_unnoticed(void **state) {
    (void)state;
    struct access *a = opened((int64_t)1 << 30);
    struct access_line l = line_of("/api/v1/health", "x=1");
    for (int i = 0; i < 200000; i++)
        access_put(a, &l);
    access_beat(a);
    struct access_stats s = access_stats(a);
    access_close(a);
    struct str text = content(path);
    uint64_t lines = 0;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    assert_int_equal(lines, s.lines);
    assert_int_equal(s.lines + s.dropped, 200000);
}

static void rotates(void **state) {
    (void)state;
    struct access *a = opened(1000);
    struct access_line l = line_of("/api/v1/health", NULL);
    for (int i = 0; i < 20; i++) // past the limit in one buffer
        access_put(a, &l);
    access_close(a);
    a = opened(1000);
    access_put(a, &l);
    access_close(a);
    assert_true(content(old).n > 1000);
    assert_true(content(path).n < 200);
    // Moved away by somebody else, and told.
    a = opened(1 << 20);
    assert_int_equal(rename(path, old), 0);
    access_reopen(a);
    access_put(a, &l);
    access_close(a);
    assert_true(content(path).n > 0 && content(path).n < 200);
}

static void a_full_disk_costs_lines_only(void **state) {
    (void)state;
    struct access *a;
    struct err e = {0};
    assert_int_equal(access_open("/dev/full", 1 << 20, &a, &e), OK);
    struct access_line l = line_of("/api/v1/health", NULL);
    for (int i = 0; i < 20000; i++)
        access_put(a, &l);
    while (access_stats(a).dropped < 5000) // two buffers are under way; what the disk refused is counted
        access_beat(a);
    access_close(a);
}

static void off_and_wrong(void **state) {
    (void)state;
    struct access *a;
    struct err e = {0};
    assert_int_equal(access_open("off", 1, &a, &e), OK);
    assert_null(a);
    struct access_line l = line_of("/", NULL);
    access_put(a, &l);
    access_beat(a);
    access_reopen(a);
    access_close(a);
    assert_int_equal(access_open("/nowhere/at/all.log", 1, &a, &e), ERR_file);
    assert_string_equal(e.field, "--access-log");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says, up, down),
        cmocka_unit_test_setup_teardown(a_long_path_is_cut, up, down),
        cmocka_unit_test_setup_teardown(none_is_lost_unnoticed, up, down),
        cmocka_unit_test_setup_teardown(rotates, up, down),
        cmocka_unit_test_setup_teardown(a_full_disk_costs_lines_only, up, down),
        cmocka_unit_test_setup_teardown(off_and_wrong, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
