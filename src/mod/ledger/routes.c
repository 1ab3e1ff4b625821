// SPDX-License-Identifier: MulanPSL-2.0
// Speaks: the ledger for people and programs: its state, its entries, one entry with proof or as a receipt. What an
// entry says beyond its leaf is told to those whom it concerns (ledger_entry_may); everybody else sees what the public
// bundles show. Keeps true: size, proof and checkpoint of one reply come from one snapshot.
#include "mod/ledger/entries.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"
#include <inttypes.h>

static struct str leaf_hash(struct cx *cx, int tree, struct str leaf) {
    uint8_t hash[HASH_BYTES];
    merkle_leaf(cx->hasher, ledger_hash(tree), leaf, hash);
    return str_hex(cx->mem, hash, sizeof hash);
}

static int get_ledger(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    uint8_t root[LEDGER_TREES][HASH_BYTES];
    if (!c) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    int code = ledger_follow(cx);
    if (code != OK) return code;
    pthread_mutex_lock(&s->lock);
    int64_t size = (int64_t)s->size, last_ms = s->last_entry_ms;
    memcpy(root, s->root, sizeof root);
    *c = s->checkpoint;
    struct str vkey = s->vkey[0], sm3_vkey = s->vkey[1];
    pthread_mutex_unlock(&s->lock);
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "origin", str_of(s->name[0]));
    jw_nint(w, "size", size);
    jw_ntext(w, "root_sha256", str_hex(cx->mem, root[0], HASH_BYTES));
    jw_ntext(w, "root_sm3", str_hex(cx->mem, root[1], HASH_BYTES));
    jw_nint(w, "last_entry_ms", last_ms);
    jw_nint(w, "signed_size", (int64_t)c->size);
    jw_nint(w, "checkpoint_ms", c->made_ms);
    jw_ntext(w, "checkpoint", checkpoint_text(cx->mem, c, 0));
    jw_ntext(w, "sm3_checkpoint", checkpoint_text(cx->mem, c, 1));
    jw_ntext(w, "vkey", vkey);
    jw_ntext(w, "sm3_vkey", sm3_vkey);
    witness_state_write(cx);
    jw_object_end(w);
    return OK;
}

static void clear_write(struct jw *w, struct str clear) {
    jw_name(w, "clear");
    if (clear.p)
        jw_raw(w, clear);
    else
        jw_null(w);
}

static void private_write(struct cx *cx, const struct ledger_entry *e) {
    struct jw *w = &cx->w;
    struct json detail;
    struct err ignore = {0};
    if (json_parse(cx->mem, e->detail, &detail, &ignore) == OK) {
        jw_name(w, "detail");
        jw_raw(w, e->detail);
        struct str trace = json_text(json_get(detail, S("trace")));
        if (trace.p) jw_ntext(w, "trace", trace);
    }
    // The very bytes that the commitment covers: JSON read and written again could differ from them.
    jw_ntext(w, "detail_text", e->detail);
    jw_ntext(w, "salt", str_base64(cx->mem, e->salt.p, e->salt.n));
}

static int get_entry(struct cx *cx) {
    struct ledger_entry e;
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    if (!c) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    int code = ledger_entry_get(cx, cx_int(cx, "n", -1), &e);
    if (code == OK) code = checkpoint_look(cx, c);
    if (code != OK) return code;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_nint(w, "index", e.index);
    jw_ntext(w, "kind", e.kind);
    jw_nint(w, "time_ms", e.time_ms);
    clear_write(w, e.clear);
    jw_ntext(w, "leaf", str_base64(cx->mem, e.leaf.p, e.leaf.n));
    jw_ntext(w, "leaf_sha256", leaf_hash(cx, LEDGER_TREE_SHA256, e.leaf));
    jw_ntext(w, "leaf_sm3", leaf_hash(cx, LEDGER_TREE_SM3, e.leaf));
    jw_ntext(w, "commitment_sha256", str_hex(cx->mem, e.sha256, HASH_BYTES));
    jw_ntext(w, "commitment_sm3", str_hex(cx->mem, e.sm3, HASH_BYTES));
    jw_nbool(w, "is_signed", (uint64_t)e.index < c->size);
    jw_nbool(w, "is_witnessed", checkpoint_is_witnessed(cx->city, e.index));
    jw_nbool(w, "is_erased", !e.detail.p);
    if (ledger_entry_may(cx, &e)) private_write(cx, &e);
    jw_object_end(w);
    return OK;
}

// --- proofs ---
struct proof {
    struct ledger_entry entry;
    struct checkpoint checkpoint;
    int tree, n;
    uint8_t hash[MERKLE_LEVELS][HASH_BYTES];
};

static int make_proof(struct cx *cx, int64_t index, int tree, struct proof **ret) {
    struct proof *p = arena_take(cx->mem, sizeof *p);
    if (!p) return cx_fail(cx, ERR_no_memory, "", "proof");
    p->tree = tree;
    int code = ledger_entry_get(cx, index, &p->entry);
    if (code == OK) code = checkpoint_cover(cx, p->entry.index, &p->checkpoint);
    struct tree_reader r = {.db = cx->db, .hasher = cx->hasher, .err = &cx->err, .tree = p->tree};
    if (code == OK)
        code = merkle_inclusion((uint64_t)p->entry.index, p->checkpoint.size, tree_read, &r, cx->hasher,
                                ledger_hash(p->tree), p->hash, &p->n);
    *ret = p;
    return code;
}

static int asked_tree(const struct cx *cx) {
    return str_eq(cx_text(cx, "tree"), S("sm3")) ? LEDGER_TREE_SM3 : LEDGER_TREE_SHA256;
}

static int get_proof(struct cx *cx) {
    struct proof *p;
    int code = make_proof(cx, cx_int(cx, "n", -1), asked_tree(cx), &p);
    if (code != OK) return code;
    const struct checkpoint *c = &p->checkpoint;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_nint(w, "index", p->entry.index);
    jw_nint(w, "size", (int64_t)c->size);
    jw_ntext(w, "tree", p->tree == LEDGER_TREE_SM3 ? S("sm3") : S("sha256"));
    jw_ntext(w, "leaf", str_base64(cx->mem, p->entry.leaf.p, p->entry.leaf.n));
    jw_ntext(w, p->tree == LEDGER_TREE_SM3 ? "leaf_sm3" : "leaf_sha256",
             leaf_hash(cx, p->tree, p->entry.leaf));
    jw_name(w, "proof");
    jw_array(w);
    for (int i = 0; i < p->n; i++)
        jw_text(w, str_hex(cx->mem, p->hash[i], HASH_BYTES));
    jw_array_end(w);
    jw_ntext(w, "root", str_hex(cx->mem, c->root[p->tree], HASH_BYTES));
    jw_ntext(w, "checkpoint", checkpoint_text(cx->mem, c, p->tree));
    jw_object_end(w);
    return OK;
}

// What the receipt speaks of travels in its "extra" line: the leaf, and for those whom it concerns what opens its
// commitments, so that one file is enough to check everything.
static struct str extra_text(struct cx *cx, const struct ledger_entry *e) {
    struct buf b = buf_new(cx->mem, e->leaf.n + e->detail.n + 64, 4 * LEDGER_LEAF_MAX);
    buf_put(&b, e->leaf);
    if (ledger_entry_may(cx, e)) {
        buf_puts(&b, "salt ");
        buf_put(&b, str_base64(cx->mem, e->salt.p, e->salt.n));
        buf_puts(&b, "\ndetail ");
        buf_put(&b, e->detail);
        buf_char(&b, '\n');
    }
    return str_base64(cx->mem, b.p, b.n);
}

int ledger_receipt(struct cx *cx, int64_t index, bool is_sm3, struct str *ret) {
    struct proof *p;
    int code = make_proof(cx, index, is_sm3 ? LEDGER_TREE_SM3 : LEDGER_TREE_SHA256, &p);
    if (code != OK) return code;
    const struct checkpoint *c = &p->checkpoint;
    struct buf b = buf_new(cx->mem, 4096, 1 << 20);
    // C2SP fixes SHA-256: the other tree's receipts bear another name, so that nobody reads one for the other.
    buf_puts(&b, is_sm3 ? LEDGER_PROOF_SM3 "\n" : LEDGER_PROOF_SHA256 "\n");
    struct str extra = extra_text(cx, &p->entry);
    buf_print(&b, "extra %.*s\nindex %" PRId64 "\n", STRF(extra), p->entry.index);
    for (int i = 0; i < p->n; i++) {
        buf_put(&b, str_base64(cx->mem, p->hash[i], HASH_BYTES));
        buf_char(&b, '\n');
    }
    buf_char(&b, '\n');
    buf_put(&b, checkpoint_text(cx->mem, c, p->tree));
    if (b.over) return cx_fail(cx, ERR_no_memory, "", "receipt");
    *ret = buf_str(&b);
    return OK;
}

static int get_receipt(struct cx *cx) {
    bool is_sm3 = asked_tree(cx) == LEDGER_TREE_SM3;
    int64_t index = cx_int(cx, "n", -1);
    struct str text;
    int code = ledger_receipt(cx, index, is_sm3, &text);
    if (code != OK) return code;
    cx_reply_body(cx, "text/plain; charset=utf-8", text);
    cx_reply_header(
        cx, "Content-Disposition",
        str_print(cx->mem, "attachment; filename=\"%" PRId64 "%s.tlog-proof\"", index, is_sm3 ? ".sm3" : ""));
    return OK;
}

int ledger_cover(struct cx *cx, int64_t index) {
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    return c ? checkpoint_cover(cx, index, c) : cx_fail(cx, ERR_no_memory, "", "checkpoint");
}

int ledger_public_keys(struct cx *cx, struct str *ret) {
    return keys_text(cx, ret);
}

// --- rows ---
#define ROW(id, kind, need, chinese, english)                                                                \
    { id, .type = kind, .required = need, .zh = chinese, .en = english }
#define TEXT(id, need, chinese, english) ROW(id, T_TEXT, need, chinese, english)
#define INT(id, chinese, english)        ROW(id, T_INT, true, chinese, english)
#define BOOL(id, chinese, english)       ROW(id, T_BOOL, true, chinese, english)

static const struct field takes_nothing[] = {{0}};
static const struct field takes_one[] = {{"n", .where = IN_PATH, .type = T_INT, .required = true, .min = 0,
                                          .max = INT64_MAX, .zh = "序号", .en = "index"},
                                         {0}};
static const struct field takes_proof[] = {{"n", .where = IN_PATH, .type = T_INT, .required = true, .min = 0,
                                            .max = INT64_MAX, .zh = "序号", .en = "index"},
                                           {"tree", .where = IN_QUERY, .type = T_CHOICE,
                                            .choices = "sha256|sm3", .zh = "哪棵树", .en = "which tree"},
                                           {0}};
static const struct field witness_fields[] = {
    TEXT("label", true, "名称", "its name in the policy"),
    TEXT("name", true, "密钥名", "its key's name"),
    INT("size", "见证到的条目数", "what it has seen"),
    ROW("told_ms", T_INT, false, "最近见证时间", "when it cosigned last"),
    INT("failures", "连续失败次数", "failures in a row"),
    TEXT("problem", false, "原因", "why"),
    {0}};
static const struct field ledger_fields[] = {
    TEXT("origin", true, "日志名称", "origin"),
    INT("size", "条目数", "entries"),
    TEXT("root_sha256", true, "SHA-256 树根", "root of the SHA-256 tree"),
    TEXT("root_sm3", true, "SM3 树根", "root of the SM3 tree"),
    INT("last_entry_ms", "最后一条的时间", "time of the last entry"),
    INT("signed_size", "已签名条目数", "entries under the checkpoint"),
    INT("checkpoint_ms", "签名时间", "when it was signed"),
    TEXT("checkpoint", true, "检查点", "checkpoint"),
    TEXT("sm3_checkpoint", true, "国密检查点", "checkpoint of the SM3 tree"),
    TEXT("vkey", true, "验证公钥", "verifier key"),
    TEXT("sm3_vkey", true, "国密验证公钥", "verifier key of the SM3 tree"),
    INT("witnessed_size", "已获见证条目数", "entries that the quorum of witnesses saw; 0 = none yet"),
    ROW("witnessed_ms", T_INT, false, "所见证检查点的签名时间", "when that checkpoint was signed"),
    BOOL("is_behind", "本数据曾被回退，已停止签名", "these data were rolled back: nothing is signed"),
    TEXT("quorum", false, "见证法定组", "what the policy asks for"),
    {"witnesses", .type = T_ITEMS, .required = true, .of = witness_fields, .zh = "见证方", .en = "witnesses"},
    {0}};
static const struct field entry_fields[] = {
    INT("index", "序号", "index"),
    TEXT("kind", true, "类别", "kind"),
    INT("time_ms", "时间（非公开条目只到小时）", "time, to the hour unless clear"),
    {"clear", .type = T_ANY, .zh = "公开部分", .en = "what is shown in clear"},
    TEXT("leaf", true, "叶（base64）", "leaf, base64"),
    TEXT("leaf_sha256", true, "SHA-256 叶哈希", "SHA-256 leaf hash"),
    TEXT("leaf_sm3", true, "SM3 叶哈希", "SM3 leaf hash"),
    TEXT("commitment_sha256", true, "SHA-256 承诺", "SHA-256 of salt and detail"),
    TEXT("commitment_sm3", true, "SM3 承诺", "SM3 of salt and detail"),
    BOOL("is_signed", "已在检查点之内", "under the checkpoint"),
    BOOL("is_witnessed", "已获见证", "under a checkpoint that the quorum of witnesses cosigned"),
    BOOL("is_erased", "明细已删除", "the detail is erased"),
    {"detail", .type = T_ANY, .zh = "明细（按角色）", .en = "detail, by role"},
    TEXT("detail_text", false, "明细原文", "the detail's bytes"),
    TEXT("salt", false, "盐（base64）", "salt, base64"),
    TEXT("trace", false, "追溯编号", "trace id"),
    {0}};
static const struct field proof_fields[] = {INT("index", "序号", "index"),
                                            INT("size", "检查点条目数", "size of the checkpoint"),
                                            TEXT("tree", true, "哪棵树", "which tree"),
                                            TEXT("leaf", true, "叶（base64）", "leaf, base64"),
                                            TEXT("leaf_sha256", false, "SHA-256 叶哈希", "SHA-256 leaf hash"),
                                            TEXT("leaf_sm3", false, "SM3 叶哈希", "SM3 leaf hash"),
                                            {"proof", .type = T_LIST, .required = true,
                                             .zh = "存在证明（叶到根）",
                                             .en = "inclusion proof, leaf to root"},
                                            TEXT("root", true, "树根", "root"),
                                            TEXT("checkpoint", true, "检查点", "checkpoint"),
                                            {0}};
static const struct shape gives_ledger = {"ledger", ledger_fields, NULL},
                          gives_entry = {"ledger_entry", entry_fields, NULL},
                          gives_proof = {"ledger_proof", proof_fields, NULL},
                          gives_receipt = {"ledger_receipt", NULL, "text/plain"};

// Proofs are SLOW: somebody who asks for the newest entry's makes a checkpoint, which waits for the writer.
const struct route ledger_routes[] = {
    {"GET", "/api/v1/ledger", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_ledger, .handle = get_ledger,
     .zh = "存证日志概况", .en = "State of the ledger", .scope = LEDGER_SCOPE},
    {"GET", "/api/v1/ledger/entries/{n}", ROUTE_READ, R_PUBLIC, takes_one, &gives_entry, .handle = get_entry,
     .zh = "一条存证", .en = "One entry", .scope = LEDGER_SCOPE},
    {"GET", "/api/v1/ledger/entries/{n}/proof", ROUTE_SLOW, R_PUBLIC, takes_proof, &gives_proof,
     .handle = get_proof, .zh = "存在证明", .en = "Inclusion proof of an entry", .scope = LEDGER_SCOPE},
    {"GET", "/api/v1/ledger/entries/{n}/receipt", ROUTE_SLOW, R_PUBLIC, takes_proof, &gives_receipt,
     .handle = get_receipt, .zh = "存证回执，可离线核验", .en = "Receipt of an entry, checked offline",
     .scope = LEDGER_SCOPE},
    {0}};
