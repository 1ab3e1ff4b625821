// SPDX-License-Identifier: MulanPSL-2.0
// The offline verifier: one HTML file that people take home, with the log's own keys written into it as it leaves. The
// file is made by the page's build and lies beside it. Keeps true: the policy that the file carries for itself (no
// request to anywhere, this script and this style alone) is the one it is served under.
#include "app/server.h"
#include "base/file.h"
#include "mod/ledger/ledger.h"

#define VERIFIER_MAX  ((size_t)2 << 20)
#define VERIFIER_FILE "ledger/verifier.html"

static const struct str keys_mark = S_INIT("%KEYS%");
static const struct str policy_mark = S_INIT("http-equiv=\"Content-Security-Policy\" content=\"");

// The origin may hold any sign that is no space: what HTML would read is written as HTML wants it.
static void put_escaped(struct buf *b, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (c == '&' || c == '<' || c == '>')
            buf_puts(b, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
        else
            buf_char(b, c);
    }
}

static struct str policy_of(struct cx *cx, struct str page) {
    const char *at = memmem(page.p, page.n, policy_mark.p, policy_mark.n);
    if (!at) return S("default-src 'none'");
    const char *from = at + policy_mark.n;
    struct str rest = {from, page.n - (size_t)(from - page.p)}, ignore;
    struct str policy = str_cut(rest, '"', &ignore);
    return str_print(cx->mem, "%.*s; frame-ancestors 'none'", STRF(policy));
}

static int get_verifier(struct cx *cx) {
    const struct server *s = cx->city->mod[module_index("app")];
    struct str page, keys;
    if (!s) return cx_fail(cx, ERR_not_found, "page", "%s", VERIFIER_FILE);
    struct str path = str_print(cx->mem, "%s/%s", s->web, VERIFIER_FILE);
    if (!path.p || !file_exists(str_z(cx->mem, path)))
        return cx_fail(cx, ERR_not_found, "page", "%s", VERIFIER_FILE);
    int code = file_read(cx->mem, str_z(cx->mem, path), VERIFIER_MAX, &page, &cx->err);
    if (code == OK) code = ledger_public_keys(cx, &keys);
    if (code != OK) return code;
    const char *mark = memmem(page.p, page.n, keys_mark.p, keys_mark.n);
    if (!mark) return cx_fail(cx, ERR_file, "page", "%s", VERIFIER_FILE);
    struct buf b = buf_new(cx->mem, page.n + keys.n + 64, VERIFIER_MAX);
    size_t before = (size_t)(mark - page.p), after = before + keys_mark.n;
    buf_put(&b, (struct str){page.p, before});
    put_escaped(&b, keys);
    buf_put(&b, (struct str){page.p + after, page.n - after});
    if (b.over) return cx_fail(cx, ERR_no_memory, "", "verifier");
    cx_reply_body(cx, "text/html; charset=utf-8", buf_str(&b));
    cx_reply_header(cx, "Content-Security-Policy", policy_of(cx, page));
    if (cx_bool(cx, "download", false))
        cx_reply_header(cx, "Content-Disposition", S("attachment; filename=\"gusu-verifier.html\""));
    return OK;
}

static const struct field takes[] = {
    {"download", .where = IN_QUERY, .type = T_BOOL, .zh = "作为文件下载", .en = "as a file to keep"}, {0}};
static const struct shape gives = {"ledger_verifier", NULL, "text/html"};
const struct route verifier_routes[] = {{"GET", "/ledger/verifier.html", ROUTE_READ, R_PUBLIC, takes, &gives,
                                         .handle = get_verifier, .zh = "离线核验页（单个文件）",
                                         .en = "The offline verifier, one HTML file"},
                                        {0}};
