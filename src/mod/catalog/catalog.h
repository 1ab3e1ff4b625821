// SPDX-License-Identifier: MulanPSL-2.0
// Public face of the catalog: what is known, who owes it, what it means. Other modules include only this file.
//
// A data set has editions. The live edition is what the world sees; at most one more is in the works (compiled,
// signed, reviewed) and becomes live at publication. Resources (table, service, file) belong to the data set and
// outlive editions; a table keeps the slots (c_<n>) that its columns had when it was filled, so a published shape
// never changes.
//
// Announced (cx_announce, object = data set id, office = provider):
//   dataset.published  a new edition is live        dataset.withdrawn   nothing is live any more
//   dataset.loaded     a table resource was flipped dataset.changed     anything else people may want to see again
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H
#include "core/cx.h"
#include "core/element.h"
#include "core/mask.h"
#include "core/module.h"
#include "core/table.h"

extern const struct module catalog_module;

#define CATALOG_COLUMNS_MAX   200
#define CATALOG_RESOURCES_MAX 50

enum catalog_share { CATALOG_SHARE_FREE = 1, CATALOG_SHARE_CONDITION = 2, CATALOG_SHARE_NEVER = 3 };
enum catalog_open {
    CATALOG_OPEN_NONE = 0,
    CATALOG_OPEN_CONDITION = 1,
    CATALOG_OPEN_FREE = 2
}; // 0 = the safe one
enum catalog_state {
    CATALOG_DRAFT = 1, // with the steward
    CATALOG_SIGNING,   // 待签发: with the head of the provider's sharing unit
    CATALOG_REVIEWING, // 待审核: with the data authority (reviewer, then manager)
    CATALOG_PUBLISHED,
    CATALOG_RETURNED, // with a reason, back at the steward
    CATALOG_WITHDRAWN
};
enum catalog_kind { CATALOG_TABLE = 1, CATALOG_SERVICE, CATALOG_FILE };
const char *catalog_state_code(enum catalog_state s); // "draft" …
const char *catalog_open_code(enum catalog_open o);   // "none" "conditional" "open"
const char *catalog_kind_code(enum catalog_kind k);   // "table" "service" "file"

struct catalog_column {
    int n;    // place in the edition, from 1
    int slot; // c_<slot> in tables filled since the column exists; never used again for another column
    bool is_in_table; // the present table of the data set holds it
    struct str id, zh, en;
    enum table_type type;
    int length;           // characters; 0 = the type's own limit
    bool is_key, is_area; // is_area: 属地, which area a row belongs to
    int grade;            // 1…4, the column's own (an element gives the default)
    enum mask_kind mask;  // declared by the element; what applies: mask_for(grade, mask, purpose)
    bool is_personal;     // its element speaks of a person
    enum element_rule rule;
    struct str element, element_role, code_list;
    int share;               // enum catalog_share, the column's own
    int open;                // enum catalog_open, the column's own
    struct str grade_reason; // why it is graded below its element
    bool is_sealed;          // its values stand sealed in the present table
    struct str office;       // the 数源部门 of this column where it is not the data set's; else STR_NONE
};

struct catalog_dataset {
    struct str id;
    int64_t edition; // of this description
    bool is_live;    // this edition is the published one
    enum catalog_state state;
    int64_t version; // of the whole data set, for If-Match
    struct str office, title_zh, title_en, abstract_zh, abstract_en;
    int share, open, grade; // grade: the highest of its columns
    struct str share_condition_zh, share_condition_en, share_scope, share_law;
    struct str open_condition_zh, open_condition_en;
    struct str cycle, subject, area_column, spatial;
    struct str modes, keywords, class_codes, related; // ' '-joined; keywords '|'-joined
    struct str notices, checks;                       // ' '-joined word keys; JSON array of quality rules
    struct str source_zh, source_en, source_date, licence;
    bool is_synthetic;
    int64_t seed;
    bool is_personal;    // subject person, or a column is personal: a call needs matter, case and operator
    bool is_verify_only; // its table answers only 一致 / 不一致
    int64_t table;       // r_<table> now in use; 0 = nothing loaded
    int64_t rows;
    int64_t created_ms, changed_ms, published_ms;
    int64_t updated_ms, data_ms; // the data were put here; how new they say they are
    double score;                // 0…100; negative = not measured
    int64_t n, live, work, last; // row, and the editions
    struct catalog_column *columns;
    int columns_n;
};

struct catalog_resource {
    int64_t id; // r.id, in our tables
    struct str dataset;
    struct str rid; // in the interface, unique in the data set: "table", "file-2"
    enum catalog_kind kind;
    struct str title_zh, title_en, format;
    bool is_tested, is_test_ok, is_verify_only;
    int64_t tested_ms, loaded_ms, rows, bytes, table, table_edition, series;
    struct str test_note;      // why the last test failed
    struct str upstream;       // of a service
    struct str file_name, sm3; // of a file: lower-case hex of the SM3 of its bytes
};

// The live edition; ERR_not_found when nothing is live. All text lies in cx->mem.
int catalog_dataset_get(struct cx *cx, struct str id, struct catalog_dataset **ret) MUST;
// The edition in the works if there is one, else the live one, else the last (withdrawn).
int catalog_dataset_work(struct cx *cx, struct str id, struct catalog_dataset **ret) MUST;
int catalog_edition_get(struct cx *cx, struct str id, int64_t edition, struct catalog_dataset **ret) MUST;
const struct catalog_column *catalog_column_find(const struct catalog_dataset *ds,
                                                 struct str id); // NULL if none

// One point read for hot paths that cached a data set: false when nothing is live. A cached view is still good
// while both values are what they were.
bool catalog_live_now(struct cx *cx, struct str id, int64_t *ret_version, int64_t *ret_table) MUST;

int catalog_resources(struct cx *cx, struct str dataset, struct catalog_resource **ret, size_t *ret_n) MUST;
int catalog_resource_get(struct cx *cx, struct str dataset, struct str rid,
                         struct catalog_resource *ret) MUST;

// The generated table's shape for core/table.h: the columns that the present table holds, in the edition's order;
// ret->table 0 when nothing is loaded. ret_index[i] (may be NULL) = index in ds->columns.
int catalog_shape(struct cx *cx, const struct catalog_dataset *ds, struct table_shape *ret,
                  int **ret_index) MUST;

// Published data sets are seen by every log-in; drafts by their office's steward and head, the reviewer and the
// authority. The portal sees only live data sets whose `open` is not none: catalog_is_open.
bool catalog_may_see(struct cx *cx, const struct catalog_dataset *ds);
bool catalog_is_open(const struct catalog_dataset *ds);
// A column that open views show: its own flag is open, its grade L1, and the data set itself is open.
bool catalog_column_is_open(const struct catalog_dataset *ds, const struct catalog_column *c);

struct catalog_matter {
    struct str id, zh, en, target, office;
};
int catalog_matter_get(struct cx *cx, struct str id, struct catalog_matter *ret) MUST; // ERR_not_found
bool catalog_matter_ok(struct cx *cx, struct str id);

// One of a code list's present version, and its words ("存续" / "in business"); false when unknown.
bool catalog_code_words(struct cx *cx, struct str list, struct str code, struct str *ret_zh,
                        struct str *ret_en) MUST;

// What waits for the asker, for the one work list (exchange joins it with its own).
struct catalog_task {
    struct catalog_task *next;
    struct str dataset, title_zh, title_en, step;
    const char *step_zh, *step_en;
    int64_t due_ms; // 0 = no clock
    bool is_certain;
};
int catalog_todo(struct cx *cx, struct catalog_task **ret_first) MUST;

// "grey" no clock or done in time, "green", "yellow" within two working days of the limit, "red" past it.
const char *catalog_light(struct cx *cx, int64_t due_ms, int64_t done_ms);

// Makes the full-text rows of a data set anew, from its editions (`gusu migrate`: each engine has an index of its own
// kind). On the writer.
int catalog_search_renew(struct cx *cx, struct str dataset) MUST;

// How many live data sets an office provides (the office's page).
int64_t catalog_office_count(struct cx *cx, struct str office);

#endif
