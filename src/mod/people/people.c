// SPDX-License-Identifier: MulanPSL-2.0
// The module's row, and what it makes at start: the process state (guard, last-seen works) and its hook `who`,
// through which core learns the actor of every request.
#include "mod/people/own.h"
#include <assert.h>

struct people_state *people_state(struct cx *cx) {
    struct people_state *p = cx->city->mod[module_index("people")];
    assert(p && p->magic == PEOPLE_MAGIC);
    return p;
}

static int start(struct cx *cx) {
    struct people_state *p = arena_take(&cx->city->mem, sizeof *p); // lives as long as the process
    if (!p) return cx_fail(cx, ERR_no_memory, "", "people");
    p->magic = PEOPLE_MAGIC;
    pthread_mutex_init(&p->guard.lock, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->back, NULL);
    for (int i = 0; i < PEOPLE_TOUCHES; i++) {
        p->touches[i].next = p->free;
        p->free = &p->touches[i];
    }
    cx->city->mod[module_index("people")] = p;
    cx->city->who = people_who;
    return OK;
}

// The writer still runs and holds pointers to the works under way: wait until it has handed all of them back.
static void stop(struct city *city) {
    struct people_state *p = city->mod[module_index("people")];
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    while (p->out > 0)
        pthread_cond_wait(&p->back, &p->lock);
    pthread_mutex_unlock(&p->lock);
    pthread_cond_destroy(&p->back);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->guard.lock);
    p->magic = 0;
}

static const struct route *const tables[] = {people_login_routes, people_account_routes, people_area_routes,
                                             people_office_routes, NULL};
const struct module people_module = {
    .name = "people",
    .route_tables = tables,
    .jobs = people_jobs,
    .pack_check = people_pack_check,
    .pack_stage = people_pack_stage,
    .pack_publish = people_pack_publish,
    .start = start,
    .stop = stop,
    .zh = "机构、人员与区划",
    .en = "Offices, people and areas",
};
