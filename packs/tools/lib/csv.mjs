// SPDX-License-Identifier: MulanPSL-2.0
// CSV as RFC 4180 has it, for the pack's own files: UTF-8, ',' and '\n', a header line first. Rows are
// objects keyed by header name, so that a column added later never shifts the others. Only well-formed files
// are accepted.
import { readFileSync } from 'node:fs';

export function parse(text) {
    const rows = [];
    let row = [];
    let cell = '';
    let quoted = false;
    for (let i = 0; i < text.length; i++) {
        const c = text[i];
        if (quoted) {
            if (c !== '"') cell += c;
            else if (text[i + 1] === '"') cell += text[++i];
            else quoted = false;
        } else if (c === '"' && cell === '') quoted = true;
        else if (c === ',' || c === '\n') {
            row.push(cell);
            cell = '';
            if (c === '\n') {
                rows.push(row);
                row = [];
            }
        } else if (c !== '\r') cell += c;
    }
    if (quoted) throw new Error('a quoted cell is not closed');
    if (cell !== '' || row.length > 0) rows.push([...row, cell]);
    return rows;
}

export function readTable(file) {
    const [head, ...rows] = parse(readFileSync(file, 'utf8'));
    return rows.map((row, i) => {
        if (row.length !== head.length)
            throw new Error(`${file}:${i + 2}: ${row.length} cells, the header has ${head.length}`);
        return Object.fromEntries(head.map((name, k) => [name, row[k]]));
    });
}

const quote = value => {
    const s = value === undefined || value === null ? '' : String(value);
    return /[",\r\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s;
};

// A missing key is a mistake of the builder, not an empty cell: it throws.
export function format(head, rows) {
    const lines = [head.join(',')];
    for (const row of rows) {
        for (const name of head)
            if (!(name in row)) throw new Error(`row lacks ${name}: ${JSON.stringify(row).slice(0, 200)}`);
        lines.push(head.map(name => quote(row[name])).join(','));
    }
    return lines.join('\n') + '\n';
}
