// SPDX-License-Identifier: MulanPSL-2.0
// A VFS of SQLite above the usual one: writes, syncs and truncations can be told to fail (fault.h), and the disk that
// can lose its power (disk.h) is told of each. Everything else (locks, shared memory, mapping) passes through.
#include "disk.h"
#include "fault.h"
#include <sqlite3.h>
#include <string.h>

#define NAME "gusu-faults"

struct file {
    sqlite3_file base;
    struct disk_file *disk;
    sqlite3_file *real; // lies behind this struct
};

static struct file *own(sqlite3_file *f) {
    return (struct file *)(void *)f;
}
static sqlite3_file *real(sqlite3_file *f) {
    return own(f)->real;
}
static sqlite3_vfs *below_of(sqlite3_vfs *v) {
    return v->pAppData;
}

static int f_close(sqlite3_file *f) {
    return real(f)->pMethods->xClose(real(f));
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), p, n, at);
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
    bool fails = fault_hit(FAULT_WRITE);
    int most = fails ? n / 2 : n, rc = SQLITE_OK;
    disk_write_begin(own(f)->disk, at, most);
    if (most) rc = real(f)->pMethods->xWrite(real(f), p, most, at);
    disk_write_end(own(f)->disk, at, most);
    return fails ? SQLITE_FULL : rc;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n) {
    if (fault_hit(FAULT_TRUNCATE)) return SQLITE_IOERR_TRUNCATE;
    disk_truncate_begin(own(f)->disk);
    int rc = real(f)->pMethods->xTruncate(real(f), n);
    disk_truncate_end(own(f)->disk);
    return rc;
}

// Under a simulated disk the real one need not turn: what counts is what the model says is durable.
static int f_sync(sqlite3_file *f, int flags) {
    if (fault_hit(FAULT_SYNC)) return SQLITE_IOERR_FSYNC;
    if (!own(f)->disk) return real(f)->pMethods->xSync(real(f), flags);
    disk_sync(own(f)->disk);
    return SQLITE_OK;
}

static int f_size(sqlite3_file *f, sqlite3_int64 *n) {
    return real(f)->pMethods->xFileSize(real(f), n);
}
static int f_lock(sqlite3_file *f, int how) {
    return real(f)->pMethods->xLock(real(f), how);
}
static int f_unlock(sqlite3_file *f, int how) {
    return real(f)->pMethods->xUnlock(real(f), how);
}
static int f_is_reserved(sqlite3_file *f, int *ret) {
    return real(f)->pMethods->xCheckReservedLock(real(f), ret);
}
static int f_control(sqlite3_file *f, int op, void *arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}
static int f_sector(sqlite3_file *f) {
    return real(f)->pMethods->xSectorSize(real(f));
}

// No promises beyond a plain disk's (no atomic writes, no "safe append"), whatever is below.
static int f_traits(sqlite3_file *f) {
    (void)f;
    return 0;
}

static int f_shm_map(sqlite3_file *f, int region, int n, int extend, void volatile **ret) {
    return real(f)->pMethods->xShmMap(real(f), region, n, extend, ret);
}
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}
static void f_shm_barrier(sqlite3_file *f) {
    real(f)->pMethods->xShmBarrier(real(f));
}
static int f_shm_unmap(sqlite3_file *f, int is_delete) {
    return real(f)->pMethods->xShmUnmap(real(f), is_delete);
}
static int f_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **ret) {
    return real(f)->pMethods->xFetch(real(f), at, n, ret);
}
static int f_unfetch(sqlite3_file *f, sqlite3_int64 at, void *p) {
    return real(f)->pMethods->xUnfetch(real(f), at, p);
}

static const sqlite3_io_methods methods = {.iVersion = 3,
                                           .xClose = f_close,
                                           .xRead = f_read,
                                           .xWrite = f_write,
                                           .xTruncate = f_truncate,
                                           .xSync = f_sync,
                                           .xFileSize = f_size,
                                           .xLock = f_lock,
                                           .xUnlock = f_unlock,
                                           .xCheckReservedLock = f_is_reserved,
                                           .xFileControl = f_control,
                                           .xSectorSize = f_sector,
                                           .xDeviceCharacteristics = f_traits,
                                           .xShmMap = f_shm_map,
                                           .xShmLock = f_shm_lock,
                                           .xShmBarrier = f_shm_barrier,
                                           .xShmUnmap = f_shm_unmap,
                                           .xFetch = f_fetch,
                                           .xUnfetch = f_unfetch};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags) {
    sqlite3_vfs *under = below_of(v);
    int there = 0;
    memset(f, 0, sizeof(struct file));
    own(f)->real = (sqlite3_file *)(void *)(own(f) + 1);
    bool is_kept = name && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL));
    if (is_kept) (void)under->xAccess(under, name, SQLITE_ACCESS_EXISTS, &there);
    if ((flags & SQLITE_OPEN_CREATE) && !there && fault_hit(FAULT_OPEN)) return SQLITE_FULL;
    int rc = under->xOpen(under, name, own(f)->real, flags, ret_flags);
    if (rc != SQLITE_OK) return rc;
    own(f)->disk = is_kept ? disk_open(name, !there) : NULL;
    f->pMethods = &methods;
    return SQLITE_OK;
}

int fault_vfs_register(void) {
    static sqlite3_vfs v;
    sqlite3_vfs *under = sqlite3_vfs_find(NULL);
    if (!under) return SQLITE_ERROR;
    v = *under; // its functions find their way by the names they are given, not by the struct
    v.zName = NAME;
    v.pAppData = under;
    v.szOsFile = (int)sizeof(struct file) + under->szOsFile;
    v.xOpen = v_open;
    v.pNext = NULL;
    return sqlite3_vfs_register(&v, 1);
}
