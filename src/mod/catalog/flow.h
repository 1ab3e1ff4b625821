// SPDX-License-Identifier: MulanPSL-2.0
// The way of an edition, and who may take which step of it now.
//
//   draft --submit--> signing --sign--> reviewing --review--> reviewing (checked) --publish--> published
//     ^                  |                  |                     |
//     +---- returned <---+----- return -----+---------------------+      published --withdraw--> withdrawn
#ifndef CATALOG_FLOW_H
#define CATALOG_FLOW_H
#include "mod/catalog/inside.h"

enum flow_may {
    MAY_EDIT = 1 << 0,
    MAY_DELETE = 1 << 1,
    MAY_ATTACH = 1 << 2,
    MAY_LOAD = 1 << 3,
    MAY_SUBMIT = 1 << 4,
    MAY_SIGN = 1 << 5,
    MAY_RETURN = 1 << 6,
    MAY_REVIEW = 1 << 7,
    MAY_PUBLISH = 1 << 8,
    MAY_WITHDRAW = 1 << 9,
    MAY_APPLY = 1 << 10,
    MAY_PREVIEW = 1 << 11,
    MAY_DOWNLOAD = 1 << 12
};
// What the asker may do with this edition now. The same bits are shown on the page and asked by every handler.
int flow_may(struct cx *cx, const struct catalog_dataset *d, unsigned *ret) MUST;
int flow_put_may(struct cx *cx, const struct catalog_dataset *d) MUST;
// ERR_not_allowed / ERR_conflict when `what` is not among them.
int flow_need(struct cx *cx, const struct catalog_dataset *d, unsigned what, const char *verb) MUST;

// The steps, on the writer; each writes its act and announces.
int flow_begin(struct cx *cx, const struct catalog_dataset *d) MUST; // a new edition: the compile step opens
int flow_submit(struct cx *cx, struct catalog_dataset *d) MUST;
int flow_sign(struct cx *cx, struct catalog_dataset *d) MUST;
int flow_return(struct cx *cx, struct catalog_dataset *d, struct str reason) MUST;
int flow_review(struct cx *cx, struct catalog_dataset *d) MUST;
int flow_publish(struct cx *cx, struct catalog_dataset *d) MUST;
int flow_withdraw(struct cx *cx, struct catalog_dataset *d, struct str reason) MUST;
// An act about a data set, with edition and version in its detail. before/after may be STR_NONE.
struct act *flow_act(struct cx *cx, const struct catalog_dataset *d, const char *verb, struct str reason);

#endif
