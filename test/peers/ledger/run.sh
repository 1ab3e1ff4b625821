#!/usr/bin/env bash
# SPDX-License-Identifier: MulanPSL-2.0
# The ledger before strangers: a fresh city is served, Go's note and tlog packages check it whole, it grows, and they
# check that what they saw before is still in it; then `gusu verify` checks the folder and a receipt, and openssl the
# SM2 signature's key file.   run.sh GUSU PACK
set -euo pipefail
gusu=$(realpath "$1") pack=$(realpath "$2") here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d)
coproc SERVER { exec "$gusu" serve --quiet --data "$dir/data" --web "$dir" --port 0 --pack "$pack" --demo 2>"$dir/log"; }
server=$SERVER_PID
trap 'kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir -p "$dir/data"
echo '<!doctype html>' >"$dir/index.html"
url=
while [ -z "$url" ]; do
  read -r -u "${SERVER[0]}" line || { cat "$dir/log" >&2; exit 1; }
  case $line in *http*) url=${line##* } ;; esac
done
(cd "$here" && go build -o "$dir/peer" .)

"$dir/peer" -url "$url" -state "$dir/seen"
for round in 1 2 3; do
  for try in $(seq 40); do
    curl -fsS -o "$dir/reply" -X POST -H 'Content-Type: application/json' \
      -d '{"login":"rs-bm","password":"Gusu-demo-2026"}' "$url/api/v1/login"
  done
  "$dir/peer" -url "$url" -state "$dir/seen"
done
curl -fsS "$url/ledger/vkey" >"$dir/vkey"
curl -fsS "$url/ledger/sm3/vkey" >>"$dir/vkey"
for tree in sha256 sm3; do
  curl -fsS "$url/api/v1/ledger/entries/77/receipt?tree=$tree" >"$dir/77.tlog-proof"
  "$gusu" verify "$dir/77.tlog-proof" --vkey "$dir/vkey" | tail -1
done
curl -fsS "$url/ledger/sm3/public.pem" | openssl pkey -pubin -noout -text | grep -q SM2
"$gusu" verify "$dir/data" --vkey "$dir/vkey" | tail -1 # while it is being served
