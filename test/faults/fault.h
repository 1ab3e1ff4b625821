// SPDX-License-Identifier: MulanPSL-2.0
// Faults on demand: the n-th call of a kind fails, as a machine without memory, a full disk or a dying one would make
// it. Linked into test programs only (--wrap, SQLite's own hooks): nothing of it is in the product.
//
//   fault_arm(FAULT_SYNC, 3, false)   the third sync from now on fails, once
//   fault_arm(FAULT_WRITE, 1, true)   from now on no write succeeds
#ifndef FAULT_H
#define FAULT_H
#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_ALLOC,    // malloc, calloc, realloc, strdup, mmap of our own code; SQLite's and OpenSSL's memory
    FAULT_WRITE,    // write, pwrite to files of our own code and of SQLite: ENOSPC after half of the bytes
    FAULT_SYNC,     // fsync, fdatasync: EIO
    FAULT_TRUNCATE, // ftruncate
    FAULT_OPEN,     // open of a file that is to be written or made
    FAULT_COMMIT,   // SQLite's commit itself (fault_commit_hook on the writer's connection)
    FAULT_KINDS
};
extern const char *const fault_names[FAULT_KINDS];

void fault_arm(enum fault_kind kind, int64_t nth, bool is_lasting);
int64_t fault_disarm(void);           // how often it fired since it was armed
bool fault_hit(enum fault_kind kind); // to be asked by what can fail: counts, and says whether this one does
// Once, before the first connection: SQLite's memory and files, OpenSSL's memory go through here.
void fault_install(void);
int fault_commit_hook(void *unused); // for sqlite3_commit_hook
#endif
