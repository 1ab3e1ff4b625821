// SPDX-License-Identifier: MulanPSL-2.0
// Requests that RFC 9112 forbids, in the one table that the parser's test, the server's test and the fuzz corpus
// share. Each must get 400 and a closed connection; most widely used C libraries answer 200 to several of them.
#ifndef TEST_NET_MALFORMED_H
#define TEST_NET_MALFORMED_H
#include "base/text.h"

#define H "Host: x\r\n"
static const struct {
    const char *name;
    struct str bytes;
} malformed[] = {
#define V(name, text)                                                                                        \
    {                                                                                                        \
        name, {                                                                                              \
            text, sizeof(text) - 1                                                                           \
        }                                                                                                    \
    }
    V("length and chunked together",
      "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    V("two different lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    V("two equal lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    V("length as a list", "POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc"),
    V("length with a sign", "POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc"),
    V("space before the colon", "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    V("bare LF everywhere", "GET / HTTP/1.1\nHost: x\n\n"),
    V("folded header", "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n"),
    V("NUL in a value", "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n"),
    V("no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n"),
    V("two Hosts", "GET / HTTP/1.1\r\n" H "Host: y\r\n\r\n"),
    V("chunk size 0x3", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
    V("no CRLF after a chunk", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n"),
    V("unknown coding", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    V("bad version", "GET / HTTP/1.1x\r\n" H "\r\n"),
    V("bad method", "GE(T / HTTP/1.1\r\n" H "\r\n"),
    V("bare CR", "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n"),
    V("control byte in the target", "GET /a\x01"
                                    "b HTTP/1.1\r\n" H "\r\n"),
    // beyond the eighteen
    V("LF alone ends one line", "GET / HTTP/1.1\r\n" H "A: b\nC: d\r\n\r\n"),
    V("unknown coding beside a length",
      "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc"),
    V("coding twice",
      "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    V("chunked named twice", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunkedchunked\r\n\r\n0\r\n\r\n"),
    V("chunked but not last", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    V("chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    V("negative length", "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n"),
    V("empty length", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"),
    V("length with a space", "POST / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n\r\nabcdefghijk"),
    V("hexadecimal length", "POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc"),
    V("chunk size with a sign",
      "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n"),
    V("chunk size too large",
      "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"),
    V("empty chunk size", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n"),
    V("LF in a chunk line", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"),
    V("blank after a chunk size",
      "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n"),
    V("CR in a chunk extension",
      "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;a\rb\r\nabc\r\n0\r\n\r\n"),
    V("folded trailer", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n"),
    V("nameless trailer", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n: b\r\n\r\n"),
    V("space in a header name", "GET / HTTP/1.1\r\n" H "A b: c\r\n\r\n"),
    V("nameless header", "GET / HTTP/1.1\r\n" H ": c\r\n\r\n"),
    V("line without a colon", "GET / HTTP/1.1\r\n" H "Abc\r\n\r\n"),
    V("first header folded", "GET / HTTP/1.1\r\n A: b\r\n" H "\r\n"),
    V("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    V("Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"),
    V("Host with a user", "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n"),
    V("no target", "GET HTTP/1.1\r\n" H "\r\n"),
    V("two spaces", "GET  / HTTP/1.1\r\n" H "\r\n"),
    V("a tab for a space", "GET\t/ HTTP/1.1\r\n" H "\r\n"),
    V("no version", "GET /\r\n" H "\r\n"),
    V("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    V("lower-case version", "GET / http/1.1\r\n" H "\r\n"),
    V("long version", "GET / HTTP/1.10\r\n" H "\r\n"),
    V("trailing space", "GET / HTTP/1.1 \r\n" H "\r\n"),
    V("relative target", "GET a/b HTTP/1.1\r\n" H "\r\n"),
    V("fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n"),
    V("raw high byte in the target", "GET /\xe5\xa7\x91 HTTP/1.1\r\n" H "\r\n"),
    V("absolute without a host", "GET http:///a HTTP/1.1\r\n" H "\r\n"),
    V("absolute with a user", "GET http://u:p@x/a HTTP/1.1\r\n" H "\r\n"),
    V("another scheme", "GET ftp://x/a HTTP/1.1\r\n" H "\r\n"),
    V("star for GET", "GET * HTTP/1.1\r\n" H "\r\n"),
    V("bad escape in the query", "GET /?a=%zz HTTP/1.1\r\n" H "\r\n"),
    V("cut escape in the query", "GET /?a=%4 HTTP/1.1\r\n" H "\r\n"),
    V("escaped NUL in the query", "GET /?a=%00 HTTP/1.1\r\n" H "\r\n"),
    V("GBK in the query", "GET /?a=%CB%D5 HTTP/1.1\r\n" H "\r\n"),
    V("overlong slash in the path", "GET /%C0%AF HTTP/1.1\r\n" H "\r\n"),
    V("Latin-1 in a value", "GET / HTTP/1.1\r\n" H "A: caf\xe9\r\n\r\n"),
    V("DEL in a value", "GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n"),
    V("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    V("TLS to a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
#undef V
};
#undef H
enum { MALFORMED_N = sizeof malformed / sizeof malformed[0] };
#endif
