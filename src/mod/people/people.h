// SPDX-License-Identifier: MulanPSL-2.0
// Who and where: areas of five levels, offices with two superiors, accounts, roles, log-in, registered systems.
// The only header of this module that others may include; every text given back lives in cx->mem.
//
// Announces (cx_announce):
//   office.succeeded  object = the office that ended, office = its successor. Inside the one transaction in which
//                     people has moved its own accounts and systems: whoever keeps rows of the old office moves them now.
//   office.renamed    object = the office; its id stays, so nothing has to move
//   account.ended     object = account id in decimal: disabled or moved to another office
#ifndef PEOPLE_PEOPLE_H
#define PEOPLE_PEOPLE_H
#include "core/cx.h"

struct module;
extern const struct module people_module;

// Areas. A code may be asked under an alias of an older list (320571): it is resolved first. The place
// digits of registrations (320594) never resolve: a firm's place is not in its credit code.
struct people_area {
    struct str code, name, parent, kind, vintage, note;
    struct str path; // codes from the root down, each ended by '/': "320000/320500/320508/"
    int level;       // 1 province, 2 city, 3 district level, 4 township level, 5 community
    bool is_admin;   // false: an area for statistics only, no administrative division
};
int people_area_get(struct cx *cx, struct str code,
                    struct people_area *ret) MUST;              // ERR_not_found; cx->err untouched
struct str people_area_resolve(struct cx *cx, struct str code); // the code of today, or STR_NONE
struct str people_area_name(struct cx *cx, struct str code);    // STR_NONE if unknown
// Is `code` the area `ancestor` or below it? Unknown codes are below nothing. (Back-flow: whose rows are these?)
bool people_area_within(struct cx *cx, struct str code, struct str ancestor);

// Offices. Dates are days as text, "2024-01-01", STR_NONE when open.
struct people_office {
    struct str id, name, name_en, brief, uscc, kind, area, parent, line, valid_from, valid_to, successor,
        roles;
    int level; // as areas: 1 province, 2 city, 3 county level, 4 street
    int64_t version;
};
int people_office_get(struct cx *cx, struct str id,
                      struct people_office *ret) MUST; // ERR_not_found; cx->err untouched
bool people_office_valid(struct cx *cx, struct str id, int64_t at_ms);
// The name that the office bore then; at_ms 0 = now. The id itself when nobody knows it (history is never empty).
struct str people_office_name(struct cx *cx, struct str id, int64_t at_ms);
// Follows the successors to the office that answers today; the id itself when it has none.
struct str people_office_current(struct cx *cx, struct str id);
// The nearest data authority (role A) above an office that is not of the city's level: where a cross-level
// application goes first. STR_NONE when the office is of the city (it asks the city's authority directly).
struct str people_office_county_authority(struct cx *cx, struct str id);
// The city's own data authority: valid today, role A, of the city's level. STR_NONE if the pack names none.
struct str people_office_city_authority(struct cx *cx);

// Accounts. Names are for display; STR_NONE if unknown.
struct str people_account_name(struct cx *cx, int64_t account);
struct str people_account_login(struct cx *cx, int64_t account);
// Is there anybody active in this office with one of these roles? (a step that nobody can do must be told at once)
bool people_office_has(struct cx *cx, struct str office, uint32_t roles);

// Registered systems: the callers of exchange. ERR_not_found unless active and of this office.
int people_system_ok(struct cx *cx, struct str system, struct str office) MUST;
struct str people_system_name(struct cx *cx, struct str system);

// The city that the pack describes: code of its area, title. STR_NONE before a pack is loaded.
struct str people_city_code(struct cx *cx);
// A word of the pack's words.csv; STR_NONE if absent.
struct str people_word(struct cx *cx, const char *key, bool zh);

// `gusu user`: makes an account with one administrator role, or gives an existing one of that very role a new
// password and unlocks it. The only way to a first administrator. Not on the writer (it hashes the password).
int people_admin_create(struct cx *cx, struct str login, struct str role, struct str password) MUST;

#endif
