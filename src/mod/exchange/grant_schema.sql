-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: exchange 1
-- A grant: what one office may take from one data set, for one matter, through one registered system. Its columns
-- and row filter are compiled to a table view (grant_view.c); every exit asks that view.
CREATE TABLE exchange_grant(
  id INTEGER PRIMARY KEY,
  application TEXT NOT NULL,        -- the trace id, "SQ-2026-000001"
  line INTEGER NOT NULL,
  dataset TEXT NOT NULL,
  office TEXT NOT NULL,             -- of the applicant
  provider TEXT NOT NULL,
  system TEXT NOT NULL,
  matter TEXT NOT NULL,
  columns TEXT NOT NULL,            -- column ids, ' '-joined
  released TEXT,                    -- those that the provider's answer released from their mask, ' '-joined
  filter TEXT,                      -- JSON array of {"column","op","values"}
  upstream TEXT,                    -- rid of a service resource when the grant is for one
  verify_only INTEGER NOT NULL DEFAULT 0,
  quota_per_day INTEGER NOT NULL,
  rate_per_s INTEGER NOT NULL,
  valid_from_ms INTEGER NOT NULL,
  valid_to_ms INTEGER NOT NULL,
  state TEXT NOT NULL,              -- active suspended revoked ended
  reason TEXT,
  version INTEGER NOT NULL,
  made_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, changed_by INTEGER NOT NULL
) STRICT;
CREATE INDEX exchange_grant_office ON exchange_grant(office, id);
CREATE INDEX exchange_grant_provider ON exchange_grant(provider, id);
CREATE INDEX exchange_grant_application ON exchange_grant(application, line);
CREATE INDEX exchange_grant_dataset ON exchange_grant(dataset, id);
CREATE INDEX exchange_grant_end ON exchange_grant(state, valid_to_ms);
-- Keys: only a digest is kept; the key itself is shown once.
CREATE TABLE exchange_key(
  id INTEGER PRIMARY KEY,
  grant_id INTEGER NOT NULL,
  digest BLOB NOT NULL,             -- SHA-256 of the secret (32 random bytes)
  prefix TEXT NOT NULL,             -- what people see of it: "gk_12_ab…"
  state TEXT NOT NULL,              -- active revoked
  made_ms INTEGER NOT NULL, made_by INTEGER NOT NULL, ended_ms INTEGER
) STRICT;
CREATE INDEX exchange_key_grant ON exchange_key(grant_id, id);
-- Metering, one row a grant and day (local days since 1970). A projection of the call entries: `gusu verify` adds up.
CREATE TABLE exchange_meter(
  grant_id INTEGER NOT NULL, day INTEGER NOT NULL,
  calls INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY(grant_id, day)
) STRICT, WITHOUT ROWID;
-- The calls of a grant in order, for listing; what each was is told by its entry.
CREATE TABLE exchange_call(
  grant_id INTEGER NOT NULL, entry INTEGER NOT NULL,
  key_id INTEGER NOT NULL, time_ms INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
  salts BLOB,                       -- of the per-row leaves of a personal reply, 16 bytes a row
  status INTEGER,                   -- NULL = answered here; of a proxied service: 0 = sent, outcome unknown
  PRIMARY KEY(grant_id, entry)
) STRICT, WITHOUT ROWID;
-- schema: exchange 2
-- Calls in the order of their entries: the writer adds at the end, whatever the grant. What lies before the mark in
-- exchange_call_sealed is (also, or only) in runs and is read there.
CREATE TABLE exchange_call_new(
  grant_id INTEGER NOT NULL, entry INTEGER PRIMARY KEY,
  key_id INTEGER NOT NULL, time_ms INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
  salts BLOB,                       -- of the per-row leaves of a personal reply, 16 bytes a row
  status INTEGER                    -- NULL = answered here; of a proxied service: 0 = sent, outcome unknown
) STRICT;
INSERT INTO exchange_call_new SELECT grant_id, entry, key_id, time_ms, rows, bytes, salts, status FROM exchange_call ORDER BY entry;
DROP TABLE exchange_call;
ALTER TABLE exchange_call_new RENAME TO exchange_call;
-- One row: entries before `entry` are in runs up to `run`; erasures counts, so that a run packed before somebody was
-- forgotten is not published after it.
CREATE TABLE exchange_call_sealed(
  id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, run INTEGER NOT NULL, erasures INTEGER NOT NULL
) STRICT;
INSERT INTO exchange_call_sealed VALUES(0, 0, 0, 0);
-- A grant's calls of one stretch of entries: packed as calls_run.c writes it; salts one after another.
CREATE TABLE exchange_call_run(
  id INTEGER PRIMARY KEY,
  grant_id INTEGER NOT NULL, first_entry INTEGER NOT NULL, last_entry INTEGER NOT NULL, calls INTEGER NOT NULL,
  packed BLOB NOT NULL, salts BLOB NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX exchange_call_run_place ON exchange_call_run(grant_id, first_entry);
