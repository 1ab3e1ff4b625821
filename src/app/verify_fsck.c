// SPDX-License-Identifier: MulanPSL-2.0
// `gusu ledger fsck [DIR]`: first the store's own pages and indices, as the engine sees them, then everything that
// `gusu verify` holds against the entries. For a folder that may be damaged: nothing is repaired, each thing is named.
// Exit code as of verify: 0 sound, 1 damaged, 2 could not be checked.
#include "app/app.h"
#include <stdio.h>

#define LINES_TOLD 20

// The engine's own check: "ok", or a line for each page or index that is wrong.
static int check_pages(struct conn *c, int *ret_wrong, struct err *e) {
    struct stmt *s = store_text_query(c, S("PRAGMA integrity_check"), "");
    while (store_next(s)) {
        struct str line = store_str(s, 0, NULL);
        if (str_eq(line, S("ok"))) continue;
        if ((*ret_wrong)++ < LINES_TOLD) printf("  存储 / store: %.*s\n", STRF(line));
    }
    return store_done(s, e);
}

static int fsck_store(const char *folder) {
    struct conn *c = NULL;
    struct err e = {0};
    int wrong = 0;
    int code = store_conn_read_only(folder, &c, &e);
    if (code == OK) code = check_pages(c, &wrong, &e);
    store_conn_close(c);
    if (code != OK) {
        // A page that cannot be read at all is damage too, and says so.
        printf("  存储 / store: %s %s\n", err_info(e.code)->name, e.arg);
        wrong++;
    }
    if (wrong)
        printf("存储: %d 处受损 / store: %d faults\n", wrong, wrong);
    else
        printf("存储完好 / store sound\n");
    return wrong ? 1 : 0;
}

int command_ledger(const struct options *o) {
    struct options rest = *o;
    if (o->rest_n < 1 || strcmp(o->rest[0], "fsck") != 0) {
        fprintf(stderr, "gusu ledger fsck [DIR] [--vkey KEY] [--checkpoint FILE]\n");
        return 2;
    }
    rest.rest_n--;
    memmove(rest.rest, o->rest + 1, (size_t)rest.rest_n * sizeof o->rest[0]);
    const char *folder = rest.rest_n && rest.rest[0][0] != '-' ? rest.rest[0] : o->data;
    int store = fsck_store(folder), ledger = command_verify(&rest);
    return ledger ? ledger : store;
}
