// SPDX-License-Identifier: MulanPSL-2.0
// Speaks: offices with their history, hand-overs (one person asks, another confirms), and registered systems. Offices
// are open data and read by everyone; what changes one is the data authority's, and for a hand-over two persons'.
#include "mod/people/own.h"
#include <inttypes.h>

// The fields of one office, the same in lists and alone.
static void office_write(struct cx *cx, const struct office *o) {
    struct jw *w = &cx->w;
    jw_ntext(w, "id", o->o.id);
    jw_ntext(w, "name", o->o.name);
    jw_ntext(w, "name_en", o->o.name_en);
    jw_ntext(w, "short", o->o.brief);
    if (o->o.uscc.p) jw_ntext(w, "uscc", o->o.uscc);
    jw_ntext(w, "kind", o->o.kind);
    jw_nint(w, "level", o->o.level);
    jw_ntext(w, "area", o->o.area);
    jw_ntext(w, "parent", o->o.parent);
    jw_ntext(w, "parent_name", o->parent_name);
    jw_ntext(w, "line", o->o.line);
    jw_ntext(w, "line_name", o->line_name);
    jw_ntext(w, "valid_from", o->o.valid_from);
    jw_ntext(w, "valid_to", o->o.valid_to);
    jw_ntext(w, "successor", o->o.successor);
    words_write(cx, "roles", o->o.roles);
    if (o->note.p) jw_ntext(w, "note", o->note);
    jw_nint(w, "version", o->o.version);
}

static int get_offices(struct cx *cx) {
    struct jw *w = &cx->w;
    int64_t limit = cx_limit(cx, 100, 500), n = 0;
    struct str after = cx_after(cx), last = STR_NONE, area = cx_text(cx, "area");
    struct str real = area.p ? people_area_resolve(cx, area) : STR_NONE;
    bool more = false;
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    struct stmt *s =
        store_query(cx->db, Q_people_offices, "ssssi", after.p ? after : S(""), cx_text(cx, "kind"),
                    real.p ? real : area, like_pattern(cx, cx_text(cx, "q"), false), limit + 1);
    while (store_next(s)) {
        if (n++ == limit) {
            more = true;
            break;
        }
        struct office o;
        office_row(cx, s, &o);
        last = o.o.id;
        jw_object(w);
        office_write(cx, &o);
        jw_object_end(w);
    }
    int code = store_done(s, &cx->err);
    jw_array_end(w);
    if (more) cx_next(cx, last);
    jw_object_end(w);
    return code;
}

// The names of one office, oldest first; a name ends where the next begins, the last one with the office.
static int names_write(struct cx *cx, struct str id, struct str ends) {
    struct jw *w = &cx->w;
    struct str name = STR_NONE;
    int64_t from = 0;
    struct stmt *s = store_query(cx->db, Q_people_office_names, "s", id);
    for (bool has = true; has;) {
        has = store_next(s);
        int64_t next = has ? store_int(s, 1) : 0;
        if (name.p) {
            jw_object(w);
            jw_ntext(w, "office", id);
            jw_ntext(w, "name", name);
            jw_ntext(w, "valid_from", from ? people_day(cx, from) : STR_NONE);
            jw_ntext(w, "valid_to", has ? people_day(cx, next) : ends);
            jw_object_end(w);
        }
        if (has) name = store_str(s, 0, cx->mem);
        from = next;
    }
    return store_done(s, &cx->err);
}

struct before {
    struct str id, name, ends;
};

// Predecessors' names first, then its own: the line of names under which this work was done.
static int history_write(struct cx *cx, const struct office *o) {
    struct jw *w = &cx->w;
    struct before found[32];
    int n = 0;
    struct stmt *s = store_query(cx->db, Q_people_office_predecessors, "s", o->o.id);
    while (n < 32 && store_next(s))
        found[n++] =
            (struct before){store_str(s, 0, cx->mem), store_str(s, 1, cx->mem), store_str(s, 2, cx->mem)};
    int code = store_done(s, &cx->err);
    jw_name(w, "predecessors");
    jw_array(w);
    for (int i = 0; i < n; i++) {
        jw_object(w);
        jw_ntext(w, "id", found[i].id);
        jw_ntext(w, "name", found[i].name);
        jw_ntext(w, "valid_to", found[i].ends);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_name(w, "history");
    jw_array(w);
    for (int i = 0; i < n && code == OK; i++)
        code = names_write(cx, found[i].id, found[i].ends);
    if (code == OK) code = names_write(cx, o->o.id, o->o.valid_to);
    jw_array_end(w);
    return code;
}

// The hand-over that is under way or was done; only people with a log-in see who asked and confirmed.
static int succession_write(struct cx *cx, struct str id) {
    struct jw *w = &cx->w;
    struct succession s;
    int code = succession_read(cx, Q_people_succession_last, id, &s);
    if (code != OK) return code == ERR_not_found ? OK : code;
    jw_name(w, "succession");
    jw_object(w);
    jw_ntext(w, "successor", s.successor);
    jw_ntext(w, "successor_name", people_office_name(cx, s.successor, 0));
    jw_ntext(w, "date", s.day);
    jw_ntext(w, "basis", s.basis);
    jw_ntext(w, "state", s.state);
    jw_nint(w, "asked_by", s.asked_by);
    jw_ntext(w, "asked_by_name", people_account_name(cx, s.asked_by));
    jw_nint(w, "asked_ms", s.asked_ms);
    if (s.confirmed_by) {
        jw_nint(w, "confirmed_by", s.confirmed_by);
        jw_ntext(w, "confirmed_by_name", people_account_name(cx, s.confirmed_by));
        jw_nint(w, "confirmed_ms", s.confirmed_ms);
    }
    if (s.applied_ms) jw_nint(w, "applied_ms", s.applied_ms);
    jw_nbool(w, "may_confirm",
             str_eq(s.state, S("waiting")) && s.asked_by != cx->who.account &&
                 cx_is(cx, R_(AUTHORITY) | R_(SECADMIN)));
    jw_object_end(w);
    return cx->err.code;
}

// Anyone may read an office; how many people it has and who asked for its end is for those with a log-in.
static int get_office(struct cx *cx) {
    struct str id = cx_text(cx, "id");
    struct office o;
    int code = missing(cx, office_read(cx, id, &o), "id", id);
    if (code != OK) return code;
    cx_etag(cx, o.o.version);
    jw_object(&cx->w);
    office_write(cx, &o);
    code = history_write(cx, &o);
    if (code == OK && cx->who.account) {
        struct stmt *s = store_query(cx->db, Q_people_office_accounts_n, "s", id);
        jw_nint(&cx->w, "accounts_n", store_next(s) ? store_int(s, 0) : 0);
        code = store_done(s, &cx->err);
        if (code == OK) code = succession_write(cx, id);
    }
    jw_object_end(&cx->w);
    return code;
}

static int said(struct cx *cx, const char *state) {
    jw_object(&cx->w);
    jw_ntext(&cx->w, "state", str_of(state));
    jw_object_end(&cx->w);
    return OK;
}

static int post_succession(struct cx *cx) {
    int code = succession_ask(cx, cx_text(cx, "id"), cx_text(cx, "successor"), cx_text(cx, "date"),
                              cx_text(cx, "basis"));
    if (code == OK) cx_status(cx, 201);
    return code == OK ? said(cx, "waiting") : code;
}

static int post_succession_confirm(struct cx *cx) {
    bool applied;
    int code = succession_confirm(cx, cx_text(cx, "id"), &applied);
    return code == OK ? said(cx, applied ? "applied" : "confirmed") : code;
}

static int delete_succession(struct cx *cx) {
    int code = succession_drop(cx, cx_text(cx, "id"));
    return code == OK ? said(cx, "dropped") : code;
}

static int post_rename(struct cx *cx) {
    int code = office_rename(cx, cx_text(cx, "id"), cx_text(cx, "name"), cx_text(cx, "name_en"),
                             cx_text(cx, "short"), cx_text(cx, "date"), cx_text(cx, "basis"));
    return code == OK ? said(cx, "renamed") : code;
}

static void system_write(struct cx *cx, struct stmt *s) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "id", store_str(s, 0, NULL));
    jw_ntext(w, "name", store_str(s, 1, NULL));
    jw_ntext(w, "office", store_str(s, 2, NULL));
    jw_ntext(w, "office_name", store_str(s, 3, NULL));
    jw_ntext(w, "state", store_str(s, 4, NULL));
    jw_nint(w, "version", store_int(s, 5));
    jw_object_end(w);
}

// One's own office's systems; the authority, which judges applications, sees all of them.
static int get_systems(struct cx *cx) {
    struct jw *w = &cx->w;
    int64_t limit = cx_limit(cx, 100, 500), n = 0;
    struct str after = cx_after(cx), last = STR_NONE;
    bool more = false, all = cx_is(cx, R_(AUTHORITY) | R_(REVIEWER));
    if (!after.p) after = S("");
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    struct stmt *s = all ? store_query(cx->db, Q_people_systems, "si", after, limit + 1)
                         : store_query(cx->db, Q_people_systems_of, "ssi", cx->who.office, after, limit + 1);
    while (store_next(s)) {
        if (n++ == limit) {
            more = true;
            break;
        }
        last = store_str(s, 0, cx->mem);
        system_write(cx, s);
    }
    int code = store_done(s, &cx->err);
    jw_array_end(w);
    if (more) cx_next(cx, last);
    jw_object_end(w);
    return code;
}

static int post_system(struct cx *cx) {
    struct str office = cx_text(cx, "office");
    int code = system_create(cx, cx_text(cx, "id"), cx_text(cx, "name"), office.p ? office : cx->who.office);
    if (code == OK) cx_status(cx, 201);
    return code == OK ? said(cx, "active") : code;
}

static int patch_system(struct cx *cx) {
    int64_t version;
    int code = system_change(cx, cx_text(cx, "id"), &version);
    if (code != OK) return code;
    cx_etag(cx, version);
    return said(cx, "changed");
}

static const struct field takes_offices[] = {
    {"q", IN_QUERY, T_TEXT, .max = PEOPLE_NAME_MAX, .zh = "名称(含曾用名)、简称或标识",
     .en = "name (also a former one), short name or id"},
    {"kind", IN_QUERY, T_TEXT, .max = PEOPLE_LOGIN_MAX, .zh = "类别", .en = "kind"},
    {"area", IN_QUERY, T_TEXT, .max = 12, .zh = "属地", .en = "area"},
    {"limit", IN_QUERY, T_INT, .min = 1, .max = 500, .zh = "每页条数", .en = "rows per page"},
    {"after", IN_QUERY, T_TEXT, .max = 200, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
#define OFFICE_ID                                                                                            \
    { "id", IN_PATH, T_TEXT, true, 1, PEOPLE_LOGIN_MAX, .zh = "机构标识", .en = "office id" }
static const struct field takes_office[] = {OFFICE_ID, {0}};
static const struct field takes_succession[] = {
    OFFICE_ID,
    {"successor", IN_BODY, T_TEXT, true, 1, PEOPLE_LOGIN_MAX, .zh = "承接机构", .en = "successor"},
    {"date", IN_BODY, T_DATE, true, .zh = "撤并日期(自该日起由承接机构负责)",
     .en = "first day of the successor"},
    {"basis", IN_BODY, T_TEXT, true, 2, 300, .zh = "依据", .en = "legal basis"},
    {0},
};
static const struct field takes_rename[] = {
    OFFICE_ID,
    {"name", IN_BODY, T_TEXT, true, 2, PEOPLE_NAME_MAX, .zh = "新名称", .en = "new name"},
    {"name_en", IN_BODY, T_TEXT, .min = 2, .max = 200, .zh = "新英文名", .en = "new English name"},
    {"short", IN_BODY, T_TEXT, .min = 1, .max = 20, .zh = "新简称", .en = "new short name"},
    {"date", IN_BODY, T_DATE, true, .zh = "更名日期", .en = "first day of the name"},
    {"basis", IN_BODY, T_TEXT, true, 2, 300, .zh = "依据", .en = "legal basis"},
    {0},
};
static const struct field takes_systems[] = {
    {"limit", IN_QUERY, T_INT, .min = 1, .max = 500, .zh = "每页条数", .en = "rows per page"},
    {"after", IN_QUERY, T_TEXT, .max = 200, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
static const struct field takes_system_new[] = {
    {"id", IN_BODY, T_TEXT, true, 2, PEOPLE_LOGIN_MAX, .zh = "系统标识", .en = "system id"},
    {"name", IN_BODY, T_TEXT, true, 1, PEOPLE_NAME_MAX, .zh = "系统名称", .en = "name of the system"},
    {"office", IN_BODY, T_TEXT, .min = 1, .max = PEOPLE_LOGIN_MAX, .zh = "机构,只能是本机构",
     .en = "office: one's own"},
    {0},
};
static const struct field takes_system[] = {
    {"id", IN_PATH, T_TEXT, true, 2, PEOPLE_LOGIN_MAX, .zh = "系统标识", .en = "system id"},
    {"name", IN_BODY, T_TEXT, .min = 1, .max = PEOPLE_NAME_MAX, .zh = "系统名称", .en = "name of the system"},
    {"state", IN_BODY, T_CHOICE, .choices = "active|ended", .zh = "状态", .en = "state"},
    {0},
};
#define OFFICE_FIELDS                                                                                        \
    {"id", .type = T_TEXT, .required = true, .zh = "机构标识", .en = "id"},                                  \
        {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},                              \
        {"name_en", .type = T_TEXT, .required = true, .zh = "英文名", .en = "English name"},                 \
        {"short", .type = T_TEXT, .required = true, .zh = "简称", .en = "short name"},                       \
        {"uscc", .type = T_TEXT, .zh = "统一社会信用代码", .en = "unified social credit code"},              \
        {"kind", .type = T_TEXT, .required = true, .zh = "类别", .en = "kind"},                              \
        {"level", .type = T_INT, .required = true, .zh = "层级", .en = "level"},                             \
        {"area", .type = T_TEXT, .required = true, .zh = "属地", .en = "area"},                              \
        {"parent", .type = T_TEXT, .zh = "上级机构(块)", .en = "superior by government"},                    \
        {"parent_name", .type = T_TEXT, .zh = "上级机构名称", .en = "name of the superior"},                 \
        {"line", .type = T_TEXT, .zh = "业务指导机构(条)", .en = "superior by profession"},                  \
        {"line_name", .type = T_TEXT, .zh = "业务指导机构名称", .en = "name of the superior by profession"}, \
        {"valid_from", .type = T_TEXT, .zh = "生效", .en = "valid from"},                                    \
        {"valid_to", .type = T_TEXT, .zh = "失效(该日起无效)", .en = "first day of no validity"},            \
        {"successor", .type = T_TEXT, .zh = "承接机构", .en = "successor"},                                  \
        {"roles", .type = T_LIST, .required = true, .zh = "S 数源 D 需求 A 主管 V 垂管",                     \
         .en = "S source, D demand, A authority, V vertical"},                                               \
        {"note", .type = T_TEXT, .zh = "说明", .en = "note"}, {                                              \
        "version", .type = T_INT, .required = true, .zh = "版本", .en = "version"                            \
    }

static const struct field office_fields[] = {OFFICE_FIELDS, {0}};
static const struct field offices_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = office_fields, .zh = "机构", .en = "offices"},
    {"next", .type = T_TEXT, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
static const struct field before_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "机构标识", .en = "id"},
    {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},
    {"valid_to", .type = T_TEXT, .zh = "失效", .en = "valid to"},
    {0},
};
static const struct field history_fields[] = {
    {"office", .type = T_TEXT, .required = true, .zh = "机构标识", .en = "office"},
    {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},
    {"valid_from", .type = T_TEXT, .zh = "自", .en = "from"},
    {"valid_to", .type = T_TEXT, .zh = "至", .en = "to"},
    {0},
};
static const struct field succession_fields[] = {
    {"successor", .type = T_TEXT, .required = true, .zh = "承接机构", .en = "successor"},
    {"successor_name", .type = T_TEXT, .required = true, .zh = "承接机构名称", .en = "name of the successor"},
    {"date", .type = T_TEXT, .required = true, .zh = "日期", .en = "date"},
    {"basis", .type = T_TEXT, .required = true, .zh = "依据", .en = "legal basis"},
    {"state", .type = T_TEXT, .required = true, .zh = "状态", .en = "state"},
    {"asked_by", .type = T_INT, .required = true, .zh = "申请人", .en = "who asked"},
    {"asked_by_name", .type = T_TEXT, .zh = "申请人名称", .en = "name of who asked"},
    {"asked_ms", .type = T_TIME, .required = true, .zh = "申请时间", .en = "when it was asked"},
    {"confirmed_by", .type = T_INT, .zh = "确认人", .en = "who confirmed"},
    {"confirmed_by_name", .type = T_TEXT, .zh = "确认人名称", .en = "name of who confirmed"},
    {"confirmed_ms", .type = T_TIME, .zh = "确认时间", .en = "when it was confirmed"},
    {"applied_ms", .type = T_TIME, .zh = "执行时间", .en = "when it was carried out"},
    {"may_confirm", .type = T_BOOL, .required = true, .zh = "本人可确认", .en = "I may confirm"},
    {0},
};
static const struct field office_whole_fields[] = {
    OFFICE_FIELDS,
    {"predecessors", .type = T_ITEMS, .required = true, .of = before_fields, .zh = "前身",
     .en = "predecessors"},
    {"history", .type = T_ITEMS, .required = true, .of = history_fields, .zh = "沿革",
     .en = "history of names"},
    {"accounts_n", .type = T_INT, .zh = "在用账号数", .en = "active accounts"},
    {"succession", .type = T_OBJECT, .of = succession_fields, .zh = "撤并承接", .en = "hand-over"},
    {0},
};
static const struct field state_fields[] = {
    {"state", .type = T_TEXT, .required = true, .zh = "状态", .en = "state"},
    {"entry", .type = T_INT, .zh = "存证序号", .en = "ledger entry"},
    {0},
};
static const struct field system_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "系统标识", .en = "id"},
    {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},
    {"office", .type = T_TEXT, .required = true, .zh = "机构", .en = "office"},
    {"office_name", .type = T_TEXT, .zh = "机构名称", .en = "name of the office"},
    {"state", .type = T_TEXT, .required = true, .zh = "状态", .en = "state"},
    {"version", .type = T_INT, .required = true, .zh = "版本", .en = "version"},
    {0},
};
static const struct field systems_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = system_fields, .zh = "系统", .en = "systems"},
    {"next", .type = T_TEXT, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
static const struct shape gives_offices = {"office_list", offices_fields, NULL},
                          gives_office = {"office", office_whole_fields, NULL},
                          gives_state = {"people_state", state_fields, NULL},
                          gives_systems = {"system_list", systems_fields, NULL};

#define R_REGISTERS (R_(APPLICANT) | R_(UNIT_HEAD) | R_(STEWARD))
const struct route people_office_routes[] = {
    {"GET", "/api/v1/offices", ROUTE_READ, R_PUBLIC, takes_offices, &gives_offices, NULL, 0, 0, get_offices,
     "机构列表", "List offices", "catalog:read"},
    {"GET", "/api/v1/offices/{id}", ROUTE_READ, R_PUBLIC, takes_office, &gives_office, NULL, 0, 0, get_office,
     "一个机构及其沿革", "One office and its history", "catalog:read"},
    {"POST", "/api/v1/offices/{id}/rename", ROUTE_WRITE, R_(AUTHORITY), takes_rename, &gives_state,
     "office.rename", 4096, ROUTE_NEEDS_MATCH, post_rename, "机构更名", "Rename an office", NULL},
    {"POST", "/api/v1/offices/{id}/succession", ROUTE_WRITE, R_(AUTHORITY), takes_succession, &gives_state,
     "office.succession.ask", 4096, 0, post_succession, "申请机构撤并承接", "Ask for a hand-over", NULL},
    {"POST", "/api/v1/offices/{id}/succession/confirm", ROUTE_WRITE, R_(AUTHORITY) | R_(SECADMIN),
     takes_office, &gives_state, "office.succession.confirm", 4096, 0, post_succession_confirm,
     "由第二人确认撤并承接", "Confirm a hand-over, by a second person", NULL},
    {"DELETE", "/api/v1/offices/{id}/succession", ROUTE_WRITE, R_(AUTHORITY) | R_(SECADMIN), takes_office,
     &gives_state, "office.succession.drop", 0, 0, delete_succession, "撤回撤并承接", "Drop a hand-over",
     NULL},
    {"GET", "/api/v1/systems", ROUTE_READ, R_ALL_OFFICE, takes_systems, &gives_systems, NULL, 0, 0,
     get_systems, "登记的业务系统", "Registered systems", NULL},
    {"POST", "/api/v1/systems", ROUTE_WRITE, R_REGISTERS, takes_system_new, &gives_state, "system.create",
     4096, 0, post_system, "登记业务系统", "Register a system", NULL},
    {"PATCH", "/api/v1/systems/{id}", ROUTE_WRITE, R_REGISTERS, takes_system, &gives_state, "system.change",
     4096, ROUTE_NEEDS_MATCH, patch_system, "修改或停用业务系统", "Change or end a system", NULL},
    {0},
};
