// SPDX-License-Identifier: MulanPSL-2.0
// Private to the DCAT-AP interface: data sets as a graph.
#ifndef CATALOG_DCAT_H
#define CATALOG_DCAT_H
#include "mod/catalog/ckan_seen.h"
#include "mod/catalog/dcat_rdf.h"

// One data set with its publisher, themes, distributions and services. Returns its node through ret_node.
int dcat_put_dataset(struct cx *cx, struct rdf *g, const struct catalog_dataset *d, int *ret_node) MUST;
// The catalog itself: title, description, publisher, themes, the service that serves it.
int dcat_put_catalog(struct cx *cx, struct rdf *g, int64_t modified_ms, int *ret_node) MUST;
struct str dcat_catalog_iri(struct cx *cx);
struct str dcat_dataset_iri(struct cx *cx, struct str id);

#endif
