// SPDX-License-Identifier: MulanPSL-2.0
// JSON (RFC 8259), our own on purpose (docs/decisions/json.md): a strict reader that builds an index of
// nodes over the caller's bytes without copying, and an append-only writer over struct buf. Integers keep
// 64 bits (identity numbers and ids never pass through a double). Duplicate names in one object are an
// error; numbers, depth and node count have limits; text must be UTF-8.
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include "base/err.h"

#define JSON_DEPTH_MAX 64
#define JSON_NODES_MAX 2000000

enum json_kind { JSON_NULL = 1, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json_node; // one value in the index
struct json {     // a value: cheap to copy; node NULL = absent, and every getter then gives its absent value
    const struct json_doc *doc;
    uint32_t at;
};
struct json_doc;

// Parses the whole of `text`, which must stay alive. Field of the error: a JSON pointer; row: the line.
int json_parse(struct arena *mem, struct str text, struct json *ret, struct err *e) MUST;
enum json_kind json_kind(struct json v); // 0 when absent
bool json_is(struct json v, enum json_kind kind);
struct json json_get(struct json object, struct str name); // absent when no object or no such name
struct json json_at(struct json array, size_t i);
size_t json_count(struct json v); // members or items
// Iterates members (name set) or items (name STR_NONE): for (struct json_iter it = json_iter(v); json_next(&it);)
struct json_iter {
    struct json value;
    struct str name; // unescaped (arena of the document)
    uint32_t next, left;
    const struct json_doc *doc;
    bool is_object;
};
struct json_iter json_iter(struct json v);
bool json_next(struct json_iter *it);
struct str json_text(struct json v);             // unescaped; STR_NONE if not text
struct str json_raw(struct json v);              // the bytes as they stood
bool json_int(struct json v, int64_t *ret) MUST; // integral and within int64; 1.0 and 1e3 count
bool json_double(struct json v, double *ret) MUST;
bool json_bool(struct json v, bool *ret) MUST;

// Writer. Commas are put by the writer; nesting beyond JSON_DEPTH_MAX is a programming error (assert).
struct jw {
    struct buf *out;
    uint64_t has_item; // one bit per level
    int depth;
    bool after_name;
};
struct jw jw_to(struct buf *out);
void jw_object(struct jw *w);
void jw_object_end(struct jw *w);
void jw_array(struct jw *w);
void jw_array_end(struct jw *w);
void jw_name(struct jw *w, const char *name);
void jw_name_str(struct jw *w, struct str name);
void jw_text(struct jw *w, struct str v); // STR_NONE writes null
void jw_textz(struct jw *w, const char *v);
void jw_int(struct jw *w, int64_t v);
void jw_double(struct jw *w, double v); // shortest text that reads back the same; NaN and infinity write null
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_raw(struct jw *w, struct str json); // trusted JSON text
void jw_value(struct jw *w, struct json v); // copies a parsed value
// name and value together, the common case
void jw_ntext(struct jw *w, const char *name, struct str v);
void jw_nint(struct jw *w, const char *name, int64_t v);
void jw_nbool(struct jw *w, const char *name, bool v);
// RFC 8785-like canonical form: names sorted by bytes, no spaces, shortest escapes. For digests.
struct str json_canonical(struct arena *mem, struct json v);

#endif
