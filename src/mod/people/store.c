// SPDX-License-Identifier: MulanPSL-2.0
// Rows of people as structs. Reads go through cx->db, so the same call serves a reader's snapshot and the writer's
// transaction. Keeps true: a row that is absent is an answer, not a failure; only the caller knows whether to say 404.
#include "mod/people/own.h"

// Texts are copied into the request's arena: they outlive the statement, which is reset as soon as it is done.
static struct str text(struct cx *cx, struct stmt *s, int col) {
    return store_str(s, col, cx->mem);
}

void area_row(struct cx *cx, struct stmt *s, struct area *ret) {
    *ret = (struct area){
        .a = {.code = text(cx, s, 0),
              .name = text(cx, s, 1),
              .level = (int)store_int(s, 2),
              .parent = text(cx, s, 3),
              .kind = text(cx, s, 4),
              .vintage = text(cx, s, 5),
              .is_admin = store_int(s, 8) != 0,
              .note = text(cx, s, 9),
              .path = text(cx, s, 10)},
        .valid_from = text(cx, s, 6),
        .valid_to = text(cx, s, 7),
        .children_n = store_int(s, 11),
    };
}

void office_row(struct cx *cx, struct stmt *s, struct office *ret) {
    *ret = (struct office){
        .o = {.id = text(cx, s, 0),
              .name = text(cx, s, 1),
              .name_en = text(cx, s, 2),
              .brief = text(cx, s, 3),
              .uscc = text(cx, s, 4),
              .kind = text(cx, s, 5),
              .level = (int)store_int(s, 6),
              .area = text(cx, s, 7),
              .parent = text(cx, s, 8),
              .line = text(cx, s, 10),
              .valid_from = text(cx, s, 12),
              .valid_to = text(cx, s, 13),
              .successor = text(cx, s, 14),
              .roles = text(cx, s, 15),
              .version = store_int(s, 17)},
        .parent_name = text(cx, s, 9),
        .line_name = text(cx, s, 11),
        .note = text(cx, s, 16),
        .pack_name = text(cx, s, 18),
    };
}

void account_row(struct cx *cx, struct stmt *s, struct account *ret) {
    *ret = (struct account){
        .id = store_int(s, 0),
        .login = text(cx, s, 1),
        .name = text(cx, s, 2),
        .office = text(cx, s, 3),
        .office_name = text(cx, s, 4),
        .area = text(cx, s, 5),
        .state = text(cx, s, 6),
        .locked_until_ms = store_int(s, 7),
        .seen_ms = store_int(s, 8),
        .must_change = store_int(s, 9) != 0,
        .is_synthetic = store_int(s, 10) != 0,
        .version = store_int(s, 11),
        .password = text(cx, s, 12),
    };
}

// The end of every read of one row.
static int one(struct cx *cx, struct stmt *s, bool found) {
    int code = store_done(s, &cx->err);
    return code != OK ? code : found ? OK : ERR_not_found;
}

int area_read(struct cx *cx, struct str code, struct area *ret) {
    struct stmt *s = store_query(cx->db, Q_people_area, "s", code);
    bool found = store_next(s);
    if (found) area_row(cx, s, ret);
    return one(cx, s, found);
}

int office_read(struct cx *cx, struct str id, struct office *ret) {
    struct stmt *s = store_query(cx->db, Q_people_office, "s", id);
    bool found = store_next(s);
    if (found) office_row(cx, s, ret);
    return one(cx, s, found);
}

int account_read(struct cx *cx, int64_t id, struct account *ret) {
    struct stmt *s = store_query(cx->db, Q_people_account, "i", id);
    bool found = store_next(s);
    if (found) account_row(cx, s, ret);
    return one(cx, s, found);
}

int account_read_login(struct cx *cx, struct str login, struct account *ret) {
    struct stmt *s = store_query(cx->db, Q_people_account_by_login, "s", login);
    bool found = store_next(s);
    if (found) account_row(cx, s, ret);
    return one(cx, s, found);
}

int succession_read(struct cx *cx, enum query q, struct str key, struct succession *ret) {
    struct stmt *s = store_query(cx->db, q, "s", key);
    bool found = store_next(s);
    if (found)
        *ret = (struct succession){
            .id = store_int(s, 0),
            .office = text(cx, s, 1),
            .successor = text(cx, s, 2),
            .day = text(cx, s, 3),
            .basis = text(cx, s, 4),
            .state = text(cx, s, 5),
            .asked_by = store_int(s, 6),
            .asked_ms = store_int(s, 7),
            .confirmed_by = store_int(s, 8),
            .confirmed_ms = store_int(s, 9),
            .applied_ms = store_int(s, 10),
        };
    return one(cx, s, found);
}

int system_read(struct cx *cx, struct str id, struct people_sys *ret) {
    struct stmt *s = store_query(cx->db, Q_people_system, "s", id);
    bool found = store_next(s);
    if (found)
        *ret = (struct people_sys){.id = text(cx, s, 0),
                                   .name = text(cx, s, 1),
                                   .office = text(cx, s, 2),
                                   .office_name = text(cx, s, 3),
                                   .state = text(cx, s, 4),
                                   .version = store_int(s, 5)};
    return one(cx, s, found);
}

int roles_read(struct cx *cx, int64_t account, uint32_t *ret_roles) {
    struct stmt *s = store_query(cx->db, Q_people_roles_of, "i", account);
    uint32_t roles = 0;
    while (store_next(s)) {
        int i = role_index(store_str(s, 0, NULL));
        if (i >= 0) roles |= 1u << i; // a role that this program no longer knows gives nothing
    }
    int code = store_done(s, &cx->err);
    if (code == OK) *ret_roles = roles;
    return code;
}

// What people type is text, not a pattern: '%' and '_' are searched for as they stand.
struct str like_pattern(struct cx *cx, struct str q, bool prefix_only) {
    q = str_trim(q);
    if (!q.p || q.n == 0) return STR_NONE;
    struct buf b = buf_new(cx->mem, q.n + 4, q.n * 2 + 8);
    if (!prefix_only) buf_char(&b, '%');
    for (size_t i = 0; i < q.n; i++) {
        if (q.p[i] == '%' || q.p[i] == '_' || q.p[i] == '\\') buf_char(&b, '\\');
        buf_char(&b, q.p[i]);
    }
    buf_char(&b, '%');
    return buf_str(&b);
}

// Reading says "not there" without a word; a handler that was asked for the thing turns it into a 404 by name.
int missing(struct cx *cx, int code, const char *field, struct str what) {
    if (code != ERR_not_found) return code;
    return cx_fail(cx, ERR_not_found, field, "%.*s", STRF(what));
}

// Days are days at the city's clock: a hand-over on 1 January begins at 16:00 UTC of 31 December.
struct str people_day(struct cx *cx, int64_t at_ms) {
    struct civil c = clock_civil(at_ms, CHINA_OFFSET_MS);
    return clock_date(cx->mem, clock_days(c.year, c.month, c.day));
}

int64_t people_day_ms(struct str day) {
    int32_t days;
    if (!day.p || !clock_read_date(day, &days)) return 0;
    return (int64_t)days * DAY_MS - CHINA_OFFSET_MS;
}
