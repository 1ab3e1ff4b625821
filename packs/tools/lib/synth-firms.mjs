// SPDX-License-Identifier: MulanPSL-2.0
// Synthetic firms, their permits and their social insurance. Seeded faults, so that quality figures and
// correction requests show something true: in the registration 12 wrong check digits and 5 firms twice; 20
// insured employers that are not registered; 6 permits ending before they begin; one month of insurance late.
// Nothing else is wrong on purpose.
import { addMonths, dayOf, dayText, daysOfYears, firstDay, moment } from './days.mjs';
import { usccMake, usccSpoil } from './ids.mjs';
import { communityShort, firmKind, firmName, personName, shortPlace } from './synth-names.mjs';

export const FIRMS = 5000;
export const FIRMS_TWICE = 5;
export const FIRMS_WRONG_CHECK = 12;
export const FIRMS_ELSEWHERE = FIRMS * 0.08; // registered in another district than the place of business
export const PERMITS = 8000;
export const PERMITS_REVERSED = 6;
export const INSURED_FIRMS = 5000;
export const INSURED_UNREGISTERED = 20;
export const MONTHS = 6;
export const LATE_MONTH = 3; // counted from 0
const KINDS = ['pension', 'unemployment', 'injury'];
const YUAN_10K = 10000;
const FEN = 100;
const YOUNGEST_DAYS = 240; // so that every firm stood before the first month of insurance
const HAND_OVER = '2024-01-01'; // offices.csv: the approval bureau's successor registers firms from this day

function address(city, community, number) {
    const { district, street } = community;
    const upper = district.kind === 'district' ? city.name : '';
    return `${upper}${district.name}${street.name}${communityShort(community.name)}样例路${number}号`;
}

const capital = random => random.int(1, 500) * 10 * YUAN_10K * FEN; // 100,000 to 50,000,000 yuan

// world: {city, place, asOf, communities: [{code, name, street, district}]}; serial: index of the credit code
function makeFirm(random, world, taken, serial) {
    const community = random.pick(world.communities); // so districts weigh by their number of communities
    const kind = firmKind(random);
    const born = world.asOf - random.int(YOUNGEST_DAYS, daysOfYears(25));
    const day = world.asOf - random.int(0, 29);
    const [op, second] = [
        random.weighted([
            ['I', 95],
            ['U', 5],
        ]),
        random.int(0, 86399),
    ];
    return {
        uscc: usccMake(kind.kind, world.place, serial),
        firm_name: firmName(random, shortPlace(community.district.name), kind, taken),
        firm_type: kind.type,
        legal_rep: personName(random),
        capital: capital(random),
        est_date: dayText(born),
        reg_status: random.weighted([
            ['active', 92],
            ['cancelled', 4],
            ['revoked', 2],
            ['moved', 2],
        ]),
        industry: kind.industry,
        authority: born >= dayOf(HAND_OVER) ? 'sz-data' : 'sz-approval',
        address: '',
        area_code: community.code,
        abnormal: random.weighted([
            [0, 97],
            [1, 3],
        ]),
        row_op: op,
        data_time: moment(day, second),
        community,
    };
}

export function firms(random, world) {
    const taken = new Set();
    const single = FIRMS - FIRMS_TWICE;
    const serials = random.sample(31 ** 5, single + INSURED_UNREGISTERED);
    const rows = serials.slice(0, single).map(serial => makeFirm(random, world, taken, serial));
    const unregistered = serials.slice(single).map(serial => makeFirm(random, world, taken, serial));
    const marked = random.sample(single, FIRMS_WRONG_CHECK + FIRMS_TWICE);
    const wrong = new Set();
    while (wrong.size < FIRMS_WRONG_CHECK) wrong.add(random.pick(marked));
    for (const i of wrong) rows[i].uscc = usccSpoil(rows[i].uscc);
    const insurable = rows.filter((_, i) => !wrong.has(i));
    // A second row of the same firm, changed as a clerk who enters it anew would change it. All copies are
    // taken before one is put in: putting in moves the rows.
    const again = marked
        .filter(m => !wrong.has(m))
        .map(i => ({ ...rows[i], capital: capital(random), row_op: 'U' }));
    for (const row of again) rows.splice(random.int(0, rows.length), 0, row);
    const elsewhere = new Set(random.sample(rows.length, FIRMS_ELSEWHERE));
    rows.forEach((row, i) => {
        let at = row.community;
        if (elsewhere.has(i))
            while (at.district === row.community.district) at = random.pick(world.communities);
        row.address = address(world.city, at, random.int(1, 999));
    });
    return { rows, valid: insurable, unregistered };
}

// [kind of permit, weight, certificate, content, authority]
const PERMIT_FORMS = [
    ['general', 30, '食品经营许可证', '食品经营', 'sz-samr'],
    ['general', 12, '公共场所卫生许可证', '公共场所卫生', 'sz-health'],
    ['general', 16, '道路运输经营许可证', '道路货物运输经营', 'sz-transport'],
    ['general', 10, '城镇污水排入排水管网许可证', '向排水管网排放污水', 'sz-water'],
    ['general', 8, '建筑工程施工许可证', '建筑工程施工', 'sz-housing'],
    ['general', 8, '建设工程规划许可证', '建设工程规划', 'sz-nrp'],
    ['approval', 6, '城市建筑垃圾处置核准文件', '建筑垃圾处置', 'sz-urban'],
    ['other', 6, '户外广告设置批准文件', '设置大型户外广告', 'sz-urban'],
    ['other', 4, '占用绿地、树木批准文件', '工程建设涉及城市绿地、树木', 'sz-garden'],
];
export function permits(random, world, registered) {
    const reversed = new Set(random.sample(PERMITS, PERMITS_REVERSED));
    const rows = [];
    for (let i = 0; i < PERMITS; i++) {
        const firm = random.pick(registered);
        const [kind, cert_name, content, authority] = random.weighted(
            PERMIT_FORMS.map(f => [[f[0], f[2], f[3], f[4]], f[1]]),
        );
        const earliest = Math.max(dayOf(firm.est_date), world.asOf - daysOfYears(5));
        const decided = random.int(earliest, world.asOf - 1);
        const ends = reversed.has(i)
            ? decided - random.int(30, 400)
            : decided + daysOfYears(random.pick([3, 4, 5]));
        const serial = String(i + 1).padStart(6, '0');
        rows.push({
            doc_no: `苏样许〔${dayText(decided).slice(0, 4)}〕${serial}号`,
            firm_name: firm.firm_name,
            uscc: firm.uscc,
            kind,
            cert_name,
            cert_no: `YL${world.place}${serial}`,
            content,
            decided: dayText(decided),
            valid_to: dayText(ends),
            authority,
            row_op: 'I',
            data_time: moment(Math.min(decided + random.int(1, 7), world.asOf), random.int(0, 86399)),
        });
    }
    return rows;
}

// Months end with the last whole month whose report can have arrived by the day of the pack.
export function months(asOf) {
    const last = addMonths(dayText(asOf).slice(0, 7).replace('-', ''), -1);
    return Array.from({ length: MONTHS }, (_, i) => addMonths(last, i - MONTHS + 1));
}
function employer(random, firm) {
    const isActive = firm.reg_status === 'active';
    const first = dayOf(firm.est_date) + random.int(0, 25);
    const status = isActive
        ? random.weighted([
              ['insured', 97],
              ['suspended', 3],
          ])
        : 'ended';
    return {
        firm,
        status,
        staff:
            status === 'insured'
                ? random.weighted([
                      [random.int(1, 20), 70],
                      [random.int(21, 300), 27],
                      [random.int(301, 3000), 3],
                  ])
                : 0,
        first_date: dayText(first),
    };
}
export function insured(random, world, registered, unregistered) {
    const chosen = random
        .sample(registered.length, INSURED_FIRMS - unregistered.length)
        .map(i => registered[i]);
    const employers = [...chosen, ...unregistered]
        .sort((a, b) => (a.uscc < b.uscc ? -1 : 1))
        .map(firm => employer(random, firm));
    const rows = [];
    months(world.asOf).forEach((period, m) => {
        // In time: the 8th to 12th of the next month; late: a month after that.
        const arrives = firstDay(addMonths(period, m === LATE_MONTH ? 2 : 1)) + 7;
        for (const e of employers) {
            const staff = Math.max(e.staff ? 1 : 0, e.staff + random.int(-2, 2) * Number(e.staff > 20));
            const pay = staff
                ? random.weighted([
                      ['paid', 97],
                      ['arrears', 2],
                      ['deferred', 1],
                  ])
                : 'none';
            const day = arrives + random.int(0, 4);
            for (const kind of KINDS)
                rows.push({
                    uscc: e.firm.uscc,
                    period,
                    kind,
                    firm_name: e.firm.firm_name,
                    status: e.status,
                    insured: staff,
                    pay_status: pay,
                    first_date: e.first_date,
                    area_code: e.firm.area_code,
                    row_op: 'I',
                    data_time: moment(day, random.int(0, 86399)),
                });
        }
    });
    return rows;
}
