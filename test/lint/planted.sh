#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Plants trespasses and bad habits in a tree of its own and demands that each is found, at its line; and that
# a clean tree passes. A checker that finds nothing looks exactly like a clean house.
# usage: planted.sh FOLDER-OF-TOOLS
set -euo pipefail
tools=$(realpath "$1")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
mkdir -p src/{base,core,store,mod/a,mod/b,attic}
head='// SPDX-License-Identifier: MulanPSL-2.0
// A file of the planted tree, with an opening paragraph that is long enough to pass the check of heads.'

cat >src/rooms.txt <<'PLAN'
base                        : iconv.h
store      base             : sqlite3.h pg/
core       base             :
mod/a      base core        :
mod/b      base core mod/a  :
mod/*/store.c  store        :
alloc      base/arena.c store :
system                      : stdio.h stdlib.h
PLAN
put() { { printf '%s\n' "$head"; cat; } >"src/$1"; }
put base/arena.c <<<'#include <stdlib.h>
void *take(void); void *take(void) { return malloc(1); }'
put mod/a/a.h <<<'#include "base/x.h"'
put mod/b/b.c <<<'#include "mod/a/a.h"
#include "core/y.h"
/* strcpy( */ // atoi(
const char *s = "sprintf( \" malloc(";'
put mod/a/store.c <<<'#include "store/s.h"'
all() { find src -name '*.[ch]' | sort; }

"$tools/rooms" src $(all) >out || { cat out; echo "planted: a clean tree was refused by rooms"; exit 1; }
"$tools/habits" src $(all) >out || { cat out; echo "planted: a clean tree was refused by habits"; exit 1; }

demands=0
# want TOOL FILE LINE TEXT: TOOL must name FILE:LINE with TEXT, and fail.
want() {
    local tool=$1 file=$2 line=$3 text=$4
    demands=$((demands + 1))
    if "$tools/$tool" src $(all) >out; then cat out; echo "planted: $tool passed a tree with: $text"; exit 1; fi
    grep -qF "$file:$line: " out && grep -F "$file:$line: " out | grep -qF -- "$text" ||
        { cat out; echo "planted: $tool did not say '$file:$line: … $text'"; exit 1; }
}

put core/up.c <<<'#include "mod/a/a.h"'
want rooms src/core/up.c 3 "core may not enter mod/a"
put core/up.c <<<'#include "store/s.h"'
want rooms src/core/up.c 3 "core may not enter store"
put core/up.c <<<'  #  include <sqlite3.h>'
want rooms src/core/up.c 3 "sqlite3.h is a door of store"
put core/up.c <<<'#include <pg/fe.h>'
want rooms src/core/up.c 3 "pg/fe.h is a door of store"
put core/up.c <<<'#include <uv.h>'
want rooms src/core/up.c 3 "uv.h is nobody's door"
put core/up.c <<<'#include "near.h"'
want rooms src/core/up.c 3 "should be written from src/"
put core/up.c </dev/null
put mod/b/peep.c <<<'
#include "mod/a/private.h"'
want rooms src/mod/b/peep.c 4 "mod/a/private.h is private"
put mod/b/peep.c </dev/null
put attic/lost.c </dev/null
want rooms src/attic/lost.c 0 "stands in no room"
rm src/attic/lost.c
sed -i 's/^base  /base core/' src/rooms.txt
want rooms rooms.txt 0 "a cycle"
sed -i 's/^base core/base  /' src/rooms.txt

for call in strcpy strcat sprintf strtok gets atoi gmtime localtime _Thread_local; do
    put core/up.c <<<"
int f(void) { return $call(0); }"
    want habits src/core/up.c 4 "banned: $call"
done
for call in malloc calloc realloc strdup; do
    put mod/a/up.c <<<"int f(void) { return $call(0); }"
    want habits src/mod/a/up.c 3 "allocates outside"
done
rm src/mod/a/up.c
lines() { for ((i = 0; i < $1; i++)); do echo "$2"; done; }
long() { echo "int f(int a)"; echo "{"; lines "$1" '    a++;'; echo "}"; }
put core/up.c < <(long 68)
"$tools/habits" src $(all) >out || { cat out; echo "planted: a function of 70 lines was refused"; exit 1; }
put core/up.c < <(long 69)
want habits src/core/up.c 4 "f has 71 lines"
put core/up.c < <(lines 998 '')
"$tools/habits" src $(all) >out || { cat out; echo "planted: a file of 1000 lines was refused"; exit 1; }
put core/up.c < <(lines 999 '')
want habits src/core/up.c 1002 "1001 lines"
echo 'int x;' >src/core/up.c
want habits src/core/up.c 1 "no SPDX line"
want habits src/core/up.c 2 "no opening paragraph"
echo "planted: $demands of $demands found"
