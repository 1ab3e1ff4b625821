// SPDX-License-Identifier: MulanPSL-2.0
// Quality of a data set, measured and never guessed: completeness (cells that are filled), validity (element checks and
// rules over rows), freshness (the data's own time against the promised cycle), uniqueness (keys that occur once).
// A part that cannot be measured is absent and its weight goes to the others. One pass over the rows, on a worker.
#include "mod/catalog/quality.h"
#include <assert.h>
#include <math.h>

#define MEASURE_AGAIN_MS DAY_MS // freshness moves by itself
#define MEMO_SLOTS       4096   // remembered answers of code lists and area tables, per column

struct memo { // direct-mapped: a full digest beside each answer
    uint64_t digest[MEMO_SLOTS];
    bool known[MEMO_SLOTS];
};
struct column_sum {
    int64_t filled, empty, checked, bad;
    struct memo *memo;
};
struct pass {
    struct cx *cx;
    struct cx row_cx; // look-ups of one row use an arena that is emptied now and then
    struct arena scratch;
    const struct catalog_dataset *d;
    const struct table_shape *shape;
    const struct catalog_column **columns; // of each place in a row
    struct column_sum *sums;
    struct rule *rules;
    int rules_n;
    int key_at[TABLE_COLUMNS_MAX], key_n;
    struct digests keys;
    int64_t rows, repeated, data_ms;
    int data_time; // place of the column with the element data_time; -1 = none
    int32_t today;
};

static bool known_memo(struct pass *p, int place, struct str value) {
    struct column_sum *sum = &p->sums[place];
    struct catalog_known known = {.cx = &p->row_cx, .column = p->columns[place]};
    uint64_t h = str_hash(value);
    size_t i = (size_t)(h ^ (h >> 29)) & (MEMO_SLOTS - 1);
    if (h && sum->memo->digest[i] == h) return sum->memo->known[i];
    sum->memo->digest[i] = h;
    sum->memo->known[i] = catalog_known(&known, value);
    return sum->memo->known[i];
}

struct asking {
    struct pass *p;
    int place;
};
static bool ask_known(void *arg, struct str value) {
    struct asking *a = arg;
    return known_memo(a->p, a->place, value);
}

static void judge_cell(struct pass *p, int place, const struct table_cell *cell) {
    const struct catalog_column *c = p->columns[place];
    struct column_sum *sum = &p->sums[place];
    if (cell->kind == TABLE_CELL_NULL || (cell->kind == TABLE_CELL_TEXT && cell->s.n == 0)) {
        sum->empty++;
        return;
    }
    sum->filled++;
    if (c->rule == ELEMENT_ANY) return;
    struct asking a = {p, place};
    // Dates stand as numbers: what is in the table is a date already, only the future can be wrong with it.
    if (cell->kind == TABLE_CELL_INT) {
        sum->checked++;
        sum->bad += c->type == TABLE_DATE && cell->i > p->today;
        return;
    }
    sum->checked++;
    sum->bad += element_check(c->rule, cell->s, p->today, ask_known, &a) != OK;
}

#define SCRATCH_ROWS 256
static int on_row(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct pass *p = arg;
    (void)id;
    for (int i = 0; i < p->shape->n; i++)
        judge_cell(p, i, &cells[i]);
    rules_row(&p->row_cx, p->rules, p->rules_n, cells);
    uint64_t key = p->key_n ? digest_cells(cells, p->key_at, p->key_n) : 0;
    if (key) p->repeated += digests_add(&p->keys, key);
    if (p->data_time >= 0 && cells[p->data_time].kind == TABLE_CELL_INT && cells[p->data_time].i > p->data_ms)
        p->data_ms = cells[p->data_time].i;
    if (++p->rows % SCRATCH_ROWS == 0) arena_reset(&p->scratch);
    return p->keys.mem->failed ? cx_fail(cx, ERR_no_memory, "", "keys") : OK;
}

static int pass_open(struct cx *cx, const struct catalog_dataset *d, const struct table_shape *shape,
                     struct pass *p) {
    *p = (struct pass){.cx = cx, .d = d, .shape = shape, .data_time = -1, .row_cx = *cx, .keys.mem = cx->mem};
    arena_init(&p->scratch, 0);
    p->row_cx.mem = &p->scratch;
    p->today = clock_days(clock_civil(cx->now_ms, CHINA_OFFSET_MS).year,
                          clock_civil(cx->now_ms, CHINA_OFFSET_MS).month,
                          clock_civil(cx->now_ms, CHINA_OFFSET_MS).day);
    p->columns = arena_array(cx->mem, (size_t)shape->n + 1, sizeof *p->columns);
    p->sums = arena_array(cx->mem, (size_t)shape->n + 1, sizeof *p->sums);
    p->rules = arena_array(cx->mem, QUALITY_RULES_MAX, sizeof *p->rules);
    if (!p->columns || !p->sums || !p->rules) return cx_fail(cx, ERR_no_memory, "", "quality");
    for (int i = 0; i < shape->n; i++) {
        const struct catalog_column *c = catalog_column_find(d, shape->columns[i].id);
        assert(c);
        p->columns[i] = c;
        if (c->is_key) p->key_at[p->key_n++] = i;
        if (str_eq(c->element, S("data_time"))) p->data_time = i;
        if (c->rule != ELEMENT_AREA && c->rule != ELEMENT_CODE) continue;
        p->sums[i].memo = arena_take(cx->mem, sizeof *p->sums[i].memo);
        if (!p->sums[i].memo) return cx_fail(cx, ERR_no_memory, "", "quality");
    }
    return rules_open(cx, cx->mem, d, shape, p->rules, &p->rules_n);
}

static double part(int64_t bad, int64_t total) {
    return total > 0 ? 1.0 - (double)bad / (double)total : -1;
}

static void put_check(struct jw *w, struct str id, struct str zh, struct str en, struct str column,
                      int64_t total, int64_t bad) {
    jw_object(w);
    jw_ntext(w, "id", id);
    jw_ntext(w, "zh", zh);
    jw_ntext(w, "en", en);
    jw_ntext(w, "column", column);
    jw_nint(w, "total", total);
    jw_nint(w, "bad", bad);
    jw_object_end(w);
}

static void put_word_check(struct cx *cx, struct jw *w, const struct catalog_column *c, const char *key,
                           int64_t total, int64_t bad) {
    const struct catalog_word *word = catalog_word("rule", str_of(key));
    if (!word) return;
    put_check(w, str_print(cx->mem, "%.*s.%s", STRF(c->id), key),
              str_print(cx->mem, "%.*s：%s", STRF(c->zh), word->zh),
              str_print(cx->mem, "%.*s: %s", STRF(c->en), word->en), c->id, total, bad);
}

static void sum_up(struct pass *p, struct quality *q) {
    struct cx *cx = p->cx;
    struct buf out = buf_new(cx->mem, 2048, 1 << 20);
    struct jw w = jw_to(&out);
    int64_t cells = 0, empty = 0, checked = 0, bad = 0;
    jw_array(&w);
    for (int i = 0; i < p->shape->n; i++) {
        const struct column_sum *s = &p->sums[i];
        const struct catalog_column *c = p->columns[i];
        cells += s->filled + s->empty;
        empty += s->empty;
        checked += s->checked;
        bad += s->bad;
        if (s->empty) put_word_check(cx, &w, c, "filled", s->filled + s->empty, s->empty);
        if (s->checked) put_word_check(cx, &w, c, element_rule_code(c->rule), s->checked, s->bad);
    }
    for (int i = 0; i < p->rules_n; i++) {
        const struct rule *r = &p->rules[i];
        if (r->kind != RULE_UNIQUE) {
            checked += r->total;
            bad += r->bad;
        }
        put_check(&w, r->id, r->zh, r->en, r->column, r->total, r->bad);
    }
    if (p->key_n) put_word_check(cx, &w, p->columns[p->key_at[0]], "key", p->rows, p->repeated);
    jw_array_end(&w);
    q->checks = out.over ? S("[]") : buf_str(&out);
    q->completeness = part(empty, cells);
    q->validity = part(bad, checked);
    q->uniqueness = p->key_n ? part(p->repeated, p->rows) : -1;
}

static const struct {
    const char *cycle;
    int days;
} cycles[] = {{"daily", 1},      {"weekly", 7},       {"monthly", 31},
              {"quarterly", 92}, {"halfyearly", 184}, {"yearly", 366}};

// 1 until the promised moment, then falling to 0 over one more cycle; absent where nothing is promised.
static double freshness(struct cx *cx, const struct catalog_dataset *d, int64_t data_ms) {
    for (size_t i = 0; data_ms > 0 && i < sizeof cycles / sizeof *cycles; i++) {
        if (!str_eq(d->cycle, str_of(cycles[i].cycle))) continue;
        double cycle_ms = (double)cycles[i].days * (double)DAY_MS,
               late = (double)(cx->now_ms - data_ms) - cycle_ms;
        return late <= 0 ? 1 : late >= cycle_ms ? 0 : 1 - late / cycle_ms;
    }
    return -1;
}

static void score(struct quality *q) {
    const struct {
        double v, weight;
    } parts[] = {{q->completeness, 0.3}, {q->validity, 0.3}, {q->freshness, 0.2}, {q->uniqueness, 0.2}};
    double sum = 0, weight = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].v < 0) continue;
        sum += parts[i].v * parts[i].weight;
        weight += parts[i].weight;
    }
    // Rounded down: a table with one fault is not perfect.
    q->score = weight > 0 ? floor(sum / weight * 1000) / 10 : 0;
}

int quality_measure(struct cx *cx, const struct catalog_dataset *d, const struct table_shape *shape,
                    struct quality *ret) {
    struct pass p;
    int code = pass_open(cx, d, shape, &p);
    if (code == OK) code = quality_each(cx, shape, on_row, &p);
    if (code == OK) {
        struct quality q = {
            .table = shape->table, .edition = d->edition, .rows = p.rows, .measured_ms = cx->now_ms};
        sum_up(&p, &q);
        q.data_ms = p.data_ms;
        q.freshness = freshness(cx, d, p.data_ms ? p.data_ms : d->data_ms);
        score(&q);
        *ret = q;
    }
    arena_free(&p.scratch);
    return code;
}

// A part that was not measured is NULL, not zero.
static int write_parts(struct cx *cx, struct str id, const struct quality *q) {
    const double v[] = {q->completeness, q->validity, q->freshness, q->uniqueness};
    struct stmt *s = store_query(cx->db, Q_catalog_quality_put, "sdnnnnsiiiii", id, q->score, q->checks,
                                 q->table, q->edition, q->rows, q->measured_ms, cx->who.account);
    for (int i = 0; i < 4; i++)
        if (v[i] >= 0) store_bind_double(s, 3 + i, v[i]);
    while (store_next(s)) { // no rows come; stepping writes
    }
    return store_done(s, &cx->err);
}

int quality_write(struct cx *cx, struct str id, const struct quality *q) {
    assert(cx->is_writer);
    int code = write_parts(cx, id, q);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_measured, "sdi", id, q->score, q->data_ms);
    return code;
}

struct measured {
    struct str id;
    struct quality q;
};

// A measurement is an observation, not a decision: no act, no entry.
static int write_measured(struct cx *cx, void *arg) {
    struct measured *m = arg;
    int64_t version, table;
    if (!catalog_live_now(cx, m->id, &version, &table) || table != m->q.table)
        return cx->err.code; // loaded anew meanwhile
    int code = quality_write(cx, m->id, &m->q);
    return code == OK ? cx_announce(cx, "dataset.changed", m->id, STR_NONE) : code;
}

static int measure_one(struct cx *cx, struct str id) {
    struct catalog_dataset *d;
    struct table_shape shape;
    struct measured m = {.id = id};
    int code = catalog_dataset_get(cx, id, &d);
    if (code == ERR_not_found) return OK; // withdrawn meanwhile
    if (code == OK) code = catalog_shape(cx, d, &shape, NULL);
    if (code == OK) code = quality_measure(cx, d, &shape, &m.q);
    return code == OK ? cx_write(cx, write_measured, &m) : code;
}

int quality_job(struct cx *cx) {
    struct str ids[100];
    size_t n = 0;
    struct stmt *s = store_query(cx->db, Q_catalog_quality_due, "i", cx->now_ms - MEASURE_AGAIN_MS);
    while (n < sizeof ids / sizeof *ids && store_next(s))
        ids[n++] = store_str(s, 0, cx->mem);
    int code = store_done(s, &cx->err);
    for (size_t i = 0; i < n && code == OK; i++)
        code = measure_one(cx, ids[i]);
    return code;
}
