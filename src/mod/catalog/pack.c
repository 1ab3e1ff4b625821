// SPDX-License-Identifier: MulanPSL-2.0
// A pack's data sets become the city's: big tables and files are staged outside the final transaction, then every
// edition, resource and flip happens inside it. Kept true: a data set that has not changed since it was loaded is not
// touched (a clerk's newer edition included); a pack publishes, it does not pretend that somebody signed.
#include "mod/catalog/files.h"
#include "mod/catalog/flow.h"
#include "mod/catalog/packs.h"
#include "mod/catalog/show.h"
#include <stdio.h>

// --- stage ---

static int is_same(struct cx *cx, struct pack_dataset *s) {
    struct catalog_head h;
    int code = catalog_head_get(cx, s->d.id, &h);
    if (code == ERR_not_found) return OK;
    if (code == OK) s->is_same = str_eq(h.pack_digest, s->digest);
    return code;
}

static struct str base_name(struct str path) {
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '/')
        at--;
    return (struct str){path.p + at, path.n - at};
}

static int stage_files(struct cx *cx, struct pack *p, struct pack_dataset *s) {
    int code = OK;
    for (int i = 0; i < s->resources_n && code == OK; i++) {
        struct pack_resource *r = &s->resources[i];
        if (r->kind != CATALOG_FILE) continue;
        struct str bytes = pack_file_bytes(cx, p, r->file);
        if (!bytes.p) return cx_fail(cx, ERR_not_found, "file", "%.*s", STRF(r->file));
        r->bytes = (int64_t)bytes.n;
        r->name = base_name(r->file);
        code = files_put(cx, bytes, &r->sm3);
    }
    return code;
}

int catalog_pack_stage(struct cx *cx, struct pack *p) {
    struct catalog_pack *cp = pack_of(p);
    int code = OK, last;
    for (size_t i = 0; i < cp->sets_n && code == OK; i++) {
        struct pack_dataset *s = &cp->sets[i];
        code = is_same(cx, s);
        if (code != OK || s->is_same) continue;
        code = stage_files(cx, p, s);
        if (code == OK) code = write_slots(cx, &s->d, &last);
        if (code == OK && s->data.p) code = catalog_load_file(cx, &s->d, s->data, &s->staged);
    }
    return code;
}

// --- publish, inside the one transaction ---

static int publish_resource(struct cx *cx, const struct catalog_dataset *d, const struct pack_resource *r) {
    struct catalog_resource old;
    bool is_file = r->kind == CATALOG_FILE;
    struct str format = is_file ? files_format(cx, r->name) : S("");
    int code = catalog_resource_get(cx, d->id, r->rid, &old);
    if (code == OK && old.kind != r->kind)
        return cx_fail(cx, ERR_conflict, "resources.kind", "%.*s", STRF(r->rid));
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_describe, "sssssisii", d->id, r->rid,
                          r->title_zh, r->title_en, format, (int64_t)r->is_verify_only, S(""), cx->now_ms,
                          cx->who.account);
    else if (code == ERR_not_found)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_add, "ssisssisssiiiii", d->id, r->rid,
                       (int64_t)r->kind, r->title_zh, r->title_en, format, (int64_t)r->is_verify_only, S(""),
                       S(""), S(""), (int64_t)0, (int64_t)0, (int64_t)0, cx->now_ms, cx->who.account);
    if (code == OK && is_file)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_file, "ssssisii", d->id, r->rid, r->name,
                          r->sm3, r->bytes, format, cx->now_ms, cx->who.account);
    return code;
}

static int publish_table(struct cx *cx, struct pack_dataset *s) {
    struct catalog_resource r;
    if (!s->staged.table) return OK;
    int code = catalog_table_resource(cx, s->d.id, STR_NONE, &r);
    return code == OK ? catalog_load_publish(cx, &s->d, &r, &s->staged) : code;
}

// How new the data are: what the source says. The quality job puts the latest data_time of the rows in its place.
static int64_t source_ms(const struct catalog_dataset *d) {
    int32_t day;
    return d->source_date.n && clock_read_date(d->source_date, &day) ? (int64_t)day * DAY_MS - CHINA_OFFSET_MS
                                                                     : 0;
}

static int publish_edition(struct cx *cx, struct pack *p, struct pack_dataset *s, int64_t edition) {
    struct catalog_dataset *d = &s->d;
    d->edition = edition;
    int code = write_edition(cx, d, CATALOG_PUBLISHED);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_pack_live, "siiisss", d->id, edition,
                          cx->now_ms, cx->who.account, d->office, p->id, s->digest);
    for (int i = 0; i < s->resources_n && code == OK; i++)
        code = publish_resource(cx, d, &s->resources[i]);
    if (code == OK) code = publish_table(cx, s);
    if (code == OK)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_catalog_head_updated, "siiii", d->id,
                       s->resources_n ? cx->now_ms : (int64_t)0, source_ms(d), cx->now_ms, cx->who.account);
    return code;
}

static int publish_set(struct cx *cx, struct pack *p, struct pack_dataset *s) {
    struct catalog_head h = {0};
    s->d.office =
        people_office_current(cx, s->d.office); // a pack written before a hand-over does not undo it
    int code = catalog_head_get(cx, s->d.id, &h);
    if (code == ERR_not_found) {
        code = write_head(cx, &s->d, p->id);
        if (code == OK) code = catalog_head_get(cx, s->d.id, &h);
        h.last = 0;
    }
    if (code == OK) code = publish_edition(cx, p, s, h.last + 1);
    if (code == OK) code = write_search(cx, s->d.id);
    if (code == OK) code = catalog_head_get(cx, s->d.id, &h);
    if (code != OK) return code;
    s->d.version = h.version - 1; // the act names the version that all this made
    struct act *a = flow_act(cx, &s->d, "pack.load", STR_NONE);
    a->after = show_text(cx, &s->d);
    a->is_clear = s->d.open != CATALOG_OPEN_NONE;
    return cx_announce(cx, "dataset.published", s->d.id, s->d.office);
}

int catalog_pack_publish(struct cx *cx, struct pack *p) {
    struct catalog_pack *cp = pack_of(p);
    int code = pack_publish_refs(cx, p);
    for (size_t i = 0; i < cp->sets_n && code == OK; i++)
        if (!cp->sets[i].is_same) code = publish_set(cx, p, &cp->sets[i]);
    return code;
}
