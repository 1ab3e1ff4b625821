// SPDX-License-Identifier: MulanPSL-2.0
// For the ledger's tests: a city of the ledger and one small module whose only route makes acts, as many as it is
// told, and fails afterwards when told so; the trees worked out again from the stored leaves, by the book.
#ifndef LEDGER_HELP_H
#define LEDGER_HELP_H
#include "city_fixture.h"
#include "crypto/merkle.h"
#include "crypto/sign.h"
#include "mod/ledger/entries.h"
#include "mod/ledger/tree.h"

static int help_put(struct cx *cx) {
    int64_t n = cx_int(cx, "n", 1);
    for (int64_t i = 0; i < n; i++) {
        struct act *a = cx_act(cx, "thing", str_print(cx->mem, "%d", (int)i));
        a->verb = "thing.put";
        a->object_name = S("物");
        a->is_clear = cx_bool(cx, "clear", false);
        if (cx_has(cx, "office")) a->office = cx_text(cx, "office");
    }
    if (cx_bool(cx, "fail", false)) {
        // A note at once, then failure: the entry was numbered and must leave no trace.
        struct note note = {.kind = "thing.lost", .time_ms = cx->now_ms, .detail = S("{}")};
        int code = cx->city->on_note(cx, &note);
        return code != OK ? code : cx_fail(cx, ERR_conflict, "", "as asked");
    }
    jw_object(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

static const struct field help_takes[] = {{"n", .type = T_INT, .max = 5000, .zh = "数", .en = "n"},
                                          {"clear", .type = T_BOOL, .zh = "公开", .en = "clear"},
                                          {"fail", .type = T_BOOL, .zh = "失败", .en = "fail"},
                                          {"office", .type = T_TEXT, .zh = "机构", .en = "office"},
                                          {0}};
static const struct field help_gives_fields[] = {{0}};
static const struct shape help_gives = {"help", help_gives_fields, NULL};
static const struct route help_routes[] = {{"POST", "/t/put", ROUTE_WRITE, R_PUBLIC, help_takes, &help_gives,
                                            "thing.put", .handle = help_put, .zh = "置", .en = "put"},
                                           {0}};
static const struct route *const help_tables[] = {help_routes, NULL};
static const struct module help_module = {
    .name = "help", .route_tables = help_tables, .zh = "测试", .en = "test"};
#ifndef HELP_MORE_MODULES
#define HELP_MORE_MODULES // ", &another": what a test adds
#endif
FIXTURE_MODULES(&ledger_module, &help_module HELP_MORE_MODULES)

static void __attribute__((unused)) help_acts(struct fixture *f, int n) {
    char body[64];
    for (; n > 0; n -= 5000) {
        snprintf(body, sizeof body, "{\"n\":%d}", n > 5000 ? 5000 : n);
        fixture_call(f, "POST", "/t/put", body);
        assert_status(f, 200);
    }
}

// What the job of the server does each second.
static void __attribute__((unused)) help_job(struct fixture *f) {
    struct cx cx;
    core_cx(&cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(ledger_jobs[0].run(&cx), OK);
}

static int64_t __attribute__((unused)) help_size(struct fixture *f) {
    fixture_call(f, "GET", "/api/v1/ledger", NULL);
    assert_status(f, 200);
    return fixture_int(f, "size");
}

struct help_leaves {
    struct fixture *f;
    int tree;
    struct merkle m;
};

static int help_leaf(void *arg, const struct ledger_entry *e) {
    struct help_leaves *k = arg;
    uint8_t hash[HASH_BYTES];
    assert_int_equal(e->index, k->m.size);
    merkle_leaf(k->f->hasher, ledger_hash(k->tree), e->leaf, hash);
    merkle_add(&k->m, k->f->hasher, ledger_hash(k->tree), hash, NULL, NULL);
    return OK;
}

// The root over the first `size` stored leaves, wherever they lie.
static void __attribute__((unused))
help_root(struct fixture *f, int tree, uint64_t size, uint8_t out[HASH_BYTES]) {
    struct help_leaves *k = calloc(1, sizeof *k);
    struct ledger_reader r;
    struct err e = {0};
    int64_t next;
    *k = (struct help_leaves){.f = f, .tree = tree};
    ledger_reader_init(&r, f->conn, f->hasher);
    assert_int_equal(ledger_reader_each(&r, 0, (int64_t)size, help_leaf, k, &next, &e), OK);
    ledger_reader_free(&r);
    assert_int_equal(k->m.size, size);
    merkle_root(&k->m, f->hasher, ledger_hash(tree), out);
    free(k);
}

static void __attribute__((unused))
help_root_is(struct fixture *f, const char *name, int tree, uint64_t size) {
    uint8_t want[HASH_BYTES], got[HASH_BYTES];
    help_root(f, tree, size, want);
    assert_true(str_unhex(fixture_text(f, name), got, HASH_BYTES));
    assert_memory_equal(want, got, HASH_BYTES);
}
#endif
