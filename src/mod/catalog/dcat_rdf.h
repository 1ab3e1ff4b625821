// SPDX-License-Identifier: MulanPSL-2.0
// A small RDF graph in memory and its three spellings. One model, so that Turtle, RDF/XML and JSON-LD cannot say
// different things. Written here because Debian 12's RDF library asks for another TLS build of libcurl than ours and
// writes no JSON-LD (docs/decisions/libraries.md). Knows nothing of the catalog.
//
// Names are written with the prefixes of dcat_rdf.c ("dct:title"); texts are cleaned once, on the way in, of what XML
// 1.0 cannot carry, so that all three spellings hold the same characters.
#ifndef CATALOG_DCAT_RDF_H
#define CATALOG_DCAT_RDF_H
#include "base/json.h"

#define RDF_NODES_MAX 200000

struct rdf_triple {
    struct rdf_triple *next; // of the same subject
    const char *name;        // predicate, prefixed
    int node;                // object node, or -1: a literal
    struct str text;
    const char *lang, *type; // of a literal: "zh", or "xsd:dateTime"; both NULL = plain
};
struct rdf_node {
    struct str iri; // n == 0: a blank node
    struct rdf_triple *first, *last;
    int next; // of the same hash, -1 = none
};
struct rdf {
    struct arena *mem;
    struct rdf_node *nodes;
    int n, cap;
    int heads[1024]; // by hash of the IRI; -1 = none
};
void rdf_open(struct rdf *g, struct arena *mem);
int rdf_iri(struct rdf *g, struct str iri); // the node of this IRI; the same node for the same IRI
int rdf_blank(struct rdf *g);
bool rdf_is_described(const struct rdf *g, int node); // it is the subject of something already
void rdf_link(struct rdf *g, int subject, const char *name, int object);
void rdf_to(struct rdf *g, int subject, const char *name, struct str iri);
// Names another thing and says what kind of thing that is: readers that check ranges want to know.
void rdf_to_a(struct rdf *g, int subject, const char *name, struct str iri, const char *type);
void rdf_type(struct rdf *g, int subject, const char *type);
void rdf_text(struct rdf *g, int subject, const char *name, struct str text,
              const char *lang); // empty: nothing
void rdf_typed(struct rdf *g, int subject, const char *name, struct str text, const char *type);

void rdf_put_turtle(const struct rdf *g, struct buf *out);
void rdf_put_xml(const struct rdf *g, struct buf *out);
void rdf_put_jsonld(const struct rdf *g, struct buf *out);

#endif
