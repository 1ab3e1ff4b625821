// SPDX-License-Identifier: MulanPSL-2.0
// The grade ladder and what a value looks like after masking. What a reader sees of a column follows from
// its grade AND the purpose of the reading; the declared mask says only how it is cut. Pure functions:
// every exit (preview, portal, call, download, push, map) asks the same table, so that no exit is laxer.
//
//             L1 公开   L2 内部   L3 敏感   L4 高敏感
//   PUBLIC    clear     omit      omit      omit      nobody is known
//   PREVIEW   clear     mask      mask      hide      a log-in looks, no matter 事项 is named
//   GRANT     clear     clear     mask      hide      a call under a grant, for its matter
//   RELEASED  clear     clear     clear     mask      the same, and the provider's answer released this column
//   OWNER     clear     clear     clear     mask      the provider's own steward, with a reason
#ifndef CORE_MASK_H
#define CORE_MASK_H
#include "base/text.h"

enum mask_grade { GRADE_L1 = 1, GRADE_L2, GRADE_L3, GRADE_L4 };

enum mask_kind { // ordered from laxer to stricter as far as they compare: see mask_is_laxer
    MASK_NONE = 0,
    MASK_FIRST_CHAR, // 王**      first character, then one * for each further character (at most 8)
    MASK_RID,        // 320500********1234
    MASK_YEAR,       // 1987      of a date, a period or a datetime
    MASK_ADDRESS,    // …平江路社区***  cut behind the community, the village, the street or the town
    MASK_HIDE,       // ***
    MASK_OMIT        // the column is not there at all
};
enum mask_purpose { MASK_PUBLIC = 1, MASK_PREVIEW, MASK_GRANT, MASK_RELEASED, MASK_OWNER };

const char *mask_code(enum mask_kind k);                  // "first_char"
bool mask_of(struct str code, enum mask_kind *ret) MUST;  // "" and "none" are MASK_NONE
const char *mask_grade_code(int grade);                   // "L1" … "L4"; "" when out of range
bool mask_grade_of(struct str code, int *ret_grade) MUST; // "L1" … "L4"
// The mask that really applies. An unknown grade or purpose (0) omits: a forgotten value shows nothing.
enum mask_kind mask_for(int grade, enum mask_kind declared, enum mask_purpose purpose);
// The value as the reader sees it. Empty and absent values stay what they are (emptiness is not masked).
// A value that is too short or malformed for its mask becomes "***": a mask never leaks by surprise.
void mask_put(struct buf *out, enum mask_kind k, struct str value);
struct str mask_text(struct arena *mem, enum mask_kind k, struct str value);
// Numbers, booleans, points and shapes cannot be cut: with any mask but NONE they become null.
bool mask_keeps_number(enum mask_kind k);

#endif
