// SPDX-License-Identifier: MulanPSL-2.0
// The shapes of data sets on the wire, as field tables: what a clerk sends (validated before the handlers) and what
// replies hold (the interface description, the typed client, the schema check in tests).
#include "mod/catalog/routes.h"
#include "mod/catalog/show.h"

#define YES .required = true
#define TXT(name_, must, most, zh_, en_)                                                                     \
    { name_, .type = T_TEXT, .required = must, .max = most, .zh = zh_, .en = en_ }
#define NUM(name_, must, zh_, en_)                                                                           \
    { name_, .type = T_INT, .required = must, .zh = zh_, .en = en_ }
#define YESNO(name_, must, zh_, en_)                                                                         \
    { name_, .type = T_BOOL, .required = must, .zh = zh_, .en = en_ }

const struct field catalog_word_fields[] = {TXT("key", true, 0, "键", "Key"),
                                            TXT("zh", true, 0, "中文", "Chinese"),
                                            TXT("en", true, 0, "英文", "English"),
                                            NUM("n", false, "数量", "Count"),
                                            {0}};

#define COLUMN_FIELDS(most_)                                                                                 \
    TXT("id", true, 40, "列标识", "Column id"), TXT("zh", true, 100, "中文名称", "Chinese name"),            \
        TXT("en", false, 200, "英文名称", "English name"), TXT("type", true, 20, "类型", "Type"),            \
        NUM("length", false, "长度", "Length"), YESNO("key", false, "主键", "Key"),                          \
        YESNO("area", false, "属地", "Area column"), TXT("grade", false, 4, "分级 L1–L4", "Grade L1–L4"),    \
        TXT("grade_reason", false, 500, "低于数据元分级的理由", "Why below its element's grade"),            \
        TXT("element", false, 60, "数据元", "Element"),                                                      \
        TXT("element_role", false, 60, "数据元角色", "Role of the element's subject"),                       \
        TXT("code_list", false, 60, "代码表", "Code list"),                                                  \
        {"share", .type = T_INT, .min = 1, .max = 3, .zh = "共享类型", .en = "Share type"},                  \
        {"open", .type = T_CHOICE, .choices = "open|conditional|none", .zh = "开放属性", .en = "Openness"},  \
        TXT("office", false, 60, "数源部门", "Providing office of this column")

static const struct field column_takes[] = {COLUMN_FIELDS(0), {0}};
static const struct field column_gives[] = {
    COLUMN_FIELDS(0),
    TXT("mask", true, 0, "脱敏方式", "Mask"),
    YESNO("personal", true, "个人信息", "Personal"),
    YESNO("in_table", true, "现有数据中有此列", "Held by the present table"),
    TXT("office_name", false, 0, "数源部门名称", "Its name"),
    {0}};

#define FACT_FIELDS                                                                                          \
    TXT("title_zh", true, 200, "名称", "Title (zh)"), TXT("title_en", false, 300, "英文名称", "Title (en)"), \
        TXT("abstract_zh", false, 4000, "摘要", "Abstract (zh)"),                                            \
        TXT("abstract_en", false, 4000, "英文摘要", "Abstract (en)"),                                        \
        TXT("office", false, 60, "提供方", "Providing office"),                                              \
        {"keywords", .type = T_LIST, .max = 50, .zh = "关键词", .en = "Keywords"},                           \
        TXT("share_condition_zh", false, 1000, "共享条件", "Condition of sharing (zh)"),                     \
        TXT("share_condition_en", false, 1000, "共享条件(英文)", "Condition of sharing (en)"),               \
        TXT("share_scope", false, 1000, "共享范围", "Scope of sharing"),                                     \
        TXT("share_law", false, 1000, "不予共享的依据", "Law behind a refusal"),                             \
        {"open", .type = T_CHOICE, .choices = "open|conditional|none", .zh = "开放属性", .en = "Openness"},  \
        TXT("open_condition_zh", false, 1000, "开放条件", "Condition of opening (zh)"),                      \
        TXT("open_condition_en", false, 1000, "开放条件(英文)", "Condition of opening (en)"),                \
        {"grade", .type = T_CHOICE, .choices = "L1|L2|L3|L4", .zh = "分级", .en = "Grade"},                  \
        TXT("cycle", false, 20, "更新周期", "Update cycle"),                                                 \
        {"modes", .type = T_LIST, .max = 5, .zh = "提供方式", .en = "Modes"},                                \
        TXT("subject", false, 40, "主体", "Subject"),                                                        \
        TXT("area_column", false, 40, "属地列", "Area column"),                                              \
        TXT("source_zh", false, 1000, "来源", "Source (zh)"),                                                \
        TXT("source_en", false, 1000, "来源(英文)", "Source (en)"),                                          \
        TXT("source_date", false, 30, "来源日期", "Date of the source"),                                     \
        TXT("licence", false, 100, "许可", "Licence"), YESNO("synthetic", false, "合成数据", "Synthetic"),   \
        NUM("seed", false, "种子", "Seed")

#define SHARE_TAKES                                                                                          \
    { "share", .type = T_INT, .min = 1, .max = 3, .zh = "共享类型", .en = "Share type" }
#define LISTS_TAKES                                                                                          \
    {"class_codes", .type = T_LIST, .max = 10, .zh = "分类", .en = "Classes"},                               \
        {"related", .type = T_LIST, .max = 50, .zh = "关联目录", .en = "Related data sets"},                 \
        {"notices", .type = T_LIST, .max = 20, .zh = "提示", .en = "Notices (keys of the pack's words)"},    \
        {"checks", .type = T_ITEMS, .max = 50, .zh = "质量规则", .en = "Quality rules"},                     \
        {"spatial", .type = T_ANY, .zh = "空间范围", .en = "Spatial"}, {                                     \
        "columns", .type = T_ITEMS, .max = CATALOG_COLUMNS_MAX, .of = column_takes, .zh = "列",              \
                   .en = "Columns"                                                                           \
    }

const struct field catalog_create_takes[] = {TXT("id", true, 60, "目录标识", "Id of the data set"),
                                             TXT("duty", false, 60, "所履行的责任", "Duty that it answers"),
                                             FACT_FIELDS,
                                             SHARE_TAKES,
                                             LISTS_TAKES,
                                             {0}};
const struct field catalog_edit_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set"},
    TXT("id", false, 60, "目录标识", "Id of the data set"),
    FACT_FIELDS,
    SHARE_TAKES,
    LISTS_TAKES,
    {0}};

static const struct field resource_gives[] = {TXT("id", true, 0, "资源标识", "Resource id"),
                                              TXT("kind", true, 0, "类型", "table, service or file"),
                                              TXT("title_zh", true, 0, "名称", "Title (zh)"),
                                              TXT("title_en", true, 0, "英文名称", "Title (en)"),
                                              TXT("state", true, 0, "状态", "ok, failed, untested"),
                                              TXT("format", true, 0, "格式", "Format"),
                                              NUM("rows", true, "行数", "Rows"),
                                              NUM("bytes", true, "字节数", "Bytes"),
                                              TXT("sm3", true, 0, "SM3 摘要", "SM3 digest"),
                                              TXT("file_name", true, 0, "文件名", "File name"),
                                              NUM("tested_ms", true, "测试时间", "Tested at"),
                                              NUM("loaded_ms", true, "装载时间", "Loaded at"),
                                              YESNO("test_ok", true, "测试通过", "Test passed"),
                                              YESNO("verify_only", true, "仅核验", "Verification only"),
                                              TXT("upstream", false, 0, "上游地址", "Upstream address"),
                                              TXT("test_note", false, 0, "测试说明", "Why the test failed"),
                                              {0}};
static const struct field resource_list_fields[] = {
    {"resources", .type = T_ITEMS, YES, .of = resource_gives, .zh = "挂接资源", .en = "Resources"}, {0}};
const struct shape catalog_resource_list_shape = {.name = "ResourceList", .fields = resource_list_fields};

static const struct field check_gives[] = {TXT("id", true, 0, "规则", "Rule"),
                                           TXT("zh", true, 0, "中文", "Chinese"),
                                           TXT("en", true, 0, "英文", "English"),
                                           TXT("column", true, 0, "列", "Column"),
                                           NUM("total", true, "检查数", "Checked"),
                                           NUM("bad", true, "不符数", "Bad"),
                                           {0}};
static const struct field quality_gives[] = {
    {"score", .type = T_NUMBER, .zh = "得分", .en = "Score, 0–100"},
    {"completeness", .type = T_NUMBER, .zh = "完整性", .en = "Completeness"},
    {"validity", .type = T_NUMBER, .zh = "有效性", .en = "Validity"},
    {"freshness", .type = T_NUMBER, .zh = "及时性", .en = "Freshness"},
    {"uniqueness", .type = T_NUMBER, .zh = "唯一性", .en = "Uniqueness"},
    {"checks", .type = T_ITEMS, YES, .of = check_gives, .zh = "规则结果", .en = "Results by rule"},
    NUM("measured_ms", true, "测量时间", "Measured at"),
    {0}};
static const struct field step_gives[] = {
    TXT("step", true, 0, "环节", "Step"),
    TXT("step_zh", true, 0, "中文", "Chinese"),
    TXT("step_en", true, 0, "英文", "English"),
    TXT("state", true, 0, "状态", "todo, done, returned"),
    NUM("by", true, "办理人", "Account"),
    TXT("by_name", true, 0, "办理人", "Who"),
    TXT("office", true, 0, "机构", "Office"),
    TXT("office_name", true, 0, "机构名称", "Name of the office"),
    NUM("at_ms", true, "办理时间", "When"),
    NUM("due_ms", true, "到期时间", "Due"),
    YESNO("certain", true, "工作日历可靠", "The calendar knows that year"),
    TXT("reason", true, 0, "理由", "Reason"),
    TXT("light", true, 0, "灯", "Light"),
    {0}};
static const struct field history_gives[] = {NUM("version", true, "版本", "Version"),
                                             NUM("edition", true, "期次", "Edition"),
                                             NUM("at_ms", true, "时间", "When"),
                                             TXT("by", false, 0, "谁", "Who"),
                                             TXT("verb", true, 0, "动作", "Verb"),
                                             NUM("entry", true, "存证", "Ledger entry"),
                                             {0}};
static const struct field class_gives[] = {TXT("code", true, 0, "分类代码", "Class code"),
                                           TXT("zh", true, 0, "中文", "Chinese"),
                                           TXT("en", true, 0, "英文", "English"),
                                           {0}};
static const struct field related_gives[] = {TXT("id", true, 0, "目录", "Data set"),
                                             TXT("title_zh", true, 0, "名称", "Title (zh)"),
                                             TXT("title_en", true, 0, "英文名称", "Title (en)"),
                                             {0}};

#define STATE_FIELDS                                                                                         \
    TXT("office_name", true, 0, "提供方名称", "Name of the office"), TXT("state", true, 0, "状态", "State"), \
        NUM("version", true, "版本", "Version for If-Match"), NUM("rows", true, "行数", "Rows"),             \
        NUM("published_ms", true, "发布时间", "Published"),                                                  \
        NUM("updated_ms", true, "更新时间", "Data put here"),                                                \
        NUM("data_ms", true, "数据时间", "How new the data say they are"),                                   \
        NUM("next_update_ms", false, "下次应更新", "Next update promised for"),                              \
        YESNO("stale", true, "逾期未更新", "Late"), {                                                        \
        "score", .type = T_NUMBER, .zh = "质量得分", .en = "Quality score"                                   \
    }

static const struct field dataset_gives[] = {
    TXT("id", true, 0, "目录标识", "Id"),
    FACT_FIELDS,
    NUM("share", true, "共享类型", "Share type"),
    STATE_FIELDS,
    NUM("edition", true, "期次", "Edition"),
    YESNO("live", true, "现行", "Live"),
    YESNO("personal", true, "含个人信息", "Personal data"),
    YESNO("verify_only", true, "仅核验", "Verification only"),
    {"class_codes", .type = T_ITEMS, YES, .of = class_gives, .zh = "分类", .en = "Classes"},
    {"spatial", .type = T_ANY, .zh = "空间范围", .en = "Spatial"},
    {"columns", .type = T_ITEMS, YES, .of = column_gives, .zh = "列", .en = "Columns"},
    {"resources", .type = T_ITEMS, YES, .of = resource_gives, .zh = "挂接资源", .en = "Resources"},
    {"quality", .type = T_OBJECT, .of = quality_gives, .zh = "质量", .en = "Quality"},
    {"steps", .type = T_ITEMS, .of = step_gives, .zh = "环节", .en = "Steps"},
    {"history", .type = T_ITEMS, YES, .of = history_gives, .zh = "历史", .en = "History"},
    {"related", .type = T_ITEMS, YES, .of = related_gives, .zh = "关联目录", .en = "Related"},
    {"notices", .type = T_ITEMS, YES, .of = catalog_word_fields, .zh = "提示", .en = "Notices"},
    {"may", .type = T_LIST, .zh = "可做", .en = "What the asker may do now"},
    {0}};
const struct shape catalog_dataset_shape = {.name = "Dataset", .fields = dataset_gives};

const struct field catalog_item_fields[] = {
    TXT("id", true, 0, "目录标识", "Id"),
    TXT("title_zh", true, 0, "名称", "Title (zh)"),
    TXT("title_en", true, 0, "英文名称", "Title (en)"),
    TXT("abstract_zh", true, 0, "摘要", "Abstract (zh)"),
    TXT("abstract_en", true, 0, "英文摘要", "Abstract (en)"),
    TXT("office", true, 0, "提供方", "Office"),
    NUM("share", true, "共享类型", "Share type"),
    TXT("open", true, 0, "开放属性", "Openness"),
    TXT("grade", true, 0, "分级", "Grade"),
    TXT("cycle", true, 0, "更新周期", "Cycle"),
    TXT("subject", true, 0, "主体", "Subject"),
    {"modes", .type = T_LIST, YES, .zh = "提供方式", .en = "Modes"},
    YESNO("synthetic", true, "合成数据", "Synthetic"),
    TXT("work_state", false, 0, "在编期次的状态", "State of the edition in the works"),
    NUM("resources_n", true, "资源数", "Resources"),
    {"kinds", .type = T_LIST, YES, .zh = "资源类型", .en = "Kinds of resources"},
    STATE_FIELDS,
    {0}};

#define FACET(name_, zh_, en_)                                                                               \
    { name_, .type = T_ITEMS, YES, .of = catalog_word_fields, .zh = zh_, .en = en_ }
static const struct field facet_fields[] = {
    FACET("office", "提供方", "Office"),       FACET("class", "分类", "Class"),
    FACET("share", "共享类型", "Share type"),  FACET("open", "开放属性", "Openness"),
    FACET("grade", "分级", "Grade"),           FACET("cycle", "更新周期", "Cycle"),
    FACET("subject", "主体", "Subject"),       FACET("state", "状态", "State"),
    FACET("resource", "资源类型", "Resource"), {0}};
static const struct field list_fields[] = {
    {"items", .type = T_ITEMS, YES, .of = catalog_item_fields, .zh = "目录", .en = "Data sets"},
    TXT("next", false, 0, "下一页", "Next page"),
    NUM("total", true, "总数", "Total"),
    {"facets", .type = T_OBJECT, YES, .of = facet_fields, .zh = "分面", .en = "Facets"},
    {0}};
const struct shape catalog_list_shape = {.name = "DatasetList", .fields = list_fields};

static const struct field written_fields[] = {
    TXT("id", true, 0, "目录", "Data set"),      TXT("state", true, 0, "状态", "State"),
    NUM("version", true, "版本", "Version"),     NUM("edition", true, "期次", "Edition"),
    NUM("entry", false, "存证", "Ledger entry"), {0}};
const struct shape catalog_written_shape = {.name = "DatasetWritten", .fields = written_fields};
static const struct field done_fields[] = {NUM("entry", false, "存证", "Ledger entry"), {0}};
const struct shape catalog_done_shape = {.name = "Done", .fields = done_fields};
