// SPDX-License-Identifier: MulanPSL-2.0
// A city opened for a command: everything a handler wants, with nobody as the actor; and the loading of a pack
// with its mistakes told to people, file and line first.
#include "app/app.h"
#include <inttypes.h>
#include <stdio.h>

int session_open(struct session *s, const struct options *o, struct err *e) {
    *s = (struct session){.city = {.folder = o->data,
                                   .with_demo = o->demo,
                                   .allow_upstream = o->allow,
                                   .allow_upstream_n = o->allow_n}};
    if (o->origin) snprintf(s->city.origin, sizeof s->city.origin, "%s", o->origin);
    if (o->base_url) snprintf(s->city.base_url, sizeof s->city.base_url, "%s", o->base_url);
    arena_init(&s->mem, (size_t)2 << 30);
    int code = city_open(&s->city, e);
    if (code == OK) code = store_conn_open(s->city.store, &s->conn, e);
    if (code == OK && !(s->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK) core_cx(&s->cx, &s->city, &s->mem, s->conn, s->hasher, NULL);
    return code;
}

void session_close(struct session *s) {
    hasher_close(s->hasher);
    store_conn_close(s->conn);
    if (s->city.store) city_close(&s->city);
    arena_free(&s->mem);
}

static void tell_mistakes(struct cx *cx, const struct pack *p) {
    for (const struct pack_mistake *m = p->mistakes; m; m = m->next) {
        struct str zh = err_text(cx->mem, &m->err, true), en = err_text(cx->mem, &m->err, false);
        fprintf(stderr, "%.*s:%" PRId64 ": %s%s%.*s / %.*s\n", STRF(m->file), m->line, m->err.field,
                m->err.field[0] ? ": " : "", STRF(zh), STRF(en));
    }
    if (p->mistakes_n > PACK_MISTAKES_MAX) fprintf(stderr, "… %d more\n", p->mistakes_n - PACK_MISTAKES_MAX);
}

static int tell_error(struct cx *cx) {
    struct str zh = err_text(cx->mem, &cx->err, true), en = err_text(cx->mem, &cx->err, false);
    fprintf(stderr, "gusu: %s%s%.*s / %.*s\n", cx->err.field, cx->err.field[0] ? ": " : "", STRF(zh),
            STRF(en));
    return 1;
}

int app_load(struct cx *cx, const char *folder, bool demo, bool only_check) {
    struct pack *p = NULL;
    bool changed = false;
    int64_t begin = clock_mono_us();
    int code = pack_open(cx, folder, demo, &p);
    if (code == OK) code = only_check ? pack_check(cx, p) : pack_load(cx, p, &changed);
    if (p) tell_mistakes(cx, p);
    if (code != OK) return tell_error(cx);
    int64_t ms = (clock_mono_us() - begin) / 1000;
    const char *what = only_check ? "无误 / no mistakes" : changed ? "已装载 / loaded" : "未变 / unchanged";
    fprintf(stderr, "%.*s %.*s: %s (%" PRId64 " ms)\n", STRF(p->id), STRF(p->version), what, ms);
    return 0;
}
