-- SPDX-License-Identifier: MulanPSL-2.0
-- What the foreign interfaces (CKAN, DCAT) ask of the catalog's own tables.

-- The live edition, or the one in the works of a data set that was never published. The last moment at which anything
-- of it changed for the outside: published, loaded, a resource hung or described anew.
-- name: catalog_seen_list scan
SELECT d.id, d.office, d.live, d.created_ms,
       max(d.published_ms, d.updated_ms, e.changed_ms,
           coalesce((SELECT max(r.changed_ms) FROM catalog_resource r WHERE r.dataset = d.id), 0)),
       e.edition, e.state, e.title_zh, e.title_en, e.abstract_zh, e.abstract_en, e.keywords, e.class_codes, e.licence,
       e.cycle, e.subject, e.share, e.open, e.grade, e.is_synthetic,
       coalesce((SELECT group_concat(CASE r.kind WHEN 1 THEN 'csv' || char(10) || 'json' || char(10) || 'xlsx'
                                                 ELSE r.format END, char(10))
                 FROM catalog_resource r WHERE r.dataset = d.id), ''),
       d.published_ms, d.score
FROM catalog_dataset d
JOIN catalog_edition e ON e.dataset = d.id
     AND e.edition = CASE WHEN d.live > 0 THEN d.live WHEN d.work > 0 THEN d.work ELSE d.last END
-- name: catalog_seen_state
SELECT d.live, max(d.published_ms, d.updated_ms, e.changed_ms,
       coalesce((SELECT max(r.changed_ms) FROM catalog_resource r WHERE r.dataset = d.id), 0)), d.created_ms
FROM catalog_dataset d JOIN catalog_edition e ON e.dataset = d.id AND e.edition = ?2
WHERE d.id = ?1
-- name: catalog_resource_times
SELECT created_ms, changed_ms FROM catalog_resource WHERE id = ?1
