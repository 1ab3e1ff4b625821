// SPDX-License-Identifier: MulanPSL-2.0
// Files of the page: types, validators, ranges, the .gz sibling, and every way out of the folder that we know.
#include "net_help.h"
#include "net/static.h"
#include <sys/stat.h>

static struct served s;
static struct static_dir *pages;
static struct arena mem;
static char root[] = "/tmp/gusu-static-XXXXXX";
static char *digits; // 40000 of them

static const struct {
    const char *name, *text;
} files[] = {
    {"index.html", "<html>home</html>"},
    {"app.js", "let a = 1"},
    {"app.js.gz", "pretend gzip"},
    {"assets/index-D4fQ_x9a.css", "css"},
    {"assets/app-settings.js", "a word is no hash"},
    {"assets/map-20261122.json", "neither is a date"},
    {"p.png", "png"},
    {".secret", "hidden"},
    {"sub/.hidden/x.txt", "hidden"},
    {"苏 州.txt", "gusu"},
};

static void path_of(char *out, size_t cap, const char *name) {
    snprintf(out, cap, "%s/www/%s", root, name);
}

static void write_file(const char *name, const char *text, size_t n) {
    char path[256];
    path_of(path, sizeof path, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static void on_request(void *arg, struct http_exchange *x) {
    (void)arg;
    const struct http_header csp = {S("Content-Security-Policy"), S("default-src 'self'")};
    static_serve(pages, x, &csp, 1);
}

static int prepare(void **state) {
    (void)state;
    char path[256];
    struct err e = {0};
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        write_file(files[i].name, files[i].text, strlen(files[i].text));
    digits = malloc(40001);
    for (int i = 0; i < 40000; i++)
        digits[i] = (char)('0' + i % 10);
    digits[40000] = 0;
    write_file("digits.txt", digits, 40000);
    write_file("../outside.txt", "out", 3);
    path_of(path, sizeof path, "link.txt");
    assert_int_equal(symlink("../outside.txt", path), 0);
    path_of(path, sizeof path, "up");
    assert_int_equal(symlink("..", path), 0);
    path_of(path, sizeof path, "pipe.txt");
    assert_int_equal(mkfifo(path, 0600), 0);
    arena_init(&mem, 0);
    path_of(path, sizeof path, "");
    assert_int_equal(static_open(&mem, path, &pages, &e), OK);
    assert_int_equal(static_open(&mem, "/nonexistent", &(struct static_dir *){0}, &e), ERR_file);
    served_open(&s, &(struct http_config){.address = "127.0.0.1", .on_request = on_request});
    served_go(&s);
    return 0;
}

static int clean(void **state) {
    (void)state;
    served_stop(&s);
    static_close(pages);
    arena_free(&mem);
    free(digits);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

// One GET with more header lines; the reply, head and body.
static char got[65536];
static const char *get(const char *path, const char *more) {
    char text[1024];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", path, more);
    ask_once(&s, text, got, sizeof got);
    assert_has(got, "Content-Security-Policy: default-src 'self'\r\n");
    const char *body = strstr(got, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static void test_types(void **state) {
    (void)state;
    assert_string_equal(get("/", ""), "<html>home</html>");
    assert_has(got, "Content-Type: text/html; charset=utf-8\r\n");
    assert_has(got, "Cache-Control: no-cache\r\n");
    assert_string_equal(get("/catalog/some-view", ""), "<html>home</html>"); // the page routes itself
    assert_string_equal(get("/app.js?v=2", ""), "let a = 1");
    assert_has(got, "Content-Type: text/javascript; charset=utf-8\r\n");
    assert_has(got, "Vary: Accept-Encoding\r\n");
    assert_string_equal(get("/assets/index-D4fQ_x9a.css", ""), "css");
    assert_has(got, "Cache-Control: public, max-age=31536000, immutable\r\n");
    get("/assets/app-settings.js", "");
    assert_has(got, "Cache-Control: no-cache\r\n");
    get("/assets/map-20261122.json", "");
    assert_has(got, "Cache-Control: no-cache\r\n");
    get("/p.png", "");
    assert_has(got, "Content-Type: image/png\r\n");
    assert_string_equal(get("/%E8%8B%8F%20%E5%B7%9E.txt", ""), "gusu");
    get("/none.txt", "");
    assert_has(got, "HTTP/1.1 404 ");
    ask_once(&s, "POST / HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "HTTP/1.1 405 ");
    assert_has(got, "Allow: GET, HEAD\r\n");
    ask_once(&s, "HEAD /digits.txt HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "Content-Length: 40000\r\n");
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n");
}

static void test_no_way_out(void **state) {
    (void)state;
    const char *paths[] = {"/../outside.txt",   "/%2e%2e/outside.txt",
                           "/..%2foutside.txt", "/sub/../../outside.txt",
                           "/link.txt",         "/up/outside.txt",
                           "/.secret",          "/sub/.hidden/x.txt",
                           "//outside.txt",     "/sub//x.txt",
                           "/./app.js",         "/pipe.txt",
                           "/..%5Coutside.txt", "/app.js/",
                           "/app.js/x.txt"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        get(paths[i], "");
        if (strstr(got, "HTTP/1.1 200") && !strstr(got, "<html>home</html>"))
            fail_msg("%s: %s", paths[i], got);
        assert_lacks(got, "\r\n\r\nout");
        assert_lacks(got, "hidden");
    }
}

static void test_validators(void **state) {
    (void)state;
    char more[200], tag[64];
    get("/digits.txt", "");
    assert_int_equal(sscanf(strstr(got, "ETag: "), "ETag: %60s", tag), 1);
    snprintf(more, sizeof more, "If-None-Match: \"x\", W/%s\r\n", tag);
    assert_string_equal(get("/digits.txt", more), "");
    assert_has(got, "HTTP/1.1 304 ");
    assert_has(got, tag);
    assert_lacks(got, "Content-Length");
    get("/digits.txt", "If-None-Match: *\r\n");
    assert_has(got, "HTTP/1.1 304 ");
    get("/digits.txt", "If-None-Match: \"x\"\r\n");
    assert_has(got, "HTTP/1.1 200 ");
    snprintf(more, sizeof more, "Range: bytes=0-0\r\nIf-Range: %s\r\n", tag);
    assert_string_equal(get("/digits.txt", more), "0");
    get("/digits.txt", "Range: bytes=0-0\r\nIf-Range: \"x\"\r\n");
    assert_has(got, "HTTP/1.1 200 ");
}

static void test_ranges(void **state) {
    (void)state;
    const struct {
        const char *range, *content_range;
        size_t from, n;
    } good[] = {{"bytes=0-9", "bytes 0-9/40000", 0, 10},
                {"bytes=39995-", "bytes 39995-39999/40000", 39995, 5},
                {"bytes=-7", "bytes 39993-39999/40000", 39993, 7},
                {"bytes=-99999", "bytes 0-39999/40000", 0, 40000},
                {"bytes=100-99999", "bytes 100-39999/40000", 100, 39900}};
    char more[100];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(more, sizeof more, "Range: %s\r\n", good[i].range);
        const char *body = get("/digits.txt", more);
        assert_has(got, "HTTP/1.1 206 ");
        assert_has(got, good[i].content_range);
        assert_int_equal(strlen(body), good[i].n);
        assert_memory_equal(body, digits + good[i].from, good[i].n);
    }
    const char *beyond[] = {"bytes=40000-", "bytes=-0", "bytes=99999-100000"};
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        snprintf(more, sizeof more, "Range: %s\r\n", beyond[i]);
        get("/digits.txt", more);
        assert_has(got, "HTTP/1.1 416 ");
        assert_has(got, "Content-Range: bytes */40000\r\n");
    }
    const char *ignored[] = {"bytes=5-2",
                             "bytes=a-b",
                             "bytes=",
                             "bytes=-",
                             "lines=1-2",
                             "bytes=0-1,3-4",
                             "bytes=99999999999999999999-",
                             "bytes=+1-2",
                             "bytes=0--1"};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        snprintf(more, sizeof more, "Range: %s\r\n", ignored[i]);
        get("/digits.txt", more);
        if (!strstr(got, "HTTP/1.1 200 ")) fail_msg("%s: %.100s", ignored[i], got);
    }
}

static void test_gzip(void **state) {
    (void)state;
    char tag[64], other[64];
    get("/app.js", "");
    assert_int_equal(sscanf(strstr(got, "ETag: "), "ETag: %60s", tag), 1);
    assert_string_equal(get("/app.js", "Accept-Encoding: br, gzip;q=0.5\r\n"), "pretend gzip");
    assert_has(got, "Content-Encoding: gzip\r\n");
    assert_has(got, "Content-Type: text/javascript; charset=utf-8\r\n");
    assert_has(got, "Vary: Accept-Encoding\r\n");
    assert_int_equal(sscanf(strstr(got, "ETag: "), "ETag: %60s", other), 1);
    assert_string_not_equal(tag, other);
    const char *plain[] = {"Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: gzip;q=0.000, br\r\n",
                           "Accept-Encoding: xgzip\r\n", "Accept-Encoding: gzip\r\nRange: bytes=0-99\r\n"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        assert_string_equal(get("/app.js", plain[i]), "let a = 1");
        assert_lacks(got, "Content-Encoding");
    }
    assert_string_equal(get("/digits.txt", "Accept-Encoding: gzip\r\n"), digits); // no sibling
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types), cmocka_unit_test(test_no_way_out),
                                       cmocka_unit_test(test_validators), cmocka_unit_test(test_ranges),
                                       cmocka_unit_test(test_gzip)};
    return cmocka_run_group_tests(tests, prepare, clean);
}
