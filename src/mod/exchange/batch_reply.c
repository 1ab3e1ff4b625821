// SPDX-License-Identifier: MulanPSL-2.0
// A batch on the writer, and what is told of it. Keeps true: the quota is taken once for a slice, and exactly by as many
// calls as get an entry; when it does not suffice, the first ones in the caller's order get what is left. An answer has
// either the number of its durable entry or its own problem, never rows without an entry.
#include "mod/exchange/batch.h"
#include <inttypes.h>

static const struct call_note *call_of(const struct note *n) {
    return n->arg;
}

static int judge(struct cx *cx, struct note_slice *s) {
    const struct call_note *c = call_of(s->first);
    const int64_t time_ms = s->first->time_ms; // of the whole call
    int64_t left, rows = 0, bytes = 0, calls = 0;
    bool moved = cx->auth_generation != atomic_load(&cx->city->auth_generation);
    int code = moved ? call_authorised(cx, c) : OK;
    if (code == OK) code = meter_left(cx, c, time_ms, &left);
    if (code != OK) return code;
    struct err *none = NULL;
    for (struct note *n = s->first; n; n = n->next) {
        if (calls < left) {
            calls++;
            rows += call_of(n)->rows;
            bytes += call_of(n)->bytes;
            continue;
        }
        if (!none && !(none = arena_take(cx->mem, sizeof *none)))
            return cx_fail(cx, ERR_no_memory, "", "quota");
        (void)err_set(none, ERR_quota_used, "quota_per_day", "%" PRId64, c->quota);
        n->refused = none;
    }
    return calls ? meter_take(cx, c->grant_id, time_ms, calls, rows, bytes) : OK;
}

// The slices' results become the queries' own. How many have an answer.
static int64_t settle(struct batch *b) {
    int64_t answered = 0;
    for (int k = 0; k < b->notes.n; k++) {
        const struct note_slice *s = &b->notes.slices[k];
        for (struct note *n = s->first; n; n = n->next)
            if (s->err.code != OK) n->refused = &s->err;
    }
    for (int i = 0; i < b->n; i++) {
        struct batch_query *q = &b->queries[i];
        if (q->note) q->bad = q->note->refused;
        answered += q->bad == NULL;
    }
    return answered;
}

static void put_problem(struct cx *cx, struct jw *w, const struct err *e) {
    const struct err_info *info = err_info(e->code);
    jw_nint(w, "status", info->status);
    jw_name(w, "problem");
    jw_object(w);
    jw_ntext(w, "type", str_print(cx->mem, "about:gusu/%s", info->name));
    jw_ntext(w, "title", err_text(cx->mem, e, cx->is_zh));
    jw_nint(w, "status", info->status);
    jw_ntext(w, "code", str_of(info->name));
    jw_ntext(w, "title_zh", err_text(cx->mem, e, true));
    jw_ntext(w, "title_en", err_text(cx->mem, e, false));
    if (e->field[0]) jw_ntext(w, "field", str_of(e->field));
    jw_object_end(w);
}

static void put_item(struct cx *cx, struct jw *w, const struct batch_query *q) {
    jw_object(w);
    if (q->id.p) jw_ntext(w, "id", q->id);
    if (q->bad) {
        put_problem(cx, w, q->bad);
    } else {
        jw_nint(w, "status", 200);
        jw_nint(w, "entry", q->note->entry);
        // The single call's object, opened: its members stand behind ours.
        buf_char(w->out, ',');
        buf_put(w->out, (struct str){q->reply.p + 1, q->reply.n - 2});
    }
    jw_object_end(w);
}

// The Idempotency-Key was used before: nothing was done, and that is all there is to say.
static int done_before(struct cx *cx, const struct batch *b) {
    for (int k = 0; k < b->notes.n; k++) {
        const struct err *e = &b->notes.slices[k].err;
        bool is_other = e->code == ERR_conflict && strcmp(e->field, "Idempotency-Key") == 0;
        if (e->code != ERR_done_already && !is_other) continue;
        cx->err = *e;
        return e->code;
    }
    return OK;
}

int batch_items(struct cx *cx, struct batch *b, struct buf *out, int64_t *ret_answered) {
    struct jw w = jw_to(out);
    int code = done_before(cx, b);
    if (code != OK) return code;
    *ret_answered = settle(b);
    if (!b->is_ndjson) jw_array(&w);
    for (int i = 0; i < b->n; i++) {
        put_item(cx, &w, &b->queries[i]);
        if (!b->is_ndjson) continue;
        buf_char(out, '\n');
        w = jw_to(out); // no commas between lines
    }
    if (!b->is_ndjson) jw_array_end(&w);
    return out->over ? cx_fail(cx, ERR_too_large, "", "%zu", out->max_bytes) : OK;
}

int batch_tell(struct cx *cx) {
    struct batch *b = (struct batch *)cx->batch;
    int64_t answered = 0;
    if (!b->is_ndjson) buf_puts(&cx->out, "{\"items\":");
    int code = batch_items(cx, b, &cx->out, &answered);
    if (code != OK) return code;
    cx_reply_header(cx, "Gusu-Trace", b->trace);
    if (b->is_ndjson) {
        cx->reply.type = S("application/x-ndjson");
        return OK;
    }
    buf_print(&cx->out, ",\"answered\":%" PRId64 ",\"refused\":%" PRId64 ",\"trace\":", answered,
              b->n - answered);
    cx->w = jw_to(&cx->out);
    jw_text(&cx->w, b->trace);
    buf_char(&cx->out, '}');
    return OK;
}

void batch_hooks(struct batch *b) {
    b->notes.judge = judge;
    b->notes.reply = batch_tell;
}
