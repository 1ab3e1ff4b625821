-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: app 1
-- Backups as they were made or failed; the newest BACKUP_ROWS are kept. Each is an act too, so the ledger commits to the
-- manifest's digest.
CREATE TABLE app_backup(
  id INTEGER PRIMARY KEY,
  made_ms INTEGER NOT NULL,  -- begun
  took_ms INTEGER NOT NULL,
  place TEXT NOT NULL,       -- the folder it lies in
  bytes INTEGER NOT NULL,
  files INTEGER NOT NULL,
  entries INTEGER NOT NULL,  -- of the ledger, at the copied commit
  wal_bytes INTEGER NOT NULL, -- how far the write-ahead log had grown at the end of it
  digest TEXT,               -- SHA-256 of the manifest; NULL when it failed
  problem TEXT               -- the error's name; NULL when it was made
) STRICT;
-- One row: where and how often the server makes them by itself.
CREATE TABLE app_backup_plan(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  place TEXT NOT NULL,
  every_s INTEGER NOT NULL,
  keep INTEGER NOT NULL,
  made_ms INTEGER NOT NULL
) STRICT;
-- schema: app 2
-- One row: this store was moved to `place`, or is being filled by a migration ('' until it is whole). No server starts on
-- either.
CREATE TABLE app_moved(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  place TEXT NOT NULL,
  moved_ms INTEGER NOT NULL
) STRICT;
-- name: app_moved
SELECT place FROM app_moved WHERE id = 1
-- name: app_moved_put
INSERT INTO app_moved(id, place, moved_ms) VALUES(1, ?1, ?2)
 ON CONFLICT(id) DO UPDATE SET place = excluded.place, moved_ms = excluded.moved_ms
-- name: app_moved_drop
DELETE FROM app_moved WHERE id = 1
-- name: app_any_act
SELECT id FROM core_act WHERE id >= 0 LIMIT 1
-- name: app_schemas scan
SELECT module, max(version) FROM store_schema GROUP BY module ORDER BY module
-- name: app_backup_put
INSERT INTO app_backup(made_ms, took_ms, place, bytes, files, entries, wal_bytes, digest, problem)
 VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)
-- name: app_backup_sweep
DELETE FROM app_backup WHERE id <= (SELECT max(id) FROM app_backup) - ?1
-- name: app_backups scan
SELECT id, made_ms, took_ms, place, bytes, files, entries, wal_bytes, digest, problem FROM app_backup
 ORDER BY id DESC LIMIT ?1
-- name: app_backup_plan
SELECT place, every_s, keep FROM app_backup_plan WHERE id = 1
-- name: app_backup_plan_put
INSERT INTO app_backup_plan(id, place, every_s, keep, made_ms) VALUES(1,?1,?2,?3,?4)
 ON CONFLICT(id) DO UPDATE SET place = excluded.place, every_s = excluded.every_s, keep = excluded.keep,
  made_ms = excluded.made_ms
-- name: app_backup_plan_drop
DELETE FROM app_backup_plan WHERE id = 1
