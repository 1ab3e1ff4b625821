// SPDX-License-Identifier: MulanPSL-2.0
// What `make packs` built for Suzhou: the counts a practitioner knows by heart, values that fit their
// declarations, exactly the seeded faults and no other, and the same bytes from a second build in another
// place.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { build, declarations } from './build.mjs';
import { readTable } from './lib/csv.mjs';
import { dayOf } from './lib/days.mjs';
import { contains } from './lib/geo.mjs';
import { orgCheck, ridOk, usccOk } from './lib/ids.mjs';
import { PACKS } from './lib/source.mjs';

const PACK = path.join(PACKS, 'suzhou');
const BUILT = path.join(PACK, 'built');
const PLACE = '329900'; // no such division
const data = id => {
    const own = path.join(PACK, 'datasets', id, 'data.csv');
    return readTable(existsSync(own) ? own : path.join(BUILT, 'datasets', id, 'data.csv'));
};
const sets = declarations(PACK);
const rows = Object.fromEntries(sets.filter(s => s.id !== 'stat-micro').map(s => [s.id, data(s.id)]));
const areas = readTable(path.join(BUILT, 'areas.csv'));
const areaByCode = new Map(
    areas.flatMap(a => [a.code, ...a.aliases.split('|').filter(Boolean)].map(code => [code, a])),
);
const count = (list, key) => list.reduce((n, r) => ({ ...n, [r[key]]: (n[r[key]] ?? 0) + 1 }), {});
const digest = file => createHash('sha256').update(readFileSync(file)).digest('hex');
const districtOf = code => code.slice(0, 6);

test('areas: 10, 118 (44 + 47 + 27), 2,248, and 105 names that repeat', () => {
    assert.deepEqual(count(areas, 'level'), { 1: 1, 2: 1, 3: 10, 4: 118, 5: 2248 });
    const level = n => areas.filter(a => a.level === String(n));
    assert.deepEqual(count(level(3), 'kind'), { district: 5, devzone: 1, county_city: 4 });
    assert.deepEqual(count(level(4), 'kind'), { street: 44, similar: 27, town: 47 });
    assert.equal(Object.values(count(level(5), 'name')).filter(n => n > 1).length, 105);
    assert.equal(new Set(areas.map(a => a.code)).size, areas.length);
    for (const a of areas)
        if (a.level !== '1') assert.equal(Number(areaByCode.get(a.parent).level), a.level - 1, a.code);
    const not = areas.filter(a => a.is_admin === '0');
    assert.deepEqual(count(not, 'level'), { 3: 1, 4: 27, 5: 2248 });
    assert.equal(level(4).filter(a => a.parent === '320583').length, 9); // 昆山
});

test('the Industrial Park has its old code as an alias, and its registration code apart', () => {
    const park = areaByCode.get('320571');
    assert.equal(park.code, '320576');
    assert.ok(!areaByCode.has('320594'), 'a registration code must not lead to a place');
    assert.equal(park.reg_code, '320594');
    assert.equal(rows['area-district'].find(d => d.code === '320576').reg_code, '320594');
    assert.match(areaByCode.get('320505').note, /高新区 = 虎丘区/);
    assert.match(areaByCode.get('320583401').note, /周庄/);
    assert.equal(rows['area-change'].length, 11);
    assert.deepEqual(count(rows['area-change'], 'change'), { recode: 6, merge: 4, abolish: 1 });
    for (const r of rows['area-change'])
        assert.ok(!r.new_code || areaByCode.get(r.new_code).code === r.new_code, r.old_code);
});

test('boundary: 9 polygons that cover all 10 areas, rings as RFC 7946 has them', () => {
    const file = JSON.parse(readFileSync(path.join(BUILT, 'boundary.geojson'), 'utf8'));
    assert.equal(file.features.length, 9);
    assert.equal(rows['area-boundary'].length, 9);
    const covered = rows['area-boundary'].flatMap(r => [r.code, ...r.covers.split(' ').filter(Boolean)]);
    assert.deepEqual(
        covered.sort(),
        areas
            .filter(a => a.level === '3')
            .map(a => a.code)
            .sort(),
    );
    for (const f of file.features) {
        assert.equal(JSON.stringify(f.geometry), rows['area-boundary'].find(r => r.code === f.id).geom);
        for (const [outer] of f.geometry.coordinates) {
            assert.deepEqual(outer[0], outer.at(-1));
            const turn = outer.reduce(
                (sum, p, i) => (i ? sum + (p[0] - outer[i - 1][0]) * (p[1] + outer[i - 1][1]) : 0),
                0,
            );
            assert.ok(turn < 0, f.id);
            for (const [x, y] of outer) assert.ok(x > 119.8 && x < 121.5 && y > 30.7 && y < 32.1);
        }
    }
    // The city's published area is about 8,657 km²; these schematic lines must come near it.
    const sum = rows['area-boundary'].reduce((s, r) => s + Number(r.area_km2), 0);
    assert.ok(Math.abs(sum - 8657) < 50, `${sum} km²`);
    assert.match(rows['area-boundary'].find(r => r.code === '320508').note, /苏州工业园区/);
});

test('rows of every data set, as many as promised', () => {
    const expected = {
        'area-boundary': 9,
        'area-change': 11,
        'area-community': 2248,
        'area-district': 10,
        'area-street': 118,
        'city-part': 6000,
        'firm-insured': 90000,
        'firm-permit': 8000,
        'firm-registration': 5000,
        'garden-heritage': 9,
        'office-register': 46,
        'person-base': 20000,
        'plan-target': 82,
        'plan-text': 1,
        'service-matter': 24,
        subsistence: 1500,
        'workday-calendar': 769,
    };
    assert.deepEqual(
        Object.fromEntries(Object.entries(rows).map(([id, list]) => [id, list.length])),
        expected,
    );
    assert.deepEqual(count(rows['workday-calendar'], 'kind'), { off: 619, work: 150 });
    assert.equal(readTable(path.join(BUILT, 'workdays.csv')).length, 769);
    assert.deepEqual(count(rows['garden-heritage'], 'inscribed'), { 1997: 4, 2000: 5 });
    assert.deepEqual(
        [
            rows['plan-target'].find(t => t.code === 'K35').year,
            rows['plan-target'].find(t => t.code === 'K65').mode,
        ],
        ['', ''],
    );
});

const SHAPE = {
    int: /^-?\d+$/,
    fen: /^-?\d+$/,
    dec: /^-?\d+(\.\d+)?$/,
    date: /^\d{4}-\d\d-\d\d$/,
    bool: /^[01]$/,
    period: /^\d{4}(0[1-9]|1[0-2])$/,
    datetime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/,
    point: /^\{"type":"Point"/,
    multipolygon: /^\{"type":"MultiPolygon"/,
};
test('every value fits its declaration: type, length, list, office, area; keys are there', () => {
    const offices = new Set(readTable(path.join(PACK, 'offices.csv')).map(o => o.office_id));
    const codes = list => new Set(readTable(path.join(PACK, 'codes', `${list}.csv`)).map(r => r.code));
    for (const s of sets.filter(x => rows[x.id])) {
        assert.deepEqual(
            Object.keys(rows[s.id][0]),
            s.columns.map(c => c.id),
            s.id,
        );
        for (const c of s.columns) {
            const list = c.code_list && codes(c.code_list);
            for (const r of rows[s.id]) {
                const v = r[c.id];
                const where = () => `${s.id}.${c.id}: ${v}`;
                if (c.key) assert.notEqual(v, '', where());
                if (v === '') continue;
                if (SHAPE[c.type]) assert.match(v, SHAPE[c.type], where());
                if (c.type === 'date')
                    assert.equal(new Date(dayOf(v) * 86400000).toISOString().slice(0, 10), v);
                if (c.length) assert.ok([...v].length <= c.length, where());
                if (list) assert.ok(list.has(v), where());
                if (c.element === 'office_id') assert.ok(offices.has(v), where());
                // An abolished unit and a registration code stand only in the table of changes.
                if (c.element === 'area_code' && c.id !== 'old_code') assert.ok(areaByCode.has(v), where());
            }
        }
    }
});

test('keys are unique but for the 5 firms entered twice', () => {
    for (const s of sets.filter(x => rows[x.id])) {
        const keys = s.columns.filter(c => c.key).map(c => c.id);
        const seen = new Map();
        for (const r of rows[s.id])
            seen.set(keys.map(k => r[k]).join('|'), (seen.get(keys.map(k => r[k]).join('|')) ?? 0) + 1);
        const twice = [...seen.values()].filter(n => n > 1);
        assert.deepEqual(twice, s.id === 'firm-registration' ? [2, 2, 2, 2, 2] : [], s.id);
    }
});

test("firms: 12 wrong check digits and no other fault; no real place; names that are no one's", () => {
    const firms = rows['firm-registration'];
    assert.equal(firms.filter(f => !usccOk(f.uscc)).length, 12);
    for (const f of firms) {
        assert.equal(f.uscc.slice(2, 8), PLACE);
        assert.equal(orgCheck(f.uscc.slice(8, 16)), f.uscc[16]);
        assert.match(f.firm_name, /样例/);
        assert.match(f.legal_rep, /^样/);
        assert.equal(f.authority, f.est_date >= '2024-01-01' ? 'sz-data' : 'sz-approval');
    }
    assert.equal(new Set(firms.map(f => f.firm_name)).size, 4995);
    // The address is where the firm is registered: in 8 % of rows not in the district where it does business.
    const names = new Map(areas.filter(a => a.level === '3').map(a => [a.code, a.name]));
    const away = firms.filter(f => !f.address.includes(names.get(districtOf(f.area_code))));
    assert.equal(away.length, 400);
    // Spread as the communities are: within a fifth of the expected number per district.
    const communities = count(rows['area-community'], 'district');
    const perDistrict = firms.reduce(
        (n, f) => ({ ...n, [districtOf(f.area_code)]: (n[districtOf(f.area_code)] ?? 0) + 1 }),
        {},
    );
    for (const [code, n] of Object.entries(communities)) {
        const expected = (5000 * n) / 2248;
        assert.ok(
            Math.abs(perDistrict[code] - expected) < expected / 5 + 20,
            `${code}: ${perDistrict[code]}, expected about ${expected}`,
        );
    }
});

test('permits: all on registered firms, 6 end before they begin', () => {
    const known = new Map(rows['firm-registration'].map(f => [f.uscc, f]));
    for (const p of rows['firm-permit']) {
        assert.equal(known.get(p.uscc)?.firm_name, p.firm_name);
        assert.ok(p.decided >= known.get(p.uscc).est_date, p.doc_no);
    }
    assert.equal(rows['firm-permit'].filter(p => p.valid_to < p.decided).length, 6);
});

test('insurance: 5,000 employers × 6 months × 3 kinds; 20 not registered; one month late', () => {
    const list = rows['firm-insured'];
    const months = [...new Set(list.map(r => r.period))].sort();
    assert.deepEqual(months, ['202604', '202605', '202606', '202607', '202608', '202609']);
    const employers = new Set(list.map(r => r.uscc));
    assert.equal(employers.size, 5000);
    const registered = new Set(rows['firm-registration'].map(f => f.uscc));
    assert.equal([...employers].filter(u => !registered.has(u)).length, 20);
    for (const u of employers) assert.ok(usccOk(u) && u.slice(2, 8) === PLACE);
    const next = p => (p.endsWith('12') ? `${Number(p.slice(0, 4)) + 1}01` : String(Number(p) + 1));
    const late = new Set(
        list.filter(r => r.data_time.slice(0, 7).replace('-', '') > next(r.period)).map(r => r.period),
    );
    assert.deepEqual([...late], ['202607']);
    for (const r of list) assert.equal(r.insured === '0', r.status !== 'insured', r.uscc);
    for (const r of list)
        assert.ok(
            r.first_date.replaceAll('-', '').slice(0, 6) <= r.period,
            `${r.uscc} insured before it was`,
        );
});

test('persons: valid numbers of no real place that agree with birthday and sex', () => {
    for (const p of rows['person-base']) {
        assert.ok(ridOk(p.rid) && p.rid.startsWith(PLACE), p.rid);
        assert.equal(p.rid.slice(6, 14), p.birth_date.replaceAll('-', ''));
        assert.equal(Number(p.rid[16]) % 2, p.sex === '1' ? 1 : 0);
        assert.match(p.person_name, /^样/);
    }
});

test('households: heads are known adults; 3 of them are dead', () => {
    const people = new Map(rows['person-base'].map(p => [p.rid, p]));
    const heads = rows.subsistence.map(h => people.get(h.rid));
    assert.deepEqual(count(heads, 'status'), { normal: 1497, dead: 3 });
    rows.subsistence.forEach((h, i) => {
        assert.equal(h.person_name, heads[i].person_name);
        assert.equal(h.community, heads[i].area_code);
        assert.ok(heads[i].birth_date < '2008-11-02');
    });
    const pingjiang = rows.subsistence.filter(h => h.community.startsWith('320508018'));
    assert.ok(pingjiang.length > 0, 'back-flow to 平江街道 would be empty');
    for (const h of pingjiang) assert.equal(h.authority, 'gs-pingjiang');
});

test('city parts: 15 outside the district of their community', () => {
    const shapes = rows['area-boundary'].map(r => ({ ...r, polygons: JSON.parse(r.geom).coordinates }));
    const shapeOf = code => shapes.find(s => s.code === code || s.covers.split(' ').includes(code));
    const outside = rows['city-part'].filter(p => {
        assert.match(p.part_code, new RegExp(`^${districtOf(p.community)}${p.subclass}\\d{6}$`));
        return !contains(shapeOf(districtOf(p.community)).polygons, JSON.parse(p.location).coordinates);
    });
    assert.equal(outside.length, 15);
    // The quarterly promise is broken on purpose: nothing is younger than 92 days on the day of the pack.
    const youngest = rows['city-part']
        .map(p => p.data_time)
        .sort()
        .at(-1);
    assert.ok(dayOf(sets.find(s => s.id === 'city-part').source_date) - dayOf(youngest) > 92);
});

test('plan text: size and SM3 digest of the file that is there', () => {
    const bytes = readFileSync(path.join(PACK, 'datasets/plan-text/plan-2021-2023.txt'));
    const [row] = rows['plan-text'];
    assert.equal(Number(row.bytes), bytes.length);
    assert.equal(row.sm3, createHash('sm3').update(bytes).digest('hex'));
});

test('every built file is listed; a build elsewhere gives the same bytes; a third does nothing', () => {
    const manifest = JSON.parse(readFileSync(path.join(BUILT, 'manifest.json'), 'utf8'));
    for (const f of manifest.files) assert.equal(digest(path.join(PACK, f.file)), f.sha256, f.file);
    assert.equal(manifest.seed, 320500);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gusu-pack-'));
    try {
        const copy = path.join(folder, 'suzhou');
        cpSync(PACK, copy, { recursive: true, filter: from => from !== BUILT });
        const said = [];
        build(copy, line => said.push(line));
        assert.match(said[0], /^seed 320500/);
        assert.equal(
            digest(path.join(copy, 'built/manifest.json')),
            digest(path.join(BUILT, 'manifest.json')),
        );
        for (const f of manifest.files) assert.equal(digest(path.join(copy, f.file)), f.sha256, f.file);
        const again = [];
        build(copy, line => again.push(line));
        assert.deepEqual(again, ['up to date']);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});
