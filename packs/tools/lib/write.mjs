// SPDX-License-Identifier: MulanPSL-2.0
// The built/ folder of one pack and its manifest. Invariants: (1) the manifest lists every built file with
// source, digest and row count; (2) it is written last, so a build that stopped half-way is built again; (3)
// nothing in it depends on the clock or the machine; (4) a build whose inputs and outputs are unchanged does
// nothing.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from './csv.mjs';

export const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');

function filesUnder(folder, skip) {
    const list = [];
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const full = path.join(folder, entry.name);
        if (skip.includes(entry.name)) continue;
        if (entry.isDirectory()) list.push(...filesUnder(full, skip));
        else list.push(full);
    }
    return list.sort();
}
// One digest over all that the outputs depend on: the pack's own files, the build steps, the lock of the
// packages.
export function inputDigest(packs, folder) {
    const tools = path.join(packs, 'tools');
    const named = (root, files) => files.map(f => `${path.relative(root, f)} ${sha256(readFileSync(f))}\n`);
    return sha256(
        [
            ...named(folder, filesUnder(folder, ['built'])),
            ...named(
                tools,
                filesUnder(tools, []).filter(f => !f.endsWith('.test.mjs')),
            ),
            ...named(packs, [path.join(packs, 'package-lock.json')]),
        ].join(''),
    );
}

const MANIFEST = 'manifest.json';
export function isUpToDate(folder, inputs) {
    const file = path.join(folder, 'built', MANIFEST);
    if (!existsSync(file)) return false;
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    const same = f =>
        existsSync(path.join(folder, f.file)) && sha256(readFileSync(path.join(folder, f.file))) === f.sha256;
    return manifest.inputs === inputs && manifest.files.every(same);
}

export function output(folder) {
    const built = path.join(folder, 'built');
    rmSync(built, { recursive: true, force: true });
    const files = [];
    const put = (name, text, source, rows) => {
        const full = path.join(built, name);
        mkdirSync(path.dirname(full), { recursive: true });
        writeFileSync(full, text);
        files.push({ file: `built/${name}`, source, sha256: sha256(text), rows });
    };
    return {
        text: put,
        table: (name, head, rows, source) => put(name, format(head, rows), source, rows.length),
        finish: facts => {
            files.sort((a, b) => (a.file < b.file ? -1 : 1));
            writeFileSync(path.join(built, MANIFEST), JSON.stringify({ ...facts, files }, null, 2) + '\n');
            return files;
        },
    };
}
