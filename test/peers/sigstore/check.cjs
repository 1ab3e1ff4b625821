// SPDX-License-Identifier: MulanPSL-2.0
// The ledger before a verifier of another world: Sigstore's own code (the one npm checks its packages' provenance with)
// reads our checkpoint beside its unknown SM2 line, and follows our inclusion proofs to the signed root. A checker that
// accepts everything proves nothing, so each proof is also shown with one bit changed, and must be refused.
//
//   node check.cjs URL [HOW-MANY-ENTRIES]
'use strict';
const { createPublicKey } = require('node:crypto');
const path = require('node:path');
// The package shows only its whole bundle verifier; the two files behind it are what speaks of logs.
const inside = path.join(path.dirname(require.resolve('@sigstore/verify')), 'tlog');
const { verifyCheckpoint } = require(path.join(inside, 'checkpoint.js'));
const { verifyMerkleInclusion } = require(path.join(inside, 'merkle.js'));

const [url, many = '200'] = process.argv.slice(2);
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex'); // RFC 8410: what stands before the 32 bytes

async function get(place) {
    const reply = await fetch(url + place);
    if (!reply.ok) throw new Error(`${place}: ${reply.status}`);
    return reply;
}

// vkey (C2SP signed-note): name + key id + base64(type ‖ key).
function logOf(vkey) {
    const [name, id, key] = [vkey.slice(0, vkey.indexOf('+')), ...vkey.slice(vkey.indexOf('+') + 1).split(/\+(.*)/s)];
    const raw = Buffer.from(key, 'base64');
    if (raw.length !== 33 || raw[0] !== 1) throw new Error('not an Ed25519 vkey');
    return {
        logID: Buffer.from(id, 'hex'),
        baseURL: name,
        publicKey: createPublicKey({ key: Buffer.concat([SPKI_ED25519, raw.subarray(1)]), format: 'der', type: 'spki' }),
    };
}

function refused(what, fn) {
    try {
        fn();
    } catch (e) {
        if (e.code === 'TLOG_INCLUSION_PROOF_ERROR') return;
        throw e;
    }
    throw new Error(`accepted, but changed: ${what}`);
}

const flip = (bytes, bit) => {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] ^= 1 << (bit & 7);
    return copy;
};

async function entry(index, logs) {
    const text = await (await get(`/api/v1/ledger/entries/${index}/receipt`)).text();
    const cut = text.indexOf('\n\n');
    const lines = text.slice(0, cut).split('\n');
    const hashes = lines.slice(3).map((l) => Buffer.from(l, 'base64'));
    const e = {
        canonicalizedBody: Buffer.from(lines[1].replace('extra ', ''), 'base64'),
        inclusionProof: { logIndex: String(index), hashes, checkpoint: { envelope: text.slice(cut + 2) } },
    };
    const checkpoint = verifyCheckpoint(e, logs);
    verifyMerkleInclusion(e, checkpoint);
    const other = (part) => ({ ...e, inclusionProof: { ...e.inclusionProof, ...part } });
    refused('leaf', () => verifyMerkleInclusion({ ...e, canonicalizedBody: flip(e.canonicalizedBody, 9) }, checkpoint));
    hashes.forEach((h, i) => {
        const changed = hashes.map((x, k) => (k === i ? flip(x, (index * 7 + i) % 256) : x));
        refused(`hash ${i}`, () => verifyMerkleInclusion(other({ hashes: changed }), checkpoint));
    });
    refused('size', () => verifyCheckpoint(other({ checkpoint: { envelope: text.slice(cut + 2).replace(/\n(\d)/, '\n1$1') } }), logs));
    return checkpoint;
}

async function main() {
    const logs = [logOf((await (await get('/ledger/vkey')).text()).trim())];
    const { size } = await (await get('/api/v1/ledger')).json();
    if (!size) throw new Error('an empty ledger proves nothing');
    let largest = 0n;
    const step = Math.max(1, Math.floor(size / Number(many)));
    let n = 0;
    for (let i = 0; i < size; i += step, n++) {
        const c = await entry(i, logs);
        if (c.logSize > largest) largest = c.logSize;
    }
    await entry(size - 1, logs);
    console.log(`ok: ${n + 1} entries under signed sizes up to ${largest}, every changed bit refused`);
}

main().catch((e) => {
    console.error(`FAIL ${e.stack}`);
    process.exit(1);
});
