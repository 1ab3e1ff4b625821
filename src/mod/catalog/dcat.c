// SPDX-License-Identifier: MulanPSL-2.0
// DCAT-AP 3 over HTTP: /catalog.{ttl,jsonld,rdf,xml,n3} in pages of 100 with Hydra's links, /dataset/{id}.… for one,
// and the plain addresses, which lead a browser to the page and a harvester to the data. Kept true: harvesters delete
// what a dump no longer holds, so a page is whole or an error, and a page that does not exist is a 404.
#include "mod/catalog/dcat.h"
#include <inttypes.h>

#define DCAT_PAGE     100
#define DCAT_OUT_MAX  ((size_t)48 << 20) // harvesters refuse more than 50 MB
#define DCAT_PAGE_MAX 1000000

static const struct spelling {
    const char *ending, *type;
    void (*put)(const struct rdf *g, struct buf *out);
} spellings[] = {{".ttl", "text/turtle; charset=utf-8", rdf_put_turtle},
                 {".n3", "text/n3; charset=utf-8", rdf_put_turtle}, // Turtle is N3
                 {".jsonld", "application/ld+json", rdf_put_jsonld},
                 {".rdf", "application/rdf+xml", rdf_put_xml},
                 {".xml", "application/rdf+xml", rdf_put_xml}};

static const struct spelling *spelling_of(struct str path) {
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (str_ends(path, str_of(spellings[i].ending))) return &spellings[i];
    return &spellings[0];
}

static int reply(struct cx *cx, const struct rdf *g) {
    const struct spelling *how = spelling_of(str_of(cx->route->path));
    struct buf out = buf_new(cx->mem, 65536, DCAT_OUT_MAX);
    how->put(g, &out);
    if (cx->mem->failed) return cx_fail(cx, ERR_no_memory, "", "graph");
    if (out.over) return cx_fail(cx, ERR_too_large, "", "%zu", DCAT_OUT_MAX);
    cx_reply_header(cx, "Access-Control-Allow-Origin", S("*"));
    cx_reply_body(cx, how->type, buf_str(&out));
    return OK;
}

// --- the catalog, page by page ---

static struct str page_url(struct cx *cx, int64_t page) {
    struct buf b = buf_new(cx->mem, 256, 16384);
    static const char *const kept[] = {"modified_since", "q", "fq"};
    buf_puts(&b, cx->city->base_url);
    buf_put(&b, cx->req->path);
    buf_print(&b, "?page=%" PRId64, page);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct str v = cx_text(cx, kept[i]);
        if (!v.n) continue;
        buf_print(&b, "&%s=", kept[i]);
        for (size_t k = 0; k < v.n; k++) {
            unsigned char c = (unsigned char)v.p[k];
            bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         c == '-' || c == '_';
            if (plain)
                buf_char(&b, (char)c);
            else
                buf_print(&b, "%%%02X", c);
        }
    }
    return buf_str(&b);
}

static void put_paging(struct cx *cx, struct rdf *g, int64_t page, int64_t pages, int64_t total) {
    int node = rdf_iri(g, page_url(cx, page));
    rdf_type(g, node, "hydra:PagedCollection");
    rdf_type(g, node, "hydra:PartialCollectionView");
    rdf_typed(g, node, "hydra:totalItems", str_print(cx->mem, "%" PRId64, total), "xsd:integer");
    rdf_typed(g, node, "hydra:itemsPerPage", str_print(cx->mem, "%d", DCAT_PAGE), "xsd:integer");
    rdf_to(g, node, "hydra:first", page_url(cx, 1));
    rdf_to(g, node, "hydra:last", page_url(cx, pages));
    if (page > 1) rdf_to(g, node, "hydra:previous", page_url(cx, page - 1));
    if (page >= pages) return;
    rdf_to(g, node, "hydra:next", page_url(cx, page + 1));
    cx_reply_header(cx, "Link", str_print(cx->mem, "<%.*s>; rel=\"next\"", STRF(page_url(cx, page + 1))));
}

// A day, or a moment with or without its zone (then UTC).
static int since_of(struct cx *cx, int64_t *ret) {
    struct str v = str_trim(catalog_none(cx_text(cx, "modified_since")));
    int32_t day;
    *ret = INT64_MIN;
    if (!v.n) return OK;
    if (v.n == 10 && clock_read_date(v, &day)) {
        *ret = (int64_t)day * DAY_MS;
        return OK;
    }
    if (clock_read_iso(v, ret) || clock_read_iso(str_print(cx->mem, "%.*sZ", STRF(v)), ret)) return OK;
    return cx_fail(cx, ERR_date_form, "modified_since", "%s", "");
}

static int choose(struct cx *cx, struct seen *s) {
    int64_t since;
    size_t kept = 0;
    int code = since_of(cx, &since);
    if (code == OK) code = seen_open(cx, false, s);
    if (code == OK) code = seen_filter(s, cx_text(cx, "q"), false);
    if (code == OK) code = seen_filter(s, cx_text(cx, "fq"), false);
    if (code != OK) return code;
    for (size_t i = 0; i < s->n; i++)
        if (s->docs[i].modified_ms >= since) s->docs[kept++] = s->docs[i];
    s->n = kept;
    return seen_sort(s, S("id asc"), false); // ids do not move, so pages do not overlap
}

static int catalog_handle(struct cx *cx) {
    struct seen s;
    struct rdf *g = arena_take(cx->mem, sizeof *g);
    int catalog, node;
    int code = g ? choose(cx, &s) : cx_fail(cx, ERR_no_memory, "", "graph");
    if (code != OK) return code;
    int64_t page = cx_int(cx, "page", 1), modified = 0;
    int64_t pages = s.n ? ((int64_t)s.n + DCAT_PAGE - 1) / DCAT_PAGE : 1;
    if (page > pages) return cx_fail(cx, ERR_not_found, "page", "%" PRId64, page);
    for (size_t i = 0; i < s.n; i++)
        if (s.docs[i].modified_ms > modified) modified = s.docs[i].modified_ms;
    rdf_open(g, cx->mem);
    code = dcat_put_catalog(cx, g, modified, &catalog);
    if (code == OK) put_paging(cx, g, page, pages, (int64_t)s.n);
    for (int64_t i = (page - 1) * DCAT_PAGE; code == OK && i < (int64_t)s.n && i < page * DCAT_PAGE; i++) {
        struct catalog_dataset *d;
        code = catalog_edition_get(cx, s.docs[i].id, s.docs[i].edition, &d);
        if (code == OK) code = dcat_put_dataset(cx, g, d, &node);
        if (code == OK) rdf_link(g, catalog, "dcat:dataset", node);
    }
    if (code != OK && cx->err.code == OK) return cx_fail(cx, (enum err_code)code, "", "%s", "");
    return code == OK ? reply(cx, g) : code;
}

static int dataset_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct rdf *g = arena_take(cx->mem, sizeof *g);
    struct str id = cx_text(cx, "id");
    int node, code = g ? seen_get(cx, id, &d) : cx_fail(cx, ERR_no_memory, "", "graph");
    if (code == OK && !d->is_live) code = cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(id));
    if (code != OK) return code;
    rdf_open(g, cx->mem);
    code = dcat_put_dataset(cx, g, d, &node);
    return code == OK ? reply(cx, g) : code;
}

// --- plain addresses: what the names in the graph lead to ---

// The spelling that the reader asks for, NULL for a browser. The order of the header is taken, weights are not.
static const char *asked_for(struct cx *cx) {
    for (struct str rest = cx_header(cx, "Accept"); rest.p;) {
        struct str weight, one = str_trim(str_cut(rest, ',', &rest)),
                           type = str_trim(str_cut(one, ';', &weight));
        if (str_eq_nocase(type, S("text/html"))) return NULL;
        for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
            struct str ours = str_cut(str_of(spellings[i].type), ';', &weight);
            if (str_eq_nocase(type, ours)) return spellings[i].ending;
        }
    }
    return NULL;
}

static int lead(struct cx *cx, struct str to) {
    cx_status(cx, 303);
    cx_reply_header(cx, "Location", to);
    cx_reply_header(cx, "Vary", S("Accept"));
    cx_reply_body(cx, "text/plain; charset=utf-8", S(""));
    return OK;
}

static int lead_catalog(struct cx *cx) {
    const char *ending = asked_for(cx);
    return lead(cx, ending ? str_print(cx->mem, "/catalog%s", ending) : S("/data"));
}

static int lead_dataset(struct cx *cx) {
    const char *ending = asked_for(cx);
    struct catalog_dataset *d;
    struct str id = cx_text(cx, "id");
    int code = seen_get(cx, id, &d); // its id goes into a header: only one that is ours does
    if (code != OK) return code;
    return lead(cx, ending ? str_print(cx->mem, "/dataset/%.*s%s", STRF(d->id), ending)
                           : str_print(cx->mem, "/data/%.*s", STRF(d->id)));
}

static const struct field catalog_takes[] = {
    {"page", .where = IN_QUERY, .type = T_INT, .min = 1, .max = DCAT_PAGE_MAX, .zh = "第几页", .en = "Page"},
    {"modified_since", .where = IN_QUERY, .type = T_TEXT, .max = 40, .zh = "此后有变更的",
     .en = "Changed since"},
    {"q", .where = IN_QUERY, .type = T_TEXT, .max = CKAN_QUERY_BYTES, .zh = "检索式",
     .en = "Search expression"},
    {"fq", .where = IN_QUERY, .type = T_TEXT, .max = CKAN_QUERY_BYTES, .zh = "过滤式",
     .en = "Filter expression"},
    {0}};
static const struct field id_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set"},
    {0}};
static const struct shape turtle_shape = {.name = "Turtle", .media = "text/turtle"};
static const struct shape n3_shape = {.name = "N3", .media = "text/n3"};
static const struct shape jsonld_shape = {.name = "JsonLd", .media = "application/ld+json"};
static const struct shape xml_shape = {.name = "RdfXml", .media = "application/rdf+xml"};
static const struct shape lead_shape = {.name = "Redirect", .media = "text/plain"};

#define CATALOG(ending_, shape_)                                                                             \
    {                                                                                                        \
        "GET", "/catalog" ending_, ROUTE_SLOW, R_PUBLIC, catalog_takes, &shape_,                             \
            .flags = ROUTE_OPEN_FIELDS, .handle = catalog_handle, .zh = "目录（DCAT-AP 3）",                 \
            .en = "The catalog in DCAT-AP 3"                                                                 \
    }
#define DATASET(ending_, shape_)                                                                             \
    {                                                                                                        \
        "GET", "/dataset/{id}" ending_, ROUTE_READ, R_PUBLIC, id_takes, &shape_,                             \
            .flags = ROUTE_OPEN_FIELDS, .handle = dataset_handle, .zh = "一个目录（DCAT-AP 3）",             \
            .en = "One data set in DCAT-AP 3"                                                                \
    }
const struct route catalog_dcat_routes[] = {
    CATALOG(".ttl", turtle_shape),
    CATALOG(".n3", n3_shape),
    CATALOG(".jsonld", jsonld_shape),
    CATALOG(".rdf", xml_shape),
    CATALOG(".xml", xml_shape),
    DATASET(".ttl", turtle_shape),
    DATASET(".n3", n3_shape),
    DATASET(".jsonld", jsonld_shape),
    DATASET(".rdf", xml_shape),
    DATASET(".xml", xml_shape),
    {"GET", "/catalog", ROUTE_READ, R_PUBLIC, NULL, &lead_shape, .flags = ROUTE_OPEN_FIELDS,
     .handle = lead_catalog, .zh = "目录的地址（按 Accept 转向）",
     .en = "The catalog's address: leads on by Accept"},
    {"GET", "/dataset/{id}", ROUTE_READ, R_PUBLIC, id_takes, &lead_shape, .flags = ROUTE_OPEN_FIELDS,
     .handle = lead_dataset, .zh = "目录条目的地址（按 Accept 转向）",
     .en = "A data set's address: leads on by Accept"},
    {0}};
