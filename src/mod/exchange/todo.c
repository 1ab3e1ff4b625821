// SPDX-License-Identifier: MulanPSL-2.0
// The one work list: what waits for the asker in the catalog and in exchange, with the light of each clock. Order:
// what is late first, then what ends soonest; what has no clock last.
#include "mod/exchange/flow.h"
#include "mod/exchange/shapes.h"
#include <stdlib.h>

#define TASKS_MAX 500

struct task {
    const char *kind, *step_zh, *step_en, *light, *link;
    struct str id, title_zh, title_en, step;
    int64_t line, due_ms;
    bool is_certain;
};

static int add_catalog(struct cx *cx, struct task *tasks, int *n) {
    struct catalog_task *t = NULL;
    int code = catalog_todo(cx, &t);
    for (; code == OK && t && *n < TASKS_MAX; t = t->next)
        tasks[(*n)++] = (struct task){.kind = "dataset",
                                      .id = t->dataset,
                                      .title_zh = t->title_zh,
                                      .title_en = t->title_en,
                                      .step = t->step,
                                      .step_zh = t->step_zh,
                                      .step_en = t->step_en,
                                      .link = "/desk/catalog/",
                                      .due_ms = t->due_ms,
                                      .is_certain = t->is_certain};
    return code;
}

// A step of one's office and role; one's own application is not for oneself to sign.
static int add_steps(struct cx *cx, struct task *tasks, int *n) {
    struct stmt *s = store_query(cx->db, Q_exchange_steps_todo, "s", cx->who.office);
    while (*n < TASKS_MAX && store_next(s)) {
        struct step step = {.step = store_str(s, 3, cx->mem), .office = cx->who.office};
        const struct step_kind *k = step_kind(step.step);
        if (!k || !step_is_mine(cx, &step)) continue;
        struct str title = store_str(s, 7, cx->mem);
        tasks[(*n)++] = (struct task){.kind = "application",
                                      .id = store_str(s, 1, cx->mem),
                                      .title_zh = title,
                                      .title_en = title,
                                      .step = step.step,
                                      .step_zh = k->zh,
                                      .step_en = k->en,
                                      .link = "/desk/applications/",
                                      .line = store_int(s, 2),
                                      .due_ms = store_int(s, 5),
                                      .is_certain = store_int(s, 6) != 0};
    }
    return store_done(s, &cx->err);
}

static int sooner(const void *a, const void *b) {
    const struct task *x = a, *y = b;
    int64_t at = x->due_ms ? x->due_ms : INT64_MAX, bt = y->due_ms ? y->due_ms : INT64_MAX;
    return at < bt ? -1 : at > bt;
}

static void task_json(struct cx *cx, const struct task *t) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "kind", str_of(t->kind));
    jw_ntext(w, "id", t->id);
    jw_ntext(w, "title", cx->is_zh || !t->title_en.n ? t->title_zh : t->title_en);
    jw_ntext(w, "title_zh", t->title_zh);
    jw_ntext(w, "title_en", t->title_en);
    jw_ntext(w, "step", t->step);
    jw_ntext(w, "step_zh", str_of(t->step_zh));
    jw_ntext(w, "step_en", str_of(t->step_en));
    if (t->line) jw_nint(w, "line", t->line);
    if (t->due_ms) jw_nint(w, "due_ms", t->due_ms);
    jw_nbool(w, "certain", t->is_certain);
    jw_ntext(w, "light", str_of(t->light));
    jw_ntext(w, "link", str_print(cx->mem, "%s%.*s", t->link, STRF(t->id)));
    jw_object_end(w);
}

static int get_todo(struct cx *cx) {
    struct task *tasks = arena_array(cx->mem, TASKS_MAX, sizeof *tasks);
    struct jw *w = &cx->w;
    int n = 0, overdue = 0, soon = 0;
    if (!tasks) return cx_fail(cx, ERR_no_memory, "", "tasks");
    int code = add_catalog(cx, tasks, &n);
    if (code == OK) code = add_steps(cx, tasks, &n);
    if (code != OK) return code;
    qsort(tasks, (size_t)n, sizeof *tasks, sooner);
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    for (int i = 0; i < n; i++) {
        tasks[i].light = catalog_light(cx, tasks[i].due_ms, 0);
        overdue += strcmp(tasks[i].light, "red") == 0;
        soon += strcmp(tasks[i].light, "yellow") == 0;
        task_json(cx, &tasks[i]);
    }
    jw_array_end(w);
    jw_name(w, "counts");
    jw_object(w);
    jw_nint(w, "todo", n);
    jw_nint(w, "overdue", overdue);
    jw_nint(w, "soon", soon);
    jw_object_end(w);
    jw_object_end(w);
    return OK;
}

const struct route exchange_todo_routes[] = {{"GET", "/api/v1/todo", ROUTE_READ, R_LOGIN, NULL,
                                              &exchange_todo_shape, NULL, 0, 0, get_todo, "我的待办",
                                              "What waits for me", "exchange:read"},
                                             {0}};
