-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: ledger_audit 1
-- Where the self-audit stands, one row: a round goes over [0, size) in slices, and goes on where it stopped.
CREATE TABLE ledger_audit(
  id INTEGER PRIMARY KEY,            -- 0
  started_ms INTEGER NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL,
  roots BLOB,                        -- of both trees at size, as they were signed
  peaks BLOB,                        -- of both trees at `at`, 32 bytes each, those of SHA-256 first
  act_id INTEGER NOT NULL,           -- the last audit row read
  faults_n INTEGER NOT NULL, faults TEXT NOT NULL,
  done_ms INTEGER NOT NULL, done_size INTEGER NOT NULL, done_faults INTEGER NOT NULL,
  alarm_ms INTEGER NOT NULL, alarm_n INTEGER NOT NULL, alarm TEXT NOT NULL -- 0: none
) STRICT;
INSERT INTO ledger_audit(id, started_ms, at, size, act_id, faults_n, faults, done_ms, done_size, done_faults, alarm_ms, alarm_n,
 alarm) VALUES(0, 0, 0, 0, 0, 0, '[]', 0, 0, 0, 0, 0, '[]');
-- name: ledger_audit_get
SELECT started_ms, at, size, roots, peaks, act_id, faults_n, faults, done_ms, done_size, done_faults, alarm_ms, alarm_n, alarm
FROM ledger_audit WHERE id = 0
-- name: ledger_audit_put
UPDATE ledger_audit SET started_ms = ?1, at = ?2, size = ?3, roots = ?4, peaks = ?5, act_id = ?6, faults_n = ?7, faults = ?8,
 done_ms = ?9, done_size = ?10, done_faults = ?11, alarm_ms = ?12, alarm_n = ?13, alarm = ?14 WHERE id = 0
-- name: ledger_audit_calm
UPDATE ledger_audit SET alarm_ms = 0, alarm_n = 0, alarm = '[]' WHERE id = 0 AND alarm_ms <> 0
-- name: ledger_act_next
SELECT a.entry, a.detail, a.id, a.time_ms, a.actor, a.actor_name, a.actor_office, a.verb, a.object_kind, a.object,
 a.object_name, a.office, a.trace, a.before_digest, a.after_digest, a.peer
FROM core_act a WHERE a.id > ?1 ORDER BY a.id LIMIT 1
