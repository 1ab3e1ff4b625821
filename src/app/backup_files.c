// SPDX-License-Identifier: MulanPSL-2.0
// Files under backups: which entry of a data folder is what, copies read once and hashed twice on the way, folders made
// durable, and the removal of a backup. Keeps true: a copy is on disk before it is named in a manifest; nothing of an
// unknown name is copied or removed in silence; removal touches only what looks like a backup.
#include "app/backup.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PIECE_BYTES  ((size_t)1 << 20)
#define REMOVE_DEPTH 4
#define REMOVE_MAX   ((int64_t)1 << 24) // names in one backup

static int fail(struct err *e, const char *path, int number) {
    enum err_code code = number == ENOENT ? ERR_not_found : number == ENOSPC ? ERR_store_full : ERR_file;
    return err_set(e, code, "", "%s: %s", path, strerrordesc_np(number));
}

// The first pattern that fits says what it is. Whoever adds a file to the data folder adds a line here; what stands in
// none is left out and told, since it might be a secret.
static const struct {
    const char *pattern;
    enum backup_kind kind;
} kinds[] = {
    {"gusu.db", BACKUP_STORE},         {"gusu.db-*", BACKUP_PASSING},  {"lock", BACKUP_PASSING},
    {"restored.json", BACKUP_PASSING}, {"*.sock", BACKUP_PASSING},     {"files/", BACKUP_FOLDER},
    {"loads/", BACKUP_FOLDER},         {"tls-cert.pem", BACKUP_PLAIN}, {"*.pem", BACKUP_SECRET},
    {"key*.bin", BACKUP_SECRET},       {"*.key", BACKUP_SECRET},       {"ledger*.vkey", BACKUP_PLAIN},
    {"*.vkey", BACKUP_PLAIN},          {"*.policy", BACKUP_PLAIN},     {"*.json", BACKUP_PLAIN},
    {"*.logs", BACKUP_PLAIN},          {"*.jsonl", BACKUP_PLAIN},      {"*.conf", BACKUP_PLAIN},
    {"*.txt", BACKUP_PLAIN},           {"*.log", BACKUP_PASSING},      {"*.log.*", BACKUP_PASSING},
};

enum backup_kind backup_kind_of(struct str name) {
    char z[BACKUP_NAME_MAX];
    int n = snprintf(z, sizeof z, "%.*s", STRF(name));
    if (n < 0 || (size_t)n >= sizeof z) return BACKUP_UNKNOWN;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (fnmatch(kinds[i].pattern, z, 0) == 0) return kinds[i].kind;
    return BACKUP_UNKNOWN;
}

bool backup_name_ok(struct str name) {
    if (name.n == 0 || name.n >= BACKUP_NAME_MAX || !str_utf8_ok(name)) return false;
    struct str rest = name;
    while (rest.p) {
        struct str part = str_cut(rest, '/', &rest);
        if (part.n == 0 || part.p[0] == '.') return false; // "", ".", "..", hidden
    }
    return true;
}

int digests_open(struct digests *d, struct err *e) {
    *d = (struct digests){hasher_open(), hasher_open()};
    if (d->sha256 && d->sm3) return OK;
    digests_close(d);
    return err_set(e, ERR_no_memory, "", "hasher");
}

void digests_close(struct digests *d) {
    hasher_close(d->sha256);
    hasher_close(d->sm3);
    *d = (struct digests){0};
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static int copy_bytes(struct digests *d, int in, int out, const char *from, const char *to, char *piece,
                      struct backup_file *ret, struct err *e) {
    int64_t unsynced = 0;
    for (;;) {
        ssize_t n = read(in, piece, PIECE_BYTES);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(e, from, errno);
        if (n == 0) return out < 0 || fsync(out) == 0 ? OK : fail(e, to, errno);
        const struct str got = {piece, (size_t)n};
        hash_add(d->sha256, got);
        hash_add(d->sm3, got);
        ret->bytes += n;
        if (out < 0) continue;
        if (!write_all(out, piece, (size_t)n)) return fail(e, to, errno);
        // Written out as it goes: a long tail of dirty pages would stand before everybody else's sync.
        unsynced += n;
        if (unsynced < (int64_t)64 << 20) continue;
        if (fdatasync(out) != 0) return fail(e, to, errno);
        unsynced = 0;
    }
}

int backup_copy(struct digests *d, const char *from, const char *to, struct backup_file *ret, struct err *e) {
    char *piece = malloc(PIECE_BYTES);
    if (!piece) return err_set(e, ERR_no_memory, "", "copy");
    ret->bytes = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), out = -1, code = OK;
    struct stat st;
    if (in < 0)
        code = fail(e, from, errno);
    else if (fstat(in, &st) != 0 || !S_ISREG(st.st_mode))
        code = fail(e, from, EINVAL);
    else if (to && (out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
        code = fail(e, to, errno);
    if (code == OK) {
        hash_begin(d->sha256, HASH_SHA256);
        hash_begin(d->sm3, HASH_SM3);
        code = copy_bytes(d, in, out, from, to, piece, ret, e);
        hash_end(d->sha256, ret->sha256);
        hash_end(d->sm3, ret->sm3);
    }
    if (in >= 0) close(in);
    if (out >= 0 && close(out) != 0 && code == OK) code = fail(e, to, errno);
    free(piece);
    return code;
}

int backup_sync_folder(const char *path, struct err *e) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(e, path, errno);
    int code = fsync(fd) == 0 ? OK : fail(e, path, errno);
    close(fd);
    return code;
}

int64_t backup_free_bytes(const char *path) {
    struct statvfs s;
    if (statvfs(path, &s) != 0) return 0;
    return (int64_t)s.f_bavail * (int64_t)s.f_frsize;
}

// Depth and number are bounded, links are not followed: what was made is a tree of plain files.
static int remove_tree(int parent, const char *name, int depth, int64_t *left, struct err *e) {
    if (--*left < 0 || depth > REMOVE_DEPTH) return err_set(e, ERR_too_large, "", "%s", name);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return unlinkat(parent, name, 0) == 0 ? OK : fail(e, name, errno);
    if (fd < 0) return fail(e, name, errno);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return fail(e, name, ENOMEM);
    }
    int code = OK;
    const struct dirent *d;
    while (code == OK && (d = readdir(dir)))
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            code = remove_tree(dirfd(dir), d->d_name, depth + 1, left, e);
    closedir(dir);
    if (code == OK && unlinkat(parent, name, AT_REMOVEDIR) != 0) code = fail(e, name, errno);
    return code;
}

int backup_remove(const char *folder, struct err *e) {
    char path[BACKUP_PATH_MAX];
    int64_t left = REMOVE_MAX;
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, folder);
    bool is_ours = file_exists(path) || fnmatch("*.part-??????", folder, 0) == 0;
    if (!is_ours) return err_set(e, ERR_backup, "", "%s", folder);
    return remove_tree(AT_FDCWD, folder, 0, &left, e);
}
