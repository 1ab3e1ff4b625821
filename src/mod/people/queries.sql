-- SPDX-License-Identifier: MulanPSL-2.0
-- Every statement of people. Column order of areas, offices and accounts is what store.c reads; optional filters are
-- values that may be NULL. `scan` marks tables so small that a scan is the plan.

-- name: people_city
SELECT code, title_zh, title_en, pack FROM people_city WHERE id = 1
-- name: people_city_put
INSERT INTO people_city (id, code, pack, title_zh, title_en, created_ms, changed_ms, actor)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?5, 0)
ON CONFLICT (id) DO UPDATE SET code = excluded.code, pack = excluded.pack, title_zh = excluded.title_zh,
  title_en = excluded.title_en, changed_ms = excluded.changed_ms, actor = excluded.actor

-- Areas

-- name: people_area
SELECT a.code, a.name, a.level, a.parent, a.kind, a.vintage, a.valid_from, a.valid_to, a.is_admin, a.note, a.path,
  (SELECT count(*) FROM people_area c WHERE c.parent = a.code)
FROM people_area a WHERE a.code = ?1
-- name: people_area_alias
SELECT code FROM people_area_alias WHERE alias = ?1 AND kind = 'list'
-- name: people_area_aliases
SELECT alias, kind FROM people_area_alias WHERE code = ?1 ORDER BY alias
-- name: people_areas_of
SELECT a.code, a.name, a.level, a.parent, a.kind, a.vintage, a.valid_from, a.valid_to, a.is_admin, a.note, a.path,
  (SELECT count(*) FROM people_area c WHERE c.parent = a.code)
FROM people_area a
WHERE a.parent = ?1 AND a.code > ?2 AND (?3 IS NULL OR a.level = ?3) AND (?4 IS NULL OR a.kind = ?4)
ORDER BY a.code LIMIT ?5
-- name: people_areas
SELECT a.code, a.name, a.level, a.parent, a.kind, a.vintage, a.valid_from, a.valid_to, a.is_admin, a.note, a.path,
  (SELECT count(*) FROM people_area c WHERE c.parent = a.code)
FROM people_area a
WHERE a.code > ?1 AND (?2 IS NULL OR a.level = ?2) AND (?3 IS NULL OR a.kind = ?3)
  AND (?4 IS NULL OR a.name LIKE ?4 ESCAPE '\' OR a.code LIKE ?5 ESCAPE '\'
    OR EXISTS (SELECT 1 FROM people_area_alias l WHERE l.code = a.code AND l.alias LIKE ?5 ESCAPE '\'))
ORDER BY a.code LIMIT ?6
-- name: people_area_counts
SELECT level, kind, count(*) FROM people_area WHERE path > ?1 AND path < ?2 GROUP BY level, kind ORDER BY level, kind
-- name: people_area_namesakes
SELECT count(*) FROM people_area WHERE level = ?1 AND name = ?2 AND path > ?3 AND path < ?4
-- name: people_area_put
INSERT INTO people_area (code, name, level, parent, kind, vintage, valid_from, valid_to, is_admin, note, path,
  created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, 0)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, level = excluded.level, parent = excluded.parent,
  kind = excluded.kind, vintage = excluded.vintage, valid_from = excluded.valid_from, valid_to = excluded.valid_to,
  is_admin = excluded.is_admin, note = excluded.note, path = excluded.path, changed_ms = excluded.changed_ms
-- name: people_area_alias_put
INSERT INTO people_area_alias (alias, code, kind, created_ms, changed_ms, actor) VALUES (?1, ?2, ?3, ?4, ?4, 0)
ON CONFLICT (alias) DO UPDATE SET code = excluded.code, kind = excluded.kind, changed_ms = excluded.changed_ms
-- name: people_areas_old_delete scan
DELETE FROM people_area WHERE changed_ms < ?1 AND actor = 0
-- name: people_area_aliases_old_delete scan
DELETE FROM people_area_alias WHERE changed_ms < ?1 AND actor = 0

-- Offices

-- name: people_office
SELECT o.id, o.name, o.name_en, o.brief, o.uscc, o.kind, o.level, o.area, o.parent, p.name, o.line, l.name,
  o.valid_from, o.valid_to, o.successor, o.roles, o.note, o.version, o.pack_name
FROM people_office o LEFT JOIN people_office p ON p.id = o.parent LEFT JOIN people_office l ON l.id = o.line
WHERE o.id = ?1
-- name: people_offices
SELECT o.id, o.name, o.name_en, o.brief, o.uscc, o.kind, o.level, o.area, o.parent, p.name, o.line, l.name,
  o.valid_from, o.valid_to, o.successor, o.roles, o.note, o.version, o.pack_name
FROM people_office o LEFT JOIN people_office p ON p.id = o.parent LEFT JOIN people_office l ON l.id = o.line
WHERE o.id > ?1 AND (?2 IS NULL OR o.kind = ?2) AND (?3 IS NULL OR o.area = ?3)
  AND (?4 IS NULL OR o.id LIKE ?4 ESCAPE '\' OR o.brief LIKE ?4 ESCAPE '\' OR EXISTS (SELECT 1 FROM people_office_name n
    WHERE n.office = o.id AND (n.name LIKE ?4 ESCAPE '\' OR n.name_en LIKE ?4 ESCAPE '\' OR n.brief LIKE ?4 ESCAPE '\')))
ORDER BY o.id LIMIT ?5
-- name: people_office_names
SELECT name, from_ms, name_en, brief FROM people_office_name WHERE office = ?1 ORDER BY from_ms
-- name: people_office_name_at
SELECT name FROM people_office_name WHERE office = ?1 AND from_ms <= ?2 ORDER BY from_ms DESC LIMIT 1
-- name: people_office_name_first
SELECT name FROM people_office_name WHERE office = ?1 ORDER BY from_ms LIMIT 1
-- name: people_office_name_put
INSERT INTO people_office_name (office, from_ms, name, name_en, brief, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
ON CONFLICT (office, from_ms) DO UPDATE SET name = excluded.name, name_en = excluded.name_en, brief = excluded.brief,
  changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: people_office_predecessors
SELECT id, name, valid_to FROM people_office WHERE successor = ?1 ORDER BY id
-- name: people_office_accounts_n
SELECT count(*) FROM people_account WHERE office = ?1 AND state = 'active'
-- name: people_office_authority
SELECT id FROM people_office WHERE area = ?1 AND (' ' || roles || ' ') LIKE '% A %'
  AND (valid_from IS NULL OR valid_from <= ?2) AND (valid_to IS NULL OR valid_to > ?2) ORDER BY id LIMIT 1
-- name: people_office_insert
INSERT INTO people_office (id, name, name_en, brief, uscc, kind, level, area, parent, line, valid_from, valid_to,
  successor, roles, note, pack_name, version, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?2, 1, ?16, ?16, 0)
-- name: people_office_update
UPDATE people_office SET name = ?2, name_en = ?3, brief = ?4, uscc = ?5, kind = ?6, level = ?7, area = ?8,
  parent = ?9, line = ?10, valid_from = ?11, roles = ?12, note = ?13, pack_name = ?14,
  version = version + 1, changed_ms = ?15, actor = 0 WHERE id = ?1
-- name: people_office_rename
UPDATE people_office SET name = ?2, name_en = ?3, brief = ?4, version = version + 1, changed_ms = ?5, actor = ?6
WHERE id = ?1
-- name: people_office_end
UPDATE people_office SET valid_to = ?2, successor = ?3, version = version + 1, changed_ms = ?4, actor = ?5 WHERE id = ?1
-- name: people_office_reparent
UPDATE people_office SET parent = ?2, version = version + 1, changed_ms = ?3, actor = ?4
WHERE parent = ?1 AND id <> ?2 AND valid_to IS NULL
-- name: people_office_reline
UPDATE people_office SET line = ?2, version = version + 1, changed_ms = ?3, actor = ?4
WHERE line = ?1 AND id <> ?2 AND valid_to IS NULL

-- Hand-overs

-- name: people_succession_insert
INSERT INTO people_succession (office, successor, day, basis, state, asked_by, asked_ms, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, 'waiting', ?5, ?6, ?6, ?6, ?5)
-- name: people_succession_insert_confirmed
INSERT INTO people_succession (office, successor, day, basis, state, asked_by, asked_ms, confirmed_by, confirmed_ms,
  created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, 'confirmed', 0, ?5, 0, ?5, ?5, ?5, 0)
-- name: people_succession_open
SELECT id, office, successor, day, basis, state, asked_by, asked_ms, confirmed_by, confirmed_ms, applied_ms
FROM people_succession WHERE office = ?1 AND state IN ('waiting', 'confirmed') ORDER BY id DESC LIMIT 1
-- name: people_succession_last
SELECT id, office, successor, day, basis, state, asked_by, asked_ms, confirmed_by, confirmed_ms, applied_ms
FROM people_succession WHERE office = ?1 AND state <> 'dropped' ORDER BY id DESC LIMIT 1
-- name: people_succession_due
SELECT id, office, successor, day, basis, state, asked_by, asked_ms, confirmed_by, confirmed_ms, applied_ms
FROM people_succession WHERE state = 'confirmed' AND day <= ?1 ORDER BY id LIMIT 1
-- name: people_succession_confirm
UPDATE people_succession SET state = 'confirmed', confirmed_by = ?2, confirmed_ms = ?3, changed_ms = ?3, actor = ?2
WHERE id = ?1 AND state = 'waiting'
-- name: people_succession_apply
UPDATE people_succession SET state = 'applied', applied_ms = ?2, changed_ms = ?2 WHERE id = ?1 AND state = 'confirmed'
-- name: people_succession_drop
UPDATE people_succession SET state = 'dropped', changed_ms = ?2, actor = ?3
WHERE id = ?1 AND state IN ('waiting', 'confirmed')
-- name: people_accounts_move
UPDATE people_account SET office = ?2, version = version + 1, changed_ms = ?3, actor = ?4 WHERE office = ?1
-- name: people_systems_move
UPDATE people_system SET office = ?2, version = version + 1, changed_ms = ?3, actor = ?4 WHERE office = ?1

-- Accounts and roles

-- name: people_account
SELECT a.id, a.login, a.name, a.office, o.name, a.area, a.state, a.locked_until_ms, a.seen_ms, a.must_change,
  a.is_synthetic, a.version, a.password
FROM people_account a LEFT JOIN people_office o ON o.id = a.office WHERE a.id = ?1
-- name: people_account_by_login
SELECT a.id, a.login, a.name, a.office, o.name, a.area, a.state, a.locked_until_ms, a.seen_ms, a.must_change,
  a.is_synthetic, a.version, a.password
FROM people_account a LEFT JOIN people_office o ON o.id = a.office WHERE a.login = ?1
-- name: people_accounts
SELECT a.id, a.login, a.name, a.office, o.name, a.area, a.state, a.locked_until_ms, a.seen_ms, a.must_change,
  a.is_synthetic, a.version, a.password
FROM people_account a LEFT JOIN people_office o ON o.id = a.office
WHERE a.id > ?1 AND (?2 IS NULL OR a.office = ?2)
  AND (?3 IS NULL OR a.login LIKE ?3 ESCAPE '\' OR a.name LIKE ?3 ESCAPE '\')
  AND (?4 IS NULL OR EXISTS (SELECT 1 FROM people_account_role r WHERE r.account = a.id AND r.role = ?4))
ORDER BY a.id LIMIT ?5
-- name: people_account_name
SELECT name, login FROM people_account WHERE id = ?1
-- name: people_account_insert
INSERT INTO people_account (login, name, office, area, password, password_ms, must_change, state, locked_until_ms,
  is_synthetic, version, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', 0, ?8, 1, ?6, ?6, ?9)
-- name: people_account_update
UPDATE people_account SET name = ?2, office = ?3, state = ?4, locked_until_ms = ?5, version = version + 1,
  changed_ms = ?6, actor = ?7 WHERE id = ?1 AND version = ?8
-- name: people_account_password
UPDATE people_account SET password = ?2, password_ms = ?3, must_change = ?4, locked_until_ms = 0,
  version = version + 1, changed_ms = ?3, actor = ?5 WHERE id = ?1
-- name: people_account_lock
UPDATE people_account SET locked_until_ms = ?2, changed_ms = ?3 WHERE id = ?1
-- name: people_account_touch
UPDATE people_account SET seen_ms = ?2 WHERE id = ?1 AND (seen_ms IS NULL OR seen_ms < ?2)
-- name: people_account_step
UPDATE people_account SET version = version + 1, changed_ms = ?2, actor = ?3 WHERE id = ?1
-- name: people_accounts_stale
SELECT a.id, a.login FROM people_account a
WHERE a.id > ?1 AND a.state = 'active' AND a.is_synthetic = 0 AND coalesce(a.seen_ms, a.created_ms) < ?2
  AND NOT EXISTS (SELECT 1 FROM people_account_role r WHERE r.account = a.id
    AND r.role IN ('sysadmin', 'secadmin', 'auditor'))
ORDER BY a.id LIMIT 100
-- name: people_guess_lock
UPDATE people_guess SET locks = locks + 1, changed_ms = ?1 WHERE id = 1
-- name: people_roles_of
SELECT role FROM people_account_role WHERE account = ?1 ORDER BY role
-- name: people_role_grant
INSERT INTO people_account_role (account, role, created_ms, changed_ms, actor) VALUES (?1, ?2, ?3, ?3, ?4)
-- name: people_roles_drop
DELETE FROM people_account_role WHERE account = ?1
-- name: people_role_holders
SELECT count(*) FROM people_account_role r JOIN people_account a ON a.id = r.account
WHERE r.role = ?1 AND a.state = 'active' AND a.id <> ?2
-- name: people_office_holders
SELECT r.role FROM people_account a JOIN people_account_role r ON r.account = a.id
WHERE a.office = ?1 AND a.state = 'active'
-- name: people_role_conflicts
SELECT other FROM people_role_conflict WHERE role = ?1 ORDER BY other
-- name: people_role_conflict_put
INSERT INTO people_role_conflict (role, other, created_ms, changed_ms, actor) VALUES (?1, ?2, ?3, ?3, 0)
ON CONFLICT (role, other) DO UPDATE SET changed_ms = excluded.changed_ms
-- name: people_role_conflicts_old_delete scan
DELETE FROM people_role_conflict WHERE changed_ms < ?1

-- Sessions and tokens

-- name: people_session_actor
SELECT a.id, a.login, a.name, a.office, a.area, a.state, a.must_change, r.role, s.csrf, s.seen_ms, s.idle_ms, s.ends_ms
FROM people_session s JOIN people_account a ON a.id = s.account LEFT JOIN people_account_role r ON r.account = a.id
WHERE s.id = ?1
-- name: people_token_actor
SELECT a.id, a.login, a.name, a.office, a.area, a.state, a.must_change, r.role, t.hash, t.seen_ms, t.scopes, t.ends_ms
FROM people_token t JOIN people_account a ON a.id = t.account LEFT JOIN people_account_role r ON r.account = a.id
WHERE t.id = ?1
-- name: people_session_insert
INSERT INTO people_session (id, account, csrf, peer, seen_ms, idle_ms, ends_ms, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5, ?5, ?2)
-- name: people_session_touch
UPDATE people_session SET seen_ms = ?2 WHERE id = ?1 AND seen_ms < ?2
-- name: people_session_delete
DELETE FROM people_session WHERE id = ?1
-- name: people_sessions_drop
DELETE FROM people_session WHERE account = ?1
-- name: people_sessions_drop_others
DELETE FROM people_session WHERE account = ?1 AND id <> ?2
-- name: people_sessions_drop_oldest
DELETE FROM people_session WHERE id IN
  (SELECT id FROM people_session WHERE account = ?1 ORDER BY created_ms DESC LIMIT 100 OFFSET ?2)
-- name: people_sessions_ended_delete
DELETE FROM people_session WHERE id IN (SELECT id FROM people_session WHERE ends_ms < ?1 LIMIT 500)
-- name: people_session_ends
SELECT ends_ms FROM people_session WHERE id = ?1
-- name: people_token_insert
INSERT INTO people_token (account, name, scopes, hash, ends_ms, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?1)
-- name: people_tokens
SELECT id, name, scopes, ends_ms, seen_ms, created_ms FROM people_token WHERE account = ?1 ORDER BY id
-- name: people_tokens_n
SELECT count(*) FROM people_token WHERE account = ?1
-- name: people_token_touch
UPDATE people_token SET seen_ms = ?2 WHERE id = ?1 AND (seen_ms IS NULL OR seen_ms < ?2)
-- name: people_token_delete
DELETE FROM people_token WHERE id = ?1 AND account = ?2
-- name: people_tokens_drop
DELETE FROM people_token WHERE account = ?1

-- Registered systems, policies, words

-- name: people_system
SELECT s.id, s.name, s.office, o.name, s.state, s.version FROM people_system s
LEFT JOIN people_office o ON o.id = s.office WHERE s.id = ?1
-- name: people_systems_of
SELECT s.id, s.name, s.office, o.name, s.state, s.version FROM people_system s
LEFT JOIN people_office o ON o.id = s.office WHERE s.office = ?1 AND s.id > ?2 ORDER BY s.id LIMIT ?3
-- name: people_systems
SELECT s.id, s.name, s.office, o.name, s.state, s.version FROM people_system s
LEFT JOIN people_office o ON o.id = s.office WHERE s.id > ?1 ORDER BY s.id LIMIT ?2
-- name: people_system_insert
INSERT INTO people_system (id, name, office, state, version, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, 'active', 1, ?4, ?4, ?5)
-- name: people_system_update
UPDATE people_system SET name = ?2, state = ?3, version = version + 1, changed_ms = ?4, actor = ?5
WHERE id = ?1 AND version = ?6
-- name: people_policy
SELECT value FROM people_policy WHERE name = ?1
-- name: people_policy_put
INSERT INTO people_policy (name, value, created_ms, changed_ms, actor) VALUES (?1, ?2, ?3, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: people_word
SELECT zh, en FROM people_word WHERE key = ?1
-- name: people_words scan
SELECT key, zh, en FROM people_word ORDER BY key
-- name: people_word_put
INSERT INTO people_word (key, zh, en, created_ms, changed_ms, actor) VALUES (?1, ?2, ?3, ?4, ?4, 0)
ON CONFLICT (key) DO UPDATE SET zh = excluded.zh, en = excluded.en, changed_ms = excluded.changed_ms
-- name: people_words_old_delete scan
DELETE FROM people_word WHERE changed_ms < ?1
