-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: core_nodes 1
-- The processes over one database. A node tells every two seconds that it lives; times here are the database's clock,
-- so that nodes whose clocks differ agree on whose time is over.
CREATE TABLE core_node(
  id INTEGER PRIMARY KEY,    -- random, one per process; 53 bits, so that a page can say it
  name TEXT NOT NULL,        -- host and process, for people
  since_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL  -- counts as alive until then
) STRICT;
-- Who runs which job, and until when it is his without asking again; 0 = nobody.
CREATE TABLE core_job(
  name TEXT PRIMARY KEY,
  node INTEGER NOT NULL,
  taken_ms INTEGER NOT NULL, -- when this node took it
  until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- name: core_node_beat scan
-- only: sqlite
INSERT INTO core_node(id, name, since_ms, until_ms)
 SELECT ?1, ?2, n.ms, n.ms + ?3 FROM (SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS ms) AS n
 WHERE true ON CONFLICT(id) DO UPDATE SET until_ms = excluded.until_ms
-- only: pg
INSERT INTO core_node(id, name, since_ms, until_ms)
 SELECT ?1, ?2, n.ms, n.ms + ?3 FROM (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS ms) AS n
 ON CONFLICT(id) DO UPDATE SET until_ms = excluded.until_ms
-- only: both
-- name: core_node_drop
DELETE FROM core_node WHERE id = ?1
-- name: core_nodes_sweep scan
-- only: sqlite
DELETE FROM core_node WHERE until_ms < CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) - ?1
-- only: pg
DELETE FROM core_node WHERE until_ms < CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) - ?1
-- only: both
-- name: core_nodes_others scan
-- only: sqlite
SELECT count(*) FROM core_node WHERE id <> ?1
 AND until_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
-- only: pg
SELECT count(*) FROM core_node WHERE id <> ?1
 AND until_ms > CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)
-- only: both
-- name: core_nodes scan
-- only: sqlite
SELECT id, name, since_ms, until_ms, until_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
 FROM core_node ORDER BY since_ms, id LIMIT ?1
-- only: pg
SELECT id, name, since_ms, until_ms,
 CASE WHEN until_ms > CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) THEN 1 ELSE 0 END
 FROM core_node ORDER BY since_ms, id LIMIT ?1
-- only: both
-- name: core_job_know
INSERT INTO core_job(name, node, taken_ms, until_ms) VALUES(?1, 0, 0, 0) ON CONFLICT(name) DO NOTHING
-- name: core_jobs_take scan
-- only: sqlite
UPDATE core_job SET taken_ms = CASE WHEN node = ?1 THEN taken_ms ELSE n.ms END, node = ?1, until_ms = n.ms + ?2
 FROM (SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS ms) AS n
 WHERE node = ?1 OR until_ms < n.ms
-- only: pg
UPDATE core_job SET taken_ms = CASE WHEN node = ?1 THEN taken_ms ELSE n.ms END, node = ?1, until_ms = n.ms + ?2
 FROM (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS ms) AS n
 WHERE node = ?1 OR until_ms < n.ms
-- only: both
-- name: core_jobs_of scan
SELECT name FROM core_job WHERE node = ?1
-- name: core_jobs scan
SELECT name, node, taken_ms FROM core_job ORDER BY name LIMIT ?1
-- name: core_jobs_give_back scan
UPDATE core_job SET node = 0, until_ms = 0 WHERE node = ?1
-- name: core_job_owner
SELECT node FROM core_job WHERE name = ?1
-- name: core_pack_stamp scan
SELECT coalesce(max(loaded_ms), 0) FROM core_pack
