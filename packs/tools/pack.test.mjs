// SPDX-License-Identifier: MulanPSL-2.0
// The hand-written half of the Suzhou pack: every name a file uses is defined in another, zh and en stand
// everywhere, the three independent facts (sharing, opening, grade) are complete, and nothing in it names a
// real person.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { declarations } from './build.mjs';
import { readTable } from './lib/csv.mjs';
import { PACKS } from './lib/source.mjs';

const PACK = path.join(PACKS, 'suzhou');
const table = file => readTable(path.join(PACK, file));
const json = file => JSON.parse(readFileSync(path.join(PACK, file), 'utf8'));
const ids = (file, key) => table(file).map(r => r[key]);
const sets = declarations(PACK);
const elements = new Map(table('elements.csv').map(e => [e.element, e]));
const offices = new Map(table('offices.csv').map(o => [o.office_id, o]));
const lists = readdirSync(path.join(PACK, 'codes'))
    .filter(f => f.endsWith('.csv'))
    .map(f => f.slice(0, -4));
const codesOf = list => ids(`codes/${list}.csv`, 'code');
const isBilingual = (pair, where) => assert.ok(pair && pair.zh && pair.en, `${where} lacks zh or en`);
const unique = (list, what) => assert.equal(new Set(list).size, list.length, `${what} repeats`);

const TYPES = 'text int dec fen date bool datetime code point multipolygon period'.split(' ');
const CHECKS = ['', 'uscc', 'rid', 'date_rid', 'area', 'period', 'code'];
const MASKS = ['none', 'first_char', 'rid', 'year', 'address', 'hide'];
const CYCLES = 'yearly monthly daily realtime quarterly irregular once'.split(' ');

test('ids are unique and every list has both languages', () => {
    for (const [file, key] of [
        ['offices.csv', 'office_id'],
        ['roles.csv', 'role'],
        ['elements.csv', 'element'],
        ['clocks.csv', 'step'],
        ['matters.csv', 'matter_id'],
        ['classes.csv', 'code'],
        ['words.csv', 'key'],
        ['duties.csv', 'duty_id'],
        ['demo/accounts.csv', 'login'],
    ])
        unique(ids(file, key), `${key} of ${file}`);
    for (const file of ['roles.csv', 'elements.csv', 'clocks.csv', 'matters.csv', 'classes.csv', 'words.csv'])
        table(file).forEach((row, i) => isBilingual(row, `${file}:${i + 2}`));
    for (const o of offices.values())
        assert.ok(o.name && o.name_en && o.short, `${o.office_id} lacks a name`);
    for (const d of table('duties.csv'))
        assert.ok(d.title_zh && d.title_en && d.basis && d.due, `${d.duty_id} is incomplete`);
    isBilingual(json('pack.json').title, 'pack.json');
});

test('code lists: unique codes, both languages, version, source and licence', () => {
    for (const list of lists) {
        const rows = table(`codes/${list}.csv`);
        unique(
            rows.map(r => r.code),
            `a code of ${list}`,
        );
        for (const r of rows) isBilingual(r, `${list} ${r.code}`);
        const about = json(`codes/${list}.json`);
        for (const key of ['version', 'source', 'licence'])
            assert.ok(about[key], `${list}.json lacks ${key}`);
        isBilingual(about.title, `${list}.json`);
    }
    const classes = codesOf('part_class');
    for (const s of table('codes/part_subclass.csv'))
        assert.ok(classes.includes(s.parent) && s.code.startsWith(s.parent));
});

test('elements: known types, checks, masks, lists; nothing above L1 goes unmasked', () => {
    for (const e of elements.values()) {
        assert.ok(TYPES.includes(e.type) && CHECKS.includes(e.check) && MASKS.includes(e.mask), e.element);
        assert.match(e.grade, /^L[1-4]$/);
        if (e.grade !== 'L1') assert.notEqual(e.mask, 'none', `${e.element} is ${e.grade} and has no mask`);
        if (e.code_list) assert.ok(lists.includes(e.code_list), `${e.element} names no list`);
    }
    const aliases = [...elements.values()].flatMap(e => [e.zh, ...e.aliases.split('|').filter(Boolean)]);
    unique(aliases, 'a header name');
});

test('offices: superiors, successors, kinds and uniform hand-over days; no credit code is invented', () => {
    assert.equal(offices.size, 46); // 30 of the city, 2 above them, 10 areas, 3 subdistricts, 1 province
    for (const o of offices.values()) {
        for (const key of ['parent', 'line', 'successor'])
            assert.ok(!o[key] || offices.has(o[key]), `${o.office_id}.${key}`);
        assert.ok(codesOf('office_kind').includes(o.kind), o.office_id);
        assert.match(o.roles, /^([SDAV]( [SDAV])*)?$/);
        assert.equal(o.uscc, '');
        // An interval is closed at the start and open at the end: the successor begins on the day it ends.
        if (o.valid_to)
            assert.ok(o.successor && offices.get(o.successor).valid_from === o.valid_to, o.office_id);
    }
    assert.deepEqual(
        [...offices.values()].filter(o => o.successor === 'sz-data').map(o => o.office_id),
        ['sz-bigdata', 'sz-approval'],
    );
    assert.equal([...offices.values()].filter(o => o.level === '3').length, 10);
});

test('roles: conflicts go both ways; administrators exclude each other and business roles', () => {
    const roles = new Map(table('roles.csv').map(r => [r.role, r.conflicts.split(' ').filter(Boolean)]));
    for (const [role, others] of roles)
        for (const o of others) assert.ok(roles.get(o)?.includes(role), `${role} and ${o}`);
    for (const admin of ['sysadmin', 'secadmin', 'auditor'])
        assert.deepEqual([...roles.get(admin)].sort(), [...roles.keys()].filter(r => r !== admin).sort());
    for (const a of table('demo/accounts.csv')) {
        const held = a.roles.split(' ');
        for (const r of held) assert.ok(roles.has(r) && !held.some(h => roles.get(r).includes(h)), a.login);
        assert.ok(!a.office_id || offices.has(a.office_id), a.login);
        assert.match(a.name, /（演示）$/); // a description, never a person's name
    }
    assert.equal(table('demo/accounts.csv').length, 20);
});

test('clocks are those of the order', () => {
    const clocks = new Map(
        table('clocks.csv').map(c => [c.step, `${c.limit_wd}+${c.extend_wd}@${c.article}`]),
    );
    assert.deepEqual(Object.fromEntries(clocks), {
        catalog_update: '10+5@17',
        review_publish: '2+0@17',
        answer_open: '1+0@21',
        answer_cond: '10+10@21',
        supply: '20+0@22',
        correction: '10+0@26',
        record_keep: '+@29',
        compliance_check: '2+0@',
    });
});

test('matters: 15 of firms, 9 of persons', () => {
    const rows = table('matters.csv');
    assert.deepEqual(
        [rows.filter(m => m.target === '企业').length, rows.filter(m => m.target === '个人').length],
        [15, 9],
    );
    for (const m of rows) assert.ok(!m.office_id || offices.has(m.office_id), m.matter_id);
});

test('18 data sets with complete metadata', () => {
    assert.equal(sets.length, 18);
    assert.equal(sets.filter(s => s.synthetic).length, 6);
    const classes = ids('classes.csv', 'code');
    for (const s of sets) {
        for (const key of ['title', 'abstract', 'source']) isBilingual(s[key], `${s.id}.${key}`);
        assert.ok(offices.has(s.office), s.id);
        assert.match(offices.get(s.office).roles, /S/, `${s.office} is no 数源部门`);
        assert.ok(s.class_codes.length > 0 && s.class_codes.every(c => classes.includes(c)), `${s.id} class`);
        assert.ok(
            CYCLES.includes(s.cycle) && s.modes.every(m => ['table', 'service', 'file'].includes(m)),
            s.id,
        );
        assert.ok(s.keywords.length > 0 && s.licence && /^\d{4}-\d\d-\d\d$/.test(s.source_date), s.id);
        for (const r of s.resources) {
            isBilingual(r.title, `${s.id} resource`);
            if (r.kind === 'file')
                assert.ok(r.file.startsWith('built/') || existsSync(path.join(PACK, r.file)), r.file);
        }
        for (const n of s.notices ?? []) assert.ok(ids('words.csv', 'key').includes(n), `${s.id} ${n}`);
        if (s.synthetic) assert.equal(s.seed, 320500);
        if (s.synthetic) assert.match(s.abstract.zh + s.abstract.en, /合成数据[^]*Synthetic/);
    }
    assert.deepEqual(
        sets.filter(s => s.resources.length === 0).map(s => s.id),
        ['stat-micro'],
    );
});

test('sharing, opening and grade are three facts, each complete', () => {
    for (const s of sets) {
        assert.ok(
            [1, 2, 3].includes(s.share.type) && ['open', 'conditional', 'none'].includes(s.open.type),
            s.id,
        );
        if (s.share.type === 2)
            (isBilingual(s.share.condition, `${s.id} use`), isBilingual(s.share.scope, `${s.id} scope`));
        if (s.share.type === 3)
            assert.ok(s.share.law && s.modes.length === 0 && s.resources.length === 0, s.id);
        if (s.open.type !== 'open') isBilingual(s.open.condition, `${s.id} opening`);
        assert.equal(
            s.grade,
            s.columns
                .map(c => c.grade)
                .sort()
                .at(-1),
            `${s.id}: the highest grade of its columns`,
        );
        for (const c of s.columns)
            if (s.open.type !== 'none' && c.grade !== 'L1')
                assert.equal(c.open, 'none', `${s.id}.${c.id} is ${c.grade} and open`);
    }
    const share = n => sets.filter(s => s.share.type === n).map(s => s.id);
    assert.deepEqual([share(2), share(3)], [['firm-insured', 'person-base', 'subsistence'], ['stat-micro']]);
    const of = (id, test_) =>
        sets
            .find(s => s.id === id)
            .columns.filter(test_)
            .map(c => c.id);
    assert.deepEqual(
        of('firm-registration', c => c.share === 2),
        ['legal_rep', 'address'],
    );
    assert.equal(sets.find(s => s.id === 'person-base').resources[0].verify_only, true);
});

test('columns: known type, element and list; an element keeps its type, and a grade is only raised', () => {
    for (const s of sets) {
        unique(
            s.columns.map(c => c.id),
            `a column of ${s.id}`,
        );
        assert.ok(
            s.columns.some(c => c.key),
            `${s.id} has no key`,
        );
        assert.ok(s.area_column === '' || s.columns.some(c => c.id === s.area_column), `${s.id} area column`);
        for (const c of s.columns) {
            const where = `${s.id}.${c.id}`;
            isBilingual(c, where);
            assert.ok(TYPES.includes(c.type), where);
            assert.match(c.grade, /^L[1-4]$/);
            if (c.office) assert.ok(offices.has(c.office), where);
            if (c.type === 'code')
                assert.ok(c.code_list && lists.includes(c.code_list), `${where} names no list`);
            if (!c.element) continue;
            const e = elements.get(c.element);
            assert.ok(e, `${where} names no element`);
            assert.ok(c.element_role, `${where} has no role`);
            assert.equal(c.type, e.type, where);
            assert.ok(c.grade >= e.grade, `${where} lowers the grade of ${c.element}`);
            if (c.length && e.length) assert.ok(c.length <= Number(e.length), where);
            assert.equal(c.code_list ?? '', e.code_list, where);
        }
        for (const check of s.checks) {
            isBilingual(check.title, `${s.id} ${check.id}`);
            assert.ok(['unique', 'order', 'ref', 'timely', 'agree', 'inside'].includes(check.kind), check.id);
            for (const c of check.columns)
                assert.ok(
                    s.columns.some(x => x.id === c),
                    `${s.id} ${check.id} ${c}`,
                );
            const other = check.dataset && sets.find(x => x.id === check.dataset);
            for (const c of check.ref ?? [])
                assert.ok(
                    other.columns.some(x => x.id === c),
                    `${s.id} ${check.id} ${c}`,
                );
        }
        if (s.synthetic)
            assert.deepEqual(
                s.columns.slice(-2).map(c => c.id),
                ['row_op', 'data_time'],
            );
    }
});

test('three duties are owed and not compiled, so that completeness is below 100 %', () => {
    const duties = table('duties.csv');
    for (const d of duties) assert.ok(offices.has(d.office_id), d.duty_id);
    assert.deepEqual(
        duties.filter(d => !d.dataset).map(d => d.duty_id),
        ['d-real-property', 'd-smart-workshop', 'd-cloud-firm'],
    );
    const compiled = duties.filter(d => d.dataset).map(d => d.dataset);
    assert.deepEqual([...compiled].sort(), sets.map(s => s.id).sort());
});

test('the lock file names no place to download from', () => {
    const lock = readFileSync(path.join(PACKS, 'package-lock.json'), 'utf8');
    assert.doesNotMatch(lock, /"resolved"|https?:/);
});
