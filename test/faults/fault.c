// SPDX-License-Identifier: MulanPSL-2.0
// The switch and the doors of libc. Keeps true: (1) unarmed, everything passes as if this were not there; (2) sockets,
// pipes and the log's descriptors never fail as files do: only regular files are a disk; (3) what fires is counted
// under one atomic, so with several threads exactly one call is the n-th.
//
// `ld --wrap=NAME` sends our own objects' calls of NAME to __wrap_NAME and leaves the libraries' alone; theirs are
// reached by their own hooks: SQLite's allocator and VFS, OpenSSL's memory functions.
#include "fault.h"
#include "disk.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const fault_names[FAULT_KINDS] = {"none", "alloc", "write", "sync", "truncate", "open", "commit"};

static struct {
    atomic_int kind;
    atomic_int_fast64_t left; // calls until the fault
    atomic_int_fast64_t fired;
    atomic_bool is_lasting;
} armed;

void fault_arm(enum fault_kind kind, int64_t nth, bool is_lasting) {
    atomic_store(&armed.kind, FAULT_NONE);
    atomic_store(&armed.left, nth);
    atomic_store(&armed.fired, 0);
    atomic_store(&armed.is_lasting, is_lasting);
    atomic_store(&armed.kind, (int)kind);
}

int64_t fault_disarm(void) {
    atomic_store(&armed.kind, FAULT_NONE);
    return atomic_load(&armed.fired);
}

bool fault_hit(enum fault_kind kind) {
    if (atomic_load_explicit(&armed.kind, memory_order_relaxed) != (int)kind) return false;
    int64_t left = atomic_fetch_sub(&armed.left, 1);
    if (left != 1 && (left > 1 || !atomic_load(&armed.is_lasting))) return false;
    atomic_fetch_add(&armed.fired, 1);
    // FAULTS_WHERE=1 with ASAN_OPTIONS=handle_abort=1 shows who asked for what fails.
    if (getenv("FAULTS_WHERE")) abort();
    return true;
}

int fault_commit_hook(void *unused) {
    (void)unused;
    return fault_hit(FAULT_COMMIT);
}

// --- memory ---
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);

static bool no_memory(void) {
    if (!fault_hit(FAULT_ALLOC)) return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t n) {
    return no_memory() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size) {
    return no_memory() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n) {
    return no_memory() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s) {
    return no_memory() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n) {
    return no_memory() ? NULL : __real_strndup(s, n);
}

void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from) {
    return no_memory() ? MAP_FAILED : __real_mmap(at, n, prot, flags, fd, from);
}

// SQLite wants the size of what it gave out; a head of 16 bytes holds it and keeps the alignment.
enum { HEAD_BYTES = 16 };

static void *lite_malloc(int n) {
    if (no_memory()) return NULL;
    int64_t *p = __real_malloc((size_t)n + HEAD_BYTES);
    if (!p) return NULL;
    p[0] = n;
    return p + HEAD_BYTES / sizeof *p;
}

static void lite_free(void *p) {
    free((char *)p - HEAD_BYTES);
}

static int lite_size(void *p) {
    return p ? (int)*(int64_t *)(void *)((char *)p - HEAD_BYTES) : 0;
}

static void *lite_realloc(void *p, int n) {
    if (no_memory()) return NULL;
    int64_t *fresh = __real_realloc((char *)p - HEAD_BYTES, (size_t)n + HEAD_BYTES);
    if (!fresh) return NULL;
    fresh[0] = n;
    return fresh + HEAD_BYTES / sizeof *fresh;
}

static int lite_round(int n) {
    return (n + 7) & ~7;
}

static int lite_init(void *unused) {
    (void)unused;
    return SQLITE_OK;
}

static void lite_shutdown(void *unused) {
    (void)unused;
}

static void *ssl_malloc(size_t n, const char *file, int line) {
    (void)file;
    (void)line;
    return no_memory() ? NULL : __real_malloc(n);
}

static void *ssl_realloc(void *p, size_t n, const char *file, int line) {
    (void)file;
    (void)line;
    return no_memory() ? NULL : __real_realloc(p, n);
}

static void ssl_free(void *p, const char *file, int line) {
    (void)file;
    (void)line;
    free(p);
}

void fault_install(void) {
    static const sqlite3_mem_methods memory = {.xMalloc = lite_malloc,
                                               .xFree = lite_free,
                                               .xRealloc = lite_realloc,
                                               .xSize = lite_size,
                                               .xRoundup = lite_round,
                                               .xInit = lite_init,
                                               .xShutdown = lite_shutdown};
    // The settings of store_open come too late once a VFS is registered, so they are made here as it would make them.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK || fault_vfs_register() != SQLITE_OK ||
        !CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free))
        abort(); // somebody used the libraries before: the test would test nothing
}

// --- files of our own code ---
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t n);
int __real_open(const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_open(const char *path, int flags, ...);

static bool is_file(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

// A full disk takes what still fits: the first half arrives, the next call hears that there is no room.
ssize_t __wrap_write(int fd, const void *p, size_t n) {
    if (!is_file(fd) || !fault_hit(FAULT_WRITE)) return __real_write(fd, p, n);
    if (n > 1) (void)!__real_write(fd, p, n / 2);
    errno = ENOSPC;
    return -1;
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at) {
    if (!is_file(fd) || !fault_hit(FAULT_WRITE)) return __real_pwrite(fd, p, n, at);
    if (n > 1) (void)!__real_pwrite(fd, p, n / 2, at);
    errno = ENOSPC;
    return -1;
}

// A sync past SQLite (a descriptor of our own on its files) makes the same bytes durable: the disk is told by inode.
static int sync_fd(int fd, int (*real)(int fd)) {
    if (fault_hit(FAULT_SYNC)) {
        errno = EIO;
        return -1;
    }
    int handled = disk_sync_fd(fd);
    return handled ? 0 : real(fd);
}

int __wrap_fsync(int fd) {
    return sync_fd(fd, __real_fsync);
}

int __wrap_fdatasync(int fd) {
    return sync_fd(fd, __real_fdatasync);
}

int __wrap_ftruncate(int fd, off_t n) {
    if (!is_file(fd) || !fault_hit(FAULT_TRUNCATE)) return __real_ftruncate(fd, n);
    errno = ENOSPC;
    return -1;
}

int __wrap_open(const char *path, int flags, ...) {
    int mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list ap;
        va_start(ap, flags);
        mode = va_arg(ap, int);
        va_end(ap);
    }
    if ((flags & O_ACCMODE) != O_RDONLY && fault_hit(FAULT_OPEN)) {
        errno = ENOSPC;
        return -1;
    }
    return __real_open(path, flags, mode);
}
