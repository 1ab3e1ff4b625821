#!/usr/bin/env bash
# SPDX-License-Identifier: MulanPSL-2.0
# Witnessing with the public witness network's own program, both ways, and both keys of a rotation before Go's note
# package. Needs a Go of 1.25 or later and the module proxy.   run.sh GUSU
set -euo pipefail
gusu=$(realpath "$1") here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; rm -rf "$dir"' EXIT
mkdir -p "$dir/data"
echo '<!doctype html>' >"$dir/index.html"
# Built in a copy: what its modules need is looked up and written down there. WITNESS_SRC is a checkout of
# transparency-dev/witness, for a machine whose module proxy has not all of its parts.
cp "$here/main.go" "$here/go.mod" "$dir"
cd "$dir"
if [ -n "${WITNESS_SRC:-}" ]; then
  go mod edit -replace "github.com/transparency-dev/witness=$(realpath "$WITNESS_SRC")" \
    -replace github.com/transparency-dev/merkle=github.com/transparency-dev/merkle@v0.0.2 \
    -replace "github.com/transparency-dev/formats=$(go list -mod=mod -m -f '{{.Path}}@{{.Version}}' github.com/transparency-dev/formats)"
fi
if ! go mod tidy >"$dir/tidy" 2>&1 || ! go build -o "$dir/peer" .; then
  tail -3 "$dir/tidy"
  echo "not run: transparency-dev/witness could not be had" >&2
  exit 3
fi
cd "$here"

# Any free port, known before the start: the outside witness lies inside our own network and has to be allowed.
"$dir/peer" key -key "$dir/log.key" >"$dir/log.vkey"
exec 3< <(exec "$gusu" serve --quiet --data "$dir/data" --web "$dir" --port 0 --origin city.example/ledger 2>"$dir/log")
first=$!
pids+=("$first")
read -r -u 3 line
url=${line##* }
vkey=$(curl -fsS "$url/ledger/vkey")
exec 5< <(exec "$dir/peer" witness -key "$dir/witness.key" -log "$vkey" 2>"$dir/witness.log")
pids+=("$!")
read -r -u 5 wkey waddress
kill "$first" && wait "$first" || true
printf 'witness w %s %s\nquorum w\n' "$wkey" "$waddress" >"$dir/data/witness.policy"
"$gusu" witness add "$(cat "$dir/log.vkey")" --data "$dir/data"
exec 4< <(exec "$gusu" serve --quiet --data "$dir/data" --web "$dir" --port 0 --origin city.example/ledger \
  --allow-upstream "${waddress#http://}" 2>>"$dir/log")
pids+=("$!")
read -r -u 4 line
url=${line##* }

GUSU_PASSWORD='Aa1!-long-enough-for-a-test' "$gusu" user first auditor --data "$dir/data" >/dev/null
"$dir/peer" check -url "$url" -log "$vkey" -witness "$wkey"
"$dir/peer" log -key "$dir/log.key" -url "$url" -witness "$(curl -fsS "$url/ledger/witness/vkey")"

# A rotation: what the old key signed and what the new one signs, each by Go's tlog with its own key.
(cd "$here/../ledger" && go build -o "$dir/ledger" .)
"$dir/ledger" -url "$url" -key "$vkey"
"$gusu" key rotate --data "$dir/data" >/dev/null
new=$(curl -fsS "$url/ledger/vkey")
[ "$new" != "$vkey" ]
"$dir/ledger" -url "$url" -key "$new,$vkey"             # what was witnessed before stands under the key of its day
if "$dir/ledger" -url "$url" -key "$vkey" >/dev/null 2>&1; then
  echo "FAIL the old key signs on" >&2
  exit 1
fi
# The announcement is a note of the old key: openssl reads the SM2 line's key, Go's note package the Ed25519 line.
curl -fsS "$url/api/v1/ledger/entries?kind=ledger.rotate" | grep -q "$new"
curl -fsS "$url/ledger/sm3/public.pem" | openssl pkey -pubin -noout -text | grep -q SM2
"$gusu" verify "$dir/data" --quiet | tail -1
