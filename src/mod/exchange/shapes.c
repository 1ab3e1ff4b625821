// SPDX-License-Identifier: MulanPSL-2.0
// What the routes of exchange give, as field tables: the OpenAPI schemas and the checks of the API tests.
#include "mod/exchange/shapes.h"

#define YES .required = true
#define TXT(name_, must_, zh_, en_)                                                                          \
    { name_, .type = T_TEXT, .required = must_, .zh = zh_, .en = en_ }
#define NUM(name_, must_, zh_, en_)                                                                          \
    { name_, .type = T_INT, .required = must_, .zh = zh_, .en = en_ }
#define BOOL(name_, must_, zh_, en_)                                                                         \
    { name_, .type = T_BOOL, .required = must_, .zh = zh_, .en = en_ }
#define MS(name_, must_, zh_, en_)                                                                           \
    { name_, .type = T_TIME, .required = must_, .zh = zh_, .en = en_ }
#define ITEMS(name_, must_, of_, zh_, en_)                                                                   \
    { name_, .type = T_ITEMS, .required = must_, .of = of_, .zh = zh_, .en = en_ }
#define NEXT  TXT("next", false, "下一页位置", "where the next page begins")
#define ENTRY NUM("entry", false, "存证序号", "ledger entry")

const struct field exchange_line_column_fields[] = {TXT("id", true, "列", "column"),
                                                    TXT("zh", true, "中文名", "Chinese name"),
                                                    TXT("en", true, "英文名", "English name"),
                                                    TXT("grade", false, "分级", "grade"),
                                                    NUM("share", false, "共享类型", "share type"),
                                                    TXT("mask", false, "脱敏方式", "mask"),
                                                    {0}};
const struct field exchange_filter_fields[] = {
    {"column", .type = T_TEXT, YES, .max = 100, .zh = "列", .en = "column"},
    {"op", .type = T_CHOICE, YES, .choices = "eq|in|gte|lte|prefix", .zh = "比较", .en = "comparison"},
    {"value", .type = T_ANY, .zh = "值", .en = "value"},
    {"values", .type = T_LIST, .min = 1, .max = 128, .zh = "多个值", .en = "values"},
    {0}};
static const struct field title_fields[] = {TXT("id", true, "目录", "data set"),
                                            TXT("title_zh", true, "名称", "title (zh)"),
                                            TXT("title_en", true, "英文名称", "title (en)"),
                                            {0}};

// --- applications ---
#define APPLICATION_FIELDS                                                                                   \
    TXT("id", true, "申请编号(全程编号)", "application, also the trace id"),                                 \
        TXT("title", true, "标题", "title"), TXT("office", true, "申请单位", "asking office"),               \
        TXT("office_name", true, "申请单位名称", "name of the asking office"),                               \
        TXT("matter", true, "事项", "matter"), TXT("matter_zh", true, "事项名称", "matter (zh)"),            \
        TXT("matter_en", true, "事项英文名", "matter (en)"), TXT("matter_name", true, "事项名称", "matter"), \
        TXT("state", true, "状态", "state"), NUM("lines_n", true, "数据集数", "lines"),                      \
        ITEMS("datasets", true, title_fields, "所申请的目录", "data sets asked for"),                        \
        MS("created_ms", true, "创建时间", "made"), MS("changed_ms", true, "最近变化", "last change"),       \
        MS("due_ms", false, "当前环节时限", "limit of the present step"),                                    \
        TXT("light", true, "时限灯", "light of the clock"), TXT("step", false, "当前环节", "present step"),  \
        TXT("step_zh", false, "当前环节", "present step (zh)"),                                              \
        TXT("step_en", false, "当前环节", "present step (en)"),                                              \
        BOOL("certain", false, "时限确定(工作日历已知)", "the limit is certain"),                            \
        NUM("version", true, "版本", "version")

static const struct field item_fields[] = {APPLICATION_FIELDS, {0}};
static const struct field list_fields[] = {
    ITEMS("items", true, item_fields, "申请", "applications"), NEXT, {0}};
static const struct field line_fields[] = {
    NUM("n", true, "序号", "number"),
    TXT("dataset", true, "目录", "data set"),
    TXT("title_zh", true, "名称", "title (zh)"),
    TXT("title_en", true, "英文名称", "title (en)"),
    TXT("resource", false, "服务资源", "service resource"),
    ITEMS("columns", true, exchange_line_column_fields, "列", "columns"),
    ITEMS("filter", true, exchange_filter_fields, "行范围", "row filter"),
    TXT("provider", true, "数源部门", "provider"),
    TXT("provider_name", true, "数源部门名称", "name of the provider"),
    TXT("state", true, "状态", "state"),
    BOOL("consent", false, "同意", "consents"),
    NUM("quota_per_day", false, "每日配额", "calls a day"),
    NUM("rate_per_s", false, "每秒上限", "calls a second"),
    TXT("reason", false, "理由", "reason"),
    TXT("condition", false, "条件", "condition"),
    NUM("grant", false, "授权", "grant"),
    {0}};
static const struct field step_fields[] = {
    NUM("n", true, "序号", "number"),
    NUM("line", false, "所属数据集序号", "line"),
    TXT("step", true, "环节", "step"),
    TXT("step_zh", true, "环节名称", "step (zh)"),
    TXT("step_en", true, "环节英文名", "step (en)"),
    TXT("office", true, "机构", "office"),
    TXT("office_name", true, "机构名称", "name of the office"),
    TXT("role", true, "角色", "role"),
    TXT("state", true, "状态", "state"),
    MS("opened_ms", true, "开始", "opened"),
    NUM("by", false, "办理人", "account"),
    TXT("by_name", false, "办理人名称", "name of who did it"),
    MS("at_ms", false, "办理时间", "done"),
    MS("due_ms", false, "时限", "limit"),
    BOOL("certain", true, "时限确定(工作日历已知)", "the limit is certain"),
    NUM("extended_wd", false, "已延长工作日", "working days extended"),
    TXT("light", true, "时限灯", "light of the clock"),
    TXT("reason", false, "理由", "reason"),
    ENTRY,
    {0}};
static const struct field application_fields[] = {
    APPLICATION_FIELDS,
    TXT("office_asked", false, "原申请单位", "office that asked, before a hand-over"),
    TXT("office_asked_name", false, "原申请单位名称", "its name of that day"),
    TXT("by_name", false, "经办人", "who compiled it"),
    TXT("legal_basis", true, "法律依据", "legal basis"),
    TXT("purpose", true, "用途", "purpose"),
    TXT("system", true, "使用系统", "system"),
    TXT("system_name", true, "使用系统名称", "name of the system"),
    NUM("period_days", true, "使用期限(天)", "days of use"),
    NUM("quota_per_day", true, "每日调用量", "calls a day"),
    TXT("need_by", false, "需用日期", "needed by"),
    ITEMS("lines", true, line_fields, "申请的数据集", "lines"),
    ITEMS("steps", true, step_fields, "办理环节", "steps"),
    {"may", .type = T_LIST, YES, .zh = "本人现在可办", .en = "what I may do now"},
    ENTRY,
    {0}};
static const struct field cart_item_fields[] = {
    TXT("dataset", true, "目录", "data set"),
    TXT("title_zh", true, "名称", "title (zh)"),
    TXT("title_en", true, "英文名称", "title (en)"),
    TXT("office", true, "数源部门", "provider"),
    TXT("office_name", true, "数源部门名称", "name of the provider"),
    NUM("share", true, "共享类型", "share type"),
    {"columns", .type = T_LIST, YES, .zh = "列", .en = "columns"},
    {0}};
static const struct field cart_fields[] = {
    ITEMS("items", true, cart_item_fields, "数据篮", "cart"), ENTRY, {0}};
const struct shape exchange_application_shape = {"Application", application_fields, NULL},
                   exchange_application_list_shape = {"ApplicationList", list_fields, NULL},
                   exchange_cart_shape = {"Cart", cart_fields, NULL};

// --- grants ---
static const struct field key_fields[] = {NUM("id", true, "密钥编号", "key"),
                                          TXT("prefix", true, "密钥前缀", "what is shown of the key"),
                                          MS("made_ms", true, "创建时间", "made"),
                                          MS("last_ms", false, "最近使用", "last used"),
                                          MS("ended_ms", false, "停用时间", "ended"),
                                          TXT("state", true, "状态", "state"),
                                          {0}};
static const struct field grant_fields[] = {
    NUM("id", true, "授权编号", "grant"),
    TXT("application", true, "申请编号", "application"),
    NUM("line", true, "申请中的序号", "line of the application"),
    TXT("dataset", true, "目录", "data set"),
    TXT("title_zh", true, "名称", "title (zh)"),
    TXT("title_en", true, "英文名称", "title (en)"),
    TXT("office", true, "使用单位", "office"),
    TXT("office_name", true, "使用单位名称", "name of the office"),
    TXT("provider", true, "数源部门", "provider"),
    TXT("provider_name", true, "数源部门名称", "name of the provider"),
    TXT("system", true, "系统", "system"),
    TXT("system_name", true, "系统名称", "name of the system"),
    TXT("matter", true, "事项", "matter"),
    TXT("matter_name", true, "事项名称", "name of the matter"),
    TXT("resource", false, "服务资源", "service resource"),
    ITEMS("columns", true, exchange_line_column_fields, "列", "columns"),
    ITEMS("filter", true, exchange_filter_fields, "行范围", "row filter"),
    BOOL("verify_only", true, "只核验", "verifies only"),
    NUM("quota_per_day", true, "每日配额", "calls a day"),
    NUM("rate_per_s", true, "每秒上限", "calls a second"),
    NUM("used_today", true, "今日已用", "used today"),
    NUM("used_total", true, "累计使用", "used in all"),
    MS("valid_from_ms", true, "生效", "valid from"),
    MS("valid_to_ms", true, "到期", "valid to"),
    TXT("state", true, "状态", "state"),
    TXT("reason", false, "理由", "reason"),
    ITEMS("keys", true, key_fields, "密钥", "keys"),
    {"may", .type = T_LIST, YES, .zh = "本人现在可办", .en = "what I may do now"},
    NUM("version", true, "版本", "version"),
    ENTRY,
    {0}};
static const struct field grant_list_fields[] = {
    ITEMS("items", true, grant_fields, "授权", "grants"), NEXT, {0}};
static const struct field key_made_fields[] = {NUM("id", true, "密钥编号", "key"),
                                               TXT("key", true, "密钥，只显示一次", "the key, shown once"),
                                               ENTRY,
                                               {0}};
static const struct field call_fields[] = {TXT("trace", true, "全程编号", "trace id"),
                                           MS("time_ms", true, "时间", "time"),
                                           NUM("key", true, "密钥", "key"),
                                           TXT("kind", false, "方式", "kind"),
                                           TXT("system", false, "系统", "system"),
                                           TXT("matter", false, "事项", "matter"),
                                           TXT("case_no", false, "办件编号", "case number"),
                                           TXT("operator", false, "经办人", "operator"),
                                           NUM("rows", true, "行数", "rows"),
                                           NUM("bytes", true, "字节数", "bytes"),
                                           TXT("fields", false, "列", "columns"),
                                           NUM("status", true, "状态码", "status"),
                                           NUM("entry", true, "存证序号", "ledger entry"),
                                           {0}};
static const struct field call_list_fields[] = {
    ITEMS("items", true, call_fields, "调用", "calls"), NEXT, {0}};
static const struct field meter_item_fields[] = {
    TXT("key", true, "日期、目录或机构", "day, data set or office"),
    TXT("day", false, "日期", "day"),
    TXT("dataset", false, "目录", "data set"),
    TXT("title_zh", false, "名称", "title (zh)"),
    TXT("title_en", false, "英文名称", "title (en)"),
    TXT("office", false, "机构", "office"),
    TXT("office_name", false, "机构名称", "name of the office"),
    NUM("calls", true, "调用次数", "calls"),
    NUM("rows", true, "行数", "rows"),
    NUM("bytes", true, "字节数", "bytes"),
    {0}};
static const struct field meter_fields[] = {ITEMS("items", true, meter_item_fields, "用量", "use"), {0}};
const struct shape exchange_grant_shape = {"Grant", grant_fields, NULL},
                   exchange_grant_list_shape = {"GrantList", grant_list_fields, NULL},
                   exchange_key_shape = {"KeyMade", key_made_fields, NULL},
                   exchange_call_list_shape = {"CallList", call_list_fields, NULL},
                   exchange_meter_shape = {"Meter", meter_fields, NULL};

// --- trace, work list ---
static const struct field node_fields[] = {TXT("kind", true, "类别", "kind"),
                                           TXT("id", true, "节点", "node"),
                                           TXT("title_zh", true, "名称", "title (zh)"),
                                           TXT("title_en", true, "英文名称", "title (en)"),
                                           MS("at_ms", false, "时间", "time"),
                                           MS("due_ms", false, "时限", "limit"),
                                           TXT("by", false, "办理人", "who"),
                                           TXT("office", false, "机构", "office"),
                                           TXT("office_name", false, "机构名称", "name of the office"),
                                           TXT("state", false, "状态", "state"),
                                           TXT("light", false, "时限灯", "light"),
                                           TXT("reason", false, "理由", "reason"),
                                           TXT("link", false, "页面", "page"),
                                           ENTRY,
                                           {0}};
static const struct field edge_fields[] = {TXT("from", true, "自", "from"), TXT("to", true, "至", "to"), {0}};
static const struct field by_day_fields[] = {TXT("day", true, "日期", "day"),
                                             NUM("n", true, "调用次数", "calls"),
                                             NUM("rows", true, "行数", "rows"),
                                             {0}};
static const struct field trace_calls_fields[] = {NUM("n", true, "调用次数", "calls"),
                                                  NUM("rows", true, "行数", "rows"),
                                                  MS("first_ms", false, "首次", "first"),
                                                  MS("last_ms", false, "最近", "last"),
                                                  ITEMS("by_day", true, by_day_fields, "按日", "by day"),
                                                  {0}};
static const struct field trace_fields[] = {
    TXT("id", true, "全程编号", "trace id"),
    TXT("asked", true, "所查编号", "what was asked for"),
    TXT("application", true, "申请编号", "application"),
    TXT("dataset", false, "目录", "data set"),
    ITEMS("nodes", true, node_fields, "节点", "nodes"),
    ITEMS("edges", true, edge_fields, "连线", "edges"),
    {"calls", .type = T_OBJECT, YES, .of = trace_calls_fields, .zh = "调用", .en = "calls"},
    {0}};
static const struct field task_fields[] = {
    TXT("kind", true, "类别", "kind"),
    TXT("id", true, "编号", "id"),
    TXT("title", true, "标题", "title"),
    TXT("title_zh", true, "标题", "title (zh)"),
    TXT("title_en", true, "英文标题", "title (en)"),
    TXT("step", true, "环节", "step"),
    TXT("step_zh", true, "环节名称", "step (zh)"),
    TXT("step_en", true, "环节英文名", "step (en)"),
    NUM("line", false, "申请中的序号", "line"),
    MS("due_ms", false, "时限", "limit"),
    BOOL("certain", true, "时限确定(工作日历已知)", "the limit is certain"),
    TXT("light", true, "时限灯", "light of the clock"),
    TXT("link", true, "页面", "page"),
    {0}};
static const struct field counts_fields[] = {NUM("todo", true, "待办", "to do"),
                                             NUM("overdue", true, "超期", "overdue"),
                                             NUM("soon", true, "临期", "due soon"),
                                             {0}};
static const struct field todo_fields[] = {
    ITEMS("items", true, task_fields, "待办", "tasks"),
    {"counts", .type = T_OBJECT, YES, .of = counts_fields, .zh = "计数", .en = "counts"},
    {0}};
const struct shape exchange_trace_shape = {"Trace", trace_fields, NULL},
                   exchange_todo_shape = {"Todo", todo_fields, NULL};
