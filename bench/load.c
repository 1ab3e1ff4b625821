// SPDX-License-Identifier: MulanPSL-2.0
// `gusu bench load`: a CSV of N rows as an office sends it, through the wizard's four steps: upload and recognition, the
// mapping with the check of every row, the commit that fills a new table in slices and flips to it. The codes in it have
// right check characters, so that every rule is asked and none fails.
#include "bench.h"
#include "core/element.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define SIZE_MAX_ROWS 5000000

static const char dataset[] =
    "{\"id\":\"bench-load\",\"title_zh\":\"测量\",\"title_en\":\"Bench\",\"abstract_zh\":\"测量用合成数据\","
    "\"abstract_en\":"
    "\"Synthetic\",\"class_codes\":[\"2/"
    "social-security\"],\"keywords\":[\"x\"],\"share\":1,\"open\":\"none\",\"cycle\":"
    "\"monthly\",\"modes\":[\"table\"],\"subject\":\"firm\",\"source_zh\":\"测量\",\"source_en\":\"bench\","
    "\"source_date\":"
    "\"2026-10-31\",\"licence\":\"MulanPSL-2.0\",\"synthetic\":true,\"columns\":["
    "{\"id\":\"uscc\",\"zh\":\"统一社会信用代码\",\"en\":\"Code\",\"type\":\"text\",\"length\":18,\"key\":"
    "true,\"element\":"
    "\"uscc\"},"
    "{\"id\":\"firm_name\",\"zh\":\"名称\",\"en\":\"Name\",\"type\":\"text\",\"length\":60},"
    "{\"id\":\"capital\",\"zh\":\"注册资本\",\"en\":\"Capital\",\"type\":\"fen\"},"
    "{\"id\":\"est_date\",\"zh\":\"成立日期\",\"en\":\"Founded\",\"type\":\"date\"},"
    "{\"id\":\"people\",\"zh\":\"人数\",\"en\":\"People\",\"type\":\"int\"}]}";

static struct str make_csv(struct arena *mem, int64_t rows) {
    struct buf b = buf_new(mem, (size_t)rows * 64, (size_t)1 << 30);
    buf_puts(&b, "uscc,firm_name,capital,est_date,people\n");
    for (int64_t i = 0; i < rows; i++) {
        char code[40];
        snprintf(code, sizeof code, "91329900%09" PRId64, i);
        code[17] = element_uscc_check_char((struct str){code, 17});
        buf_put(&b, (struct str){code, 18});
        buf_puts(&b, ",测量有限公司");
        buf_int(&b, i);
        buf_puts(&b, ",");
        buf_int(&b, i % 100000);
        buf_puts(&b, ".50,2020-");
        buf_print(&b, "%02d-%02d,", (int)(i % 12 + 1), (int)(i % 28 + 1));
        buf_int(&b, i % 5000);
        buf_char(&b, '\n');
    }
    return b.over ? STR_NONE : buf_str(&b);
}

// What the wizard recognised is confirmed.
static struct str mapping(struct bench_city *c) {
    struct buf b = buf_new(&c->session.mem, 512, 4096);
    bool first = true;
    buf_puts(&b, "{\"mode\":\"replace\",\"columns\":[");
    for (struct json_iter it = json_iter(json_get(c->json, S("columns"))); json_next(&it); first = false) {
        int64_t n = 0;
        struct str column = json_text(json_get(it.value, S("column")));
        if (!json_int(json_get(it.value, S("n")), &n)) n = 0;
        buf_print(&b, "%s{\"n\":%" PRId64 ",\"column\":\"%.*s\"%s}", first ? "" : ",", n, STRF(column),
                  str_eq(column, S("capital")) ? ",\"unit\":\"yuan\"" : "");
    }
    buf_puts(&b, "]}");
    return buf_str(&b);
}

static int64_t member(const struct bench_city *c, const char *name) {
    int64_t v;
    return json_int(json_get(c->json, str_of(name)), &v) ? v : -1;
}

int bench_load(const struct options *o) {
    static struct bench_city c;
    struct bench_options b = {.size = 200000};
    char target[100], conditions[300];
    if (!bench_options_read(o, &b) || b.size < 1 || b.size > SIZE_MAX_ROWS) return 2;
    int bad = bench_city_open(&c, o);
    if (bad) return bad;
    bench_as(&c, 900004, "sz-hrss", R_(STEWARD));
    bench_call(&c, "POST", S("/api/v1/datasets"), str_of(dataset));
    bench_call(&c, "POST", S("/api/v1/datasets/bench-load/resources"),
               S("{\"kind\":\"table\",\"title_zh\":\"库表\"}"));
    struct str csv = make_csv(&c.session.mem, b.size);
    if (!csv.p) return 1;
    int64_t bytes = bench_store_bytes(&c), begin = clock_mono_us();
    double cpu = bench_own_cpu_s();
    bench_call(&c, "POST", S("/api/v1/datasets/bench-load/loads?name=bench.csv"), csv);
    const int64_t read_us = clock_mono_us() - begin, load = member(&c, "load");
    snprintf(target, sizeof target, "/api/v1/loads/%" PRId64 "/mapping", load);
    bench_call(&c, "PUT", str_of(target), mapping(&c));
    const int64_t checked_us = clock_mono_us() - begin, good = member(&c, "good_n");
    snprintf(target, sizeof target, "/api/v1/loads/%" PRId64 "/commit", load);
    bench_call(&c, "POST", str_of(target), STR_NONE);
    const int64_t done_us = clock_mono_us() - begin, rows = member(&c, "rows");
    cpu = bench_own_cpu_s() - cpu;
    bench_city_close(&c);
    bytes = bench_store_bytes(&c) - bytes;
    bad = good != b.size || rows != b.size;
    if (bad) fprintf(stderr, "gusu bench: %" PRId64 " good, %" PRId64 " loaded: no figure\n", good, rows);
    printf("%-20s %14.2f s\n%-20s %14.2f s\n%-20s %14.2f s\n", "read", (double)read_us / 1e6, "checked",
           (double)(checked_us - read_us) / 1e6, "put into use", (double)(done_us - checked_us) / 1e6);
    snprintf(conditions, sizeof conditions,
             "a CSV of %" PRId64
             " rows of 5 columns (%.1f MB), a key with a check character; from the upload to the flip",
             b.size, (double)csv.n / 1e6);
    const struct bench_figures f = {.name = "load",
                                    .conditions = conditions,
                                    .things = (double)rows,
                                    .seconds = (double)done_us / 1e6,
                                    .cpu_s = cpu,
                                    .bytes = (double)bytes};
    if (!bad) bench_say(&f);
    bench_city_remove(&c);
    return bad;
}
