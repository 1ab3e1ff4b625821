// SPDX-License-Identifier: MulanPSL-2.0
// Files and the log, in a folder of their own that is removed afterwards; the removal fails the test when a
// temporary file was left behind.
#include "base/file.h"
#include "base/log.h"
#include "cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena mem;
static char folder[64];

static int up(void **state) {
    (void)state;
    arena_init(&mem, 0);
    snprintf(folder, sizeof folder, "/tmp/gusu-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static const char *path_of(const char *name) {
    return str_print(&mem, "%s/%s", folder, name).p;
}

static int down(void **state) {
    (void)state;
    static const char *const made[] = {"f",     "list/b", "list/a", "list/.hidden", "list/sub", "list",
                                       "x/y/z", "x/y",    "x",      "pipe"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        remove(path_of(made[i]));
    int left = rmdir(folder); // fails when a temporary file was left behind
    arena_free(&mem);
    return left;
}

static void a_file_is_replaced_whole(void **state) {
    (void)state;
    struct str text;
    struct err e = {0};
    const char *path = path_of("f");
    assert_false(file_exists(path));
    assert_int_equal(file_read(&mem, path, 100, &text, &e), ERR_not_found);
    assert_string_equal(e.arg, path);
    assert_int_equal(file_write(path, S("one"), 0600, &e), OK);
    assert_int_equal(file_write(path, S("second"), 0640, &e), OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(file_read(&mem, path, 6, &text, &e), OK); // exactly the limit
    assert_true(str_eq(text, S("second")));
    assert_int_equal(file_read(&mem, path, 5, &text, &e), ERR_too_large);
    assert_int_equal(file_write(path, S(""), 0600, &e), OK);
    assert_int_equal(file_read(&mem, path, 5, &text, &e), OK);
    assert_true(text.p && text.n == 0);
    assert_int_equal(file_write(path_of("no/such/folder"), S("x"), 0600, &e), ERR_not_found);
}

static void what_is_no_file_is_refused_at_once(void **state) {
    (void)state;
    struct str text;
    struct err e = {0};
    assert_int_equal(file_read(&mem, folder, 100, &text, &e), ERR_file);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(file_read(&mem, path_of("pipe"), 100, &text, &e),
                     ERR_file); // and does not wait for a writer
    assert_int_equal(file_read(&mem, "/proc/self/stat", 4096, &text, &e), OK); // its size says 0
    assert_true(text.n > 0);
}

static void folders_are_made_and_listed(void **state) {
    (void)state;
    struct err e = {0};
    assert_int_equal(file_make_dirs(path_of("x/y/z"), 0700, &e), OK);
    assert_int_equal(file_make_dirs(path_of("x/y/z"), 0700, &e), OK);
    assert_int_equal(file_write(path_of("f"), S("x"), 0600, &e), OK);
    assert_int_equal(file_make_dirs(path_of("f/g"), 0700, &e), ERR_file);
    assert_int_equal(file_make_dirs(path_of("list/sub/"), 0700, &e), OK);
    assert_int_equal(file_write(path_of("list/b"), S(""), 0600, &e), OK);
    assert_int_equal(file_write(path_of("list/a"), S(""), 0600, &e), OK);
    assert_int_equal(file_write(path_of("list/.hidden"), S(""), 0600, &e), OK);
    struct str *names;
    size_t n;
    assert_int_equal(file_list(&mem, path_of("list"), &names, &n, &e), OK);
    assert_int_equal(n, 3);
    assert_true(str_eq(names[0], S("a")) && str_eq(names[1], S("b")) && str_eq(names[2], S("sub/")));
    assert_int_equal(file_list(&mem, path_of("none"), &names, &n, &e), ERR_not_found);
}

static void a_log_event_is_one_line(void **state) {
    (void)state;
    const char *path = path_of("f");
    int saved = dup(STDERR_FILENO);
    FILE *caught = freopen(path, "w", stderr);
    assert_non_null(caught);
    log_set_level(LOG_INFO);
    log_line(LOG_DEBUG, "base", "not shown");
    log_line(LOG_WARN, "base", "forged\n2026-01-01 error core: %s", "gone");
    log_line(LOG_ERROR, "base", "%04000d", 1); // longer than a line may be
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    struct str text, rest;
    assert_int_equal(file_read(&mem, path, 100000, &text, NULL), OK);
    struct str first = str_cut(text, '\n', &rest);
    assert_true(str_ends(first, S("Z warn base: forged 2026-01-01 error core: gone")));
    assert_int_equal(first.n, 24 + sizeof " warn base: forged 2026-01-01 error core: gone" - 1);
    struct str second = str_cut(rest, '\n', &rest);
    assert_int_equal(second.n, 2046);
    assert_int_equal(rest.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_replaced_whole, up, down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused_at_once, up, down),
        cmocka_unit_test_setup_teardown(folders_are_made_and_listed, up, down),
        cmocka_unit_test_setup_teardown(a_log_event_is_one_line, up, down),
    };
    return cmocka_run_group_tests_name("base: file", tests, NULL, NULL);
}
