// SPDX-License-Identifier: MulanPSL-2.0
// The ledger's keys come up: names first, then the keys that the history says are in force, out of the provider. Keeps
// true: (1) a lost key is never replaced in silence, nor one that somebody put in its place used; (2) at every size one
// key of a name signs; (3) the history in the folder (ledger.vkey) says what the rows say, and needs no private key.
#include "mod/ledger/keys.h"
#include "base/file.h"
#include "base/log.h"
#include "core/node.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define WITNESS_LABEL "witness"

const char *const key_labels[LEDGER_TREES] = {"ledger-ed25519", "ledger-sm2"};
static const char *const next_labels[LEDGER_TREES] = {"ledger-ed25519.next", "ledger-sm2.next"};
static const enum sign_kind key_kinds[LEDGER_TREES] = {SIGN_ED25519, SIGN_SM2};

struct provider keys_provider(struct cx *cx) {
    return (struct provider){.ops = &provider_files,
                             .folder = cx->city->shared,
                             .passphrase = cx->city->passphrase,
                             .hasher = cx->hasher};
}

// --- the history ---
int keys_history(struct cx *cx, struct key_row **ret, int *ret_n) {
    struct key_row *rows = arena_array(cx->mem, KEYS_MAX, sizeof *rows);
    int n = 0;
    if (!rows) return cx_fail(cx, ERR_no_memory, "", "keys");
    struct stmt *s = store_query(cx->db, Q_ledger_keys, "");
    while (n < KEYS_MAX && store_next(s))
        rows[n++] = (struct key_row){.tree = (int)store_int(s, 0),
                                     .vkey = store_str(s, 1, cx->mem),
                                     .from_size = store_int(s, 2),
                                     .to_size = store_is_null(s, 3) ? -1 : store_int(s, 3),
                                     .made_ms = store_int(s, 4)};
    *ret = rows;
    *ret_n = n;
    return store_done(s, &cx->err);
}

static bool is_of(struct str vkey, const char *name) {
    struct str rest;
    return str_eq(str_cut(vkey, '+', &rest), str_of(name));
}

// The row in force of a tree under its present name.
static const struct key_row *row_in_force(const struct key_row *rows, int n, int tree, const char *name) {
    for (int i = 0; i < n; i++)
        if (rows[i].tree == tree && rows[i].to_size < 0 && is_of(rows[i].vkey, name)) return &rows[i];
    return NULL;
}

static void put_line(struct buf *b, const struct key_row *r) {
    buf_put(b, r->vkey);
    if (r->from_size > 0 || r->to_size >= 0) buf_print(b, " %" PRId64, r->from_size);
    if (r->to_size >= 0) buf_print(b, " %" PRId64, r->to_size);
    buf_char(b, '\n');
}

int keys_text(struct cx *cx, struct str *ret) {
    const struct ledger_state *s = ledger_state(cx->city);
    struct key_row *rows;
    int n;
    int code = keys_history(cx, &rows, &n);
    if (code != OK) return code;
    struct buf b = buf_new(cx->mem, 1024, KEYS_TEXT_MAX);
    const struct key_row *now[LEDGER_TREES];
    for (int t = 0; t < LEDGER_TREES; t++)
        if ((now[t] = row_in_force(rows, n, t, s->name[t]))) put_line(&b, now[t]);
    for (int i = 0; i < n; i++)
        if (&rows[i] != now[0] && &rows[i] != now[1]) put_line(&b, &rows[i]);
    *ret = buf_str(&b);
    return b.over ? cx_fail(cx, ERR_no_memory, "", "keys") : OK;
}

static int newest_origin(struct cx *cx, struct str *ret) {
    struct stmt *st = store_query(cx->db, Q_ledger_origins, "");
    *ret = STR_NONE;
    while (!ret->p && store_next(st))
        if (str_eq(store_str(st, 1, NULL), str_of(cx->city->origin))) *ret = store_str(st, 2, cx->mem);
    return store_done(st, &cx->err);
}

int keys_may_sign(struct cx *cx, uint64_t size) {
    const struct ledger_state *s = ledger_state(cx->city);
    struct str origin;
    int code = newest_origin(cx, &origin);
    if (code == OK && !str_eq(origin, str_of(s->name[0])))
        code = cx_fail(cx, ERR_ledger_key, "origin", "%s", s->name[0]);
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        struct stmt *st = store_query(cx->db, Q_ledger_key_may, "si", keys_vkey(cx->city, t), (int64_t)size);
        const bool may = store_next(st) && store_int(st, 0) > 0;
        code = store_done(st, &cx->err);
        if (code == OK && !may) code = cx_fail(cx, ERR_ledger_key, "ledger", "%s", key_labels[t]);
    }
    return code;
}

struct str keys_vkey(struct city *city, int tree) {
    struct ledger_state *s = ledger_state(city);
    pthread_mutex_lock(&s->lock);
    struct str vkey = s->vkey[tree];
    pthread_mutex_unlock(&s->lock);
    return vkey;
}

static int write_file(struct cx *cx, const char *name, struct str text) {
    char path[600];
    struct str old = STR_NONE;
    struct err ignore = {0};
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, name);
    if (file_exists(path) && file_read(cx->mem, path, KEYS_TEXT_MAX, &old, &ignore) == OK &&
        str_eq(old, text))
        return OK;
    return file_write(path, text, 0644, &cx->err);
}

int keys_write_files(struct cx *cx, struct ledger_state *s) {
    struct str text;
    int code = keys_text(cx, &text);
    if (code == OK) code = write_file(cx, "ledger.vkey", text);
    if (code == OK)
        code = write_file(cx, "witness.vkey", str_print(cx->mem, "%.*s\n", STRF(s->witness_vkey)));
    return code;
}

// --- names ---
int keys_name(struct cx *cx, struct ledger_state *s, struct str origin, struct str witness) {
    if (origin.n + sizeof "/sm3" > LEDGER_NAME_MAX || witness.n >= LEDGER_NAME_MAX)
        return cx_fail(cx, ERR_ledger_key, "origin", "%.*s", STRF(origin));
    snprintf(s->name[0], sizeof s->name[0], "%.*s", STRF(origin));
    snprintf(s->name[1], sizeof s->name[1], "%.*s/sm3", STRF(origin));
    snprintf(s->witness_name, sizeof s->witness_name, "%.*s", STRF(witness));
    return OK;
}

// The name that a restore gave stays as long as the operator's own word for the log does.
static int read_names(struct cx *cx, struct ledger_state *s, bool *ret_known) {
    struct str base = str_of(cx->city->origin), origin = base,
               witness = str_print(cx->mem, "%.*s/witness", STRF(base));
    struct stmt *st = store_query(cx->db, Q_ledger_origins, "");
    *ret_known = false;
    while (!*ret_known && store_next(st)) {
        if (!str_eq(store_str(st, 1, NULL), base)) continue;
        origin = store_str(st, 2, cx->mem);
        witness = store_str(st, 3, cx->mem);
        *ret_known = true;
    }
    int code = store_done(st, &cx->err);
    return code == OK ? keys_name(cx, s, origin, witness) : code;
}

int keys_show(struct cx *cx, struct ledger_state *s) {
    struct arena *mem = &cx->city->mem;
    struct str vkey[LEDGER_TREES], pem;
    bool is_whole = true;
    pthread_mutex_lock(&cx->city->growing);
    for (int t = 0; t < LEDGER_TREES; t++) {
        vkey[t] = note_vkey(mem, s->key[t], str_of(s->name[t]));
        is_whole = is_whole && vkey[t].p;
    }
    int code = sign_public_pem(mem, s->key[LEDGER_TREE_SM3], &pem, &cx->err);
    pthread_mutex_unlock(&cx->city->growing);
    if (!is_whole) return cx_fail(cx, ERR_ledger_key, "origin", "%s", s->name[0]);
    if (code != OK) return code;
    pthread_mutex_lock(&s->lock);
    memcpy(s->vkey, vkey, sizeof vkey);
    s->sm2_pem = pem;
    pthread_mutex_unlock(&s->lock);
    return OK;
}

// --- keys ---
// Others must not be able to read what signs for the city.
static void warn_if_open(struct cx *cx, const char *label) {
    char path[700];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s.pem", cx->city->shared, label);
    if (stat(path, &st) == 0 && (st.st_mode & 077))
        log_line(LOG_WARN, "ledger", "%s can be read by others: chmod 600", path);
}

static int load_or_make(struct cx *cx, const char *label, enum sign_kind kind, bool may_make,
                        struct sign_key **ret) {
    struct provider p = keys_provider(cx);
    int code;
    if (p.ops->has(&p, label))
        code = p.ops->load(&p, cx->mem, label, ret, &cx->err);
    else if (may_make)
        code = p.ops->make(&p, cx->mem, label, kind, ret, &cx->err);
    else // notes were signed: another key would make it another log under the same name
        code = cx_fail(cx, ERR_ledger_key, "ledger", "%s", label);
    if (code != OK) return code;
    warn_if_open(cx, label);
    return sign_kind_of(*ret) == kind ? OK : cx_fail(cx, ERR_ledger_key, "ledger", "%s", label);
}

// A rotation's entry was committed and the process ended before the new key got its label: now it gets it.
static int finish_rotation(struct cx *cx, struct ledger_state *s, int t, struct str want) {
    struct provider p = keys_provider(cx);
    struct sign_key *next = NULL;
    if (!p.ops->has(&p, next_labels[t])) return cx_fail(cx, ERR_ledger_key, "ledger", "%s", key_labels[t]);
    int code = p.ops->load(&p, cx->mem, next_labels[t], &next, &cx->err);
    if (code == OK && !str_eq(note_vkey(cx->mem, next, str_of(s->name[t])), want))
        code = cx_fail(cx, ERR_ledger_key, "ledger", "%s", next_labels[t]);
    if (code == OK) code = p.ops->relabel(&p, next_labels[t], key_labels[t], &cx->err);
    if (code != OK) {
        sign_close(next);
        return code;
    }
    sign_close(s->key[t]);
    s->key[t] = next;
    return OK;
}

static int hold_against(struct cx *cx, struct ledger_state *s, int t, const struct key_row *row) {
    struct provider p = keys_provider(cx);
    struct str have = note_vkey(cx->mem, s->key[t], str_of(s->name[t]));
    if (!have.p) return cx_fail(cx, ERR_ledger_key, "origin", "%s", s->name[t]);
    if (!row) return OK;
    s->key_from = (uint64_t)row->from_size;
    if (!str_eq(have, row->vkey)) return finish_rotation(cx, s, t, row->vkey);
    // A rotation that ended before its entry left a key that nobody was told of; another node's may be under way.
    int64_t others = 0;
    int code = node_others(cx, &others);
    if (code != OK || others > 0) return code;
    return p.ops->destroy(&p, next_labels[t], &cx->err);
}

struct fresh { // what the rows lack of a ledger that starts, or starts under another name
    struct ledger_state *s;
    bool has_key[LEDGER_TREES], has_origin;
    bool is_first; // of all: from the empty tree on
};

static int put_rows(struct cx *cx, void *arg) {
    const struct fresh *f = arg;
    int64_t from = f->is_first ? 0 : (int64_t)f->s->size, n = 0;
    int code = OK;
    for (int64_t t = 0; t < LEDGER_TREES && code == OK; t++)
        if (!f->has_key[t])
            code = store_exec(cx->db, NULL, &cx->err, Q_ledger_key_put, "isii", t,
                              note_vkey(cx->mem, f->s->key[t], str_of(f->s->name[t])), from, cx->now_ms);
    if (code != OK || f->has_origin) return code;
    struct stmt *st = store_query(cx->db, Q_ledger_origins, "");
    if (store_next(st)) n = store_int(st, 0) + 1;
    code = store_done(st, &cx->err);
    if (code != OK) return code;
    return store_exec(cx->db, NULL, &cx->err, Q_ledger_origin_put, "isssii", n, str_of(cx->city->origin),
                      str_of(f->s->name[0]), str_of(f->s->witness_name), from, cx->now_ms);
}

int keys_start(struct cx *cx, struct ledger_state *s) {
    char marker[600];
    struct key_row *rows;
    struct fresh f = {.s = s};
    int n = 0;
    snprintf(marker, sizeof marker, "%s/%s", cx->city->shared, LEDGER_RESTORED);
    int code = read_names(cx, s, &f.has_origin);
    if (code == OK) code = keys_history(cx, &rows, &n);
    if (code != OK) return code;
    f.is_first = n == 0;
    // A backup need not hold private keys: what was restored without them signs under a new name and with new ones.
    const bool is_restored = file_exists(marker),
               may_make = is_restored || (n == 0 && !s->checkpoint.made_ms);
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        const struct key_row *row = row_in_force(rows, n, t, s->name[t]);
        f.has_key[t] = row != NULL;
        code = load_or_make(cx, key_labels[t], key_kinds[t], may_make, &s->key[t]);
        if (code == OK && !is_restored) code = hold_against(cx, s, t, row);
    }
    if (code == OK) code = load_or_make(cx, WITNESS_LABEL, SIGN_ED25519, true, &s->witness_key);
    const bool is_whole = f.has_origin && f.has_key[0] && f.has_key[1];
    if (code == OK && !is_restored && !is_whole) code = cx_write(cx, put_rows, &f);
    if (code != OK || is_restored) return code; // keys_restored goes on
    s->witness_vkey = cosign_vkey(&cx->city->mem, s->witness_key, str_of(s->witness_name));
    code = keys_show(cx, s);
    return code == OK ? keys_write_files(cx, s) : code;
}

// --- several nodes ---
static int take_up_key(struct cx *cx, struct ledger_state *s, int t, const struct key_row *row) {
    struct provider p = keys_provider(cx);
    struct sign_key *key = NULL;
    struct err why = {0};
    if (!p.ops->has(&p, key_labels[t]) || p.ops->load(&p, cx->mem, key_labels[t], &key, &why) != OK)
        return ERR_ledger_key;
    if (!str_eq(note_vkey(cx->mem, key, str_of(s->name[t])), row->vkey)) { // its files are not there yet
        sign_close(key);
        return ERR_ledger_key;
    }
    sign_close(s->key[t]);
    s->key[t] = key;
    s->key_from = (uint64_t)row->from_size;
    return OK;
}

int keys_follow(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    struct key_row *rows;
    int n;
    bool is_moved = false;
    pthread_mutex_lock(&s->signing); // a rotation of our own is over
    int code = keys_history(cx, &rows, &n);
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        const struct key_row *row = row_in_force(rows, n, t, s->name[t]);
        if (!row || str_eq(row->vkey, note_vkey(cx->mem, s->key[t], str_of(s->name[t])))) continue;
        code = take_up_key(cx, s, t, row);
        is_moved = is_moved || code == OK;
    }
    if (is_moved && code == OK) code = keys_show(cx, s);
    pthread_mutex_unlock(&s->signing);
    if (code == ERR_ledger_key)
        return cx_fail(cx, ERR_ledger_key, "ledger", "%s: rotated on another node", s->name[0]);
    return code;
}

void keys_stop(struct ledger_state *s) {
    for (int t = 0; t < LEDGER_TREES; t++)
        sign_close(s->key[t]);
    sign_close(s->witness_key);
}

// --- what is told of them ---
static int get_vkeys(struct cx *cx) {
    struct str text;
    int code = keys_text(cx, &text);
    if (code == OK) cx_reply_body(cx, "text/plain; charset=utf-8", text);
    return code;
}

static int get_keys(struct cx *cx) {
    const struct ledger_state *s = ledger_state(cx->city);
    struct key_row *rows;
    int n;
    int code = keys_history(cx, &rows, &n);
    if (code != OK) return code;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    for (int i = 0; i < n; i++) {
        jw_object(w);
        jw_ntext(w, "tree", rows[i].tree == LEDGER_TREE_SM3 ? S("sm3") : S("sha256"));
        jw_ntext(w, "vkey", rows[i].vkey);
        jw_nint(w, "from_size", rows[i].from_size);
        if (rows[i].to_size >= 0) jw_nint(w, "to_size", rows[i].to_size);
        jw_nint(w, "made_ms", rows[i].made_ms);
        jw_nbool(w, "in_force", rows[i].to_size < 0 && is_of(rows[i].vkey, s->name[rows[i].tree]));
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
    return OK;
}

static const struct field takes_nothing[] = {{0}};
static const struct field key_fields[] = {
    {"tree", .type = T_TEXT, .required = true, .zh = "哪棵树", .en = "which tree"},
    {"vkey", .type = T_TEXT, .required = true, .zh = "验证公钥", .en = "verifier key"},
    {"from_size", .type = T_INT, .required = true, .zh = "起始条目数",
     .en = "signs trees of this size and more"},
    {"to_size", .type = T_INT, .zh = "截止条目数", .en = "and of this size at most"},
    {"made_ms", .type = T_INT, .required = true, .zh = "启用时间", .en = "in force since"},
    {"in_force", .type = T_BOOL, .required = true, .zh = "正在使用", .en = "in force"},
    {0}};
static const struct field keys_fields[] = {{"items", .type = T_ITEMS, .required = true, .of = key_fields,
                                            .zh = "历次公钥，新的在前", .en = "all keys, newest first"},
                                           {0}};
static const struct shape gives_keys = {"ledger_keys", keys_fields, NULL},
                          gives_vkeys = {"ledger_vkeys", NULL, "text/plain"};

const struct route ledger_key_routes[] = {
    {"GET", "/api/v1/ledger/keys", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_keys, .handle = get_keys,
     .zh = "存证签名公钥的历史", .en = "All keys that signed the ledger", .scope = LEDGER_SCOPE},
    {"GET", "/ledger/vkeys", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_vkeys, .handle = get_vkeys,
     .zh = "历次验证公钥及其适用范围", .en = "All verifier keys with the sizes they may sign"},
    {0}};
