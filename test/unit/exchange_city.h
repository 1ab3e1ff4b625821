// SPDX-License-Identifier: MulanPSL-2.0
// For the tests of exchange: the very small city of catalog_pack.h with three more data sets (insured: conditional, with
// graded columns; persons: 核验 only; live: a service and no table), and the way of an application as functions.
#ifndef EXCHANGE_CITY_H
#define EXCHANGE_CITY_H
#include "catalog_pack.h"
#include "mod/exchange/exchange.h"
#include "mod/exchange/flow.h"
#include "mod/ledger/ledger.h"

FIXTURE_MODULES(&people_module, &ledger_module, &catalog_module, &exchange_module)

static struct fixture f;

static const char exchange_clocks_csv[] = "step,zh,en,limit_wd,extend_wd,article,note\n"
                                          "review_publish,审核发布,Review and publish,2,0,17,\n"
                                          "answer_open,答复,Answer,1,0,21,\n"
                                          "answer_cond,答复,Answer,10,10,21,\n"
                                          "supply,供数,Supply,20,0,22,\n"
                                          "compliance_check,合规审核,Check,2,0,,\n";
static const char exchange_accounts_csv[] = "login,name,office_id,roles,area\n"
                                            "sp-fz,审批局负责人,sz-approval,unit_head,320500\n"
                                            "pj-fz,街道负责人,gs-pj,unit_head,320500\n";
static const char insured_json[] =
    "{\"id\":\"insured\",\"title\":{\"zh\":\"参保\",\"en\":\"Insured\"},\n"
    "\"abstract\":{\"zh\":\"样例\",\"en\":\"Sample\"},\"office\":\"sz-hrss\",\"class_codes\":[\"1\"],"
    "\"keywords\":[\"参保\"],\n"
    "\"share\":{\"type\":2,\"condition\":{\"zh\":\"履职\",\"en\":\"Duty\"},\"scope\":{\"zh\":\"部门\",\"en\":"
    "\"Offices\"}},\"open\":{\"type\":\"none\"},\n"
    "\"cycle\":\"monthly\",\"modes\":[\"table\"],\"subject\":\"firm\"," META_TAIL
    "\"resources\":[{\"id\":\"insured\",\"kind\":\"table\",\"title\":{\"zh\":\"参保\",\"en\":\"Insured\"}}],"
    "\n"
    "\"columns\":[{\"id\":\"uscc\",\"zh\":\"信用代码\",\"en\":\"Code\",\"type\":\"text\",\"key\":true,"
    "\"element\":\"uscc\"},\n"
    "{\"id\":\"name\",\"zh\":\"名称\",\"en\":\"Name\",\"type\":\"text\",\"length\":40},\n"
    "{\"id\":\"area\",\"zh\":\"属地\",\"en\":\"Area\",\"type\":\"text\",\"length\":12,\"element\":\"area_"
    "code\"},\n"
    "{\"id\":\"state\",\"zh\":\"缴费\",\"en\":\"Paying\",\"type\":\"text\",\"length\":10,\"grade\":\"L3\"},\n"
    "{\"id\":\"n\",\"zh\":\"人数\",\"en\":\"Number\",\"type\":\"int\",\"grade\":\"L3\"}],\"checks\":[]}";
static const char insured_data[] = "uscc,name,area,state,n\n"
                                   "91350100M000100Y43,样一,320508,正常,5\n"
                                   "92350100M000100Y40,样二,320583,欠费,7\n";
static const char persons_json[] =
    "{\"id\":\"persons\",\"title\":{\"zh\":\"人口核验\",\"en\":\"Persons\"},\n"
    "\"abstract\":{\"zh\":\"样例\",\"en\":\"Sample\"},\"office\":\"sz-hrss\",\"class_codes\":[\"1\"],"
    "\"keywords\":[\"人口\"],\n"
    "\"share\":{\"type\":2,\"condition\":{\"zh\":\"履职\",\"en\":\"Duty\"},\"scope\":{\"zh\":\"部门\",\"en\":"
    "\"Offices\"}},\"open\":{\"type\":\"none\"},\n"
    "\"cycle\":\"realtime\",\"modes\":[\"service\"],\"subject\":\"person\"," META_TAIL
    "\"resources\":[{\"id\":\"persons\",\"kind\":\"table\",\"verify_only\":true,\"title\":{\"zh\":\"核验\","
    "\"en\":\"Check\"}}],\n"
    "\"columns\":[{\"id\":\"rid\",\"zh\":\"身份号码\",\"en\":\"Identity\",\"type\":\"text\",\"key\":true,"
    "\"element\":\"rid\"},\n"
    "{\"id\":\"name\",\"zh\":\"姓名\",\"en\":\"Name\",\"type\":\"text\",\"element\":\"person_name\"}],"
    "\"checks\":[]}";
static const char live_json[] =
    "{\"id\":\"live\",\"title\":{\"zh\":\"实时接口\",\"en\":\"Live\"},\n"
    "\"abstract\":{\"zh\":\"样例\",\"en\":\"Sample\"},\"office\":\"sz-hrss\",\"class_codes\":[\"2\"],"
    "\"keywords\":[\"接口\"],\n"
    "\"share\":{\"type\":1},\"open\":{\"type\":\"none\"},\"cycle\":\"realtime\",\"modes\":[\"service\"],"
    "\"subject\":\"thing\"," META_TAIL "\"resources\":[],\n"
    "\"columns\":[{\"id\":\"no\",\"zh\":\"编号\",\"en\":\"No\",\"type\":\"text\",\"key\":true,\"length\":10}]"
    ","
    "\"checks\":[]}";

// Who stands where in these tests.
#define BY_APPLICANT fixture_as(&f, 11, "sp-jb", "sz-approval", R_(APPLICANT))
#define BY_OWN_HEAD  fixture_as(&f, 12, "sp-fz", "sz-approval", R_(UNIT_HEAD))
#define BY_REVIEWER  fixture_as(&f, 13, "sj-sh", "sz-data", R_(REVIEWER))
#define BY_AUTHORITY fixture_as(&f, 14, "sj-gl", "sz-data", R_(AUTHORITY))
#define BY_STEWARD   fixture_as(&f, 15, "rs-bm", "sz-hrss", R_(STEWARD))
#define BY_PROVIDER  fixture_as(&f, 16, "rs-fz", "sz-hrss", R_(UNIT_HEAD))
#define BY_AUDITOR   fixture_as(&f, 17, "aud", "sz-data", R_(AUDITOR))
#define BY_STRANGER  fixture_as(&f, 18, "x-jb", "sz-gov", R_(APPLICANT))

static char rid_a[19], persons_csv[200];

static int __attribute__((unused)) city_up(void **state) {
    static const char *const dirs[] = {"datasets/insured", "datasets/persons", "datasets/live"};
    struct pack *p;
    struct err e = {0};
    (void)state;
    fixture_now_ms = 1794182400000; // Monday, 2026-11-09
    fixture_open(&f);
    catalog_pack_make(&f);
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", pack_folder, dirs[i]);
        assert_int_equal(file_make_dirs(path, 0755, &e), OK);
    }
    snprintf(rid_a, sizeof rid_a, "32990019870302001%c", element_rid_check_char(S("32990019870302001")));
    snprintf(persons_csv, sizeof persons_csv, "rid,name\n%s,样甲\n", rid_a);
    pack_write("clocks.csv", exchange_clocks_csv);
    pack_write("demo/accounts.csv", exchange_accounts_csv);
    pack_write("datasets/insured/dataset.json", insured_json);
    pack_write("datasets/insured/data.csv", insured_data);
    pack_write("datasets/persons/dataset.json", persons_json);
    pack_write("datasets/persons/data.csv", persons_csv);
    pack_write("datasets/live/dataset.json", live_json);
    int code = pack_put(&f, true, &p);
    if (code != OK) pack_show(p);
    assert_int_equal(code, OK);
    BY_APPLICANT;
    fixture_call(&f, "POST", "/api/v1/systems", "{\"id\":\"core\",\"name\":\"核心系统\"}");
    assert_status(&f, 201);
    return 0;
}

static int __attribute__((unused)) city_down(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static int post(const char *fmt_body, const char *verb, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int post(const char *body, const char *verb, const char *fmt, ...) {
    char *target = arena_take(&f.mem, 512);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(target, 512, fmt, ap);
    va_end(ap);
    return fixture_call(&f, verb, target, body);
}

#define HEAD                                                                                                    \
    "\"matter\":\"firm-setup\",\"legal_basis\":\"政务数据共享条例\",\"purpose\":\"核对\",\"system\":" \
    "\"core\","                                                                                                 \
    "\"period_days\":30,\"quota_per_day\":3,"
// An application with these items; its id.
static struct str __attribute__((unused)) applied(const char *items) {
    struct str body = str_print(&f.mem, "{%s\"items\":%s}", HEAD, items);
    BY_APPLICANT;
    post(str_z(&f.mem, body), "POST", "/api/v1/applications");
    assert_status(&f, 201);
    return fixture_text(&f, "id");
}

static void __attribute__((unused)) go(struct str id, const char *step, const char *body) {
    post(body, "POST", "/api/v1/applications/%.*s/%s", STRF(id), step);
    assert_status(&f, 200);
}

// From draft to the provider's desk.
static void __attribute__((unused)) to_provider(struct str id) {
    BY_APPLICANT;
    go(id, "submit", NULL);
    BY_OWN_HEAD;
    go(id, "sign", NULL);
    BY_REVIEWER;
    go(id, "check", "{\"pass\":true}");
}

// All the way: the grant's number.
static int64_t __attribute__((unused)) granted(const char *items, const char *answer) {
    struct str id = applied(items);
    to_provider(id);
    BY_STEWARD;
    go(id, "lines/1/answer", answer);
    BY_PROVIDER;
    go(id, "lines/1/sign", "{\"consent\":true}");
    return number_of(json_at(json_get(f.json, S("lines")), 0), "grant");
}

static struct str __attribute__((unused)) key_of(int64_t grant) {
    BY_APPLICANT;
    post(NULL, "POST", "/api/v1/grants/%d/keys", (int)grant);
    assert_status(&f, 201);
    return fixture_text(&f, "key");
}

// A program calls: with its key, naming system and matter; case and operator where they are given.
static int __attribute__((unused))
calls(struct str key, const char *case_no, const char *verb, const char *target, const char *body) {
    struct str bearer = str_print(&f.mem, "Bearer %.*s", STRF(key));
    fixture_real_who(&f);
    fixture_header(&f, "Authorization", str_z(&f.mem, bearer));
    fixture_header(&f, "Gusu-System", "core");
    fixture_header(&f, "Gusu-Matter", "firm-setup");
    if (case_no) fixture_header(&f, "Gusu-Case", case_no);
    if (case_no) fixture_header(&f, "Gusu-Operator", "%E7%BB%8F%E5%8A%9E");
    fixture_call(&f, verb, target, body);
    f.city.who = fixture_who;
    return f.status;
}

static bool __attribute__((unused)) says(const char *text) {
    return str_has(f.body, str_of(text));
}

static bool __attribute__((unused)) may(const char *verb) {
    return list_has(json_get(f.json, S("may")), verb);
}

// The step of that name (the last one) of the application just shown.
static struct json __attribute__((unused)) step_of(const char *step) {
    struct json found = {0};
    for (struct json_iter it = json_iter(json_get(f.json, S("steps"))); json_next(&it);)
        if (str_eq(json_text(json_get(it.value, S("step"))), str_of(step))) found = it.value;
    return found;
}
static struct str __attribute__((unused)) text_of(struct json j, const char *name) {
    return json_text(json_get(j, str_of(name)));
}
#define assert_text(s, want) assert_true(str_eq((s), S(want)))
#endif
