// SPDX-License-Identifier: MulanPSL-2.0
// The guard against log-in guessing: a table in memory that counts wrong tries per log-in and per address. It is
// asked before the password is looked at, so many tries at once cannot slip past a count that is written later, and
// it does not know which log-ins exist, so a stranger learns nothing from being refused. Keeps true: (1) it never
// grows: a full run of slots gives up the entry that says least; (2) keys are HMACs under the server's key, so nobody can
// aim at another's slot. Forgetting it all at a restart is harmless: locks of real accounts stand in the store too.
#include "mod/people/own.h"
#include <arpa/inet.h>
#include <assert.h>

uint64_t guard_key(struct cx *cx, const char *kind, struct str what) {
    uint8_t mac[HASH_BYTES];
    struct str text = str_print(cx->mem, "people guard %s %.*s", kind, STRF(what));
    hash_hmac(cx->hasher, HASH_SHA256, (struct str){(const char *)cx->city->key, sizeof cx->city->key}, text,
              mac);
    uint64_t key;
    memcpy(&key, mac, sizeof key);
    return key ? key : 1; // 0 marks a free slot
}

struct str guard_peer(struct cx *cx, struct str peer) {
    struct in6_addr a;
    char *z = str_z(cx->mem, peer);
    // One subscriber holds a whole /64: counting single IPv6 addresses would count nothing.
    if (!z || inet_pton(AF_INET6, z, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a)) return peer;
    return str_hex(cx->mem, a.s6_addr, 8);
}

static struct guard_slot *find(struct guard *g, uint64_t key, int64_t now_ms) {
    struct guard_slot *least = NULL;
    for (uint64_t i = 0; i < GUARD_PROBES; i++) {
        struct guard_slot *s = &g->slots[(key + i) % GUARD_SLOTS];
        if (s->key == key) return s;
        if (s->key && s->until_ms <= now_ms) *s = (struct guard_slot){0};
        if (!least || s->n < least->n) least = s;
    }
    *least = (struct guard_slot){.key = key};
    return least;
}

bool guard_try(struct guard *g, uint64_t key, int64_t now_ms, int64_t tries, int64_t window_ms,
               int64_t *ret_until_ms, bool *ret_last) {
    assert(key && tries > 0 && window_ms > 0);
    pthread_mutex_lock(&g->lock);
    struct guard_slot *s = find(g, key, now_ms);
    if (s->n && s->until_ms <= now_ms) *s = (struct guard_slot){.key = key};
    bool go = s->n < tries;
    if (go) {
        if (s->n++ == 0) s->first_ms = now_ms;
        s->until_ms =
            now_ms + window_ms; // the window runs from the last try that counted, not from refused ones
    }
    *ret_until_ms = s->until_ms;
    if (ret_last) *ret_last = go && s->n == tries;
    pthread_mutex_unlock(&g->lock);
    return go;
}

void guard_clear(struct guard *g, uint64_t key) {
    pthread_mutex_lock(&g->lock);
    for (uint64_t i = 0; i < GUARD_PROBES; i++) {
        struct guard_slot *s = &g->slots[(key + i) % GUARD_SLOTS];
        if (s->key == key) *s = (struct guard_slot){0};
    }
    pthread_mutex_unlock(&g->lock);
}

void guard_back(struct guard *g, uint64_t key) {
    pthread_mutex_lock(&g->lock);
    for (uint64_t i = 0; i < GUARD_PROBES; i++) {
        struct guard_slot *s = &g->slots[(key + i) % GUARD_SLOTS];
        if (s->key == key && s->n > 0) s->n--;
    }
    pthread_mutex_unlock(&g->lock);
}
