// SPDX-License-Identifier: MulanPSL-2.0
// TLS 1.2 and 1.3 over OpenSSL, for sockets that never block. No renegotiation, no compression,
// forward-secret AEAD suites only; sessions resume by tickets, so the server keeps no cache; idle connections
// give their buffers back.
#include "net/http_inner.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct http_tls {
    SSL_CTX *ctx;
};

static int fail(struct http_tls *t, const char *what, const char *path, struct err *e) {
    char why[120];
    ERR_error_string_n(ERR_peek_last_error(), why, sizeof why);
    ERR_clear_error();
    tls_close(t);
    return err_set(e, ERR_net, "tls", "%s %s: %s", what, path, why);
}

int tls_open(const char *cert_pem_path, const char *key_pem_path, struct http_tls **ret, struct err *e) {
    struct http_tls *t = calloc(1, sizeof *t);
    if (t == NULL) return err_set(e, ERR_no_memory, "", " ");
    t->ctx = SSL_CTX_new(TLS_server_method());
    if (t->ctx == NULL) return fail(t, "context", "", e);
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                    SSL_OP_PRIORITIZE_CHACHA);
    // Moving buffers: what a write could not take is kept elsewhere before it is tried again.
    SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(t->ctx, 1);
    SSL_CTX_set_read_ahead(t->ctx, 1); // one read per record instead of two
    if (SSL_CTX_set_cipher_list(t->ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) return fail(t, "ciphers", "", e);
    if (SSL_CTX_use_certificate_chain_file(t->ctx, cert_pem_path) != 1)
        return fail(t, "certificate", cert_pem_path, e);
    if (SSL_CTX_use_PrivateKey_file(t->ctx, key_pem_path, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(t->ctx) != 1)
        return fail(t, "key", key_pem_path, e);
    *ret = t;
    return OK;
}

void tls_close(struct http_tls *t) {
    if (t == NULL) return;
    SSL_CTX_free(t->ctx);
    free(t);
}

struct ssl_st *tls_start(struct http_tls *t, int fd) {
    SSL *s = SSL_new(t->ctx);
    if (s && SSL_set_fd(s, fd) == 1) {
        SSL_set_accept_state(s);
        return s;
    }
    SSL_free(s);
    ERR_clear_error();
    return NULL;
}

void tls_end(struct ssl_st *s, bool is_clean) {
    if (is_clean) (void)SSL_shutdown(s); // our close_notify; theirs is not waited for (RFC 8446 §6.1)
    SSL_free(s);
    ERR_clear_error(); // the queue belongs to the thread, not to the connection
}

// What an unsuccessful call means: -1 later, 0 the end, -2 broken.
static int reason(struct ssl_st *s, int result) {
    int why = SSL_get_error(s, result);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return -1;
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}

int tls_handshake(struct ssl_st *s) {
    int done = SSL_do_handshake(s);
    if (done == 1) return 1;
    return reason(s, done) == -1 ? -1 : -2;
}

ptrdiff_t tls_read(struct ssl_st *s, char *p, size_t n) {
    size_t got = 0;
    int ok = SSL_read_ex(s, p, n, &got);
    return ok == 1 ? (ptrdiff_t)got : reason(s, ok);
}

ptrdiff_t tls_write(struct ssl_st *s, const char *p, size_t n) {
    size_t taken = 0;
    int ok = SSL_write_ex(s, p, n, &taken);
    if (ok == 1) return (ptrdiff_t)taken;
    int why = reason(s, ok);
    return why == -1 ? -1 : -2;
}
