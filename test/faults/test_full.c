// SPDX-License-Identifier: MulanPSL-2.0
// A full disk: the real program on a small file system of its own (a tmpfs in a mount namespace), filled up under load,
// by a file that is not its own and by an upload. Writes are refused in clear words (507 or 503, problem+json), reads
// go on, nothing is lost; when there is room again all goes on by itself, with no restart and no hand.
//
// Where no mount namespace is allowed the test is skipped, and says so.
#include "city.h"
#include "served.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define THREADS     4
#define ASK_MOST    2000000
#define START_MS    30000
#define DISK_OPTION "size=48m,mode=0700"
#define REFUSALS    200 // so many have to be seen while it is full
#define UPLOAD      ((size_t)4 << 20)

static struct load *load;
static char made_folder[64]; // where the city was made, before it was put on the small disk

static bool has_own_mounts(void) {
    if (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0)
        return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return false;
}

static void put_on_small_disk(void) {
    char folder[64] = "/tmp/gusu-full-XXXXXX", cmd[256];
    assert_non_null(mkdtemp(folder));
    if (mount("gusu", folder, "tmpfs", 0, DISK_OPTION) != 0) {
        printf("skipped: no tmpfs of its own: %s\n", strerrordesc_np(errno));
        rmdir(folder);
        skip();
    }
    snprintf(cmd, sizeof cmd, "cp -a '%s/.' '%s/'", f.folder, folder);
    assert_int_equal(system(cmd), 0);
    snprintf(made_folder, sizeof made_folder, "%s", f.folder);
    snprintf(f.folder, sizeof f.folder, "%s", folder);
}

// Something else takes all the room there is.
static void fill(void) {
    char path[100];
    static char block[65536];
    snprintf(path, sizeof path, "%s/ballast", f.folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    for (size_t n = sizeof block; n >= 512; n /= 2)
        while (write(fd, block, n) == (ssize_t)n) {
        }
    close(fd);
}

static void make_room(void) {
    char path[100];
    snprintf(path, sizeof path, "%s/ballast", f.folder);
    assert_int_equal(unlink(path), 0);
}

static void must_read(struct http_line *h, const char *target) {
    static char reply[65536];
    int status = 0;
    bool came = http_ask(h, "GET", target, load->session, NULL, 0, &status, reply, sizeof reply);
    if (!came || status != 200) fprintf(stderr, "%s: %d %.400s\n", target, status, reply);
    assert_true(came && status == 200);
}

static void reads_go_on(struct http_line *h) {
    for (int i = 0; i < 20; i++) {
        must_read(h, "/api/v1/me");
        must_read(h, "/api/v1/datasets?limit=5");
        must_read(h, "/api/v1/applications?limit=5");
    }
    must_read(h, "/ledger/checkpoint");
}

// A body that is larger than memory may hold goes to a file, for which there is no room.
static void upload_is_refused(struct http_line *h) {
    static char body[UPLOAD], reply[16384];
    int status = 0;
    memset(body, 'x', sizeof body);
    bool came = http_ask(h, "POST", "/api/v1/datasets/insured/loads?resource=insured", h->line.load->session,
                         body, sizeof body, &status, reply, sizeof reply);
    if (!came || status != 507) fprintf(stderr, "upload: came %d, %d %.400s\n", came, status, reply);
    assert_true(came && status == 507);
    assert_non_null(strstr(reply, "application/problem+json"));
}

static void full_disk(void **state) {
    (void)state;
    static struct http_team team;
    int64_t refused = 0, done = 0;
    if (!has_own_mounts()) {
        printf("skipped: a mount namespace is not allowed here: %s\n", strerrordesc_np(errno));
        skip();
    }
    put_on_small_disk();
    struct served s = {.folder = f.folder};
    struct http_line reader, uploader;
    snprintf(s.log, sizeof s.log, "%s/log", f.folder); // its own log has no room either
    assert_true(served_start(&s, START_MS));
    http_line_init(&reader, load, s.port);
    // Logging in is a write, so it comes before the disk is full.
    struct load *other = load_new(1);
    http_line_init(&uploader, other, s.port);
    assert_true(http_log_in(&uploader, "rs-bm") && http_log_in(&reader, "sp-jb"));
    load->is_full = true;
    http_team_start(&team, load, s.port, THREADS);
    load_wait(load, 500);
    for (int round = 0; round < 3; round++) {
        fill();
        refused = atomic_load(&load->refused);
        while (atomic_load(&load->refused) < refused + REFUSALS)
            load_wait(load, 1);
        reads_go_on(&reader);
        upload_is_refused(&uploader);
        make_room();
        done = atomic_load(&load->done);
        while (atomic_load(&load->done) < done + 500) // by itself
            load_wait(load, 1);
    }
    load_stop(load);
    http_team_join(&team);
    http_line_close(&reader);
    http_line_close(&uploader);
    load_free(other);
    assert_int_equal(atomic_load(&load->unclear), 0);
    assert_int_equal(atomic_load(&load->unknown), 0);
    assert_int_equal(served_kill(&s, SIGTERM), 0);
    struct census *c = census_new(load, f.folder);
    bool ok = census_take(c, true);
    printf("full disk: 3 times full; %" PRId64 " calls and %" PRId64
           " writes acknowledged, 0 lost, 0 doubled; %" PRId64
           " refused in clear words, none of them there\n",
           c->calls, c->writes, atomic_load(&load->refused));
    census_free(c);
    assert_true(ok);
}

static int up(void **state) {
    (void)state;
    load = load_new(ASK_MOST);
    assert_non_null(load);
    faults_city_make(load);
    return 0;
}

static int down(void **state) {
    (void)state;
    if (made_folder[0]) {
        umount2(f.folder, MNT_DETACH);
        rmdir(f.folder);
        snprintf(f.folder, sizeof f.folder, "%s", made_folder);
    }
    faults_city_remove();
    load_free(load);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(full_disk, up, down)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
