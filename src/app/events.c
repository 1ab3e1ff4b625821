// SPDX-License-Identifier: MulanPSL-2.0
// Pages that listen: server-sent events of what was announced, after its commit. An event carries only its name and
// the object's id; whoever is told must still ask, and is judged then. Keeps true: a page hears only of its own
// office's things, unless its role looks over all offices.
#include "app/backup.h"
#include "app/server.h"
#include "core/node.h"
#include <stdio.h>
#include <stdlib.h>

#define JUDGED_MS 60000 // sessions end by time too

static void on_close(void *arg) {
    struct listener *l = arg;
    struct server *s = l->server;
    struct listener **at = &s->listeners;
    while (*at && *at != l)
        at = &(*at)->next;
    if (*at) *at = l->next;
    s->listeners_n--;
    free(l);
}

static void remember_who(struct listener *l, struct cx *cx) {
    static const char *const names[] = {"Cookie", "Authorization"};
    for (int i = 0; i < 2; i++) {
        struct str v = cx_header(cx, names[i]);
        snprintf(l->said[i].name, sizeof l->said[i].name, "%s", names[i]);
        // Cut, it is no credential any more, and the page will be asked to come again.
        if (v.p) snprintf(l->said[i].value, sizeof l->said[i].value, "%.*s", STRF(v));
    }
    l->generation = cx->auth_generation;
    l->judged_ms = cx->now_ms;
}

static struct str said_header(void *arg, const char *name) {
    const struct listener *l = arg;
    for (int i = 0; i < 2; i++)
        if (l->said[i].value[0] && str_eq_nocase(str_of(l->said[i].name), str_of(name)))
            return str_of(l->said[i].value);
    return STR_NONE;
}

// Is the page still somebody who may listen? Asked on the loop. It asks as the writer does: looking is no use of the
// session, which would else never grow idle while a page stands open.
static bool may_still_listen(struct server *s, struct listener *l) {
    struct arena mem;
    struct cx cx;
    const struct request req = {.verb = S("GET"),
                                .path = S("/api/v1/events"),
                                .body_fd = -1,
                                .headers_arg = l,
                                .header = said_header};
    arena_init(&mem, 65536);
    core_cx(&cx, s->city, &mem, s->reader, s->hasher, &req);
    cx.is_writer = true;
    cx.auth_generation = s->generation;
    cx.who = (struct actor){.roles = R_PUBLIC};
    bool may = (!s->city->who || s->city->who(&cx) == OK) && (cx.who.roles & R_LOGIN);
    if (may) {
        l->roles = cx.who.roles;
        snprintf(l->office, sizeof l->office, "%.*s", STRF(cx.who.office));
        l->generation = s->generation;
        l->judged_ms = cx.now_ms;
    }
    arena_free(&mem);
    return may;
}

void listeners_add(struct call *c, const struct http_out *out) {
    struct server *s = c->server;
    if (c->x->method == HTTP_HEAD) { // asks for the head only: there is nothing to keep open
        http_reply(c->x, out, S(""));
        return;
    }
    struct listener *l = s->listeners_n < LISTENERS_MAX ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        http_reply(c->x, &(struct http_out){.status = 503}, S(""));
        return;
    }
    *l = (struct listener){.next = s->listeners, .server = s, .x = c->x, .roles = c->cx.who.roles};
    snprintf(l->office, sizeof l->office, "%.*s", STRF(c->cx.who.office));
    remember_who(l, &c->cx);
    s->listeners = l;
    s->listeners_n++;
    http_stream_begin(c->x, out, on_close, l);
    (void)http_stream_send(c->x, S("retry: 3000\n\n"));
}

// A message on its way from any thread to the loop; one piece of memory with its text behind it.
struct message {
    struct http_post post;
    struct server *server;
    char office[64];
    size_t n;
    char text[];
};

static bool concerns(const struct listener *l, const struct message *m) {
    bool sees_all = (l->roles & (R_(AUTHORITY) | R_(REVIEWER) | R_(AUDITOR))) != 0;
    return sees_all || strcmp(l->office, m->office) == 0;
}

// An event may come in the same round as the commit that revoked its listener, and the round's snapshot is older: a new
// one is taken, which nothing forbids between two requests.
static void catch_up(struct server *s) {
    uint64_t now = atomic_load(&s->city->auth_generation); // before the snapshot, as on every tick
    if (now == s->generation) return;
    store_read_end(s->reader);
    s->generation = now;
    store_read_begin(s->reader);
}

static void deliver(struct http_post *p) {
    struct message *m = (struct message *)p;
    struct server *s = m->server;
    catch_up(s);
    for (struct listener *l = s->listeners, *next; l; l = next) {
        next = l->next; // sending may close, and closing frees
        if (!concerns(l, m)) continue;
        if (l->generation != s->generation && !may_still_listen(s, l))
            http_stream_end(l->x);
        else if (concerns(l, m)) // asked again: judging may have moved him to another office
            (void)http_stream_send(l->x, (struct str){m->text, m->n});
    }
    free(m);
}

void listeners_tell(void *arg, const char *event, struct str object, struct str office) {
    struct server *s = arg;
    struct arena mem;
    arena_init(&mem, 65536);
    struct buf b = buf_new(&mem, 256, 4096);
    struct jw w = jw_to(&b);
    buf_print(&b, "event: %s\ndata: ", event);
    jw_object(&w);
    jw_ntext(&w, "object", object); // escaped: an id may hold what would end the line
    jw_object_end(&w);
    buf_puts(&b, "\n\n");
    struct message *m = b.over ? NULL : calloc(1, sizeof *m + b.n);
    if (m) { // a page that misses one asks again at its next look
        *m = (struct message){.post = {.run = deliver}, .server = s, .n = b.n};
        snprintf(m->office, sizeof m->office, "%.*s", STRF(office));
        memcpy(m->text, b.p, b.n);
        http_post(s->loop, &m->post);
    }
    arena_free(&mem);
}

void listeners_beat(void *arg) {
    struct server *s = arg;
    int64_t now_ms = s->city->now_ms();
    for (struct listener *l = s->listeners, *next; l; l = next) {
        next = l->next;
        bool is_due = l->generation != s->generation || now_ms - l->judged_ms >= JUDGED_MS;
        if (is_due && !may_still_listen(s, l))
            http_stream_end(l->x);
        else
            (void)http_stream_send(l->x, S(": beat\n\n"));
    }
}

static int get_events(struct cx *cx) {
    cx->reply.type = S("text/event-stream");
    return OK;
}

static const struct shape events_shape = {"Events", NULL, "text/event-stream"};
static const struct route routes[] = {{"GET", "/api/v1/events", ROUTE_READ, R_LOGIN, NULL, &events_shape,
                                       NULL, 0, 0, get_events, "事件通知流", "Stream of events (SSE)", NULL},
                                      {0}};
static const struct route *const tables[] = {metrics_routes,  node_routes,   routes,
                                             verifier_routes, backup_routes, NULL};
const struct module app_module = {.name = "app",
                                  .route_tables = tables,
                                  .jobs = backup_jobs,
                                  .start = migrate_start,
                                  .zh = "服务",
                                  .en = "server"};
