// SPDX-License-Identifier: MulanPSL-2.0
// The file store of the catalog: DATA/files/<first two digits>/<SM3 in hex>. Kept true: a file appears under its
// digest only when all its bytes are on disk; bytes that a crash left behind under a temporary name are nobody's.
#include "mod/catalog/files.h"
#include "base/file.h"
#include "core/node.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536

static struct str path_of(struct cx *cx, struct str sm3) {
    return str_print(cx->mem, "%s/files/%.2s/%.*s", cx->city->shared, sm3.p, STRF(sm3));
}

static int io_error(struct cx *cx, const char *what) {
    if (errno == ENOSPC || errno == EDQUOT) return cx_fail(cx, ERR_store_full, "", "%s", "");
    return cx_fail(cx, ERR_file, "", "%s: %s", what, strerrordesc_np(errno));
}

static int write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

// Gives the finished temporary file its true name. A second writer of the same bytes writes the same file.
static int settle(struct cx *cx, int fd, const char *temp, struct str sm3) {
    struct str dir = str_print(cx->mem, "%s/files/%.2s", cx->city->shared, sm3.p), path = path_of(cx, sm3);
    if (!dir.p || !path.p) return cx_fail(cx, ERR_no_memory, "", "path");
    if (fsync(fd) != 0) return io_error(cx, "fsync");
    int code = file_make_dirs(dir.p, 0700, &cx->err);
    if (code != OK) return code;
    if (rename(temp, path.p) != 0) return io_error(cx, "rename");
    int d = open(dir.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d < 0) return io_error(cx, "open");
    int synced = fsync(d); // the name must be durable before a row speaks of it
    close(d);
    return synced == 0 ? OK : io_error(cx, "fsync");
}

static int copy_body(struct cx *cx, int fd, int64_t *ret_bytes) {
    int64_t n = 0;
    if (cx->req->body_fd < 0) {
        hash_add(cx->hasher, cx->req->body);
        *ret_bytes = (int64_t)cx->req->body.n;
        return write_all(fd, cx->req->body.p, cx->req->body.n) == 0 ? OK : io_error(cx, "write");
    }
    char *piece = arena_take(cx->mem, PIECE_BYTES);
    if (!piece) return cx_fail(cx, ERR_no_memory, "", "upload");
    for (;;) {
        ssize_t k = pread(cx->req->body_fd, piece, PIECE_BYTES, (off_t)n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return io_error(cx, "read");
        if (k == 0) break;
        n += k;
        if (n > FILES_BYTES_MAX) return cx_fail(cx, ERR_too_large, "body", "%" PRId64, FILES_BYTES_MAX);
        hash_add(cx->hasher, (struct str){piece, (size_t)k});
        if (write_all(fd, piece, (size_t)k) != 0) return io_error(cx, "write");
    }
    *ret_bytes = n;
    return OK;
}

static int open_temp(struct cx *cx, struct str *ret_name) {
    struct str dir = str_print(cx->mem, "%s/files", cx->city->shared);
    struct str name = str_print(cx->mem, "%s/files/new-XXXXXX", cx->city->shared);
    if (!dir.p || !name.p || file_make_dirs(dir.p, 0700, &cx->err) != OK) return -1;
    char *z = str_z(cx->mem, name);
    int fd = z ? mkostemp(z, O_CLOEXEC) : -1;
    *ret_name = str_of(z);
    return fd;
}

int files_take(struct cx *cx, struct str *ret_sm3, int64_t *ret_bytes) {
    struct str temp;
    uint8_t digest[HASH_BYTES];
    int64_t bytes = 0;
    int fd = open_temp(cx, &temp);
    if (fd < 0) return cx->err.code ? cx->err.code : io_error(cx, "open");
    hash_begin(cx->hasher, HASH_SM3);
    int code = copy_body(cx, fd, &bytes);
    hash_end(cx->hasher, digest);
    if (code == OK && bytes == 0) code = cx_fail(cx, ERR_field_missing, "body", "%s", "");
    struct str sm3 = str_hex(cx->mem, digest, sizeof digest);
    if (code == OK) code = settle(cx, fd, temp.p, sm3);
    if (code != OK) (void)unlink(temp.p);
    close(fd);
    if (code != OK) return code;
    *ret_sm3 = sm3;
    *ret_bytes = bytes;
    return OK;
}

int files_put(struct cx *cx, struct str bytes, struct str *ret_sm3) {
    struct str temp;
    uint8_t digest[HASH_BYTES];
    hash_one(cx->hasher, HASH_SM3, bytes, digest);
    struct str sm3 = str_hex(cx->mem, digest, sizeof digest);
    if (files_has(cx, sm3, (int64_t)bytes.n)) {
        *ret_sm3 = sm3;
        return OK;
    }
    int fd = open_temp(cx, &temp);
    if (fd < 0) return cx->err.code ? cx->err.code : io_error(cx, "open");
    int code = write_all(fd, bytes.p, bytes.n) == 0 ? settle(cx, fd, temp.p, sm3) : io_error(cx, "write");
    if (code != OK) (void)unlink(temp.p);
    close(fd);
    if (code == OK) *ret_sm3 = sm3;
    return code;
}

int files_start(struct cx *cx) {
    struct str dir = str_print(cx->mem, "%s/files", cx->city->shared), *names;
    size_t n = 0;
    if (!dir.p) return cx_fail(cx, ERR_no_memory, "", "path");
    if (!file_exists(dir.p)) return OK;
    int64_t others = 0;
    int code = node_others(cx, &others); // what looks cut off may be on its way into another node
    if (code == OK && others > 0) return OK;
    if (code == OK) code = file_list(cx->mem, dir.p, &names, &n, &cx->err);
    for (size_t i = 0; i < n && code == OK; i++) {
        if (!str_starts(names[i], S("new-"))) continue;
        struct str path = str_print(cx->mem, "%.*s/%.*s", STRF(dir), STRF(names[i]));
        if (path.p) (void)unlink(path.p); // gone already is as good
    }
    return code;
}

bool files_has(struct cx *cx, struct str sm3, int64_t bytes) {
    struct stat st;
    if (sm3.n != (size_t)HASH_BYTES * 2) return false;
    struct str path = path_of(cx, sm3);
    return path.p && stat(path.p, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == bytes;
}

// One range "bytes=a-b", "bytes=a-", "bytes=-n" (RFC 9110 §14); several ranges are answered with the whole, as it allows.
static bool range_of(struct str header, int64_t size, int64_t *from, int64_t *n, bool *bad) {
    struct str last, first;
    int64_t a, b;
    *bad = false;
    if (!str_starts(header, S("bytes=")) || (header.n && memchr(header.p, ',', header.n))) return false;
    first = str_cut((struct str){header.p + 6, header.n - 6}, '-', &last);
    if (!last.p) return false;
    if (first.n == 0) {
        if (!str_int64(last, &b) || b < 0) return false;
        *bad = b == 0;
        *from = b > size ? 0 : size - b;
        *n = size - *from;
        return true;
    }
    if (!str_int64(first, &a) || a < 0) return false;
    b = size - 1;
    if (last.n && (!str_int64(last, &b) || b < a)) return false;
    *bad = a >= size;
    *from = a;
    *n = (b < size - 1 ? b : size - 1) - a + 1;
    return true;
}

int files_send(struct cx *cx, const struct catalog_resource *r) {
    struct str path = r->sm3.n == (size_t)HASH_BYTES * 2 ? path_of(cx, r->sm3) : STR_NONE;
    int fd = path.p ? open(path.p, O_RDONLY | O_CLOEXEC) : -1;
    struct stat st;
    if (fd < 0) return cx_fail(cx, ERR_not_found, "rid", "%.*s", STRF(r->rid));
    if (fstat(fd, &st) != 0) {
        close(fd);
        return io_error(cx, "stat");
    }
    struct str etag = str_print(cx->mem, "\"%.*s\"", STRF(r->sm3));
    int64_t from = 0, n = st.st_size;
    bool bad = false, if_range = !cx_header(cx, "If-Range").p || str_eq(cx_header(cx, "If-Range"), etag);
    if (str_eq(cx_header(cx, "If-None-Match"), etag)) {
        close(fd);
        cx_status(cx, 304);
        cx_reply_header(cx, "ETag", etag);
        cx_reply_body(cx, files_type(r->file_name), S(""));
        return OK;
    }
    bool part = if_range && range_of(catalog_none(cx_header(cx, "Range")), st.st_size, &from, &n, &bad);
    if (part && bad) {
        close(fd);
        cx_reply_header(cx, "Content-Range", str_print(cx->mem, "bytes */%" PRId64, (int64_t)st.st_size));
        return cx_fail(cx, ERR_bad_range, "Range", "%" PRId64, (int64_t)st.st_size);
    }
    cx_reply_fd(cx, files_type(r->file_name), fd, n, r->file_name);
    cx->reply.fd_from = from;
    cx_reply_header(cx, "ETag", etag);
    cx_reply_header(cx, "Accept-Ranges", S("bytes"));
    cx_reply_header(cx, "Gusu-SM3", r->sm3);
    if (!part) return OK;
    cx_status(cx, 206);
    cx_reply_header(cx, "Content-Range",
                    str_print(cx->mem, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, from + n - 1,
                              (int64_t)st.st_size));
    return OK;
}

static const struct {
    const char *end, *format, *type;
} types[] = {{".txt", "txt", "text/plain; charset=utf-8"},
             {".csv", "csv", "text/csv; charset=utf-8"},
             {".json", "json", "application/json"},
             {".geojson", "geojson", "application/geo+json"},
             {".xlsx", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
             {".pdf", "pdf", "application/pdf"},
             {".zip", "zip", "application/zip"},
             {".xml", "xml", "application/xml"},
             {".png", "png", "image/png"},
             {".jpg", "jpg", "image/jpeg"}};

static size_t type_index(struct str name) {
    size_t i = 0;
    for (; i < sizeof types / sizeof *types; i++) {
        struct str end = str_of(types[i].end);
        if (name.n > end.n && str_eq_nocase((struct str){name.p + name.n - end.n, end.n}, end)) break;
    }
    return i;
}

// Anything not in the list (html, svg, scripts …) leaves as bytes: a browser must not run what an office uploaded.
const char *files_type(struct str name) {
    size_t i = type_index(name);
    return i < sizeof types / sizeof *types ? types[i].type : "application/octet-stream";
}

struct str files_format(struct cx *cx, struct str name) {
    size_t i = type_index(name);
    (void)cx;
    return i < sizeof types / sizeof *types ? str_of(types[i].format) : S("bin");
}

bool files_name_ok(struct str name) {
    if (name.n == 0 || name.n > FILES_NAME_MAX || name.p[0] == '.' || !str_utf8_ok(name)) return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < 0x20 || c == 0x7F || c == '/' || c == '\\' || c == ':') return false;
    }
    return true;
}
