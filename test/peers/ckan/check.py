#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""ckanapi, the client that everyone uses, against a running gusu with the demo data: reading as anybody, dumping,
making, changing, filling and deleting as a steward, and the request sequence of CKAN's own harvester.

usage: check.py URL        (needs ckanapi in the same environment)
"""
import io
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from ckanapi import RemoteCKAN
from ckanapi.errors import CKANAPIError, NotAuthorized, NotFound, ValidationError

base = sys.argv[1].rstrip("/")
PASSWORD = "Gusu-demo-2026"
NAME = "peer-check"
bad = 0


def say(ok, what):
    global bad
    bad += not ok
    print("ok  " if ok else "BAD ", what)


def refused(kind, what, call):
    try:
        call()
        say(False, what)
    except kind:
        say(True, what)
    except CKANAPIError as e:
        say(False, f"{what}: {e!r}")


def http(verb, path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    r = urllib.request.Request(base + path, data=data, method=verb,
                               headers={"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(r, timeout=60) as reply:
        return json.loads(reply.read() or b"null"), reply.headers


def token(login):
    """As a person would: log in, make an API token for ckanapi."""
    me, headers = http("POST", "/api/v1/login", {"login": login, "password": PASSWORD})
    own = {"Cookie": headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": me["csrf"]}
    made, _ = http("POST", "/api/v1/me/tokens",
                   {"name": "peer check", "scopes": ["catalog:read", "catalog:write"], "days": 1}, own)
    return made["token"]


def reading(anybody):
    names = anybody.action.package_list()
    say(len(names) > 0, f"{len(names)} packages for anybody")
    found = anybody.action.package_search(q="*:*", rows=1000, **{"facet.field": ["organization", "tags"]})
    say(found["count"] == len(names) == len(found["results"]), "the search finds what the list lists")
    say(sum(found["facets"]["organization"].values()) == len(names), "each package has one organization")
    one = anybody.action.package_show(id=names[0], use_default_schema=True)
    say(one["name"] == names[0] and one["organization"]["name"] == one["owner_org"], "package_show")
    for p in found["results"]:
        for r in p["resources"]:
            if not r["datastore_active"]:
                continue
            rows = anybody.action.datastore_search(resource_id=r["id"], limit=2)
            say(len(rows["records"]) == min(2, rows["total"]), f"datastore_search {r['id']}: {rows['total']} rows")
            asked = urllib.request.Request(r["url"], method="HEAD")
            with urllib.request.urlopen(asked, timeout=60) as head:
                say(int(head.headers["Content-Length"]) > 0, f"HEAD {r['url']} tells a length")
    refused(NotFound, "what is not open does not exist", lambda: anybody.action.package_show(id="person-base"))
    refused(NotAuthorized, "nobody makes packages", lambda: anybody.action.package_create(name=NAME, title="x"))
    refused(CKANAPIError, "a broken search is an error", lambda: anybody.action.package_search(q="title:("))


def harvester():
    """CKANHarvester: hundreds by `start` until a page is empty; two equal pages are an error to it."""
    seen, start, last = [], 0, None
    for _ in range(1000):
        q = urllib.parse.urlencode({"rows": 5, "start": start, "sort": "id asc", "fq_list": "",
                                    "fq": "metadata_modified:[2000-01-01T00:00:00Z TO *]"})
        with urllib.request.urlopen(f"{base}/api/3/action/package_search?{q}", timeout=60) as r:
            page = [p["id"] for p in json.loads(r.read())["result"]["results"]]
        if not page:
            break
        say(page != last, f"page at {start} is another one")
        seen, last, start = seen + page, page, start + 5
    say(len(seen) == len(set(seen)) and seen == sorted(seen), f"{len(seen)} packages, each once")


def command(*words):
    tool = os.path.join(os.path.dirname(sys.executable), "ckanapi")
    env = {**os.environ, "PATH": os.path.dirname(tool) + os.pathsep + os.environ["PATH"]}
    return subprocess.run([tool, *words], capture_output=True, text=True, env=env, check=False)


def dumping(key):
    r = command("dump", "datasets", "--all", "-r", base)
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    say(r.returncode == 0 and len(lines) > 0, f"ckanapi dump datasets: {len(lines)}")
    r = command("dump", "organizations", "--all", "-r", base)
    say(r.returncode == 0 and len(r.stdout.splitlines()) > 0, "ckanapi dump organizations")
    mine = json.loads(command("dump", "datasets", NAME, "-r", base, "-a", key).stdout)
    mine["title"] = "装载回来的目录"
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(json.dumps(mine) + "\n")
        file.flush()
        r = command("load", "datasets", "-I", file.name, "-r", base, "-a", key)
    say(r.returncode == 0, "ckanapi load takes back what ckanapi dump gave")


COLUMNS = [{"id": "code", "zh": "代码", "type": "text", "key": True}, {"id": "n", "zh": "数量", "type": "int"}]


def writing(steward, key):
    made = steward.action.package_create(
        name=NAME, title="对接测试", notes="由 ckanapi 编制", tags=[{"name": "测试"}],
        extras=[{"key": "share", "value": "1"}, {"key": "columns", "value": json.dumps(COLUMNS)}],
        resources=[{"name": "表", "resource_type": "table"}])
    say(made["state"] == "draft" and made["num_resources"] == 1, "package_create makes a draft with its table")
    table = made["resources"][0]["id"]
    steward.action.datastore_create(resource_id=table, records=[{"code": "a", "n": 1}, {"code": "b", "n": 2}])
    steward.action.datastore_upsert(resource_id=table, records=[{"code": "b", "n": 5}], method="upsert")
    rows = steward.action.datastore_search(resource_id=table, sort="n desc")
    say([r["n"] for r in rows["records"]] == [5, 1], "rows brought and updated by key")
    refused(ValidationError, "a wrong value is refused", lambda: steward.action.datastore_upsert(
        resource_id=table, records=[{"code": "c", "n": "viel"}]))
    file = io.BytesIO(b"hello, gusu")
    file.name = "说明.txt"
    up = steward.action.resource_create(package_id=NAME, name="说明", upload=file)
    say(up["size"] == 11, "a file uploaded")
    say(steward.action.resource_patch(id=up["id"], name="新说明")["name"] == "新说明", "and renamed")
    dumping(key)
    say(steward.action.package_show(id=NAME)["title"] == "装载回来的目录", "the loaded title stands")
    refused(NotAuthorized, "organizations are kept elsewhere", lambda: steward.action.organization_create(name="x-y"))
    refused(ValidationError, "a wrong name is refused", lambda: steward.action.package_create(name="Bad Name", title="x"))
    steward.action.resource_delete(id=up["id"])
    steward.action.package_delete(id=NAME)
    refused(NotFound, "deleted", lambda: steward.action.package_show(id=NAME))


def main():
    anybody = RemoteCKAN(base)
    reading(anybody)
    harvester()
    key = token("rs-bm")
    writing(RemoteCKAN(base, apikey=key), key)
    print("bad:", bad)
    sys.exit(bad > 0)


main()
