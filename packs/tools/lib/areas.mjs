// SPDX-License-Identifier: MulanPSL-2.0
// Areas of one city and how their codes changed. Kinds come from the code, by the coding rule of the
// statistics bureau, never from the name ("科技城(东渚街道)" is no subdistrict). Names repeat: rows are joined by
// code only, except across two lists, where a unit whose code changed can only be recognised by its name
// under the same parent.
import { NEW_VINTAGE, OLD_VINTAGE } from './source.mjs';

// Last two digits 71–79 are economic zones that the statistics bureau counts apart.
export function districtKind({ code, name }) {
    if (code[4] === '7') return 'devzone';
    if (/[县旗]$/.test(name)) return 'county';
    return name.endsWith('市') ? 'county_city' : 'district';
}
export const streetKind = code =>
    ({ 0: 'street', 1: 'town', 2: 'township', 3: 'township' })[code[6]] ?? 'similar';
export const communityKind = code =>
    ({ 0: 'neighbourhood', 1: 'neighbourhood', 2: 'village', 3: 'village' })[code[9]] ?? 'virtual';

// Rows of area-change. Recoded: same name under the same parent, another code. What is left over is gone or
// new; when exactly one new unit stands where several vanished it is taken for their merger, and the row says
// that this is inferred.
export function changes(old, now, byHand) {
    const rows = [...byHand];
    const parentNow = new Map(); // old district code → new one
    const add = (o, n, change, basis) => {
        if (rows.some(r => r.old_code === o.code)) return; // written by hand, with its source
        rows.push({
            old_code: o.code,
            old_name: o.name,
            new_code: n.code,
            new_name: n.name,
            change,
            old_vintage: OLD_VINTAGE,
            new_vintage: NEW_VINTAGE,
            basis,
        });
    };
    const none = { code: '', name: '' };
    const compare = (before, after, parentOf) => {
        const nowBy = new Map(after.map(a => [a.code, a]));
        const oldCodes = new Set(before.map(b => b.code));
        const born = after.filter(a => !oldCodes.has(a.code));
        const gone = [];
        for (const b of before) {
            const same = nowBy.get(b.code);
            if (same && same.name === b.name) continue;
            if (same) {
                add(b, same, 'rename', '两版统计用区划代码比对:代码相同,名称不同');
                continue;
            }
            const at = born.findIndex(a => a.name === b.name && (a.district ?? '') === parentOf(b));
            if (at < 0) gone.push(b);
            else add(b, born.splice(at, 1)[0], 'recode', '两版统计用区划代码比对:名称与上级相同,代码不同');
        }
        for (const parent of new Set(gone.map(parentOf))) {
            const left = gone.filter(g => parentOf(g) === parent);
            const fresh = born.filter(b => (b.district ?? '') === parent);
            const merged = left.length > 1 && fresh.length === 1;
            if (merged) born.splice(born.indexOf(fresh[0]), 1);
            for (const g of left)
                if (merged) add(g, fresh[0], 'merge', '推定:同一上级内多个单位消失、仅新增一个单位;待核');
                else add(g, none, 'abolish', '两版统计用区划代码比对:新版无此代码与名称');
        }
        // The key of the table is the old code, which a new unit has not: its own code stands there, without
        // a name.
        for (const b of born)
            add({ code: b.code, name: '' }, b, 'create', '两版统计用区划代码比对:旧版无此代码与名称');
    };
    compare(old.districts, now.districts, () => '');
    for (const d of old.districts)
        parentNow.set(d.code, rows.find(r => r.old_code === d.code)?.new_code || d.code);
    compare(old.streets, now.streets, s => parentNow.get(s.district) ?? s.district);
    return rows.sort((a, b) => (a.old_code < b.old_code ? -1 : 1));
}

// Rows of built/areas.csv. facts: Map of code → {reg_code, aliases, note} written by hand; reg_code
// can be found but never leads to a place.
export function areaRows(div, changed, facts) {
    const rows = [];
    const add = (unit, level, parent, kind, isAdmin) => {
        const old = changed.filter(
            c =>
                c.new_code === unit.code &&
                c.old_vintage &&
                c.old_code !== unit.code &&
                c.change !== 'rename',
        );
        const fact = facts.get(unit.code);
        const aliases = new Set([
            ...old.map(c => c.old_code),
            ...(fact?.aliases ?? '').split('|').filter(Boolean),
        ]);
        rows.push({
            code: unit.code,
            name: unit.name,
            level,
            parent,
            kind,
            vintage: NEW_VINTAGE,
            valid_from: '',
            valid_to: '',
            is_admin: isAdmin ? 1 : 0,
            aliases: [...aliases].join('|'),
            reg_code: fact?.reg_code ?? '',
            note: fact?.note ?? '',
        });
    };
    add(div.province, 1, '', 'province', true);
    add(div.city, 2, div.province.code, 'city', true);
    for (const d of div.districts) {
        if (d.code === div.city.code) continue; // a city without counties: its towns hang on the city itself
        const kind = districtKind(d);
        add(d, 3, div.city.code, kind, kind !== 'devzone');
    }
    for (const s of div.streets) {
        const kind = streetKind(s.code);
        add(s, 4, s.district, kind, kind !== 'similar');
    }
    // Committees of residents and villagers are self-government of the people, not divisions of the state.
    for (const c of div.communities) add(c, 5, c.street, communityKind(c.code), false);
    return rows;
}
export const AREA_HEAD = [
    'code',
    'name',
    'level',
    'parent',
    'kind',
    'vintage',
    'valid_from',
    'valid_to',
    'is_admin',
    'aliases',
    'reg_code',
    'note',
];
