// SPDX-License-Identifier: MulanPSL-2.0
// Writing descriptions, on the writer: head, edition, columns with their slots, full-text rows. Kept true: a slot
// (the c_<n> of generated tables) is given to one column id and type of a data set for ever, so a table that was
// filled years ago can still be read; the same call again writes the same rows.
#include "core/search.h"
#include "mod/catalog/meta.h"
#include <assert.h>

int write_head(struct cx *cx, const struct catalog_dataset *d, struct str pack) {
    assert(cx->is_writer);
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_head_add, "sssii", d->id, d->office,
                      catalog_none(pack), cx->now_ms, cx->who.account);
}

int write_slots(struct cx *cx, struct catalog_dataset *d, int *ret_last) {
    struct catalog_head h = {0};
    int code = catalog_head_get(cx, d->id, &h);
    if (code != OK && code != ERR_not_found) return code;
    int last = h.slots;
    for (int i = 0; i < d->columns_n; i++) {
        struct catalog_column *c = &d->columns[i];
        struct stmt *s = store_query(cx->db, Q_catalog_slot_find, "ssi", d->id, c->id, (int64_t)c->type);
        c->slot = store_next(s) ? (int)store_int(s, 0) : 0;
        if (store_done(s, &cx->err) != OK) return cx->err.code;
        if (!c->slot) c->slot = ++last;
    }
    *ret_last = last;
    return OK;
}

static int give_slots(struct cx *cx, struct catalog_dataset *d) {
    int last;
    int code = write_slots(cx, d, &last);
    return code == OK ? store_exec(cx->db, NULL, &cx->err, Q_catalog_head_slots, "si", d->id, (int64_t)last)
                      : code;
}

static int write_column(struct cx *cx, const struct catalog_dataset *d, const struct catalog_column *c) {
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_column_add, "siisissiiiiissssziziis",
                      catalog_none(d->id), d->edition, (int64_t)c->n, catalog_none(c->id), (int64_t)c->slot,
                      catalog_none(c->zh), catalog_none(c->en), (int64_t)c->type, (int64_t)c->length,
                      (int64_t)c->is_key, (int64_t)c->is_area, (int64_t)c->grade,
                      catalog_none(c->grade_reason), catalog_none(c->element), catalog_none(c->element_role),
                      catalog_none(c->code_list), mask_code(c->mask), (int64_t)c->is_personal,
                      element_rule_code(c->rule), (int64_t)c->share, (int64_t)c->open,
                      catalog_none(c->office));
}

int write_edition(struct cx *cx, struct catalog_dataset *d, enum catalog_state state) {
    assert(cx->is_writer && d->edition > 0);
    int code = give_slots(cx, d); // before the old columns go: their slots are remembered there
    if (code == OK)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_catalog_edition_put, "siissssssissssississsssssssiisssii",
                       catalog_none(d->id), d->edition, (int64_t)state, catalog_none(d->title_zh),
                       catalog_none(d->title_en), catalog_none(d->abstract_zh), catalog_none(d->abstract_en),
                       catalog_none(d->keywords), catalog_none(d->class_codes), (int64_t)d->share,
                       catalog_none(d->share_condition_zh), catalog_none(d->share_condition_en),
                       catalog_none(d->share_scope), catalog_none(d->share_law), (int64_t)d->open,
                       catalog_none(d->open_condition_zh), catalog_none(d->open_condition_en),
                       (int64_t)d->grade, catalog_none(d->cycle), catalog_none(d->modes),
                       catalog_none(d->subject), catalog_none(d->area_column), catalog_none(d->spatial),
                       catalog_none(d->source_zh), catalog_none(d->source_en), catalog_none(d->source_date),
                       catalog_none(d->licence), (int64_t)d->is_synthetic, d->seed, catalog_none(d->related),
                       catalog_none(d->notices), catalog_none(d->checks), cx->now_ms, cx->who.account);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_columns_delete, "si", d->id, d->edition);
    for (int i = 0; i < d->columns_n && code == OK; i++)
        code = write_column(cx, d, &d->columns[i]);
    return code;
}

static void put_words(struct buf *out, struct str text) {
    if (text.p) search_cut(out, text);
}

static int search_row(struct cx *cx, int64_t rowid, const struct catalog_dataset *d) {
    struct buf title = buf_new(cx->mem, 256, 1 << 20), words = buf_new(cx->mem, 256, 1 << 20),
               body = buf_new(cx->mem, 1024, 4 << 20);
    put_words(&title, d->title_zh);
    put_words(&title, d->title_en);
    put_words(&words, d->keywords);
    put_words(&words, d->id);
    put_words(&words, people_office_name(cx, d->office, 0));
    put_words(&body, d->abstract_zh);
    put_words(&body, d->abstract_en);
    for (int i = 0; i < d->columns_n; i++) {
        put_words(&body, d->columns[i].zh);
        put_words(&body, d->columns[i].en);
        put_words(&body, d->columns[i].id);
    }
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_search_add, "isss", rowid,
                      catalog_none(buf_str(&title)), catalog_none(buf_str(&words)),
                      catalog_none(buf_str(&body)));
}

int write_search(struct cx *cx, struct str id) {
    struct catalog_head h;
    struct catalog_dataset *d;
    int code = catalog_head_get(cx, id, &h);
    for (int i = 0; i < 2 && code == OK; i++) {
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_search_delete, "i", h.n * 2 + i);
        int64_t edition = i == 0 ? h.live : h.work;
        if (code != OK || edition == 0) continue;
        code = catalog_edition_get(cx, id, edition, &d);
        if (code == OK) code = search_row(cx, h.n * 2 + i, d);
    }
    return code;
}

int catalog_search_renew(struct cx *cx, struct str dataset) {
    return write_search(cx, dataset);
}
