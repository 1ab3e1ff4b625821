// SPDX-License-Identifier: MulanPSL-2.0
// A very small city as a pack, for tests of people: one city of three districts (one of them statistical only), two
// streets, a few offices with a predecessor and a line, all roles, two words, demonstration accounts.
#ifndef PEOPLE_PACK_H
#define PEOPLE_PACK_H
#include "city_fixture.h"
#include "base/file.h"
#include "mod/people/people.h"

#define DEMO_PASSWORD "Gusu-demo-2026"

static const char pack_json_text[] =
    "{\"id\":\"tiny\",\"version\":\"1\",\"title\":{\"zh\":\"小城\",\"en\":\"Tiny\"},\"city\":\"320500\"}";
static const char areas_csv[] =
    "code,name,level,parent,kind,vintage,valid_from,valid_to,is_admin,aliases,note\n"
    "320000,江苏省,1,,province,2023-06-30,,,1,,\n"
    "320500,苏州市,2,320000,city,2023-06-30,,,1,,\n"
    "320508,姑苏区,3,320500,district,2023-06-30,,,1,,\n"
    "320583,昆山市,3,320500,county_city,2023-06-30,,,1,,\n"
    "320576,苏州工业园区,3,320500,devzone,2023-06-30,,,0,320571|320594:register,不是行政区划\n"
    "320508018,平江街道,4,320508,street,2023-06-30,,,1,,\n"
    "320508401,某度假区,4,320508,similar,2023-06-30,,,0,,\n"
    "320508018001,新村社区,5,320508018,neighbourhood,2023-06-30,,,0,,\n"
    "320508401001,新村社区,5,320508401,neighbourhood,2023-06-30,,,0,,\n";
static const char offices_csv[] =
    "office_id,name,name_en,short,uscc,kind,level,area,parent,line,valid_from,valid_to,successor,roles,note\n"
    "sz-gov,苏州市人民政府,Suzhou Government,市政府,,people_government,2,320500,,,,,,,\n"
    "sz-data,苏州市数据局,Suzhou Data Bureau,数据局,,government,2,320500,sz-gov,,2024-01-01,,,A S,\n"
    "sz-bigdata,苏州市大数据管理局,Big Data "
    "Administration,大数据局,,government,2,320500,sz-gov,,2019-01-01,2024-01-01,"
    "sz-data,A,\n"
    "sz-approval,苏州市行政审批局,Approval Bureau,审批局,,government,2,320500,sz-gov,,,,,S,\n"
    "sz-hrss,苏州市人力资源和社会保障局,HRSS Bureau,人社局,,government,2,320500,sz-gov,,,,,S V,\n"
    "gs-gov,苏州市姑苏区人民政府,Gusu District,姑苏区,,people_government,3,320508,sz-gov,sz-approval,,,,D "
    "A,\n"
    "gs-pj,平江街道办事处,Pingjiang Office,平江街道,,dispatched,4,320508018,gs-gov,,,,,D,\n";
static const char roles_csv[] = "role,zh,en,conflicts,note\n"
                                "steward,目录编制员,Data steward,unit_head,\n"
                                "unit_head,共享工作机构负责人,Head,applicant,\n"
                                "applicant,需求经办人,Applicant,,\n"
                                "reviewer,主管部门审核员,Reviewer,,\n"
                                "authority,主管部门管理员,Authority,,\n"
                                "county_reviewer,县级主管部门审核员,County,,\n"
                                "street,街道用户,Street,,\n"
                                "sysadmin,系统管理员,System,secadmin auditor,\n"
                                "secadmin,安全管理员,Security,auditor,\n"
                                "auditor,审计管理员,Audit,,\n"
                                "developer,注册开发者,Developer,,\n";
static const char words_csv[] =
    "key,zh,en\ncity,苏州市,Suzhou\nnotice_stat_area,本表为统计用区划,Areas for statistics\n";
static const char accounts_csv[] = "login,name,office_id,roles,area\n"
                                   "rs-bm,人社局目录编制员,sz-hrss,steward,320500\n"
                                   "sp-bm,审批局目录编制员,sz-approval,steward,320500\n"
                                   "sj-gl,数据局管理员,sz-data,authority,320500\n"
                                   "sj-g2,数据局另一管理员,sz-data,authority,320500\n"
                                   "sys,系统管理员,sz-data,sysadmin,320500\n"
                                   "sec,安全管理员,sz-data,secadmin,320500\n"
                                   "aud,审计管理员,sz-data,auditor,320500\n";

static char pack_folder[128];

static void __attribute__((unused)) pack_write(const char *name, const char *text) {
    char path[256];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/%s", pack_folder, name);
    assert_int_equal(file_write(path, str_of(text), 0644, &e), OK);
}

static void __attribute__((unused)) pack_make(struct fixture *f) {
    char demo[160];
    struct err e = {0};
    snprintf(pack_folder, sizeof pack_folder, "%s/pack", f->folder);
    snprintf(demo, sizeof demo, "%s/demo", pack_folder);
    assert_int_equal(file_make_dirs(demo, 0755, &e), OK);
    pack_write("pack.json", pack_json_text);
    pack_write("areas.csv", areas_csv);
    pack_write("offices.csv", offices_csv);
    pack_write("roles.csv", roles_csv);
    pack_write("words.csv", words_csv);
    pack_write("demo/accounts.csv", accounts_csv);
}

static int __attribute__((unused)) pack_put(struct fixture *f, bool with_demo, struct pack **ret) {
    bool changed;
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    int code = pack_open(&f->cx, pack_folder, with_demo, ret);
    return code == OK ? pack_load(&f->cx, *ret, &changed) : code;
}

static void __attribute__((unused)) pack_show(const struct pack *p) {
    for (const struct pack_mistake *m = p->mistakes; m; m = m->next)
        fprintf(stderr, "%.*s:%d %s %s %s\n", STRF(m->file), (int)m->line, err_info(m->err.code)->name,
                m->err.field, m->err.arg);
}

// Is there a mistake of this kind at this line of this file?
static bool __attribute__((unused))
pack_says(const struct pack *p, const char *file, int64_t line, enum err_code code) {
    for (const struct pack_mistake *m = p->mistakes; m; m = m->next)
        if (str_eq(m->file, str_of(file)) && m->line == line && m->err.code == code) return true;
    return false;
}

static int64_t __attribute__((unused)) account_id(struct fixture *f, const char *login) {
    struct stmt *s = store_query(f->conn, Q_people_account_by_login, "z", login);
    int64_t id = store_next(s) ? store_int(s, 0) : 0;
    struct err e = {0};
    assert_int_equal(store_done(s, &e), OK);
    return id;
}
#endif
