// SPDX-License-Identifier: MulanPSL-2.0
// Reads witness policies. Keeps true: names stand before they are used, so no group contains itself; each name is a
// member once at most, so no witness counts twice; a policy with any mistake in it is no policy, and the mistake is
// told with its line.
#include "crypto/policy.h"

#define LINES_MAX 4096
#define BIT(n)    ((uint64_t)1 << (n))

struct reader {
    struct arena *mem;
    struct policy *p;
    struct err *err;
    int64_t line;
    uint64_t used; // members that some group holds already
};

static int bad(struct reader *r, const char *what, struct str arg) {
    if (!arg.p) arg = S("");
    return err_set_row(r->err, ERR_policy, what, r->line, "%s %.*s", what, (int)(arg.n > 80 ? 80 : arg.n),
                       arg.p);
}

// The next word, cut at spaces and tabs; STR_NONE at the end of the line.
static struct str word(struct str *rest) {
    size_t i = 0, n;
    while (i < rest->n && (rest->p[i] == ' ' || rest->p[i] == '\t'))
        i++;
    for (n = 0; i + n < rest->n && rest->p[i + n] != ' ' && rest->p[i + n] != '\t';)
        n++;
    struct str w = {n ? rest->p + i : NULL, n};
    *rest = (struct str){rest->p + i + n, rest->n - i - n};
    return w;
}

static int find(const struct policy *p, struct str name) {
    for (int i = 0; i < p->witnesses_n; i++)
        if (str_eq(p->witness[i].label, name)) return i;
    for (int i = 0; i < p->groups_n; i++)
        if (str_eq(p->group[i].label, name)) return POLICY_WITNESSES_MAX + i;
    return -1;
}

static int fresh_name(struct reader *r, struct str name) {
    if (!name.p || name.n > POLICY_NAME_MAX || str_eq(name, S("none"))) return bad(r, "name", name);
    return find(r->p, name) < 0 ? OK : bad(r, "name twice", name);
}

static bool same_key(const struct sign_key *a, const struct sign_key *b) {
    uint8_t x[SIGN_PUBLIC_MAX] = {0}, y[SIGN_PUBLIC_MAX] = {0};
    return sign_public_raw(a, x) == sign_public_raw(b, y) && memcmp(x, y, sizeof x) == 0;
}

static int url_ok(struct reader *r, struct str url) {
    if (!url.p || str_starts(url, S("https://")) || str_starts(url, S("http://"))) return OK;
    return bad(r, "url", url);
}

// A log may appear under several keys (it changes them) and a key under several names (it changes those): the same
// line twice is a mistake.
static int read_log(struct reader *r, struct str rest) {
    struct policy *p = r->p;
    struct policy_log l = {.vkey = word(&rest)};
    struct err why = {0};
    l.url = word(&rest);
    if (p->logs_n == POLICY_LOGS_MAX) return bad(r, "more logs than 256", S(""));
    if (!l.vkey.p || word(&rest).p) return bad(r, "log VKEY [URL]", STR_NONE);
    for (int i = 0; i < p->logs_n; i++)
        if (str_eq(p->log[i].vkey, l.vkey)) return bad(r, "log twice", l.vkey);
    if (url_ok(r, l.url) != OK) return ERR_policy;
    if (note_read_vkey(r->mem, l.vkey, &l.name, &l.key, &why) != OK) return bad(r, "vkey", str_of(why.arg));
    p->log[p->logs_n++] = l;
    return OK;
}

static int read_witness(struct reader *r, struct str rest) {
    struct policy *p = r->p;
    struct policy_witness w = {.label = word(&rest)};
    struct err why = {0};
    w.vkey = word(&rest);
    w.url = word(&rest);
    if (p->witnesses_n == POLICY_WITNESSES_MAX) return bad(r, "more witnesses than 32", S(""));
    if (fresh_name(r, w.label) != OK) return ERR_policy;
    if (!w.vkey.p || word(&rest).p) return bad(r, "witness NAME VKEY [URL]", w.label);
    if (url_ok(r, w.url) != OK) return ERR_policy;
    if (cosign_read_vkey(r->mem, w.vkey, &w.name, &w.key, &why) != OK) return bad(r, "vkey", str_of(why.arg));
    bool is_long = w.name.n > POLICY_NAME_MAX, is_twice = false;
    for (int i = 0; i < p->witnesses_n; i++)
        is_twice |= same_key(p->witness[i].key, w.key);
    if (is_long || is_twice) {
        sign_close(w.key);
        return bad(r, is_long ? "name" : "witness twice", w.name);
    }
    while (w.url.n && w.url.p[w.url.n - 1] == '/')
        w.url.n--;
    p->witness[p->witnesses_n++] = w;
    return OK;
}

static int read_members(struct reader *r, struct policy_group *g, struct str rest) {
    for (struct str w = word(&rest); w.p; w = word(&rest)) {
        const int at = find(r->p, w);
        if (at < 0) return bad(r, "not defined above", w);
        if (r->used & BIT(at)) return bad(r, "member twice", w);
        r->used |= BIT(at);
        g->members |= BIT(at);
        g->members_n++;
    }
    return OK;
}

static int read_group(struct reader *r, struct str rest) {
    struct policy *p = r->p;
    struct policy_group g = {.label = word(&rest)};
    struct str k = word(&rest);
    int64_t need = 0;
    if (p->groups_n == POLICY_GROUPS_MAX) return bad(r, "more groups than 32", S(""));
    if (fresh_name(r, g.label) != OK || read_members(r, &g, rest) != OK) return ERR_policy;
    if (str_eq(k, S("all")))
        need = g.members_n;
    else if (str_eq(k, S("any")))
        need = 1;
    else if (!k.n || k.p[0] < '1' || k.p[0] > '9' || !str_int64(k, &need))
        return bad(r, "group NAME all|any|K NAME…", k);
    if (need < 1 || need > g.members_n) return bad(r, "group", k);
    g.need = (int)need;
    p->group[p->groups_n++] = g;
    return OK;
}

static int read_quorum(struct reader *r, struct str rest) {
    struct policy *p = r->p;
    struct str name = word(&rest);
    if (p->has_quorum || !name.p || word(&rest).p) return bad(r, "quorum", name);
    p->quorum = str_eq(name, S("none")) ? -1 : find(p, name);
    if (p->quorum < 0 && !str_eq(name, S("none"))) return bad(r, "not defined above", name);
    p->has_quorum = true;
    p->quorum_label = name;
    return OK;
}

static const struct verb {
    struct str name;
    int (*read)(struct reader *r, struct str rest);
} verbs[] = {{S_INIT("log"), read_log},
             {S_INIT("witness"), read_witness},
             {S_INIT("group"), read_group},
             {S_INIT("quorum"), read_quorum}};

static bool bytes_ok(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) return false;
    }
    return true;
}

static int read_line(struct reader *r, struct str line) {
    struct str verb = word(&line);
    if (!verb.p || verb.p[0] == '#') return OK;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_eq(verbs[i].name, verb)) return verbs[i].read(r, line);
    return bad(r, "log, witness, group, quorum:", verb);
}

int policy_read(struct arena *mem, struct str text, bool needs_quorum, struct policy **ret, struct err *e) {
    struct policy *p = arena_take(mem, sizeof *p);
    struct reader r = {.mem = mem, .p = p, .err = e};
    int code = p ? OK : err_set(e, ERR_no_memory, "", "policy");
    if (code != OK) return code;
    *p = (struct policy){.quorum = -1};
    if (text.n > POLICY_BYTES_MAX) return err_set(e, ERR_too_large, "policy", "%zu", POLICY_BYTES_MAX);
    if (!bytes_ok(text)) code = bad(&r, "control character", STR_NONE);
    for (struct str rest = text; rest.n && code == OK;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (++r.line > LINES_MAX) code = bad(&r, "more lines than 4096", STR_NONE);
        if (code == OK) code = read_line(&r, line);
    }
    if (code == OK && needs_quorum && !p->has_quorum) code = bad(&r, "no quorum line", STR_NONE);
    if (code == OK)
        *ret = p;
    else
        policy_close(p);
    return code;
}

void policy_close(struct policy *p) {
    if (!p) return;
    for (int i = 0; i < p->logs_n; i++)
        sign_close(p->log[i].key);
    for (int i = 0; i < p->witnesses_n; i++)
        sign_close(p->witness[i].key);
    p->logs_n = p->witnesses_n = 0;
}

// Groups stand behind their members, so one pass in order decides them all.
bool policy_holds(const struct policy *p, uint64_t witnesses) {
    uint64_t seen = witnesses & (BIT(POLICY_WITNESSES_MAX) - 1);
    for (int i = 0; i < p->groups_n; i++)
        if (__builtin_popcountll(seen & p->group[i].members) >= p->group[i].need)
            seen |= BIT(POLICY_WITNESSES_MAX + i);
    return p->quorum < 0 || (seen & BIT(p->quorum)) != 0;
}
