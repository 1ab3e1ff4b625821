// SPDX-License-Identifier: MulanPSL-2.0
// HTTP out, over libcurl, for proxied services: blocking, so it runs on a worker, never on a loop. The host's
// own networks are out of reach: every address a name resolves to is checked before connecting (loopback,
// private, link-local, multicast, metadata addresses are refused, IPv4-mapped ones too), redirects are not
// followed, only http and https, unless the operator allowed that exact "host:port".
#ifndef NET_FETCH_H
#define NET_FETCH_H
#include "net/http.h"
#define FETCH_BODY_MAX ((size_t)16 << 20)
struct fetch_request {
    enum http_method method;
    struct str url, body;
    const struct http_header *headers;
    size_t headers_n;
    int timeout_ms;          // whole exchange; 0 = 20000
    size_t reply_max;        // 0 = FETCH_BODY_MAX
    const struct str *allow; // "host:port" entries that may lie inside the own network
    size_t allow_n;
};
struct fetch_reply {
    int status;
    struct str type, body;
    bool maybe_done; /* failed after sending: outcome unknown */
};
int fetch(struct arena *mem, const struct fetch_request *q, struct fetch_reply *ret, struct err *e) MUST;
// The judgement alone, for tests and for checking a URL when it is registered.
int fetch_url_ok(struct arena *mem, struct str url, const struct str *allow, size_t allow_n,
                 struct err *e) MUST;
#endif
