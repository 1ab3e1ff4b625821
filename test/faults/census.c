// SPDX-License-Identifier: MulanPSL-2.0
// What a folder says, against what was answered. Keeps true: every acknowledged call is one entry, under the very index
// that its reply told; every acknowledged write is one row, under the id that its reply told; what was refused is not
// there; what is unknown is there once or not at all. `gusu verify` itself then holds entries, trees, checkpoints, audit
// rows, calls and meters against each other.
#include "app/verify.h"
#include "base/clock.h"
#include "base/file.h"
#include "load.h"
#include "store/store.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct census *census_new(struct load *l, const char *folder) {
    struct census *c = calloc(1, sizeof *c);
    if (!c || !(c->seen = calloc((size_t)l->most, 1))) abort();
    c->load = l;
    c->folder = folder;
    return c;
}

void census_free(struct census *c) {
    free(c->seen);
    free(c);
}

static bool wrong(const char *what, int64_t n, int64_t other) {
    fprintf(stderr, "census: %s: number %" PRId64 " (%" PRId64 ")\n", what, n, other);
    return false;
}

// F-<n>-; -1 when it is not one of ours.
static int64_t number_of_name(struct str s, int64_t most) {
    int64_t n = -1;
    char text[40];
    if (s.n < 4 || s.n >= sizeof text || s.p[0] != 'F') return -1;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return sscanf(text, "F-%" SCNd64 "-", &n) == 1 && n >= 0 && n < most ? n : -1;
}

static bool see(struct census *c, int64_t n, bool is_write) {
    struct asked *a = &c->load->asked[n];
    if (a->is_write != is_write) return wrong("of the other kind", n, is_write);
    if (++c->seen[n] > 1) return wrong(is_write ? "a write is there twice" : "a call is there twice", n, 0);
    if (atomic_load(&a->state) == ASKED_REFUSED) {
        return wrong("refused, and there", n, atomic_load(&a->status100));
    }
    return true;
}

static bool see_entry(struct census *c, const struct ledger_entry *e, int64_t index) {
    static const char mark[] = "\"case_no\":\"";
    if (!str_eq(e->kind, S("exchange.call")) || !e->detail.p) return true;
    const char *p = memmem(e->detail.p, e->detail.n, mark, sizeof mark - 1);
    if (!p) return true;
    struct str rest = {p + sizeof mark - 1, e->detail.n - (size_t)(p + sizeof mark - 1 - e->detail.p)};
    int64_t n = number_of_name(str_cut(rest, '"', &rest), c->load->most);
    if (n < 0) return true;
    struct asked *a = &c->load->asked[n];
    if (!see(c, n, false)) return false;
    if (atomic_load(&a->state) == ASKED_DONE && atomic_load(&a->entry) != index)
        return wrong("a call was told another index", n, index);
    return true;
}

// The size that the ledger's own head tells; entries are read one by one through the ledger's face.
static bool look_at_entries(struct census *c, struct conn *db) {
    struct city city = {.magic = CITY_MAGIC, .folder = c->folder, .now_ms = clock_now_ms};
    struct arena mem;
    struct cx cx;
    int64_t size = 0;
    struct err e = {0};
    struct stmt *s = store_query(db, Q_verify_head, "i", (int64_t)0);
    if (store_next(s)) size = store_int(s, 0);
    if (store_done(s, &e) != OK || size < c->entries)
        return wrong("the ledger became shorter", size, c->entries);
    if (size < c->load->shown_size)
        return wrong("a checkpoint was shown beyond the end", size, c->load->shown_size);
    arena_init(&mem, 0);
    struct hasher *h = hasher_open();
    bool ok = h != NULL;
    for (; ok && c->entries < size; c->entries++) {
        struct ledger_entry entry;
        arena_reset(&mem);
        core_cx(&cx, &city, &mem, db, h, NULL);
        ok = ledger_entry_get(&cx, c->entries, &entry) == OK;
        if (!ok) wrong("an entry cannot be read", c->entries, cx.err.code);
        if (ok) ok = see_entry(c, &entry, c->entries);
    }
    hasher_close(h);
    arena_free(&mem);
    return ok;
}

static bool look_at_applications(struct census *c, struct conn *db) {
    bool ok = true;
    struct err e = {0};
    struct stmt *s =
        store_text_query(db, S("SELECT n, id, purpose FROM exchange_application WHERE n > ?1 ORDER BY n"),
                         "i", c->application);
    while (ok && store_next(s)) {
        c->application = store_int(s, 0);
        int64_t n = number_of_name(store_str(s, 2, NULL), c->load->most);
        if (n < 0) continue;
        struct asked *a = &c->load->asked[n];
        ok = see(c, n, true);
        if (ok && atomic_load(&a->state) == ASKED_DONE && !str_eq(store_str(s, 1, NULL), str_of(a->id)))
            ok = wrong("a write was told another id", n, c->application);
    }
    return store_done(s, &e) == OK && ok;
}

// Everything acknowledged must have been seen. Unknown writes are asked again later, so the ones before are judged anew.
static bool look_at_answers(struct census *c) {
    int64_t most = atomic_load(&c->load->next);
    if (most > c->load->most) most = c->load->most;
    int64_t from = c->numbers > 65536 ? c->numbers - 65536 : 0;
    for (int64_t n = from; n < most; n++) {
        struct asked *a = &c->load->asked[n];
        bool is_done = atomic_load(&a->state) == ASKED_DONE;
        if (is_done && !c->seen[n])
            return wrong(a->is_write ? "a write is lost" : "a call is lost", n, atomic_load(&a->entry));
        if (n < c->numbers) continue;
        if (is_done && a->is_write) c->writes++;
        if (is_done && !a->is_write) c->calls++;
        if (atomic_load(&a->state) == ASKED_SENT) c->seen[n] ? c->unknown_there++ : c->unknown_gone++;
    }
    c->numbers = most;
    return true;
}

const char *census_shown(const struct census *c, char *path, size_t n) {
    struct err e = {0};
    snprintf(path, n, "%s.shown", c->folder);
    if (!c->load->shown_size || file_write(path, str_of(c->load->shown), 0600, &e) != OK) return NULL;
    return path;
}

static bool verify(const struct census *c) {
    const char *folder = c->folder;
    struct verify_trust keys = {0};
    static struct verify_report r;
    struct arena mem;
    struct err e = {0};
    char path[600];
    snprintf(path, sizeof path, "%s/ledger.vkey", folder);
    arena_init(&mem, 0);
    int code = crypto_start(&e);
    if (code == OK) code = verify_key_add(&mem, &keys, str_of(path), &e);
    const char *shown = census_shown(c, path, sizeof path);
    if (code == OK && shown) code = verify_note_add(&mem, &keys, shown, &e);
    if (code == OK) code = verify_folder(folder, &keys, true, &r, &e);
    if (code != OK)
        fprintf(stderr, "census: verify: %s %s %s\n", err_info((enum err_code)code)->name, e.field, e.arg);
    for (int i = 0; i < r.faults_n && i < 10; i++)
        fprintf(stderr, "census: verify: entry %" PRId64 ": %s (%s)\n", r.faults[i].index,
                verify_word(r.faults[i].what, false), r.faults[i].where);
    if (shown) unlink(shown);
    verify_keys_close(&keys);
    arena_free(&mem);
    return code == OK && r.faults_n == 0;
}

bool census_take(struct census *c, bool with_verify) {
    struct conn *db = NULL;
    struct err e = {0};
    if (crypto_start(&e) != OK || store_conn_read_only(c->folder, &db, &e) != OK) {
        fprintf(stderr, "census: %s: %s\n", c->folder, e.arg);
        return false;
    }
    bool ok = look_at_entries(c, db) && look_at_applications(c, db) && look_at_answers(c);
    store_conn_close(db);
    return ok && (!with_verify || verify(c));
}
