// SPDX-License-Identifier: MulanPSL-2.0
// The catalog's part of the very small city of people_pack.h: elements, two code lists, classes, clocks, duties and
// three data sets: parks (open), firms (shared, with a column that is not open), and one that is never shared.
#ifndef CATALOG_PACK_H
#define CATALOG_PACK_H
#include "people_pack.h"
#include "mod/catalog/catalog.h"
#include "mod/catalog/jobs.h"

static const char elements_csv[] =
    "element,zh,en,subject,type,length,check,code_list,grade,mask,aliases,std,note\n"
    "uscc,统一社会信用代码,Credit code,firm,text,18,uscc,,L1,none,TYSHXYDM|信用代码,,\n"
    "person_name,姓名,Name,person,text,60,,,L2,first_char,XM,,\n"
    "rid,公民身份号码,Identity number,person,text,18,rid,,L3,rid,SFZH,,\n"
    "area_code,区划代码,Area code,place,text,12,area,,L1,none,XZQHDM,,\n"
    "data_time,数据更新时间,Data time,,datetime,,,,L1,none,GXSJC,,\n";
static const char classes_csv[] =
    "code,zh,en,parent\n1,基础,Base,\n1/legal-entity,法人,Legal entities,1\n2,主题,Theme,\n";
static const char clocks_csv[] = "step,zh,en,limit_wd,extend_wd,article,note\n"
                                 "review_publish,审核发布,Review and publish,2,0,17,\n"
                                 "record_keep,留存,Keep records,,,29,\n";
static const char matters_csv[] =
    "matter_id,zh,en,target,office_id,note\n"
    "firm-setup,公司设立登记,Company set-up,企业,sz-data,\nlook,查询,Look up,个人,,\n";
static const char duties_csv[] = "duty_id,office_id,title_zh,title_en,basis,dataset,due\n"
                                 "d1,sz-data,企业登记,Firms,职责,firms,daily\n"
                                 "d2,sz-hrss,就业名册,Jobs,职责,,20wd\n"
                                 "d3,sz-hrss,公园,Parks,职责,parks,yearly\n"
                                 "d4,sz-data,基层数据,Micro data,职责,micro,monthly\n";
static const char status_csv[] = "code,zh,en\nopen,开业,In business\nclosed,注销,Closed\n";
static const char status_json[] = "{\"version\":\"1\",\"source\":\"自拟\",\"licence\":\"MulanPSL-2.0\","
                                  "\"title\":{\"zh\":\"状态\",\"en\":\"Status\"}}";

#define META_TAIL                                                                                            \
    "\"source\":{\"zh\":\"自拟\",\"en\":\"Made "                                                           \
    "up\"},\"source_date\":\"2026-10-31\",\"licence\":\"MulanPSL-2.0\","
static const char parks_json[] =
    "{\"id\":\"parks\",\"title\":{\"zh\":\"公园名录\",\"en\":\"Parks\"},\n"
    "\"abstract\":{\"zh\":\"小城的公园\",\"en\":\"Parks of "
    "Tiny\"},\"office\":\"sz-hrss\",\"class_codes\":[\"2\"],\n"
    "\"keywords\":[\"公园\",\"绿地\"],\"share\":{\"type\":1},\"open\":{\"type\":\"open\"},\"grade\":\"L1\",\n"
    "\"cycle\":\"yearly\",\"modes\":[\"table\",\"file\"],\"subject\":\"place\",\"area_column\":\"area\","
    "\n" META_TAIL "\"notices\":[\"notice_stat_area\"],\n"
    "\"resources\":[{\"id\":\"parks\",\"kind\":\"table\",\"title\":{\"zh\":\"公园\",\"en\":\"Parks\"}},\n"
    "{\"id\":\"map\",\"kind\":\"file\",\"title\":{\"zh\":\"图\",\"en\":\"Map\"},\"file\":\"datasets/parks/"
    "map.txt\"}],\n"
    "\"columns\":[{\"id\":\"no\",\"zh\":\"编号\",\"en\":\"No\",\"type\":\"text\",\"length\":10,\"key\":true,"
    "\"grade\":\"L1\"},\n"
    "{\"id\":\"name\",\"zh\":\"名称\",\"en\":\"Name\",\"type\":\"text\",\"length\":40,\"grade\":\"L1\"},\n"
    "{\"id\":\"area\",\"zh\":\"属地\",\"en\":\"Area\",\"type\":\"text\",\"length\":12,\"element\":\"area_"
    "code\"}],\"checks\":[]}";
static const char firms_json[] =
    "{\"id\":\"firms\",\"title\":{\"zh\":\"企业登记\",\"en\":\"Firms\"},\n"
    "\"abstract\":{\"zh\":\"样例企业\",\"en\":\"Sample "
    "firms\"},\"office\":\"sz-data\",\"class_codes\":[\"1/legal-entity\"],\n"
    "\"keywords\":[\"企业\"],\"share\":{\"type\":1},\n"
    "\"open\":{\"type\":\"conditional\",\"condition\":{\"zh\":\"实名\",\"en\":\"By "
    "name\"}},\"grade\":\"L2\",\n"
    "\"cycle\":\"daily\",\"modes\":[\"table\"],\"subject\":\"firm\"," META_TAIL
    "\"synthetic\":true,\"seed\":7,\n"
    "\"resources\":[{\"id\":\"firms\",\"kind\":\"table\",\"title\":{\"zh\":\"企业\",\"en\":\"Firms\"}}],\n"
    "\"columns\":[{\"id\":\"uscc\",\"zh\":\"信用代码\",\"en\":\"Code\",\"type\":\"text\",\"key\":true,"
    "\"element\":\"uscc\"},\n"
    "{\"id\":\"rep\",\"zh\":\"代表人\",\"en\":\"Representative\",\"type\":\"text\",\"element\":\"person_"
    "name\",\"share\":2},\n"
    "{\"id\":\"status\",\"zh\":\"状态\",\"en\":\"Status\",\"type\":\"code\",\"code_list\":\"status\"},\n"
    "{\"id\":\"opened\",\"zh\":\"开业\",\"en\":\"Opened\",\"type\":\"date\"},\n"
    "{\"id\":\"closed\",\"zh\":\"歇业\",\"en\":\"Closed\",\"type\":\"date\"},\n"
    "{\"id\":\"at\",\"zh\":\"更新\",\"en\":\"At\",\"type\":\"datetime\",\"element\":\"data_time\"}],\n"
    "\"checks\":[{\"id\":\"ends\",\"kind\":\"order\",\"columns\":[\"opened\",\"closed\"],"
    "\"title\":{\"zh\":\"先开后歇\",\"en\":\"Opens before it closes\"}}]}";
static const char micro_json[] =
    "{\"id\":\"micro\",\"title\":{\"zh\":\"基层数据\",\"en\":\"Micro data\"},\n"
    "\"abstract\":{\"zh\":\"不共享\",\"en\":\"Not shared\"},\"office\":\"sz-data\",\"class_codes\":[\"1\"],\n"
    "\"keywords\":[\"统计\"],\"share\":{\"type\":3,\"law\":\"统计法\"},\"open\":{\"type\":\"none\"},\n"
    "\"cycle\":\"monthly\",\"modes\":[],\"subject\":\"firm\"," META_TAIL "\"resources\":[],\n"
    "\"columns\":[{\"id\":\"uscc\",\"zh\":\"信用代码\",\"en\":\"Code\",\"type\":\"text\",\"key\":true,"
    "\"element\":\"uscc\"},\n"
    "{\"id\":\"revenue\",\"zh\":\"收入\",\"en\":\"Revenue\",\"type\":\"fen\",\"grade\":\"L4\"}],\"checks\":[]"
    "}";
static const char parks_data[] = "no,name,area\n1,东园,320508\n2,西园,320583\n3,湖滨,320571\n";
// Row 2: wrong check character; row 3: closed before it opened; row 4 repeats row 1; row 5: unknown status.
static const char firms_data[] =
    "uscc,rep,status,opened,closed,at\n"
    "91350100M000100Y43,样甲,open,2020-01-01,,2026-11-08T10:00:00+08:00\n"
    "91350100M000100Y44,样乙,open,2020-01-01,,2026-11-08T10:00:00+08:00\n"
    "92350100M000100Y40,样丙,closed,2020-01-01,2019-01-01,2026-11-08T10:00:00+08:00\n"
    "91350100M000100Y43,样甲,open,2020-01-01,,2026-11-08T10:00:00+08:00\n"
    "93350100M000100Y4W,样丁,sleeping,2020-01-01,,2026-11-08T10:00:00+08:00\n";

static void __attribute__((unused)) catalog_pack_make(struct fixture *f) {
    static const char *const dirs[] = {"codes", "datasets/parks", "datasets/firms", "datasets/micro"};
    struct err e = {0};
    pack_make(f);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", pack_folder, dirs[i]);
        assert_int_equal(file_make_dirs(path, 0755, &e), OK);
    }
    pack_write("elements.csv", elements_csv);
    pack_write("classes.csv", classes_csv);
    pack_write("clocks.csv", clocks_csv);
    pack_write("matters.csv", matters_csv);
    pack_write("duties.csv", duties_csv);
    pack_write("codes/status.csv", status_csv);
    pack_write("codes/status.json", status_json);
    pack_write("datasets/parks/dataset.json", parks_json);
    pack_write("datasets/parks/data.csv", parks_data);
    pack_write("datasets/parks/map.txt", "0123456789");
    pack_write("datasets/firms/dataset.json", firms_json);
    pack_write("datasets/firms/data.csv", firms_data);
    pack_write("datasets/micro/dataset.json", micro_json);
}

static void __attribute__((unused)) catalog_city(struct fixture *f) {
    struct pack *p;
    fixture_open(f);
    catalog_pack_make(f);
    int code = pack_put(f, false, &p);
    if (code != OK) pack_show(p);
    assert_int_equal(code, OK);
}

// The people of the demonstration, by what they may do.
#define AS_STEWARD(f)   fixture_as(f, 1, "rs-bm", "sz-hrss", R_(STEWARD))
#define AS_HEAD(f)      fixture_as(f, 2, "rs-fz", "sz-hrss", R_(UNIT_HEAD))
#define AS_REVIEWER(f)  fixture_as(f, 3, "sj-sh", "sz-data", R_(REVIEWER))
#define AS_AUTHORITY(f) fixture_as(f, 4, "sj-gl", "sz-data", R_(AUTHORITY))
#define AS_APPLICANT(f) fixture_as(f, 5, "sp-jb", "sz-approval", R_(APPLICANT))
#define AS_OTHER(f)     fixture_as(f, 6, "sp-bm", "sz-approval", R_(STEWARD))
#define AS_NOBODY(f)    fixture_as(f, 0, NULL, NULL, 0)

static struct json __attribute__((unused)) item_of(struct json list, const char *key, const char *id) {
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (str_eq(json_text(json_get(it.value, str_of(key))), str_of(id))) return it.value;
    return (struct json){0};
}
static int64_t __attribute__((unused)) number_of(struct json j, const char *name) {
    int64_t v = -1;
    return json_int(json_get(j, str_of(name)), &v) ? v : -1;
}
static bool __attribute__((unused)) list_has(struct json list, const char *word) {
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (str_eq(json_text(it.value), str_of(word))) return true;
    return false;
}
#endif
