// SPDX-License-Identifier: MulanPSL-2.0
// The server's side of errands: listens on DATA/gusu.sock and gives each caller a thread, which reads one line of
// JSON, runs the errand in the server's own city and sends every word back as it is said. Keeps true: (1) an errand
// that fails, or whose caller goes away, leaves the server as it was; (2) errands that change things run one at a
// time, so that none of them needs to know of others; (3) the server ends only after the last of them.
#include "app/errand.h"
#include "base/log.h"
#include "net/local.h"
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ERRAND_MEMORY_MAX ((size_t)2 << 30)

struct socket {
    struct city *city;
    int fd;
    pthread_t thread;
    bool has_thread;
    _Atomic bool stop;
    pthread_mutex_t lock; // guards running
    pthread_cond_t idle;
    int running;
    bool has_own;         // one of them is the server's own
    pthread_mutex_t turn; // (2)
};
struct visit { // one caller, or one errand of the server's own (fd -1); owned by its thread
    struct socket *socket;
    int fd;
    struct arena mem;
    struct options o;
    struct errand errand;
    const struct errand_row *row;
};

const struct errand_row errands[] = {
    {"load", errand_load, false},
    {"user", errand_user, false},
    {"key", errand_key, false},
    {"backup", errand_backup, true},
    {0},
};

static const struct errand_row *row_of(struct str name) {
    for (const struct errand_row *r = errands; r->name; r++)
        if (str_eq(name, str_of(r->name))) return r;
    return NULL;
}

// One line of answer: 'o' said, 'e' complained, 'x' the exit code. A break inside it would be another line's beginning.
static bool answer(struct visit *v, char kind, struct str line) {
    struct buf b = buf_new(&v->mem, line.n + 4, ERRAND_LINE_MAX + 4);
    buf_char(&b, kind);
    buf_char(&b, ' ');
    for (size_t i = 0; i < line.n; i++)
        buf_char(&b, line.p[i] == '\n' ? ' ' : line.p[i]);
    buf_char(&b, '\n');
    return !b.over && local_send(v->fd, buf_str(&b));
}

static bool tell_caller(void *arg, bool is_err, struct str line) {
    return answer(arg, is_err ? 'e' : 'o', line);
}

static bool tell_log(void *arg, bool is_err, struct str line) {
    const struct visit *v = arg;
    log_line(is_err ? LOG_ERROR : LOG_INFO, v->row->name, "%.*s", STRF(line));
    return true;
}

// --- reading what is asked ---
static const char *text_of(struct visit *v, struct json j, const char *name) {
    struct str s = json_text(json_get(j, str_of(name)));
    return s.p && !memchr(s.p, 0, s.n) ? str_z(&v->mem, s) : NULL;
}

static bool flag_of(struct json j, const char *name) {
    bool is = false;
    return json_bool(json_get(j, str_of(name)), &is) && is;
}

static bool read_request(struct visit *v) {
    struct local_line l = {.fd = v->fd, .p = arena_take(&v->mem, ERRAND_LINE_MAX), .cap = ERRAND_LINE_MAX};
    struct str text = l.p ? local_read(&l) : STR_NONE;
    struct json j;
    if (!text.p || json_parse(&v->mem, text, &j, NULL) != OK) return false;
    v->row = row_of(json_text(json_get(j, S("errand"))));
    v->errand.cwd = text_of(v, j, "cwd");
    v->errand.secret = json_text(json_get(j, S("secret")));
    for (const struct errand_option *k = errand_options; k->name; k++) {
        void *at = (char *)&v->o + k->at;
        if (k->is_flag)
            *(bool *)at = flag_of(j, k->name);
        else
            *(const char **)at = text_of(v, j, k->name);
    }
    struct json rest = json_get(j, S("rest"));
    for (size_t i = 0; i < json_count(rest) && v->o.rest_n < (int)(sizeof v->o.rest / sizeof v->o.rest[0]);
         i++) {
        struct str word = json_text(json_at(rest, i));
        v->o.rest[v->o.rest_n++] = word.p ? str_z(&v->mem, word) : "";
    }
    v->o.data = v->socket->city->folder;
    return v->errand.cwd && !v->mem.failed;
}

// --- running it ---
static int run_in_city(struct visit *v) {
    struct city *city = v->socket->city;
    struct conn *conn = NULL;
    struct err e = {0};
    struct cx cx;
    struct hasher *hasher = hasher_open();
    int code = hasher ? store_conn_open(city->store, &conn, &e) : err_set(&e, ERR_no_memory, "", "hasher");
    core_cx(&cx, city, &v->mem, conn, hasher, NULL);
    v->errand.cx = &cx;
    v->errand.o = &v->o;
    v->errand.stop = &v->socket->stop;
    if (!v->row->may_overlap) pthread_mutex_lock(&v->socket->turn);
    int result = code == OK ? v->row->run(&v->errand) : errand_failed(&v->errand, &e);
    if (!v->row->may_overlap) pthread_mutex_unlock(&v->socket->turn);
    store_conn_close(conn);
    hasher_close(hasher);
    return result;
}

static void end_visit(struct visit *v) {
    struct socket *s = v->socket;
    bool is_own = v->fd < 0;
    local_close(v->fd);
    arena_free(&v->mem);
    free(v);
    pthread_mutex_lock(&s->lock);
    s->running--;
    if (is_own) s->has_own = false;
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

static void *serve_visit(void *arg) {
    struct visit *v = arg;
    v->errand.tell = tell_caller;
    v->errand.tell_arg = v;
    if (read_request(v) && v->row) {
        char text[16];
        int n = snprintf(text, sizeof text, "%d", run_in_city(v));
        (void)answer(v, 'x', (struct str){text, (size_t)n});
    } else {
        (void)(answer(
                   v, 'e',
                   S("gusu: 服务不认识此命令，请用同一版本 / the server does not know this command: another "
                     "version?")) &&
               answer(v, 'x', S("2")));
    }
    end_visit(v);
    return NULL;
}

static void *serve_own(void *arg) {
    struct visit *v = arg;
    v->errand.tell = tell_log;
    v->errand.tell_arg = v;
    v->errand.cwd = "/";
    (void)run_in_city(v);
    end_visit(v);
    return NULL;
}

// Takes one of the ERRANDS_MAX places, or says no.
static struct visit *begin_visit(struct socket *s, int fd) {
    struct visit *v = calloc(1, sizeof *v);
    pthread_mutex_lock(&s->lock);
    bool has_room = v && s->running < ERRANDS_MAX && !atomic_load(&s->stop) && !(fd < 0 && s->has_own);
    if (has_room) s->running++;
    if (has_room && fd < 0) s->has_own = true;
    pthread_mutex_unlock(&s->lock);
    if (!has_room) {
        free(v);
        return NULL;
    }
    v->socket = s;
    v->fd = fd;
    arena_init(&v->mem, ERRAND_MEMORY_MAX);
    return v;
}

static bool start_visit(struct visit *v, void *(*run)(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, v) != 0) {
        end_visit(v);
        return false;
    }
    pthread_detach(thread); // counted in running
    return true;
}

static void *listen_on(void *arg) {
    struct socket *s = arg;
    while (!atomic_load(&s->stop)) {
        int fd, code = local_accept(s->fd, &fd);
        if (code == ERR_net) break;
        if (code != OK) continue;
        struct visit *v = begin_visit(s, fd);
        if (v) {
            (void)start_visit(v, serve_visit);
            continue;
        }
        (void)!local_send(fd,
                          S("e gusu: 服务正忙，请稍后再试 / the server is busy with other commands\nx 1\n"));
        local_close(fd);
    }
    return NULL;
}

bool socket_begin(struct socket *s, const char *name, const struct options *o) {
    struct visit *v = s ? begin_visit(s, -1) : NULL;
    if (!v) return false;
    for (const struct errand_option *k = errand_options; k->name; k++) { // the caller's words do not stay
        const void *at = (const char *)o + k->at;
        if (k->is_flag)
            *(bool *)((char *)&v->o + k->at) = *(const bool *)at;
        else if (*(const char *const *)at)
            *(const char **)(void *)((char *)&v->o + k->at) =
                str_z(&v->mem, str_of(*(const char *const *)at));
    }
    v->row = row_of(str_of(name));
    assert(v->row);
    return start_visit(v, serve_own);
}

int socket_open(struct city *city, struct socket **ret, struct err *e) {
    struct socket *s = calloc(1, sizeof *s);
    if (!s) return err_set(e, ERR_no_memory, "", "socket");
    s->city = city;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->turn, NULL);
    pthread_cond_init(&s->idle, NULL);
    s->fd = -1;
    int code = local_listen(city->folder, ERRAND_SOCKET, &s->fd, e);
    if (code == OK && pthread_create(&s->thread, NULL, listen_on, s) != 0)
        code = err_set(e, ERR_no_memory, "", "thread");
    s->has_thread = code == OK;
    if (code != OK) {
        socket_close(s);
        return code;
    }
    *ret = s;
    return OK;
}

void socket_close(struct socket *s) {
    if (!s) return;
    atomic_store(&s->stop, true);
    if (s->fd >= 0) local_wake(s->fd);
    if (s->has_thread) pthread_join(s->thread, NULL);
    pthread_mutex_lock(&s->lock);
    while (s->running > 0)
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
    local_end(s->city->folder, ERRAND_SOCKET, s->fd);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->turn);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
