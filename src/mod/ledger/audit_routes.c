// SPDX-License-Identifier: MulanPSL-2.0
// Speaks: how the self-audit stands, for everybody; what it found, for those who have to act on it; a round begun by day,
// and an alarm ended by an auditor's note, which is an act like any other.
#include "mod/ledger/audit.h"

#define R_AUDIT_READERS (R_ADMINS | R_(AUTHORITY))

void audit_write(struct cx *cx, const struct audit *a, bool with_faults) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_nbool(w, "is_running", a->started_ms > a->done_ms);
    jw_nint(w, "started_ms", a->started_ms);
    jw_nint(w, "at", a->at);
    jw_nint(w, "size", a->size);
    jw_nint(w, "done_ms", a->done_ms);
    jw_nint(w, "done_size", a->done_size);
    jw_nint(w, "done_faults", a->done_faults);
    jw_nint(w, "alarm_ms", a->alarm_ms);
    jw_nint(w, "alarm_n", a->alarm_n);
    if (with_faults) {
        jw_name(w, "faults");
        jw_raw(w, a->alarm_ms ? a->alarm : a->faults);
        jw_nbool(w, "may_clear", a->alarm_ms != 0 && cx_is(cx, R_(AUDITOR)));
    }
    jw_object_end(w);
}

static int show(struct cx *cx) {
    struct audit *a = arena_take(cx->mem, sizeof *a);
    if (!a) return cx_fail(cx, ERR_no_memory, "", "audit");
    int code = audit_read(cx, a);
    if (code == OK) audit_write(cx, a, true);
    return code;
}

static int post_audit(struct cx *cx) {
    int code = checkpoint_sign(cx);
    if (code == OK) code = audit_begin(cx);
    return code == OK ? show(cx) : code;
}

static int post_clear(struct cx *cx) {
    struct audit *a = arena_take(cx->mem, sizeof *a);
    int64_t changed = 0;
    if (!a) return cx_fail(cx, ERR_no_memory, "", "audit");
    int code = audit_read(cx, a);
    if (code == OK) code = store_exec(cx->db, &changed, &cx->err, Q_ledger_audit_calm, "");
    if (code != OK) return code;
    if (!changed) return cx_fail(cx, ERR_wrong_step, "alarm", "alarm");
    struct buf b = buf_new(cx->mem, 512, 60000);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_name(&w, "faults");
    jw_raw(&w, a->alarm);
    jw_ntext(&w, "note", cx_text(cx, "note"));
    jw_object_end(&w);
    cx_act(cx, "ledger", S("audit"))->detail = buf_str(&b);
    return show(cx);
}

#define INT(id, chinese, english)                                                                            \
    { id, .type = T_INT, .required = true, .zh = chinese, .en = english }
#define AUDIT_FIELDS                                                                                         \
    {"is_running", .type = T_BOOL, .required = true, .zh = "正在进行", .en = "a round is under way"},        \
        INT("started_ms", "本轮开始", "the round began"), INT("at", "已查到的序号", "looked at so far"),     \
        INT("size", "本轮条数", "entries of the round"), INT("done_ms", "上轮结束", "the last round ended"), \
        INT("done_size", "上轮条数", "its entries"), INT("done_faults", "上轮发现的问题", "its faults"),     \
        INT("alarm_ms", "告警时间，0 为无", "alarm since, 0 = none"),                                        \
        INT("alarm_n", "告警问题数", "faults behind the alarm")
static const struct field fault_fields[] = {
    {"what", .type = T_TEXT, .required = true, .zh = "何物受损", .en = "what is damaged"},
    INT("index", "存证序号", "entry"),
    {"where", .type = T_TEXT, .required = true, .zh = "何处", .en = "where"},
    {0}};
static const struct field audit_fields[] = {
    AUDIT_FIELDS,
    {"faults", .type = T_ITEMS, .of = fault_fields, .zh = "问题（至多 20 条）", .en = "faults, at most 20"},
    {"may_clear", .type = T_BOOL, .zh = "本人可解除告警", .en = "may be cleared by who asks"},
    {0}};
static const struct field takes_nothing[] = {{0}};
static const struct field takes_note[] = {{"note", .type = T_TEXT, .required = true, .min = 4, .max = 500,
                                           .zh = "核查说明", .en = "what was found out"},
                                          {0}};
static const struct shape gives_audit = {"ledger_audit", audit_fields, NULL};

const struct route ledger_audit_routes[] = {
    {"GET", "/api/v1/ledger/audit", ROUTE_READ, R_AUDIT_READERS, takes_nothing, &gives_audit, .handle = show,
     .zh = "存证自查情况", .en = "The ledger's self-audit"},
    {"POST", "/api/v1/ledger/audit", ROUTE_SLOW, R_(AUDITOR), takes_nothing, &gives_audit,
     "ledger.audit.begin", .handle = post_audit, .zh = "立即开始自查", .en = "Begin a self-audit now"},
    {"POST", "/api/v1/ledger/audit/clear", ROUTE_WRITE, R_(AUDITOR), takes_note, &gives_audit,
     "ledger.audit.clear", .handle = post_clear, .zh = "说明核查结果并解除告警",
     .en = "End the alarm with a note"},
    {0}};
