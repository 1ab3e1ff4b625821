-- SPDX-License-Identifier: MulanPSL-2.0
-- Named queries of the catalog. "scan" marks the few that read a whole (small) table on purpose.

-- name: catalog_head_get
SELECT n, id, office, live, work, last, slots, version, pack, pack_digest, published_ms, updated_ms, data_ms, score,
       created_ms, changed_ms
FROM catalog_dataset WHERE id = ?1
-- name: catalog_head_add
INSERT INTO catalog_dataset (id, office, live, work, last, slots, version, pack, pack_digest, published_ms, updated_ms,
                             data_ms, score, created_ms, changed_ms, actor)
VALUES (?1, ?2, 0, 1, 1, 0, 1, ?3, '', 0, 0, 0, NULL, ?4, ?4, ?5)
-- name: catalog_head_touch
UPDATE catalog_dataset SET version = version + 1, changed_ms = ?2, actor = ?3 WHERE id = ?1
-- name: catalog_head_work
UPDATE catalog_dataset SET work = ?2, last = max(last, ?2), version = version + 1, changed_ms = ?3, actor = ?4 WHERE id = ?1
-- name: catalog_head_live
UPDATE catalog_dataset SET live = ?2, work = 0, published_ms = CASE WHEN ?2 > 0 THEN ?3 ELSE published_ms END,
       changed_ms = ?3, actor = ?4 WHERE id = ?1
-- name: catalog_head_slots
UPDATE catalog_dataset SET slots = ?2 WHERE id = ?1
-- name: catalog_head_office
UPDATE catalog_dataset SET office = ?2, version = version + 1, changed_ms = ?3, actor = ?4 WHERE id = ?1
-- name: catalog_head_pack
UPDATE catalog_dataset SET pack = ?2, pack_digest = ?3 WHERE id = ?1
-- name: catalog_head_updated
UPDATE catalog_dataset SET updated_ms = ?2, data_ms = ?3, version = version + 1, changed_ms = ?4, actor = ?5 WHERE id = ?1
-- name: catalog_head_measured
UPDATE catalog_dataset SET score = ?2, data_ms = CASE WHEN ?3 > 0 THEN ?3 ELSE data_ms END WHERE id = ?1
-- name: catalog_head_delete
DELETE FROM catalog_dataset WHERE id = ?1
-- name: catalog_live_now
SELECT d.version, coalesce((SELECT r.table_no FROM catalog_resource r WHERE r.dataset = d.id AND r.kind = 1
                            ORDER BY r.rid LIMIT 1), 0)
FROM catalog_dataset d WHERE d.id = ?1 AND d.live > 0
-- name: catalog_office_count
SELECT count(*) FROM catalog_dataset WHERE office = ?1 AND live > 0
-- name: catalog_heads_of_office
SELECT id FROM catalog_dataset WHERE office = ?1

-- name: catalog_edition_get
SELECT state, title_zh, title_en, abstract_zh, abstract_en, keywords, class_codes, share, share_condition_zh,
       share_condition_en, share_scope, share_law, open, open_condition_zh, open_condition_en, grade, cycle, modes,
       subject, area_column, spatial, source_zh, source_en, source_date, licence, is_synthetic, seed, related, notices,
       checks
FROM catalog_edition WHERE dataset = ?1 AND edition = ?2
-- name: catalog_edition_put
INSERT INTO catalog_edition (dataset, edition, state, title_zh, title_en, abstract_zh, abstract_en, keywords,
       class_codes, share, share_condition_zh, share_condition_en, share_scope, share_law, open, open_condition_zh,
       open_condition_en, grade, cycle, modes, subject, area_column, spatial, source_zh, source_en, source_date,
       licence, is_synthetic, seed, related, notices, checks, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,
        ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?33, ?34)
ON CONFLICT (dataset, edition) DO UPDATE SET state = excluded.state, title_zh = excluded.title_zh,
       title_en = excluded.title_en, abstract_zh = excluded.abstract_zh, abstract_en = excluded.abstract_en,
       keywords = excluded.keywords, class_codes = excluded.class_codes, share = excluded.share,
       share_condition_zh = excluded.share_condition_zh, share_condition_en = excluded.share_condition_en,
       share_scope = excluded.share_scope, share_law = excluded.share_law, open = excluded.open,
       open_condition_zh = excluded.open_condition_zh, open_condition_en = excluded.open_condition_en,
       grade = excluded.grade, cycle = excluded.cycle, modes = excluded.modes, subject = excluded.subject,
       area_column = excluded.area_column, spatial = excluded.spatial, source_zh = excluded.source_zh,
       source_en = excluded.source_en, source_date = excluded.source_date, licence = excluded.licence,
       is_synthetic = excluded.is_synthetic, seed = excluded.seed, related = excluded.related,
       notices = excluded.notices, checks = excluded.checks, changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: catalog_edition_state
UPDATE catalog_edition SET state = ?3, changed_ms = ?4, actor = ?5 WHERE dataset = ?1 AND edition = ?2
-- name: catalog_edition_delete
DELETE FROM catalog_edition WHERE dataset = ?1 AND edition = ?2

-- name: catalog_columns_get
SELECT n, id, slot, zh, en, type, length, is_key, is_area, grade, grade_reason, element, element_role, code_list, mask,
       is_personal, rule, share, open, office
FROM catalog_column WHERE dataset = ?1 AND edition = ?2 ORDER BY n
-- name: catalog_column_add
INSERT INTO catalog_column (dataset, edition, n, id, slot, zh, en, type, length, is_key, is_area, grade, grade_reason,
       element, element_role, code_list, mask, is_personal, rule, share, open, office)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
-- name: catalog_columns_delete
DELETE FROM catalog_column WHERE dataset = ?1 AND edition = ?2
-- name: catalog_columns_office
UPDATE catalog_column SET office = ?2 WHERE office = ?1 AND dataset = ?3
-- name: catalog_columns_of_office scan
SELECT DISTINCT dataset FROM catalog_column WHERE office = ?1
-- name: catalog_slots_get
SELECT slot, grade FROM catalog_column WHERE dataset = ?1 AND edition = ?2
-- name: catalog_slot_find
SELECT slot FROM catalog_column WHERE dataset = ?1 AND id = ?2 AND type = ?3 ORDER BY edition DESC LIMIT 1

-- name: catalog_resources_get
SELECT id, rid, kind, title_zh, title_en, format, is_verify_only, upstream, file_name, sm3, bytes, table_no,
       table_edition, series, rows, is_tested, is_test_ok, tested_ms, test_note, loaded_ms
FROM catalog_resource WHERE dataset = ?1 ORDER BY rid
-- name: catalog_resource_add
INSERT INTO catalog_resource (dataset, rid, kind, title_zh, title_en, format, is_verify_only, upstream, file_name, sm3,
       bytes, table_no, table_edition, series, rows, is_tested, is_test_ok, tested_ms, test_note, loaded_ms, created_ms,
       changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0, 0, ?12, ?12, ?13, '', 0, ?14, ?14, ?15)
-- name: catalog_resource_describe
UPDATE catalog_resource SET title_zh = ?3, title_en = ?4, format = ?5, is_verify_only = ?6, upstream = ?7,
       changed_ms = ?8, actor = ?9
WHERE dataset = ?1 AND rid = ?2
-- name: catalog_resource_file
UPDATE catalog_resource SET file_name = ?3, sm3 = ?4, bytes = ?5, format = ?6, is_tested = 1, is_test_ok = 1,
       tested_ms = ?7, loaded_ms = ?7, changed_ms = ?7, actor = ?8
WHERE dataset = ?1 AND rid = ?2
-- name: catalog_resource_flip
UPDATE catalog_resource SET table_no = ?2, table_edition = ?3, series = ?4, rows = ?5, bytes = ?6, sm3 = ?7,
       is_tested = 1, is_test_ok = 1, tested_ms = ?8, test_note = '', loaded_ms = ?8, changed_ms = ?8, actor = ?9
WHERE id = ?1
-- name: catalog_resource_tested
UPDATE catalog_resource SET is_tested = 1, is_test_ok = ?3, tested_ms = ?4, test_note = ?5, changed_ms = ?4, actor = ?6
WHERE dataset = ?1 AND rid = ?2
-- name: catalog_resource_delete
DELETE FROM catalog_resource WHERE dataset = ?1 AND rid = ?2
-- name: catalog_resources_delete
DELETE FROM catalog_resource WHERE dataset = ?1

-- name: catalog_steps_get
SELECT id, edition, step, state, office, by_account, by_name, by_office, at_ms, due_ms, is_certain, reason
FROM catalog_step WHERE dataset = ?1 AND edition = ?2 ORDER BY id
-- name: catalog_step_add
INSERT INTO catalog_step (dataset, edition, step, state, office, by_account, by_name, by_office, at_ms, due_ms,
       is_certain, reason, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, 'todo', ?4, 0, '', '', 0, ?5, ?6, '', ?7, ?7, ?8)
-- name: catalog_step_close
UPDATE catalog_step SET state = ?4, by_account = ?5, by_name = ?6, by_office = ?7, at_ms = ?8, reason = ?9,
       changed_ms = ?8, actor = ?5
WHERE dataset = ?1 AND edition = ?2 AND step = ?3 AND state = 'todo'
-- name: catalog_step_todo_get
SELECT id, due_ms FROM catalog_step WHERE dataset = ?1 AND edition = ?2 AND step = ?3 AND state = 'todo'
-- name: catalog_step_last_by
SELECT by_account FROM catalog_step WHERE dataset = ?1 AND edition = ?2 AND step = ?3 AND state = 'done'
ORDER BY id DESC LIMIT 1
-- name: catalog_steps_delete
DELETE FROM catalog_step WHERE dataset = ?1 AND edition = ?2
-- name: catalog_steps_office
UPDATE catalog_step SET office = ?2 WHERE office = ?1 AND state = 'todo'
-- name: catalog_todo scan
SELECT s.dataset, s.step, s.office, s.due_ms, s.is_certain, e.title_zh, e.title_en
FROM catalog_step s JOIN catalog_edition e ON e.dataset = s.dataset AND e.edition = s.edition
WHERE s.state = 'todo' ORDER BY s.due_ms, s.id

-- name: catalog_search_delete
-- only: sqlite
DELETE FROM catalog_search WHERE rowid = ?1
-- only: pg
DELETE FROM catalog_search WHERE n = ?1
-- name: catalog_search_add
-- only: sqlite
INSERT INTO catalog_search (rowid, title, words, body) VALUES (?1, ?2, ?3, ?4)
-- only: pg
INSERT INTO catalog_search (n, words) VALUES (?1, setweight(store_words(?2), 'A') || setweight(store_words(?3), 'B')
       || setweight(store_words(?4), 'C'))
-- name: catalog_search_match scan
-- only: sqlite
SELECT rowid, bm25(catalog_search, 10.0, 5.0, 1.0) FROM catalog_search WHERE catalog_search MATCH ?1
-- only: pg
SELECT n, -ts_rank('{0,0.1,0.5,1}', words, q) FROM catalog_search, CAST(?1 AS tsquery) q WHERE words @@ q
-- name: catalog_list scan
SELECT d.n, d.id, d.office, d.live, d.work, d.version, d.published_ms, d.updated_ms, d.data_ms, d.score, e.edition,
       e.state, coalesce((SELECT w.state FROM catalog_edition w WHERE w.dataset = d.id AND w.edition = d.work), 0),
       e.title_zh, e.title_en, e.share, e.open, e.grade, e.cycle, e.subject, e.modes, e.class_codes, e.is_synthetic,
-- only: sqlite
       coalesce((SELECT sum(DISTINCT 1 << r.kind) FROM catalog_resource r WHERE r.dataset = d.id), 0),
-- only: pg
       coalesce((SELECT sum(DISTINCT 1 << r.kind::int) FROM catalog_resource r WHERE r.dataset = d.id), 0),
-- only: both
       coalesce((SELECT sum(r.rows) FROM catalog_resource r WHERE r.dataset = d.id), 0),
       (SELECT count(*) FROM catalog_resource r WHERE r.dataset = d.id)
FROM catalog_dataset d
JOIN catalog_edition e ON e.dataset = d.id
     AND e.edition = CASE WHEN d.live > 0 THEN d.live WHEN d.work > 0 THEN d.work ELSE d.last END
-- name: catalog_abstract_get
SELECT abstract_zh, abstract_en FROM catalog_edition WHERE dataset = ?1 AND edition = ?2
-- name: catalog_dataset_ids scan
SELECT id, pack, pack_digest FROM catalog_dataset ORDER BY id

-- name: catalog_element_get
SELECT id, zh, en, subject, type, length, rule, code_list, grade, mask, aliases, std, note
FROM catalog_element WHERE id = ?1
-- name: catalog_element_list scan
SELECT id, zh, en, subject, type, length, rule, code_list, grade, mask, aliases, std, note
FROM catalog_element ORDER BY id
-- name: catalog_element_put
INSERT INTO catalog_element (id, zh, en, subject, type, length, rule, code_list, grade, mask, aliases, std, note,
       created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15)
ON CONFLICT (id) DO UPDATE SET zh = excluded.zh, en = excluded.en, subject = excluded.subject, type = excluded.type,
       length = excluded.length, rule = excluded.rule, code_list = excluded.code_list, grade = excluded.grade,
       mask = excluded.mask, aliases = excluded.aliases, std = excluded.std, note = excluded.note,
       changed_ms = excluded.changed_ms, actor = excluded.actor

-- name: catalog_code_lists scan
SELECT id, version, title_zh, title_en, source, licence, items_n FROM catalog_code_list WHERE is_current = 1 ORDER BY id
-- name: catalog_code_versions
SELECT version, is_current, title_zh, title_en, source, licence FROM catalog_code_list WHERE id = ?1 ORDER BY version
-- name: catalog_code_list_old
UPDATE catalog_code_list SET is_current = 0 WHERE id = ?1
-- name: catalog_code_list_put
INSERT INTO catalog_code_list (id, version, title_zh, title_en, source, licence, is_current, items_n, created_ms,
       changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?8, ?9)
ON CONFLICT (id, version) DO UPDATE SET title_zh = excluded.title_zh, title_en = excluded.title_en,
       source = excluded.source, licence = excluded.licence, is_current = 1, items_n = excluded.items_n,
       changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: catalog_codes_clear
DELETE FROM catalog_code WHERE list = ?1 AND version = ?2
-- name: catalog_code_add
INSERT INTO catalog_code (list, version, code, n, zh, en, parent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
-- name: catalog_code_items
SELECT code, zh, en, parent FROM catalog_code WHERE list = ?1 AND version = ?2 ORDER BY n
-- name: catalog_code_words
SELECT c.zh, c.en FROM catalog_code_list l JOIN catalog_code c ON c.list = l.id AND c.version = l.version
WHERE l.id = ?1 AND l.is_current = 1 AND c.code = ?2

-- name: catalog_class_list scan
SELECT code, zh, en, parent FROM catalog_class ORDER BY code
-- name: catalog_class_get
SELECT zh, en FROM catalog_class WHERE code = ?1
-- name: catalog_class_put
INSERT INTO catalog_class (code, zh, en, parent, created_ms, changed_ms, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
ON CONFLICT (code) DO UPDATE SET zh = excluded.zh, en = excluded.en, parent = excluded.parent,
       changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: catalog_matter_list scan
SELECT id, zh, en, target, office, note FROM catalog_matter ORDER BY id
-- name: catalog_matter_get
SELECT id, zh, en, target, office FROM catalog_matter WHERE id = ?1
-- name: catalog_matter_put
INSERT INTO catalog_matter (id, zh, en, target, office, note, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
ON CONFLICT (id) DO UPDATE SET zh = excluded.zh, en = excluded.en, target = excluded.target, office = excluded.office,
       note = excluded.note, changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: catalog_matters_office scan
UPDATE catalog_matter SET office = ?2, changed_ms = ?3, actor = ?4 WHERE id IN
       (SELECT id FROM catalog_matter WHERE office = ?1)
-- name: catalog_duty_list scan
SELECT id, office, title_zh, title_en, basis, dataset, due, created_ms FROM catalog_duty ORDER BY id
-- name: catalog_duty_put
INSERT INTO catalog_duty (id, office, title_zh, title_en, basis, dataset, due, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)
ON CONFLICT (id) DO UPDATE SET title_zh = excluded.title_zh, title_en = excluded.title_en, basis = excluded.basis,
       dataset = CASE WHEN excluded.dataset = '' THEN catalog_duty.dataset ELSE excluded.dataset END, due = excluded.due, changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: catalog_duties_office
UPDATE catalog_duty SET office = ?2, changed_ms = ?3, actor = ?4 WHERE office = ?1

-- name: catalog_quality_get
SELECT score, completeness, validity, freshness, uniqueness, checks, measured_ms FROM catalog_quality WHERE dataset = ?1
-- name: catalog_quality_put
INSERT INTO catalog_quality (dataset, score, completeness, validity, freshness, uniqueness, checks, table_no, edition,
       rows, measured_ms, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?11, ?12)
ON CONFLICT (dataset) DO UPDATE SET score = excluded.score, completeness = excluded.completeness,
       validity = excluded.validity, freshness = excluded.freshness, uniqueness = excluded.uniqueness,
       checks = excluded.checks, table_no = excluded.table_no, edition = excluded.edition, rows = excluded.rows,
       measured_ms = excluded.measured_ms, changed_ms = excluded.changed_ms, actor = excluded.actor
-- name: catalog_quality_due scan
SELECT d.id FROM catalog_dataset d
JOIN catalog_resource r ON r.dataset = d.id AND r.kind = 1 AND r.table_no > 0
LEFT JOIN catalog_quality q ON q.dataset = d.id
WHERE d.live > 0 AND (q.dataset IS NULL OR q.table_no <> r.table_no OR q.edition <> d.live OR q.measured_ms < ?1)
ORDER BY d.id LIMIT 100
-- name: catalog_figures_datasets scan
SELECT d.id, d.office, d.live,
       EXISTS (SELECT 1 FROM catalog_resource r WHERE r.dataset = d.id AND r.is_tested = 1 AND r.is_test_ok = 1),
       e.title_zh, e.title_en, e.open
FROM catalog_dataset d JOIN catalog_edition e ON e.dataset = d.id AND e.edition = CASE WHEN d.live > 0 THEN d.live
     WHEN d.work > 0 THEN d.work ELSE d.last END
ORDER BY d.id

-- The clocks lie in a table of core, which counts by them; the pack's clocks.csv is ours to read.
-- name: catalog_clock_list scan
SELECT step, zh, en, limit_wd, extend_wd, article, note FROM core_clock ORDER BY step
-- name: catalog_clock_put
INSERT INTO core_clock (step, zh, en, limit_wd, extend_wd, article, note, changed_ms)
VALUES (?1, ?2, ?3, nullif(?4, -1), nullif(?5, -1), ?6, ?7, ?8)
ON CONFLICT (step) DO UPDATE SET zh = excluded.zh, en = excluded.en, limit_wd = excluded.limit_wd,
       extend_wd = excluded.extend_wd, article = excluded.article, note = excluded.note, changed_ms = excluded.changed_ms
-- name: catalog_open_sums scan
SELECT coalesce(sum((SELECT sum(r.rows) FROM catalog_resource r WHERE r.dataset = d.id)), 0), count(DISTINCT d.office)
FROM catalog_dataset d JOIN catalog_edition e ON e.dataset = d.id AND e.edition = d.live
WHERE d.live > 0 AND e.open = 2
-- name: catalog_head_pack_live
UPDATE catalog_dataset SET live = ?2, last = max(last, ?2), work = CASE WHEN work = ?2 THEN 0 ELSE work END, published_ms = ?3,
       version = version + 1, changed_ms = ?3, actor = ?4, office = ?5, pack = ?6, pack_digest = ?7 WHERE id = ?1
-- name: catalog_duty_take
UPDATE catalog_duty SET dataset = ?2, changed_ms = ?4, actor = ?5 WHERE id = ?1 AND office = ?3 AND dataset = ''
-- name: catalog_duty_free scan
UPDATE catalog_duty SET dataset = '' WHERE dataset = ?1
