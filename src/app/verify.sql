-- SPDX-License-Identifier: MulanPSL-2.0
-- What `gusu verify` reads. It is the one place that reads tables of several modules: an offline tool over a read-only
-- connection, which has to see the rows themselves and may trust nobody's account of them. Owners: ledger_* ledger,
-- core_act core, exchange_call and exchange_meter exchange; a change of those tables has to be followed here.
-- name: verify_head
SELECT size, root, frontier FROM ledger_head WHERE tree = ?1
-- name: verify_entry_outside
SELECT id FROM ledger_entry WHERE id >= ?1 ORDER BY id LIMIT 1
-- name: verify_entry_first
SELECT min(id) FROM ledger_entry
-- name: verify_bundle_first
SELECT min(n) FROM ledger_bundle
-- name: verify_bundle_last
SELECT max(n) FROM ledger_bundle
-- name: verify_node
SELECT hash FROM ledger_node WHERE tree = ?1 AND level = ?2 AND idx = ?3
-- name: verify_node_count
SELECT count(*) FROM ledger_node WHERE tree = ?1
-- name: verify_checkpoints scan
SELECT size, tree, note FROM ledger_checkpoint ORDER BY tree, size
-- name: verify_acts scan
SELECT a.entry, a.detail, a.id, a.time_ms, a.actor, a.actor_name, a.actor_office, a.verb, a.object_kind, a.object,
 a.object_name, a.office, a.trace, a.before_digest, a.after_digest, a.peer
FROM core_act a ORDER BY a.id
-- name: verify_meter scan
SELECT grant_id, day, calls, rows, bytes FROM exchange_meter ORDER BY grant_id, day
