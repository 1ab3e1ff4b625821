// SPDX-License-Identifier: MulanPSL-2.0
// The unix socket of errands: who is heard, long paths, lines whole and too long, a socket left behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "net/local.h"

#define NAME "door.sock"

static char folder[600];

static int setup(void **state) {
    (void)state;
    struct err e = {0};
    snprintf(folder, sizeof folder, "/tmp/gusu-local-XXXXXX");
    assert_non_null(mkdtemp(folder));
    // Longer than the 108 bytes of a unix address.
    size_t n = strlen(folder);
    for (int i = 0; i < 3; i++)
        n += (size_t)snprintf(folder + n, sizeof folder - n, "/%0*d", 70, i);
    assert_int_equal(file_make_dirs(folder, 0755, &e), OK);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char cmd[700];
    snprintf(cmd, sizeof cmd, "rm -rf '%.22s'", folder);
    return system(cmd) == 0 ? 0 : 1;
}

struct caller {
    struct str says;
    size_t more; // so many bytes of 'a' first
    pthread_t thread;
    int fd;
};

static void *call(void *arg) {
    struct caller *c = arg;
    struct err e = {0};
    if (local_connect(folder, NAME, &c->fd, &e) != OK) return c;
    for (size_t i = 0; i < c->more; i++)
        if (!local_send(c->fd, S("a"))) return c;
    return local_send(c->fd, c->says) ? NULL : c;
}

static void lines(void **state) {
    (void)state;
    struct err e = {0};
    struct stat st;
    struct caller c = {.says = S("one\ntwo and more\n\nlast, unfinished")};
    char room[64], path[700];
    int door, fd;
    assert_int_equal(local_connect(folder, NAME, &fd, &e), ERR_not_found);
    assert_int_equal(local_listen(folder, NAME, &door, &e), OK);
    snprintf(path, sizeof path, "%s/" NAME, folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(pthread_create(&c.thread, NULL, call, &c), 0);
    assert_int_equal(local_accept(door, &fd), OK);
    void *wrong = NULL;
    pthread_join(c.thread, &wrong);
    assert_null(wrong);
    local_close(c.fd);
    struct local_line l = {.fd = fd, .p = room, .cap = sizeof room};
    assert_true(str_eq(local_read(&l), S("one\n")));
    assert_true(str_eq(local_read(&l), S("two and more\n")));
    assert_true(str_eq(local_read(&l), S("\n")));
    assert_null(local_read(&l).p);
    assert_false(local_send(fd, S("to nobody")) && local_send(fd, S("who has gone")));
    local_close(fd);
    local_end(folder, NAME, door);
    assert_int_equal(local_connect(folder, NAME, &fd, &e), ERR_not_found);
    assert_int_not_equal(stat(path, &st), 0);
}

static void too_long(void **state) {
    (void)state;
    struct err e = {0};
    struct caller c = {.says = S("\n"), .more = 64};
    char room[64];
    int door, fd;
    assert_int_equal(local_listen(folder, NAME, &door, &e), OK);
    // A server killed here leaves its socket: the next one takes the name.
    close(door);
    assert_int_equal(local_connect(folder, NAME, &fd, &e), ERR_not_found);
    assert_int_equal(local_listen(folder, NAME, &door, &e), OK);
    assert_int_equal(pthread_create(&c.thread, NULL, call, &c), 0);
    assert_int_equal(local_accept(door, &fd), OK);
    pthread_join(c.thread, NULL);
    struct local_line l = {.fd = fd, .p = room, .cap = sizeof room};
    assert_null(local_read(&l).p);
    local_close(fd);
    local_close(c.fd);
    local_end(folder, NAME, door);
}

static void *wake(void *arg) {
    local_wake(*(int *)arg);
    return NULL;
}

static void woken(void **state) {
    (void)state;
    struct err e = {0};
    pthread_t thread;
    int door, fd;
    assert_int_equal(local_listen(folder, NAME, &door, &e), OK);
    assert_int_equal(pthread_create(&thread, NULL, wake, &door), 0);
    assert_int_equal(local_accept(door, &fd), ERR_net);
    pthread_join(thread, NULL);
    local_end(folder, NAME, door);
}

// Another user, for whom the file's mode was opened: the kernel's word for who he is still keeps him out.
static void stranger(void **state) {
    (void)state;
    if (geteuid() != 0) {
        print_message("not root: cannot be somebody else\n");
        skip();
    }
    struct err e = {0};
    char path[700];
    int door, fd;
    assert_int_equal(local_listen(folder, NAME, &door, &e), OK);
    snprintf(path, sizeof path, "%s/" NAME, folder);
    assert_int_equal(chmod(path, 0666), 0);
    for (size_t i = strlen("/tmp/gusu-local-XXXXXX"); i <= strlen(folder); i++)
        if (folder[i] == '/' || !folder[i]) {
            snprintf(path, sizeof path, "%.*s", (int)i, folder);
            assert_int_equal(chmod(path, 0755), 0);
        }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char line[8];
        if (setuid(65534) != 0) _exit(9);
        // Turned away before a word: the end comes at once. The caller also finds that it is not his own server.
        int code = local_connect(folder, NAME, &fd, &e);
        _exit(code == ERR_net || read(fd, line, sizeof line) <= 0 ? 0 : 1);
    }
    assert_int_equal(local_accept(door, &fd), ERR_not_allowed);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    local_end(folder, NAME, door);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines, setup, teardown),
        cmocka_unit_test_setup_teardown(too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(woken, setup, teardown),
        cmocka_unit_test_setup_teardown(stranger, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
