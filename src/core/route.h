// SPDX-License-Identifier: MulanPSL-2.0
// A route is one row that carries all facts about an interface: verb, path, who may, what it takes, what it
// gives, the audit act, the handler and its meaning in zh and en. Validation, OpenAPI, the permission matrix,
// the page's typed client and `gusu api` all come from these rows. 0 in any column is the safe value.
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H
#include "base/err.h"

struct cx;

// Who may. A route with who == 0 may be used by nobody.
enum role_bit {
#define ROLE(NAME, code, zh, en) ROLE_INDEX_##NAME,
#include "core/roles.def"
#undef ROLE
    ROLE_COUNT
};
#define R_(NAME) (1u << ROLE_INDEX_##NAME)
#define R_ALL_OFFICE                                                                                         \
    (R_(STEWARD) | R_(UNIT_HEAD) | R_(APPLICANT) | R_(REVIEWER) | R_(AUTHORITY) | R_(COUNTY) | R_(STREET))
#define R_ADMINS (R_(SYSADMIN) | R_(SECADMIN) | R_(AUDITOR))
#define R_LOGIN  (1u << 29) // anyone with a session or a personal API token
#define R_KEY    (1u << 30) // a registered system's exchange key (Authorization: Bearer gk_…)
#define R_PUBLIC (1u << 31) // no identity needed
const char *role_code(int index);
int role_index(struct str code); // -1 if unknown

enum route_kind {
    ROUTE_READ = 1,   // on the I/O thread's reader, at once
    ROUTE_READ_ENTRY, // the same, and the reply leaves when its entry is durable (cx_entry in `handle`)
    ROUTE_WRITE,      // in the commit queue, on the writer
    ROUTE_SLOW,       // on a worker with a reader; may submit writes itself through cx_write
};

enum field_where { IN_BODY = 0, IN_PATH, IN_QUERY, IN_HEADER };
enum field_type {
    T_TEXT = 1, // UTF-8; min/max = code points
    T_INT,      // min/max = value; both 0 = any
    T_NUMBER,
    T_BOOL,
    T_DATE,   // "2026-11-22"
    T_TIME,   // RFC 3339; UTC milliseconds in struct value.i; replies write integers named *_ms or ISO text
    T_CHOICE, // one of `choices` "a|b|c"
    T_LIST,   // array of text; min/max = items
    T_OBJECT, // nested `of`
    T_ITEMS,  // array of nested `of`; min/max = items
    T_ANY     // any JSON
};
struct field { // ends with a row whose name is NULL
    const char *name;
    enum field_where where;
    enum field_type type;
    bool required; // in replies: always present (others may be absent or null)
    int64_t min, max;
    const char *choices;
    const struct field *of;
    const char *zh, *en;
};
struct shape { // a named reply object; the name becomes the OpenAPI schema
    const char *name;
    const struct field *fields;
    const char *media; // NULL = application/json; else the body is not described by fields
};

#define ROUTE_NEEDS_MATCH 1u // an edit: If-Match is obligatory (428 without)
#define ROUTE_RAW_BODY    2u // the body is not JSON: handler reads cx->body / cx->body_fd
#define ROUTE_OPEN_FIELDS 4u // unknown query and body fields are passed over (foreign interfaces: CKAN)
#define ROUTE_NO_CSRF     8u // log-in and foreign interfaces; never for cookie-authorised changes
#define ROUTE_SECRET                                                                                         \
    16u // the reply shows a secret once: it is not kept for a retried request, which gets 409
struct route {
    const char *verb,
        *path; // "GET", "/api/v1/datasets/{id}"; one segment per {name}; "{name*}" takes the rest
    enum route_kind kind;
    uint32_t who;
    const struct field *takes;
    const struct shape *gives;
    const char *act;  // audit verb "dataset.publish"; obligatory for WRITE
    int64_t body_max; // bytes; 0 = 64 KiB for POST/PUT/PATCH, none for GET
    uint32_t flags;
    int (*handle)(struct cx *cx);
    const char *zh, *en;
    const char *scope; // API tokens need this scope: "catalog:read" …; NULL = session only
};

#endif
