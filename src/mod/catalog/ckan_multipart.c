// SPDX-License-Identifier: MulanPSL-2.0
// The reader. Kept true: a part is a stretch of the body, never copied; names and fields are UTF-8; what stands behind
// the closing boundary is passed over, what stands before the first one is an error (our clients write none).
#include "mod/catalog/ckan_multipart.h"

#define BOUNDARY_MAX 70 // RFC 2046

static int bad(struct err *e, const char *what) {
    return err_set(e, ERR_bad_request, "body", "multipart: %s", what);
}

// A parameter of a header's value: name="…" or boundary=… Quotes may hold what else would end it.
static struct str header_word(struct arena *mem, struct str header, const char *name) {
    struct buf b = buf_new(mem, 64, 4096);
    for (size_t i = 0; i < header.n;) {
        size_t from = i;
        while (i < header.n && header.p[i] != ';' && header.p[i] != '=')
            i++;
        struct str key = str_trim((struct str){header.p + from, i - from});
        bool wanted = i < header.n && header.p[i] == '=' && str_eq_nocase(key, str_of(name));
        bool is_quoted = false;
        if (i < header.n && header.p[i] == '=') i++;
        for (; i < header.n && (is_quoted || header.p[i] != ';'); i++) {
            char c = header.p[i];
            if (c == '"') {
                is_quoted = !is_quoted;
                continue;
            }
            if (c == '\\' && is_quoted && i + 1 < header.n) c = header.p[++i];
            if (wanted) buf_char(&b, c);
        }
        if (wanted) return b.n ? str_trim(buf_str(&b)) : S("");
        i++;
    }
    return STR_NONE;
}

static const char *find(struct str text, struct str part) {
    return text.n < part.n ? NULL : memmem(text.p, text.n, part.p, part.n);
}

static struct str disposition_of(struct str head) {
    for (struct str rest = head; rest.p;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest)), value;
        struct str name = str_cut(line, ':', &value);
        if (value.p && str_eq_nocase(str_trim(name), S("Content-Disposition"))) return str_trim(value);
    }
    return STR_NONE;
}

static int read_part(struct arena *mem, struct str text, ckan_part_fn *fn, void *arg, struct err *e) {
    const char *end = find(text, S("\r\n\r\n"));
    if (!end) return bad(e, "headers");
    struct str head = {text.p, (size_t)(end - text.p)}, disposition = disposition_of(head);
    if (!disposition.p || !str_utf8_ok(disposition)) return bad(e, "Content-Disposition");
    struct ckan_part part = {.name = header_word(mem, disposition, "name"),
                             .file_name = header_word(mem, disposition, "filename"),
                             .value = {end + 4, text.n - head.n - 4}};
    if (!part.name.n) return bad(e, "name");
    if (!part.file_name.p && !str_utf8_ok(part.value)) return err_set(e, ERR_utf8, "body", "%s", "");
    return fn(arg, &part);
}

int ckan_multipart(struct arena *mem, struct str type, struct str body, ckan_part_fn *fn, void *arg,
                   struct err *e) {
    struct str boundary = header_word(mem, type, "boundary");
    if (!boundary.n || boundary.n > BOUNDARY_MAX)
        return err_set(e, ERR_bad_request, "Content-Type", "boundary");
    struct str mark = str_print(mem, "\r\n--%.*s", STRF(boundary));
    struct str line = {mark.p + 2, mark.n - 2};
    if (!mark.p || !str_starts(body, line)) return bad(e, "boundary");
    struct str rest = {body.p + line.n, body.n - line.n};
    for (int parts = 0; !str_starts(rest, S("--")); parts++) {
        if (parts == CKAN_MULTIPART_MAX) return err_set(e, ERR_too_large, "body", "%d", CKAN_MULTIPART_MAX);
        if (!str_starts(rest, S("\r\n"))) return bad(e, "boundary");
        struct str from = {rest.p + 2, rest.n - 2};
        const char *end = find(from, mark);
        if (!end) return bad(e, "end");
        struct str text = {from.p, (size_t)(end - from.p)};
        int code = read_part(mem, text, fn, arg, e);
        if (code != OK) return code;
        rest = (struct str){end + mark.n, from.n - text.n - mark.n};
    }
    return OK;
}
