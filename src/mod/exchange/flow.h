// SPDX-License-Identifier: MulanPSL-2.0
// Private to exchange: an application's rows and the chain of its steps.
//
//   draft ─submit─► signing ─sign─► [county ─check─►] checking ─check─► answering
//     ▲                │                 │                 │              per line: answer ─► provider_sign ─► grant | refused
//     └── returned ◄───┴─────return──────┴── (once) ───────┘              all lines settled: granted | partly | refused
//
// A step stays todo until somebody does it; its clock only colours it. A refusal has a reason. Who compiled or answered
// never signs the same.
#ifndef EXCHANGE_FLOW_H
#define EXCHANGE_FLOW_H
#include "mod/exchange/inside.h"
#include "mod/people/people.h"

#define FLOW_LINES_MAX 20
#define FLOW_STEPS_MAX 400 // of one application, shown

struct line {
    int64_t n, grant_id, answered_by, rate_per_s, quota_per_day;
    struct str dataset, provider, columns, filter, upstream, state, reason, condition, released;
    bool is_answered, consent;
};
struct step {
    int64_t id, line, opened_ms, due_ms, extended, by_account, at_ms;
    struct str step, office, role, state, by_name, reason;
    bool is_certain;
};
struct application {
    int64_t n, applicant, period_days, quota_per_day, returned_n, version, created_ms, changed_ms;
    struct str id, title, office, office_asked, matter, legal_basis, purpose, system, need_by, state;
    struct line *lines;
    int lines_n;
    struct step *steps;
    int steps_n;
};
int application_get(struct cx *cx, struct str id, struct application **ret) MUST; // with lines and steps
bool application_may_see(struct cx *cx, const struct application *a);
bool application_is(const struct application *a, const char *state);

// Steps by name: who does it, under which clock, in words.
struct step_kind {
    const char *step, *role;
    uint32_t roles;
    const char *clock, *zh, *en, *verb;
};
const struct step_kind *step_kind(struct str step);
int step_open(struct cx *cx, struct application *a, int64_t line, const char *step, struct str office,
              const char *clock) MUST;
// The same step once more, back with who did it, under the clock that was already running.
int step_reopen(struct cx *cx, struct application *a, int64_t line, const char *step) MUST;
bool step_is_mine(struct cx *cx, const struct step *s); // by office and role; its state is not asked
// The todo step of that name (and line) if the actor may do it; else ERR_not_allowed or ERR_conflict, said.
int step_mine(struct cx *cx, struct application *a, int64_t line, const char *step, struct step **ret) MUST;
int step_close(struct cx *cx, struct step *s, const char *state, struct str reason) MUST;
int application_move(struct cx *cx, struct application *a, const char *state) MUST;
struct act *application_act(struct cx *cx, const struct application *a, const char *verb, struct str reason);

// Decisions (writer).
int application_create(struct cx *cx, struct str *ret_id) MUST;
int application_edit(struct cx *cx, struct application *a) MUST;
int application_submit(struct cx *cx, struct application *a) MUST;
int application_sign(struct cx *cx, struct application *a) MUST;
int application_return(struct cx *cx, struct application *a, struct str reason) MUST;
int application_check(struct cx *cx, struct application *a, bool pass, struct str reason) MUST;
int application_withdraw(struct cx *cx, struct application *a, struct str reason) MUST;
int line_answer(struct cx *cx, struct application *a, struct line *l) MUST;
int line_sign(struct cx *cx, struct application *a, struct line *l, bool consent, struct str reason) MUST;
int line_extend(struct cx *cx, struct application *a, struct line *l, int64_t days, struct str reason) MUST;
int supply_done(struct cx *cx, struct str application, int64_t line) MUST;

void application_json(struct cx *cx, struct application *a, bool whole); // one object
struct catalog_dataset *dataset_shown(struct cx *cx,
                                      struct str id); // live, else as it last was; NULL if gone
// Columns of a data set as somebody gets them under a grant (' '-joined ids), with the mask that then applies.
void columns_json(struct cx *cx, const char *name, const struct catalog_dataset *ds, struct str ids,
                  struct str released);
void filter_json(struct cx *cx, const char *name, struct str filter);

// Grants (writer).
int grant_revoke(struct cx *cx, struct grant *g, struct str reason) MUST;
int grant_pause(struct cx *cx, struct grant *g, bool suspend, struct str reason) MUST;
int grant_end(struct cx *cx, struct grant *g) MUST; // its date has come
bool grant_may_see(struct cx *cx, const struct grant *g);
extern const struct route exchange_application_routes[], exchange_grant_routes[], exchange_trace_routes[],
    exchange_todo_routes[], exchange_proxy_routes[];
int exchange_expire(struct cx *cx) MUST; // jobs.c
int exchange_late(struct cx *cx) MUST;
#endif
