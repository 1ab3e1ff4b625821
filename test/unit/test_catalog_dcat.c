// SPDX-License-Identifier: MulanPSL-2.0
// DCAT: the graph and its three spellings (held against our own XML and JSON readers here, against foreign ones in
// test/peers/dcat), what is in it for whom, its pages, and where plain addresses lead.
#include "catalog_pack.h"
#include "mod/catalog/dcat_rdf.h"
#include "xml/xml.h"

FIXTURE_MODULES(&people_module, &catalog_module)

static struct fixture f;
static int open_city(void **state) {
    (void)state;
    catalog_city(&f);
    snprintf(f.city.base_url, sizeof f.city.base_url, "https://data.example");
    return 0;
}
static int close_city(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static bool says(const char *part) {
    if (str_has(f.body, str_of(part))) return true;
    fprintf(stderr, "missing: %s in\n%.*s\n", part, (int)(f.body.n > 6000 ? 6000 : f.body.n), f.body.p);
    return false;
}
static void get(const char *target) {
    fixture_call(&f, "GET", target, NULL);
}
static struct str reply_header(const char *name) {
    for (int i = 0; i < f.cx.reply.headers_n; i++)
        if (str_eq(f.cx.reply.headers[i][0], str_of(name))) return f.cx.reply.headers[i][1];
    return STR_NONE;
}

// --- the graph ---

struct heard {
    struct buf text;
    int elements;
};
static int on_open(void *arg, struct str name, const char *const *attributes) {
    (void)name, (void)attributes;
    ((struct heard *)arg)->elements++;
    return OK;
}
static int on_text(void *arg, struct str piece) {
    buf_put(&((struct heard *)arg)->text, piece);
    return OK;
}

static void spellings(void **state) {
    (void)state;
    struct rdf g;
    // what each spelling has to escape, and what none may hold
    const struct str hard = S("a \"b\" \\ <c> & 'd'\ttab\r\nline\x01 ]]> 苏州 \xF0\x9F\x98\x80");
    const struct str clean = S("a \"b\" \\ <c> & 'd'\ttab\nline\xEF\xBF\xBD ]]> 苏州 \xF0\x9F\x98\x80");
    rdf_open(&g, &f.mem);
    int s = rdf_iri(&g, S("https://x.example/a b<\">"));
    assert_int_equal(rdf_iri(&g, S("https://x.example/a b<\">")), s);
    assert_false(rdf_is_described(&g, s));
    rdf_type(&g, s, "dcat:Dataset");
    rdf_text(&g, s, "dct:title", hard, "zh");
    rdf_text(&g, s, "dct:title", hard, "zh"); // a graph is a set
    rdf_text(&g, s, "dct:description", S(""), "en");
    rdf_typed(&g, s, "dct:issued", S("2026-11-22"), "xsd:date");
    int b = rdf_blank(&g);
    rdf_link(&g, s, "dct:rights", b);
    rdf_text(&g, b, "rdfs:label", S("r"), NULL);
    struct buf ttl = buf_new(&f.mem, 4096, 100000), xml = buf_new(&f.mem, 4096, 100000),
               json = buf_new(&f.mem, 4096, 100000);
    rdf_put_turtle(&g, &ttl);
    rdf_put_xml(&g, &xml);
    rdf_put_jsonld(&g, &json);
    assert_true(str_has(buf_str(&ttl), S("<https://x.example/a%20b%3C%22%3E> a dcat:Dataset ;")));
    assert_true(str_has(buf_str(&ttl), S("dct:title \"a \\\"b\\\" \\\\ <c> & 'd'\\ttab\\nline")));
    assert_true(str_has(buf_str(&ttl), S("\"2026-11-22\"^^xsd:date")));
    assert_false(str_has(buf_str(&ttl), S("dct:description")));
    struct xml *x;
    struct err e = {0};
    struct heard heard = {.text = buf_new(&f.mem, 1024, 100000)};
    const struct xml_handler handler = {.open = on_open, .text = on_text};
    assert_int_equal(xml_open(&handler, &heard, &x, &e), OK);
    assert_int_equal(xml_feed(x, buf_str(&xml), true, &e), OK);
    xml_close(x);
    assert_true(str_has(buf_str(&heard.text), clean));
    assert_int_equal(heard.elements,
                     1 + 1 + 4 + 1 + 1); // RDF, the subject and its four, the blank one and its one
    struct json j;
    assert_int_equal(json_parse(&f.mem, buf_str(&json), &j, &e), OK);
    struct json node = json_at(json_get(j, S("@graph")), 0);
    assert_true(str_eq(json_text(json_get(json_at(json_get(node, S("dct:title")), 0), S("@value"))), clean));
    assert_int_equal(json_count(json_get(node, S("dct:title"))), 1);
    assert_true(
        str_eq(json_text(json_at(json_get(node, S("@type")), 0)), S("http://www.w3.org/ns/dcat#Dataset")));
}

// --- the catalog ---

static void whole_catalog(void **state) {
    (void)state;
    AS_NOBODY(&f);
    get("/catalog.ttl");
    assert_status(&f, 200);
    assert_true(str_eq(f.cx.reply.type, S("text/turtle; charset=utf-8")));
    assert_true(says("<https://data.example/catalog> a dcat:Catalog"));
    assert_true(says("dcat:dataset <https://data.example/dataset/firms>"));
    assert_true(says("hydra:totalItems \"2\"^^xsd:integer"));
    assert_false(str_has(f.body, S("micro"))); // not open: not there
    assert_true(says("dct:title \"公园名录\"@zh ;\n    dct:title \"Parks\"@en"));
    assert_true(says("frequency/ANNUAL>"));
    assert_true(says("foaf:name"));
    // open: three forms of the table and the file with its size; on conditions: nothing to fetch, and it says so
    assert_true(says("<https://data.example/api/v1/portal/datasets/parks/download?format=xlsx>"));
    assert_true(says("dcat:byteSize \"10\"^^xsd:nonNegativeInteger"));
    assert_false(str_has(f.body, S("datasets/firms/download")));
    assert_true(says("access-right/RESTRICTED>"));
    assert_true(says("rdfs:label \"By name\"@en"));
    // synthetic in type, keyword and provenance
    assert_true(
        says("dct:type <http://publications.europa.eu/resource/authority/dataset-type/SYNTHETIC_DATA>"));
    assert_true(says("dcat:keyword \"模拟数据\"@zh"));
    AS_APPLICANT(&f);
    get("/catalog.ttl");
    assert_true(says("<https://data.example/dataset/micro> a dcat:Dataset"));
    assert_true(says("access-right/NON_PUBLIC>"));
}

static void one_dataset(void **state) {
    (void)state;
    AS_NOBODY(&f);
    get("/dataset/parks.jsonld");
    assert_status(&f, 200);
    assert_true(str_eq(f.cx.reply.type, S("application/ld+json")));
    assert_true(json_count(json_get(f.json, S("@graph"))) > 5);
    get("/dataset/parks.rdf");
    assert_true(str_eq(f.cx.reply.type, S("application/rdf+xml")));
    get("/dataset/parks.xml");
    assert_status(&f, 200);
    get("/dataset/parks.n3");
    assert_status(&f, 200);
    get("/dataset/micro.ttl");
    assert_status(&f, 404);
    get("/dataset/nothing.ttl");
    assert_status(&f, 404);
}

static void pages_and_changes(void **state) {
    (void)state;
    AS_NOBODY(&f);
    get("/catalog.ttl?page=1");
    assert_status(&f, 200);
    get("/catalog.ttl?page=2");
    assert_status(&f, 404); // never a page that looks as if everything had gone
    get("/catalog.ttl?page=0");
    assert_status(&f, 422);
    get("/catalog.ttl?modified_since=2026-11-09");
    assert_true(says("hydra:totalItems \"2\""));
    get("/catalog.ttl?modified_since=2026-11-10T00:00:00");
    assert_true(says("hydra:totalItems \"0\""));
    get("/catalog.ttl?modified_since=yesterday");
    assert_status(&f, 422);
    get("/catalog.ttl?q=%E5%85%AC%E5%9B%AD&profiles=euro_dcat_ap_3"); // what harvesters add is passed over
    assert_true(says("hydra:totalItems \"1\""));
    assert_true(says("page=1&q=%E5%85%AC%E5%9B%AD>"));
    get("/catalog.ttl?fq=title:(");
    assert_status(&f, 400);
}

static void plain_addresses(void **state) {
    (void)state;
    AS_NOBODY(&f);
    fixture_header(&f, "Accept", "application/rdf+xml;q=0.9, */*");
    get("/dataset/parks");
    assert_status(&f, 303);
    assert_true(str_eq(reply_header("Location"), S("/dataset/parks.rdf")));
    fixture_header(&f, "Accept", "text/html,application/xhtml+xml");
    get("/dataset/parks");
    assert_true(str_eq(reply_header("Location"), S("/data/parks")));
    fixture_header(&f, "Accept", "application/ld+json");
    get("/catalog");
    assert_true(str_eq(reply_header("Location"), S("/catalog.jsonld")));
    get("/dataset/micro");
    assert_status(&f, 404);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings),         cmocka_unit_test(whole_catalog),   cmocka_unit_test(one_dataset),
        cmocka_unit_test(pages_and_changes), cmocka_unit_test(plain_addresses),
    };
    return cmocka_run_group_tests_name("catalog_dcat", tests, open_city, close_city);
}
