// SPDX-License-Identifier: MulanPSL-2.0
// ZIP files and spreadsheets made by hand, because the hostile ones cannot be made by a well-meaning library: sizes
// that lie, parts that swell, names that climb.
import { deflateRawSync } from 'node:zlib'

// Node 18 has no crc32 of its own.
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})
function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff
  for (const b of bytes) c = TABLE[(c ^ b) & 0xff]! ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

export interface Part {
  name: string
  text: string | Buffer
  size?: number // the unpacked size to claim
}
export function zip(parts: Part[]): Buffer {
  const out: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const p of parts) {
    const plain = Buffer.from(p.text as string)
    const packed = deflateRawSync(plain)
    const name = Buffer.from(p.name)
    const head = Buffer.alloc(26)
    head.writeUInt16LE(20, 0)
    head.writeUInt16LE(0x800, 2) // names are UTF-8
    head.writeUInt16LE(8, 4) // deflate
    head.writeUInt32LE(crc32(plain), 10)
    head.writeUInt32LE(packed.length, 14)
    head.writeUInt32LE(p.size ?? plain.length, 18)
    head.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), head, name, packed])
    const central = Buffer.alloc(46)
    central.write('PK\x01\x02', 0, 'latin1')
    central.writeUInt16LE(20, 4)
    head.copy(central, 6)
    central.writeUInt32LE(at, 42)
    directory.push(Buffer.concat([central, name]))
    out.push(local)
    at += local.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(parts.length, 8)
  end.writeUInt16LE(parts.length, 10)
  end.writeUInt32LE(listing.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...out, listing, end])
}

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const RELS = 'http://schemas.openxmlformats.org/package/2006/relationships'
const TYPE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const X = '<?xml version="1.0" encoding="UTF-8"?>'
const plain = (t: string): string => t.replace(/&/g, '&amp;').replace(/</g, '&lt;')
const letter = (n: number): string => String.fromCharCode(65 + n)
// A number is a number, a text an inline string, { date } a serial day with a date style.
export type Cell = string | number | { date: number }
export function sheet(rows: Cell[][]): string {
  const cell = (c: Cell, at: string): string =>
    typeof c === 'number' ? `<c r="${at}"><v>${c}</v></c>` : typeof c === 'object' ? `<c r="${at}" s="1"><v>${c.date}</v></c>` : `<c r="${at}" t="inlineStr"><is><t>${plain(c)}</t></is></c>`
  const body = rows.map((r, y) => `<row r="${y + 1}">${r.map((c, x) => cell(c, `${letter(x)}${y + 1}`)).join('')}</row>`)
  return `${X}<worksheet xmlns="${MAIN}"><sheetData>${body.join('')}</sheetData></worksheet>`
}
export function book(sheets: [string, string | Buffer][], more: Part[] = [], size?: number): Buffer {
  const names = sheets.map(([n], i) => `<sheet name="${plain(n)}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join('')
  const rels = sheets.map((_, i) => `<Relationship Id="rId${i + 1}" Type="${TYPE}/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`).join('')
  return zip([
    { name: '[Content_Types].xml', text: `${X}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>` },
    { name: '_rels/.rels', text: `${X}<Relationships xmlns="${RELS}"><Relationship Id="rId1" Type="${TYPE}/officeDocument" Target="xl/workbook.xml"/></Relationships>` },
    { name: 'xl/workbook.xml', text: `${X}<workbook xmlns="${MAIN}" xmlns:r="${TYPE}"><sheets>${names}</sheets></workbook>` },
    { name: 'xl/_rels/workbook.xml.rels', text: `${X}<Relationships xmlns="${RELS}">${rels}<Relationship Id="rS" Type="${TYPE}/styles" Target="styles.xml"/></Relationships>` },
    { name: 'xl/styles.xml', text: `${X}<styleSheet xmlns="${MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>` },
    ...sheets.map(([, text], i) => ({ name: `xl/worksheets/sheet${i + 1}.xml`, text, size })),
    ...more,
  ])
}
