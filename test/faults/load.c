// SPDX-License-Identifier: MulanPSL-2.0
// Asking, and keeping what came of it. Keeps true: a number is marked sent before the first byte leaves and done only
// after the whole reply was read, so a kill at any moment leaves it on the right side.
#include "load.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct load *load_new(int64_t most) {
    size_t bytes = sizeof(struct load) + (size_t)most * sizeof(struct asked);
    struct load *l =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (l == MAP_FAILED) return NULL;
    l->most = most;
    load_begin(l);
    return l;
}

void load_begin(struct load *l) {
    pthread_mutexattr_t ma;
    pthread_condattr_t ca;
    pthread_mutexattr_init(&ma);
    pthread_condattr_init(&ca);
    pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
    pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&l->lock, &ma);
    pthread_cond_init(&l->moved, &ca);
    atomic_store(&l->stop, false);
}

void load_free(struct load *l) {
    munmap(l, sizeof *l + (size_t)l->most * sizeof l->asked[0]);
}

void load_wait(struct load *l, int64_t replies) {
    pthread_mutex_lock(&l->lock);
    int64_t until = atomic_load(&l->replies) + replies;
    while (atomic_load(&l->replies) < until && !atomic_load(&l->stop))
        pthread_cond_wait(&l->moved, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

void load_stop(struct load *l) {
    pthread_mutex_lock(&l->lock);
    atomic_store(&l->stop, true);
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
}

void load_shown(struct load *l, const char *checkpoint) {
    const char *line = strchr(checkpoint, '\n');
    int64_t size;
    if (!line || sscanf(line + 1, "%" SCNd64, &size) != 1) return;
    pthread_mutex_lock(&l->lock);
    if (size > l->shown_size) {
        l->shown_size = size;
        snprintf(l->shown, sizeof l->shown, "%s", checkpoint);
    }
    pthread_mutex_unlock(&l->lock);
}

static void count_reply(struct load *l) {
    pthread_mutex_lock(&l->lock);
    atomic_fetch_add(&l->replies, 1);
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
}

// "entry":123 and "id":"…" of our own replies: no need of a parser in the sender.
static int64_t number_after(const char *body, const char *name) {
    const char *p = strstr(body, name);
    int64_t v = -1;
    return p && sscanf(p + strlen(name), "%" SCNd64, &v) == 1 ? v : -1;
}

static void keep_done(struct asked *a, const char *body) {
    atomic_store(&a->entry, number_after(body, "\"entry\":"));
    const char *id = a->is_write ? strstr(body, "\"id\":\"") : NULL;
    if (id) sscanf(id + 6, "%15[^\"]", a->id);
    atomic_store(&a->state, ASKED_DONE);
}

bool load_ask(struct load_line *line, int64_t n, bool is_write) {
    struct load *l = line->load;
    struct asked *a = &l->asked[n];
    char name[32], target[160], body[600], reply[8192];
    int status = 0;
    assert(n < l->most);
    snprintf(name, sizeof name, "F-%" PRId64 "-", n);
    snprintf(target, sizeof target, "%s?limit=1", l->rows_url);
    snprintf(body, sizeof body,
             "{\"matter\":\"firm-setup\",\"legal_basis\":\"政务数据共享条例\",\"purpose\":\"%s\",\"system\":"
             "\"core\","
             "\"period_days\":30,\"quota_per_day\":3,\"items\":[{\"dataset\":\"insured\",\"columns\":["
             "\"uscc\"]}]}",
             name);
    const struct load_request q = {.verb = is_write ? "POST" : "GET",
                                   .target = is_write ? "/api/v1/applications" : target,
                                   .is_write = is_write,
                                   .name = name,
                                   .body = is_write ? body : NULL};
    bool is_again = atomic_load(&a->state) == ASKED_SENT;
    a->is_write = is_write;
    atomic_store(&a->state, ASKED_SENT);
    if (!line->send(line, &q, &status, reply, sizeof reply)) {
        atomic_fetch_add(&l->unknown, 1);
        return false;
    }
    if (strstr(reply, "\"code\":\"store-unknown\"")) { // said so: as good as no answer
        atomic_fetch_add(&l->unknown, 1);
    } else if (status / 100 == 2) {
        keep_done(a, reply);
        atomic_fetch_add(&l->done, 1);
    } else {
        atomic_store(&a->status100, (uint8_t)(status / 100));
        // The first attempt of a repeated write may be there: a refusal now says nothing about it.
        if (!is_again) atomic_store(&a->state, ASKED_REFUSED);
        if (l->is_full && status != 507 && status != 503 && atomic_fetch_add(&l->unclear, 1) < 3)
            fprintf(stderr, "unclear: %s %d %.300s\n", q.target, status, reply);
        if (atomic_fetch_add(&l->refused, 1) < 3)
            fprintf(stderr, "load: %s %d %.300s\n", q.target, status, reply);
    }
    count_reply(l);
    return true;
}

void load_run(struct load_line *line) {
    struct load *l = line->load;
    while (!atomic_load(&l->stop)) {
        int64_t n = atomic_fetch_add(&l->next, 1);
        if (l->most_replies && atomic_load(&l->replies) >= l->most_replies) return;
        if (n >= l->most || !load_ask(line, n, n % LOAD_WRITE_IN == 0)) return;
    }
}

bool load_ask_again(struct load_line *line) {
    struct load *l = line->load;
    int64_t most = atomic_load(&l->next) < l->most ? atomic_load(&l->next) : l->most;
    // Unknown ones are few and young: whatever is older was settled after an earlier restart.
    int64_t from = most > 65536 ? most - 65536 : 0;
    for (int64_t n = from; n < most; n++)
        if (l->asked[n].is_write && atomic_load(&l->asked[n].state) == ASKED_SENT && !load_ask(line, n, true))
            return false;
    return true;
}
