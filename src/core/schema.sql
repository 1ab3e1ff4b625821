-- SPDX-License-Identifier: MulanPSL-2.0
-- Tables of core: what every module needs and none owns.
-- schema: core 1
-- The audit log: one readable row per act. Rows are only ever added; each names its ledger entry, whose
-- commitment covers the same detail, so that `gusu verify` can hold one against the other.
CREATE TABLE core_act(
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  actor INTEGER NOT NULL,            -- people_account.id, 0 = the program itself or the command line
  actor_name TEXT NOT NULL,
  actor_office TEXT,
  verb TEXT NOT NULL,
  object_kind TEXT NOT NULL,
  object TEXT NOT NULL,
  object_name TEXT,
  office TEXT,                       -- whose object it is
  trace TEXT,
  before_digest TEXT, after_digest TEXT,
  detail TEXT NOT NULL,              -- canonical JSON, the very bytes that the entry commits to
  entry INTEGER NOT NULL,
  peer TEXT
) STRICT;
CREATE INDEX core_act_object ON core_act(object_kind, object, id);
CREATE INDEX core_act_trace ON core_act(trace, id) WHERE trace IS NOT NULL;
CREATE INDEX core_act_office ON core_act(office, id);
-- Answers kept for a retried write (Idempotency-Key); swept after a day.
CREATE TABLE core_idempotency(
  actor INTEGER NOT NULL, key TEXT NOT NULL,
  request_digest TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, etag TEXT, made_ms INTEGER NOT NULL,
  PRIMARY KEY(actor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX core_idempotency_made ON core_idempotency(made_ms);
-- Working-day clocks of the steps (pack clocks.csv).
CREATE TABLE core_clock(
  step TEXT PRIMARY KEY, zh TEXT NOT NULL, en TEXT NOT NULL,
  limit_wd INTEGER, extend_wd INTEGER, article TEXT, note TEXT, changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Days that are not what their weekday says (pack built/workdays.csv); day = days since 1970-01-01.
CREATE TABLE core_workday(
  day INTEGER PRIMARY KEY, is_off INTEGER NOT NULL, name_zh TEXT, name_en TEXT
) STRICT;
-- Packs loaded, newest last; the digest covers every file.
CREATE TABLE core_pack(
  id TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL, with_demo INTEGER NOT NULL,
  city_code TEXT NOT NULL, title_zh TEXT NOT NULL, title_en TEXT NOT NULL, loaded_ms INTEGER NOT NULL,
  PRIMARY KEY(id)
) STRICT, WITHOUT ROWID;
CREATE TABLE core_pack_file(
  pack TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY(pack, file)
) STRICT, WITHOUT ROWID;
