-- SPDX-License-Identifier: MulanPSL-2.0
-- schema: exchange-application 1
-- An application: one office asks, for one matter, through one registered system, for columns of one or more data sets
-- (a line each, answered by its own provider). id is the trace id that runs through grants, calls and entries.
CREATE TABLE exchange_application(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  office TEXT NOT NULL, office_asked TEXT NOT NULL, -- today's owner; the one that asked (history keeps the old name)
  applicant INTEGER NOT NULL,
  matter TEXT NOT NULL, legal_basis TEXT NOT NULL, purpose TEXT NOT NULL, system TEXT NOT NULL,
  period_days INTEGER NOT NULL, quota_per_day INTEGER NOT NULL, need_by TEXT,
  state TEXT NOT NULL,               -- draft signing county checking answering granted partly refused returned withdrawn
  returned_n INTEGER NOT NULL DEFAULT 0, -- 补正 is told once (order 809 art. 21)
  version INTEGER NOT NULL, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX exchange_application_office ON exchange_application(office, n);
CREATE TABLE exchange_line(
  application TEXT NOT NULL, n INTEGER NOT NULL,
  dataset TEXT NOT NULL, provider TEXT NOT NULL,
  columns TEXT NOT NULL, filter TEXT, upstream TEXT,
  state TEXT NOT NULL,               -- waiting answering signing granted refused withdrawn
  consent INTEGER, reason TEXT, condition TEXT, released TEXT, rate_per_s INTEGER, quota_per_day INTEGER,
  answered_by INTEGER, grant_id INTEGER,
  PRIMARY KEY(application, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX exchange_line_provider ON exchange_line(provider, application);
-- What was and is to be done, one row a step. A step stays todo until somebody does it: silence is never consent.
CREATE TABLE exchange_step(
  id INTEGER PRIMARY KEY,
  application TEXT NOT NULL, line INTEGER NOT NULL, -- 0 = the whole application
  step TEXT NOT NULL,                -- sign county check answer provider_sign supply
  office TEXT NOT NULL, role TEXT NOT NULL,
  state TEXT NOT NULL,               -- todo done returned refused withdrawn
  opened_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, is_certain INTEGER NOT NULL, extended INTEGER NOT NULL DEFAULT 0,
  by_account INTEGER, by_name TEXT, at_ms INTEGER, reason TEXT,
  late_ms INTEGER NOT NULL DEFAULT 0  -- when it was told that the clock had run out; the step stays todo
) STRICT;
CREATE INDEX exchange_step_late ON exchange_step(due_ms) WHERE state = 'todo' AND late_ms = 0;
CREATE INDEX exchange_step_application ON exchange_step(application, id);
CREATE INDEX exchange_step_office ON exchange_step(office, state, due_ms);
-- The cart: data sets an applicant has put aside.
CREATE TABLE exchange_cart(
  account INTEGER NOT NULL, dataset TEXT NOT NULL, columns TEXT NOT NULL, put_ms INTEGER NOT NULL,
  PRIMARY KEY(account, dataset)
) STRICT, WITHOUT ROWID;
