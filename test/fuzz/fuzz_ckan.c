// SPDX-License-Identifier: MulanPSL-2.0
// libFuzzer over what strangers send to the CKAN interface: the search language (first line) and a multipart body (the
// rest). For any bytes: reading ends with a tree or an error; a tree is judged without a step outside the text, its
// negation holds exactly when it does not; parts lie within the body, and there are no more than the limit allows.
#include "mod/catalog/ckan_multipart.h"
#include "mod/catalog/ckan_query.h"
#include <stdlib.h>

#define DEMAND(is)                                                                                           \
    do {                                                                                                     \
        if (!(is)) __builtin_trap();                                                                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct ckan_value field(const void *doc, struct str name) {
    (void)doc;
    if (!name.p || str_eq(name, S("title")))
        return (struct ckan_value){CKAN_TEXT, S("苏州市 map of streets"), 0};
    if (str_eq(name, S("tags"))) return (struct ckan_value){CKAN_WORDS, S("地图\nstreet\n公园"), 0};
    if (str_eq(name, S("time"))) return (struct ckan_value){CKAN_TIME, STR_NONE, 1794182400000};
    if (str_eq(name, S("n"))) return (struct ckan_value){CKAN_NUMBER, STR_NONE, 7};
    return (struct ckan_value){.kind = CKAN_NOTHING};
}

static void check_query(struct arena *mem, struct str q) {
    struct ckan_node *tree = NULL;
    struct err e = {0};
    int code = ckan_query_read(mem, q, 1794182400000, &tree, &e);
    DEMAND(code == OK || code == ERR_search_query || code == ERR_too_large);
    if (code != OK) return;
    double score = 0;
    bool holds = ckan_query_holds(tree, NULL, field, &score);
    struct ckan_node not = {.op = CKAN_NOT, .a = tree};
    DEMAND(ckan_query_holds(&not, NULL, field, NULL) == !holds && score >= 0);
}

struct seen {
    struct str body;
    int n;
};
static int see(void *arg, const struct ckan_part *part) {
    struct seen *s = arg;
    DEMAND(part->value.p >= s->body.p && part->value.p + part->value.n <= s->body.p + s->body.n);
    DEMAND(part->name.n > 0 && str_utf8_ok(part->name));
    DEMAND(part->file_name.p || str_utf8_ok(part->value));
    s->n++;
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena mem;
    arena_init(&mem, 0);
    char *exact = malloc(n ? n : 1); // no zero behind it: one byte too far is then seen
    if (!exact) return 0;
    memcpy(exact, data, n);
    struct str rest, q = str_cut((struct str){exact, n}, '\n', &rest);
    if (str_utf8_ok(q)) check_query(&mem, q); // core lets nothing else in
    struct seen seen = {.body = rest.p ? rest : S("")};
    struct err e = {0};
    int code = ckan_multipart(&mem, S("multipart/form-data; boundary=\"XX\""), seen.body, see, &seen, &e);
    DEMAND(code == OK || e.code == (enum err_code)code);
    DEMAND(seen.n <= CKAN_MULTIPART_MAX);
    free(exact);
    arena_free(&mem);
    return 0;
}
