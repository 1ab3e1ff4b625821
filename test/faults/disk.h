// SPDX-License-Identifier: MulanPSL-2.0
// A disk that can lose its power. While it is on, every sector of SQLite's files that was written since the last sync
// is kept in all its versions; at the cut each of them is given one of them at random, as a real disk does that writes
// in any order and stops in the middle.
#ifndef DISK_H
#define DISK_H
#include <stdbool.h>
#include <stdint.h>

#define DISK_CUT_EXIT 77 // exit status of a process whose power was cut

struct disk_file;

// From now on; the cut comes at operation number `cut_at` (writes, truncations, begins and ends of syncs).
void disk_on(uint64_t seed, int64_t cut_at);
int64_t disk_operations(void); // so far

// The VFS tells what it does (all no-ops while the disk is off).
struct disk_file *disk_open(const char *path, bool is_new);
void disk_write_begin(struct disk_file *f, int64_t at, int64_t n); // takes the lock
void disk_write_end(struct disk_file *f, int64_t at, int64_t n);   // releases it
void disk_truncate_begin(struct disk_file *f);
void disk_truncate_end(struct disk_file *f);
void disk_sync(struct disk_file *f);
bool disk_sync_fd(int fd); // by inode; false: not one of ours, sync it really

int fault_vfs_register(void); // fault_vfs.c: the default VFS from now on
#endif
