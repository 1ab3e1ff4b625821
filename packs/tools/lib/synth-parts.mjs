// SPDX-License-Identifier: MulanPSL-2.0
// Synthetic city parts: random points inside the schematic polygon of a community's district (or of the
// polygon that covers it). No open community boundaries exist, so the community is assigned, not found.
// Seeded fault: 15 points lie in another district's polygon. The survey is older than a quarter on purpose:
// the duty shows as overdue.
import { dayText, moment } from './days.mjs';
import { box, contains, pointText } from './geo.mjs';

export const PARTS = 6000;
export const PARTS_OUTSIDE = 15;
const SURVEY_AGE_DAYS = 120; // the youngest row; the promise is quarterly
const DRAINS = ['0101', '0102', '0103']; // drain grates and manhole covers
const OFFICES = {
    '01': 'sz-urban',
    '02': 'sz-transport',
    '03': 'sz-urban',
    '04': 'sz-garden',
    '05': 'sz-housing',
    '06': 'sz-urban',
    '07': 'sz-urban',
};
const WEIGHTS = { '01': 45, '02': 20, '03': 12, '04': 15, '05': 2, '06': 2, '07': 4 };

function pointIn(random, shape) {
    const [west, south, east, north] = box(shape.polygons);
    for (;;) {
        const p = [west + random.real() * (east - west), south + random.real() * (north - south)];
        if (contains(shape.polygons, p)) return p;
    }
}

// shapeOf: district code → shape whose polygon holds it
export function parts(random, world, shapes, subclasses) {
    const outside = new Set(random.sample(PARTS, PARTS_OUTSIDE));
    const shapeOf = code => shapes.find(s => s.code === code || s.covers.split(' ').includes(code));
    const classes = Object.entries(WEIGHTS);
    const serials = new Map();
    const rows = [];
    for (let i = 0; i < PARTS; i++) {
        const community = random.pick(world.communities);
        const own = shapeOf(community.district.code);
        const shape = outside.has(i) ? random.pick(shapes.filter(s => s !== own)) : own;
        const cls = random.weighted(classes);
        const sub = random.pick(subclasses.filter(s => s.parent === cls));
        const prefix = community.district.code + sub.code;
        serials.set(prefix, (serials.get(prefix) ?? 0) + 1);
        const surveyed = world.asOf - SURVEY_AGE_DAYS - random.int(5, 60);
        rows.push({
            part_code: prefix + String(serials.get(prefix)).padStart(6, '0'),
            name: sub.zh,
            class: cls,
            subclass: sub.code,
            office: DRAINS.includes(sub.code) ? 'sz-water' : OFFICES[cls],
            keeper: `样例养护单位${String(random.int(1, 20)).padStart(2, '0')}`,
            location: pointText(pointIn(random, shape)),
            community: community.code,
            status: random.weighted([
                ['good', 93],
                ['damaged', 4],
                ['lost', 1],
                ['abandoned', 1],
                ['removed', 1],
            ]),
            surveyed: dayText(surveyed),
            row_op: 'I',
            data_time: moment(surveyed + 5, random.int(0, 86399)),
        });
    }
    return rows;
}
