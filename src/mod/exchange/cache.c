// SPDX-License-Identifier: MulanPSL-2.0
// What the call path remembers between calls: compiled grants, keys, rate buckets. Keeps true: nothing older than the
// authorisation generation that the caller was judged under is believed, so that a revoke is seen at once; compiled
// views are immutable and pinned while used, so that any thread may replace them.
#include "mod/exchange/inside.h"
#include "mod/people/people.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define VIEWS   256 // compiled grants kept (by id modulo; a collision compiles again)
#define KEYS    1024
#define BUCKETS 1024 // sets of rate buckets …
#define WAYS    4    // … of so many keys each

struct bucket {
    int64_t key, at_us;
    double left;
};
struct exchange_state {
    pthread_mutex_t lock;
    struct grant_view *views[VIEWS];
    struct grant_view *retired[VIEWS]; // replaced while pinned; freed when the pins are gone
    struct key_seen keys[KEYS];
    char names[KEYS][2][96]; // system and office of a key, held here
    struct bucket buckets[BUCKETS][WAYS];
    struct meter *meter; // the writer's, in the city's arena
};

struct exchange_state *exchange_state(struct city *city) {
    return city->mod[module_index("exchange")];
}

struct meter *exchange_meter(struct city *city) {
    struct exchange_state *s = exchange_state(city);
    return s ? s->meter : NULL;
}

void exchange_meter_set(struct city *city, struct meter *m) {
    exchange_state(city)->meter = m;
}

int exchange_cache_start(struct cx *cx) {
    struct exchange_state *s = calloc(1, sizeof *s);
    if (!s) return cx_fail(cx, ERR_no_memory, "", "exchange");
    pthread_mutex_init(&s->lock, NULL);
    cx->city->mod[module_index("exchange")] = s;
    return OK;
}

static void view_free(struct grant_view *v) {
    struct arena mem = v->mem; // the view itself lies in it
    arena_free(&mem);
}

void exchange_cache_stop(struct city *city) {
    struct exchange_state *s = exchange_state(city);
    if (!s) return;
    for (int i = 0; i < VIEWS; i++) {
        if (s->views[i]) view_free(s->views[i]);
        if (s->retired[i]) view_free(s->retired[i]);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void exchange_moved(struct cx *cx) {
    city_auth_moved(cx->city);
}

// Compiles: the granted columns with the masks that grade and purpose want, the fixed row filter.
static int compile(struct cx *cx, struct grant_view *v) {
    struct grant *g = &v->grant;
    int code = grant_get(cx, v->grant_id, g);
    if (code == OK) code = catalog_dataset_get(cx, g->dataset, &v->dataset);
    if (code == OK) code = catalog_shape(cx, v->dataset, &v->shape, &v->shape_to_dataset);
    if (code != OK) return code;
    v->is_personal = v->dataset->is_personal;
    struct table_view_column *cols = arena_array(cx->mem, (size_t)v->shape.n + 1, sizeof *cols);
    if (!cols) return cx_fail(cx, ERR_no_memory, "", "grant");
    for (struct str rest = g->columns; rest.p;) {
        struct str id = str_cut(rest, ' ', &rest);
        int at = table_column_index(&v->shape, id);
        if (at < 0 || v->view.n == v->shape.n)
            continue; // a column that a later edition dropped simply is not there
        const struct table_column *c = &v->shape.columns[at];
        enum mask_purpose purpose = MASK_GRANT;
        for (struct str r = g->released; r.p;)
            if (str_eq(str_cut(r, ' ', &r), id)) purpose = MASK_RELEASED;
        enum mask_kind mask = mask_for(c->grade, c->mask, purpose);
        if (mask != MASK_OMIT) cols[v->view.n++] = (struct table_view_column){.column = at, .mask = mask};
    }
    v->view.columns = cols;
    v->view.id = g->id;
    if (!g->filter.p) return OK;
    struct json j;
    code = json_parse(cx->mem, g->filter, &j, &cx->err);
    struct table_filter *fixed = arena_array(cx->mem, json_count(j) + 1, sizeof *fixed);
    if (code == OK && !fixed) code = cx_fail(cx, ERR_no_memory, "", "grant");
    for (struct json_iter it = json_iter(j); code == OK && json_next(&it);)
        code = table_filter_json(cx, &v->shape, it.value, &fixed[v->view.fixed_n++]);
    v->view.fixed = fixed;
    return code;
}

static int make(struct cx *cx, int64_t grant_id, struct grant_view **ret) {
    struct arena mem;
    arena_init(&mem, 4 << 20);
    struct grant_view *v = arena_take(&mem, sizeof *v);
    if (!v) return cx_fail(cx, ERR_no_memory, "", "grant");
    v->grant_id = grant_id;
    v->generation = cx->auth_generation;
    struct cx inner = *cx; // everything that compiling takes comes from the view's own arena
    inner.mem = &mem;
    int code = compile(&inner, v);
    if (code == OK && mem.failed) code = cx_fail(&inner, ERR_no_memory, "", "grant");
    if (code != OK) {
        cx->err = inner.err;
        if (cx->err.code == OK) cx->err.code = (enum err_code)code;
        arena_free(&mem);
        return code;
    }
    v->mem = mem;
    *ret = v;
    return OK;
}

static void drop_retired(struct exchange_state *s) {
    for (int i = 0; i < VIEWS; i++)
        if (s->retired[i] && atomic_load(&s->retired[i]->pins) == 0) {
            view_free(s->retired[i]);
            s->retired[i] = NULL;
        }
}

// Under lock: puts v in its place; what stood there is freed, or retired while somebody reads it.
static bool replace(struct exchange_state *s, struct grant_view *v) {
    struct grant_view **place = &s->views[v->grant_id % VIEWS], *old = *place;
    if (old && atomic_load(&old->pins) > 0) {
        drop_retired(s);
        int i = 0;
        while (i < VIEWS && s->retired[i])
            i++;
        if (i == VIEWS) return false;
        s->retired[i] = old;
    } else if (old) {
        view_free(old);
    }
    *place = v;
    return true;
}

int grant_view_pin(struct cx *cx, int64_t grant_id, struct grant_view **ret) {
    struct exchange_state *s = exchange_state(cx->city);
    assert(s && grant_id >= 0);
    pthread_mutex_lock(&s->lock);
    struct grant_view *v = s->views[grant_id % VIEWS];
    bool fits = v && v->grant_id == grant_id && v->generation == cx->auth_generation;
    if (fits) atomic_fetch_add(&v->pins, 1);
    pthread_mutex_unlock(&s->lock);
    if (fits) {
        *ret = v;
        return OK;
    }
    int code = make(cx, grant_id, &v);
    if (code != OK) return code;
    atomic_store(&v->pins, 1);
    pthread_mutex_lock(&s->lock);
    bool placed = replace(s, v);
    pthread_mutex_unlock(&s->lock);
    if (!placed) {
        view_free(v);
        return cx_fail(cx, ERR_busy, "", "grant");
    }
    *ret = v;
    return OK;
}

void grant_view_unpin(struct grant_view *v) {
    atomic_fetch_sub(&v->pins, 1);
}

int grant_get(struct cx *cx, int64_t id, struct grant *ret) {
    struct stmt *s = store_query(cx->db, Q_exchange_grant_get, "i", id);
    bool found = store_next(s);
    if (found) {
        struct grant g = {.id = store_int(s, 0),
                          .line = store_int(s, 2),
                          .verify_only = store_int(s, 12) != 0,
                          .quota_per_day = store_int(s, 13),
                          .rate_per_s = store_int(s, 14),
                          .valid_from_ms = store_int(s, 15),
                          .valid_to_ms = store_int(s, 16),
                          .version = store_int(s, 19),
                          .made_ms = store_int(s, 20),
                          .changed_ms = store_int(s, 21)};
        struct {
            struct str *to;
            int col;
        } texts[] = {{&g.application, 1}, {&g.dataset, 3},   {&g.office, 4},  {&g.provider, 5},
                     {&g.system, 6},      {&g.matter, 7},    {&g.columns, 8}, {&g.released, 9},
                     {&g.filter, 10},     {&g.upstream, 11}, {&g.state, 17},  {&g.reason, 18}};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            *texts[i].to = store_str(s, texts[i].col, cx->mem);
        *ret = g;
    }
    int code = store_done(s, &cx->err);
    if (code == OK && !found) return cx_fail(cx, ERR_not_found, "grant", "%lld", (long long)id);
    return code;
}

// --- keys ---
// A key as the store has it now, with its grant's system and office; texts in cx->mem.
static int read_key(struct cx *cx, int64_t id, struct key_seen *ret) {
    struct stmt *s = store_query(cx->db, Q_exchange_key_get, "i", id);
    struct key_seen k = {.id = id, .generation = cx->auth_generation};
    bool found = store_next(s);
    if (found) {
        struct str digest = store_str(s, 1, NULL);
        k.grant_id = store_int(s, 0);
        if (digest.n == HASH_BYTES) memcpy(k.digest, digest.p, HASH_BYTES);
        k.is_active = digest.n == HASH_BYTES && str_eq(store_str(s, 2, NULL), S("active"));
    }
    int code = store_done(s, &cx->err);
    if (code != OK || !found) return code != OK ? code : ERR_bad_token;
    struct grant g;
    code = grant_get(cx, k.grant_id, &g);
    if (code != OK) return code;
    k.system = g.system;
    k.office = g.office;
    // A system that its office has ended calls no more. Asked here once a generation, not at every call. A store that
    // cannot be read just now says nothing about it: remembered as ended, the key would be refused for as long.
    if (k.is_active) {
        code = people_system_ok(cx, g.system, g.office);
        if (code != OK && code != ERR_not_found) return code;
        k.is_active = code == OK;
    }
    if (cx->mem->failed) return cx_fail(cx, ERR_no_memory, "", "key");
    *ret = k;
    return OK;
}

int key_is_active(struct cx *cx, int64_t key) {
    struct key_seen k;
    int code = read_key(cx, key, &k);
    bool is_gone = code == ERR_bad_token || code == ERR_not_found;
    if (code != OK && !is_gone) return code;
    return code == OK && k.is_active ? OK : cx_fail(cx, ERR_key_revoked, "Authorization", "%s", "");
}

static struct str hold(char *place, size_t room, struct str s) {
    if (s.n > room) s.n = room;
    memcpy(place, s.p, s.n);
    return (struct str){place, s.n};
}

static int find_key(struct cx *cx, int64_t id, struct key_seen *ret) {
    struct exchange_state *s = exchange_state(cx->city);
    size_t at = (size_t)id % KEYS;
    pthread_mutex_lock(&s->lock);
    struct key_seen *kept = &s->keys[at];
    bool fits = kept->id == id && kept->generation == cx->auth_generation;
    if (fits) {
        *ret = *kept;
        ret->system = str_copy(cx->mem, kept->system);
        ret->office = str_copy(cx->mem, kept->office);
    }
    pthread_mutex_unlock(&s->lock);
    if (fits) return OK;
    int code = read_key(cx, id, ret);
    if (code != OK) return code;
    pthread_mutex_lock(&s->lock);
    *kept = *ret;
    kept->system = hold(s->names[at][0], sizeof s->names[at][0], ret->system);
    kept->office = hold(s->names[at][1], sizeof s->names[at][1], ret->office);
    pthread_mutex_unlock(&s->lock);
    return OK;
}

int key_of_grant(struct cx *cx, int64_t key, int64_t grant_id) {
    struct key_seen k;
    int code = find_key(cx, key, &k);
    if (code == OK && k.grant_id != grant_id) return cx_fail(cx, ERR_grant_other, "grant", "%s", "");
    return code;
}

int key_who(struct cx *cx, struct str token) {
    struct str rest = {token.p + 3, token.n - 3}, secret, raw; // "gk_" was seen
    struct str id_text = str_cut(rest, '_', &secret);
    int64_t id;
    struct key_seen k = {0};
    uint8_t digest[HASH_BYTES];
    if (!str_int64(id_text, &id) || id <= 0 || !secret.p || !str_unbase64(cx->mem, secret, true, &raw) ||
        raw.n != 32)
        return cx_fail(cx, ERR_bad_token, "Authorization", "%s", "");
    hash_one(cx->hasher, HASH_SHA256, raw, digest);
    int code = find_key(cx, id, &k);
    if (code == ERR_bad_token || code == ERR_not_found ||
        (code == OK && !str_equal_const_time(digest, k.digest, HASH_BYTES))) {
        cx->err = (struct err){0};
        return cx_fail(cx, ERR_bad_token, "Authorization", "%s", "");
    }
    if (code != OK) return code;
    if (!k.is_active) return cx_fail(cx, ERR_key_revoked, "Authorization", "%s", "");
    cx->who = (struct actor){.login = k.system,
                             .name = k.system,
                             .office = k.office,
                             .roles = R_PUBLIC | R_KEY,
                             .key = id,
                             .system = k.system};
    return OK;
}

// The bucket of a key, full when it is new. Who has to make room is the one that was idle longest: after a second it
// would be full anyway, so nobody gains by being forgotten.
static struct bucket *bucket_of(struct exchange_state *s, int64_t key, double rate, int64_t now_us) {
    struct bucket *set = s->buckets[(size_t)key % BUCKETS], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key) return &set[i];
        if (set[i].at_us < oldest->at_us) oldest = &set[i];
    }
    *oldest = (struct bucket){.key = key, .at_us = now_us, .left = rate}; // one second's worth at once
    return oldest;
}

bool key_rate(struct cx *cx, int64_t key, int64_t rate_per_s, int64_t *ret_wait_ms) {
    struct exchange_state *s = exchange_state(cx->city);
    int64_t now = clock_mono_us();
    double rate = (double)(rate_per_s > 0 ? rate_per_s : EXCHANGE_RATE_STANDARD);
    pthread_mutex_lock(&s->lock);
    struct bucket *b = bucket_of(s, key, rate, now);
    b->left += rate * (double)(now - b->at_us) / 1e6;
    if (b->left > rate) b->left = rate;
    b->at_us = now;
    bool ok = b->left >= 1.0;
    if (ok)
        b->left -= 1.0;
    else
        *ret_wait_ms = (int64_t)((1.0 - b->left) / rate * 1000.0) + 1;
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void key_rate_back(struct cx *cx, int64_t key, int64_t n) {
    struct exchange_state *s = exchange_state(cx->city);
    pthread_mutex_lock(&s->lock);
    struct bucket *set = s->buckets[(size_t)key % BUCKETS];
    for (int i = 0; i < WAYS; i++)
        if (set[i].key == key) set[i].left += (double)n; // the next call cuts it at the rate
    pthread_mutex_unlock(&s->lock);
}

int key_make(struct cx *cx, int64_t grant_id, int64_t *ret_id, struct str *ret_token) {
    uint8_t secret[32], digest[HASH_BYTES];
    assert(cx->is_writer);
    if (crypto_random(secret, sizeof secret) != OK) return cx_fail(cx, ERR_crypto, "", "random");
    hash_one(cx->hasher, HASH_SHA256, (struct str){(const char *)secret, sizeof secret}, digest);
    int code = store_exec(cx->db, NULL, &cx->err, Q_exchange_key_put, "ibii", grant_id,
                          (struct str){(const char *)digest, sizeof digest}, cx->now_ms, cx->who.account);
    if (code != OK) return code;
    *ret_id = store_last_id(cx->db);
    struct str text = str_base64url(cx->mem, secret, sizeof secret);
    crypto_wipe(secret, sizeof secret);
    *ret_token = str_print(cx->mem, "gk_%lld_%.*s", (long long)*ret_id, STRF(text));
    struct str prefix = str_print(cx->mem, "gk_%lld_%.4s…", (long long)*ret_id, text.p);
    exchange_moved(cx);
    return store_exec(cx->db, NULL, &cx->err, Q_exchange_key_prefix, "is", *ret_id, prefix);
}
