-- SPDX-License-Identifier: MulanPSL-2.0
-- name: core_act_add
INSERT INTO core_act(time_ms, actor, actor_name, actor_office, verb, object_kind, object, object_name, office,
 trace, before_digest, after_digest, detail, entry, peer)
VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)
-- name: core_act_newest
SELECT time_ms FROM core_act WHERE id = (SELECT max(id) FROM core_act)
-- name: core_act_page scan
SELECT id, time_ms, actor, actor_name, actor_office, verb, object_kind, object, object_name, office, trace, detail, entry, peer
FROM core_act WHERE id < ?1 AND (?2 IS NULL OR verb = ?2) AND (?3 IS NULL OR actor_name = ?3)
 AND time_ms >= ?4 AND time_ms < ?5 ORDER BY id DESC LIMIT ?6
-- name: core_act_of_object
SELECT id, time_ms, actor, actor_name, actor_office, verb, object_kind, object, object_name, office, trace, detail, entry, peer
FROM core_act WHERE object_kind = ?2 AND object = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?4
-- name: core_act_of_trace
SELECT id, time_ms, actor, actor_name, actor_office, verb, object_kind, object, object_name, office, trace, detail, entry, peer
FROM core_act WHERE trace = ?2 AND id < ?1 ORDER BY id DESC LIMIT ?3
-- name: core_act_of_office
SELECT id, time_ms, actor, actor_name, actor_office, verb, object_kind, object, object_name, office, trace, detail, entry, peer
FROM core_act WHERE office = ?2 AND id < ?1 AND (?3 IS NULL OR verb = ?3) ORDER BY id DESC LIMIT ?4
-- name: core_act_kinds scan
WITH RECURSIVE k(v) AS (SELECT min(object_kind) FROM core_act
 UNION ALL SELECT (SELECT min(object_kind) FROM core_act WHERE object_kind > k.v) FROM k WHERE k.v IS NOT NULL)
SELECT v FROM k WHERE v IS NOT NULL
-- name: core_idempotency_get
SELECT request_digest, status, body, etag FROM core_idempotency WHERE actor = ?1 AND key = ?2
-- name: core_idempotency_put
INSERT INTO core_idempotency(actor, key, request_digest, status, body, etag, made_ms) VALUES(?1,?2,?3,?4,?5,?6,?7)
-- name: core_idempotency_sweep
DELETE FROM core_idempotency WHERE (actor, key) IN
 (SELECT actor, key FROM core_idempotency WHERE made_ms < ?1 ORDER BY made_ms LIMIT 4)
-- name: core_clock_get
SELECT limit_wd, extend_wd, zh, en, article FROM core_clock WHERE step = ?1
-- name: core_workdays scan
SELECT day, is_off FROM core_workday ORDER BY day
-- name: core_workday_clear scan
DELETE FROM core_workday
-- name: core_workday_put
INSERT INTO core_workday(day, is_off, name_zh, name_en) VALUES(?1,?2,?3,?4)
ON CONFLICT (day) DO UPDATE SET is_off = excluded.is_off, name_zh = excluded.name_zh, name_en = excluded.name_en
-- name: core_pack_get
SELECT version, digest, with_demo, city_code, title_zh, title_en, loaded_ms FROM core_pack WHERE id = ?1
-- name: core_pack_newest scan
SELECT id, version, city_code, title_zh, title_en, with_demo FROM core_pack ORDER BY loaded_ms DESC LIMIT 1
-- name: core_pack_put
INSERT INTO core_pack(id, version, digest, with_demo, city_code, title_zh, title_en, loaded_ms) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, digest = excluded.digest, with_demo = excluded.with_demo,
 city_code = excluded.city_code, title_zh = excluded.title_zh, title_en = excluded.title_en, loaded_ms = excluded.loaded_ms
-- name: core_pack_files_clear
DELETE FROM core_pack_file WHERE pack = ?1
-- name: core_pack_file_put
INSERT INTO core_pack_file(pack, file, sha256) VALUES(?1,?2,?3)
