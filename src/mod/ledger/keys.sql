-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: ledger_keys 1
-- Every key that ever signed checkpoints, public halves only, and the sizes it may sign: one key for each size of a
-- name. A vkey names its log, so an origin that was left behind keeps its rows.
CREATE TABLE ledger_key(
  id INTEGER PRIMARY KEY,
  tree INTEGER NOT NULL,       -- 0 SHA-256, 1 SM3
  vkey TEXT NOT NULL,
  from_size INTEGER NOT NULL,
  to_size INTEGER,             -- the last size it may sign; NULL = none set
  made_ms INTEGER NOT NULL
) STRICT;
-- The names under which this ledger signs. `base` is what the operator configured; `origin` is that, or what a restore
-- made of it; `witness` is the name under which this city cosigns other logs. The newest row of a base is in force.
CREATE TABLE ledger_origin(
  n INTEGER PRIMARY KEY,
  base TEXT NOT NULL,
  origin TEXT NOT NULL,
  witness TEXT NOT NULL,
  from_size INTEGER NOT NULL,
  made_ms INTEGER NOT NULL
) STRICT;
-- name: ledger_keys scan
SELECT tree, vkey, from_size, to_size, made_ms FROM ledger_key ORDER BY id DESC
-- name: ledger_key_put
INSERT INTO ledger_key(tree, vkey, from_size, to_size, made_ms) VALUES(?1,?2,?3,NULL,?4)
-- name: ledger_key_end scan
UPDATE ledger_key SET to_size = ?2 WHERE vkey = ?1 AND to_size IS NULL
-- name: ledger_key_may scan
SELECT count(*) FROM ledger_key WHERE vkey = ?1 AND from_size <= ?2 AND (to_size IS NULL OR to_size >= ?2)
-- name: ledger_origins scan
SELECT n, base, origin, witness FROM ledger_origin ORDER BY n DESC
-- name: ledger_origin_put
INSERT INTO ledger_origin(n, base, origin, witness, from_size, made_ms) VALUES(?1,?2,?3,?4,?5,?6)
