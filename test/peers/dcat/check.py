#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""A harvester's view of /catalog and /dataset: every spelling parses, the spellings say the same, pages hang together,
nothing that is not open is in it, and the graph fulfils the DCAT-AP 3 shapes.

usage: check.py URL [SHAPES]     SHAPES: releases/3.0.0/shacl/dcat-ap-SHACL.ttl of github.com/SEMICeu/DCAT-AP
"""
import sys
import urllib.error
import urllib.request

from rdflib import Graph, Namespace, RDF
from rdflib.compare import isomorphic

DCAT, DCT, HYDRA = (Namespace(n) for n in (
    "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/", "http://www.w3.org/ns/hydra/core#"))
SPELLINGS = {"ttl": ("turtle", "text/turtle"), "n3": ("n3", "text/n3"), "jsonld": ("json-ld", "application/ld+json"),
             "rdf": ("xml", "application/rdf+xml"), "xml": ("xml", "application/rdf+xml")}
base = sys.argv[1].rstrip("/")
bad = 0


def say(ok, what):
    global bad
    bad += not ok
    print("ok  " if ok else "BAD ", what)


def fetch(path, accept=None):
    request = urllib.request.Request(path if path.startswith("http") else base + path,
                                     headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=60) as r:
        return r.headers.get_content_type(), r.read(), r.geturl()


def graph(path, spelling):
    form, media = SPELLINGS[spelling]
    got, body, _ = fetch(path)
    say(got == media, f"{path}: {got}")
    return Graph().parse(data=body, format=form)


def without_paging(g):
    """Each spelling names its own pages; all else must be the same."""
    out = Graph()
    pages = set(g.subjects(RDF.type, HYDRA.PagedCollection))
    for t in g:
        if t[0] not in pages:
            out.add(t)
    return out


def harvest():
    whole, path, pages = Graph(), "/catalog.ttl", 0
    while path and pages < 1000:
        g = graph(path, "ttl")
        whole += without_paging(g)
        path = next((str(o) for o in g.objects(None, HYDRA.next)), None)
        pages += 1
    return whole, pages


def validate(whole, shapes):
    from pyshacl import validate as shacl
    ok, _, text = shacl(whole, shacl_graph=Graph().parse(shapes, format="turtle"))
    say(ok, "the DCAT-AP 3 shapes hold")
    if not ok:
        print(text[:6000])


def main():
    whole, pages = harvest()
    sets = set(whole.subjects(RDF.type, DCAT.Dataset))
    say(len(sets) > 0, f"{len(sets)} data sets on {pages} pages, {len(whole)} triples")
    first = {s: without_paging(graph(f"/catalog.{s}", s)) for s in SPELLINGS}
    for s in SPELLINGS:
        say(isomorphic(first["ttl"], first[s]), f"/catalog.{s} says what /catalog.ttl says")
    one = sorted(sets)[0]
    name = str(one)[len(base) + 1:] if str(one).startswith(base) else "dataset/" + str(one).rsplit("/", 1)[1]
    each = {s: graph(f"/{name}.{s}", s) for s in SPELLINGS}
    for s in SPELLINGS:
        say(isomorphic(each["ttl"], each[s]), f"/{name}.{s} says what its Turtle says")
    for d in sorted(sets):
        g = Graph().parse(data=fetch(f"/dataset/{str(d).rsplit('/', 1)[1]}.ttl")[1], format="turtle")
        say((d, DCT.title, None) in g and (d, DCT.description, None) in g, f"{d} alone")
    for url in sorted(set(map(str, whole.objects(None, DCAT.downloadURL)))):
        kind, body, _ = fetch(url)
        say(len(body) > 0, f"{url}: {kind}, {len(body)} bytes")
    _, _, where = fetch(f"/{name}", "application/ld+json")
    say(where.endswith(".jsonld"), f"/{name} leads a harvester to {where}")
    try:
        fetch("/catalog.ttl?page=999999")
        say(False, "a page that does not exist is refused")
    except urllib.error.HTTPError as e:
        say(e.code == 404, "a page that does not exist is refused")
    later = graph("/catalog.ttl?modified_since=2999-01-01", "ttl")
    say(not set(later.subjects(RDF.type, DCAT.Dataset)), "nothing has changed since 2999")
    if len(sys.argv) > 2:
        validate(whole, sys.argv[2])
    else:
        print("note no shapes given: SHACL was not run")
    print("bad:", bad)
    sys.exit(bad > 0)


main()
