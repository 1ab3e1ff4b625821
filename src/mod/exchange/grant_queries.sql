-- SPDX-License-Identifier: MulanPSL-2.0
-- name: exchange_grant_get
SELECT id, application, line, dataset, office, provider, system, matter, columns, released, filter, upstream, verify_only,
 quota_per_day, rate_per_s, valid_from_ms, valid_to_ms, state, reason, version, made_ms, changed_ms
FROM exchange_grant WHERE id = ?1
-- name: exchange_grant_put
INSERT INTO exchange_grant(application, line, dataset, office, provider, system, matter, columns, released, filter, upstream,
 verify_only, quota_per_day, rate_per_s, valid_from_ms, valid_to_ms, state, version, made_ms, changed_ms, changed_by)
VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,'active',1,?17,?17,?18)
-- name: exchange_grant_state
UPDATE exchange_grant SET state = ?2, reason = ?3, version = version + 1, changed_ms = ?4, changed_by = ?5 WHERE id = ?1
-- name: exchange_key_get
SELECT grant_id, digest, state, prefix FROM exchange_key WHERE id = ?1
-- name: exchange_key_put
INSERT INTO exchange_key(grant_id, digest, prefix, state, made_ms, made_by) VALUES(?1,?2,'','active',?3,?4)
-- name: exchange_key_prefix
UPDATE exchange_key SET prefix = ?2 WHERE id = ?1
-- name: exchange_key_end
UPDATE exchange_key SET state = 'revoked', ended_ms = ?2 WHERE id = ?1 AND state = 'active'
-- name: exchange_keys_living
SELECT count(*) FROM exchange_key WHERE grant_id = ?1 AND state = 'active'
-- name: exchange_keys_of
SELECT id, prefix, state, made_ms, ended_ms FROM exchange_key WHERE grant_id = ?1 ORDER BY id
-- name: exchange_meter_add
INSERT INTO exchange_meter(grant_id, day, calls, rows, bytes, last_ms) VALUES(?1,?2,?3,?4,?5,?6)
 ON CONFLICT(grant_id, day) DO UPDATE SET calls = exchange_meter.calls + excluded.calls, rows = exchange_meter.rows + excluded.rows,
 bytes = exchange_meter.bytes + excluded.bytes, last_ms = excluded.last_ms
-- name: exchange_meter_open
INSERT INTO exchange_meter(grant_id, day, calls, rows, bytes, last_ms) VALUES(?1,?2,0,0,0,?3) ON CONFLICT DO NOTHING
-- name: exchange_meter_of
SELECT day, calls, rows, bytes, last_ms FROM exchange_meter WHERE grant_id = ?1 ORDER BY day DESC LIMIT ?2
-- name: exchange_meter_total
SELECT sum(calls), max(last_ms) FROM exchange_meter WHERE grant_id = ?1
-- name: exchange_meter_day
SELECT calls FROM exchange_meter WHERE grant_id = ?1 AND day = ?2
-- name: exchange_meter_bytes
UPDATE exchange_meter SET bytes = bytes + ?3 WHERE grant_id = ?1 AND day = ?2
