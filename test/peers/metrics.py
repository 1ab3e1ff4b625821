#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""Prometheus' own Python parser reads /metrics: every family has a type and a help, histograms are whole (buckets grow, +Inf is the
count), counters end in _total, and the figures that the operations page names are there."""
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

NAMED = ["gusu_commit_batch_items", "gusu_commit_run_seconds", "gusu_commit_sync_seconds", "gusu_commit_lag_seconds", "gusu_queue_depth",
         "gusu_ledger_entries", "gusu_ledger_unsigned_entries", "gusu_ledger_seal_backlog_entries", "gusu_http_requests",
         "gusu_http_request_seconds", "gusu_http_connections", "gusu_refused", "gusu_job_last_run_seconds", "gusu_wal_bytes",
         "gusu_store_errors", "gusu_access_log_dropped", "process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"]


def histogram(family):
    series = {}
    for s in family.samples:
        labels = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
        series.setdefault(labels, {"le": [], "rest": {}})
        if s.name.endswith("_bucket"):
            series[labels]["le"].append((float(s.labels["le"]), s.value))
        else:
            series[labels]["rest"][s.name.rsplit("_", 1)[1]] = s.value
    for labels, one in series.items():
        edges = [e for e, _ in one["le"]]
        counts = [c for _, c in one["le"]]
        assert edges == sorted(edges) and edges[-1] == float("inf"), (family.name, labels, edges)
        assert counts == sorted(counts), (family.name, labels, counts)
        assert counts[-1] == one["rest"]["count"], (family.name, labels)
        assert "sum" in one["rest"], (family.name, labels)


def main():
    url = sys.argv[1] + "/metrics"
    with urllib.request.urlopen(url) as r:
        assert r.headers["Content-Type"].startswith("text/plain; version=0.0.4"), r.headers["Content-Type"]
        text = r.read().decode()
    families = {f.name: f for f in text_string_to_metric_families(text)}
    for f in families.values():
        assert f.type in ("counter", "gauge", "histogram") and f.documentation, f.name
        if f.type == "histogram":
            histogram(f)
        if f.type == "counter":
            assert all(s.name.endswith("_total") for s in f.samples), f.name
    missing = [n for n in NAMED if n not in families]
    assert not missing, missing
    print(f"{len(families)} families, {sum(len(f.samples) for f in families.values())} samples")


main()
