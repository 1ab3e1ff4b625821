// SPDX-License-Identifier: MulanPSL-2.0
// Places: from GCJ-02 (the shifted system of Chinese web maps) to CGCS2000 degrees, rings as RFC 7946 wants
// them, area on the ellipsoid, point in polygon. CGCS2000 and WGS-84 agree to centimetres, far below what
// these lines are worth.

const KRASOVSKY_A = 6378245.0; // the shift formulas use this ellipsoid
const KRASOVSKY_EE = 0.00669342162296594323;
const CGCS2000_A = 6378137.0;
const CGCS2000_F = 1 / 298.257222101;

function shift(lon, lat) {
    const x = lon - 105;
    const y = lat - 35;
    const wave = (a, b, c, v) => ((a * Math.sin(v * Math.PI) + b * Math.sin((v / c) * Math.PI)) * 2) / 3;
    const root = Math.sqrt(Math.abs(x));
    const common = ((20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * 2) / 3;
    let dLat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common;
    dLat +=
        wave(20, 40, 3, y) +
        ((160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * 2) / 3;
    let dLon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common;
    dLon +=
        wave(20, 40, 3, x) +
        ((150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * 2) / 3;
    const rad = (lat / 180) * Math.PI;
    const magic = 1 - KRASOVSKY_EE * Math.sin(rad) ** 2;
    dLat = (dLat * 180) / (((KRASOVSKY_A * (1 - KRASOVSKY_EE)) / (magic * Math.sqrt(magic))) * Math.PI);
    dLon = (dLon * 180) / ((KRASOVSKY_A / Math.sqrt(magic)) * Math.cos(rad) * Math.PI);
    return [dLon, dLat];
}
export function toGcj([lon, lat]) {
    const [dLon, dLat] = shift(lon, lat);
    return [lon + dLon, lat + dLat];
}
// The shift has no closed inverse; fixed-point iteration gains about three digits a round.
export function fromGcj([lon, lat]) {
    let at = [lon, lat];
    for (let round = 0; round < 20; round++) {
        const [dLon, dLat] = shift(at[0], at[1]);
        const next = [lon - dLon, lat - dLat];
        const moved = Math.max(Math.abs(next[0] - at[0]), Math.abs(next[1] - at[1]));
        at = next;
        if (moved < 1e-10) return at;
    }
    throw new Error(`no GCJ-02 inverse at ${lon},${lat}`);
}

const round6 = v => Math.round(v * 1e6) / 1e6; // 0.1 m
const ringSum = ring =>
    ring.reduce((sum, p, i) => (i ? sum + (p[0] - ring[i - 1][0]) * (p[1] + ring[i - 1][1]) : 0), 0);

// Repeated points go, the ring is closed, and turned counter-clockwise (outer) or clockwise (hole). Null if
// too small.
function tidyRing(points, isOuter) {
    const ring = [];
    for (const p of points) {
        const q = [round6(p[0]), round6(p[1])];
        const last = ring.at(-1);
        if (!last || last[0] !== q[0] || last[1] !== q[1]) ring.push(q);
    }
    const [first, last] = [ring[0], ring.at(-1)];
    if (first[0] !== last[0] || first[1] !== last[1]) ring.push([...first]);
    if (ring.length < 4) return null;
    return ringSum(ring) < 0 === isOuter ? ring : ring.reverse(); // the sum is negative counter-clockwise
}
// Coordinates of a Polygon or MultiPolygon in GCJ-02 → MultiPolygon coordinates in CGCS2000. The package
// calls some MultiPolygons Polygons (and the reverse), so the depth of the brackets decides, polygon by
// polygon.
export function multiPolygon(coordinates) {
    const isPoint = p => Array.isArray(p) && typeof p[0] === 'number';
    const polygons = [];
    const walk = part => {
        if (isPoint(part[0]?.[0])) polygons.push(part);
        else if (isPoint(part[0])) polygons.push([part]);
        else if (Array.isArray(part)) part.forEach(walk);
        else throw new Error('coordinates are not numbers');
    };
    walk(coordinates);
    return polygons
        .map(rings => rings.map((ring, i) => tidyRing(ring.map(fromGcj), i === 0)))
        .filter(rings => rings[0] !== null)
        .map(rings => rings.filter(ring => ring !== null));
}

// Area on the ellipsoid: latitudes become authalic (equal-area sphere), edges straight in longitude and sine.
export function areaKm2(polygons) {
    const e2 = CGCS2000_F * (2 - CGCS2000_F);
    const e = Math.sqrt(e2);
    const q = s => (1 - e2) * (s / (1 - e2 * s * s) - Math.log((1 - e * s) / (1 + e * s)) / (2 * e));
    const pole = q(1);
    const radius2 = (CGCS2000_A ** 2 * pole) / 2;
    const sine = lat => q(Math.sin((lat * Math.PI) / 180)) / pole;
    let sum = 0;
    for (const ring of polygons.flat())
        for (let i = 1; i < ring.length; i++)
            sum -=
                ((ring[i][0] - ring[i - 1][0]) * Math.PI * (sine(ring[i][1]) + sine(ring[i - 1][1]))) / 360;
    return (radius2 * sum) / 1e6;
}

export function contains(polygons, [x, y]) {
    let inside = false;
    for (const ring of polygons.flat())
        for (let i = 1; i < ring.length; i++) {
            const [x1, y1] = ring[i - 1];
            const [x2, y2] = ring[i];
            if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
        }
    return inside;
}
export function box(polygons) {
    const all = polygons.flat(2);
    const xs = all.map(p => p[0]);
    const ys = all.map(p => p[1]);
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
export const pointText = ([lon, lat]) =>
    JSON.stringify({ type: 'Point', coordinates: [round6(lon), round6(lat)] });
