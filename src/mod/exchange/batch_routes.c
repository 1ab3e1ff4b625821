// SPDX-License-Identifier: MulanPSL-2.0
// POST /exchange/{grant}/batch: a JSON array, or a stream of lines (NDJSON), of queries under one grant. Keeps true: the
// memory of a call has a bound whatever comes: an array's by its limits, a stream's by working off BATCH_QUERIES_MAX
// lines at a time, from the file that net spooled to a file that is sent. All of it is durable before the first byte
// leaves, so a stream is answered when its last line is committed.
#include "mod/exchange/batch.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_stream(struct cx *cx) {
    return str_has(cx_header(cx, "Content-Type"), S("ndjson"));
}

static int type_ok(struct cx *cx) {
    struct str type = cx_header(cx, "Content-Type"), rest, main = str_trim(str_cut(type, ';', &rest));
    if (str_eq_nocase(main, S("application/json")) || is_stream(cx)) return OK;
    return cx_fail(cx, ERR_media_type, "Content-Type", "%.*s", STRF(type));
}

// The body in memory that lives as long as the call.
static int whole_body(struct cx *cx, size_t most, struct str *ret) {
    const struct request *r = cx->req;
    *ret = r->body;
    if (r->body_fd < 0) return OK;
    if (r->body_bytes > (int64_t)most) return cx_fail(cx, ERR_too_large, "body", "%zu", most);
    size_t want = (size_t)r->body_bytes, n = 0;
    char *text = arena_take(cx->mem, want);
    if (!text) return cx_fail(cx, ERR_no_memory, "", "body");
    while (n < want) {
        ssize_t got = pread(r->body_fd, text + n, want - n, (off_t)n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return cx_fail(cx, ERR_file, "body", "%s", "read");
        n += (size_t)got;
    }
    *ret = cx->body = (struct str){text, n};
    return OK;
}

static int new_batch(struct cx *cx, struct grant_view *v, const struct call_names *names, size_t most,
                     struct batch **ret) {
    struct batch *b = arena_take(cx->mem, sizeof *b);
    if (b) b->queries = arena_array(cx->mem, most + 1, sizeof *b->queries);
    if (!b || !b->queries) return cx_fail(cx, ERR_no_memory, "", "batch");
    b->view = v;
    b->names = *names;
    b->trace = str_copy(cx->mem, v->grant.application);
    batch_hooks(b);
    *ret = b;
    return OK;
}

static int array_under(struct cx *cx, struct grant_view *v, const struct call_names *names) {
    struct str body;
    struct json items;
    struct batch *b;
    int code = whole_body(cx, BATCH_BYTES_MAX, &body);
    if (code == OK) code = json_parse(cx->mem, body, &items, &cx->err);
    if (code != OK) return code;
    size_t n = json_count(items);
    if (!json_is(items, JSON_ARRAY)) return cx_fail(cx, ERR_field_type, "body", "array");
    if (n > BATCH_QUERIES_MAX) return cx_fail(cx, ERR_too_large, "body", "%d", BATCH_QUERIES_MAX);
    code = new_batch(cx, v, names, n, &b);
    if (code != OK) return code;
    b->is_ndjson = str_has(cx_header(cx, "Accept"), S("ndjson"));
    for (struct json_iter it = json_iter(items); json_next(&it);)
        batch_add_json(cx, b, it.value);
    code = batch_run(cx, b);
    b->view = NULL;
    if (code == OK) cx->batch = &b->notes;
    return code;
}

// --- streams ---
static size_t count_lines(struct str body) {
    size_t n = 0;
    for (struct str rest = body; rest.p && rest.n;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        n += line.n != 0;
    }
    return n;
}

// The next lines, as many as are committed together.
static void add_lines(struct cx *cx, struct batch *b, struct str *rest) {
    while (b->n < BATCH_QUERIES_MAX && rest->p && rest->n) {
        struct str line = str_trim(str_cut(*rest, '\n', rest));
        if (line.n) batch_add(cx, b, line);
    }
}

static int write_all(struct cx *cx, int fd, struct str s) {
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return cx_fail(cx, errno == ENOSPC ? ERR_store_full : ERR_file, "reply", "%s", "write");
        s = (struct str){s.p + n, s.n - (size_t)n};
    }
    return OK;
}

struct stream {
    struct grant_view *view;
    const struct call_names *names;
    struct arena mem; // of the lines at hand
    struct str rest;
    int fd;
    int64_t bytes;
};

// One window: read, run, committed (this thread waits), told into the file.
static int window(struct cx *cx, struct stream *s) {
    struct cx inner = *cx;
    struct batch *b;
    int64_t answered;
    inner.mem = &s->mem;
    int code = new_batch(&inner, s->view, s->names, BATCH_QUERIES_MAX, &b);
    if (code == OK) {
        b->is_ndjson = true;
        add_lines(&inner, b, &s->rest);
        code = batch_run(&inner, b);
    }
    if (code == OK) {
        inner.batch = &b->notes;
        core_batch_wait(&inner);
        code = batch_items(&inner, b, &inner.out, &answered);
    }
    if (code == OK) code = write_all(&inner, s->fd, buf_str(&inner.out));
    if (code == OK) s->bytes += (int64_t)inner.out.n;
    if (code == OK && inner.mem->failed) code = cx_fail(&inner, ERR_no_memory, "", "stream");
    cx->is_key_kept = inner.is_key_kept;
    cx->err = inner.err;
    return code;
}

static int windows(struct cx *cx, struct stream *s) {
    s->fd = open(cx->city->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0) return cx_fail(cx, ERR_file, "reply", "%s", "no room");
    int code = OK;
    while (code == OK && s->rest.p && s->rest.n) {
        arena_init(&s->mem, 0);
        code = window(cx, s);
        arena_free(&s->mem);
    }
    if (code != OK) {
        close(s->fd);
        return code;
    }
    cx_reply_header(cx, "Gusu-Trace", str_copy(cx->mem, s->view->grant.application));
    cx_reply_fd(cx, "application/x-ndjson", s->fd, s->bytes, STR_NONE);
    return OK;
}

// A stream of one window is a batch like any other; a longer one keeps its thread, which must not be the loop's.
static int lines_under(struct cx *cx, struct grant_view *v, const struct call_names *names, struct str body,
                       bool is_mapped) {
    size_t n = count_lines(body);
    struct batch *b;
    if (n > BATCH_STREAM_MAX) return cx_fail(cx, ERR_too_large, "body", "%d", BATCH_STREAM_MAX);
    if (is_mapped || n > BATCH_QUERIES_MAX) {
        struct stream s = {.view = v, .names = names, .rest = body, .fd = -1};
        return windows(cx, &s);
    }
    int code = new_batch(cx, v, names, n, &b);
    if (code != OK) return code;
    b->is_ndjson = true;
    add_lines(cx, b, &body);
    code = batch_run(cx, b);
    b->view = NULL;
    if (code == OK) cx->batch = &b->notes;
    return code;
}

static int stream_under(struct cx *cx, struct grant_view *v, const struct call_names *names) {
    const struct request *r = cx->req;
    struct str body = r->body;
    if (r->body_fd < 0) return lines_under(cx, v, names, body, false);
    if (r->body_bytes <= BATCH_BYTES_MAX) {
        int code = whole_body(cx, BATCH_BYTES_MAX, &body);
        return code == OK ? lines_under(cx, v, names, body, false) : code;
    }
    size_t n = (size_t)r->body_bytes;
    void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, r->body_fd, 0);
    if (p == MAP_FAILED) return cx_fail(cx, ERR_no_memory, "", "body");
    int code = lines_under(cx, v, names, (struct str){p, n}, true);
    munmap(p, n);
    return code;
}

static int batch_under(struct cx *cx, struct grant_view *v) {
    struct call_names names = {0};
    int code = type_ok(cx);
    if (code == OK) code = call_program(cx, v, &names);
    if (code == OK) code = call_person(cx, false, &names);
    if (code != OK) return code;
    return is_stream(cx) ? stream_under(cx, v, &names) : array_under(cx, v, &names);
}

static int post_batch(struct cx *cx) {
    // The loop serves others too: what is more than a small batch goes to a worker, as a read that takes too long does.
    if (cx->snapshot_generation && cx->req->body_bytes > BATCH_LOOP_BYTES) return ERR_busy;
    return with_view(cx, batch_under);
}

static const struct field batch_in[] = {
    {"grant", IN_PATH, T_INT, true, 1, INT64_MAX, NULL, NULL, "授权编号", "grant"},
    {"Gusu-System", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "调用系统", "registered system"},
    {"Gusu-Matter", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "事项", "matter"},
    {"Gusu-Case", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "办件编号（未逐条写明时）",
     "case number, for queries that name none"},
    {"Gusu-Operator", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "经办人（未逐条写明时）",
     "operator, for queries that name none"},
    {0}};
static const struct field answer_out[] = {
    {"id", 0, T_TEXT, false, 0, 0, NULL, NULL, "调用方自定的编号", "the caller's own id"},
    {"status", 0, T_INT, true, 0, 0, NULL, NULL, "结果（同 HTTP 状态码）", "result, as an HTTP status"},
    {"entry", 0, T_INT, false, 0, 0, NULL, NULL, "存证序号", "ledger entry"},
    {"items", 0, T_ITEMS, false, 0, 0, NULL, NULL, "数据行", "rows"},
    {"next", 0, T_TEXT, false, 0, 0, NULL, NULL, "续页", "next page"},
    {"match", 0, T_BOOL, false, 0, 0, NULL, NULL, "是否一致", "agrees"},
    {"result", 0, T_TEXT, false, 0, 0, NULL, NULL, "结论", "result of a verification"},
    {"trace", 0, T_TEXT, false, 0, 0, NULL, NULL, "全程编号", "trace id"},
    {"problem", 0, T_ANY, false, 0, 0, NULL, NULL, "未答复的原因", "why it has no answer"},
    {0}};
static const struct field batch_out[] = {
    {"items", 0, T_ITEMS, true, 0, 0, NULL, answer_out, "逐条答复，次序同请求",
     "an answer each, in the order asked"},
    {"answered", 0, T_INT, true, 0, 0, NULL, NULL, "已答复条数", "answered"},
    {"refused", 0, T_INT, true, 0, 0, NULL, NULL, "未答复条数", "refused"},
    {"trace", 0, T_TEXT, true, 0, 0, NULL, NULL, "全程编号", "trace id"},
    {0}};
static const struct shape batch_shape = {"ExchangeBatch", batch_out, NULL};

const struct route exchange_batch_routes[] = {{"POST", "/api/v1/exchange/{grant}/batch", ROUTE_READ_ENTRY,
                                               R_KEY, batch_in, &batch_shape, "exchange.call",
                                               BATCH_STREAM_BYTES, ROUTE_RAW_BODY, post_batch,
                                               "按授权批量取数、核验", "Many queries under a grant", NULL},
                                              {0}};
