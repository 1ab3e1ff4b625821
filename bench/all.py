#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""Runs the named loads of `gusu bench` one after the other and puts what they said into docs/bench/README.md, with the
machine they ran on. Nothing is rounded up: a load that gave no figure stands as "no figure"."""
import json
import os
import subprocess
import sys
import time

LOADS = [
    ["http", "--connections", "256"],
    ["exchange", "--connections", "256"],
    ["exchange-batch", "--each", "100", "--connections", "16"],
    ["exchange-batch", "--each", "1000", "--connections", "8"],
    ["write", "--connections", "64"],
    ["mixed", "--connections", "128"],
    ["ledger", "--each", "100"],
    ["proof", "--size", "100000"],
    ["verify", "--size", "200000"],
    ["load", "--size", "500000"],
]
TIMED = {"http", "exchange", "exchange-batch", "write", "mixed", "ledger", "proof"}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((l.split(":", 1)[1].strip() for l in f if l.startswith("model name")), "unknown processor")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return (f"{os.cpu_count()} × {model}, Linux {os.uname().release}, load average before {os.getloadavg()[0]:.2f}, "
            f"commit {commit or 'unknown'}, {time.strftime('%Y-%m-%d', time.gmtime())}")


def figure(v, digits=2):
    return "–" if v is None else f"{v:,.{digits}f}"


def row(words, said):
    name = " ".join(words)
    if said is None:
        return f"| `{name}` | no figure | | | | | | |"
    return (f"| `{name}` | {figure(said['rate_per_s'], 0)} | {figure(said['cpu_us'])} | {figure(said['generator_cpu_us'])} | "
            f"{figure(said['p50_ms'])} | {figure(said['p99_ms'])} | {figure(said['p999_ms'])} | {figure(said['bytes_each'], 0)} |")


def main():
    gusu, page, seconds = sys.argv[1], sys.argv[2], sys.argv[3]
    lines = [f"Measured: {machine()}; {seconds} s each.", "",
             "| load | per second | CPU µs each | generator µs | p50 ms | p99 ms | p99.9 ms | bytes each |",
             "|---|---|---|---|---|---|---|---|"]
    for words in LOADS:
        args = [gusu, "bench", *words] + (["--seconds", seconds] if words[0] in TIMED else [])
        print("==", " ".join(args[1:]), flush=True)
        r = subprocess.run(args, capture_output=True, text=True)
        last = r.stdout.strip().split("\n")[-1]
        said = json.loads(last) if r.returncode == 0 and last.startswith("{") else None
        if said is None:
            print(r.stdout, r.stderr, file=sys.stderr)
        lines.append(row(words, said))
        print(lines[-1], flush=True)
    with open(page, encoding="utf-8") as f:
        before, rest = f.read().split("<!-- measured -->", 1)
        after = rest.split("<!-- /measured -->", 1)[1]
    with open(page, "w", encoding="utf-8") as f:
        f.write(before + "<!-- measured -->\n" + "\n".join(lines) + "\n<!-- /measured -->" + after)


main()
