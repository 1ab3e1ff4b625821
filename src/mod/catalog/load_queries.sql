-- SPDX-License-Identifier: MulanPSL-2.0
-- Named queries of the load wizard and of the register of generated tables.

-- name: catalog_table_add
INSERT INTO catalog_table (dataset, load, series, state, rows, old_ms, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, 'staged', 0, 0, ?4, ?4, ?5)
-- name: catalog_table_series
UPDATE catalog_table SET series = n WHERE n = ?1
-- name: catalog_table_rows_set
UPDATE catalog_table SET rows = ?2, changed_ms = ?3 WHERE n = ?1
-- name: catalog_table_rows
SELECT rows FROM catalog_table WHERE n = ?1 AND state = 'staged'
-- name: catalog_table_live
UPDATE catalog_table SET state = 'live', rows = ?2, changed_ms = ?3 WHERE n = ?1 AND state = 'staged'
-- name: catalog_table_old
UPDATE catalog_table SET state = 'old', old_ms = ?2, changed_ms = ?3 WHERE n = ?1 AND state IN ('staged', 'live')
-- name: catalog_table_gone
UPDATE catalog_table SET state = 'gone', changed_ms = ?2 WHERE n = ?1
-- name: catalog_table_old_next
SELECT n FROM catalog_table WHERE state = 'old' AND old_ms <= ?1 ORDER BY n LIMIT 1
-- name: catalog_tables_left
UPDATE catalog_table SET state = 'old', old_ms = 0, changed_ms = ?1
WHERE state = 'staged' AND NOT EXISTS (SELECT 1 FROM catalog_load l WHERE l.id = catalog_table.load
      AND l.state = 'checked' AND l.table_no = catalog_table.n)

-- name: catalog_load_add
INSERT INTO catalog_load (dataset, rid, edition, name, file, digest, bytes, format, encoding, separator, sheet,
       header_row, rows, columns, sheets, state, mapping, mode, table_no, base_table, series, is_same, good_n, bad_n,
       duplicate_n, progress, reasons, created_ms, changed_ms, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 'read', '', '', 0, 0, 0, 0, 0, 0, 0, 0, '[]',
       ?16, ?16, ?17)
-- name: catalog_load_get
SELECT id, dataset, rid, edition, name, file, digest, bytes, format, encoding, separator, sheet, header_row, rows,
       columns, sheets, state, mapping, mode, table_no, base_table, series, is_same, good_n, bad_n, duplicate_n,
       progress, reasons, created_ms, changed_ms, actor
FROM catalog_load WHERE id = ?1
-- name: catalog_load_list
SELECT id, dataset, rid, edition, name, file, digest, bytes, format, encoding, separator, sheet, header_row, rows,
       columns, sheets, state, mapping, mode, table_no, base_table, series, is_same, good_n, bad_n, duplicate_n,
       progress, reasons, created_ms, changed_ms, actor
FROM catalog_load WHERE dataset = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3
-- name: catalog_load_begin
UPDATE catalog_load SET state = 'checking', edition = ?2, mapping = ?3, mode = ?4, table_no = ?5, base_table = ?6,
       series = ?7, is_same = ?8, good_n = 0, bad_n = 0, duplicate_n = 0, progress = 0, reasons = '[]', changed_ms = ?9,
       actor = ?10
WHERE id = ?1 AND state IN ('read', 'checked')
-- name: catalog_load_sheet
UPDATE catalog_load SET sheet = ?2, header_row = ?3, rows = ?4, columns = ?5, state = 'read', mapping = '', table_no = 0,
       good_n = 0, bad_n = 0, duplicate_n = 0, reasons = '[]', changed_ms = ?6, actor = ?7
WHERE id = ?1 AND state IN ('read', 'checked')
-- name: catalog_load_progress
UPDATE catalog_load SET progress = ?2, changed_ms = ?3 WHERE id = ?1
-- name: catalog_load_checked
UPDATE catalog_load SET state = 'checked', good_n = ?2, bad_n = ?3, duplicate_n = ?4, progress = ?5, reasons = ?6,
       changed_ms = ?7 WHERE id = ?1 AND state = 'checking'
-- name: catalog_load_back
UPDATE catalog_load SET state = 'read', table_no = 0, progress = 0, changed_ms = ?2
WHERE id = ?1 AND state = 'checking'
-- name: catalog_load_done
UPDATE catalog_load SET state = 'done', changed_ms = ?2, actor = ?3 WHERE id = ?1 AND state = 'checked'
-- name: catalog_load_drop
UPDATE catalog_load SET state = 'dropped', table_no = 0, changed_ms = ?2, actor = ?3
WHERE id = ?1 AND state IN ('read', 'checked')
-- name: catalog_load_same
SELECT id FROM catalog_load WHERE dataset = ?1 AND digest = ?2 AND state = 'done' AND mapping = ?3 AND edition = ?4
       AND series = ?5 AND id <> ?6 ORDER BY id DESC LIMIT 1
-- name: catalog_load_same_file
SELECT id FROM catalog_load WHERE dataset = ?1 AND digest = ?2 AND state = 'done' AND id <> ?3 ORDER BY id DESC LIMIT 1
-- name: catalog_loads_interrupted
UPDATE catalog_load SET state = 'read', table_no = 0, progress = 0, changed_ms = ?1 WHERE state = 'checking'
-- name: catalog_loads_abandoned
SELECT id, table_no FROM catalog_load WHERE state IN ('read', 'checked') AND changed_ms < ?1 LIMIT 10
-- name: catalog_load_files_done
SELECT id, file FROM catalog_load WHERE file > '' AND state IN ('done', 'dropped') LIMIT 50
-- name: catalog_load_file_known
SELECT 1 FROM catalog_load WHERE file = ?1
-- name: catalog_load_file_gone
UPDATE catalog_load SET file = '' WHERE id = ?1
-- name: catalog_load_bad_left
SELECT id FROM catalog_load l WHERE state IN ('read', 'dropped')
       AND EXISTS (SELECT 1 FROM catalog_bad_row b WHERE b.load = l.id) LIMIT 1

-- name: catalog_bad_add
INSERT INTO catalog_bad_row (load, n, row, "column", value, is_sealed, code, arg) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
-- name: catalog_bad_list
SELECT n, row, "column", value, is_sealed, code, arg FROM catalog_bad_row WHERE load = ?1 AND n > ?2 ORDER BY n LIMIT ?3
-- name: catalog_bad_clear
DELETE FROM catalog_bad_row WHERE load = ?1 AND n IN (SELECT n FROM catalog_bad_row WHERE load = ?1 LIMIT ?2)
