// SPDX-License-Identifier: MulanPSL-2.0
// `gusu verify DIR [--checkpoint FILE …] [--vkey KEY|FILE …]`, `gusu verify FILE.tlog-proof [--vkey KEY|FILE …]`:
// checks a whole data folder, or one receipt, without network
// and without the server. A folder is opened read-only and may be in use: everything is held against one snapshot of its
// heads. Exit code 0: all is as it was; 1: something was changed, each line names the entry and what is wrong with
// it; 2: it could not be checked. Keys: those given, else the folder's own ledger.vkey, which proves only that folder
// and signatures fit together; an auditor brings the keys noted earlier, and a checkpoint or receipt from then: without
// those, a history rewritten from the first entry on by whoever holds disk and keys looks like any other.
#include "app/verify.h"
#include "app/app.h"
#include "base/file.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FAULTS_TOLD 20 // lines; all are counted

static const struct word {
    enum verify_what what;
    const char *zh, *en;
} words[] = {
    {VERIFY_ENTRY_MISSING, "条目缺失", "the entry is missing"},
    {VERIFY_ENTRY_EXTRA, "超出首部所记的条目", "an entry beyond the head"},
    {VERIFY_LEAF, "叶不合格式", "the leaf is malformed"},
    {VERIFY_COMMITMENT, "明细与叶中的承诺不符", "the detail does not open the leaf's commitment"},
    {VERIFY_DETAIL, "明细不是 JSON 对象", "the detail is no JSON object"},
    {VERIFY_KIND, "类别与明细不符", "the kind differs from the detail"},
    {VERIFY_TIME, "时间与明细不符", "the time differs from the detail"},
    {VERIFY_CLEAR, "公开部分与明细不符", "the clear part differs from the detail"},
    {VERIFY_BUNDLE, "封存的存证包已损坏", "a sealed bundle is damaged"},
    {VERIFY_LEAVES, "这些条目中有叶被改动", "a leaf among these entries was changed"},
    {VERIFY_NODE, "子树哈希与条目不符", "a stored subtree differs from its entries"},
    {VERIFY_HEAD, "首部与条目不符", "the stored head differs from the entries"},
    {VERIFY_CROSS, "互证的树根不符", "a root told by an entry differs"},
    {VERIFY_CHECKPOINT_ROOT, "检查点树根与条目不符", "a signed checkpoint's root differs from the entries"},
    {VERIFY_CHECKPOINT_SIGNATURE, "检查点签名无效", "a checkpoint is not signed by a given key"},
    {VERIFY_NOTED, "与事先留存的检查点不符", "differs from a checkpoint noted earlier"},
    {VERIFY_ACT, "审计记录与条目不符", "the audit row differs from its entry"},
    {VERIFY_ACT_MISSING, "缺少审计记录", "the entry's audit row is missing"},
    {VERIFY_ACT_EXTRA, "审计记录没有对应条目", "an audit row without its entry"},
    {VERIFY_CALL, "调用记录与条目不符", "the call row differs from its entry"},
    {VERIFY_RUN, "封存的调用清单已损坏", "a sealed run of calls is damaged"},
    {VERIFY_CALL_EXTRA, "调用记录没有对应条目", "a call row without its entry"},
    {VERIFY_METER, "计量与调用条目之和不符", "the meter differs from the sum of call entries"},
};

const char *verify_word(enum verify_what what, bool zh) {
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].what == what) return zh ? words[i].zh : words[i].en;
    return "?";
}

// Faults without an entry come last.
static uint64_t place(const struct verify_fault *f) {
    return f->index < 0 ? UINT64_MAX : (uint64_t)f->index;
}

static int by_index(const void *a, const void *b) {
    const struct verify_fault *x = a, *y = b;
    if (place(x) != place(y)) return place(x) < place(y) ? -1 : 1;
    return (int)x->what - (int)y->what;
}

// When the list is full, the last fault gives way, so that the first one is always among those told.
static void keep_fault(struct verify_report *r, const struct verify_fault *f) {
    if (r->faults_n < VERIFY_FAULTS) {
        r->faults[r->faults_n] = *f;
        return;
    }
    int last = 0;
    for (int i = 1; i < VERIFY_FAULTS; i++)
        if (place(&r->faults[i]) > place(&r->faults[last])) last = i;
    if (place(&r->faults[last]) > place(f)) r->faults[last] = *f;
}

void verify_fault(struct verify *v, enum verify_what what, int64_t index, const char *fmt, ...) {
    struct verify_fault f = {.what = what, .index = index};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f.where, sizeof f.where, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&v->lock);
    keep_fault(v->report, &f);
    v->report->faults_n++;
    pthread_mutex_unlock(&v->lock);
}

// The number that a query gives, or `none`.
static int ask(struct verify *v, enum query q, int64_t none, int64_t *ret) {
    struct stmt *s = store_query(v->conn, q, "");
    *ret = store_next(s) && !store_is_null(s, 0) ? store_int(s, 0) : none;
    return store_done(s, v->err);
}

// What lies where no entry can be: beyond the head, before 0, or a row of what is sealed as well.
static int read_size(struct verify *v) {
    int64_t size = 0, outside = -1, first, bundle_first, bundle_last;
    struct stmt *s = store_query(v->conn, Q_verify_head, "i", (int64_t)0);
    if (store_next(s)) size = store_int(s, 0);
    int code = store_done(s, v->err);
    if (code != OK) return code;
    v->size = size > 0 ? (uint64_t)size : 0;
    s = store_query(v->conn, Q_verify_entry_outside, "i", (int64_t)v->size);
    if (store_next(s)) outside = store_int(s, 0);
    code = store_done(s, v->err);
    if (code == OK) code = ask(v, Q_verify_entry_first, INT64_MAX, &first);
    if (code == OK) code = ask(v, Q_verify_bundle_first, 0, &bundle_first);
    if (code == OK) code = ask(v, Q_verify_bundle_last, -1, &bundle_last);
    if (code != OK) return code;
    if (outside >= 0) verify_fault(v, VERIFY_ENTRY_EXTRA, outside, "%s", "");
    if (first < (bundle_last + 1) * LEDGER_BUNDLE) verify_fault(v, VERIFY_ENTRY_EXTRA, first, "%s", "");
    if (bundle_first < 0) verify_fault(v, VERIFY_ENTRY_EXTRA, bundle_first, "ledger_bundle");
    if ((bundle_last + 1) * LEDGER_BUNDLE > (int64_t)v->size)
        verify_fault(v, VERIFY_ENTRY_EXTRA, bundle_last * LEDGER_BUNDLE, "ledger_bundle %" PRId64,
                     bundle_last);
    return OK;
}

static int passes(struct verify *v, const struct verify_trust *keys) {
    int code = read_size(v);
    if (code == OK) code = verify_entries(v);
    if (code == OK) code = verify_trees(v);
    if (code == OK) code = verify_checkpoints(v, keys);
    if (code == OK) code = verify_acts(v);
    if (code == OK) code = verify_calls(v);
    v->report->entries = v->size;
    v->report->erased = atomic_load(&v->erased);
    v->report->calls = atomic_load(&v->calls);
    return code;
}

int verify_folder(const char *folder, const struct verify_trust *keys, bool is_quiet,
                  struct verify_report *ret, struct err *e) {
    struct arena mem;
    arena_init(&mem, (size_t)8 << 30);
    struct verify *v = arena_take(&mem, sizeof *v);
    int code = v ? crypto_start(e) : err_set(e, ERR_no_memory, "", "verify");
    *ret = (struct verify_report){0};
    if (code == OK) {
        v->folder = folder;
        v->is_quiet = is_quiet;
        v->mem = v->sums.mem = &mem;
        v->err = e;
        v->report = ret;
        pthread_mutex_init(&v->lock, NULL);
        if (!(v->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    }
    if (code == OK) code = store_conn_read_only(folder, &v->conn, e);
    if (code == OK) {
        store_read_begin(v->conn);
        code = passes(v, keys);
        store_read_end(v->conn);
    }
    int kept = ret->faults_n < VERIFY_FAULTS ? ret->faults_n : VERIFY_FAULTS;
    qsort(ret->faults, (size_t)kept, sizeof ret->faults[0], by_index);
    if (v) store_conn_close(v->conn);
    if (v) hasher_close(v->hasher);
    arena_free(&mem);
    return code;
}

// --- telling people ---
static int say(const struct err *e) {
    struct arena mem;
    arena_init(&mem, 0);
    struct str zh = err_text(&mem, e, true), en = err_text(&mem, e, false);
    fprintf(stderr, "gusu verify: %.*s / %.*s\n", STRF(zh), STRF(en));
    arena_free(&mem);
    return 2;
}

static void tell_fault(const struct verify_fault *f) {
    if (f->index >= 0)
        printf("  第 %" PRId64 " 条: %s / entry %" PRId64 ": %s%s%s%s\n", f->index,
               verify_word(f->what, true), f->index, verify_word(f->what, false), f->where[0] ? " (" : "",
               f->where, f->where[0] ? ")" : "");
    else
        printf("  %s / %s%s%s%s\n", verify_word(f->what, true), verify_word(f->what, false),
               f->where[0] ? " (" : "", f->where, f->where[0] ? ")" : "");
}

static void tell_keys(struct arena *mem, const struct verify_trust *keys) {
    for (int i = 0; i < keys->n; i++) {
        struct str vkey = note_vkey(mem, keys->key[i], keys->name[i]);
        printf("  公钥 / key  %.*s\n", STRF(vkey));
    }
}

static int tell_folder(struct arena *mem, const struct verify_report *r, const struct verify_trust *keys,
                       int64_t us) {
    double s = (double)us / 1e6;
    printf("  条目 / entries %" PRIu64 " (%.2f s, %.0f/s), 明细已删 / erased %" PRIu64 "\n", r->entries, s,
           s > 0 ? (double)r->entries / s : 0.0, r->erased);
    printf("  审计 / audit rows %" PRIu64 ", 调用 / calls %" PRIu64 ", 计量 / meter rows %" PRIu64
           ", 检查点 / checkpoints %" PRIu64 "\n",
           r->acts, r->calls, r->meters, r->checkpoints);
    for (int t = 0; t < VERIFY_TREES; t++) {
        struct str root = str_hex(mem, r->root[t], HASH_BYTES);
        printf("  树根 / root  %s %.*s\n", t == 0 ? "sha256" : "sm3   ", STRF(root));
    }
    tell_keys(mem, keys);
    for (int i = 0; i < r->faults_n && i < FAULTS_TOLD; i++)
        tell_fault(&r->faults[i]);
    if (r->faults_n > FAULTS_TOLD) printf("  … %d\n", r->faults_n - FAULTS_TOLD);
    if (r->faults_n == 0)
        printf("核验通过 / verified\n");
    else
        printf("核验不通过: %d 处 / NOT verified: %d faults\n", r->faults_n, r->faults_n);
    return r->faults_n == 0 ? 0 : 1;
}

static int check_folder(struct arena *mem, const char *folder, const struct options *o,
                        struct verify_trust *keys) {
    struct err e = {0};
    struct verify_report *r = arena_take(mem, sizeof *r);
    if (!r) return 2;
    int64_t begin = clock_mono_us();
    int code = verify_folder(o->store ? o->store : folder, keys, o->quiet, r, &e);
    if (code != OK) return say(&e);
    return tell_folder(mem, r, keys, clock_mono_us() - begin);
}

static int check_receipt(struct arena *mem, const char *path, const struct verify_trust *keys) {
    struct err e = {0};
    struct ledger_entry entry = {0};
    struct str text, note;
    int code = file_read(mem, path, (size_t)1 << 20, &text, &e);
    if (code != OK) return say(&e);
    code = verify_receipt(mem, text, keys, &entry, &note, &e);
    if (code != OK) {
        (void)say(&e);
        printf("核验不通过 / NOT verified\n");
        return 1;
    }
    printf("  第 %" PRId64 " 条 / entry %" PRId64 "\n%.*s", entry.index, entry.index, STRF(entry.leaf));
    if (entry.detail.p) printf("detail %.*s\n", STRF(entry.detail));
    printf("\n%.*s", STRF(note));
    printf("核验通过 / verified\n");
    return 0;
}

// Words after the command: one path; --vkey with a key or a file of keys, --checkpoint with a file, as often as wanted.
static int read_words(struct arena *mem, const struct options *o, const char **ret_path,
                      struct verify_trust *keys, struct err *e) {
    int code = OK;
    for (int i = 0; i < o->rest_n && code == OK; i++) {
        bool is_key = strcmp(o->rest[i], "--vkey") == 0;
        if (!is_key && strcmp(o->rest[i], "--checkpoint") != 0)
            *ret_path = o->rest[i];
        else if (i + 1 == o->rest_n)
            code = err_set(e, ERR_bad_request, o->rest[i], "%s", o->rest[i]);
        else if (is_key)
            code = verify_key_add(mem, keys, str_of(o->rest[++i]), e);
        else
            code = verify_note_add(mem, keys, o->rest[++i], e);
    }
    return code;
}

int command_verify(const struct options *o) {
    struct verify_trust keys = {0};
    struct arena mem;
    struct err e = {0};
    struct stat st;
    const char *path = o->data;
    arena_init(&mem, 0);
    int code = crypto_start(&e);
    if (code == OK) code = read_words(&mem, o, &path, &keys, &e);
    bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    if (code == OK && keys.n == 0) {
        // A receipt is then held against the data folder's keys (--data).
        struct str own = str_print(&mem, "%s/ledger.vkey", is_folder ? path : o->data);
        if (file_exists(str_z(&mem, own)))
            code = verify_key_add(&mem, &keys, own, &e);
        else
            code = err_set(&e, ERR_not_found, "--vkey", "--vkey, %.*s", STRF(own));
    }
    int result = code != OK  ? say(&e)
                 : is_folder ? check_folder(&mem, path, o, &keys)
                             : check_receipt(&mem, path, &keys);
    verify_keys_close(&keys);
    arena_free(&mem);
    return result;
}
