// SPDX-License-Identifier: MulanPSL-2.0
// Calls out over libcurl. The socket is opened by our own function, which judges the very address that is
// about to be connected to; so the check cannot be slipped by a name that resolves differently the second
// time. No redirects, no proxy from the environment, no other protocol, no decompression, and every size and
// time has an end.
#include "net/fetch.h"
#include "net/fetch_judge.h"
#include "net/http_inner.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <unistd.h>

#define FETCH_TIMEOUT_MS         20000
#define FETCH_CONNECT_TIMEOUT_MS 5000
#define FETCH_URL_MAX            8192
#define FETCH_HEAD_MAX           65536 // headers of a reply, bytes

// ---- the URL ----------------------------------------------------------------------------

struct place { // where a URL leads
    struct str host, port;
    bool is_allowed; // by name, by the operator
};

static struct str url_part(struct arena *mem, CURLU *u, CURLUPart part) {
    char *text = NULL;
    if (curl_url_get(u, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return STR_NONE;
    struct str copy = str_copy(mem, str_of(text));
    curl_free(text);
    return copy;
}

static int read_place(struct arena *mem, CURLU *u, const char *url, struct place *ret, struct err *e) {
    CURLUcode bad = curl_url_set(u, CURLUPART_URL, url, 0);
    if (bad) return err_set(e, ERR_url, "url", "%s", curl_url_strerror(bad));
    struct str scheme = url_part(mem, u, CURLUPART_SCHEME);
    if (!str_eq(scheme, S("http")) && !str_eq(scheme, S("https")))
        return err_set(e, ERR_url, "url", "%.*s://", STRF(scheme));
    // "http://inside@outside/" is made to be misread; nobody needs it
    if (url_part(mem, u, CURLUPART_USER).p || url_part(mem, u, CURLUPART_PASSWORD).p)
        return err_set(e, ERR_url, "url", "user@host");
    ret->host = url_part(mem, u, CURLUPART_HOST);
    ret->port = url_part(mem, u, CURLUPART_PORT);
    if (ret->host.n == 0 || ret->port.n == 0) return err_set(e, ERR_url, "url", "host");
    return OK;
}

static int parse_url(struct arena *mem, struct str url, const struct str *allow, size_t allow_n,
                     struct place *ret, struct err *e) {
    if (url.n > FETCH_URL_MAX) return err_set(e, ERR_too_large, "url", "%d", FETCH_URL_MAX);
    for (size_t i = 0; i < url.n; i++)
        if ((uint8_t)url.p[i] <= 0x20 || url.p[i] == 0x7f)
            return err_set(e, ERR_url, "url", "control byte or space");
    char *text = str_z(mem, url);
    CURLU *u = curl_url();
    if (u == NULL || text == NULL) {
        curl_url_cleanup(u);
        return err_set(e, ERR_no_memory, "", " ");
    }
    int err = read_place(mem, u, text, ret, e);
    curl_url_cleanup(u);
    if (err) return err;
    struct str both = str_print(mem, "%.*s:%.*s", STRF(ret->host), STRF(ret->port));
    ret->is_allowed = false;
    for (size_t i = 0; i < allow_n; i++)
        if (both.n && str_eq_nocase(allow[i], both)) ret->is_allowed = true;
    return OK;
}

int fetch_url_ok(struct arena *mem, struct str url, const struct str *allow, size_t allow_n, struct err *e) {
    struct place at;
    int err = parse_url(mem, url, allow, allow_n, &at, e);
    if (err || at.is_allowed) return err;
    struct str host = at.host;
    if (host.p[0] == '[' && host.n > 2) host = (struct str){host.p + 1, host.n - 2};
    char *name = str_z(mem, host), *port = str_z(mem, at.port);
    if (name == NULL || port == NULL) return err_set(e, ERR_no_memory, "", " ");
    struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int bad = getaddrinfo(name, port, &want, &found);
    if (bad) return err_set(e, ERR_url_host, "url", "%.*s", STRF(at.host));
    bool ok = true;
    for (const struct addrinfo *a = found; a && ok; a = a->ai_next)
        ok = fetch_address_ok(a->ai_addr);
    freeaddrinfo(found);
    return ok ? OK : err_set(e, ERR_url_inner, "url", "%.*s", STRF(at.host));
}

// ---- one exchange -----------------------------------------------------------------------

struct call {
    struct place at;
    struct buf body;
    size_t head_bytes;
    bool was_refused;
};

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *a) {
    struct call *call = user;
    if (purpose != CURLSOCKTYPE_IPCXN || (!call->at.is_allowed && !fetch_address_ok(&a->addr))) {
        call->was_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t on_body(char *p, size_t size, size_t n, void *user) {
    struct call *call = user;
    buf_put(&call->body, (struct str){p, size * n});
    return call->body.over ? 0 : size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *user) {
    (void)p;
    struct call *call = user;
    call->head_bytes += size * n;
    return call->head_bytes > FETCH_HEAD_MAX ? 0 : size * n;
}

// A header from data must not become two.
static bool header_ok(struct http_header h) {
    if (h.name.n == 0) return false;
    for (size_t i = 0; i < h.name.n; i++) {
        char c = h.name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_';
        if (!ok) return false;
    }
    for (size_t i = 0; i < h.value.n; i++)
        if ((uint8_t)h.value.p[i] < 0x20 || h.value.p[i] == 0x7f) return false;
    return true;
}

static int make_headers(struct arena *mem, const struct fetch_request *q, struct curl_slist **ret,
                        struct err *e) {
    // No "Expect: 100-continue": a second lost on each peer that does not know it.
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < q->headers_n && list; i++) {
        struct http_header h = q->headers[i];
        if (!header_ok(h)) {
            curl_slist_free_all(list);
            return err_set(e, ERR_bad_request, "header", "%.*s", STRF(h.name));
        }
        // "Name;" is curl's spelling of a header with an empty value
        struct str line = h.value.n ? str_print(mem, "%.*s: %.*s", STRF(h.name), STRF(h.value))
                                    : str_print(mem, "%.*s;", STRF(h.name));
        char *text = str_z(mem, line);
        struct curl_slist *more = text ? curl_slist_append(list, text) : NULL;
        if (more == NULL) curl_slist_free_all(list);
        list = more;
    }
    if (list == NULL) return err_set(e, ERR_no_memory, "", " ");
    *ret = list;
    return OK;
}

static CURLcode set_limits(CURL *c, const struct fetch_request *q, struct call *call) {
    long timeout = q->timeout_ms > 0 ? q->timeout_ms : FETCH_TIMEOUT_MS;
    long connect = timeout < FETCH_CONNECT_TIMEOUT_MS ? timeout : FETCH_CONNECT_TIMEOUT_MS;
    CURLcode bad = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_PROXY, ""); // not even from the environment
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, call);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_WRITEDATA, call);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_HEADERDATA, call);
    return bad;
}

static CURLcode set_request(CURL *c, const struct fetch_request *q, const char *url,
                            struct curl_slist *headers) {
    CURLcode bad = curl_easy_setopt(c, CURLOPT_URL, url);
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_USERAGENT, "gusu");
    if (!bad) bad = curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    bool has_body = q->body.n || q->method == HTTP_POST || q->method == HTTP_PUT || q->method == HTTP_PATCH;
    if (!bad && has_body) bad = curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
    if (!bad && has_body) bad = curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body.n ? q->body.p : "");
    if (!bad && q->method == HTTP_HEAD) return curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    if (!bad && (has_body || q->method != HTTP_GET))
        bad = curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, http_method_name(q->method));
    return bad;
}

static int explain(CURLcode bad, const struct call *call, struct err *e) {
    if (call->was_refused) return err_set(e, ERR_url_inner, "url", "%.*s", STRF(call->at.host));
    if (call->body.over) return err_set(e, ERR_net, "url", "reply over %zu bytes", call->body.max_bytes);
    if (bad == CURLE_OPERATION_TIMEDOUT) return err_set(e, ERR_net_late, "url", "%.*s", STRF(call->at.host));
    return err_set(e, ERR_net, "url", "%s", curl_easy_strerror(bad));
}

static int perform(struct arena *mem, CURL *c, struct call *call, struct fetch_reply *ret, struct err *e) {
    struct net_sigpipe held = net_sigpipe_hold();
    CURLcode bad = curl_easy_perform(c);
    net_sigpipe_release(held);
    long status = 0, sent = 0;
    char *type = NULL;
    (void)curl_easy_getinfo(c, CURLINFO_REQUEST_SIZE, &sent);
    if (bad) {
        // Some of the request had left: the peer may have done it. People must be able to see that.
        ret->maybe_done = sent > 0;
        return explain(bad, call, e);
    }
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
    *ret = (struct fetch_reply){.status = (int)status,
                                .type = type ? str_copy(mem, str_of(type)) : STR_NONE,
                                .body = buf_str(&call->body)};
    return OK;
}

int fetch(struct arena *mem, const struct fetch_request *q, struct fetch_reply *ret, struct err *e) {
    struct call call = {.body = buf_new(mem, 4096, q->reply_max ? q->reply_max : FETCH_BODY_MAX)};
    struct curl_slist *headers = NULL;
    ret->maybe_done = false;
    int err = parse_url(mem, q->url, q->allow, q->allow_n, &call.at, e);
    if (!err) err = make_headers(mem, q, &headers, e);
    if (err) return err;
    char *url = str_z(mem, q->url);
    CURL *c = url ? curl_easy_init() : NULL;
    if (c == NULL) {
        err = err_set(e, ERR_no_memory, "", " ");
    } else {
        CURLcode bad = set_limits(c, q, &call);
        if (!bad) bad = set_request(c, q, url, headers);
        err =
            bad ? err_set(e, ERR_net, "url", "%s", curl_easy_strerror(bad)) : perform(mem, c, &call, ret, e);
    }
    curl_easy_cleanup(c);
    curl_slist_free_all(headers);
    return err;
}
