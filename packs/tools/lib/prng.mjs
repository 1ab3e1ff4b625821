// SPDX-License-Identifier: MulanPSL-2.0
// Random numbers that are the same on every machine: xoshiro128** (Blackman, Vigna) seeded through splitmix32
// from the pack's seed and a stream name. Each data set has its own stream, so that one more draw in one of
// them never changes another. Math.random and the clock are never asked: the same seed gives the same bytes.

function splitmix32(state) {
    let s = state >>> 0;
    return () => {
        s = (s + 0x9e3779b9) >>> 0;
        let z = s;
        z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
        return (z ^ (z >>> 15)) >>> 0;
    };
}

// FNV-1a over the name, so that streams of one seed differ.
function nameHash(name) {
    let h = 0x811c9dc5;
    for (const byte of Buffer.from(name, 'utf8')) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
    return h;
}

const rotl = (x, k) => ((x << k) | (x >>> (32 - k))) >>> 0;

export function stream(seed, name) {
    const mix = splitmix32((seed ^ nameHash(name)) >>> 0);
    const s = new Uint32Array([mix(), mix(), mix(), mix()]);
    const next = () => {
        const result = Math.imul(rotl(Math.imul(s[1], 5) >>> 0, 7), 9) >>> 0;
        const t = (s[1] << 9) >>> 0;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotl(s[3], 11);
        return result;
    };
    const real = () => next() / 4294967296;
    const int = (low, high) => low + Math.floor(real() * (high - low + 1)); // both ends included
    const pick = list => list[int(0, list.length - 1)];
    // weights: [[value, weight], …]
    const weighted = pairs => {
        let at = real() * pairs.reduce((sum, p) => sum + p[1], 0);
        for (const [value, weight] of pairs) if ((at -= weight) < 0) return value;
        return pairs.at(-1)[0];
    };
    // n different numbers of 0 … size-1, in rising order
    const sample = (size, n) => {
        if (n > size) throw new Error(`cannot draw ${n} of ${size}`);
        const got = new Set();
        while (got.size < n) got.add(int(0, size - 1));
        return [...got].sort((a, b) => a - b);
    };
    return { next, real, int, pick, weighted, sample };
}
