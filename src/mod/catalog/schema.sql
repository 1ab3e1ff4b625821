-- SPDX-License-Identifier: MulanPSL-2.0
-- What the catalog remembers. Every table: owner prefix catalog_, STRICT, created/changed in UTC ms, actor = account
-- id (0 = a pack or the program itself). Lists of ids are joined by ' ', lists of words by '|'. Grades, shares and openings are small integers
-- (the enums of catalog.h) so that a comparison is a comparison.
-- schema: catalog 1

-- 数据元: what a field means. One row per element of the pack.
CREATE TABLE catalog_element (
    id TEXT PRIMARY KEY,
    zh TEXT NOT NULL, en TEXT NOT NULL,
    subject TEXT NOT NULL,               -- person, firm, office, place, thing, matter; '' = none
    type TEXT NOT NULL, length INTEGER NOT NULL,
    rule TEXT NOT NULL,                  -- core/element.h
    code_list TEXT NOT NULL,
    grade INTEGER NOT NULL,              -- 1..4, the default of its columns
    mask TEXT NOT NULL,                  -- core/mask.h
    aliases TEXT NOT NULL,               -- '|'-joined: headers by which departments export it
    std TEXT NOT NULL, note TEXT NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;

-- Versioned code lists; the present version of a list is the one with is_current = 1.
CREATE TABLE catalog_code_list (
    id TEXT NOT NULL, version TEXT NOT NULL,
    title_zh TEXT NOT NULL, title_en TEXT NOT NULL,
    source TEXT NOT NULL, licence TEXT NOT NULL,
    is_current INTEGER NOT NULL, items_n INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;
CREATE TABLE catalog_code (
    list TEXT NOT NULL, version TEXT NOT NULL, code TEXT NOT NULL,
    n INTEGER NOT NULL,                  -- order within the list
    zh TEXT NOT NULL, en TEXT NOT NULL, parent TEXT NOT NULL,
    PRIMARY KEY (list, version, code)
) STRICT, WITHOUT ROWID;

-- 类/项/目 of the national compilation guide.
CREATE TABLE catalog_class (
    code TEXT PRIMARY KEY, zh TEXT NOT NULL, en TEXT NOT NULL, parent TEXT NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;

-- 事项: why anything happens; the purpose of a grant.
CREATE TABLE catalog_matter (
    id TEXT PRIMARY KEY, zh TEXT NOT NULL, en TEXT NOT NULL,
    target TEXT NOT NULL, office TEXT NOT NULL, note TEXT NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;

-- 责任清单: what an office owes. dataset '' = nobody has begun to compile it.
CREATE TABLE catalog_duty (
    id TEXT PRIMARY KEY, office TEXT NOT NULL,
    title_zh TEXT NOT NULL, title_en TEXT NOT NULL, basis TEXT NOT NULL,
    dataset TEXT NOT NULL,
    due TEXT NOT NULL,                   -- "20wd" = working days from created_ms, or a word of the cycles
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX catalog_duty_office ON catalog_duty (office);

-- The head of a data set. live = the published edition, work = the one in the works; 0 = none.
CREATE TABLE catalog_dataset (
    n INTEGER PRIMARY KEY,               -- for the full-text index: 2n = live edition, 2n + 1 = the one in the works
    id TEXT NOT NULL UNIQUE,
    office TEXT NOT NULL,
    live INTEGER NOT NULL, work INTEGER NOT NULL, last INTEGER NOT NULL, -- last edition number given
    slots INTEGER NOT NULL,              -- greatest column slot ever given
    version INTEGER NOT NULL,            -- If-Match
    pack TEXT NOT NULL,                  -- the pack that keeps it, '' = made here
    pack_digest TEXT NOT NULL,
    published_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,         -- the data were last put here
    data_ms INTEGER NOT NULL,            -- how new the data say they are: source date or latest data time; 0 = unknown
    score REAL,                          -- latest quality, NULL = not measured
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX catalog_dataset_office ON catalog_dataset (office);

-- One description of a data set: the core metadata of the 2017 guide and the three independent facts.
CREATE TABLE catalog_edition (
    dataset TEXT NOT NULL, edition INTEGER NOT NULL,
    state INTEGER NOT NULL,
    title_zh TEXT NOT NULL, title_en TEXT NOT NULL, abstract_zh TEXT NOT NULL, abstract_en TEXT NOT NULL,
    keywords TEXT NOT NULL, class_codes TEXT NOT NULL,
    share INTEGER NOT NULL, share_condition_zh TEXT NOT NULL, share_condition_en TEXT NOT NULL,
    share_scope TEXT NOT NULL, share_law TEXT NOT NULL,
    open INTEGER NOT NULL, open_condition_zh TEXT NOT NULL, open_condition_en TEXT NOT NULL,
    grade INTEGER NOT NULL,
    cycle TEXT NOT NULL, modes TEXT NOT NULL, subject TEXT NOT NULL, area_column TEXT NOT NULL, spatial TEXT NOT NULL,
    source_zh TEXT NOT NULL, source_en TEXT NOT NULL, source_date TEXT NOT NULL, licence TEXT NOT NULL,
    is_synthetic INTEGER NOT NULL, seed INTEGER NOT NULL,
    related TEXT NOT NULL, notices TEXT NOT NULL, -- notices: keys of the pack's words
    checks TEXT NOT NULL,                -- JSON array of the quality rules that are not a column's own
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL,
    PRIMARY KEY (dataset, edition)
) STRICT;

CREATE TABLE catalog_column (
    dataset TEXT NOT NULL, edition INTEGER NOT NULL, n INTEGER NOT NULL,
    id TEXT NOT NULL, slot INTEGER NOT NULL, zh TEXT NOT NULL, en TEXT NOT NULL,
    type INTEGER NOT NULL, length INTEGER NOT NULL, -- enum table_type
    is_key INTEGER NOT NULL, is_area INTEGER NOT NULL,
    grade INTEGER NOT NULL, grade_reason TEXT NOT NULL,
    element TEXT NOT NULL, element_role TEXT NOT NULL, code_list TEXT NOT NULL,
    mask TEXT NOT NULL, is_personal INTEGER NOT NULL, rule TEXT NOT NULL,
    share INTEGER NOT NULL, open INTEGER NOT NULL, office TEXT NOT NULL,
    PRIMARY KEY (dataset, edition, n)
) STRICT, WITHOUT ROWID;

-- 挂接: what really hangs on a data set. table_no/table_edition: the generated table in use and the edition whose
-- columns it was filled with.
CREATE TABLE catalog_resource (
    id INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL, rid TEXT NOT NULL, kind INTEGER NOT NULL,
    title_zh TEXT NOT NULL, title_en TEXT NOT NULL, format TEXT NOT NULL,
    is_verify_only INTEGER NOT NULL,
    upstream TEXT NOT NULL,              -- service: address of the provider's system
    file_name TEXT NOT NULL, sm3 TEXT NOT NULL, bytes INTEGER NOT NULL,
    table_no INTEGER NOT NULL, table_edition INTEGER NOT NULL, series INTEGER NOT NULL, -- core/table.h
    rows INTEGER NOT NULL,
    is_tested INTEGER NOT NULL, is_test_ok INTEGER NOT NULL, tested_ms INTEGER NOT NULL, test_note TEXT NOT NULL,
    loaded_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL,
    UNIQUE (dataset, rid)
) STRICT;

-- The way of an edition: compile -> sign -> review -> publish (or return). One row per step taken or waiting.
CREATE TABLE catalog_step (
    id INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL, edition INTEGER NOT NULL,
    step TEXT NOT NULL,                  -- compile, sign, review, publish, withdraw
    state TEXT NOT NULL,                 -- todo, done, returned
    office TEXT NOT NULL,                -- whose move it is; '' = the data authority
    by_account INTEGER NOT NULL, by_name TEXT NOT NULL, by_office TEXT NOT NULL,
    at_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, is_certain INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX catalog_step_dataset ON catalog_step (dataset, edition);
CREATE INDEX catalog_step_todo ON catalog_step (state, step) WHERE state = 'todo';

-- What the quality job last measured of a data set's table.
CREATE TABLE catalog_quality (
    dataset TEXT PRIMARY KEY,
    score REAL NOT NULL, completeness REAL, validity REAL, freshness REAL, uniqueness REAL,
    checks TEXT NOT NULL,                -- JSON array of {id, zh, en, column, total, bad}
    table_no INTEGER NOT NULL, edition INTEGER NOT NULL, rows INTEGER NOT NULL, -- what was measured
    measured_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;

-- Full text: pairs of characters cut in C (core/search.h); rowid = 2n or 2n + 1 of catalog_dataset.
-- only: sqlite
CREATE VIRTUAL TABLE catalog_search USING fts5 (title, words, body, tokenize = 'ascii');
-- only: pg
CREATE TABLE catalog_search (n bigint PRIMARY KEY, words tsvector NOT NULL);
CREATE INDEX catalog_search_words ON catalog_search USING gin (words);
