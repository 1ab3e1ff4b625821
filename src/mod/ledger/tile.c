// SPDX-License-Identifier: MulanPSL-2.0
// What verifiers of the world read under /ledger/ (C2SP tlog-tiles): the checkpoint, tiles of 256 hashes, bundles of
// entries, keys; and the same of the SM3 tree under /ledger/sm3/. Keeps true: a tile or bundle is given out whole or
// not at all, and never changes, so that caches may keep it for ever.
//
//   /ledger/tile/<level>/<N>[.p/<W>]      N in groups of three digits, all but the last with an x: x001/x234/067
//   /ledger/tile/entries/<N>[.p/<W>]      each entry with two bytes of length before it, big-endian
#include "mod/ledger/entries.h"
#include "mod/ledger/keys.h"

#define TILE_LEVEL_MAX 7 // 2^56 entries: more than a store's row ids let be read
#define GROUPS_MAX     5 // 10^15 tiles
#define BUNDLE_MAX     ((size_t)LEDGER_TILE * (LEDGER_LEAF_MAX + 2))

struct tile_name {
    bool is_entries;
    int level;
    uint64_t index, width;
};

static bool digits(struct str s, size_t least, size_t most, int64_t *ret) {
    if (s.n < least || s.n > most || s.p[0] < '0' || s.p[0] > '9') return false;
    return str_int64(s, ret);
}

// One number has one name: three digits a group, no group of zeros in front.
static bool read_index(struct str *rest, uint64_t *ret, bool *ret_partial) {
    uint64_t n = 0;
    for (int i = 0; i < GROUPS_MAX && rest->p; i++) {
        struct str group = str_cut(*rest, '/', rest);
        bool goes_on = str_starts(group, S("x"));
        int64_t v;
        if (goes_on) group = (struct str){group.p + 1, group.n - 1};
        *ret_partial = !goes_on && str_ends(group, S(".p"));
        if (*ret_partial) group.n -= 2;
        if (!digits(group, 3, 3, &v) || (i == 0 && goes_on && v == 0)) return false;
        n = n * 1000 + (uint64_t)v;
        *ret = n;
        if (!goes_on) return true;
    }
    return false;
}

static bool read_name(struct str path, struct tile_name *ret) {
    struct str rest, level = str_cut(path, '/', &rest);
    struct tile_name t = {.is_entries = str_eq(level, S("entries")), .width = LEDGER_TILE};
    int64_t v = 0;
    bool is_partial = false;
    if (!t.is_entries && (!digits(level, 1, 1, &v) || v > TILE_LEVEL_MAX)) return false;
    t.level = (int)v;
    if (!rest.p || !read_index(&rest, &t.index, &is_partial)) return false;
    if (is_partial != (rest.p != NULL)) return false;
    if (is_partial) {
        if (!digits(rest, 1, 3, &v) || rest.p[0] == '0' || v >= (int64_t)LEDGER_TILE) return false;
        t.width = (uint64_t)v;
    }
    *ret = t;
    return true;
}

static int no_tile(struct cx *cx) {
    struct str path = cx_text(cx, "path");
    return cx_fail(cx, ERR_not_found, "tile", "%.*s", (int)(path.n > 60 ? 60 : path.n), path.p);
}

static void reply_for_ever(struct cx *cx, const char *type, struct str body) {
    cx_reply_body(cx, type, body);
    cx_reply_header(cx, "Cache-Control", S("public, max-age=31536000, immutable"));
}

static int send_hashes(struct cx *cx, int tree, const struct tile_name *t) {
    struct tree_reader r = {.db = cx->db, .hasher = cx->hasher, .err = &cx->err, .tree = tree};
    uint8_t(*out)[HASH_BYTES] = arena_array(cx->mem, t->width, HASH_BYTES);
    uint64_t n = 0;
    if (!out) return cx_fail(cx, ERR_no_memory, "", "tile");
    int code = tree_tile(&r, t->level, t->index, t->width, out, &n);
    if (code != OK) return code;
    if (n != t->width) return no_tile(cx);
    reply_for_ever(cx, "application/octet-stream", (struct str){(const char *)out, n * HASH_BYTES});
    return OK;
}

struct bundle_out {
    struct buf b;
    uint64_t n;
};

static int put_leaf(void *arg, const struct ledger_entry *e) {
    struct bundle_out *out = arg;
    buf_char(&out->b, (char)(e->leaf.n >> 8 & 0xff));
    buf_char(&out->b, (char)(e->leaf.n & 0xff));
    buf_put(&out->b, e->leaf);
    out->n++;
    return OK;
}

static int send_entries(struct cx *cx, const struct tile_name *t) {
    struct bundle_out out = {.b = buf_new(cx->mem, t->width * 256, BUNDLE_MAX)};
    const int64_t from = (int64_t)(t->index * LEDGER_TILE);
    struct ledger_reader r;
    int64_t next;
    ledger_reader_init(&r, cx->db, NULL);
    int code = ledger_reader_each(&r, from, from + (int64_t)t->width, put_leaf, &out, &next, &cx->err);
    ledger_reader_free(&r);
    if (code != OK) return code;
    if (out.b.over) return cx_fail(cx, ERR_no_memory, "", "bundle");
    if (out.n != t->width) return no_tile(cx);
    reply_for_ever(cx, "application/octet-stream", buf_str(&out.b));
    return OK;
}

static int send_tile(struct cx *cx, int tree) {
    struct tile_name t;
    if (!read_name(cx_text(cx, "path"), &t)) return no_tile(cx);
    return t.is_entries ? send_entries(cx, &t) : send_hashes(cx, tree, &t);
}

static int get_tile(struct cx *cx) {
    return send_tile(cx, LEDGER_TREE_SHA256);
}

static int get_sm3_tile(struct cx *cx) {
    return send_tile(cx, LEDGER_TREE_SM3);
}

static int send_checkpoint(struct cx *cx, int tree) {
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    if (!c) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    int code = checkpoint_look(cx, c);
    if (code != OK) return code;
    cx_reply_body(cx, "text/plain; charset=utf-8", checkpoint_text(cx->mem, c, tree));
    cx_reply_header(cx, "Cache-Control", S("public, max-age=1"));
    return OK;
}

static int get_checkpoint(struct cx *cx) {
    return send_checkpoint(cx, LEDGER_TREE_SHA256);
}

static int get_sm3_checkpoint(struct cx *cx) {
    return send_checkpoint(cx, LEDGER_TREE_SM3);
}

static int send_vkey(struct cx *cx, int tree) {
    struct str vkey = keys_vkey(cx->city, tree);
    cx_reply_body(cx, "text/plain; charset=utf-8", str_print(cx->mem, "%.*s\n", STRF(vkey)));
    return OK;
}

static int get_vkey(struct cx *cx) {
    return send_vkey(cx, LEDGER_TREE_SHA256);
}

static int get_sm3_vkey(struct cx *cx) {
    return send_vkey(cx, LEDGER_TREE_SM3);
}

// The newest checkpoint that the witnesses of the policy cosigned: what a verifier with a policy of his own wants.
static int get_witnessed(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    if (!c) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    pthread_mutex_lock(&s->lock);
    *c = s->witnessed;
    pthread_mutex_unlock(&s->lock);
    if (!c->size) return cx_fail(cx, ERR_not_found, "checkpoint", "witnessed");
    cx_reply_body(cx, "text/plain; charset=utf-8", checkpoint_text(cx->mem, c, LEDGER_TREE_SHA256));
    cx_reply_header(cx, "Cache-Control", S("public, max-age=1"));
    return OK;
}

static int get_sm3_pem(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    pthread_mutex_lock(&s->lock);
    struct str pem = s->sm2_pem;
    pthread_mutex_unlock(&s->lock);
    cx_reply_body(cx, "application/x-pem-file", pem);
    return OK;
}

static const struct field takes_path[] = {{"path", .where = IN_PATH, .type = T_TEXT, .required = true,
                                           .max = 40, .zh = "层级与编号", .en = "level and number"},
                                          {0}};
static const struct field takes_nothing[] = {{0}};
static const struct shape gives_note = {"ledger_checkpoint", NULL, "text/plain"},
                          gives_tile = {"ledger_tile", NULL, "application/octet-stream"},
                          gives_vkey = {"ledger_vkey", NULL, "text/plain"},
                          gives_pem = {"ledger_public_pem", NULL, "application/x-pem-file"};

const struct route ledger_tile_routes[] = {
    {"GET", "/ledger/checkpoint", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_note, .handle = get_checkpoint,
     .zh = "存证检查点（SHA-256，Ed25519 签名）", .en = "Checkpoint of the SHA-256 tree"},
    {"GET", "/ledger/witnessed/checkpoint", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_note,
     .handle = get_witnessed, .zh = "已获法定见证的最新检查点",
     .en = "Newest checkpoint cosigned by the quorum"},
    {"GET", "/ledger/vkey", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_vkey, .handle = get_vkey,
     .zh = "检查点验证公钥", .en = "Verifier key of the checkpoint"},
    {"GET", "/ledger/tile/{path*}", ROUTE_READ, R_PUBLIC, takes_path, &gives_tile, .handle = get_tile,
     .zh = "存证瓦片与条目包", .en = "Tiles and entry bundles"},
    {"GET", "/ledger/sm3/checkpoint", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_note,
     .handle = get_sm3_checkpoint, .zh = "国密检查点（SM3，SM2 签名）", .en = "Checkpoint of the SM3 tree"},
    {"GET", "/ledger/sm3/vkey", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_vkey, .handle = get_sm3_vkey,
     .zh = "国密检查点验证公钥", .en = "Verifier key of the SM3 checkpoint"},
    {"GET", "/ledger/sm3/public.pem", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_pem, .handle = get_sm3_pem,
     .zh = "SM2 公钥", .en = "SM2 public key as PEM"},
    {"GET", "/ledger/sm3/tile/{path*}", ROUTE_READ, R_PUBLIC, takes_path, &gives_tile, .handle = get_sm3_tile,
     .zh = "国密存证瓦片与条目包", .en = "Tiles and entry bundles of the SM3 tree"},
    {0}};
