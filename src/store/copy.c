// SPDX-License-Identifier: MulanPSL-2.0
// The page copy under backups: SQLite's online backup from a reader whose snapshot stands. Kept true: (1) the copy is
// one commit's state, however much is written meanwhile: the source transaction is open before the first step, and the
// engine begins anew only when it had to take one itself; (2) it is on disk when this returns; (3) dirty pages are
// written out as they come, a piece at a time, so that the copy neither fills the page cache nor ends in one long sync
// that the commit queue would wait behind.
#include "store/copy.h"
#include "store/private.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SYNC_PAGES 16384 // written out every so many pages (64 MB)

static int open_target(const char *path, sqlite3 **ret) {
    int rc =
        sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    // No journal: a copy that breaks off is thrown away whole. Synced by hand below.
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*ret, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4000",
                          NULL, NULL, NULL);
    return rc;
}

static int copy_steps(sqlite3_backup *b, int fd, const struct store_copy_watch *watch, struct err *e) {
    for (int n = 0;; n++) {
        int rc = sqlite3_backup_step(b, STORE_COPY_PAGES);
        if (rc == SQLITE_DONE) return OK;
        if (rc != SQLITE_OK)
            return err_set(e, rc == SQLITE_FULL ? ERR_store_full : ERR_store, "", "%s", sqlite3_errstr(rc));
        int64_t all = sqlite3_backup_pagecount(b), left = sqlite3_backup_remaining(b);
        if (n % (SYNC_PAGES / STORE_COPY_PAGES) == 0 && fdatasync(fd) != 0)
            return err_set(e, ERR_file, "", "%s", strerrordesc_np(errno));
        if (watch && watch->go_on && !watch->go_on(watch->arg, all - left, all))
            return err_set(e, ERR_busy, "", "copy");
    }
}

// The copy is no WAL database: it can be read where it lies without files appearing beside it.
static int settle(sqlite3 *to, int fd, int64_t *ret_bytes, struct err *e) {
    int rc = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    if (rc != SQLITE_OK) return err_set(e, ERR_store, "", "%s", sqlite3_errstr(rc));
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0 || fsync(fd) != 0) return err_set(e, ERR_file, "", "%s", strerrordesc_np(errno));
    *ret_bytes = (int64_t)end;
    return OK;
}

int store_copy_pages(struct conn *c, const char *path, const struct store_copy_watch *watch,
                     int64_t *ret_bytes, struct err *e) {
    sqlite3 *to = NULL;
    assert(!store_is_postgres(c) && c->has_read && "the snapshot must stand");
    int rc = open_target(path, &to), code = OK;
    int fd = rc == SQLITE_OK ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (rc != SQLITE_OK)
        code = err_set(e, ERR_store, "", "%s: %s", path, sqlite3_errstr(rc));
    else if (fd < 0)
        code = err_set(e, ERR_file, "", "%s: %s", path, strerrordesc_np(errno));
    if (code == OK) {
        sqlite3_backup *b = sqlite3_backup_init(to, "main", c->db, "main");
        code = b ? copy_steps(b, fd, watch, e) : err_set(e, ERR_store, "", "%s", sqlite3_errmsg(to));
        rc = sqlite3_backup_finish(b);
        if (code == OK && rc != SQLITE_OK) code = err_set(e, ERR_store, "", "%s", sqlite3_errstr(rc));
    }
    if (code == OK) code = settle(to, fd, ret_bytes, e);
    sqlite3_close_v2(to);
    if (fd >= 0) close(fd); // after the engine has closed: closing drops the process's locks on the file
    return code;
}

int store_copy_settle(const char *path, struct err *e) {
    sqlite3 *db = NULL;
    int64_t bytes;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return err_set(e, ERR_file, "", "%s: %s", path, strerrordesc_np(errno));
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int code =
        rc == SQLITE_OK ? settle(db, fd, &bytes, e) : err_set(e, ERR_store, "", "%s", sqlite3_errstr(rc));
    sqlite3_close_v2(db);
    close(fd);
    return code;
}
