-- SPDX-License-Identifier: MulanPSL-2.0
-- What people remembers. Days are text "2024-01-01" (they compare as text), instants UTC milliseconds. Every
-- table has who made and last changed its row: `actor` is an account id, 0 = the pack or the command line.

-- schema: people 1

-- One row: which city this folder is about. Written by the pack, asked by /me and by every default.
CREATE TABLE people_city (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  code TEXT NOT NULL,
  pack TEXT NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;

-- Areas of five levels: 1 province, 2 city, 3 district level, 4 township level, 5 community. `path` lists the codes
-- from the root down, each ended by '/', so that "all below" is one range of an index and "is it below" one
-- comparison; never the digits of the code, which do not tell it (320576 is statistical only).
CREATE TABLE people_area (
  code TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  level INTEGER NOT NULL CHECK (level BETWEEN 1 AND 5),
  parent TEXT NOT NULL,
  kind TEXT NOT NULL,
  vintage TEXT NOT NULL,
  valid_from TEXT,
  valid_to TEXT,
  is_admin INTEGER NOT NULL,
  note TEXT,
  path TEXT NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_area_parent ON people_area (parent, code);
CREATE INDEX people_area_path ON people_area (path, level, kind);
CREATE INDEX people_area_name ON people_area (name, level);

-- Other codes under which an area is known: `list` an older statistical list, which resolves; `register` the place
-- digits of registrations, which can be found but never resolve: a firm's place is not in its credit code.
CREATE TABLE people_area_alias (
  alias TEXT NOT NULL PRIMARY KEY,
  code TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('list', 'register')),
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_area_alias_code ON people_area_alias (code, alias);

-- Offices: parent = the block (块), line = the profession (条). `pack_name` is the name as the pack last gave it: a
-- pack loaded again must not undo a renaming that people have made since.
CREATE TABLE people_office (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  brief TEXT NOT NULL,
  uscc TEXT,
  kind TEXT NOT NULL,
  level INTEGER NOT NULL,
  area TEXT NOT NULL,
  parent TEXT,
  line TEXT,
  valid_from TEXT,
  valid_to TEXT,
  successor TEXT,
  roles TEXT NOT NULL,
  note TEXT,
  pack_name TEXT,
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_office_parent ON people_office (parent, id);
CREATE INDEX people_office_line ON people_office (line, id);
CREATE INDEX people_office_successor ON people_office (successor, id);
CREATE INDEX people_office_area ON people_office (area, id);

-- The names that an office has borne, each from an instant on; rows are added, never changed, so that history
-- keeps the old name.
CREATE TABLE people_office_name (
  office TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  brief TEXT NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL,
  PRIMARY KEY (office, from_ms)
) STRICT;

-- Hand-overs: asked for by one person, confirmed by a second, applied on their day. state: waiting, confirmed
-- (its day is to come), applied, dropped.
CREATE TABLE people_succession (
  id INTEGER PRIMARY KEY,
  office TEXT NOT NULL,
  successor TEXT NOT NULL,
  day TEXT NOT NULL,
  basis TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'confirmed', 'applied', 'dropped')),
  asked_by INTEGER NOT NULL,
  asked_ms INTEGER NOT NULL,
  confirmed_by INTEGER,
  confirmed_ms INTEGER,
  applied_ms INTEGER,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_succession_office ON people_succession (office, id);
CREATE INDEX people_succession_state ON people_succession (state, day);

-- Accounts. password: NULL = nobody can log in until one is set. state: what an administrator decided; the lock
-- after wrong passwords is apart (locked_until_ms) and ends by itself.
CREATE TABLE people_account (
  id INTEGER PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  office TEXT,
  area TEXT,
  password TEXT,
  password_ms INTEGER,
  must_change INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'locked', 'disabled')),
  locked_until_ms INTEGER NOT NULL,
  seen_ms INTEGER,
  is_synthetic INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_account_office ON people_account (office, id);

CREATE TABLE people_account_role (
  account INTEGER NOT NULL,
  role TEXT NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL,
  PRIMARY KEY (account, role)
) STRICT;
CREATE INDEX people_account_role_role ON people_account_role (role, account);

-- Which roles one account may not hold together, both ways round; from the pack's roles.csv. The separation of the
-- three administrators stands in roles.c as well and cannot be loaded away.
CREATE TABLE people_role_conflict (
  role TEXT NOT NULL,
  other TEXT NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL,
  PRIMARY KEY (role, other)
) STRICT;

-- Sessions: id = SHA-256 of the cookie, so that a copy of the store opens no door. idle_ms is taken from the policy
-- at log-in: judging a request is one read.
CREATE TABLE people_session (
  id BLOB NOT NULL PRIMARY KEY,
  account INTEGER NOT NULL,
  csrf TEXT NOT NULL,
  peer TEXT,
  seen_ms INTEGER NOT NULL,
  idle_ms INTEGER NOT NULL,
  ends_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_session_account ON people_session (account, created_ms);
CREATE INDEX people_session_ends ON people_session (ends_ms);

-- Personal API tokens gt_<id>_<secret>: the secret's SHA-256, what it may do, and until when.
CREATE TABLE people_token (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  hash BLOB NOT NULL,
  ends_ms INTEGER NOT NULL,
  seen_ms INTEGER,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_token_account ON people_token (account, id);

-- Registered systems: what calls exchange is always one of these, owned by an office.
CREATE TABLE people_system (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  office TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'ended')),
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX people_system_office ON people_system (office, id);

-- Policies that differ from the table in policy.c.
CREATE TABLE people_policy (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;

-- Locks on log-ins that nobody has are counted in one row: a guesser must not see by the time it takes, nor by
-- growth, which log-ins exist.
CREATE TABLE people_guess (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  locks INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
INSERT INTO people_guess (id, locks, created_ms, changed_ms, actor) VALUES (1, 0, 0, 0, 0);

-- Words special to the city, in Chinese and English (words.csv).
CREATE TABLE people_word (
  key TEXT NOT NULL PRIMARY KEY,
  zh TEXT NOT NULL,
  en TEXT NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
