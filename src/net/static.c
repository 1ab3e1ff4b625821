// SPDX-License-Identifier: MulanPSL-2.0
// Files of the web page. A path is walked part by part below one open folder and no symbolic link is
// followed, so no spelling of a path leads out of it; names that begin with a dot do not exist. Validators
// come from the file itself (time of change and size), so there is no cache here that could grow stale.
#include "net/static.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATIC_PATH_MAX  1024
#define STATIC_DEPTH_MAX 16
#define STATIC_HEADERS   8 // of our own; see answer()

struct static_dir {
    int fd;
};

static const struct {
    struct str ext, type;
    bool is_text; // worth a .gz sibling
} types[] = {
#define TYPE(ext, type, is_text)                                                                             \
    { {ext, sizeof(ext) - 1}, {type, sizeof(type) - 1}, is_text }
    TYPE("html", "text/html; charset=utf-8", true),
    TYPE("js", "text/javascript; charset=utf-8", true),
    TYPE("mjs", "text/javascript; charset=utf-8", true),
    TYPE("css", "text/css; charset=utf-8", true),
    TYPE("json", "application/json", true),
    TYPE("map", "application/json", true),
    TYPE("geojson", "application/geo+json", true),
    TYPE("webmanifest", "application/manifest+json", true),
    TYPE("svg", "image/svg+xml", true),
    TYPE("txt", "text/plain; charset=utf-8", true),
    TYPE("md", "text/markdown; charset=utf-8", true),
    TYPE("csv", "text/csv; charset=utf-8", true),
    TYPE("xml", "application/xml", true),
    TYPE("wasm", "application/wasm", true),
    TYPE("pbf", "application/x-protobuf", true),
    TYPE("ttf", "font/ttf", true),
    TYPE("woff", "font/woff", false),
    TYPE("woff2", "font/woff2", false),
    TYPE("png", "image/png", false),
    TYPE("jpg", "image/jpeg", false),
    TYPE("jpeg", "image/jpeg", false),
    TYPE("gif", "image/gif", false),
    TYPE("webp", "image/webp", false),
    TYPE("avif", "image/avif", false),
    TYPE("ico", "image/x-icon", false),
    TYPE("pdf", "application/pdf", false),
    TYPE("zip", "application/zip", false),
    TYPE("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false),
#undef TYPE
};

struct found {
    int fd;
    struct stat st;
    struct str name; // last part of the path
    struct str type;
    bool is_text, is_gzip;
};

int static_open(struct arena *mem, const char *dir, struct static_dir **ret, struct err *e) {
    struct static_dir *d = arena_take(mem, sizeof *d);
    if (d == NULL) return err_set(e, ERR_no_memory, "", " ");
    d->fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (d->fd < 0) return err_set(e, ERR_file, dir, "%s", strerrordesc_np(errno));
    *ret = d;
    return OK;
}

void static_close(struct static_dir *d) {
    if (d && d->fd >= 0) {
        close(d->fd);
        d->fd = -1;
    }
}

// ---- finding the file -------------------------------------------------------------------

// The regular file at a relative path, or -1.
static int open_below(int dir_fd, struct str path, struct stat *ret) {
    int at = dir_fd;
    for (int depth = 0; path.p && depth < STATIC_DEPTH_MAX; depth++) {
        struct str rest, part = str_cut(path, '/', &rest);
        char name[256]; // NAME_MAX and its end
        bool is_name = part.n && part.n < sizeof name && part.p[0] != '.';
        if (is_name) {
            memcpy(name, part.p, part.n);
            name[part.n] = 0;
        }
        int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (rest.p ? O_DIRECTORY : 0);
        int next = is_name ? openat(at, name, flags) : -1;
        if (at != dir_fd) close(at);
        if (next < 0) return -1;
        at = next;
        path = rest;
    }
    bool ok = path.p == NULL && fstat(at, ret) == 0 && S_ISREG(ret->st_mode);
    if (ok) return at;
    if (at != dir_fd) close(at);
    return -1;
}

static void name_type(struct found *f) {
    f->type = S("application/octet-stream");
    size_t dot = f->name.n;
    while (dot > 0 && f->name.p[dot - 1] != '.')
        dot--;
    if (dot == 0) return;
    struct str ext = {f->name.p + dot, f->name.n - dot};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_eq_nocase(types[i].ext, ext)) {
            f->type = types[i].type;
            f->is_text = types[i].is_text;
        }
}

// gzip named with a q other than 0 (RFC 9110 §12.5.3); "*" is not taken for it.
static bool accepts_gzip(const struct http_exchange *x) {
    struct str rest = http_header(x, "Accept-Encoding");
    while (rest.p) {
        struct str weight, coding = str_trim(str_cut(str_cut(rest, ',', &rest), ';', &weight));
        if (!str_eq_nocase(coding, S("gzip"))) continue;
        weight = str_trim(weight);
        if (weight.n < 3) return true;
        for (size_t i = 2; i < weight.n; i++)
            if (weight.p[i] >= '1' && weight.p[i] <= '9') return true;
        return false;
    }
    return false;
}

static struct str last_part(struct str path) {
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '/')
        at--;
    return (struct str){path.p + at, path.n - at};
}

static void take_gzip(struct static_dir *d, struct http_exchange *x, struct str path, struct found *f) {
    // A range counts bytes of the plain form.
    if (!f->is_text || http_header(x, "Range").p || !accepts_gzip(x)) return;
    struct stat st;
    int fd = open_below(d->fd, str_print(x->mem, "%.*s.gz", STRF(path)), &st);
    if (fd < 0) return;
    close(f->fd);
    f->fd = fd;
    f->st = st;
    f->is_gzip = true;
}

static bool find(struct static_dir *d, struct http_exchange *x, struct found *ret) {
    struct str path;
    if (!http_decode(x->mem, x->path, false, &path) || path.n > STATIC_PATH_MAX || path.p[0] != '/')
        return false;
    path = (struct str){path.p + 1, path.n - 1};
    struct str name = last_part(path);
    ret->fd = name.n ? open_below(d->fd, path, &ret->st) : -1;
    // The page routes itself: an address without a dot is one of its views.
    if (ret->fd < 0 && (name.n == 0 || !memchr(name.p, '.', name.n))) {
        path = S("index.html");
        ret->fd = open_below(d->fd, path, &ret->st);
    }
    if (ret->fd < 0) return false;
    ret->name = last_part(path);
    name_type(ret);
    take_gzip(d, x, path, ret);
    return true;
}

// ---- what the client has, and what it wants ---------------------------------------------

// name-XXXXXXXX.ext, as bundlers write it: eight characters of base64url that are neither a word nor a date.
static bool has_content_hash(struct str name) {
    size_t stem = 0;
    while (stem < name.n && name.p[stem] != '.')
        stem++;
    if (stem < 10 || name.p[stem - 9] != '-') return false;
    bool has_letter = false, has_other = false;
    for (size_t i = stem - 8; i < stem; i++) {
        char c = name.p[i];
        bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
        if (!lower && !upper && !digit && c != '_' && c != '-') return false;
        has_letter |= lower || upper;
        has_other |= !lower;
    }
    return has_letter && has_other;
}

static bool has_tag(struct str list, struct str etag) {
    while (list.p) {
        struct str tag = str_trim(str_cut(list, ',', &list));
        if (str_starts(tag, S("W/")))
            tag = (struct str){tag.p + 2, tag.n - 2}; // weak comparison, RFC 9110 §13.1.2
        if (str_eq(tag, S("*")) || str_eq(tag, etag)) return true;
    }
    return false;
}

enum range_kind { RANGE_NONE, RANGE_ONE, RANGE_BEYOND };

// One "bytes=" range of a file of `size` bytes. Anything odd or many-fold is ignored, as RFC 9110 §14.2
// allows.
static enum range_kind read_range(const struct http_exchange *x, struct str etag, int64_t size,
                                  int64_t *ret_from, int64_t *ret_n) {
    struct str range = http_header(x, "Range"), only_if = http_header(x, "If-Range");
    if (!str_starts(range, S("bytes=")) || x->method != HTTP_GET) return RANGE_NONE;
    if (only_if.p && !str_eq(only_if, etag)) return RANGE_NONE;
    struct str to, from = str_cut((struct str){range.p + 6, range.n - 6}, '-', &to);
    int64_t a = 0, b = 0;
    bool has_a = from.n && from.p[0] != '+' && str_int64(from, &a),
         has_b = to.n && to.p[0] != '+' && str_int64(to, &b);
    if ((from.n && !has_a) || (to.n && !has_b) || (!has_a && !has_b) || a < 0 || b < 0) return RANGE_NONE;
    if (!has_a) { // the last b bytes
        if (b == 0) return RANGE_BEYOND;
        a = b < size ? size - b : 0;
        b = size - 1;
    } else if (!has_b || b >= size) {
        b = size - 1;
    } else if (b < a) {
        return RANGE_NONE;
    }
    if (a >= size) return RANGE_BEYOND;
    *ret_from = a;
    *ret_n = b - a + 1;
    return RANGE_ONE;
}

// ---- answering --------------------------------------------------------------------------

struct headers {
    struct http_header *all;
    size_t n;
};

static void add(struct headers *h, const char *name, struct str value) {
    h->all[h->n++] = (struct http_header){str_of(name), value};
}

static void refuse(struct http_exchange *x, struct headers *h, int status) {
    struct http_out out = {status, S("application/problem+json"), h->all, h->n, false};
    http_reply(x, &out, http_problem(x->mem, status, NULL));
}

static void answer(struct http_exchange *x, struct headers *h, const struct found *f) {
    int64_t mtime_ns = (int64_t)f->st.st_mtim.tv_sec * 1000000000 + f->st.st_mtim.tv_nsec;
    int64_t size = f->st.st_size, from = 0, n = size;
    struct str etag = str_print(x->mem, "\"%llx-%llx%s\"", (unsigned long long)mtime_ns,
                                (unsigned long long)size, f->is_gzip ? "-gz" : "");
    add(h, "ETag", etag);
    add(h, "Cache-Control",
        has_content_hash(f->name) ? S("public, max-age=31536000, immutable") : S("no-cache"));
    add(h, "Accept-Ranges", S("bytes"));
    if (f->is_text) add(h, "Vary", S("Accept-Encoding"));
    if (f->is_gzip) add(h, "Content-Encoding", S("gzip"));
    struct http_out out = {.status = 200, .type = f->type};
    struct str known = http_header(x, "If-None-Match");
    enum range_kind range = read_range(x, etag, size, &from, &n);
    if (known.p && has_tag(known, etag)) {
        out.status = 304;
    } else if (range == RANGE_BEYOND) {
        add(h, "Content-Range", str_print(x->mem, "bytes */%lld", (long long)size));
        close(f->fd);
        refuse(x, h, 416);
        return;
    } else if (range == RANGE_ONE) {
        out.status = 206;
        add(h, "Content-Range",
            str_print(x->mem, "bytes %lld-%lld/%lld", (long long)from, (long long)(from + n - 1),
                      (long long)size));
    }
    out.headers = h->all;
    out.headers_n = h->n;
    if (out.status == 304) {
        close(f->fd);
        http_reply(x, &out, STR_NONE);
    } else {
        http_reply_file(x, &out, f->fd, from, n);
    }
}

void static_serve(struct static_dir *d, struct http_exchange *x, const struct http_header *headers,
                  size_t headers_n) {
    struct headers h = {arena_array(x->mem, headers_n + STATIC_HEADERS, sizeof *headers), headers_n};
    if (h.all == NULL) {
        http_reply(x, &(struct http_out){.status = 503, .close = true}, STR_NONE);
        return;
    }
    if (headers_n) memcpy(h.all, headers, headers_n * sizeof *headers);
    struct found f = {.fd = -1};
    if (x->method != HTTP_GET && x->method != HTTP_HEAD) {
        add(&h, "Allow", S("GET, HEAD"));
        refuse(x, &h, 405);
    } else if (find(d, x, &f)) {
        answer(x, &h, &f);
    } else {
        refuse(x, &h, 404);
    }
}
