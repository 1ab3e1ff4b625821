// SPDX-License-Identifier: MulanPSL-2.0
// The disk that loses its power (disk.h). The real file always holds what the program last wrote, so that readers,
// locks and shared memory work as ever; here lies what a cut would bring back. Keeps true: (1) what was synced is never
// lost: the version under a finished sync is the oldest one left; (2) what is not synced may be there, be missing or
// lie in any order, sector by sector, in each file for itself; (3) after the cut nothing more happens: all I/O waits
// for a lock that is never released, and the process ends.
//
//    sector  [durable][w1][w2]…      write: one more    sync: the newest before it becomes the durable one
//    cut     one of them, by the seed; a file's length likewise; a file that was never synced may not exist
#include "disk.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECTOR         512
#define FILES_MAX      64
#define SYNC_US_MOST   1500 // a sync takes up to so long, so that others write meanwhile
#define GARBAGE_IN     8    // one in so many never-written sectors holds what somebody else left there
#define SLOTS_AT_FIRST 4096

struct version {
    uint64_t seq;
    uint8_t bytes[SECTOR];
};
struct sector {
    int64_t no; // + 1; 0 = free slot
    struct version *v;
    int n, cap;
};
struct length {
    uint64_t seq;
    int64_t bytes;
};
struct disk_file {
    char path[512];
    dev_t dev;
    ino_t ino;
    int fd; // never closed: closing would drop the process's locks on the file
    bool is_new;
    struct sector *slot;
    size_t cap, n;
    struct length *lengths; // [0] durable
    int lengths_n, lengths_cap;
};
static struct {
    pthread_mutex_t lock;
    bool is_on;
    uint64_t random, seq;
    int64_t operations, cut_at;
    struct disk_file file[FILES_MAX];
    int files_n;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

// splitmix64: small, seeded, the same everywhere
static uint64_t next_random(void) {
    uint64_t z = disk.random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t below(int64_t n) {
    return n > 0 ? (int64_t)(next_random() % (uint64_t)n) : 0;
}

static void must(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "disk: %s\n", what);
    abort();
}

void disk_on(uint64_t seed, int64_t cut_at) {
    pthread_mutex_lock(&disk.lock);
    disk.random = seed;
    disk.cut_at = cut_at;
    disk.operations = 0;
    disk.is_on = true;
    pthread_mutex_unlock(&disk.lock);
}

int64_t disk_operations(void) {
    pthread_mutex_lock(&disk.lock);
    int64_t n = disk.operations;
    pthread_mutex_unlock(&disk.lock);
    return n;
}

// --- sectors ---
static struct sector *slot_of(struct sector *slot, size_t cap, int64_t no) {
    size_t at = ((uint64_t)no * 0x9e3779b97f4a7c15u) % cap;
    while (slot[at].no && slot[at].no != no + 1)
        at = (at + 1) % cap;
    return &slot[at];
}

static void grow(struct disk_file *f) {
    size_t cap = f->cap ? f->cap * 2 : SLOTS_AT_FIRST;
    struct sector *slot = calloc(cap, sizeof *slot);
    must(slot, "memory");
    for (size_t i = 0; i < f->cap; i++)
        if (f->slot[i].no) *slot_of(slot, cap, f->slot[i].no - 1) = f->slot[i];
    free(f->slot);
    f->slot = slot;
    f->cap = cap;
}

// What the file holds there now; zeros beyond its end.
static void add_version(struct disk_file *f, struct sector *s, uint64_t seq) {
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 2;
        s->v = realloc(s->v, (size_t)s->cap * sizeof *s->v);
        must(s->v, "memory");
    }
    struct version *v = &s->v[s->n++];
    v->seq = seq;
    memset(v->bytes, 0, SECTOR);
    must(pread(f->fd, v->bytes, SECTOR, (s->no - 1) * SECTOR) >= 0, "read");
}

static void keep(struct disk_file *f, int64_t at, int64_t n, bool is_before) {
    for (int64_t no = at / SECTOR; no * SECTOR < at + n; no++) {
        if (f->n * 2 >= f->cap) grow(f);
        struct sector *s = slot_of(f->slot, f->cap, no);
        if (is_before && s->no) continue; // already known since the last sync
        if (!s->no) {
            s->no = no + 1;
            f->n++;
        }
        add_version(f, s, is_before ? 0 : disk.seq);
    }
}

static int64_t length_now(const struct disk_file *f) {
    struct stat st;
    must(fstat(f->fd, &st) == 0, "stat");
    return st.st_size;
}

static void keep_length(struct disk_file *f, uint64_t seq) {
    int64_t bytes = length_now(f);
    if (f->lengths_n && f->lengths[f->lengths_n - 1].bytes == bytes) return;
    if (f->lengths_n == f->lengths_cap) {
        f->lengths_cap = f->lengths_cap ? f->lengths_cap * 2 : 16;
        f->lengths = realloc(f->lengths, (size_t)f->lengths_cap * sizeof *f->lengths);
        must(f->lengths, "memory");
    }
    f->lengths[f->lengths_n++] = (struct length){seq, bytes};
}

// --- the cut ---
enum mood { MOOD_LOST, MOOD_ANY, MOOD_NEARLY_ALL, MOODS }; // of the disk at the moment of the cut

static void settle_sector(const struct disk_file *f, int fd, struct sector *s, enum mood mood,
                          int64_t length) {
    int64_t at = (s->no - 1) * SECTOR, n = length - at < SECTOR ? length - at : SECTOR;
    int pick = 0;
    if (n <= 0) return;
    if (mood == MOOD_ANY) pick = (int)below(s->n);
    if (mood == MOOD_NEARLY_ALL) pick = below(16) ? s->n - 1 : (int)below(s->n);
    // Beyond the durable end there was nothing: mostly zeros, sometimes what a deleted file left behind.
    bool was_there = at < f->lengths[0].bytes;
    if (pick == 0 && !was_there && below(GARBAGE_IN) == 0)
        for (int i = 0; i < SECTOR; i++)
            s->v[0].bytes[i] = (uint8_t)next_random();
    must(pwrite(fd, s->v[pick].bytes, (size_t)n, at) == n, "write");
}

// A copy to work on, put in the file's place by its name: threads that still read the file see no disk that changes
// under their hands.
static int copy_of(const struct disk_file *f, char *path, size_t path_n) {
    static char block[1 << 16];
    int64_t at = 0;
    ssize_t n;
    snprintf(path, path_n, "%s.cut", f->path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0, "copy");
    while ((n = pread(f->fd, block, sizeof block, at)) > 0) {
        must(pwrite(fd, block, (size_t)n, at) == n, "copy");
        at += n;
    }
    return fd;
}

static void settle_file(struct disk_file *f, enum mood mood) {
    struct stat st;
    // A log that was deleted has no name any more; another file may have it by now.
    if (stat(f->path, &st) != 0 || st.st_ino != f->ino || st.st_dev != f->dev) return;
    if (f->is_new && below(4) == 0) {
        unlink(f->path);
        return;
    }
    int64_t length = f->lengths[mood == MOOD_LOST ? 0 : below(f->lengths_n)].bytes, least = length,
            most = length;
    for (int i = 0; i < f->lengths_n; i++) {
        if (f->lengths[i].bytes < least) least = f->lengths[i].bytes;
        if (f->lengths[i].bytes > most) most = f->lengths[i].bytes;
    }
    if (mood == MOOD_ANY && below(4) == 0) length = least + below(most - least + 1); // a torn tail
    char path[600];
    int fd = copy_of(f, path, sizeof path);
    must(ftruncate(fd, length) == 0, "truncate");
    for (size_t i = 0; i < f->cap; i++)
        if (f->slot[i].no) settle_sector(f, fd, &f->slot[i], mood, length);
    must(rename(path, f->path) == 0, "rename");
}

// The shared index beside the database is memory in truth: after a cut it may hold anything or be gone.
static void spoil_index(const struct disk_file *f) {
    char path[600];
    uint8_t noise[4096];
    size_t n = strlen(f->path);
    if (n < 3 || strcmp(f->path + n - 3, ".db") != 0) return;
    snprintf(path, sizeof path, "%s-shm", f->path);
    int64_t what = below(3);
    if (what == 2) return;
    unlink(path);
    int fd = what == 1 ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)next_random();
    must(pwrite(fd, noise, sizeof noise, 0) == (ssize_t)sizeof noise, "index");
}

static void operation(void) {
    if (!disk.is_on || ++disk.operations != disk.cut_at) return;
    enum mood mood = (enum mood)below(MOODS);
    for (int i = 0; i < disk.files_n; i++) {
        settle_file(&disk.file[i], mood);
        spoil_index(&disk.file[i]);
    }
    _exit(DISK_CUT_EXIT); // under the lock: no other thread reaches the files any more
}

// --- what the VFS tells ---
struct disk_file *disk_open(const char *path, bool is_new) {
    struct stat st;
    if (!disk.is_on || stat(path, &st) != 0) return NULL;
    pthread_mutex_lock(&disk.lock);
    struct disk_file *f = NULL;
    for (int i = 0; i < disk.files_n; i++)
        if (disk.file[i].dev == st.st_dev && disk.file[i].ino == st.st_ino) f = &disk.file[i];
    if (!f) {
        must(disk.files_n < FILES_MAX, "too many files");
        f = &disk.file[disk.files_n++];
        *f = (struct disk_file){.dev = st.st_dev, .ino = st.st_ino, .is_new = is_new};
        snprintf(f->path, sizeof f->path, "%s", path);
        f->fd = open(path, O_RDWR | O_CLOEXEC);
        must(f->fd >= 0, "open");
        keep_length(f, 0);
    }
    pthread_mutex_unlock(&disk.lock);
    return f;
}

void disk_write_begin(struct disk_file *f, int64_t at, int64_t n) {
    if (!f) return;
    pthread_mutex_lock(&disk.lock);
    operation();
    keep(f, at, n, true);
}

void disk_write_end(struct disk_file *f, int64_t at, int64_t n) {
    if (!f) return;
    disk.seq++;
    keep(f, at, n, false);
    keep_length(f, disk.seq);
    pthread_mutex_unlock(&disk.lock);
}

// Shortening and growing again gives zeros: rare here, so every sector of the cut part is kept.
void disk_truncate_begin(struct disk_file *f) {
    if (!f) return;
    pthread_mutex_lock(&disk.lock);
    operation();
    keep(f, 0, length_now(f), true);
}

void disk_truncate_end(struct disk_file *f) {
    if (!f) return;
    int64_t before = f->lengths[f->lengths_n - 1].bytes, now = length_now(f);
    disk.seq++;
    if (now < before) keep(f, now, before - now, false);
    keep_length(f, disk.seq);
    pthread_mutex_unlock(&disk.lock);
}

// Everything written before `mark` is durable; what came later stays open.
static void settle(struct disk_file *f, uint64_t mark) {
    struct sector *old = f->slot;
    size_t cap = f->cap;
    f->slot = NULL;
    f->cap = f->n = 0;
    for (size_t i = 0; i < cap; i++) {
        struct sector *s = &old[i];
        if (!s->no) continue;
        int base = 0;
        while (base + 1 < s->n && s->v[base + 1].seq <= mark)
            base++;
        if (base + 1 == s->n) { // nothing open: what the file holds is what the disk holds
            free(s->v);
            continue;
        }
        s->n -= base;
        memmove(s->v, s->v + base, (size_t)s->n * sizeof *s->v);
        if (f->n * 2 >= f->cap) grow(f);
        *slot_of(f->slot, f->cap, s->no - 1) = *s;
        f->n++;
    }
    free(old);
    int base = 0;
    while (base + 1 < f->lengths_n && f->lengths[base + 1].seq <= mark)
        base++;
    f->lengths_n -= base;
    memmove(f->lengths, f->lengths + base, (size_t)f->lengths_n * sizeof *f->lengths);
    f->is_new = false;
}

void disk_sync(struct disk_file *f) {
    if (!f) return;
    pthread_mutex_lock(&disk.lock);
    operation();
    uint64_t mark = disk.seq;
    struct timespec nap = {.tv_nsec = below(SYNC_US_MOST) * 1000};
    pthread_mutex_unlock(&disk.lock);
    nanosleep(&nap, NULL); // the disk works; others go on writing
    pthread_mutex_lock(&disk.lock);
    settle(f, mark);
    operation(); // durable, and nobody was told yet
    pthread_mutex_unlock(&disk.lock);
}

bool disk_sync_fd(int fd) {
    struct stat st;
    struct disk_file *f = NULL;
    if (!disk.is_on || fstat(fd, &st) != 0) return false;
    pthread_mutex_lock(&disk.lock);
    for (int i = 0; i < disk.files_n; i++)
        if (disk.file[i].dev == st.st_dev && disk.file[i].ino == st.st_ino) f = &disk.file[i];
    pthread_mutex_unlock(&disk.lock);
    disk_sync(f);
    return f != NULL;
}
