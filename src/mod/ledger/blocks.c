// SPDX-License-Identifier: MulanPSL-2.0
// The ledger as people know chains: blocks. A block is a bundle of 256 entries, the unit in which C2SP publishes them,
// and its hash in each tree is the subtree's own, so what is shown here is what proofs are made of. And how the log grew:
// the checkpoints that are kept, one an hour and the newest.
#include "mod/ledger/entries.h"
#include "mod/ledger/tree.h"
#include <inttypes.h>

#define BLOCK_KINDS     64 // kinds told apart in one block; the rest are counted as "other"
#define CHECKPOINTS_MAX 2000

struct block {
    struct cx *cx;
    struct merkle tree[LEDGER_TREES];
    int64_t first_ms, last_ms, n, clear, erased;
    struct {
        struct str kind;
        int64_t n;
    } kinds[BLOCK_KINDS];
    int kinds_n;
};

static void count_kind(struct block *b, struct str kind) {
    for (int i = 0; i < b->kinds_n; i++)
        if (str_eq(b->kinds[i].kind, kind)) {
            b->kinds[i].n++;
            return;
        }
    if (b->kinds_n == BLOCK_KINDS) return;
    b->kinds[b->kinds_n].kind = str_copy(b->cx->mem, kind);
    b->kinds[b->kinds_n++].n = 1;
}

static int see(void *arg, const struct ledger_entry *given) {
    struct block *b = arg;
    struct ledger_entry e = *given;
    for (int t = 0; t < LEDGER_TREES; t++) {
        uint8_t hash[HASH_BYTES];
        merkle_leaf(b->cx->hasher, ledger_hash(t), e.leaf, hash);
        merkle_add(&b->tree[t], b->cx->hasher, ledger_hash(t), hash, NULL, NULL);
    }
    if (!e.detail.p) b->erased++;
    if (!ledger_leaf_read(e.leaf, &e)) return OK; // `gusu verify` names it
    if (b->n++ == 0) b->first_ms = e.time_ms;
    b->last_ms = e.time_ms;
    if (e.clear.p) b->clear++;
    count_kind(b, e.kind);
    return OK;
}

static void block_write(struct cx *cx, const struct block *b, int64_t n, uint64_t signed_size) {
    static const char *const names[LEDGER_TREES] = {"hash_sha256", "hash_sm3"};
    const int64_t from = n * LEDGER_BUNDLE, count = (int64_t)b->tree[0].size;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_nint(w, "n", n);
    jw_nint(w, "from", from);
    jw_nint(w, "count", count);
    jw_nbool(w, "is_full", count == LEDGER_BUNDLE);
    jw_nbool(w, "is_signed", (uint64_t)(from + count) <= signed_size);
    jw_nint(w, "first_ms", b->first_ms);
    jw_nint(w, "last_ms", b->last_ms);
    jw_nint(w, "clear", b->clear);
    jw_nint(w, "erased", b->erased);
    for (int t = 0; t < LEDGER_TREES; t++) {
        uint8_t root[HASH_BYTES];
        merkle_root(&b->tree[t], cx->hasher, ledger_hash(t), root);
        jw_ntext(w, names[t], str_hex(cx->mem, root, sizeof root));
    }
    jw_name(w, "kinds");
    jw_array(w);
    for (int i = 0; i < b->kinds_n; i++) {
        jw_object(w);
        jw_ntext(w, "kind", b->kinds[i].kind);
        jw_nint(w, "n", b->kinds[i].n);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}

static int get_blocks(struct cx *cx) {
    struct ledger_reader r;
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    struct str after = cx_after(cx);
    int64_t limit = cx_limit(cx, 12, 50), end, at = INT64_MAX;
    if (!c) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    if (after.p && (!str_int64(after, &at) || at < 0)) return cx_fail(cx, ERR_cursor, "after", "%s", "");
    int code = ledger_end(cx, &end);
    if (code != OK) return code;
    code = checkpoint_look(cx, c);
    if (code != OK) return code;
    const int64_t blocks = (end + LEDGER_BUNDLE - 1) / LEDGER_BUNDLE;
    if (cx_has(cx, "n") && cx_int(cx, "n", 0) < at) at = cx_int(cx, "n", 0) + 1;
    if (blocks < at) at = blocks;
    ledger_reader_init(&r, cx->db, NULL);
    jw_object(&cx->w);
    jw_nint(&cx->w, "total", blocks);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (int64_t given = 0; code == OK && at > 0 && given < limit; given++) {
        struct block *b = arena_take(cx->mem, sizeof *b);
        if (!b) return cx_fail(cx, ERR_no_memory, "", "block");
        b->cx = cx;
        const int64_t from = --at * LEDGER_BUNDLE;
        int64_t to = from + LEDGER_BUNDLE < end ? from + LEDGER_BUNDLE : end, next;
        code = ledger_reader_each(&r, from, to, see, b, &next, &cx->err);
        if (code == OK) block_write(cx, b, at, c->size);
    }
    ledger_reader_free(&r);
    jw_array_end(&cx->w);
    if (at > 0) cx_next(cx, str_print(cx->mem, "%" PRId64, at));
    jw_object_end(&cx->w);
    return code;
}

static int get_checkpoints(struct cx *cx) {
    struct stmt *s = store_query(cx->db, Q_ledger_checkpoints_of, "ii", (int64_t)LEDGER_TREE_SHA256,
                                 cx_limit(cx, 168, CHECKPOINTS_MAX));
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    while (store_next(s)) {
        jw_object(&cx->w);
        jw_nint(&cx->w, "size", store_int(s, 0));
        jw_nint(&cx->w, "made_ms", store_int(s, 1));
        jw_object_end(&cx->w);
    }
    jw_array_end(&cx->w);
    jw_object_end(&cx->w);
    return store_done(s, &cx->err);
}

#define INT(id, chinese, english)                                                                            \
    { id, .type = T_INT, .required = true, .zh = chinese, .en = english }
static const struct field takes_blocks[] = {
    {"n", .where = IN_QUERY, .type = T_INT, .min = 0, .max = INT64_MAX / 512, .zh = "从该块号往前",
     .en = "from this block down"},
    {"limit", .where = IN_QUERY, .type = T_INT, .min = 1, .max = 50, .zh = "块数", .en = "blocks wanted"},
    {"after", .where = IN_QUERY, .type = T_TEXT, .max = 100, .zh = "续页", .en = "page on"},
    {0}};
static const struct field takes_checkpoints[] = {{"limit", .where = IN_QUERY, .type = T_INT, .min = 1,
                                                  .max = CHECKPOINTS_MAX, .zh = "个数",
                                                  .en = "checkpoints wanted"},
                                                 {0}};
static const struct field kind_fields[] = {
    {"kind", .type = T_TEXT, .required = true, .zh = "类别", .en = "kind"}, INT("n", "条数", "entries"), {0}};
static const struct field block_fields[] = {
    INT("n", "块号", "block"),
    INT("from", "首条序号", "its first entry"),
    INT("count", "条数", "entries"),
    {"is_full", .type = T_BOOL, .required = true, .zh = "已满", .en = "full: its hashes are final"},
    {"is_signed", .type = T_BOOL, .required = true, .zh = "已在检查点之内", .en = "under the checkpoint"},
    INT("first_ms", "首条时间", "time of the first"),
    INT("last_ms", "末条时间", "time of the last"),
    INT("clear", "公开条数", "clear entries"),
    INT("erased", "明细已删除条数", "entries whose detail is erased"),
    {"hash_sha256", .type = T_TEXT, .required = true, .zh = "块摘要（SHA-256）",
     .en = "subtree hash, SHA-256"},
    {"hash_sm3", .type = T_TEXT, .required = true, .zh = "块摘要（SM3）", .en = "subtree hash, SM3"},
    {"kinds", .type = T_ITEMS, .required = true, .of = kind_fields, .zh = "各类条数",
     .en = "entries by kind"},
    {0}};
static const struct field blocks_fields[] = {
    INT("total", "块数", "blocks"),
    {"items", .type = T_ITEMS, .required = true, .of = block_fields, .zh = "块，新的在前",
     .en = "blocks, newest first"},
    {"next", .type = T_TEXT, .zh = "下一页位置", .en = "where the next page begins"},
    {0}};
static const struct field checkpoint_fields[] = {
    INT("size", "条数", "size"), INT("made_ms", "签名时间", "signed at"), {0}};
static const struct field checkpoints_fields[] = {{"items", .type = T_ITEMS, .required = true,
                                                   .of = checkpoint_fields, .zh = "检查点，新的在前",
                                                   .en = "checkpoints, newest first"},
                                                  {0}};
static const struct shape gives_blocks = {"ledger_blocks", blocks_fields, NULL},
                          gives_checkpoints = {"ledger_checkpoints", checkpoints_fields, NULL};

// Fifty blocks are 12,800 leaves in two hashes: some tens of ms, so not on the loop.
const struct route ledger_block_routes[] = {
    {"GET", "/api/v1/ledger/blocks", ROUTE_SLOW, R_PUBLIC, takes_blocks, &gives_blocks, .handle = get_blocks,
     .zh = "存证区块（每块 256 条）", .en = "Blocks of the ledger, 256 entries each", .scope = LEDGER_SCOPE},
    {"GET", "/api/v1/ledger/checkpoints", ROUTE_READ, R_PUBLIC, takes_checkpoints, &gives_checkpoints,
     .handle = get_checkpoints, .zh = "留存的检查点", .en = "Checkpoints kept", .scope = LEDGER_SCOPE},
    {0}};
