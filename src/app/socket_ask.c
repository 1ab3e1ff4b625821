// SPDX-License-Identifier: MulanPSL-2.0
// The caller's side of errands: asks the server that holds the folder, and does the errand itself when there is none.
// Keeps true: (1) what the server says appears here as if it had been done here, exit code included; (2) an errand
// that fails on a folder which was no city leaves nothing there that was not there before.
#include "app/errand.h"
#include "net/local.h"
#include <stdio.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096

const struct errand_option errand_options[] = {
    {"demo", offsetof(struct options, demo), true},
    {"quiet", offsetof(struct options, quiet), true},
    {"with_keys", offsetof(struct options, with_keys), true},
    {"to", offsetof(struct options, to), false},
    {"every", offsetof(struct options, every), false},
    {"keep", offsetof(struct options, keep), false},
    {0},
};

// --- words ---
__attribute__((format(printf, 3, 0))) static void tell(struct errand *r, bool is_err, const char *fmt,
                                                       va_list ap) {
    struct str line = str_vprint(r->cx->mem, fmt, ap);
    if (line.p && !r->tell(r->tell_arg, is_err, line)) r->is_gone = true;
}

void errand_say(struct errand *r, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    tell(r, false, fmt, ap);
    va_end(ap);
}

void errand_complain(struct errand *r, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    tell(r, true, fmt, ap);
    va_end(ap);
}

int errand_failed(struct errand *r, const struct err *e) {
    struct str zh = err_text(r->cx->mem, e, true), en = err_text(r->cx->mem, e, false);
    errand_complain(r, "gusu: %s%s%.*s / %.*s", e->field, e->field[0] ? ": " : "", STRF(zh), STRF(en));
    return 1;
}

bool errand_must_stop(const struct errand *r) {
    return r->is_gone || (r->stop && atomic_load(r->stop));
}

const char *errand_path(struct errand *r, const char *path) {
    if (path[0] == '/') return path;
    struct str whole = str_print(r->cx->mem, "%s/%s", r->cwd, path);
    return whole.p ? str_z(r->cx->mem, whole) : NULL;
}

static bool tell_here(void *arg, bool is_err, struct str line) {
    (void)arg;
    fprintf(is_err ? stderr : stdout, "%.*s\n", STRF(line));
    return true;
}

static int say(const struct err *e) {
    struct arena mem;
    arena_init(&mem, 0);
    struct str zh = err_text(&mem, e, true), en = err_text(&mem, e, false);
    fprintf(stderr, "gusu: %s%s%.*s / %.*s\n", e->field, e->field[0] ? ": " : "", STRF(zh), STRF(en));
    arena_free(&mem);
    return 1;
}

// --- asking the server ---
static struct str request_of(struct arena *mem, const char *name, const struct options *o, const char *cwd,
                             struct str secret) {
    struct buf b = buf_new(mem, 1024, ERRAND_LINE_MAX);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "errand", str_of(name));
    jw_ntext(&w, "cwd", str_of(cwd));
    if (secret.p) jw_ntext(&w, "secret", secret);
    for (const struct errand_option *k = errand_options; k->name; k++) {
        const void *at = (const char *)o + k->at;
        if (k->is_flag)
            jw_nbool(&w, k->name, *(const bool *)at);
        else if (*(const char *const *)at)
            jw_ntext(&w, k->name, str_of(*(const char *const *)at));
    }
    jw_name(&w, "rest");
    jw_array(&w);
    for (int i = 0; i < o->rest_n; i++)
        jw_textz(&w, o->rest[i]);
    jw_array_end(&w);
    jw_object_end(&w);
    buf_char(&b, '\n');
    return b.over ? STR_NONE : buf_str(&b);
}

// Every line as it comes. A server that ends in the middle says no exit code: that is a failure.
static int relay(struct arena *mem, int fd) {
    struct local_line l = {.fd = fd, .p = arena_take(mem, ERRAND_LINE_MAX + 4), .cap = ERRAND_LINE_MAX + 4};
    while (l.p) {
        struct str line = local_read(&l), word;
        int64_t code;
        if (line.n < 3) break;
        word = (struct str){line.p + 2, line.n - 3};
        if (line.p[0] == 'x') return str_int64(word, &code) ? (int)code : 1;
        fprintf(line.p[0] == 'e' ? stderr : stdout, "%.*s\n", STRF(word));
        fflush(stdout);
    }
    fprintf(stderr, "gusu: 服务中断了此命令 / the server ended before the command did\n");
    return 1;
}

static int ask(struct arena *mem, int fd, const char *name, const struct options *o, struct str secret) {
    char cwd[PATH_MAX_BYTES];
    struct err e = {0};
    if (!getcwd(cwd, sizeof cwd)) return 1;
    struct str request = request_of(mem, name, o, cwd, secret);
    if (!request.p) {
        (void)err_set(&e, ERR_too_large, "", "%zu", ERRAND_LINE_MAX);
        return say(&e);
    }
    // A refusal for want of room comes without the request being read: what was said is still there to be read.
    (void)!local_send(fd, request);
    return relay(mem, fd);
}

// --- doing it here ---
static int do_here(const struct errand_row *row, const struct options *o, struct str secret) {
    struct session s;
    struct err e = {0};
    char cwd[PATH_MAX_BYTES];
    struct folder_before before = folder_look(o->data);
    struct errand r = {.cx = &s.cx, .o = o, .cwd = cwd, .secret = secret, .tell = tell_here};
    if (!getcwd(cwd, sizeof cwd)) return 1;
    int code = session_open(&s, o, &e);
    int result = code == OK ? row->run(&r) : say(&e);
    session_close(&s);
    if (result != 0 && !before.made[0] && code != ERR_store_busy) folder_put_back(o->data, &before);
    return result;
}

int errand_go(const char *name, const struct options *o, struct str secret) {
    const struct errand_row *row = errands;
    while (row->name && strcmp(row->name, name) != 0)
        row++;
    if (!row->name) return 2;
    struct arena mem;
    struct err e = {0};
    int fd;
    int code = local_connect(o->data, ERRAND_SOCKET, &fd, &e);
    if (code == ERR_not_found) return do_here(row, o, secret);
    if (code != OK) return say(&e);
    arena_init(&mem, 0);
    int result = ask(&mem, fd, name, o, secret);
    arena_free(&mem);
    local_close(fd);
    return result;
}
