// SPDX-License-Identifier: MulanPSL-2.0
// What the catalog says in DCAT-AP 3: which fact stands under which property, and which controlled list of the EU
// Publications Office its value is looked up in. Kept true: only what is so is said (no contact that nobody gave, no
// checksum by an algorithm that SPDX does not know); what is not open is described and has no distribution; synthetic
// data say so in type, keyword and provenance.
#include "mod/catalog/dcat.h"
#include "mod/catalog/files.h"
#include <inttypes.h>

#define EU   "http://publications.europa.eu/resource/authority/"
#define IANA "https://www.iana.org/assignments/media-types/"

struct pair {
    const char *key, *value;
};
static const struct pair frequencies[] = {{"realtime", "CONT"},       {"daily", "DAILY"},
                                          {"weekly", "WEEKLY"},       {"monthly", "MONTHLY"},
                                          {"quarterly", "QUARTERLY"}, {"halfyearly", "ANNUAL_2"},
                                          {"yearly", "ANNUAL"},       {"irregular", "IRREG"},
                                          {"once", "NEVER"},          {NULL, NULL}};
static const struct pair file_types[] = {{"csv", "CSV"},         {"json", "JSON"}, {"xlsx", "XLSX"},
                                         {"geojson", "GEOJSON"}, {"pdf", "PDF"},   {"zip", "ZIP"},
                                         {"xml", "XML"},         {"txt", "TXT"},   {"png", "PNG"},
                                         {"jpg", "JPEG"},        {NULL, NULL}};
static const struct {
    const char *format, *media;
} table_forms[] = {{"csv", "text/csv"},
                   {"json", "application/json"},
                   {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}};

static const char *look_up(const struct pair *list, struct str key) {
    for (; list->key; list++)
        if (str_eq(str_of(list->key), key)) return list->value;
    return NULL;
}

static struct str word(const char *key, bool zh) {
    const struct catalog_word *w = catalog_word("dcat", str_of(key));
    return str_of(!w ? key : zh ? w->zh : w->en);
}

static struct str at(struct cx *cx, const char *path, struct str end) {
    return str_print(cx->mem, "%s%s%.*s", cx->city->base_url, path, STRF(end));
}

struct str dcat_catalog_iri(struct cx *cx) {
    return at(cx, "/catalog", S(""));
}

struct str dcat_dataset_iri(struct cx *cx, struct str id) {
    return at(cx, "/dataset/", id);
}

static void both(struct rdf *g, int node, const char *name, struct str zh, struct str en) {
    rdf_text(g, node, name, zh, "zh");
    rdf_text(g, node, name, en, "en");
}

static void moment(struct cx *cx, struct rdf *g, int node, const char *name, int64_t ms) {
    if (ms) rdf_typed(g, node, name, clock_iso(cx->mem, ms), "xsd:dateTime");
}

static void controlled(struct cx *cx, struct rdf *g, int node, const char *name, const char *list,
                       const char *value, const char *type) {
    if (!value) return;
    struct str iri = str_print(cx->mem, EU "%s/%s", list, value);
    rdf_to_a(g, node, name, iri, type);
    // A concept has a label; our readers need not have the list at hand.
    if (strcmp(type, "skos:Concept") == 0)
        both(g, rdf_iri(g, iri), "skos:prefLabel", word(value, true), word(value, false));
}

// --- who and about what ---

static int publisher(struct cx *cx, struct rdf *g, int node, struct str office) {
    struct people_office o;
    int agent = rdf_iri(g, at(cx, "/organization/", office));
    rdf_link(g, node, "dct:publisher", agent);
    if (rdf_is_described(g, agent)) return OK;
    int code = people_office_get(cx, office, &o);
    if (code != OK && code != ERR_not_found) return code;
    rdf_type(g, agent, "foaf:Agent");
    // An office that the register does not know is named by its id: an agent without a name is not allowed.
    both(g, agent, "foaf:name", code == OK ? o.name : office, code == OK ? o.name_en : STR_NONE);
    rdf_text(g, agent, "dct:identifier", office, NULL);
    if (code != OK || !o.level) return OK;
    const char *type =
        o.level == 1 ? "RegionalAuthority" : "LocalAuthority"; // ADMS's list of publishers' kinds
    struct str iri = str_print(cx->mem, "http://purl.org/adms/publishertype/%s", type);
    rdf_to_a(g, agent, "dct:type", iri, "skos:Concept");
    both(g, rdf_iri(g, iri), "skos:prefLabel", word(type, true), word(type, false));
    return OK;
}

static int scheme(struct cx *cx, struct rdf *g) {
    int node = rdf_iri(g, at(cx, "/api/v1/classes", S("")));
    if (rdf_is_described(g, node)) return node;
    rdf_type(g, node, "skos:ConceptScheme");
    both(g, node, "dct:title", word("classes", true), word("classes", false));
    both(g, node, "skos:prefLabel", word("classes", true), word("classes", false));
    return node;
}

static int themes(struct cx *cx, struct rdf *g, int node, struct str class_codes) {
    for (struct str rest = class_codes; rest.p && rest.n;) {
        struct str c = str_cut(rest, ' ', &rest);
        int concept = rdf_iri(g, at(cx, "/api/v1/classes#", c));
        rdf_link(g, node, "dcat:theme", concept);
        if (rdf_is_described(g, concept)) continue;
        rdf_type(g, concept, "skos:Concept");
        rdf_link(g, concept, "skos:inScheme", scheme(cx, g));
        rdf_text(g, concept, "skos:notation", c, NULL);
        struct stmt *s = store_query(cx->db, Q_catalog_class_get, "s", c);
        if (store_next(s))
            both(g, concept, "skos:prefLabel", store_str(s, 0, cx->mem), store_str(s, 1, cx->mem));
        int code = store_done(s, &cx->err);
        if (code != OK) return code;
    }
    return OK;
}

static void place(struct cx *cx, struct rdf *g, int node, struct str spatial) {
    struct json j;
    if (!spatial.n || json_parse(cx->mem, spatial, &j, NULL) != OK) return;
    struct str area = json_text(json_get(j, S("coverage")));
    if (!area.n) return;
    int location = rdf_iri(g, at(cx, "/area/", area));
    rdf_link(g, node, "dct:spatial", location);
    rdf_type(g, location, "dct:Location");
    rdf_text(g, location, "dct:identifier", area, NULL);
    rdf_text(g, location, "skos:prefLabel", people_area_name(cx, area), "zh");
}

static void licence(struct cx *cx, struct rdf *g, int node, struct str id) {
    if (!id.n) return;
    if (!str_starts(id, S("LicenseRef-")) && !memchr(id.p, ' ', id.n)) {
        rdf_to_a(g, node, "dct:license", str_print(cx->mem, "https://spdx.org/licenses/%.*s", STRF(id)),
                 "dct:LicenseDocument");
        return;
    }
    int document = rdf_blank(g); // a licence that no list names
    rdf_link(g, node, "dct:license", document);
    rdf_type(g, document, "dct:LicenseDocument");
    rdf_text(g, document, "rdfs:label", id, NULL);
}

static void statement(struct rdf *g, int node, const char *name, const char *type, struct str zh,
                      struct str en) {
    if (!zh.n && !en.n) return;
    int s = rdf_blank(g);
    rdf_link(g, node, name, s);
    rdf_type(g, s, type);
    both(g, s, "rdfs:label", zh, en);
}

static void access_rights(struct cx *cx, struct rdf *g, int node, int open) {
    controlled(cx, g, node, "dct:accessRights", "access-right",
               open == CATALOG_OPEN_FREE        ? "PUBLIC"
               : open == CATALOG_OPEN_CONDITION ? "RESTRICTED"
                                                : "NON_PUBLIC",
               "dct:RightsStatement");
}

// --- how to come by the data ---

static int portal_service(struct cx *cx, struct rdf *g) {
    int node = rdf_iri(g, at(cx, "/api/v1/portal", S("")));
    if (rdf_is_described(g, node)) return node;
    rdf_type(g, node, "dcat:DataService");
    both(g, node, "dct:title", word("portal_api", true), word("portal_api", false));
    rdf_to_a(g, node, "dcat:endpointURL", at(cx, "/api/v1/portal", S("")), "rdfs:Resource");
    rdf_to_a(g, node, "dcat:endpointDescription", at(cx, "/api/openapi.json", S("")), "rdfs:Resource");
    access_rights(cx, g, node, CATALOG_OPEN_FREE);
    return node;
}

static int distribution(struct cx *cx, struct rdf *g, int dataset, const struct catalog_dataset *d,
                        const struct catalog_resource *r, const char *form) {
    struct str iri = str_print(cx->mem, "%.*s/resource/%.*s%s%s", STRF(dcat_dataset_iri(cx, d->id)),
                               STRF(r->rid), form ? "/" : "", form ? form : "");
    int node = rdf_iri(g, iri);
    rdf_link(g, dataset, "dcat:distribution", node);
    rdf_type(g, node, "dcat:Distribution");
    both(g, node, "dct:title", r->title_zh, r->title_en);
    rdf_to_a(g, node, "dcat:accessURL", at(cx, "/data/", d->id), "rdfs:Resource");
    licence(cx, g, node, d->licence);
    moment(cx, g, node, "dct:modified", r->loaded_ms);
    return node;
}

static void put_format(struct cx *cx, struct rdf *g, int node, struct str format, struct str media) {
    struct str plain = str_cut(media, ';', &(struct str){0});
    controlled(cx, g, node, "dct:format", "file-type", look_up(file_types, format), "dct:MediaTypeOrExtent");
    rdf_to_a(g, node, "dcat:mediaType", str_print(cx->mem, IANA "%.*s", STRF(plain)), "dct:MediaType");
}

static void table_forms_of(struct cx *cx, struct rdf *g, int dataset, const struct catalog_dataset *d,
                           const struct catalog_resource *r) {
    for (size_t i = 0; i < sizeof table_forms / sizeof *table_forms; i++) {
        const char *form = table_forms[i].format;
        int node = distribution(cx, g, dataset, d, r, form);
        rdf_to_a(g, node, "dcat:downloadURL",
                 str_print(cx->mem, "%s/api/v1/portal/datasets/%.*s/download?format=%s", cx->city->base_url,
                           STRF(d->id), form),
                 "rdfs:Resource");
        put_format(cx, g, node, str_of(form), str_of(table_forms[i].media));
        int service = portal_service(cx, g);
        rdf_link(g, node, "dcat:accessService", service);
        rdf_link(g, service, "dcat:servesDataset", dataset);
    }
}

static void file_of(struct cx *cx, struct rdf *g, int dataset, const struct catalog_dataset *d,
                    const struct catalog_resource *r) {
    int node = distribution(cx, g, dataset, d, r, NULL);
    rdf_to_a(g, node, "dcat:downloadURL",
             str_print(cx->mem, "%s/api/v1/portal/datasets/%.*s/files/%.*s", cx->city->base_url, STRF(d->id),
                       STRF(r->rid)),
             "rdfs:Resource");
    put_format(cx, g, node, r->format, str_of(files_type(r->file_name)));
    rdf_typed(g, node, "dcat:byteSize", str_print(cx->mem, "%" PRId64, r->bytes), "xsd:nonNegativeInteger");
}

// A provider's service is called through the exchange, with a grant; its own address stays inside.
static void service_of(struct cx *cx, struct rdf *g, int dataset, const struct catalog_dataset *d,
                       const struct catalog_resource *r) {
    int node =
        rdf_iri(g, str_print(cx->mem, "%.*s/resource/%.*s", STRF(dcat_dataset_iri(cx, d->id)), STRF(r->rid)));
    rdf_type(g, node, "dcat:DataService");
    both(g, node, "dct:title", r->title_zh, r->title_en);
    rdf_to_a(g, node, "dcat:endpointURL", at(cx, "/api/v1/exchange", S("")), "rdfs:Resource");
    rdf_link(g, node, "dcat:servesDataset", dataset);
    access_rights(cx, g, node, CATALOG_OPEN_CONDITION);
}

static int resources(struct cx *cx, struct rdf *g, int dataset, const struct catalog_dataset *d) {
    struct catalog_resource *r;
    size_t n;
    bool open = catalog_is_open(d) && d->open == CATALOG_OPEN_FREE;
    int code = catalog_resources(cx, d->id, &r, &n);
    for (size_t i = 0; code == OK && i < n; i++) {
        if (r[i].kind == CATALOG_TABLE && open && d->table && !d->is_verify_only)
            table_forms_of(cx, g, dataset, d, &r[i]);
        // A file cannot be trimmed by column: as at the portal, only a wholly open one is given out.
        if (r[i].kind == CATALOG_FILE && open && d->grade == GRADE_L1 && r[i].sm3.n)
            file_of(cx, g, dataset, d, &r[i]);
        if (r[i].kind == CATALOG_SERVICE) service_of(cx, g, dataset, d, &r[i]);
    }
    return code;
}

// --- data set and catalog ---

static void provenance(struct cx *cx, struct rdf *g, int node, const struct catalog_dataset *d) {
    int32_t day;
    statement(g, node, "dct:provenance", "dct:ProvenanceStatement", d->source_zh, d->source_en);
    if (d->source_date.n && clock_read_date(d->source_date, &day)) { // as of when, not since when
        int period = rdf_blank(g);
        rdf_link(g, node, "dct:temporal", period);
        rdf_type(g, period, "dct:PeriodOfTime");
        rdf_typed(g, period, "dcat:endDate", clock_date(cx->mem, day), "xsd:date");
    }
    if (!d->is_synthetic) return;
    statement(g, node, "dct:provenance", "dct:ProvenanceStatement", word("synthetic", true),
              word("synthetic", false));
    controlled(cx, g, node, "dct:type", "dataset-type", "SYNTHETIC_DATA", "skos:Concept");
    both(g, node, "dcat:keyword", S("模拟数据"), S("synthetic"));
}

static void facts(struct cx *cx, struct rdf *g, int node, const struct catalog_dataset *d) {
    bool says =
        d->abstract_zh.n || d->abstract_en.n; // a description is obligatory: the title stands in for none
    rdf_type(g, node, "dcat:Dataset");
    both(g, node, "dct:title", d->title_zh, d->title_en);
    both(g, node, "dct:description", says ? d->abstract_zh : d->title_zh,
         says ? d->abstract_en : d->title_en);
    rdf_text(g, node, "dct:identifier", d->id, NULL);
    rdf_text(g, node, "dcat:version", str_print(cx->mem, "%" PRId64, d->edition), NULL);
    for (struct str rest = d->keywords; rest.p && rest.n;)
        rdf_text(g, node, "dcat:keyword", str_cut(rest, '|', &rest), "zh");
    rdf_to_a(g, node, "dcat:landingPage", at(cx, "/data/", d->id), "foaf:Document");
    controlled(cx, g, node, "dct:accrualPeriodicity", "frequency", look_up(frequencies, d->cycle),
               "dct:Frequency");
    controlled(cx, g, node, "dct:language", "language", "ZHO", "dct:LinguisticSystem");
    access_rights(cx, g, node, d->open);
    statement(g, node, "dct:rights", "dct:RightsStatement", d->open_condition_zh, d->open_condition_en);
    place(cx, g, node, d->spatial);
    provenance(cx, g, node, d);
}

int dcat_put_dataset(struct cx *cx, struct rdf *g, const struct catalog_dataset *d, int *ret_node) {
    int64_t created = 0, modified = 0;
    int node = rdf_iri(g, dcat_dataset_iri(cx, d->id));
    int code = seen_times(cx, d, &created, &modified);
    if (code != OK) return code;
    facts(cx, g, node, d);
    moment(cx, g, node, "dct:issued", created);
    moment(cx, g, node, "dct:modified", modified);
    code = publisher(cx, g, node, d->office);
    if (code == OK) code = themes(cx, g, node, d->class_codes);
    if (code == OK) code = resources(cx, g, node, d);
    for (struct str rest = d->related; code == OK && rest.p && rest.n;) {
        struct catalog_dataset *other;
        struct str id = str_cut(rest, ' ', &rest);
        code = catalog_dataset_get(cx, id, &other);
        if (code == OK && catalog_is_open(other))
            rdf_to_a(g, node, "dct:relation", dcat_dataset_iri(cx, id), "rdfs:Resource");
        if (code == ERR_not_found) code = OK;
    }
    *ret_node = node;
    return code;
}

int dcat_put_catalog(struct cx *cx, struct rdf *g, int64_t modified_ms, int *ret_node) {
    int node = rdf_iri(g, dcat_catalog_iri(cx));
    struct str city = catalog_none(people_city_code(cx)), name = catalog_none(people_area_name(cx, city));
    struct str authority = people_office_city_authority(cx);
    rdf_type(g, node, "dcat:Catalog");
    both(g, node, "dct:title", str_print(cx->mem, "%.*s%.*s", STRF(name), STRF(word("title", true))),
         word("title", false));
    both(g, node, "dct:description", word("about", true), word("about", false));
    rdf_to_a(g, node, "foaf:homepage", at(cx, "/", S("")), "foaf:Document");
    controlled(cx, g, node, "dct:language", "language", "ZHO", "dct:LinguisticSystem");
    moment(cx, g, node, "dct:modified", modified_ms);
    rdf_link(g, node, "dcat:themeTaxonomy", scheme(cx, g));
    rdf_link(g, node, "dcat:service", portal_service(cx, g));
    if (city.n) {
        struct str spatial = str_print(cx->mem, "{\"coverage\":\"%.*s\"}", STRF(city));
        place(cx, g, node, spatial);
    }
    *ret_node = node;
    return publisher(cx, g, node, authority.n ? authority : S("gusu"));
}
