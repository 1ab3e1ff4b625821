-- SPDX-License-Identifier: MulanPSL-2.0
-- What the load wizard remembers: uploads on their way into a data set, the rows set aside, and every generated
-- table that ever was.
-- schema: catalog_load 1

-- One row per generated table r_<n>. Rows are never deleted, so that a number is never used twice: cursors and
-- prepared statements name tables by it.
--
--   staged -> live -> old -> gone        staged -> old -> gone (given up)
CREATE TABLE catalog_table (
    n INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL,
    load INTEGER NOT NULL,               -- catalog_load.id; 0 = filled by a pack
    series INTEGER NOT NULL,             -- first table of a row of appends: cursors live as long
    state TEXT NOT NULL,                 -- staged, live, old (nobody begins to read it; dropped in slices), gone
    rows INTEGER NOT NULL,
    old_ms INTEGER NOT NULL,             -- since when old: readers of the moment before get time to finish
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX catalog_table_state ON catalog_table (state);

-- One upload on its way into a data set.
--
--   read -> checking -> checked -> done        any but done -> dropped
CREATE TABLE catalog_load (
    id INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL, rid TEXT NOT NULL, -- the table resource
    edition INTEGER NOT NULL,            -- whose columns it was checked against
    name TEXT NOT NULL,                  -- as the user called the file
    file TEXT NOT NULL,                  -- in the data folder's loads/; '' = no longer kept
    digest TEXT NOT NULL,                -- SM3 of the bytes, lower-case hex
    bytes INTEGER NOT NULL,
    format TEXT NOT NULL,                -- csv, xlsx
    encoding TEXT NOT NULL, separator TEXT NOT NULL,
    sheet TEXT NOT NULL,
    header_row INTEGER NOT NULL, rows INTEGER NOT NULL, -- line of the header; records below it
    columns TEXT NOT NULL,               -- JSON array: what the scan saw, as the interface gives it
    sheets TEXT NOT NULL,                -- JSON array of the sheets' names
    state TEXT NOT NULL,
    mapping TEXT NOT NULL,               -- canonical JSON of sheet, columns and mode; '' = none yet
    mode TEXT NOT NULL,                  -- replace, append, upsert
    table_no INTEGER NOT NULL,           -- staged; 0 = none
    base_table INTEGER NOT NULL,         -- what was live when it was checked
    series INTEGER NOT NULL,
    is_same INTEGER NOT NULL,            -- this very file is in the table already: nothing to do
    good_n INTEGER NOT NULL, bad_n INTEGER NOT NULL, duplicate_n INTEGER NOT NULL,
    progress INTEGER NOT NULL,           -- records judged so far
    reasons TEXT NOT NULL,               -- JSON array, as the interface gives it
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, actor INTEGER NOT NULL
) STRICT;
CREATE INDEX catalog_load_dataset ON catalog_load (dataset, id);
CREATE INDEX catalog_load_digest ON catalog_load (dataset, digest);
CREATE INDEX catalog_load_state ON catalog_load (state, changed_ms);
CREATE INDEX catalog_load_file ON catalog_load (file);

-- Values that kept a row out, in file order. A row with several faults has several rows here.
CREATE TABLE catalog_bad_row (
    load INTEGER NOT NULL, n INTEGER NOT NULL,
    row INTEGER NOT NULL,                -- line of a CSV, row of a sheet
    "column" TEXT NOT NULL,                -- column id, or the header's cell where none is mapped
    value TEXT NOT NULL, is_sealed INTEGER NOT NULL, -- values of grade 3 and 4 stand sealed
    code TEXT NOT NULL, arg TEXT NOT NULL, -- base/errors.def
    PRIMARY KEY (load, n)
) STRICT, WITHOUT ROWID;
