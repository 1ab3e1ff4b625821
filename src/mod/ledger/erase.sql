-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: ledger_erase 1
-- The right to be forgotten: which entries lost salt and detail, at whose wish, and who agreed. Kept for ever, so that an
-- older backup forgets again; the words that were searched for are not kept.
CREATE TABLE ledger_erasure(
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL,        -- 32 random hex digits: the same erasure in another copy of the city
  state TEXT NOT NULL,       -- asked, approved (being carried out), done, dropped
  reason TEXT NOT NULL,
  law TEXT NOT NULL,
  entries TEXT NOT NULL,     -- one a line: index, space, hex SHA-256 leaf hash
  entries_n INTEGER NOT NULL,
  done_n INTEGER NOT NULL,   -- of them carried out
  asked_by INTEGER NOT NULL, asked_name TEXT NOT NULL, asked_office TEXT, asked_ms INTEGER NOT NULL,
  asked_is_auditor INTEGER NOT NULL,
  approved_by INTEGER, approved_name TEXT, approved_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX ledger_erasure_code ON ledger_erasure(code);
CREATE INDEX ledger_erasure_state ON ledger_erasure(state, id);
-- name: ledger_erasure_add
INSERT INTO ledger_erasure(code, state, reason, law, entries, entries_n, done_n, asked_by, asked_name, asked_office, asked_ms,
 asked_is_auditor) VALUES(?1,'asked',?2,?3,?4,?5,0,?6,?7,?8,?9,?10)
-- name: ledger_erasure_bring
INSERT INTO ledger_erasure(code, state, reason, law, entries, entries_n, done_n, asked_by, asked_name, asked_ms,
 asked_is_auditor, approved_by, approved_name, approved_ms) VALUES(?1,'approved',?2,?3,?4,?5,0,?6,?7,?8,0,?9,?10,?11)
 ON CONFLICT(code) DO NOTHING
-- name: ledger_erasure_get
SELECT id, code, state, reason, law, entries, entries_n, done_n, asked_by, asked_name, asked_office, asked_ms, approved_by,
 approved_name, approved_ms, asked_is_auditor FROM ledger_erasure WHERE id = ?1
-- name: ledger_erasures_page
SELECT id, code, state, reason, law, entries, entries_n, done_n, asked_by, asked_name, asked_office, asked_ms, approved_by,
 approved_name, approved_ms, asked_is_auditor FROM ledger_erasure WHERE id < ?1 ORDER BY id DESC LIMIT ?2
-- name: ledger_erasures_in
SELECT id, code, state, reason, law, entries, entries_n, done_n, asked_by, asked_name, asked_office, asked_ms, approved_by,
 approved_name, approved_ms, asked_is_auditor FROM ledger_erasure WHERE state = ?1 AND id > ?2 ORDER BY id LIMIT 1
-- name: ledger_erasure_approve
UPDATE ledger_erasure SET state = 'approved', approved_by = ?2, approved_name = ?3, approved_ms = ?4
WHERE id = ?1 AND state = 'asked'
-- name: ledger_erasure_drop
UPDATE ledger_erasure SET state = 'dropped' WHERE id = ?1 AND state = 'asked'
-- name: ledger_erasure_step
UPDATE ledger_erasure SET done_n = ?2, state = CASE WHEN ?2 >= entries_n THEN 'done' ELSE state END WHERE id = ?1
-- name: ledger_erasures_again
UPDATE ledger_erasure SET done_n = 0, state = 'approved' WHERE state = 'done'
-- name: ledger_act_forget
UPDATE core_act SET object = '', object_name = NULL, trace = NULL, before_digest = NULL, after_digest = NULL, detail = '{}',
 peer = NULL WHERE object_kind = ?1 AND object = ?2 AND entry = ?3
