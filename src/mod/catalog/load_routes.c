// SPDX-License-Identifier: MulanPSL-2.0
// Routes of the load wizard: what each takes and gives, who may. The handlers decide in load.c and read in
// load_store.c; nothing is decided here.
#include "mod/catalog/load.h"

#define PATH_ID                                                                                              \
    { "id", IN_PATH, T_TEXT, true, 1, 60, NULL, NULL, "目录标识", "Id of the data set" }
#define PATH_LOAD                                                                                            \
    { "load", IN_PATH, T_INT, true, 1, INT64_MAX, NULL, NULL, "导入编号", "Number of the load" }
#define QUERY(name, most, zh, en)                                                                            \
    { name, IN_QUERY, T_TEXT, false, 0, most, NULL, NULL, zh, en }
#define LIMIT(most)                                                                                          \
    { "limit", IN_QUERY, T_INT, false, 1, most, NULL, NULL, "条数", "Number of items" }
#define AFTER                                                                                                \
    { "after", IN_QUERY, T_TEXT, false, 0, 200, NULL, NULL, "翻页位置", "Position of the page" }
#define END                                                                                                  \
    { 0 }
#define GIVES(name, type, must, of, zh, en)                                                                  \
    { name, IN_BODY, type, must, 0, 0, NULL, of, zh, en }

static const struct field upload_takes[] = {
    PATH_ID,
    QUERY("name", LOAD_NAME_MAX, "文件名", "Name of the file"),
    QUERY("resource", 60, "库表资源", "Table resource"),
    QUERY("encoding", 20, "编码（缺省自动识别）", "Encoding (found by itself if absent)"),
    QUERY("separator", 3, "分隔符：, ; tab |", "Separator: , ; tab |"),
    QUERY("sheet", 100, "工作表", "Sheet"),
    END};
static const struct field load_takes[] = {PATH_LOAD, END};
static const struct field list_takes[] = {PATH_ID, LIMIT(100), AFTER, END};
static const struct field bad_takes[] = {PATH_LOAD, LIMIT(1000), AFTER, END};
static const struct field map_column[] = {
    {"n", IN_BODY, T_INT, true, 1, LOAD_COLUMNS_MAX, NULL, NULL, "文件中第几列", "Which column of the file"},
    {"column", IN_BODY, T_TEXT, false, 0, 60, NULL, NULL, "对应的列（空为不导入）",
     "Column of the data set (empty: passed over)"},
    {"unit", IN_BODY, T_CHOICE, false, 0, 0, "fen|yuan|wan", NULL, "金额单位", "Unit of money"},
    END};
static const struct field mapping_takes[] = {
    PATH_LOAD,
    {"sheet", IN_BODY, T_TEXT, false, 0, 100, NULL, NULL, "工作表", "Sheet"},
    {"columns", IN_BODY, T_ITEMS, false, 1, LOAD_COLUMNS_MAX, NULL, map_column, "列对应（缺省只换工作表）",
     "Mapping of columns (absent: only another sheet)"},
    {"mode", IN_BODY, T_CHOICE, false, 0, 0, "replace|append|upsert", NULL, "整体替换、追加、按主键更新",
     "Replace all, append, update by key"},
    END};

static const struct field column_gives[] = {
    GIVES("n", T_INT, true, NULL, "列号", "Column number"),
    GIVES("header", T_TEXT, true, NULL, "表头", "Header"),
    GIVES("column", T_TEXT, false, NULL, "识别为", "Recognised as"),
    GIVES("how", T_TEXT, false, NULL, "依据：id、name、alias", "By id, name or alias"),
    GIVES("type_seen", T_TEXT, false, NULL, "全部行的类型", "Type over all rows"),
    GIVES("unit", T_TEXT, false, NULL, "金额单位", "Unit of money"),
    GIVES("empty_n", T_INT, true, NULL, "空值数", "Empty cells"),
    GIVES("chars_max", T_INT, true, NULL, "最大字符数", "Longest value"),
    GIVES("sample", T_LIST, true, NULL, "样例", "Samples"),
    END};
static const struct field reason_gives[] = {
    GIVES("code", T_TEXT, true, NULL, "代码", "Code"),
    GIVES("zh", T_TEXT, true, NULL, "原因（中文）", "Reason in Chinese"),
    GIVES("en", T_TEXT, true, NULL, "原因（英文）", "Reason in English"),
    GIVES("column", T_TEXT, false, NULL, "列", "Column"),
    GIVES("n", T_INT, true, NULL, "次数", "Times"),
    END};
#define LOAD_FIELDS                                                                                          \
    GIVES("load", T_INT, true, NULL, "导入编号", "Number of the load"),                                      \
        GIVES("dataset", T_TEXT, true, NULL, "目录标识", "Data set"),                                        \
        GIVES("resource", T_TEXT, true, NULL, "资源", "Resource"),                                           \
        GIVES("name", T_TEXT, true, NULL, "文件名", "File name"),                                            \
        GIVES("state", T_TEXT, true, NULL, "状态", "read, checking, checked, done, dropped"),                \
        GIVES("format", T_TEXT, true, NULL, "格式", "csv or xlsx"),                                          \
        GIVES("encoding", T_TEXT, true, NULL, "编码", "Encoding"),                                           \
        GIVES("separator", T_TEXT, true, NULL, "分隔符", "Separator"),                                       \
        GIVES("sheet", T_TEXT, true, NULL, "工作表", "Sheet"),                                               \
        GIVES("sheets", T_LIST, true, NULL, "全部工作表", "All sheets"),                                     \
        GIVES("digest", T_TEXT, true, NULL, "文件的 SM3", "SM3 of the file"),                                \
        GIVES("bytes", T_INT, true, NULL, "字节数", "Bytes"),                                                \
        GIVES("header_row", T_INT, true, NULL, "表头所在行", "Row of the header"),                           \
        GIVES("rows", T_INT, true, NULL, "数据行数", "Records"),                                             \
        GIVES("mapping", T_ANY, false, NULL, "列对应", "Mapping"),                                           \
        GIVES("mode", T_TEXT, false, NULL, "方式", "Mode"),                                                  \
        GIVES("same", T_BOOL, true, NULL, "与已装入的相同", "This very file is loaded already"),             \
        GIVES("good_n", T_INT, true, NULL, "合格行数", "Good rows"),                                         \
        GIVES("bad_n", T_INT, true, NULL, "搁置行数", "Rows set aside"),                                     \
        GIVES("duplicate_n", T_INT, true, NULL, "重复行数", "Repeated rows"),                                \
        GIVES("progress", T_INT, true, NULL, "已检查行数", "Rows checked so far"),                           \
        GIVES("reasons", T_ITEMS, true, reason_gives, "搁置原因", "Reasons"),                                \
        GIVES("created_ms", T_INT, true, NULL, "上传时间", "Uploaded"),                                      \
        GIVES("changed_ms", T_INT, true, NULL, "变更时间", "Changed"),                                       \
        GIVES("by_name", T_TEXT, false, NULL, "经办人", "By")

static const struct field load_gives[] = {
    LOAD_FIELDS, GIVES("columns", T_ITEMS, true, column_gives, "列", "Columns"),
    GIVES("same_as", T_INT, false, NULL, "相同文件的先前导入", "Earlier load of the same file"), END};
static const struct field load_item[] = {LOAD_FIELDS, END};
static const struct field loads_gives[] = {GIVES("items", T_ITEMS, true, load_item, "导入记录", "Loads"),
                                           GIVES("next", T_TEXT, false, NULL, "下一页", "Next page"), END};
static const struct field bad_item[] = {
    GIVES("row", T_INT, true, NULL, "行号", "Row"),
    GIVES("column", T_TEXT, false, NULL, "列", "Column"),
    GIVES("value", T_TEXT, true, NULL, "值", "Value"),
    GIVES("code", T_TEXT, true, NULL, "代码", "Code"),
    GIVES("title_zh", T_TEXT, true, NULL, "原因（中文）", "Reason in Chinese"),
    GIVES("title_en", T_TEXT, true, NULL, "原因（英文）", "Reason in English"),
    END};
static const struct field bad_gives[] = {
    GIVES("items", T_ITEMS, true, bad_item, "搁置的值", "Values set aside"),
    GIVES("next", T_TEXT, false, NULL, "下一页", "Next page"),
    GIVES("total", T_INT, true, NULL, "搁置行数", "Rows set aside"), END};
static const struct field commit_gives[] = {
    GIVES("load", T_INT, true, NULL, "导入编号", "Number of the load"),
    GIVES("state", T_TEXT, true, NULL, "状态", "State"),
    GIVES("rows", T_INT, true, NULL, "数据集行数", "Rows of the data set now"),
    GIVES("good_n", T_INT, true, NULL, "合格行数", "Good rows"),
    GIVES("bad_n", T_INT, true, NULL, "搁置行数", "Rows set aside"),
    GIVES("same", T_BOOL, true, NULL, "没有变化", "Nothing changed"),
    GIVES("entry", T_INT, false, NULL, "存证序号", "Ledger entry"),
    END};
static const struct field drop_gives[] = {GIVES("load", T_INT, true, NULL, "导入编号", "Number of the load"),
                                          GIVES("state", T_TEXT, true, NULL, "状态", "State"),
                                          GIVES("entry", T_INT, false, NULL, "存证序号", "Ledger entry"),
                                          END};
static const struct shape load_shape = {"Load", load_gives, NULL};
static const struct shape loads_shape = {"Loads", loads_gives, NULL};
static const struct shape bad_shape = {"LoadBadRows", bad_gives, NULL};
static const struct shape bad_csv_shape = {"LoadBadCsv", NULL, "text/csv"};
static const struct shape commit_shape = {"LoadCommitted", commit_gives, NULL};
static const struct shape drop_shape = {"LoadDropped", drop_gives, NULL};

const struct route catalog_load_routes[] = {
    {"POST", "/api/v1/datasets/{id}/loads", ROUTE_SLOW, R_(STEWARD), upload_takes, &load_shape, "load.read",
     LOAD_BYTES_MAX, ROUTE_RAW_BODY, load_upload, "上传数据文件，识别表头与类型",
     "Uploads a file; finds header and types", "catalog:write"},
    {"GET", "/api/v1/datasets/{id}/loads", ROUTE_READ, R_(STEWARD), list_takes, &loads_shape, NULL, 0, 0,
     load_list, "数据集的导入记录", "Loads of a data set", "catalog:read"},
    {"GET", "/api/v1/loads/{load}", ROUTE_READ, R_(STEWARD), load_takes, &load_shape, NULL, 0, 0, load_show,
     "一次导入及其进度", "One load and its progress", "catalog:read"},
    {"PUT", "/api/v1/loads/{load}/mapping", ROUTE_SLOW, R_(STEWARD), mapping_takes, &load_shape, "load.check",
     (int64_t)256 << 10, 0, load_put_mapping, "确定列对应并检查全部行",
     "Sets the mapping and checks all rows", "catalog:write"},
    {"GET", "/api/v1/loads/{load}/bad", ROUTE_READ, R_(STEWARD), bad_takes, &bad_shape, NULL, 0, 0, load_bad,
     "搁置的行", "Rows set aside", "catalog:read"},
    {"GET", "/api/v1/loads/{load}/bad.csv", ROUTE_SLOW, R_(STEWARD), load_takes, &bad_csv_shape, NULL, 0, 0,
     load_bad_csv, "搁置的行（CSV）", "Rows set aside as CSV", "catalog:read"},
    {"POST", "/api/v1/loads/{load}/commit", ROUTE_WRITE, R_(STEWARD), load_takes, &commit_shape,
     "dataset.load", 0, 0, load_commit, "启用检查过的数据", "Puts the checked data into use",
     "catalog:write"},
    {"DELETE", "/api/v1/loads/{load}", ROUTE_WRITE, R_(STEWARD), load_takes, &drop_shape, "load.drop", 0, 0,
     load_drop, "放弃一次导入", "Gives a load up", "catalog:write"},
    {0}};
