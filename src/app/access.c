// SPDX-License-Identifier: MulanPSL-2.0
// The access log's two halves. The loop's half writes lines into a buffer, by hand, since printf costs more than the rest
// of it; the thread's half takes a full buffer and writes it out. Keeps true: the loop never waits for the disk; every
// line is in the file whole or counted as dropped; of a query no value is kept (it may be somebody's identity number),
// only the names, and only those that look like names; a line holds nothing that could end it.
#include "app/access.h"
#include "base/clock.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_SHOWN  400
#define QUERY_MAX_SHOWN 200
#define NAME_MAX_SHOWN  40

struct access {
    char path[600];
    int64_t file_max;
    // The loop's half.
    char *fill;
    size_t fill_n;
    int64_t second; // that `stamp` says
    char stamp[20];
    _Atomic uint64_t lines, dropped;
    // Handed over: full_n > 0 until the thread has written it.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    char *full;
    size_t full_n;
    bool stop;
    _Atomic bool wants_reopen;
    // The thread's half.
    pthread_t thread;
    bool is_up, is_broken_off; // broken off: the last write ended inside a line
    int fd;
    int64_t file_bytes;
};

// --- a line ---
struct pen {
    char *p, *end;
};

static void put(struct pen *w, const char *s, size_t n) {
    if (n > (size_t)(w->end - w->p)) n = (size_t)(w->end - w->p);
    memcpy(w->p, s, n);
    w->p += n;
}

static void put_word(struct pen *w, struct str s, size_t most) {
    bool is_cut = s.n > most;
    put(w, s.n ? s.p : "-", s.n ? (is_cut ? most : s.n) : 1);
    if (is_cut) put(w, "...", 3);
    put(w, " ", 1);
}

static void put_number(struct pen *w, int64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    uint64_t u = v < 0 ? 0 : (uint64_t)v;
    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    put(w, digits + at, sizeof digits - at);
}

// "2026-11-22T16:00:00" is made once a second.
static void put_time(struct access *a, struct pen *w, int64_t ms) {
    if (ms / 1000 != a->second) {
        const struct civil c = clock_civil(ms, 0);
        a->second = ms / 1000;
        snprintf(a->stamp, sizeof a->stamp, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)c.year % 10000,
                 (unsigned)c.month % 100, (unsigned)c.day % 100, (unsigned)c.hour % 100,
                 (unsigned)c.minute % 100, (unsigned)c.second % 100);
    }
    const int part = (int)(ms % 1000);
    const char tail[] = {
        '.', (char)('0' + part / 100), (char)('0' + part / 10 % 10), (char)('0' + part % 10), 'Z', ' '};
    put(w, a->stamp, 19);
    put(w, tail, sizeof tail);
}

static bool is_name(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-' ||
                    (i > 0 && c >= '0' && c <= '9');
        if (!fits) return false;
    }
    return s.n > 0 && s.n <= NAME_MAX_SHOWN;
}

// Behind the path: ?uscc&limit. A pair without '=' is all value, and so may be anything.
static void put_names(struct pen *w, struct str query) {
    const char *most = w->p + QUERY_MAX_SHOWN;
    char mark = '?';
    for (struct str rest = query; rest.p && rest.n && w->p < most;) {
        struct str value, name = str_cut(str_cut(rest, '&', &rest), '=', &value);
        put(w, &mark, 1);
        if (value.p && is_name(name))
            put(w, name.p, name.n);
        else
            put(w, "*", 1);
        mark = '&';
    }
}

static void put_line(struct access *a, struct pen *w, const struct access_line *l) {
    put_time(a, w, l->time_ms);
    put_word(w, l->peer, 46);
    if (l->who_kind) {
        put(w, l->who_kind, strlen(l->who_kind));
        put(w, ":", 1);
        put_number(w, l->who);
        put(w, " ", 1);
    } else {
        put(w, "- ", 2);
    }
    put_word(w, l->verb, 10);
    put_word(w, l->path, PATH_MAX_SHOWN);
    if (l->query.n) {
        w->p--; // the space
        put_names(w, l->query);
        put(w, " ", 1);
    }
    put_number(w, l->status);
    put(w, " ", 1);
    put_number(w, l->bytes);
    put(w, " ", 1);
    if (l->us >= 0) {
        const int part = (int)(l->us % 1000);
        const char tail[] = {'.', (char)('0' + part / 100), (char)('0' + part / 10 % 10),
                             (char)('0' + part % 10)};
        put_number(w, l->us / 1000);
        put(w, tail, sizeof tail);
    } else {
        put(w, "-", 1);
    }
    put(w, " ", 1);
    put(w, l->trace.n ? l->trace.p : "-", l->trace.n ? (l->trace.n > 64 ? 64 : l->trace.n) : 1);
}

// Whatever stands in it (a path is checked by net, a trace is ours): a line is one line of visible characters.
static void clean(char *p, const char *end) {
    for (; p < end; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
}

static void count(_Atomic uint64_t *at, uint64_t more) {
    atomic_fetch_add_explicit(at, more, memory_order_relaxed);
}

// The filled buffer goes over, if the thread is done with the one before.
static void hand_over(struct access *a) {
    pthread_mutex_lock(&a->lock);
    bool is_free = a->full_n == 0;
    if (is_free) {
        char *empty = a->full;
        a->full = a->fill;
        a->full_n = a->fill_n;
        a->fill = empty;
        a->fill_n = 0;
    }
    pthread_mutex_unlock(&a->lock);
    if (is_free) pthread_cond_signal(&a->wake);
}

void access_put(struct access *a, const struct access_line *l) {
    if (!a) return;
    if (a->fill_n + ACCESS_LINE_MAX > ACCESS_BUFFER) hand_over(a);
    if (a->fill_n + ACCESS_LINE_MAX > ACCESS_BUFFER) {
        count(&a->dropped, 1);
        return;
    }
    char *from = a->fill + a->fill_n;
    struct pen w = {from, from + ACCESS_LINE_MAX - 1};
    put_line(a, &w, l);
    clean(from, w.p);
    *w.p++ = '\n';
    a->fill_n += (size_t)(w.p - from);
    count(&a->lines, 1);
}

void access_beat(void *access) {
    struct access *a = access;
    if (a && a->fill_n) hand_over(a);
}

// --- the thread ---
static void open_file(struct access *a) {
    struct stat st;
    if (a->fd > STDERR_FILENO) close(a->fd);
    a->fd = open(a->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    a->file_bytes = a->fd >= 0 && fstat(a->fd, &st) == 0 ? st.st_size : 0;
    a->is_broken_off = false;
}

static void rotate(struct access *a) {
    char old[620];
    bool is_file = a->fd != STDERR_FILENO;
    if (atomic_exchange(&a->wants_reopen, false) && is_file) open_file(a);
    if (!is_file || a->file_bytes < a->file_max) return;
    snprintf(old, sizeof old, "%s.1", a->path);
    if (rename(a->path, old) == 0) open_file(a);
}

static uint64_t lines_in(const char *p, size_t n) {
    uint64_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += p[i] == '\n';
    return lines;
}

static bool write_all(struct access *a, const char *p, size_t n, size_t *ret_done) {
    *ret_done = 0;
    while (*ret_done < n) {
        ssize_t k = write(a->fd, p + *ret_done, n - *ret_done);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return false; // full, gone: what is left is dropped, the next buffer tries again
        *ret_done += (size_t)k;
        a->file_bytes += k;
    }
    return true;
}

static void write_buffer(struct access *a, const char *p, size_t n) {
    size_t done = 0;
    rotate(a);
    if (a->fd < 0) open_file(a);
    // What a full disk cut off gets its end, so that the next line stands alone.
    if (a->fd >= 0 && a->is_broken_off && write_all(a, "\n", 1, &done)) a->is_broken_off = false;
    done = 0;
    if (a->fd >= 0 && !a->is_broken_off && write_all(a, p, n, &done)) return;
    if (done && p[done - 1] != '\n') a->is_broken_off = true;
    uint64_t lost = lines_in(p + done, n - done);
    count(&a->dropped, lost);
    atomic_fetch_sub_explicit(&a->lines, lost, memory_order_relaxed);
}

static void *run(void *arg) {
    struct access *a = arg;
    pthread_mutex_lock(&a->lock);
    while (a->full_n || !a->stop) {
        if (!a->full_n) {
            pthread_cond_wait(&a->wake, &a->lock);
            continue;
        }
        pthread_mutex_unlock(&a->lock);
        write_buffer(a, a->full, a->full_n); // nobody touches it until full_n is 0
        pthread_mutex_lock(&a->lock);
        a->full_n = 0;
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

int access_open(const char *where, int64_t file_max, struct access **ret, struct err *e) {
    *ret = NULL;
    if (strcmp(where, "off") == 0) return OK;
    struct access *a = calloc(1, sizeof *a);
    if (a) a->fill = malloc(ACCESS_BUFFER);
    if (a) a->full = malloc(ACCESS_BUFFER);
    if (!a || !a->fill || !a->full) {
        if (a) free(a->fill);
        free(a);
        return err_set(e, ERR_no_memory, "", "access log");
    }
    a->file_max = file_max;
    a->fd = -1;
    a->second = -1;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    snprintf(a->path, sizeof a->path, "%s", where);
    if (strcmp(where, "-") == 0)
        a->fd = STDERR_FILENO;
    else
        open_file(a);
    bool has_file = a->fd >= 0; // at the start a wrong path is a mistake; later it is a disk
    a->is_up = has_file && pthread_create(&a->thread, NULL, run, a) == 0;
    if (a->is_up) {
        *ret = a;
        return OK;
    }
    int code = has_file ? err_set(e, ERR_no_memory, "", "thread")
                        : err_set(e, ERR_file, "--access-log", "%s: %s", where, strerrordesc_np(errno));
    access_close(a);
    return code;
}

void access_reopen(struct access *a) {
    if (a) atomic_store(&a->wants_reopen, true);
}

void access_close(struct access *a) {
    if (!a) return;
    if (a->is_up) {
        pthread_mutex_lock(&a->lock);
        a->stop = true;
        pthread_mutex_unlock(&a->lock);
        pthread_cond_signal(&a->wake);
        pthread_join(a->thread, NULL);
        if (a->fill_n) write_buffer(a, a->fill, a->fill_n);
    }
    if (a->fd > STDERR_FILENO) close(a->fd);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->wake);
    free(a->fill);
    free(a->full);
    free(a);
}

struct access_stats access_stats(const struct access *a) {
    if (!a) return (struct access_stats){0};
    return (struct access_stats){.lines = atomic_load_explicit(&a->lines, memory_order_relaxed),
                                 .dropped = atomic_load_explicit(&a->dropped, memory_order_relaxed)};
}
