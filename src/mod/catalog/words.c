// SPDX-License-Identifier: MulanPSL-2.0
// The words of the catalog's closed lists, in both languages, from words.def. Keeps true: a key outside its list
// has no words, so that asking for the words is also the check of the key.
#include "mod/catalog/inside.h"
#include <assert.h>

static const struct catalog_word words[] = {
#define WORD(group, key, zh, en) {group, key, zh, en},
#include "mod/catalog/words.def"
#undef WORD
};

const struct catalog_word *catalog_word(const char *group, struct str key) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].group, group) == 0 && str_eq(str_of(words[i].key), key)) return &words[i];
    return NULL;
}

const char *catalog_state_code(enum catalog_state s) {
    static const char *const codes[] = {"draft",     "draft",    "signing",  "reviewing",
                                        "published", "returned", "withdrawn"};
    assert(s >= 0 && s <= CATALOG_WITHDRAWN);
    return codes[s];
}

const char *catalog_open_code(enum catalog_open o) {
    static const char *const codes[] = {"none", "conditional", "open"};
    assert(o >= CATALOG_OPEN_NONE && o <= CATALOG_OPEN_FREE);
    return codes[o];
}

bool catalog_open_of(struct str code, int *ret) {
    for (int i = CATALOG_OPEN_NONE; i <= CATALOG_OPEN_FREE; i++)
        if (str_eq(code, str_of(catalog_open_code((enum catalog_open)i)))) {
            *ret = i;
            return true;
        }
    return false;
}

const char *catalog_kind_code(enum catalog_kind k) {
    static const char *const codes[] = {"", "table", "service", "file"};
    assert(k >= 0 && k <= CATALOG_FILE);
    return codes[k];
}

enum catalog_kind catalog_kind_of(struct str code) {
    for (int i = CATALOG_TABLE; i <= CATALOG_FILE; i++)
        if (str_eq(code, str_of(catalog_kind_code((enum catalog_kind)i)))) return (enum catalog_kind)i;
    return 0;
}

bool catalog_has_word(struct str list, char sep, struct str word) {
    for (struct str rest = list; rest.p && rest.n;)
        if (str_eq(str_cut(rest, sep, &rest), word)) return true;
    return false;
}
