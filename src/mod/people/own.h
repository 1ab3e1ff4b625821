// SPDX-License-Identifier: MulanPSL-2.0
// What the files of people share and nobody else sees: rows as structs, the policy table, the guard against
// guessing, and the process state.
#ifndef PEOPLE_OWN_H
#define PEOPLE_OWN_H
#include "core/city.h"
#include "core/pack.h"
#include "crypto/secret.h"
#include "mod/people/people.h"
#include <pthread.h>

#define PEOPLE_LOGIN_MAX       40    // letters, digits, '-', '_', '.'
#define PEOPLE_NAME_MAX        80    // code points of any name
#define PEOPLE_PASSWORD_MAX    128   // code points; hashing costs the same for any length, reading does not
#define PEOPLE_TOKEN_BYTES     32    // of every secret that people make up
#define PEOPLE_TOUCH_MS        60000 // last-seen is written at most once in this time
#define PEOPLE_SUCCESSOR_STEPS 16
#define PEOPLE_ROLES_MAX       ROLE_COUNT

// Rows as store.c reads them; texts in cx->mem.
struct area {
    struct people_area a;
    struct str valid_from, valid_to;
    int64_t children_n;
};
struct office {
    struct people_office o;
    struct str parent_name, line_name, note, pack_name;
};
struct account {
    int64_t id, locked_until_ms, seen_ms, version;
    struct str login, name, office, office_name, area, state, password;
    bool must_change, is_synthetic;
};
struct succession {
    int64_t id, asked_by, asked_ms, confirmed_by, confirmed_ms, applied_ms;
    struct str office, successor, day, basis, state;
};
struct people_sys {
    struct str id, name, office, office_name, state;
    int64_t version;
};

// Reading (store.c). One row: OK, ERR_not_found (cx->err untouched) or the store's error (in cx->err).
void area_row(struct cx *cx, struct stmt *s, struct area *ret);
void office_row(struct cx *cx, struct stmt *s, struct office *ret);
void account_row(struct cx *cx, struct stmt *s, struct account *ret);
int area_read(struct cx *cx, struct str code, struct area *ret) MUST; // no alias
int office_read(struct cx *cx, struct str id, struct office *ret) MUST;
int account_read(struct cx *cx, int64_t id, struct account *ret) MUST;
int account_read_login(struct cx *cx, struct str login, struct account *ret) MUST;
int succession_read(struct cx *cx, enum query q, struct str key, struct succession *ret) MUST;
int system_read(struct cx *cx, struct str id, struct people_sys *ret) MUST;
int roles_read(struct cx *cx, int64_t account, uint32_t *ret_roles) MUST;
struct str like_pattern(struct cx *cx, struct str q,
                        bool prefix_only); // STR_NONE for none; LIKE … ESCAPE '\'
int missing(struct cx *cx, int code, const char *field, struct str what) MUST; // ERR_not_found → a told 404
struct str people_day(struct cx *cx, int64_t at_ms); // "2026-11-22" at the city's clock
int64_t people_day_ms(struct str day);               // its first instant; 0 for STR_NONE

// Policies (policy.c): numbers with a name, a safe value, bounds and meaning; the security administrator moves them.
enum policy {
    POLICY_login_tries,
    POLICY_lock_minutes,
    POLICY_peer_tries,
    POLICY_peer_minutes,
    POLICY_idle_minutes,
    POLICY_session_hours,
    POLICY_sessions_max,
    POLICY_password_min,
    POLICY_password_classes,
    POLICY_token_days_max,
    POLICY_tokens_max,
    POLICY_stale_days,
    POLICY_COUNT
};
struct policy_row {
    const char *name;
    int64_t value, min, max;
    const char *zh, *en;
};
extern const struct policy_row policy_rows[POLICY_COUNT];
int64_t policy(struct cx *cx, enum policy which);
int policy_index(struct str name); // -1 if unknown

// The guard (guard.c): wrong tries per log-in and per peer, in memory, bounded; it answers the same for log-ins
// that exist and those that do not.
#define GUARD_SLOTS  4096
#define GUARD_PROBES 8
struct guard_slot {
    uint64_t key;
    int64_t first_ms, until_ms;
    int64_t n;
};
struct guard {
    pthread_mutex_t lock;
    struct guard_slot slots[GUARD_SLOTS];
};
uint64_t guard_key(struct cx *cx, const char *kind, struct str what);
struct str guard_peer(struct cx *cx, struct str peer); // IPv6: its /64
// Takes one try: true = go on; false = refused until *ret_until_ms. A try that proves right is given back (clear).
bool guard_try(struct guard *g, uint64_t key, int64_t now_ms, int64_t tries, int64_t window_ms,
               int64_t *ret_until_ms, bool *ret_last);
void guard_clear(struct guard *g, uint64_t key);
void guard_back(struct guard *g, uint64_t key); // gives one try back

// The process state, made at start: the guard, and the works that note "last seen".
#define PEOPLE_MAGIC   0x70656f70u
#define PEOPLE_TOUCHES 64
struct people_state;
struct touch {
    struct work work; // first: the queue hands back the work
    struct people_state *owner;
    struct touch *next;
    enum query q;
    uint8_t session[HASH_BYTES];
    int64_t token, account, at_ms;
};
struct people_state {
    uint32_t magic;
    struct guard guard;
    pthread_mutex_t lock; // of the free list
    pthread_cond_t back;  // one has come back
    struct touch *free;
    int out; // how many are under way
    struct touch touches[PEOPLE_TOUCHES];
};
struct people_state *people_state(struct cx *cx);
void people_touch_session(struct cx *cx, const uint8_t session[HASH_BYTES], int64_t account);
void people_touch_token(struct cx *cx, int64_t token, int64_t account);

// Who asks (who.c).
int people_who(struct cx *cx) MUST;
void people_auth_moved(
    struct cx *cx); // roles, sessions, tokens or accounts changed: judgements are looked at anew
bool people_new_secret(struct cx *cx, struct str *ret_text, uint8_t ret_hash[HASH_BYTES]) MUST;
void people_secret_hash(struct cx *cx, struct str text, uint8_t ret_hash[HASH_BYTES]);

// Decisions. Handlers in routes_*.c call these; each fills cx->err.
struct login_done {
    struct account account;
    uint32_t roles;
    struct str token, csrf;
    int64_t ends_ms, max_age_s;
};
int people_login(struct cx *cx, struct str login, struct str password, struct login_done *ret) MUST; // SLOW
int people_password_change(struct cx *cx, struct str old, struct str new_one) MUST;                  // SLOW
int people_password_rule(struct cx *cx, struct str login, struct str password, const char *field) MUST;
int people_password_make(struct cx *cx, struct str *ret_clear, struct str *ret_stored) MUST; // SLOW

struct account_new {
    struct str login, name, office, area, password;
    bool must_change, is_synthetic;
    int64_t id;
};
int account_create(struct cx *cx, struct account_new *a) MUST;            // writer
int account_change(struct cx *cx, int64_t id, int64_t *ret_version) MUST; // writer; reads the fields
int account_reset(struct cx *cx, int64_t id, struct str stored) MUST;     // writer
int account_reset_ok(struct cx *cx, int64_t id, struct account *ret) MUST;
int account_roles_set(struct cx *cx, int64_t id, uint32_t roles, int64_t *ret_version) MUST; // writer
int account_roles_put(struct cx *cx, int64_t id, uint32_t roles) MUST; // writer; unjudged
int account_end_sessions(struct cx *cx, int64_t id) MUST;              // writer
bool account_login_ok(struct str login);
int roles_check(struct cx *cx, uint32_t roles) MUST; // ERR_role_conflict names both
int roles_of_texts(struct cx *cx, struct json list, uint32_t *ret) MUST;
struct str roles_text(struct cx *cx, uint32_t roles); // "steward unit_head"
uint32_t roles_conflicting(int role);                 // the conflicts that no pack can take away

int succession_ask(struct cx *cx, struct str office, struct str successor, struct str day,
                   struct str basis) MUST;
int succession_confirm(struct cx *cx, struct str office, bool *ret_applied) MUST;
int succession_drop(struct cx *cx, struct str office) MUST;
int succession_by_pack(struct cx *cx, struct str office, struct str successor, struct str day,
                       struct str basis) MUST;
int succession_apply_due(struct cx *cx, void *ret_any) MUST; // writer: applies one whose day has come
int office_rename(struct cx *cx, struct str id, struct str name, struct str name_en, struct str brief,
                  struct str day, struct str basis) MUST;

int token_create(struct cx *cx, struct str name, struct json scopes, int64_t days, int64_t *ret_id,
                 struct str *ret_token) MUST;
int system_create(struct cx *cx, struct str id, struct str name, struct str office) MUST;
int system_change(struct cx *cx, struct str id, int64_t *ret_version) MUST;

// Speaking.
extern const struct route people_login_routes[], people_account_routes[], people_area_routes[],
    people_office_routes[];
void account_write(struct cx *cx, const struct account *a,
                   uint32_t roles); // the fields, inside an open object
void entry_write(struct cx *cx);    // after cx_write, inside an open object: the entry of the act just made
void roles_write(struct cx *cx, const char *name, uint32_t roles);
void words_write(struct cx *cx, const char *name, struct str text); // ' '-joined text as an array
extern const struct job people_jobs[];
#define PEOPLE_DEMO_PASSWORD                                                                                 \
    "Gusu-demo-2026" // of every account in demo/accounts.csv; loaded with --demo only
int people_pack_check(struct cx *cx, struct pack *p) MUST;
int people_pack_stage(struct cx *cx, struct pack *p) MUST;
int people_pack_publish(struct cx *cx, struct pack *p) MUST;

#endif
