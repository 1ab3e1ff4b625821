-- SPDX-License-Identifier: MulanPSL-2.0
-- name: exchange_call_put
INSERT INTO exchange_call(grant_id, entry, key_id, time_ms, rows, bytes, salts) VALUES(?1,?2,?3,?4,?5,?6,?7)
-- name: exchange_call_sent
INSERT INTO exchange_call(grant_id, entry, key_id, time_ms, rows, bytes, status) VALUES(?1,?2,?3,?4,0,0,0)
-- name: exchange_call_answered
UPDATE exchange_call SET status = ?3, bytes = ?4 WHERE entry = ?2 AND grant_id = ?1
-- name: exchange_calls_of
SELECT grant_id, entry, key_id, time_ms, rows, bytes, status, salts FROM exchange_call
WHERE entry >= ?2 AND entry < ?3 AND grant_id = ?1 ORDER BY entry DESC LIMIT ?4
-- name: exchange_call_oldest
SELECT time_ms FROM exchange_call WHERE entry >= ?2 AND grant_id = ?1 ORDER BY entry LIMIT 1
-- name: exchange_calls_from
SELECT grant_id, entry, key_id, time_ms, rows, bytes, status, salts FROM exchange_call WHERE entry >= ?1 ORDER BY entry
-- name: exchange_calls_between
SELECT grant_id, entry, key_id, time_ms, rows, bytes, status, salts FROM exchange_call WHERE entry >= ?1 AND entry < ?2
ORDER BY grant_id, entry
-- name: exchange_call_ends
SELECT min(entry), (SELECT max(entry) FROM exchange_call) FROM exchange_call
-- name: exchange_call_waiting
SELECT entry FROM exchange_call WHERE entry >= ?1 AND entry < ?2 AND status = 0 AND time_ms > ?3 ORDER BY entry LIMIT 1
-- name: exchange_calls_drop
DELETE FROM exchange_call WHERE entry >= ?1 AND entry < ?2
-- name: exchange_call_forget
UPDATE exchange_call SET salts = NULL WHERE entry = ?2 AND grant_id = ?1
-- name: exchange_sealed_get
SELECT entry, run, erasures FROM exchange_call_sealed WHERE id = 0
-- name: exchange_sealed_put
UPDATE exchange_call_sealed SET entry = ?1, run = (SELECT coalesce(max(id), 0) FROM exchange_call_run) WHERE id = 0 AND erasures = ?2
-- name: exchange_sealed_erased
UPDATE exchange_call_sealed SET erasures = erasures + 1 WHERE id = 0
-- name: exchange_run_put
INSERT INTO exchange_call_run(grant_id, first_entry, last_entry, calls, packed, salts, digest) VALUES(?1,?2,?3,?4,?5,?6,?7)
-- name: exchange_runs_of
SELECT calls, packed, salts, digest, first_entry FROM exchange_call_run
WHERE grant_id = ?1 AND first_entry < ?2 ORDER BY first_entry DESC
-- name: exchange_run_first
SELECT calls, packed, salts, digest, first_entry FROM exchange_call_run
WHERE grant_id = ?1 AND first_entry < ?2 ORDER BY first_entry LIMIT 1
-- name: exchange_run_holding
SELECT calls, packed, salts, digest, first_entry FROM exchange_call_run
WHERE grant_id = ?1 AND first_entry <= ?2 ORDER BY first_entry DESC LIMIT 1
-- name: exchange_run_change
UPDATE exchange_call_run SET salts = ?3, packed = ?4, digest = ?5 WHERE grant_id = ?1 AND first_entry = ?2
-- name: exchange_runs_all scan
SELECT calls, packed, salts, digest, first_entry, grant_id FROM exchange_call_run WHERE first_entry < ?1
-- name: exchange_runs_unsealed
DELETE FROM exchange_call_run WHERE id > ?1
