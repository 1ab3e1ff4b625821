// SPDX-License-Identifier: MulanPSL-2.0
// The same server behind TLS, against OpenSSL's own client: versions, large bodies both ways under back-pressure,
// pipelining, refusals, a clean end, and clients that do not finish their handshake.
#include "net_help.h"
#include "base/file.h"
#include "crypto/secret.h"
#include <openssl/ssl.h>

enum { BIG = 4 << 20 };
static struct served s;
static char *big;
static char dir[] = "/tmp/gusu-tls-XXXXXX";
static char cert[64], key[64];

static int64_t on_head(void *arg, struct http_exchange *x) {
    (void)arg;
    (void)x;
    return BIG;
}

static void on_request(void *arg, struct http_exchange *x) {
    (void)arg;
    const struct http_out plain = {.status = 200, .type = S("text/plain")};
    assert_true(x->is_tls);
    if (str_eq(x->path, S("/big"))) {
        http_reply(x, &plain, (struct str){big, BIG});
    } else if (str_eq(x->path, S("/file"))) {
        FILE *f = tmpfile();
        assert_int_equal(fwrite(big, 1, BIG, f), BIG);
        fflush(f);
        http_reply_file(x, &plain, dup(fileno(f)), 0, BIG);
        fclose(f);
    } else {
        http_reply(x, &plain,
                   str_print(x->mem, "path=%.*s n=%lld\n", STRF(x->path), (long long)x->body_bytes));
    }
}

static int prepare(void **state) {
    (void)state;
    struct arena mem;
    struct err e = {0};
    struct str cert_pem, key_pem;
    arena_init(&mem, 0);
    assert_non_null(mkdtemp(dir));
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    assert_int_equal(certificate_make(&mem, "localhost", 30, &cert_pem, &key_pem, &e), OK);
    assert_int_equal(file_write(cert, cert_pem, 0600, &e), OK);
    assert_int_equal(file_write(key, key_pem, 0600, &e), OK);
    arena_free(&mem);
    big = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i * 7 % 26);
    return 0;
}

static int clean(void **state) {
    (void)state;
    free(big);
    unlink(cert);
    unlink(key);
    return rmdir(dir);
}

static int set_up(void **state) {
    (void)state;
    const struct http_config k = {.address = "127.0.0.1",
                                  .cert_pem_path = cert,
                                  .key_pem_path = key,
                                  .on_head = on_head,
                                  .on_request = on_request,
                                  .spool_dir = dir};
    served_open(&s, &k);
    return 0;
}

static int set_up_running(void **state) {
    set_up(state);
    served_go(&s);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    served_stop(&s);
    return 0;
}

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct client dial_tls(int version) {
    struct client c = {.ctx = SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_min_proto_version(c.ctx, version);
    SSL_CTX_set_max_proto_version(c.ctx, version);
    assert_int_equal(SSL_CTX_load_verify_locations(c.ctx, cert, NULL), 1);
    SSL_CTX_set_verify(c.ctx, SSL_VERIFY_PEER, NULL);
    c.fd = dial(&s);
    c.ssl = SSL_new(c.ctx);
    SSL_set_fd(c.ssl, c.fd);
    return c;
}

static void hang_up(struct client *c) {
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

static void tell(struct client *c, const char *p, size_t n) {
    size_t done;
    assert_int_equal(SSL_write_ex(c->ssl, p, n, &done), 1);
    assert_int_equal(done, n);
}

// Everything until close_notify, which must come.
static size_t hear(struct client *c, char *p, size_t cap) {
    size_t n = 0, got;
    while (SSL_read_ex(c->ssl, p + n, cap - 1 - n, &got) == 1)
        n += got;
    assert_int_equal(SSL_get_error(c->ssl, 0), SSL_ERROR_ZERO_RETURN);
    p[n] = 0;
    return n;
}

#define LAST "Connection: close\r\n\r\n"

static void test_versions(void **state) {
    (void)state;
    char got[4096];
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (int i = 0; i < 2; i++) {
        struct client c = dial_tls(versions[i]);
        assert_int_equal(SSL_connect(c.ssl), 1);
        const char text[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n" LAST;
        tell(&c, text, sizeof text - 1);
        hear(&c, got, sizeof got);
        assert_true(strstr(got, "path=/a") && strstr(got, "path=/a") < strstr(got, "path=/b"));
        hang_up(&c);
    }
    assert_int_equal(http_stats(s.loop).tls_handshakes, 2);
    struct client old = dial_tls(TLS1_1_VERSION);
    assert_int_not_equal(SSL_connect(old.ssl), 1);
    hang_up(&old);
}

static void test_large(void **state) {
    (void)state;
    struct client c = dial_tls(TLS1_3_VERSION);
    assert_int_equal(SSL_connect(c.ssl), 1);
    char head[200];
    int n = snprintf(head, sizeof head, "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", BIG);
    tell(&c, head, (size_t)n);
    tell(&c, big, BIG);
    const char text[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /file HTTP/1.1\r\nHost: x\r\n" LAST;
    tell(&c, text, sizeof text - 1);
    char *all = malloc(3 * BIG);
    size_t got = hear(&c, all, 3 * BIG);
    snprintf(head, sizeof head, "path=/up n=%d\n", BIG);
    assert_has(all, head);
    const char *body = strstr(strstr(strstr(all, head), "Content-Length: "), "\r\n\r\n") + 4;
    assert_memory_equal(body, big, BIG);
    assert_memory_equal(all + got - BIG, big, BIG);
    free(all);
    hang_up(&c);
}

static void test_refusal(void **state) {
    (void)state;
    char got[4096];
    struct client c = dial_tls(TLS1_3_VERSION);
    assert_int_equal(SSL_connect(c.ssl), 1);
    const char text[] = "GET / HTTP/1.1\r\n\r\n";
    tell(&c, text, sizeof text - 1);
    hear(&c, got, sizeof got);
    assert_has(got, "HTTP/1.1 400 ");
    hang_up(&c);
    int fd = dial(&s); // plain text to a TLS port
    sayz(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_all(fd, got, sizeof got);
    assert_lacks(got, "HTTP/1.1 200");
    close(fd);
}

static void test_unfinished(void **state) {
    (void)state;
    char got[64];
    s.loop->delay_ms[CLOCK_HEAD] = 30;
    served_go(&s);
    int fd = dial(&s); // no hello
    assert_int_equal(recv(fd, got, sizeof got, 0), 0);
    close(fd);
    fd = dial(&s); // half a hello
    say(fd, "\x16\x03\x01\x02\x00\x01", 6);
    assert_int_equal(recv(fd, got, sizeof got, 0), 0);
    close(fd);
}

static void test_bad_files(void **state) {
    (void)state;
    struct err e = {0};
    struct http_loop *l = NULL;
    struct http_config k = {.address = "127.0.0.1", .on_request = on_request};
    k.cert_pem_path = k.key_pem_path = "/nonexistent.pem";
    assert_int_equal(http_open(&k, &l, &e), ERR_net);
    k.cert_pem_path = key; // a key where a certificate should be
    k.key_pem_path = key;
    assert_int_equal(http_open(&k, &l, &e), ERR_net);
    assert_null(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_versions, set_up_running, tear_down),
        cmocka_unit_test_setup_teardown(test_large, set_up_running, tear_down),
        cmocka_unit_test_setup_teardown(test_refusal, set_up_running, tear_down),
        cmocka_unit_test_setup_teardown(test_unfinished, set_up, tear_down),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
