// SPDX-License-Identifier: MulanPSL-2.0
// Roles and what may not meet in one account. Two sources, and the stricter wins: 三员分立 stands in this file (the
// system, security and audit administrators exclude one another and every business role), the rest comes with the
// pack's roles.csv, such as 编制 and 签发 never in one hand. No pack and no administrator can take the first away.
#include "mod/people/own.h"

uint32_t roles_conflicting(int role) {
    uint32_t bit = 1u << role, all = (1u << ROLE_COUNT) - 1;
    return bit & R_ADMINS ? all & ~bit : R_ADMINS;
}

static int told(struct cx *cx, int a, int b) {
    return cx_fail(cx, ERR_role_conflict, "roles", "%s, %s", role_code(a), role_code(b));
}

int roles_check(struct cx *cx, uint32_t roles) {
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (!(roles & (1u << i))) continue;
        for (int k = 0; k < ROLE_COUNT; k++)
            if (roles & roles_conflicting(i) & (1u << k)) return told(cx, i, k);
        struct stmt *s = store_query(cx->db, Q_people_role_conflicts, "z", role_code(i));
        int other = -1;
        while (other < 0 && store_next(s)) {
            int k = role_index(store_str(s, 0, NULL));
            if (k >= 0 && (roles & (1u << k))) other = k;
        }
        int code = store_done(s, &cx->err);
        if (code != OK) return code;
        if (other >= 0) return told(cx, i, other);
    }
    return OK;
}

int roles_of_texts(struct cx *cx, struct json list, uint32_t *ret) {
    uint32_t roles = 0;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str text = json_text(it.value);
        int i = role_index(text);
        if (i < 0)
            return cx_fail(cx, ERR_role_unknown, "roles", "%.*s", (int)(text.n > 40 ? 40 : text.n), text.p);
        roles |= 1u << i;
    }
    *ret = roles;
    return OK;
}

struct str roles_text(struct cx *cx, uint32_t roles) {
    struct buf b = buf_new(cx->mem, 64, 1024);
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (!(roles & (1u << i))) continue;
        if (b.n) buf_char(&b, ' ');
        buf_puts(&b, role_code(i));
    }
    return b.n ? buf_str(&b) : S("");
}
