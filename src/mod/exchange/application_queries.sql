-- SPDX-License-Identifier: MulanPSL-2.0
-- name: exchange_application_next
SELECT coalesce(max(n), 0) + 1 FROM exchange_application
-- name: exchange_application_put
INSERT INTO exchange_application(n, id, title, office, office_asked, applicant, matter, legal_basis, purpose, system, period_days,
 quota_per_day, need_by, state, version, created_ms, changed_ms) VALUES(?1,?2,?3,?4,?4,?5,?6,?7,?8,?9,?10,?11,?12,'draft',1,?13,?13)
-- name: exchange_application_edit
UPDATE exchange_application SET title=?2, matter=?3, legal_basis=?4, purpose=?5, system=?6, period_days=?7, quota_per_day=?8,
 need_by=?9, version = version + 1, changed_ms=?10 WHERE id = ?1
-- name: exchange_application_state
UPDATE exchange_application SET state=?2, version = version + 1, changed_ms=?3 WHERE id = ?1
-- name: exchange_application_returned
UPDATE exchange_application SET returned_n = returned_n + 1 WHERE id = ?1
-- name: exchange_application_get
SELECT n, id, title, office, office_asked, applicant, matter, legal_basis, purpose, system, period_days, quota_per_day, need_by,
 state, returned_n, version, created_ms, changed_ms FROM exchange_application WHERE id = ?1
-- name: exchange_applications_all
SELECT id FROM exchange_application WHERE n < ?1 AND (?2 IS NULL OR state = ?2) ORDER BY n DESC LIMIT ?3
-- name: exchange_applications_seen
SELECT id FROM exchange_application AS a WHERE n < ?2 AND (?3 IS NULL OR state = ?3) AND (office = ?1
 OR EXISTS(SELECT 1 FROM exchange_line AS l WHERE l.provider = ?1 AND l.application = a.id AND l.state <> 'waiting')
 OR EXISTS(SELECT 1 FROM exchange_step AS s WHERE s.application = a.id AND s.office = ?1)) ORDER BY n DESC LIMIT ?4
-- name: exchange_application_of_n
SELECT id FROM exchange_application WHERE n = ?1
-- name: exchange_applications_of_office
SELECT id FROM exchange_application WHERE office = ?1 AND n < ?2 AND (?3 IS NULL OR state = ?3) ORDER BY n DESC LIMIT ?4
-- name: exchange_applications_done_by
SELECT DISTINCT a.id, a.n FROM exchange_step s JOIN exchange_application a ON a.id = s.application
WHERE s.office = ?1 AND s.state <> 'todo' AND a.n < ?2 AND (?3 IS NULL OR a.state = ?3) ORDER BY a.n DESC LIMIT ?4
-- name: exchange_lines_of
SELECT n, dataset, provider, columns, filter, upstream, state, consent, reason, condition, released, rate_per_s, quota_per_day,
 answered_by, grant_id FROM exchange_line WHERE application = ?1 ORDER BY n
-- name: exchange_line_put
INSERT INTO exchange_line(application, n, dataset, provider, columns, filter, upstream, state) VALUES(?1,?2,?3,?4,?5,?6,?7,'waiting')
-- name: exchange_lines_clear
DELETE FROM exchange_line WHERE application = ?1
-- name: exchange_lines_state
UPDATE exchange_line SET state = ?2 WHERE application = ?1 AND state IN ('waiting','answering','signing')
-- name: exchange_line_state
UPDATE exchange_line SET state = ?3 WHERE application = ?1 AND n = ?2
-- name: exchange_line_answer
UPDATE exchange_line SET state='signing', consent=?3, reason=?4, condition=?5, released=?6,
 rate_per_s=?7, quota_per_day=?8, answered_by=?9 WHERE application = ?1 AND n = ?2
-- name: exchange_line_columns
UPDATE exchange_line SET columns=?3 WHERE application = ?1 AND n = ?2
-- name: exchange_line_grant
UPDATE exchange_line SET state='granted', grant_id=?3 WHERE application = ?1 AND n = ?2
-- name: exchange_step_put
INSERT INTO exchange_step(application, line, step, office, role, state, opened_ms, due_ms, is_certain) VALUES(?1,?2,?3,?4,?5,'todo',?6,?7,?8)
-- name: exchange_step_close
UPDATE exchange_step SET state=?2, by_account=?3, by_name=?4, at_ms=?5, reason=?6 WHERE id = ?1 AND state = 'todo'
-- name: exchange_steps_withdraw
UPDATE exchange_step SET state='withdrawn', at_ms=?2 WHERE application = ?1 AND state = 'todo'
-- name: exchange_step_extend
UPDATE exchange_step SET due_ms=?2, extended=extended + ?3, reason=?4, is_certain=min(is_certain, ?5), late_ms=0 WHERE id = ?1
-- name: exchange_steps_late
SELECT id, application, step, office, due_ms FROM exchange_step
WHERE state = 'todo' AND late_ms = 0 AND due_ms > 0 AND due_ms < ?1 LIMIT 100
-- name: exchange_step_late
UPDATE exchange_step SET late_ms=?2 WHERE id = ?1 AND state = 'todo' AND late_ms = 0
-- name: exchange_steps_of
SELECT id, line, step, office, role, state, opened_ms, due_ms, is_certain, extended, by_account, by_name, at_ms, reason
FROM exchange_step WHERE application = ?1 ORDER BY id DESC LIMIT ?2
-- name: exchange_steps_todo
SELECT s.id, s.application, s.line, s.step, s.role, s.due_ms, s.is_certain, a.title
FROM exchange_step s JOIN exchange_application a ON a.id = s.application
WHERE s.office = ?1 AND s.state = 'todo' ORDER BY s.due_ms LIMIT 500
-- name: exchange_cart_of
SELECT dataset, columns FROM exchange_cart WHERE account = ?1 ORDER BY put_ms, dataset
-- name: exchange_cart_clear
DELETE FROM exchange_cart WHERE account = ?1
-- name: exchange_cart_put
INSERT INTO exchange_cart(account, dataset, columns, put_ms) VALUES(?1,?2,?3,?4)
ON CONFLICT (account, dataset) DO UPDATE SET columns = excluded.columns, put_ms = excluded.put_ms
-- name: exchange_grants_seen
SELECT id FROM exchange_grant WHERE id < ?2 AND (office = ?1 OR provider = ?1) AND (?3 IS NULL OR state = ?3) ORDER BY id DESC LIMIT ?4
-- name: exchange_grants_all
SELECT id FROM exchange_grant WHERE id < ?1 AND (?2 IS NULL OR state = ?2) ORDER BY id DESC LIMIT ?3
-- name: exchange_grants_of_application
SELECT id FROM exchange_grant WHERE application = ?1 ORDER BY line, id
-- name: exchange_grants_due
SELECT id FROM exchange_grant WHERE state IN ('active','suspended') AND valid_to_ms <= ?1 LIMIT 100
-- name: exchange_grants_living
SELECT count(*) FROM exchange_grant WHERE application = ?1 AND state IN ('active','suspended')
-- name: exchange_grants_move_office
UPDATE exchange_grant SET office = ?2, version = version + 1, changed_ms = ?3 WHERE office = ?1
-- name: exchange_grants_move_provider
UPDATE exchange_grant SET provider = ?2, version = version + 1, changed_ms = ?3 WHERE provider = ?1
-- name: exchange_applications_move
UPDATE exchange_application SET office = ?2, version = version + 1, changed_ms = ?3 WHERE office = ?1
-- name: exchange_lines_move
UPDATE exchange_line SET provider = ?2 WHERE provider = ?1
-- name: exchange_steps_move
UPDATE exchange_step SET office = ?2 WHERE office = ?1 AND state = 'todo'
-- name: exchange_meter_days scan
SELECT day, sum(m.calls), sum(m.rows), sum(m.bytes) FROM exchange_meter m JOIN exchange_grant g ON g.id = m.grant_id
WHERE m.day >= ?1 AND (?2 IS NULL OR g.office = ?2 OR g.provider = ?2) GROUP BY day ORDER BY day
-- name: exchange_meter_datasets scan
SELECT g.dataset, sum(m.calls), sum(m.rows), sum(m.bytes) FROM exchange_meter m JOIN exchange_grant g ON g.id = m.grant_id
WHERE m.day >= ?1 AND (?2 IS NULL OR g.office = ?2 OR g.provider = ?2) GROUP BY g.dataset ORDER BY 2 DESC LIMIT 200
-- name: exchange_meter_offices scan
SELECT g.office, sum(m.calls), sum(m.rows), sum(m.bytes) FROM exchange_meter m JOIN exchange_grant g ON g.id = m.grant_id
WHERE m.day >= ?1 AND (?2 IS NULL OR g.office = ?2 OR g.provider = ?2) GROUP BY g.office ORDER BY 2 DESC LIMIT 200
-- name: exchange_meter_of_application
SELECT m.day, sum(m.calls), sum(m.rows), max(m.last_ms) FROM exchange_grant g JOIN exchange_meter m ON m.grant_id = g.id
WHERE g.application = ?1 GROUP BY m.day ORDER BY m.day
