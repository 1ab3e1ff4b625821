-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: ledger 1
-- One row per entry; id = index in both trees, from 0, without a gap. The leaf's bytes never change. salt and
-- detail are the private part that the leaf commits to; erasing them keeps every proof. No secondary index: this
-- is the hot table.
CREATE TABLE ledger_entry(
  id INTEGER PRIMARY KEY,
  leaf BLOB NOT NULL,
  salt BLOB,                 -- 16 bytes; NULL once erased
  detail TEXT                -- canonical JSON; NULL once erased
) STRICT;
-- Hashes of perfect subtrees of 256 leaves and more: level 8 and up, both trees. Lower ones are worked out from leaves.
CREATE TABLE ledger_node(
  tree INTEGER NOT NULL,     -- 0 SHA-256, 1 SM3
  level INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY(tree, level, idx)
) STRICT, WITHOUT ROWID;
-- Size, root and frontier of each tree, written in the same transaction as the entries.
CREATE TABLE ledger_head(
  tree INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  frontier BLOB NOT NULL     -- hashes of the perfect subtrees, largest first, 32 bytes each
) STRICT;
-- Checkpoints signed, the newest and one for each hour before it (a busy city signs every second; each of those in
-- between is still provable from the entries). The newest is served.
CREATE TABLE ledger_checkpoint(
  size INTEGER NOT NULL,
  tree INTEGER NOT NULL,
  note TEXT NOT NULL,
  made_ms INTEGER NOT NULL,
  PRIMARY KEY(tree, size)
) STRICT, WITHOUT ROWID;
-- schema: ledger 2
-- Sealed entries, 256 a row: what stood in ledger_entry, moved here by a job (seal.c) once a bundle is full and some way
-- behind the end, so that the table under the writer's hand stays small. leaves: zstd of exactly the C2SP bundle (each leaf with
-- two bytes of length before it); salts: 256 times 16 bytes, zeros once erased; details: zstd of each detail with four
-- bytes of length before it, ffffffff once erased. digest: SHA-256 over the three, as they lie here.
CREATE TABLE ledger_bundle(
  n INTEGER PRIMARY KEY,     -- entries 256 n … 256 n + 255
  leaves BLOB NOT NULL,
  salts BLOB NOT NULL,
  details BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT;
