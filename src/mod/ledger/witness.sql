-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: ledger_witness 1
-- As a witness of others: what this city cosigned last of each log. Nobody's word moves it but add-checkpoint's.
CREATE TABLE ledger_watched(
  hash TEXT PRIMARY KEY,       -- SHA-256 of the origin, hex: the name of its read side
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL,          -- with the log's own signatures that were good, and our cosignature
  cosigned_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- As a log that others witness: the checkpoints to which they answered, the newest and one an hour before it.
CREATE TABLE ledger_witnessed(
  size INTEGER PRIMARY KEY,
  note TEXT NOT NULL,          -- of the SHA-256 tree, the one that was cosigned
  sm3_note TEXT NOT NULL,
  lines TEXT NOT NULL,         -- the cosignatures, a line each
  quorate INTEGER NOT NULL,    -- 1: they satisfied the policy of that time
  made_ms INTEGER NOT NULL
) STRICT;
-- name: ledger_watched_get
SELECT origin, size, root, note FROM ledger_watched WHERE hash = ?1
-- name: ledger_watched_put
INSERT INTO ledger_watched(hash, origin, size, root, note, cosigned_ms) VALUES(?1,?2,?3,?4,?5,?6)
 ON CONFLICT(hash) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note,
 cosigned_ms = excluded.cosigned_ms WHERE ledger_watched.size = ?7
-- name: ledger_watched_all scan
SELECT origin, size, cosigned_ms FROM ledger_watched ORDER BY origin
-- name: ledger_witnessed_put
INSERT INTO ledger_witnessed(size, note, sm3_note, lines, quorate, made_ms) VALUES(?1,?2,?3,?4,?5,?6)
ON CONFLICT (size) DO UPDATE SET note = excluded.note, sm3_note = excluded.sm3_note, lines = excluded.lines,
 quorate = excluded.quorate, made_ms = excluded.made_ms
-- name: ledger_witnessed_thin scan
DELETE FROM ledger_witnessed WHERE size < ?1 AND (quorate = 0 OR (?2 = 1 AND made_ms >= ?3))
-- name: ledger_witnessed_newest scan
SELECT size, note, sm3_note, lines, made_ms FROM ledger_witnessed WHERE quorate = 1 ORDER BY size DESC LIMIT 1
