// SPDX-License-Identifier: MulanPSL-2.0
// The small parts that everything built stands on, against values from outside where there are any: published
// check digits, reference coordinates, the worked examples of the standards.
import assert from 'node:assert/strict';
import test from 'node:test';
import { changes, communityKind, districtKind, streetKind } from './lib/areas.mjs';
import { format, parse } from './lib/csv.mjs';
import { addMonths, dayOf, dayText, firstDay, moment } from './lib/days.mjs';
import { areaKm2, contains, fromGcj, multiPolygon, toGcj } from './lib/geo.mjs';
import { orgCheck, ridCheck, ridMake, ridOk, usccMake, usccOk, usccSpoil } from './lib/ids.mjs';
import { stream } from './lib/prng.mjs';
import { communityShort, shortPlace } from './lib/synth-names.mjs';

test('CSV keeps quotes, commas and line breaks, and refuses a row that lacks a column', () => {
    const text = format(
        ['a', 'b'],
        [
            { a: 'x,"y"\nz', b: '' },
            { a: '1', b: '2' },
        ],
    );
    assert.deepEqual(parse(text), [
        ['a', 'b'],
        ['x,"y"\nz', ''],
        ['1', '2'],
    ]);
    assert.throws(() => format(['a', 'b'], [{ a: 1 }]), /lacks b/);
    assert.throws(() => parse('"open'), /not closed/);
});

test('the generator repeats itself, differs by stream, and keeps inside its bounds', () => {
    const draw = (seed, name) => {
        const r = stream(seed, name);
        return Array.from({ length: 8 }, () => r.next());
    };
    assert.deepEqual(draw(320500, 'firm'), draw(320500, 'firm'));
    assert.notDeepEqual(draw(320500, 'firm'), draw(320500, 'person'));
    assert.notDeepEqual(draw(320500, 'firm'), draw(320501, 'firm'));
    const r = stream(1, 'bounds');
    const counts = new Array(6).fill(0);
    for (let i = 0; i < 60000; i++) counts[r.int(0, 5)]++;
    for (const c of counts) assert.ok(c > 9500 && c < 10500, `a face of the die came ${c} times of 60000`);
    const some = r.sample(20, 20);
    assert.deepEqual(
        some,
        Array.from({ length: 20 }, (_, i) => i),
    );
    assert.throws(() => r.sample(3, 4), /cannot draw/);
});

test('check characters follow GB 32100, GB 11714 and GB 11643', () => {
    assert.equal(ridCheck('11010519491231002'), 'X'); // the example in GB 11643
    assert.equal(orgCheck('D2143569'), 'X'); // the example in GB 11714
    assert.ok(usccOk('91350100M000100Y43')); // the example in GB 32100
    assert.ok(!usccOk('91350100M000100Y44'));
    const made = usccMake('91', '329900', 12345);
    assert.ok(usccOk(made) && made.length === 18 && made.slice(2, 8) === '329900');
    assert.ok(!usccOk(usccSpoil(made)) && usccSpoil(made).slice(0, 17) === made.slice(0, 17));
    assert.ok(ridOk(ridMake('329900', '19800229', 7)) && !ridOk('329900198002290070'));
});

test('days and months need no clock', () => {
    assert.equal(dayText(dayOf('2024-02-29') + 1), '2024-03-01');
    assert.equal(addMonths('202611', 2), '202701');
    assert.equal(addMonths('202601', -1), '202512');
    assert.equal(dayText(firstDay('202608')), '2026-08-01');
    assert.equal(moment(dayOf('2026-10-31'), 3661), '2026-10-31T01:01:01+08:00');
});

test('the inverse of GCJ-02 returns to where it came from, all over the country', () => {
    for (let lon = 75; lon <= 134; lon += 7.3)
        for (let lat = 19; lat <= 53; lat += 5.1) {
            const [x, y] = fromGcj(toGcj([lon, lat]));
            assert.ok(Math.abs(x - lon) < 1e-9 && Math.abs(y - lat) < 1e-9, `${lon},${lat}`);
        }
    const [x, y] = toGcj([120.6, 31.3]);
    assert.ok(
        x - 120.6 > 0.003 && x - 120.6 < 0.006 && Math.abs(y - 31.3) < 0.003,
        'the shift at Suzhou is some 400 m',
    );
});

test('rings come out closed, counter-clockwise outside and clockwise in holes', () => {
    const square = (w, s, e, n) => [
        [w, s],
        [w, n],
        [e, n],
        [e, s],
    ]; // open and clockwise
    const [[outer, hole]] = multiPolygon([
        square(120, 31, 121, 32),
        square(120.4, 31.4, 120.6, 31.6).reverse(),
    ]);
    const turn = ring =>
        ring.reduce((sum, p, i) => (i ? sum + (p[0] - ring[i - 1][0]) * (p[1] + ring[i - 1][1]) : 0), 0);
    assert.deepEqual(outer[0], outer.at(-1));
    assert.ok(turn(outer) < 0 && turn(hole) > 0);
    assert.equal(multiPolygon([[square(120, 31, 121, 32)], [square(122, 31, 123, 32)]]).length, 2);
    assert.throws(() => multiPolygon(['@@AB']), /not numbers/);
});

test('area on the ellipsoid: one degree square at the equator and at 31° north', () => {
    const square = lat => [
        [
            [
                [120, lat],
                [121, lat],
                [121, lat + 1],
                [120, lat + 1],
                [120, lat],
            ],
        ],
    ];
    assert.ok(Math.abs(areaKm2(square(0)) - 12308.8) < 1); // 111.3196 km × 110.5743 km at the equator, nearly
    assert.ok(Math.abs(areaKm2(square(31)) - 10527) < 15); // 110.9 km × about 94.9 km
    assert.ok(contains(square(31), [120.5, 31.5]) && !contains(square(31), [121.5, 31.5]));
});

test('kinds come from the code, never from the name', () => {
    assert.equal(streetKind('320505407'), 'similar'); // 科技城(东渚街道)
    assert.equal(streetKind('320505001'), 'street');
    assert.equal(streetKind('320583100'), 'town');
    assert.equal(streetKind('330122200'), 'township');
    assert.equal(communityKind('320505001002'), 'neighbourhood');
    assert.equal(communityKind('320506107205'), 'village');
    assert.equal(communityKind('320581102500'), 'virtual');
    assert.equal(districtKind({ code: '320576', name: '苏州工业园区' }), 'devzone');
    assert.equal(districtKind({ code: '330127', name: '淳安县' }), 'county');
    assert.equal(districtKind({ code: '320583', name: '昆山市' }), 'county_city');
});

test('changes between two lists: recoded, renamed, merged, created, abolished', () => {
    const s = (code, name, district = code.slice(0, 6)) => ({ code, name, district });
    const old = {
        districts: [
            { code: '990171', name: '园区' },
            { code: '990102', name: '乙区' },
            { code: '990103', name: '丙区' },
        ],
        streets: [
            s('990171001', '甲街道'),
            s('990171400', '一'),
            s('990171401', '二'),
            s('990102001', '旧名'),
            s('990103001', '没了'),
        ],
    };
    const now = {
        districts: [
            { code: '990176', name: '园区' },
            { code: '990102', name: '乙区' },
            { code: '990103', name: '丙区' },
        ],
        streets: [
            s('990176001', '甲街道'),
            s('990176002', '并成'),
            s('990102001', '新名'),
            s('990102002', '新设'),
        ],
    };
    const got = changes(old, now, []).map(r => [r.change, r.old_code, r.new_code]);
    assert.deepEqual(got, [
        ['rename', '990102001', '990102001'],
        ['create', '990102002', '990102002'],
        ['abolish', '990103001', ''],
        ['recode', '990171', '990176'],
        ['recode', '990171001', '990176001'],
        ['merge', '990171400', '990176002'],
        ['merge', '990171401', '990176002'],
    ]);
});

test('short names for addresses and firm names', () => {
    assert.equal(communityShort('横塘社区居委会'), '横塘社区');
    assert.equal(communityShort('双湾村村委会'), '双湾村');
    assert.equal(communityShort('福山原种场生活区'), '福山原种场生活区');
    assert.equal(shortPlace('昆山市'), '昆山');
    assert.equal(shortPlace('苏州工业园区'), '苏州工业园');
});
