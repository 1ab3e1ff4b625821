// SPDX-License-Identifier: MulanPSL-2.0
// Whole files and folders. Keeps true: a file that is replaced is either the old or the new one after a power
// cut, never half of each (temporary file in the same folder, fsync, rename, fsync of the folder); reading
// and listing have limits; descriptors are closed on every path and never leak into a child.
#include "base/file.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PATH_MAX  4096
#define FILE_LIST_MAX  100000
#define FILE_READ_STEP ((size_t)64 << 10)

static int fail(struct err *e, const char *path, int number) {
    if (number == ENOENT) return err_set(e, ERR_not_found, "", "%s", path);
    const char *why = strerrordesc_np(number); // unlike strerror it shares no buffer between threads
    enum err_code code = number == ENOSPC ? ERR_store_full : ERR_file;
    return err_set(e, code, "", "%s: %s", path, why ? why : "?");
}

// The buffer's room is one byte more than the file is long, so that a single read sees the end of most files.
static int read_all(int fd, struct arena *mem, const char *path, size_t size, size_t max_bytes,
                    struct str *ret, struct err *e) {
    struct buf b = buf_new(mem, size < max_bytes ? size + 1 : max_bytes, max_bytes);
    for (;;) {
        // A file may be longer than its size said (it grows, or it is one of /proc): read until the end.
        size_t want = size >= b.n ? size - b.n + 1 : FILE_READ_STEP;
        if (want > max_bytes - b.n) want = max_bytes - b.n;
        char extra;
        char *room = want > 0 ? buf_room(&b, want) : &extra;
        if (!room) return err_set(e, ERR_no_memory, "", "%s", path);
        ssize_t n = read(fd, room, want > 0 ? want : 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(e, path, errno);
        if (n == 0) break;
        if (want == 0) return err_set(e, ERR_too_large, "", "%zu B (%s)", max_bytes, path);
        b.n += (size_t)n;
    }
    *ret = b.p ? buf_str(&b) : S("");
    return OK;
}

int file_read(struct arena *mem, const char *path, size_t max_bytes, struct str *ret, struct err *e) {
    assert(max_bytes > 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe put in place of a file must not hang us
    if (fd < 0) return fail(e, path, errno);
    struct stat st;
    int code;
    if (fstat(fd, &st) != 0)
        code = fail(e, path, errno);
    else if (!S_ISREG(st.st_mode))
        code = fail(e, path, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
    else if (st.st_size > 0 && (size_t)st.st_size > max_bytes)
        code = err_set(e, ERR_too_large, "", "%zu B (%s)", max_bytes, path);
    else
        code = read_all(fd, mem, path, (size_t)st.st_size, max_bytes, ret, e);
    close(fd);
    return code;
}

// write(2) may take less than it is given: near a full disk, or when a signal comes.
static bool write_all(int fd, struct str bytes) {
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return true;
}

// The name is only safe on disk when the folder that holds it is.
static bool sync_folder_of(const char *path) {
    char folder[FILE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) : 0;
    snprintf(folder, sizeof folder, "%.*s", n, path);
    int fd = open(slash ? (n ? folder : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fsync(fd) == 0;
    int number = errno;
    close(fd);
    errno = number;
    return ok;
}

//     path.XXXXXX: create (exclusive) ─► mode ─► write ─► fsync ─► close ─► rename to path ─► fsync of the folder
// Until the rename the old file stands; after it the new one. On any failure the temporary file is removed. The
// mode is set before the first byte is written, so a secret is never readable for a moment.
int file_write(const char *path, struct str bytes, unsigned mode, struct err *e) {
    char temp[FILE_PATH_MAX];
    int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temp) return fail(e, path, ENAMETOOLONG);
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) return fail(e, path, errno);
    bool ok = fchmod(fd, (mode_t)mode) == 0 && write_all(fd, bytes) && fsync(fd) == 0;
    int number = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        number = errno;
    }
    if (ok && rename(temp, path) != 0) {
        ok = false;
        number = errno;
    }
    if (!ok) {
        unlink(temp);
        return fail(e, path, number);
    }
    return sync_folder_of(path) ? OK : fail(e, path, errno);
}

// Somebody else may make the same folder at the same time; what counts is that one stands there afterwards.
static int make_dir(const char *path, unsigned mode, struct err *e) {
    if (mkdir(path, (mode_t)mode) == 0) return OK;
    if (errno != EEXIST) return fail(e, path, errno);
    struct stat st;
    if (stat(path, &st) != 0) return fail(e, path, errno);
    return S_ISDIR(st.st_mode) ? OK : fail(e, path, ENOTDIR);
}

int file_make_dirs(const char *path, unsigned mode, struct err *e) {
    char part[FILE_PATH_MAX];
    int n = snprintf(part, sizeof part, "%s", path);
    if (n < 0 || (size_t)n >= sizeof part) return fail(e, path, ENAMETOOLONG);
    for (int i = 1; i < n; i++) {
        if (part[i] != '/' || part[i - 1] == '/') continue;
        part[i] = 0;
        int code = make_dir(part, mode, e);
        if (code) return code;
        part[i] = '/';
    }
    return make_dir(part, mode, e);
}

bool file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

static int by_bytes(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

// Sorted, since the order of readdir depends on the file system: packs must load alike on every machine.
static int list_open(struct arena *mem, DIR *dir, const char *path, struct str **ret_names, size_t *ret_n,
                     struct err *e) {
    struct str *names = NULL;
    size_t n = 0, cap = 0;
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (!d && errno != 0) return fail(e, path, errno);
        if (!d) break;
        if (d->d_name[0] == '.') continue;
        if (n == FILE_LIST_MAX) return err_set(e, ERR_too_large, "", "%d (%s)", FILE_LIST_MAX, path);
        if (n == cap) {
            size_t more = cap ? cap * 2 : 32;
            names = arena_grow(mem, names, cap * sizeof *names, more * sizeof *names);
            if (!names) return err_set(e, ERR_no_memory, "", "%s", path);
            cap = more;
        }
        struct stat st;
        bool is_dir = fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
        names[n] = str_print(mem, "%s%s", d->d_name, is_dir ? "/" : "");
        if (!names[n++].p) return err_set(e, ERR_no_memory, "", "%s", path);
    }
    if (n > 1) qsort(names, n, sizeof *names, by_bytes);
    *ret_names = names;
    *ret_n = n;
    return OK;
}

int file_list(struct arena *mem, const char *dir, struct str **ret_names, size_t *ret_n, struct err *e) {
    DIR *open_dir = opendir(dir);
    if (!open_dir) return fail(e, dir, errno);
    int code = list_open(mem, open_dir, dir, ret_names, ret_n, e);
    closedir(open_dir);
    return code;
}
