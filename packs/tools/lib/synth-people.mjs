// SPDX-License-Identifier: MulanPSL-2.0
// Synthetic persons and the households that receive the minimum living allowance. Seeded fault: the heads of
// 3 households are registered as dead. Ages, amounts and shares only make the sample varied; none is a
// statistic.
import { dayText, daysOfYears, moment } from './days.mjs';
import { ridMake } from './ids.mjs';
import { personName } from './synth-names.mjs';

export const PERSONS = 20000;
export const HOUSEHOLDS = 1500;
export const DEAD_HEADS = 3;
const ADULT_YEARS = 18;
const OLDEST_YEARS = 95;

export function persons(random, world) {
    const taken = new Set();
    const rows = [];
    while (rows.length < PERSONS) {
        const sex = random.int(1, 2);
        const born = world.asOf - random.int(1, daysOfYears(OLDEST_YEARS));
        const birth_date = dayText(born);
        const rid = ridMake(
            world.place,
            birth_date.replaceAll('-', ''),
            2 * random.int(1, 498) + (sex === 1 ? 1 : 0),
        );
        if (taken.has(rid)) continue;
        taken.add(rid);
        rows.push({
            rid,
            person_name: personName(random),
            sex,
            birth_date,
            area_code: random.pick(world.communities).code,
            status: random.weighted([
                ['normal', 95],
                ['moved', 4],
                ['dead', 1],
            ]),
            row_op: 'I',
            data_time: moment(world.asOf - random.int(0, 29), random.int(0, 86399)),
        });
    }
    return rows;
}

// Confirmed by the subdistrict where the pack knows its office, else by the government of the district.
export function households(random, world, people, officeOf) {
    const adultBefore = dayText(world.asOf - daysOfYears(ADULT_YEARS));
    const adults = people.filter(p => p.birth_date < adultBefore);
    const of = status => adults.filter(p => p.status === status);
    const draw = (list, n) => random.sample(list.length, n).map(i => list[i]);
    const heads = [...draw(of('normal'), HOUSEHOLDS - DEAD_HEADS), ...draw(of('dead'), DEAD_HEADS)];
    heads.sort((a, b) => (a.rid < b.rid ? -1 : 1)); // by birthday: nothing in the order tells the seeded rows
    return heads.map((head, i) => {
        const members = random.int(1, 5);
        const began = dayText(world.asOf - random.int(60, daysOfYears(10)));
        return {
            case_no: `YL${world.place}${String(i + 1).padStart(6, '0')}`,
            person_name: head.person_name,
            rid: head.rid,
            kind: random.weighted([
                ['dibao', 80],
                ['tekun', 8],
                ['marginal', 12],
            ]),
            members,
            amount: members * random.int(30, 90) * 10 * 100,
            since: began.slice(0, 7).replace('-', ''),
            community: head.area_code,
            authority: officeOf(head.area_code),
            status: random.weighted([
                ['active', 94],
                ['paused', 3],
                ['stopped', 3],
            ]),
            row_op: 'I',
            data_time: moment(world.asOf - random.int(0, 25), random.int(0, 86399)),
        };
    });
}
