// SPDX-License-Identifier: MulanPSL-2.0
// Any other city: a complete pack of Hangzhou, and the odd shapes of the country (a city without counties, a
// municipality whose lines are packed, counties under a province), with nothing of Suzhou left in it.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { declarations } from './build.mjs';
import { writeCity } from './city.mjs';
import { readTable } from './lib/csv.mjs';

function withCity(city, look) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gusu-city-'));
    try {
        const said = writeCity(city, folder);
        look(folder, said);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}
const table = (folder, file) => readTable(path.join(folder, file));
const filesUnder = folder =>
    readdirSync(folder, { withFileTypes: true }).flatMap(e => {
        const full = path.join(folder, e.name);
        return e.isDirectory() ? filesUnder(full) : [full];
    });

function checkWhole(folder) {
    const areas = table(folder, 'built/areas.csv');
    const known = new Map(areas.map(a => [a.code, a]));
    const kinds = new Set(
        ['area_kind_district', 'area_kind_street', 'area_kind_community'].flatMap(l =>
            table(folder, `codes/${l}.csv`).map(r => r.code),
        ),
    );
    for (const a of areas) {
        if (a.level !== '1') assert.ok(known.has(a.parent), `${a.code} hangs on ${a.parent}`);
        if (Number(a.level) > 2) assert.ok(kinds.has(a.kind), a.kind);
    }
    const offices = table(folder, 'offices.csv');
    for (const o of offices) assert.ok(known.has(o.area) && o.name && o.name_en, o.office_id);
    for (const d of declarations(folder)) {
        assert.ok(
            offices.some(o => o.office_id === d.office),
            d.id,
        );
        const rows = table(folder, `built/datasets/${d.id}/data.csv`);
        if (rows.length)
            assert.deepEqual(
                Object.keys(rows[0]),
                d.columns.map(c => c.id),
            );
        const words = table(folder, 'words.csv').map(w => w.key);
        for (const n of d.notices) assert.ok(words.includes(n), `${d.id} ${n}`);
        const key = d.columns.find(c => c.key).id;
        assert.equal(new Set(rows.map(r => r[key])).size, rows.length, `${d.id}: the key repeats`);
        for (const c of d.columns) if (c.key) for (const r of rows) assert.notEqual(r[c.id], '', d.id);
    }
    return { areas, offices };
}

test('Hangzhou: a whole pack with one office per county-level area', () =>
    withCity('3301', (folder, said) => {
        const { areas, offices } = checkWhole(folder);
        assert.equal(areas.filter(a => a.level === '3').length, 13);
        assert.equal(offices.filter(o => o.level === '3').length, 13);
        assert.equal(JSON.parse(readFileSync(path.join(folder, 'pack.json'), 'utf8')).city, '330100');
        // The lines are older than the codes: dissolved districts are left out and named, new ones have no
        // line.
        assert.deepEqual(
            said.without.map(w => w.slice(0, 6)),
            ['330112', '330113', '330114'],
        );
        assert.ok(said.dropped.length > 0);
        for (const file of filesUnder(folder)) {
            const text = readFileSync(file, 'utf8');
            assert.doesNotMatch(text, /苏州|姑苏|Suzhou|sz-/, path.relative(folder, file));
            assert.doesNotMatch(text, /"3205\d\d/, path.relative(folder, file));
        }
    }));

test('a folder that holds something is never written over', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gusu-city-'));
    writeFileSync(path.join(folder, 'mine.txt'), 'mine');
    try {
        assert.throws(() => writeCity('3301', folder), /not empty/);
        assert.throws(() => writeCity('9999', path.join(folder, 'x')), /no city 9999/);
        assert.ok(!existsSync(path.join(folder, 'x')));
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});

for (const [city, name, polygons] of [
    ['4419', '东莞市', 1],
    ['5001', '重庆市', 24],
    ['4290', '湖北省省直辖县级行政区划', 4],
])
    test(`${name}: whole, with ${polygons} polygons`, () =>
        withCity(city, folder => {
            const { areas } = checkWhole(folder);
            assert.equal(areas.find(a => a.level === '2').name, name);
            assert.equal(table(folder, 'built/datasets/area-boundary/data.csv').length, polygons);
        }));
