// SPDX-License-Identifier: MulanPSL-2.0
// Pages that listen: server-sent events of what was announced, after its commit. An event carries only its name and
// the object's id; whoever is told must still ask, and is judged then. Keeps true: a page hears only of its own
// office's things, unless its role looks over all offices.
#include "app/server.h"
#include <stdio.h>
#include <stdlib.h>

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

void listeners_add(struct call *c, const struct http_out *out) {
    struct server *s = c->server;
    struct listener *l = s->listeners_n < LISTENERS_MAX ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        http_reply(c->x, &(struct http_out){.status = 503}, S(""));
        return;
    }
    *l = (struct listener){.next = s->listeners, .server = s, .x = c->x, .roles = c->cx.who.roles};
    snprintf(l->office, sizeof l->office, "%.*s", STRF(c->cx.who.office));
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

static void deliver(struct http_post *p) {
    struct message *m = (struct message *)p;
    for (struct listener *l = m->server->listeners, *next; l; l = next) {
        next = l->next; // sending may close, and closing frees
        bool sees_all = (l->roles & (R_(AUTHORITY) | R_(REVIEWER) | R_(AUDITOR))) != 0;
        if (sees_all || strcmp(l->office, m->office) == 0)
            (void)http_stream_send(l->x, (struct str){m->text, m->n});
    }
    free(m);
}

void listeners_tell(void *arg, const char *event, struct str object, struct str office) {
    struct server *s = arg;
    size_t room = strlen(event) + object.n + 64;
    struct message *m = calloc(1, sizeof *m + room);
    if (!m) return; // a page that misses one asks again at its next look
    m->post.run = deliver;
    m->server = s;
    snprintf(m->office, sizeof m->office, "%.*s", STRF(office));
    m->n = (size_t)snprintf(m->text, room, "event: %s\ndata: {\"object\":\"%.*s\"}\n\n", event, STRF(object));
    http_post(s->loop, &m->post);
}

void listeners_beat(void *arg) {
    struct server *s = arg;
    for (struct listener *l = s->listeners, *next; l; l = next) {
        next = l->next;
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
static const struct route *const tables[] = {routes, NULL};
const struct module app_module = {.name = "app", .route_tables = tables, .zh = "服务", .en = "server"};
