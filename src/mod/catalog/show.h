// SPDX-License-Identifier: MulanPSL-2.0
// How data sets are written as JSON, and the shapes that say so in the interface description.
#ifndef CATALOG_SHOW_H
#define CATALOG_SHOW_H
#include "mod/catalog/inside.h"

extern const struct shape catalog_dataset_shape; // the whole description
extern const struct shape catalog_written_shape; // after a change: id, state, version, entry
extern const struct field catalog_item_fields[]; // one line of a list
extern const struct field catalog_word_fields[]; // {key, zh, en}

// The description's own facts and columns, members of an object that is open. Also the text that acts keep a digest of.
void show_facts(struct cx *cx, struct jw *w, const struct catalog_dataset *d);
struct str show_text(struct cx *cx, const struct catalog_dataset *d);
// The whole reply. is_public: names of people, steps and upstream addresses stay inside.
int show_dataset(struct cx *cx, const struct catalog_dataset *d, bool is_public) MUST;
int show_resources(struct cx *cx, const struct catalog_dataset *d, bool is_public) MUST; // name and array
int show_written(struct cx *cx, struct str id) MUST;
// {"key":…,"zh":…,"en":…}
void show_word(struct jw *w, struct str key, struct str zh, struct str en);
// The next moment at which the promised cycle wants new data; 0 = none is promised.
int64_t show_next_update(const struct catalog_dataset *d);
int64_t show_next_update_of(struct str cycle, int64_t data_ms);

#endif
