#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""The same load against gusu and against what a user would pick instead, in one run on one machine.

    run.py BUILD-DIR [--seconds 15] [--rounds 1] [--connections 256] [--only TEXT] [--write FILE.md]

Every line asks for one row of firm-registration by its key, or stores the record that such a call leaves. All servers run
on the loopback and share the cores with the generator, which is the same code for all HTTP lines (bench/wire.c).
PostgreSQL runs in a cluster of its own with fsync and synchronous_commit on. Each line starts with empty record tables
after a CHECKPOINT. With more than one round, lines take turns and the median round by rate is shown. A line whose
replies were not all right ends the run: it is no figure. Lines whose program is not on this machine are named.

prestd (pREST, PostgREST's sibling in Go) is taken from PATH or PRESTD=; it is not in a registry that set-up can ask.
"""
import argparse
import csv
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATA = ROOT / "packs/suzhou/built/datasets/firm-registration/data.csv"
PG_SETTINGS = {  # what is not PostgreSQL's default, and why
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",  # the defaults, said aloud
    "listen_addresses": "127.0.0.1", "max_connections": "300",
    "shared_buffers": "1GB", "max_wal_size": "8GB",  # no forced checkpoint within a line
    "autovacuum_naptime": "1h",  # and no vacuum either: both in PostgreSQL's favour
    "log_min_messages": "fatal",
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def output(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout.strip()


def first(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()[0].strip()
    except (OSError, IndexError):
        return "?"


def wait_for(url, process):
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"ended at once: {process.args}")
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                return reply.read()
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"never answered: {url}")


class Peers:
    def __init__(self, args):
        self.args = args
        self.build = pathlib.Path(args.build).resolve()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gusu-peers-", dir=os.environ.get("TMPDIR", "/var/tmp")))
        self.dir.chmod(0o755)
        self.running, self.lines, self.missing = [], [], []
        bins = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        self.pg_bin = bins[-1] if bins else None
        self.as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []

    # --- processes ---
    def start(self, *command, **more):
        p = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=open(self.dir / "errors", "a"),
                             start_new_session=True, **more)
        self.running.append(p)
        return p

    def stop(self, p, how=signal.SIGTERM):
        if p.poll() is None:
            os.killpg(p.pid, how)
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                p.wait()
        self.running.remove(p)

    def close(self):
        for p in reversed(self.running[:]):
            self.stop(p, signal.SIGINT if p is getattr(self, "postgres", None) else signal.SIGTERM)
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- PostgreSQL ---
    def open_postgres(self):
        data, self.pg_port = self.dir / "pg", free_port()
        data.mkdir()
        if self.as_postgres:
            shutil.chown(data, "postgres")
        output(*self.as_postgres, str(self.pg_bin / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres",
               "--locale=C", "-E", "UTF8", cwd="/")
        with open(data / "postgresql.auto.conf", "a") as f:
            for k, v in PG_SETTINGS.items():
                f.write(f"{k} = '{v}'\n")
            f.write(f"port = {self.pg_port}\nunix_socket_directories = '{data}'\n")
        self.postgres = self.start(*self.as_postgres, self.pg_bin / "postgres", "-D", data, cwd="/")
        self.socket = f"host={data} port={self.pg_port} user=postgres dbname=postgres"
        for _ in range(200):
            if subprocess.run([self.pg_bin / "pg_isready", "-q", "-h", data, "-p", str(self.pg_port)], check=False).returncode == 0:
                break
            time.sleep(0.05)
        with open(DATA, "rb") as rows:
            subprocess.run([self.pg_bin / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", HERE / "schema.sql", self.socket],
                           stdin=rows, check=True)
        self.sql("ANALYZE")
        self.url = f"postgres://postgres@127.0.0.1:{self.pg_port}/postgres?sslmode=disable"

    def sql(self, *texts):
        command = [str(self.pg_bin / "psql"), "-qAt", "-v", "ON_ERROR_STOP=1"]
        for t in texts:
            command += ["-c", t]
        return output(*command, self.socket)

    def fresh(self):
        self.sql("TRUNCATE ledger_entry, exchange_call", "CHECKPOINT")

    def record_bytes(self):
        n = int(self.sql("SELECT count(*) FROM ledger_entry"))
        calls = "pg_total_relation_size('ledger_entry') + pg_total_relation_size('exchange_call')"
        return int(self.sql(f"SELECT ({calls}) / {n}")) if n else None

    # --- what is asked ---
    def paths(self, name, pattern):
        with open(DATA, newline="", encoding="utf-8") as f:
            keys = dict.fromkeys(row["uscc"] for row in csv.DictReader(f))
        file = self.dir / name
        file.write_text("".join(pattern.format(k) + "\n" for k in keys))
        return file

    def load(self, port, pattern, pids):
        file = self.paths("paths", pattern)
        return json.loads(output(str(self.build / "peers/load"), "--port", str(port), "--paths", str(file), "--expect",
                                 '"legal_rep"', "--connections", str(self.args.connections), "--seconds",
                                 str(self.args.seconds), "--pids", ",".join(str(p.pid) for p in pids)))

    def through_nginx(self, behind, pattern, others):
        port = free_port()
        text = (HERE / "nginx.conf").read_text()
        for k, v in {"DIR": self.dir, "PORT": port, "BEHIND": behind}.items():
            text = text.replace(f"@{k}@", str(v))
        (self.dir / "nginx.conf").write_text(text)
        nginx = self.start("nginx", "-c", self.dir / "nginx.conf", "-e", self.dir / "nginx.log")
        try:
            wait_for(f"http://127.0.0.1:{port}" + self.paths("one", pattern).read_text().split("\n")[0], nginx)
            return self.load(port, pattern, [nginx, *others])
        finally:
            self.stop(nginx)

    # --- the lines ---
    def gusu(self, name, connections):
        text = output(str(self.build / "gusu"), "bench", name, "--seconds", str(self.args.seconds), "--connections",
                      str(connections), cwd=ROOT)
        r = json.loads(text.splitlines()[-1])
        r["bytes"] = round(r.get("bytes_each") or 0)
        for line in text.splitlines():
            if line.startswith("store grew by") and "," in line:
                r["bytes"] = int(line.split(",")[1].split()[0])
            if line.startswith("generator cpu"):
                r["generator_cpu_us"] = float(line.split()[2])
        return r

    def service(self, pool, audit, nginx):
        port = free_port()
        p = self.start(self.build / "peers/service", "-listen", f"127.0.0.1:{port}", "-db", self.url, "-pool", pool,
                       *(["-audit"] if audit else []))
        try:
            pattern = "/rows?uscc={}"
            wait_for(f"http://127.0.0.1:{port}" + self.paths("one", pattern).read_text().split("\n")[0], p)
            others = [p, self.postgres]
            return self.through_nginx(port, pattern, others) if nginx else self.load(port, pattern, others)
        finally:
            self.stop(p)

    def prest(self, pool, audit):
        port, home = free_port(), self.dir / "prest"
        (home / "queries/peers").mkdir(parents=True, exist_ok=True)
        (home / "queries/peers/call.read.sql").write_text('SELECT exchange_call({{sqlVal "uscc"}}) AS reply\n')
        (home / "prest.toml").write_text(
            f'[http]\nhost = "127.0.0.1"\nport = {port}\n[pg]\nhost = "127.0.0.1"\nport = {self.pg_port}\n'
            f'user = "postgres"\npass = "x"\ndatabase = "postgres"\nmaxopenconn = {pool}\nmaxidleconn = {pool}\n'
            f'[queries]\nlocation = "{home}/queries"\n[auth]\nenabled = false\n[jwt]\ndefault = false\n'
            '[studio]\nenabled = false\n')
        p = self.start(self.prestd, cwd=home, env={**os.environ, "PREST_CONF": str(home / "prest.toml"),
                                                    "PREST_LOG_LEVEL": "error"})
        try:
            pattern = "/_QUERIES/peers/call?uscc={}" if audit else "/postgres/public/firm_registration?uscc={}"
            wait_for(f"http://127.0.0.1:{port}" + self.paths("one", pattern).read_text().split("\n")[0], p)
            return self.through_nginx(port, pattern, [p, self.postgres])
        finally:
            self.stop(p)

    def insert(self, *more):
        return json.loads(output(str(self.build / "peers/insert"), "--conninfo", self.socket, "--seconds",
                                 str(self.args.seconds), "--pids", str(self.postgres.pid), *map(str, more)))

    def table(self):
        pools = (16, 64)
        rows = [("gusu", "gusu: exchange call, every check on, durable before its reply",
                 lambda: self.gusu("exchange", self.args.connections))]
        benches = subprocess.run([self.build / "gusu", "bench"], capture_output=True, text=True, check=False).stderr
        if "exchange-batch" in benches:
            rows.append(("gusu batch", "gusu: queries in batches (8 connections), each checked, metered and entered like a call",
                         lambda: self.gusu("exchange-batch", 8)))
        for audit in (False, True):
            what = "row and audit record in one transaction" if audit else "row only, no record at all"
            for pool in pools:
                if self.prestd:
                    rows.append(("http", f"nginx → pREST → PostgreSQL, pool {pool}: {what}",
                                 lambda p=pool, a=audit: self.prest(p, a)))
                if self.has_service:
                    rows.append(("http", f"nginx → hand-written Go service → PostgreSQL, pool {pool}: {what}",
                                 lambda p=pool, a=audit: self.service(p, a, True)))
            if self.has_service:
                rows.append(("http", f"the Go service without nginx, pool {pools[1]}: {what}",
                             lambda a=audit: self.service(pools[1], a, False)))
        for n in (1, 16, 64):
            rows.append(("insert", f"PostgreSQL INSERT of the record, one a transaction, {n} connection{'s' * (n > 1)}",
                         lambda n=n: self.insert("--connections", n)))
        rows.append(("insert", "one a transaction, 1 connection, 100 in flight (pipeline)",
                     lambda: self.insert("--flying", 100)))
        for batch in (100, 1000):
            rows.append(("insert batch", f"{batch} a transaction, pipeline, 4 connections",
                         lambda b=batch: self.insert("--batch", b, "--connections", 4)))
        rows.append(("insert batch", "1,000 entries a COPY (no call row), 4 connections",
                     lambda: self.insert("--copy", "--batch", 1000, "--connections", 4)))
        return [r for r in rows if self.args.only in r[1]]

    def measure(self):
        self.prestd = os.environ.get("PRESTD") or shutil.which("prestd")
        self.has_service = (self.build / "peers/service").exists()
        if not self.prestd:
            self.missing.append("pREST: no prestd in PATH (PRESTD=FILE)")
        if not self.has_service:
            self.missing.append("the Go service: no Go when it was to be built")
        rows = self.table()
        got = {name: [] for _, name, _ in rows}
        for turn in range(self.args.rounds):
            for kind, name, run in rows:
                if not kind.startswith("gusu"):
                    self.fresh()
                r = run()
                if not kind.startswith("gusu") and "record" in name and "no record" not in name:
                    r["bytes"] = self.record_bytes()
                got[name].append(r)
                print(f"{turn + 1}: {name}: {r['rate_per_s']:,.0f}/s p50 {r['p50_ms']} p99 {r['p99_ms']} ms, "
                      f"{r['cpu_us']} us", file=sys.stderr, flush=True)
        for kind, name, _ in rows:
            middle = sorted(got[name], key=lambda r: r["rate_per_s"])[(len(got[name]) - 1) // 2]
            self.lines.append({**middle, "kind": kind, "name": name, "rounds": [r["rate_per_s"] for r in got[name]]})


def fsync_ms(folder):
    """The disk in one number: 4 KiB appended and synced, median of 200."""
    took, name = [], folder / "sync"
    with open(name, "wb") as f:
        for _ in range(200):
            f.write(bytes(4096))
            f.flush()
            then = time.perf_counter()
            os.fdatasync(f.fileno())
            took.append((time.perf_counter() - then) * 1000)
    name.unlink()
    return statistics.median(took)


def machine(p, load_before):
    model = next((x.split(":")[1].strip() for x in open("/proc/cpuinfo") if x.startswith("model name")), "?")
    memory = int(next(x for x in open("/proc/meminfo") if x.startswith("MemTotal")).split()[1]) / 2**20
    disk = " ".join(first("findmnt", "-no", "SOURCE,FSTYPE", "-T", str(p.dir)).split())
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip()
    return [
        ("machine", f"{os.cpu_count()} cores {model}, {memory:.0f} GiB, Linux {platform.release()}, {disk}; 4 KiB fdatasync "
                    f"{p.sync_ms:.2f} ms (median of 200)"),
        ("load average", f"{load_before:.1f} before, {os.getloadavg()[0]:.1f} after; generator and servers share the cores"),
        ("gusu", first("git", "-C", str(ROOT), "describe", "--always", "--dirty")),
        ("PostgreSQL", first(str(p.pg_bin / "postgres"), "--version") + "; "
         + ", ".join(f"{k}={v}" for k, v in PG_SETTINGS.items())),
        ("nginx", nginx or "?"), ("Go service", "pgx 5.5.5, " + p.go),
        ("pREST", first(p.prestd, "version").split()[-1] + " as it says of itself" if p.prestd else "not run"),
        ("run", f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, {p.args.connections} connections over HTTP, closed loop, "
                f"{p.args.seconds:g} s a line after 2 s that are not counted, {p.args.rounds} round(s), median shown"),
    ]


def report(p, about):
    base = {r["kind"]: r["rate_per_s"] for r in p.lines if r["kind"].startswith("gusu")}
    out = ["| | rate /s | gusu is | p50 ms | p99 ms | server CPU µs | bytes a record |", "|---|---:|---:|---:|---:|---:|---:|"]
    for r in p.lines:
        ours = base.get("gusu batch" if "batch" in r["kind"] else "gusu") or base.get("gusu")
        ratio = f"{ours / r['rate_per_s']:.2f} ×" if ours else "–"
        out.append(f"| {r['name']} | {r['rate_per_s']:,.0f} | {ratio} | {r['p50_ms']:.2f} | {r['p99_ms']:.2f} | "
                   f"{r['cpu_us']:.1f} | {r.get('bytes') or '–'} |")
    out.append("")
    out += [f"- **{k}**: {v}" for k, v in about]
    out += [f"- not run: {m}" for m in p.missing]
    return "\n".join(out) + "\n"


def main():
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--seconds", type=float, default=15)
    a.add_argument("--rounds", type=int, default=1)
    a.add_argument("--connections", type=int, default=256)
    a.add_argument("--only", default="")
    a.add_argument("--write", help="replaces what stands between the two marks of this file")
    p = Peers(a.parse_args())
    try:
        if not p.pg_bin or not shutil.which("nginx"):
            raise SystemExit("bench-peers needs postgresql and nginx: make setup-bench-peers")
        load_before = os.getloadavg()[0]
        p.go = first("go", "version")
        p.sync_ms = fsync_ms(p.dir)
        p.open_postgres()
        p.measure()
        text = report(p, machine(p, load_before))
    finally:
        p.close()
    print(text)
    if p.args.write:
        page = pathlib.Path(p.args.write)
        head, _, rest = page.read_text(encoding="utf-8").partition("<!-- measured -->\n")
        _, _, tail = rest.partition("<!-- /measured -->\n")
        page.write_text(f"{head}<!-- measured -->\n{text}<!-- /measured -->\n{tail}", encoding="utf-8")
    print(json.dumps([{k: v for k, v in r.items() if k != "conditions"} for r in p.lines]))


main()
