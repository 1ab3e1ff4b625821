// SPDX-License-Identifier: MulanPSL-2.0
// The errands of a city's beginning: loading a pack, with its mistakes told file and line first, and making an
// administrator. Keeps true: a pack with a mistake changes nothing; a password that was given is never said again.
#include "app/errand.h"
#include "crypto/secret.h"
#include "mod/people/people.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void tell_mistakes(struct errand *r, const struct pack *p) {
    for (const struct pack_mistake *m = p->mistakes; m; m = m->next) {
        struct str zh = err_text(r->cx->mem, &m->err, true), en = err_text(r->cx->mem, &m->err, false);
        errand_complain(r, "%.*s:%" PRId64 ": %s%s%.*s / %.*s", STRF(m->file), m->line, m->err.field,
                        m->err.field[0] ? ": " : "", STRF(zh), STRF(en));
    }
    if (p->mistakes_n > PACK_MISTAKES_MAX) errand_complain(r, "… %d more", p->mistakes_n - PACK_MISTAKES_MAX);
}

static int load(struct errand *r, const char *folder, bool demo, bool only_check) {
    struct cx *cx = r->cx;
    struct pack *p = NULL;
    bool changed = false;
    int64_t begin = clock_mono_us();
    int code = pack_open(cx, folder, demo, &p);
    if (code == OK) code = only_check ? pack_check(cx, p) : pack_load(cx, p, &changed);
    if (p) tell_mistakes(r, p);
    if (code != OK) return errand_failed(r, &cx->err);
    int64_t ms = (clock_mono_us() - begin) / 1000;
    const char *what = only_check ? "无误 / no mistakes" : changed ? "已装载 / loaded" : "未变 / unchanged";
    errand_complain(r, "%.*s %.*s: %s (%" PRId64 " ms)", STRF(p->id), STRF(p->version), what, ms);
    return 0;
}

static bool tell_stderr(void *arg, bool is_err, struct str line) {
    (void)arg;
    (void)is_err;
    fprintf(stderr, "%.*s\n", STRF(line));
    return true;
}

int app_load(struct cx *cx, const char *folder, bool demo, bool only_check) {
    struct errand r = {.cx = cx, .tell = tell_stderr};
    return load(&r, folder, demo, only_check);
}

int errand_load(struct errand *r) {
    const char *folder = errand_path(r, r->o->rest[0]);
    return folder ? load(r, folder, r->o->demo, false) : 1;
}

// The password is the caller's (GUSU_PASSWORD), or made here and said once.
int errand_user(struct errand *r) {
    struct cx *cx = r->cx;
    char made[32] = {0};
    struct str login = str_of(r->o->rest[0]), password = r->secret;
    if (!password.p) {
        uint8_t bytes[15];
        if (crypto_random(bytes, sizeof bytes) != OK) return 1;
        struct str text = str_base64url(cx->mem, bytes, sizeof bytes);
        snprintf(made, sizeof made, "%.*s-aA1", STRF(text));
        password = str_of(made);
    }
    int code = people_admin_create(cx, login, str_of(r->o->rest[1]), password);
    if (code == OK) errand_say(r, "%.*s: %s", STRF(login), made[0] ? made : "ok");
    crypto_wipe(made, sizeof made);
    return code == OK ? 0 : errand_failed(r, &cx->err);
}

// --- the commands that send them ---
int command_load(const struct options *o) {
    if (o->rest_n != 1) {
        fprintf(stderr, "gusu: load PACK\n");
        return 2;
    }
    return errand_go("load", o, STR_NONE);
}

// `gusu user LOGIN ROLE`: the only way to a first administrator.
int command_user(const struct options *o) {
    if (o->rest_n != 2) {
        fprintf(stderr, "gusu: user LOGIN sysadmin|secadmin|auditor\n");
        return 2;
    }
    return errand_go("user", o, str_of(getenv("GUSU_PASSWORD")));
}
