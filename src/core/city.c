// SPDX-License-Identifier: MulanPSL-2.0
// The process comes up and goes down: folder, schema, the check of all SQL, the server key, the modules' start,
// the working-day calendar. Keeps true: nothing answers a request before all of this has succeeded.
#include "core/city.h"
#include "base/file.h"
#include "base/log.h"
#include "core/node.h"
#include "crypto/provider.h"
#include <assert.h>
#include <stdio.h>
#include <sys/stat.h>

static int64_t real_now(void) {
    return clock_now_ms();
}

// A folder that holds a city has its key. A new one in its place would open: and no password would fit, no sealed
// column could be read.
static int may_make_key(struct city *city, struct err *e) {
    struct conn *c = NULL;
    int code = store_conn_open(city->store, &c, e);
    if (code != OK) return code;
    struct stmt *s = store_query(c, Q_core_pack_newest, "");
    bool has_city = store_next(s);
    code = store_done(s, e);
    store_conn_close(c);
    return code == OK && has_city ? err_set(e, ERR_file, "key.bin", "key.bin is missing") : code;
}

static int load_key(struct city *city, struct err *e) {
    char path[600];
    struct str key;
    snprintf(path, sizeof path, "%s/key.bin", city->shared);
    if (!file_exists(path)) {
        uint8_t fresh[32];
        int may = may_make_key(city, e);
        if (may != OK) return may;
        if (crypto_random(fresh, sizeof fresh) != OK) return err_set(e, ERR_crypto, "", "random");
        struct arena room;
        arena_init(&room, 65536);
        int code = secret_file_write(&room, city->writer_hasher, path,
                                     (struct str){(const char *)fresh, sizeof fresh}, city->passphrase, e);
        crypto_wipe(fresh, sizeof fresh);
        arena_free(&room);
        if (code != OK) return code;
    }
    struct arena mem;
    arena_init(&mem, (size_t)1 << 18);
    int code = secret_file_read(&mem, city->writer_hasher, path, city->passphrase, &key, NULL, e);
    if (code != OK) {
        arena_free(&mem);
        return code;
    }
    if (key.n == sizeof city->key)
        memcpy(city->key, key.p, sizeof city->key);
    else
        code = err_set(e, ERR_file, "key.bin", "length %zu", key.n);
    crypto_wipe((void *)(uintptr_t)key.p,
                key.n); // freed memory is given out again: the only copy is the city's
    arena_free(&mem);
    return code;
}

int city_load_calendar(struct city *city, struct err *e) {
    struct conn *c = NULL;
    int code = store_conn_open(city->store, &c, e);
    if (code != OK) return code;
    size_t cap = CITY_DAYS_MAX;
    pthread_mutex_lock(&city->growing);
    int32_t *off = arena_array(&city->mem, cap, sizeof *off),
            *work = arena_array(&city->mem, cap, sizeof *work);
    struct workdays *w = arena_take(&city->mem, sizeof *w);
    pthread_mutex_unlock(&city->growing);
    if (!off || !work || !w) {
        store_conn_close(c);
        return err_set(e, ERR_no_memory, "", "calendar");
    }
    *w = (struct workdays){.off = off, .work = work};
    struct stmt *s = store_query(c, Q_core_workdays, "");
    while (store_next(s)) {
        int32_t day = (int32_t)store_int(s, 0);
        int year = clock_civil((int64_t)day * DAY_MS, 0).year;
        if (w->first_year == 0) w->first_year = year;
        w->last_year = year;
        if (store_int(s, 1) && w->off_n < cap)
            off[w->off_n++] = day;
        else if (!store_int(s, 1) && w->work_n < cap)
            work[w->work_n++] = day;
    }
    code = store_done(s, e);
    store_conn_close(c);
    if (code == OK) atomic_store(&city->workdays, w);
    return code;
}

static int start_modules(struct city *city, struct err *e) {
    struct conn *c = NULL;
    struct cx cx;
    int code = store_conn_open(city->store, &c, e);
    if (code != OK) return code;
    struct hasher *h = hasher_open();
    if (!h) {
        store_conn_close(c);
        return err_set(e, ERR_no_memory, "", "hasher");
    }
    core_cx(&cx, city, &city->mem, c, h, NULL);
    for (int i = 0; modules[i] && code == OK; i++) {
        assert(i < (int)(sizeof city->mod / sizeof city->mod[0]));
        if (modules[i]->start) code = modules[i]->start(&cx);
        if (code != OK) {
            log_line(LOG_ERROR, modules[i]->name, "start failed");
            *e = cx.err;
            if (e->code == OK) e->code = (enum err_code)code;
        }
    }
    hasher_close(h);
    store_conn_close(c);
    return code;
}

// The store's hooks reach the modules through these.
static int before_commit(void *arg, struct conn *w, struct err *e) {
    struct city *city = arg;
    int code = OK;
    if (city->auth_moves != city->auth_told) store_generation_move(w); // other nodes hear of it
    for (int i = 0; i < city->hooks_n && code == OK; i++)
        if (city->hooks[i]->before_commit) code = city->hooks[i]->before_commit(city, w, e);
    return code;
}

static void after_commit(void *arg, bool committed) {
    struct city *city = arg;
    for (int i = 0; i < city->hooks_n; i++)
        if (city->hooks[i]->after_commit) city->hooks[i]->after_commit(city, committed);
    if (city->auth_moves == city->auth_told) return;
    city->auth_told = city->auth_moves;
    atomic_fetch_add(&city->auth_generation, 1);
}

void city_auth_moved(struct city *city) {
    city->auth_moves++;
    atomic_fetch_add(&city->auth_generation, 1);
}

static void before_sync(void *arg) {
    struct city *city = arg;
    for (int i = 0; i < city->hooks_n; i++)
        if (city->hooks[i]->before_sync) city->hooks[i]->before_sync(city);
}

static void after_sync(void *arg) {
    struct city *city = arg;
    for (int i = 0; i < city->hooks_n; i++)
        if (city->hooks[i]->after_sync) city->hooks[i]->after_sync(city);
}

static void on_lost(void *arg) {
    struct city *city = arg;
    if (city->on_lost) city->on_lost(city);
}

static void item_begin(void *arg) {
    struct city *city = arg;
    for (int i = 0; i < city->hooks_n; i++)
        if (city->hooks[i]->item_begin) city->hooks[i]->item_begin(city);
}

static void item_undone(void *arg) {
    struct city *city = arg;
    for (int i = 0; i < city->hooks_n; i++)
        if (city->hooks[i]->item_undone) city->hooks[i]->item_undone(city);
}

void city_hook(struct city *city, const struct batch_hooks *hooks) {
    assert(city->hooks_n < CITY_HOOKS_MAX);
    city->hooks[city->hooks_n++] = hooks;
}

// Another node has written: its entries stand in the trees, and what it changed is not what is remembered here.
static int moved(void *arg, struct conn *w, struct err *e) {
    struct city *city = arg;
    int code = OK;
    for (int i = 0; i < city->hooks_n && code == OK; i++)
        if (city->hooks[i]->moved) code = city->hooks[i]->moved(city, w, e);
    return code;
}

static void authorisation_moved(void *arg) {
    atomic_fetch_add(&((struct city *)arg)->auth_generation, 1);
}

int city_open(struct city *city, struct err *e) {
    city->magic = CITY_MAGIC;
    arena_init(&city->mem, 0);
    arena_init(&city->prepared_mem, 0);
    pthread_mutex_init(&city->growing, NULL);
    if (!city->shared) city->shared = city->folder;
    if (!city->now_ms) city->now_ms = real_now;
    if (!city->origin[0]) snprintf(city->origin, sizeof city->origin, "gusu.local/ledger");
    struct store_config config = {.folder = city->folder,
                                  .url = city->store_url,
                                  .arg = city,
                                  .before_commit = before_commit,
                                  .after_commit = after_commit,
                                  .before_sync = before_sync,
                                  .after_sync = after_sync,
                                  .on_lost = on_lost,
                                  .item_begin = item_begin,
                                  .item_undone = item_undone,
                                  .moved = moved,
                                  .authorisation_moved = authorisation_moved};
    int code = crypto_start(e);
    if (code == OK) code = store_open(&config, &city->store, e);
    if (code == OK && !(city->writer_hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK) code = store_migrate(city->store, e);
    if (code == OK) code = store_check_queries(city->store, e);
    if (code == OK) code = city_index_routes(e);
    if (code == OK) code = file_make_dirs(city->shared, 0700, e);
    if (code == OK) code = load_key(city, e);
    if (code == OK) code = node_start(city, e);
    if (code == OK) code = start_modules(city, e);
    if (code == OK) code = city_load_calendar(city, e);
    return code;
}

void city_close(struct city *city) {
    node_stop(city);
    for (int i = 0; modules[i]; i++)
        if (modules[i]->stop) modules[i]->stop(city);
    store_close(city->store);
    hasher_close(city->writer_hasher);
    crypto_wipe(city->key, sizeof city->key);
    arena_free(&city->prepared_mem);
    arena_free(&city->mem);
    city->magic = 0;
}
