-- SPDX-License-Identifier: MulanPSL-2.0
-- name: ledger_entry_add
INSERT INTO ledger_entry(id, leaf, salt, detail) VALUES(?1,?2,?3,?4)
-- name: ledger_node_put
INSERT INTO ledger_node(tree, level, idx, hash) VALUES(?1,?2,?3,?4)
-- name: ledger_node_get
SELECT hash FROM ledger_node WHERE tree = ?1 AND level = ?2 AND idx = ?3
-- name: ledger_head_put
INSERT INTO ledger_head(tree, size, root, frontier) VALUES(?1,?2,?3,?4)
 ON CONFLICT(tree) DO UPDATE SET size = excluded.size, root = excluded.root, frontier = excluded.frontier
-- name: ledger_head_get
SELECT size, root, frontier FROM ledger_head WHERE tree = ?1
-- name: ledger_nodes_from
SELECT hash FROM ledger_node WHERE tree = ?1 AND level = ?2 AND idx >= ?3 AND idx < ?4 ORDER BY idx
-- name: ledger_checkpoint_put
INSERT INTO ledger_checkpoint(size, tree, note, made_ms) VALUES(?1,?2,?3,?4)
 ON CONFLICT (tree, size) DO UPDATE SET note = excluded.note, made_ms = excluded.made_ms
-- name: ledger_checkpoint_drop
DELETE FROM ledger_checkpoint WHERE tree = ?1 AND size = ?2 AND made_ms >= ?3
-- name: ledger_checkpoint_newest
SELECT size, note, made_ms FROM ledger_checkpoint WHERE tree = ?1 ORDER BY size DESC LIMIT 1
-- name: ledger_checkpoint_pair
SELECT tree, size, note, made_ms FROM ledger_checkpoint
 WHERE tree IN (0, 1) AND size = (SELECT max(size) FROM ledger_checkpoint WHERE tree = 0)
-- name: ledger_heads scan
SELECT tree, size, root FROM ledger_head ORDER BY tree
-- name: ledger_rows_from
SELECT id, leaf, salt, detail FROM ledger_entry WHERE id >= ?1 AND id < ?2 ORDER BY id
-- name: ledger_rows_drop
DELETE FROM ledger_entry WHERE id >= ?1 AND id < ?2
-- name: ledger_rows_erased
SELECT count(*) FROM ledger_entry WHERE id >= ?1 AND id < ?2 AND salt IS NULL
-- name: ledger_row_first
SELECT id FROM ledger_entry WHERE id >= 0 ORDER BY id LIMIT 1
-- name: ledger_row_last
SELECT id FROM ledger_entry WHERE id >= 0 ORDER BY id DESC LIMIT 1
-- name: ledger_row_erase
UPDATE ledger_entry SET salt = NULL, detail = NULL WHERE id = ?1
-- name: ledger_bundle_get
SELECT leaves, salts, details, digest FROM ledger_bundle WHERE n = ?1
-- name: ledger_bundle_add
INSERT INTO ledger_bundle(n, leaves, salts, details, digest) VALUES(?1,?2,?3,?4,?5)
-- name: ledger_bundle_change
UPDATE ledger_bundle SET salts = ?2, details = ?3, digest = ?4 WHERE n = ?1
-- name: ledger_bundle_last
SELECT n FROM ledger_bundle WHERE n >= 0 ORDER BY n DESC LIMIT 1
-- name: ledger_checkpoints_of
SELECT size, made_ms FROM ledger_checkpoint WHERE tree = ?1 ORDER BY size DESC LIMIT ?2
