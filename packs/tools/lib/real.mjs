// SPDX-License-Identifier: MulanPSL-2.0
// The data sets taken from public packages or from the pack's own lists. Nothing is guessed: what a source
// does not say stays empty. Each function gives rows whose keys are the columns of the data set's
// declaration.
import { createHash } from 'node:crypto';
import { communityKind, districtKind, streetKind } from './areas.mjs';
import { areaKm2, multiPolygon } from './geo.mjs';
import { NEW_VINTAGE, boundary } from './source.mjs';

export const areaDistrict = (div, facts) =>
    div.districts.map(d => {
        const kind = districtKind(d);
        const reg_code = facts.get(d.code)?.reg_code || d.code;
        return {
            code: d.code,
            name: d.name,
            kind,
            parent: d.code.slice(0, 4),
            vintage: NEW_VINTAGE,
            is_admin: kind === 'devzone' ? 0 : 1,
            reg_code,
        };
    });
export const areaStreet = div =>
    div.streets.map(s => ({
        code: s.code,
        name: s.name,
        kind: streetKind(s.code),
        district: s.district,
        vintage: NEW_VINTAGE,
    }));
export const areaCommunity = div =>
    div.communities.map(c => ({
        code: c.code,
        name: c.name,
        kind: communityKind(c.code),
        street: c.street,
        district: c.district,
        vintage: NEW_VINTAGE,
    }));

// The lines may be older than the list of codes: features whose code is gone are left out and named to the
// caller.
export function shapes(div, facts) {
    const known = new Set(div.districts.map(d => d.code));
    const all = boundary(div.city.code.slice(0, 4));
    const kept = all.filter(f => known.has(f.code));
    const list = kept.map(f => {
        const covers = [...facts].filter(([, fact]) => fact.covered_by === f.code).map(([code]) => code);
        const polygons = multiPolygon(f.coordinates);
        const covered = covers.map(c => div.districts.find(d => d.code === c)?.name ?? c).join('、');
        const note = '界线为示意,非法定界线;面积由图形计算' + (covered ? `;图形包含${covered}` : '');
        return { code: f.code, name: f.name, polygons, covers: covers.join(' '), note };
    });
    return { list, dropped: all.filter(f => !known.has(f.code)).map(f => `${f.code} ${f.name}`) };
}
export const areaBoundary = list =>
    list.map(s => ({
        code: s.code,
        name: s.name,
        geom: JSON.stringify({ type: 'MultiPolygon', coordinates: s.polygons }),
        area_km2: areaKm2(s.polygons).toFixed(1),
        covers: s.covers,
        source_crs: 'GCJ-02',
        note: s.note,
    }));
// RFC 7946 has no place for a reference system; CGCS2000 degrees are WGS-84 degrees at this precision.
export function boundaryFile(list) {
    const features = list.map(s => {
        const properties = {
            code: s.code,
            name: s.name,
            covers: s.covers,
            source_crs: 'GCJ-02',
            note: s.note,
        };
        return JSON.stringify({
            type: 'Feature',
            id: s.code,
            properties,
            geometry: { type: 'MultiPolygon', coordinates: s.polygons },
        });
    });
    return `{"type":"FeatureCollection","features":[\n${features.join(',\n')}\n]}\n`;
}

export const workdayCalendar = days =>
    days.map(d => ({ ...d, is_workday: d.kind === 'work' ? 1 : 0, year: d.day.slice(0, 4) }));

export const officeRegister = offices => offices;

export const serviceMatter = matters =>
    matters.map(m => ({
        matter_id: m.matter_id,
        name: m.zh,
        matter_code: '',
        kind: '',
        office: m.office_id,
        target: m.target === '企业' ? 'firm' : 'person',
        legal_days: '',
        promised_days: '',
        valid_from: '',
    }));

export const planText = (name, bytes) => [
    {
        file: name,
        doc_no: '苏委发〔2021〕1号',
        issuer: '苏州市人民政府',
        format: 'txt',
        bytes: bytes.length,
        sm3: createHash('sm3').update(bytes).digest('hex'),
    },
];
