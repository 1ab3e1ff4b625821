// SPDX-License-Identifier: MulanPSL-2.0
// The graph and its spellings. Kept true: subjects come in the order in which they were first named, so the same
// catalog gives the same bytes; an IRI never holds a character that one of the spellings would have to escape.
#include "mod/catalog/dcat_rdf.h"
#include <assert.h>

static const struct {
    const char *prefix, *iri;
} prefixes[] = {{"adms", "http://www.w3.org/ns/adms#"},
                {"dcat", "http://www.w3.org/ns/dcat#"},
                {"dcatap", "http://data.europa.eu/r5r/"},
                {"dct", "http://purl.org/dc/terms/"},
                {"foaf", "http://xmlns.com/foaf/0.1/"},
                {"hydra", "http://www.w3.org/ns/hydra/core#"},
                {"rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"},
                {"rdfs", "http://www.w3.org/2000/01/rdf-schema#"},
                {"skos", "http://www.w3.org/2004/02/skos/core#"},
                {"xsd", "http://www.w3.org/2001/XMLSchema#"}};
#define PREFIXES (sizeof prefixes / sizeof *prefixes)

// "dct:title" as a whole IRI.
static void put_name(struct buf *out, const char *name) {
    struct str local, prefix = str_cut(str_of(name), ':', &local);
    for (size_t i = 0; i < PREFIXES; i++)
        if (str_eq(prefix, str_of(prefixes[i].prefix))) {
            buf_puts(out, prefixes[i].iri);
            buf_put(out, local);
            return;
        }
    assert(false && "unknown prefix");
}

// --- building ---

void rdf_open(struct rdf *g, struct arena *mem) {
    *g = (struct rdf){.mem = mem};
    for (size_t i = 0; i < sizeof g->heads / sizeof *g->heads; i++)
        g->heads[i] = -1;
}

static int add_node(struct rdf *g, struct str iri) {
    if (g->n == g->cap) {
        int more = g->cap ? g->cap * 2 : 64;
        struct rdf_node *grown =
            more > RDF_NODES_MAX
                ? NULL
                : arena_grow(g->mem, g->nodes, (size_t)g->cap * sizeof *grown, (size_t)more * sizeof *grown);
        if (!grown) {
            g->mem->failed = true; // the caller's reply is refused as a whole: never half a catalog
            return 0;
        }
        g->nodes = grown;
        g->cap = more;
    }
    g->nodes[g->n] = (struct rdf_node){.iri = iri, .next = -1};
    return g->n++;
}

// RFC 3987: what no IRI may hold, percent-encoded; all else as it stands.
static struct str clean_iri(struct arena *mem, struct str s) {
    struct buf b = buf_new(mem, s.n + 8, s.n * 3 + 16);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c == 0x7F || strchr("<>\"{}|\\^`", c))
            buf_print(&b, "%%%02X", c);
        else
            buf_char(&b, (char)c);
    }
    return buf_str(&b);
}

int rdf_iri(struct rdf *g, struct str iri) {
    struct str s = clean_iri(g->mem, iri);
    size_t h = (size_t)(str_hash(s) % (sizeof g->heads / sizeof *g->heads));
    for (int i = g->heads[h]; i >= 0; i = g->nodes[i].next)
        if (str_eq(g->nodes[i].iri, s)) return i;
    int i = add_node(g, s);
    if (g->mem->failed) return 0;
    g->nodes[i].next = g->heads[h];
    g->heads[h] = i;
    return i;
}

int rdf_blank(struct rdf *g) {
    return add_node(g, STR_NONE);
}

bool rdf_is_described(const struct rdf *g, int node) {
    return node < g->n && g->nodes[node].first != NULL;
}

static void add(struct rdf *g, int subject, struct rdf_triple t) {
    if (g->mem->failed) return;
    assert(subject >= 0 && subject < g->n);
    struct rdf_node *s = &g->nodes[subject];
    for (const struct rdf_triple *o = s->first; o; o = o->next) // a graph is a set
        if (strcmp(o->name, t.name) == 0 && o->node == t.node && (t.node >= 0 || str_eq(o->text, t.text)) &&
            o->lang == t.lang && o->type == t.type)
            return;
    struct rdf_triple *kept = arena_take(g->mem, sizeof *kept);
    if (!kept) return;
    *kept = t;
    if (s->last)
        s->last->next = kept;
    else
        s->first = kept;
    s->last = kept;
}

void rdf_link(struct rdf *g, int subject, const char *name, int object) {
    add(g, subject, (struct rdf_triple){.name = name, .node = object});
}

void rdf_to(struct rdf *g, int subject, const char *name, struct str iri) {
    if (iri.n) rdf_link(g, subject, name, rdf_iri(g, iri));
}

void rdf_type(struct rdf *g, int subject, const char *type) {
    struct buf b = buf_new(g->mem, 96, 256);
    put_name(&b, type);
    rdf_to(g, subject, "rdf:type", buf_str(&b));
}

void rdf_to_a(struct rdf *g, int subject, const char *name, struct str iri, const char *type) {
    if (!iri.n) return;
    int object = rdf_iri(g, iri);
    rdf_link(g, subject, name, object);
    rdf_type(g, object, type);
}

// XML 1.0 knows no control characters but tab and line ends, and reads CR LF as LF.
static struct str clean_text(struct arena *mem, struct str s) {
    struct buf b = buf_new(mem, s.n + 8, s.n * 3 + 16);
    for (size_t at = 0; at < s.n;) {
        char bytes[4];
        int32_t c = str_utf8_next(s, &at);
        if (c < 0) break;
        if (c == '\r') c = at < s.n && s.p[at] == '\n' ? -1 : '\n';
        if (c < 0) continue;
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F || c == 0xFFFE || c == 0xFFFF) c = 0xFFFD;
        buf_put(&b, (struct str){bytes, str_utf8_put(bytes, (uint32_t)c)});
    }
    return buf_str(&b);
}

static void add_literal(struct rdf *g, int subject, const char *name, struct str text, const char *lang,
                        const char *type) {
    struct str clean = text.n ? clean_text(g->mem, text) : STR_NONE;
    if (clean.n)
        add(g, subject,
            (struct rdf_triple){.name = name, .node = -1, .text = clean, .lang = lang, .type = type});
}

void rdf_text(struct rdf *g, int subject, const char *name, struct str text, const char *lang) {
    add_literal(g, subject, name, text, lang, NULL);
}

void rdf_typed(struct rdf *g, int subject, const char *name, struct str text, const char *type) {
    add_literal(g, subject, name, text, NULL, type);
}

// --- Turtle ---

static void put_quoted(struct buf *out, struct str s) {
    buf_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"' || c == '\\') buf_char(out, '\\');
        if (c == '\n')
            buf_puts(out, "\\n");
        else if (c == '\t')
            buf_puts(out, "\\t");
        else
            buf_char(out, c);
    }
    buf_char(out, '"');
}

static bool is_plain_name(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z'))) return false;
    return s.n > 0;
}

static void put_turtle_node(const struct rdf *g, struct buf *out, int node) {
    if (!g->nodes[node].iri.n) {
        buf_print(out, "_:b%d", node);
        return;
    }
    struct str iri = g->nodes[node].iri;
    for (size_t i = 0; i < PREFIXES; i++) {
        struct str head = str_of(prefixes[i].iri), local = {iri.p + head.n, iri.n - head.n};
        if (!str_starts(iri, head) || !is_plain_name(local)) continue;
        buf_print(out, "%s:%.*s", prefixes[i].prefix, STRF(local));
        return;
    }
    buf_char(out, '<');
    buf_put(out, iri);
    buf_char(out, '>');
}

static void put_turtle_object(const struct rdf *g, struct buf *out, const struct rdf_triple *t) {
    if (t->node >= 0) {
        put_turtle_node(g, out, t->node);
        return;
    }
    put_quoted(out, t->text);
    if (t->lang) buf_print(out, "@%s", t->lang);
    if (t->type) buf_print(out, "^^%s", t->type);
}

void rdf_put_turtle(const struct rdf *g, struct buf *out) {
    for (size_t i = 0; i < PREFIXES; i++)
        buf_print(out, "@prefix %s: <%s> .\n", prefixes[i].prefix, prefixes[i].iri);
    for (int i = 0; i < g->n; i++) {
        if (!g->nodes[i].first) continue;
        buf_char(out, '\n');
        put_turtle_node(g, out, i);
        for (const struct rdf_triple *t = g->nodes[i].first; t; t = t->next) {
            buf_puts(out, t == g->nodes[i].first ? " " : " ;\n    ");
            buf_puts(out, strcmp(t->name, "rdf:type") == 0 ? "a" : t->name);
            buf_char(out, ' ');
            put_turtle_object(g, out, t);
        }
        buf_puts(out, " .\n");
    }
}

// --- RDF/XML ---

static void put_xml_text(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        default:
            buf_char(out, s.p[i]);
        }
}

static void put_xml_node(const struct rdf *g, struct buf *out, int node, const char *attribute) {
    if (!g->nodes[node].iri.n) {
        buf_print(out, " rdf:nodeID=\"b%d\"", node);
        return;
    }
    buf_print(out, " rdf:%s=\"", attribute);
    put_xml_text(out, g->nodes[node].iri);
    buf_char(out, '"');
}

static void put_xml_triple(const struct rdf *g, struct buf *out, const struct rdf_triple *t) {
    buf_print(out, "    <%s", t->name);
    if (t->node >= 0) {
        put_xml_node(g, out, t->node, "resource");
        buf_puts(out, "/>\n");
        return;
    }
    if (t->lang) buf_print(out, " xml:lang=\"%s\"", t->lang);
    if (t->type) {
        buf_puts(out, " rdf:datatype=\"");
        put_name(out, t->type);
        buf_char(out, '"');
    }
    buf_char(out, '>');
    put_xml_text(out, t->text);
    buf_print(out, "</%s>\n", t->name);
}

void rdf_put_xml(const struct rdf *g, struct buf *out) {
    buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rdf:RDF");
    for (size_t i = 0; i < PREFIXES; i++)
        buf_print(out, "\n    xmlns:%s=\"%s\"", prefixes[i].prefix, prefixes[i].iri);
    buf_puts(out, ">\n");
    for (int i = 0; i < g->n; i++) {
        if (!g->nodes[i].first) continue;
        buf_puts(out, "  <rdf:Description");
        put_xml_node(g, out, i, "about");
        buf_puts(out, ">\n");
        for (const struct rdf_triple *t = g->nodes[i].first; t; t = t->next)
            put_xml_triple(g, out, t);
        buf_puts(out, "  </rdf:Description>\n");
    }
    buf_puts(out, "</rdf:RDF>\n");
}

// --- JSON-LD ---

static struct str node_id(const struct rdf *g, int node) {
    return g->nodes[node].iri.n ? g->nodes[node].iri : str_print(g->mem, "_:b%d", node);
}

static void put_jsonld_value(const struct rdf *g, struct jw *w, const struct rdf_triple *t) {
    bool is_type = strcmp(t->name, "rdf:type") == 0;
    if (is_type) {
        jw_text(w, node_id(g, t->node));
        return;
    }
    jw_object(w);
    if (t->node >= 0) {
        jw_ntext(w, "@id", node_id(g, t->node));
    } else {
        if (t->lang) jw_ntext(w, "@language", str_of(t->lang));
        if (t->type) jw_ntext(w, "@type", str_of(t->type));
        jw_ntext(w, "@value", t->text);
    }
    jw_object_end(w);
}

static void put_jsonld_node(const struct rdf *g, struct jw *w, int node) {
    jw_object(w);
    jw_ntext(w, "@id", node_id(g, node));
    for (const struct rdf_triple *t = g->nodes[node].first; t; t = t->next) {
        bool before = false;
        for (const struct rdf_triple *o = g->nodes[node].first; o != t; o = o->next)
            before |= strcmp(o->name, t->name) == 0;
        if (before) continue; // all values of a name stand together, where it came first
        jw_name(w, strcmp(t->name, "rdf:type") == 0 ? "@type" : t->name);
        jw_array(w);
        for (const struct rdf_triple *o = t; o; o = o->next)
            if (strcmp(o->name, t->name) == 0) put_jsonld_value(g, w, o);
        jw_array_end(w);
    }
    jw_object_end(w);
}

void rdf_put_jsonld(const struct rdf *g, struct buf *out) {
    struct jw w = jw_to(out);
    jw_object(&w);
    jw_name(&w, "@context");
    jw_object(&w);
    for (size_t i = 0; i < PREFIXES; i++)
        jw_ntext(&w, prefixes[i].prefix, str_of(prefixes[i].iri));
    jw_object_end(&w);
    jw_name(&w, "@graph");
    jw_array(&w);
    for (int i = 0; i < g->n; i++)
        if (g->nodes[i].first) put_jsonld_node(g, &w, i);
    jw_array_end(&w);
    jw_object_end(&w);
}
