// SPDX-License-Identifier: MulanPSL-2.0
// This city as a log that others witness: each new checkpoint goes to the witnesses of witness.policy, with the proof
// that it only grew since what each of them holds. Keeps true: (1) nobody waits for a witness: asking is a thread's own
// work, a witness that fails is left alone for twice as long each time, up to five minutes; (2) what a witness says
// counts only under its key; (3) a witness that holds more than we do, signed by us, is proof that these data were
// rolled back: from then on nothing is signed, and the next start takes a new origin (keys_origin.c).
//
// Whom a city asks is the operator's own word (the policy file); the addresses are held against the rules of HTTP out
// all the same: one inside the own network has to be allowed by name (--allow-upstream).
#include "base/file.h"
#include "base/log.h"
#include "core/node.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define BIT(n) ((uint64_t)1 << (n))

// --- the policy ---
static int load_policy(struct cx *cx, struct witness_client *w, const char *path) {
    struct str text;
    struct policy *p = NULL;
    arena_reset(&w->mem);
    int code = file_read(&w->mem, path, POLICY_BYTES_MAX, &text, &cx->err);
    if (code == OK) code = policy_read(&w->mem, text, true, &p, &cx->err);
    if (code != OK)
        log_line(LOG_ERROR, "witness", "%s:%" PRId64 ": %s", LEDGER_POLICY_FILE, cx->err.row, cx->err.arg);
    w->policy = p;
    return code;
}

int witness_policy(struct cx *cx, struct witness_client *w) {
    char path[600];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, LEDGER_POLICY_FILE);
    const bool is_there = stat(path, &st) == 0;
    const int64_t ns = is_there ? (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec : 0;
    const int64_t bytes = is_there ? (int64_t)st.st_size : -1;
    // Two policies may be equally long and written within one tick of the file system's clock, but not in one file.
    const int64_t inode = is_there ? (int64_t)st.st_ino : 0;
    if (ns == w->policy_ns && bytes == w->policy_bytes && inode == w->policy_inode) return OK;
    pthread_mutex_lock(&w->lock);
    policy_close(w->policy);
    w->policy = NULL;
    w->policy_ns = ns;
    w->policy_bytes = bytes;
    w->policy_inode = inode;
    w->round_size = w->answered = 0;
    for (int i = 0; i < POLICY_WITNESSES_MAX; i++)
        w->peer[i] = (struct witness_peer){0};
    // A mistake in it is told, and until it is mended there is no policy: nothing counts as witnessed.
    int code = is_there ? load_policy(cx, w, path) : OK;
    pthread_mutex_unlock(&w->lock);
    if (code == ERR_policy) cx->err = (struct err){0};
    return code == OK || code == ERR_policy ? witness_recall(cx, w) : code;
}

// --- one question ---
static void fail(struct cx *cx, struct witness_client *w, int i, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void fail(struct cx *cx, struct witness_client *w, int i, const char *fmt, ...) {
    struct witness_peer *p = &w->peer[i];
    va_list ap;
    va_start(ap, fmt);
    pthread_mutex_lock(&w->lock);
    vsnprintf(p->problem, sizeof p->problem, fmt, ap);
    const int doubled = p->failures < 16 ? p->failures : 16;
    int64_t wait = (int64_t)WITNESS_BACK_OFF_MS << doubled;
    if (wait > WITNESS_BACK_OFF_MAX_MS) wait = WITNESS_BACK_OFF_MAX_MS;
    p->next_ms = cx->city->now_ms() + wait;
    p->failures++;
    pthread_mutex_unlock(&w->lock);
    va_end(ap);
    if (p->failures == 1)
        log_line(LOG_WARN, "witness", "%.*s: %s", STRF(w->policy->witness[i].label), p->problem);
}

static int fetch(struct cx *cx, struct str verb, struct str url, struct str body, int *ret_status,
                 struct str *ret_body) {
    struct err e = {0};
    struct str type;
    bool maybe_done = false;
    if (!cx->city->fetch_out) return cx_fail(cx, ERR_net, "witness", "%s", "");
    int code =
        cx->city->fetch_out(cx->city, cx->mem, verb, url, body.p ? S("text/plain; charset=utf-8") : STR_NONE,
                            body, WITNESS_TIMEOUT_MS, ret_status, &type, ret_body, &maybe_done, &e);
    if (code == OK && ret_body->n > WITNESS_BODY_MAX)
        code = err_set(&e, ERR_too_large, "", "%d", WITNESS_BODY_MAX);
    if (code != OK) cx->err = e;
    return code;
}

static int make_body(struct cx *cx, const struct checkpoint *c, uint64_t old, struct str *ret) {
    struct tree_reader r = {.db = cx->db, .hasher = cx->hasher, .err = &cx->err, .tree = LEDGER_TREE_SHA256};
    uint8_t(*proof)[HASH_BYTES] = arena_array(cx->mem, 2 * MERKLE_LEVELS, HASH_BYTES);
    struct buf b = buf_new(cx->mem, 4096, WITNESS_BODY_MAX);
    int n = 0, code = proof ? OK : cx_fail(cx, ERR_no_memory, "", "proof");
    if (code == OK && old > 0 && old < c->size)
        code = merkle_consistency(old, c->size, tree_read, &r, cx->hasher, HASH_SHA256, proof, &n);
    if (code == OK && n > WITNESS_PROOF_MAX) code = cx_fail(cx, ERR_too_large, "proof", "%d", n);
    if (code != OK) return code;
    buf_print(&b, "old %" PRIu64 "\n", old);
    for (int i = 0; i < n; i++) {
        buf_put(&b, str_base64(cx->mem, proof[i], HASH_BYTES));
        buf_char(&b, '\n');
    }
    buf_char(&b, '\n');
    buf_put(&b, (struct str){c->note[0], c->note_n[0]});
    *ret = buf_str(&b);
    return b.over ? cx_fail(cx, ERR_no_memory, "", "witness") : OK;
}

bool witness_is_ours(struct cx *cx, struct str note, uint64_t *ret_size, uint8_t root[HASH_BYTES]) {
    const struct ledger_state *s = ledger_state(cx->city);
    struct key_row *rows;
    int n;
    if (keys_history(cx, &rows, &n) != OK) return false;
    for (int i = 0; i < n; i++) {
        struct sign_key *k = NULL;
        struct str name, body, origin;
        struct err ignore = {0};
        if (rows[i].tree != LEDGER_TREE_SHA256 ||
            note_read_vkey(cx->mem, rows[i].vkey, &name, &k, &ignore) != OK)
            continue;
        bool good = str_eq(name, str_of(s->name[0])) && note_check(cx->mem, note, k, name, &body) &&
                    checkpoint_read(cx->mem, body, &origin, ret_size, root) && str_eq(origin, name);
        sign_close(k);
        if (good) return true;
    }
    return false;
}

int witness_fetch(struct cx *cx, const struct policy_witness *w, struct str *ret_note) {
    const struct ledger_state *s = ledger_state(cx->city);
    struct str hash = witness_origin_hash(cx, str_of(s->name[0])), note, body;
    struct str url = str_print(cx->mem, "%.*s/%.*s/checkpoint", STRF(w->url), STRF(hash));
    int status = 0;
    int code = fetch(cx, S("GET"), url, STR_NONE, &status, &note);
    if (code != OK) return code;
    if (status == 404) return cx_fail(cx, ERR_not_found, "witness", "%.*s", STRF(w->label));
    struct str lines =
        note_split(note, &body) ? (struct str){note.p + body.n + 1, note.n - body.n - 1} : STR_NONE;
    if (status != 200 || !lines.p || !cosign_check(cx->mem, body, lines, w->key, w->name, NULL, NULL))
        return cx_fail(cx, ERR_net, "witness", "%.*s: %d", STRF(w->label), status);
    *ret_note = note;
    return OK;
}

// --- a witness that holds more than we do ---
static int mark_behind(struct cx *cx, struct ledger_state *s, struct str note) {
    char path[600];
    struct buf b = buf_new(cx->mem, 1024, WITNESS_BODY_MAX * 2);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "checkpoint", note);
    jw_ntext(&w, "reason", S("rolled back"));
    jw_object_end(&w);
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, LEDGER_RESTORED);
    atomic_store(&s->is_behind, true);
    log_line(LOG_ERROR, "ledger",
             "a witness holds a later checkpoint of this log than these data do: they were rolled back. "
             "Nothing is "
             "signed any more; the next start takes a new origin.");
    return b.over ? cx_fail(cx, ERR_no_memory, "", "witness") : file_write(path, buf_str(&b), 0600, &cx->err);
}

static int look_behind(struct cx *cx, struct witness_client *w, int i, uint64_t said) {
    struct ledger_state *s = ledger_state(cx->city);
    struct str note;
    uint8_t root[HASH_BYTES];
    uint64_t size = 0, have;
    int code = witness_fetch(cx, &w->policy->witness[i], &note);
    pthread_mutex_lock(&s->lock);
    have = s->size;
    pthread_mutex_unlock(&s->lock);
    if (code == OK && have < said && witness_is_ours(cx, note, &size, root) && size > have)
        return mark_behind(cx, s, note);
    cx->err = (struct err){0};
    fail(cx, w, i, "409: %" PRIu64, said); // its word alone, or ours grew meanwhile
    return OK;
}

// --- the round ---
static void take_answer(struct cx *cx, struct witness_client *w, int i, const struct checkpoint *c,
                        struct str answer) {
    const struct policy_witness *pw = &w->policy->witness[i];
    struct str body = {c->note[0], 0}, line;
    int64_t time_s;
    if (!note_split((struct str){c->note[0], c->note_n[0]}, &body) ||
        !cosign_check(cx->mem, body, answer, pw->key, pw->name, &time_s, &line)) {
        fail(cx, w, i, "%s", "its answer is no cosignature of its key");
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->line[i] = str_copy(&w->round_mem, line);
    if (w->line[i].p) w->answered |= BIT(i);
    w->peer[i] = (struct witness_peer){.size = c->size, .told_ms = cx->city->now_ms()};
    pthread_mutex_unlock(&w->lock);
}

// One witness: at most two questions, the second with the size that it told.
static int ask_one(struct cx *cx, struct witness_client *w, int i, const struct checkpoint *c) {
    struct str url = str_print(cx->mem, "%.*s/add-checkpoint", STRF(w->policy->witness[i].url));
    for (int attempt = 0; attempt < 2; attempt++) {
        struct str body, answer;
        int status = 0;
        int64_t said;
        int code = make_body(cx, c, w->peer[i].size, &body);
        if (code != OK) return code; // ours: the store cannot be read
        if (fetch(cx, S("POST"), url, body, &status, &answer) != OK) {
            fail(cx, w, i, "%s %s", err_info(cx->err.code)->name, cx->err.arg);
            cx->err = (struct err){0};
            return OK;
        }
        if (status == 200) {
            take_answer(cx, w, i, c, answer);
            return OK;
        }
        if (status != 409 || !str_int64(str_trim(answer), &said) || said < 0) {
            fail(cx, w, i, "HTTP %d", status);
            return OK;
        }
        if ((uint64_t)said > c->size) return look_behind(cx, w, i, (uint64_t)said);
        pthread_mutex_lock(&w->lock);
        w->peer[i].size = (uint64_t)said;
        pthread_mutex_unlock(&w->lock);
    }
    fail(cx, w, i, "%s", "409 again"); // somebody else sends it our checkpoints as well
    return OK;
}

static bool begin_round(struct cx *cx, struct witness_client *w, struct checkpoint *c) {
    if (checkpoint_look(cx, c) != OK) return false;
    if (!w->policy || !c->made_ms || c->size == 0 || atomic_load(&ledger_state(cx->city)->is_behind))
        return false;
    if (w->round_size == c->size) return true;
    pthread_mutex_lock(&w->lock);
    w->round_size = c->size;
    w->answered = 0;
    pthread_mutex_unlock(&w->lock);
    arena_reset(&w->round_mem);
    return true;
}

int witness_round(struct cx *cx) {
    struct witness_client *w = ledger_state(cx->city)->witness;
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    int code = c ? witness_policy(cx, w) : cx_fail(cx, ERR_no_memory, "", "witness");
    if (code != OK || !begin_round(cx, w, c)) return code;
    if (!node_runs(cx->city, "ledger_checkpoint")) return witness_follow(cx, w); // another node asks them
    const uint64_t before = w->answered;
    for (int i = 0; i < w->policy->witnesses_n && code == OK; i++) {
        const struct witness_peer *p = &w->peer[i];
        // A clock put back must not silence a witness for as long as it was put back.
        const int64_t wait = p->next_ms - cx->city->now_ms();
        if ((w->answered & BIT(i)) || !w->policy->witness[i].url.p ||
            (wait > 0 && wait <= WITNESS_BACK_OFF_MAX_MS))
            continue;
        if (atomic_load(&ledger_state(cx->city)->is_behind)) break;
        code = ask_one(cx, w, i, c);
    }
    return code == OK && w->answered != before ? witness_keep(cx, w, c) : code;
}

// --- the thread ---
static void work(struct witness_client *w, struct conn *db, struct hasher *h) {
    struct arena mem;
    struct cx cx;
    arena_init(&mem, 0);
    core_cx(&cx, w->city, &mem, db, h, NULL);
    int code = witness_round(&cx);
    if (code != OK)
        log_line(LOG_ERROR, "witness", "%s %s %s", err_info((enum err_code)code)->name, cx.err.field,
                 cx.err.arg);
    arena_free(&mem);
}

static void *run(void *arg) {
    struct witness_client *w = arg;
    struct conn *db = NULL;
    struct hasher *h = hasher_open();
    struct err e = {0};
    if (!h || store_conn_open(w->city->store, &db, &e) != OK) {
        log_line(LOG_ERROR, "witness", "no thread: %s", e.arg);
        hasher_close(h);
        return NULL;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (!w->is_woken) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->is_woken = false;
        pthread_mutex_unlock(&w->lock);
        work(w, db, h);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    store_conn_close(db);
    hasher_close(h);
    return NULL;
}

// Without a policy file there is no thread, until there is one.
int witness_wake(struct cx *cx) {
    struct witness_client *w = ledger_state(cx->city)->witness;
    char path[600];
    int code = OK;
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, LEDGER_POLICY_FILE);
    pthread_mutex_lock(&w->lock);
    if (!w->is_up && !w->stop && file_exists(path)) {
        w->is_up = pthread_create(&w->thread, NULL, run, w) == 0;
        if (!w->is_up) code = cx_fail(cx, ERR_no_memory, "", "thread");
    }
    w->is_woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return code;
}

int witness_start(struct cx *cx, struct ledger_state *s) {
    struct witness_client *w = arena_take(&cx->city->mem, sizeof *w);
    if (!w) return cx_fail(cx, ERR_no_memory, "", "witness");
    *w = (struct witness_client){.city = cx->city, .policy_bytes = -1};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    arena_init(&w->mem, (size_t)4 << 20);
    arena_init(&w->round_mem, (size_t)1 << 20);
    s->witness = w;
    return witness_policy(cx, w);
}

void witness_stop(struct ledger_state *s) {
    struct witness_client *w = s->witness;
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    const bool is_up = w->is_up;
    pthread_mutex_unlock(&w->lock);
    if (is_up) pthread_join(w->thread, NULL); // at most one question's time-out
    policy_close(w->policy);
    arena_free(&w->mem);
    arena_free(&w->round_mem);
}
