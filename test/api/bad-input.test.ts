// SPDX-License-Identifier: MulanPSL-2.0
// What people and programs send that they should not: every mistake is named by field or row in both languages, and
// nothing is half written. Malformed HTTP itself has its table in the unit tests; here the requests are whole, but what
// they carry is wrong, repeated, stale, foreign or hostile.
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BIN, ROOT, start, type Server } from '../lib/server'
import { caller, Client, type Ask, type Reply } from './client'
import { apply, cast, check, code, commit, compile, description, grant, publish, told, uscc, upload, type Cast } from './walk'
import { book, sheet, zip } from './zip'

let server: Server
let all: Cast
beforeAll(async () => {
  server = await start()
  all = await cast(server.url, ['rs-bm', 'rs-fz', 'gjj-jb', 'gjj-fz', 'sj-sh', 'sj-gl', 'gx-bm', 'zg-bm', 'sys', 'sec', 'aud'])
})
afterAll(() => server.stop())
const acts = async (query: Record<string, string>): Promise<any[]> => (await all.aud!.get('/api/v1/acts', { limit: 100, ...query })).items
const both = (r: Reply): void => {
  expect(r.headers.get('content-type')).toContain('application/problem+json')
  expect(r.body.status).toBe(r.status)
  expect(r.body.title_zh).toMatch(/[\u4e00-\u9fff]/)
  expect(r.body.title_en).toMatch(/^[\x20-\x7e\u2010-\u201f]*[A-Za-z]/)
}
const APPLICATION = { items: [{ dataset: 'firm-insured', columns: ['uscc'] }], matter: 'fund-unit', legal_basis: '条例', purpose: '核对', system: 'gjj-core', period_days: 30, quota_per_day: 10 }

describe('fields', () => {
  test('every mistake of one request at once, each named by its path, in both languages', async () => {
    const body = {
      ...APPLICATION,
      items: [{ dataset: 'firm-insured', columns: 'uscc' }, 'nothing', { dataset: 7, colums: [] }],
      period_days: '30',
      quota_per_day: 0,
      purpose: '长'.repeat(501),
      legal_basis: undefined,
      need_by: '2026-02-30',
      urgent: true,
    }
    const r = await all['gjj-jb']!.call('POST', '/api/v1/applications', { body })
    expect(r.status).toBe(422)
    both(r)
    const seen = Object.fromEntries(r.body.errors.map((e: any) => [e.field, e.code.replaceAll('-', '_')]))
    expect(seen).toEqual({
      urgent: 'field_unknown',
      'items[0].columns': 'field_type',
      'items[1]': 'field_type',
      'items[2].colums': 'field_unknown',
      'items[2].dataset': 'field_type',
      period_days: 'field_type',
      quota_per_day: 'field_range',
      purpose: 'field_long',
      legal_basis: 'field_missing',
      need_by: 'field_type',
    })
    for (const e of r.body.errors) {
      expect(e.title_zh, e.field).toMatch(/[\u4e00-\u9fff]/)
      expect(e.title_en, e.field).toMatch(/[a-z]{3}/)
    }
    expect((await all['gjj-jb']!.get('/api/v1/applications', { box: 'mine' })).items).toEqual([])
  })
  test('the title follows the reader’s language, both are there for either', async () => {
    const say = async (lang: 'zh' | 'en'): Promise<any> => (await new Client(server.url, lang).call('POST', '/api/v1/login', { body: {} })).body
    const [zh, en] = [await say('zh'), await say('en')]
    expect(zh.title).toBe(zh.title_zh)
    expect(en.title).toBe(zh.title_en)
  })
  test('things that are not there, or not of the right kind, are named', async () => {
    const c = all['gjj-jb']!
    await c.post('/api/v1/systems', { id: 'gjj-core', name: '公积金核心系统' })
    const cases: [object, number, string, string][] = [
      [{ matter: 'no-such' }, 404, 'not_found', 'matter'],
      [{ system: 'no-such' }, 404, 'not_found', 'system'],
      [{ items: [{ dataset: 'no-such' }] }, 404, 'not_found', 'items[0].dataset'],
      [{ items: [{ dataset: 'firm-insured', columns: ['nope'] }] }, 422, 'column_unknown', 'columns'],
      [{ items: [{ dataset: 'firm-insured', columns: ['uscc'], filter: [{ column: 'nope', op: 'eq', value: '1' }] }] }, 422, 'column_unknown', 'nope'],
      [{ items: [{ dataset: 'firm-insured', columns: ['uscc'], filter: [{ column: 'period', op: 'near', value: '1' }] }] }, 422, 'field_value', 'items[0].filter[0].op'],
      [{ items: [{ dataset: 'firm-insured', columns: ['uscc'], filter: [{ column: 'first_date', op: 'gte', value: 'yesterday' }] }] }, 422, 'field_type', 'first_date'],
      [{ items: [{ dataset: 'firm-insured', columns: ['uscc'], filter: [{ column: 'insured', op: 'prefix', value: '1' }] }] }, 422, 'filter_op', 'insured'],
      [{ items: [{ dataset: 'firm-insured', columns: ['uscc'], filter: Array.from({ length: 33 }, () => ({ column: 'period', op: 'eq', value: '202609' })) }] }, 422, 'field_range', 'items[0].filter'],
      [{ items: [] }, 422, 'field_range', 'items'],
      [{ items: Array.from({ length: 500 }, () => ({ dataset: 'firm-insured' })) }, 422, 'field_range', 'items'],
    ]
    for (const [change, status, name, field] of cases) {
      const r = await c.call('POST', '/api/v1/applications', { body: { ...APPLICATION, ...change } })
      expect([r.status, code(r), r.body.field], JSON.stringify(change).slice(0, 120)).toEqual([status, name, field])
      both(r)
    }
    expect((await c.get('/api/v1/applications', { box: 'mine' })).items).toEqual([])
  })
  test('query parameters: unknown, out of range, broken escapes, a foreign cursor', async () => {
    const c = all['gjj-jb']!
    const cases: [string, number, string | undefined][] = [
      ['/api/v1/datasets?colour=red', 422, 'colour'],
      ['/api/v1/datasets?limit=0', 422, 'limit'],
      ['/api/v1/datasets?limit=99999', 422, 'limit'],
      ['/api/v1/datasets?limit=ten', 422, 'limit'],
      ['/api/v1/datasets?sort=colour', 422, 'sort'],
      ['/api/v1/datasets?after=%21%21', 422, 'after'],
      ['/api/v1/datasets?q=%ff%fe', 400, undefined], // no text at all: refused before any field is read
      ['/api/v1/datasets?q=%zz', 400, undefined],
      ['/api/v1/applications?after=abc', 422, 'after'],
      ['/api/v1/grants?after=abc', 422, 'after'],
      ['/api/v1/grants/abc', 422, 'id'],
      ['/api/v1/grants/-1', 422, 'id'],
      ['/api/v1/grants/99999999999999999999999', 422, 'id'],
      ['/api/v1/ledger/entries?after=abc', 422, 'after'],
      [`/api/v1/datasets?${Array.from({ length: 80 }, (_, i) => `a${i}=1`).join('&')}`, 413, 'query'],
    ]
    for (const [path, status, field] of cases) {
      const r = await c.call('GET', path)
      expect([r.status, r.body.field], path).toEqual([status, field])
      both(r)
    }
  })
  test('a search for anything ends in an answer', async () => {
    const odd = ['"', "'", '*', 'NEAR(', 'AND', '企业 OR', '-', '%', '\\', '企'.repeat(200), '" OR 1=1 --', '😀', '\u0301', 'a b c d e f g h i j k l m n o p q r s t u v w x y z']
    for (const q of odd) expect((await all['gjj-jb']!.call('GET', '/api/v1/datasets', { query: { q } })).status, q).toBe(200)
  })
})

describe('bodies', () => {
  const send = (raw: string | Uint8Array, type = 'application/json', more: Ask = {}): Promise<Reply> => all['gjj-jb']!.call('PUT', '/api/v1/cart', { raw, type, ...more })
  test('JSON that is none says what is wrong', async () => {
    const deep = (n: number): string => `{"items":${'['.repeat(n)}${']'.repeat(n)}}`
    const cases: [string, string | Uint8Array, number, string][] = [
      ['empty object', '{}', 422, 'field_missing'],
      ['nothing', '', 422, 'field_missing'],
      ['cut off', '{"items":[', 400, 'json_end'],
      ['a comma too many', '{"items":[],}', 400, 'json_syntax'],
      ['single quotes', "{'items':[]}", 400, 'json_syntax'],
      ['two values', '{"items":[]} {}', 400, 'json_syntax'],
      ['a name twice', '{"items":[],"items":[]}', 400, 'json_twice'],
      ['a list at the top', '[]', 400, 'json_syntax'],
      ['NaN', '{"items":NaN}', 400, 'json_syntax'],
      ['a number that is none', '{"items":01}', 400, 'json_number'],
      ['a raw control character', '{"items":"\u0001"}', 400, 'json_syntax'],
      ['half a pair', '{"items":"\\ud800"}', 400, 'json_syntax'],
      ['deep', deep(70), 400, 'json_depth'],
      ['very deep', deep(20000), 400, 'json_depth'],
      ['not UTF-8', Buffer.from('{"items":"\xff\xfe"}', 'latin1'), 400, 'utf8'],
      ['overlong UTF-8', Buffer.from([...Buffer.from('{"items":"'), 0xc0, 0xaf, ...Buffer.from('"}')]), 400, 'utf8'],
      ['UTF-16', Buffer.from('{"items":[]}', 'utf16le'), 400, 'json_syntax'],
    ]
    for (const [what, raw, status, name] of cases) {
      const r = await send(raw)
      expect(told(r), what).toEqual([status, name])
      both(r)
    }
    expect((await all['gjj-jb']!.get('/api/v1/cart')).items).toEqual([])
  })
  test('another content type is refused: no form of another site becomes a request', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'text/json']) {
      const r = await send('{"items":[]}', type)
      expect(told(r), type).toEqual([415, 'media_type'])
      both(r)
    }
    expect((await send('{"items":[]}', 'application/json; charset=utf-8')).status).toBe(200)
  })
  test('too large is refused before it is read', async () => {
    const r = await send(`{"items":[],"x":"${'a'.repeat(70_000)}"}`)
    expect(r.status).toBe(413)
    both(r)
  })
  test('text that a database or a page might misread is kept as it is', async () => {
    const odd = `'); DROP TABLE people_system;-- <script>alert(1)</script> "\\ \u202e 𠮷`
    await all['gx-bm']!.post('/api/v1/systems', { id: 'odd-name', name: odd })
    const { items } = await all['gx-bm']!.get('/api/v1/systems')
    expect(items.find((s: any) => s.id === 'odd-name').name).toBe(odd)
    const zero = await all['gx-bm']!.call('POST', '/api/v1/systems', { body: { id: 'odd-zero', name: 'a\u0000b' } })
    expect([400, 422]).toContain(zero.status)
  })
})

describe('again and stale', () => {
  test('a retried write happens once, also when the retries race', async () => {
    const ask = { body: { id: 'once-only', name: '只登记一次' }, headers: { 'Idempotency-Key': 'k-1' } }
    const replies = await Promise.all(Array.from({ length: 12 }, () => all['gx-bm']!.call('POST', '/api/v1/systems', ask)))
    expect(new Set(replies.map((r) => r.status)).size).toBe(1)
    expect(replies[0]!.status).toBeLessThan(300)
    expect(new Set(replies.map((r) => r.text)).size).toBe(1)
    expect(await acts({ object_kind: 'system', object: 'once-only' })).toHaveLength(1)
    // Again, later: the same answer. Without the key: a second registration is a conflict.
    expect((await all['gx-bm']!.call('POST', '/api/v1/systems', ask)).text).toBe(replies[0]!.text)
    expect((await all['gx-bm']!.call('POST', '/api/v1/systems', { body: ask.body })).status).toBe(409)
  })
  test('the same key with another body, or on another path, is a conflict; another account’s keys are its own', async () => {
    const headers = { 'Idempotency-Key': 'k-1' }
    const other = await all['gx-bm']!.call('POST', '/api/v1/systems', { body: { id: 'once-more', name: '又一个' }, headers })
    expect(told(other)).toEqual([409, 'conflict'])
    expect(other.body.field).toBe('Idempotency-Key')
    const path = await all['gx-bm']!.call('POST', '/api/v1/datasets', { body: description('once-set', '一次', []), headers })
    expect(path.status).toBe(409)
    expect((await all['zg-bm']!.call('POST', '/api/v1/systems', { body: { id: 'zg-own', name: '资规' }, headers })).status).toBeLessThan(300)
    const { items } = await all['gx-bm']!.get('/api/v1/systems')
    expect(items.map((s: any) => s.id)).not.toContain('once-more')
  })
  test('a refused write leaves the key free; a secret is not kept for a retry', async () => {
    const headers = { 'Idempotency-Key': 'k-2' }
    expect((await all['gx-bm']!.call('POST', '/api/v1/systems', { body: { id: 'K2', name: '不合规' }, headers })).status).toBe(422)
    expect((await all['gx-bm']!.call('POST', '/api/v1/systems', { body: { id: 'k2', name: '合规' }, headers })).status).toBeLessThan(300)
    const ask = { body: { name: '令牌', scopes: ['catalog:read'], days: 1 }, headers: { 'Idempotency-Key': 'k-3' } }
    const first = await all['gx-bm']!.post('/api/v1/me/tokens', ask.body, { headers: ask.headers })
    const again = await all['gx-bm']!.call('POST', '/api/v1/me/tokens', ask)
    expect(again.status).toBe(409)
    expect(again.text).not.toContain(first.token)
    expect((await all['gx-bm']!.call('POST', '/api/v1/me/tokens', { ...ask, headers: { 'Idempotency-Key': 'x'.repeat(201) } })).status).toBe(422)
  })
  test('an edit names the version it saw: without it 428, of an old one 412, of two at once one wins', async () => {
    const d = description('stale-set', '版本测试', [])
    await all['gx-bm']!.post('/api/v1/datasets', d)
    const at = '/api/v1/datasets/stale-set'
    const got = await all['gx-bm']!.call('GET', at)
    expect(got.headers.get('etag')).toBe(`"v${got.body.version}"`)
    expect(told(await all['gx-bm']!.call('PUT', at, { body: d }))).toEqual([428, 'need_match'])
    for (const version of ['"v0"', '"v999"', '"abc"', 'v1', 'W/"v1"']) {
      const r = await all['gx-bm']!.call('PUT', at, { body: d, version })
      expect(r.status, version).toBe(412)
      both(r)
    }
    const race = await Promise.all(Array.from({ length: 8 }, (_, i) => all['gx-bm']!.call('PUT', at, { body: { ...d, title_zh: `版本测试 ${i}` }, version: got.body.version })))
    expect(race.map((r) => r.status).sort()).toEqual([200, ...Array(7).fill(412)])
    const winner = race.findIndex((r) => r.status === 200)
    expect((await all['gx-bm']!.get(at)).title_zh).toBe(`版本测试 ${winner}`)
  })
})

// GBK has no encoder here, but a decoder: turned round.
function gbk(text: string): Buffer {
  const table = new Map<string, [number, number]>()
  const decoder = new TextDecoder('gbk')
  for (let a = 0x81; a < 0xff; a++) for (let b = 0x40; b < 0xff; b++) if (b !== 0x7f) table.set(decoder.decode(Uint8Array.of(a, b)), [a, b])
  return Buffer.from([...text].flatMap((c) => (c < '\x80' ? [c.charCodeAt(0)] : table.get(c)!)))
}
const utf16 = (text: string, big = false): Buffer => {
  const b = Buffer.from('\uFEFF' + text, 'utf16le')
  return big ? b.swap16() : b
}

describe('files', () => {
  const ID = 'load-files'
  const columns = [
    { id: 'uscc', zh: '统一社会信用代码', type: 'text', key: true, element: 'uscc' },
    { id: 'firm_name', zh: '企业名称', type: 'text', element: 'firm_name' },
    { id: 'note', zh: '备注', type: 'text', length: 200 },
    { id: 'day', zh: '日期', type: 'date' },
    { id: 'amount', zh: '数量', type: 'int' },
  ]
  const rs = (): Client => all['rs-bm']!
  const kept = async (id = ID): Promise<any[]> => (await rs().get(`/api/v1/datasets/${id}/preview`, { limit: 100, reason: '核对' })).items
  beforeAll(async () => {
    await compile(rs(), description(ID, '文件测试', columns))
  })
  const names = ['样例甲', '样例乙', '样例丙']
  const lines = (sep: string, end: string, note = (i: number): string => `第${i}条`): string =>
    [['统一社会信用代码', '企业名称', '备注', '日期', '数量'], ...names.map((n, i) => [uscc(i), n, note(i), `2026-0${i + 1}-15`, String(i - 1)])].map((r) => r.join(sep)).join(end) + end
  const quoted = (i: number): string => `"第${i}条,\r\n""引号""与换行"`
  const cases: [string, Uint8Array, string, (i: number) => string][] = [
    ['UTF-8', Buffer.from(lines(',', '\n')), 'utf-8', (i) => `第${i}条`],
    ['UTF-8 with BOM and CRLF', Buffer.from('\uFEFF' + lines(',', '\r\n')), 'utf-8', (i) => `第${i}条`],
    ['old Mac line ends', Buffer.from(lines(',', '\r')), 'utf-8', (i) => `第${i}条`],
    ['semicolons', Buffer.from(lines(';', '\n')), 'utf-8', (i) => `第${i}条`],
    ['tabs', Buffer.from(lines('\t', '\n')), 'utf-8', (i) => `第${i}条`],
    ['GBK', gbk(lines(',', '\r\n')), 'gb', (i) => `第${i}条`],
    ['UTF-16 little-endian', utf16(lines(',', '\r\n')), 'utf-16', (i) => `第${i}条`],
    ['UTF-16 big-endian', utf16(lines('\t', '\r\n'), true), 'utf-16', (i) => `第${i}条`],
    ['quoted separators, quotes and new lines', Buffer.from(lines(',', '\r\n', quoted)), 'utf-8', (i) => `第${i}条,\r\n"引号"与换行`],
  ]
  for (const [what, bytes, encoding, note] of cases)
    test(`${what}: three rows as they were meant`, async () => {
      const load = await upload(rs(), ID, 'x.csv', bytes)
      expect(load.encoding.toLowerCase()).toContain(encoding)
      const checked = await check(rs(), load)
      expect([checked.good_n, checked.bad_n], JSON.stringify(checked.reasons)).toEqual([3, 0])
      await commit(rs(), load)
      const rows = await kept()
      expect(rows.map((r) => [r.uscc, r.firm_name, r.day, r.amount])).toEqual(names.map((n, i) => [uscc(i), n, `2026-0${i + 1}-15`, i - 1]))
      expect(rows.map((r) => r.note.replace(/\r?\n/g, '\n'))).toEqual(names.map((_, i) => note(i).replace(/\r?\n/g, '\n')))
    })
  test('Latin-1, told', async () => {
    const text = `uscc,firm_name,note\n${uscc(5)},Café Müller,naïve\n`
    const load = await upload(rs(), ID, 'x.csv', Buffer.from(text, 'latin1'), { encoding: 'latin-1' })
    await check(rs(), load)
    await commit(rs(), load)
    expect((await kept()).map((r) => [r.firm_name, r.note])).toEqual([['Café Müller', 'naïve']])
  })
  test('XLSX: dates, numbers, a second sheet', async () => {
    const rows = [['统一社会信用代码', '企业名称', '备注', '日期', '数量'], ...names.map((n, i) => [uscc(i + 20), n, '来自<表格>&', { date: 46037 + i }, i * 10])]
    const load = await upload(rs(), ID, '样例.xlsx', book([['一月', sheet([['别的']])], ['二月', sheet(rows)]]))
    expect(load.sheets).toEqual(['一月', '二月'])
    await rs().ok('PUT', `/api/v1/loads/${load.load}/mapping`, { body: { sheet: '二月' } })
    const again = await rs().get(`/api/v1/loads/${load.load}`)
    const checked = await check(rs(), again)
    expect([checked.good_n, checked.bad_n], JSON.stringify(checked.reasons)).toEqual([3, 0])
    await commit(rs(), load)
    expect((await kept()).map((r) => [r.firm_name, r.note, r.day, r.amount])).toEqual(names.map((n, i) => [n, '来自<表格>&', `2026-01-${15 + i}`, i * 10]))
  })
  test('hostile and broken spreadsheets are refused, quickly, and leave nothing', async () => {
    const before = (await rs().get(`/api/v1/datasets/${ID}/loads`)).items.length
    const spaces = Buffer.alloc(96 << 20, 0x20)
    const head = sheet([['a']])
    const [open, close] = head.split('<sheetData>')
    const bomb = Buffer.concat([Buffer.from(`${open}<sheetData>`), spaces, Buffer.from(close!)])
    const laughs = `<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet><sheetData><row><c t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>`
    const file = `<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet><sheetData><row><c t="inlineStr"><is><t>&x;</t></is></c></row></sheetData></worksheet>`
    const good = book([['一', sheet([['uscc'], [uscc(1)]])]])
    const hostile: [string, Uint8Array][] = [
      ['a bomb: 96 MB of blanks in 100 KB', book([['一', bomb]])],
      ['a part that is larger than it says', book([['一', bomb]], [], 1000)],
      ['entities that swell', book([['一', laughs]])],
      ['an entity that reads a file', book([['一', file]])],
      ['cut in the middle', good.subarray(0, good.length / 2)],
      ['no ZIP at all', Buffer.from('PK\x03\x04 but nothing else')],
      ['a ZIP that is no spreadsheet', zip([{ name: '../../../../tmp/x', text: 'x' }])],
      ['an old or encrypted one', Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(4096)])],
      ['a bit turned', Buffer.from(good.map((b, i) => (i === Math.floor(good.length * 0.8) ? b ^ 0x10 : b)))],
    ]
    for (const [what, bytes] of hostile) {
      const began = Date.now()
      const r = await rs().call('POST', `/api/v1/datasets/${ID}/loads`, { raw: bytes, query: { name: 'x.xlsx' } })
      // One turned bit may hit what nobody reads; anything else must be found.
      if (what !== 'a bit turned') expect([413, 422], `${what}: ${r.text.slice(0, 300)}`).toContain(r.status)
      if (r.status !== 201) both(r)
      expect(r.text).not.toContain('root:')
      expect(Date.now() - began, what).toBeLessThan(5000)
    }
    const after = (await rs().get(`/api/v1/datasets/${ID}/loads`)).items.length
    expect(after).toBeLessThanOrEqual(before + 1)
  })
  test('files that are no tables say so', async () => {
    const cases: [string, string | Uint8Array, string][] = [
      ['empty', '', 'load_no_header'],
      ['only blank lines', '\n\n\n', 'load_no_header'],
    ]
    for (const [what, bytes, name] of cases) {
      const r = await rs().call('POST', `/api/v1/datasets/${ID}/loads`, { raw: bytes, query: { name: 'x.csv' } })
      expect(told(r), what).toEqual([422, name])
      both(r)
    }
    // A quote that is never closed spoils the rest of the file, not what stands before it.
    const open = await upload(rs(), ID, 'x.csv', `uscc,firm_name\n${uscc(1)},甲\n"${uscc(2)},乙\n${uscc(3)},丙\n`)
    const checked = await check(rs(), open)
    expect([checked.good_n, checked.bad_n]).toEqual([1, 1])
    expect(checked.reasons.map((x: any) => x.code.replaceAll('-', '_'))).toEqual(['csv_quote'])
    const wrong = await rs().call('POST', `/api/v1/datasets/${ID}/loads`, { raw: Buffer.from('uscc\n\xff\xff\n', 'latin1'), query: { name: 'x.csv', encoding: 'utf-8' } })
    expect(wrong.status).toBe(422)
  })
  test('a second load of the same file changes nothing', async () => {
    const bytes = Buffer.from(lines(',', '\n'))
    const first = await upload(rs(), ID, 'again.csv', bytes)
    await check(rs(), first)
    await commit(rs(), first)
    const before = await rs().get(`/api/v1/datasets/${ID}`)
    const second = await upload(rs(), ID, 'again-copy.csv', bytes)
    expect(second.same_as).toBe(first.load)
    await check(rs(), second)
    const done = await commit(rs(), second)
    expect(done.same).toBe(true)
    const now = await rs().get(`/api/v1/datasets/${ID}`)
    expect([now.rows, now.updated_ms, now.version]).toEqual([before.rows, before.updated_ms, before.version])
    expect((await acts({ object_kind: 'dataset', object: ID, verb: 'dataset.load' })).filter((a) => a.time_ms > before.updated_ms + 60_000)).toEqual([])
    // A commit said twice happens once.
    expect([200, 409]).toContain((await rs().call('POST', `/api/v1/loads/${first.load}/commit`)).status)
    expect(await kept()).toHaveLength(3)
  })
  test('formulas in cells leave as text', async () => {
    const evil = ['=1+1', '+1+1', '-2+3', '@SUM(A1)', '\t=1', '=cmd|\' /C calc\'!A0', '＝1+1', 'plain']
    const id = 'load-formula'
    await compile(rs(), description(id, '公式测试', columns))
    const text = ['uscc,firm_name,amount', ...evil.map((e, i) => `${uscc(i)},"${e.replaceAll('"', '""')}",-${i}`)].join('\n')
    const load = await upload(rs(), id, 'x.csv', text)
    await check(rs(), load)
    await commit(rs(), load)
    await publish(all, 'rs-bm', 'rs-fz', id)
    const csv = (await all['gx-bm']!.call('GET', `/api/v1/datasets/${id}/download`, { query: { format: 'csv' } })).text.replace(/^\uFEFF/, '').trim()
    const cells = csv.split(/\r?\n/).slice(1).map((l) => /^[^,]*,("(?:[^"]|"")*"|[^,]*)/.exec(l)![1]!.replace(/^"|"$/g, ''))
    expect(cells).toHaveLength(evil.length)
    for (const c of cells) expect(c, c).not.toMatch(/^[=+\-@\t\r＝＋－＠]/)
    expect(cells.at(-1)).toBe('plain')
    expect(csv).toMatch(/,-7,/) // a negative number is a number
    // So do the rows that a program fetches as CSV.
    const a = await apply(all['gjj-jb']!, { items: [{ dataset: id, columns: ['uscc', 'firm_name'] }], matter: 'fund-unit', system: 'gjj-core' })
    const [g] = await grant(all, a.id, { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' })
    const key = (await all['gjj-jb']!.post(`/api/v1/grants/${g}/keys`)).key
    const c = caller(server.url, key, 'gjj-core', 'fund-unit')
    const rows = (await c.call('GET', `/api/v1/exchange/${g}/rows`, { query: { format: 'csv' } })).text
    for (const e of evil.slice(0, 4)) expect(rows).not.toMatch(new RegExp(`,"?${e[0]!.replace(/[+@]/, '\\$&')}`))
    // JSON is no spreadsheet: the values are as they were.
    expect((await c.get(`/api/v1/exchange/${g}/rows`)).items.map((i: any) => i.firm_name)).toEqual(evil.map((e) => e.trim()))
  })
})

describe('foreign requests', () => {
  test('a post from another site, without our token, or with another’s token changes nothing', async () => {
    const body = { items: [{ dataset: 'firm-insured', columns: ['uscc'] }] }
    const c = all['gjj-jb']!
    const bad: Record<string, string>[] = [{ 'X-CSRF-Token': '' }, { 'X-CSRF-Token': all['gx-bm']!.csrf }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]
    for (const headers of bad) {
      const r = await c.call('PUT', '/api/v1/cart', { body, headers })
      expect(told(r), JSON.stringify(headers)).toEqual([403, 'cross_site'])
      both(r)
    }
    expect((await c.get('/api/v1/cart')).items).toEqual([])
    expect((await c.call('PUT', '/api/v1/cart', { body, headers: { 'Sec-Fetch-Site': 'same-origin' } })).status).toBe(200)
    // Nobody is invited to read across origins.
    const r = await c.call('GET', '/api/v1/me', { headers: { Origin: 'https://evil.example' } })
    expect(r.headers.get('access-control-allow-origin')).toBeNull()
  })
  test('tokens and cookies of every wrong form are nobody’s', async () => {
    const wrong = ['Bearer', 'Bearer ', 'Bearer x', 'Bearer gt_', 'Bearer gk_', `Bearer gt_${'A'.repeat(43)}`, `Bearer gk_${'9'.repeat(4000)}`, 'Basic c3lzOnN5cw==', "Bearer gt_' OR 1=1--"]
    for (const Authorization of wrong) {
      const r = await new Client(server.url).call('GET', '/api/v1/datasets', { headers: { Authorization } })
      expect(r.status, Authorization.slice(0, 60)).toBe(401)
    }
    // A header that is no text is no request.
    expect((await new Client(server.url).call('GET', '/api/v1/datasets', { headers: { Authorization: 'Bearer gt_\u00e9' } })).status).toBe(400)
    for (const Cookie of ['gusu_session=', 'gusu_session=x', `gusu_session=${'0'.repeat(64)}`, 'gusu_session=../../etc', 'x=1; gusu_session=; y=2']) expect((await new Client(server.url).call('GET', '/api/v1/datasets', { headers: { Cookie } })).status, Cookie).toBe(401)
  })
  test('an upstream inside the own network is refused when it is registered', async () => {
    const inside = ['http://127.0.0.1/', 'http://localhost:8080/', 'http://[::1]/', 'http://10.1.2.3/', 'http://172.16.0.1/', 'http://192.168.1.1/', 'http://169.254.169.254/latest/meta-data', 'http://0.0.0.0/', 'http://2130706433/', 'http://0x7f.1/', 'http://0177.0.0.1/', 'http://[::ffff:127.0.0.1]/', 'http://[fd00::1]/', 'http://[fe80::1]/', 'http://100.64.0.1/', 'http://224.0.0.1/', `http://127.0.0.1:${server.port}/api/v1/me`]
    const other = ['ftp://example.com/', 'file:///etc/passwd', 'gopher://example.com/', 'javascript:alert(1)', 'http://', 'http://user:pass@example.com/', 'not a url', 'http://exa mple.com/', 'http://example.com\r\nX: y']
    const id = 'upstream-set'
    await all['gx-bm']!.post('/api/v1/datasets', description(id, '上游测试', []))
    for (const url of [...inside, ...other]) {
      const r = await all['gx-bm']!.call('POST', `/api/v1/datasets/${id}/resources`, { body: { kind: 'service', title_zh: '服务', url } })
      expect(r.status, url).toBe(422)
      expect(['url', 'url_inner', 'url_host'], `${url}: ${r.text}`).toContain(code(r))
      if (inside.includes(url)) expect(code(r), url).toBe('url_inner')
      both(r)
    }
    expect((await all['gx-bm']!.get(`/api/v1/datasets/${id}/resources`)).resources).toEqual([])
  })
  test('addresses that climb or hide find nothing', async () => {
    for (const path of ['/../etc/passwd', '/..%2f..%2fetc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/assets/..%5c..%5cx', '/ledger/tile/../../gusu.db', '/ledger/tile/%2e%2e/%2e%2e/key.bin', '/api/v1/datasets/%00', '/api/v1/portal/datasets/plan-text/files/..%2f..%2fkey.bin']) {
      const r = await fetch(server.url + path)
      const text = await r.text()
      expect(text, path).not.toMatch(/root:|SQLite format/)
      // The page's own router answers unknown addresses of the page; nothing else may be 200.
      if (r.status === 200) expect(r.headers.get('content-type'), path).toContain('text/html')
    }
  })
})

describe('the server itself', () => {
  test('two servers on one folder: the second refuses and the first goes on', async () => {
    const second = spawnSync(BIN, ['serve', '--data', server.data, '--port', '0'], { cwd: ROOT, encoding: 'utf8', timeout: 20_000 })
    expect(second.status).not.toBe(0)
    expect(second.stdout + second.stderr).toMatch(/另一个进程.*another process/s)
    // A command is no second server: the first carries it out.
    const load = spawnSync(BIN, ['load', 'packs/suzhou', '--data', server.data], { cwd: ROOT, encoding: 'utf8', timeout: 20_000 })
    expect(load.status, load.stdout + load.stderr).toBe(0)
    expect((await all['gjj-jb']!.call('GET', '/api/v1/cart')).status).toBe(200)
  })
  test('guessing log-ins from one address is stopped for all names, in words that do not tell which exist', async () => {
    const tries: Reply[] = []
    for (let i = 0; i < 60 && tries.at(-1)?.status !== 429; i++) tries.push(await new Client(server.url).call('POST', '/api/v1/login', { body: { login: i % 2 ? `nobody-${i}` : 'mz-bm', password: 'Wrong-pass-1' } }))
    const last = tries.at(-1)!
    const [zh] = new Set(tries.filter((t) => t.status === 401).map((t) => t.body.title_zh))
    expect(new Set(tries.filter((t) => t.status === 401).map((t) => t.body.title_zh)).size, zh).toBe(1)
    expect(told(last)).toEqual([429, 'too_many_tries'])
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
    both(last)
  })
})

describe('large bodies', () => {
  const large = Buffer.alloc(400_000, 0x61)
  const send = (path: string, headers: Record<string, string>): Promise<Response> =>
    fetch(server.url + path, { method: 'POST', body: large, headers })
  test('nobody is refused before the body is let in', async () => {
    const r = await send('/api/v1/datasets/area-street/loads?name=x.csv', { 'content-type': 'application/octet-stream' })
    expect(r.status).toBe(401)
    expect((await r.json()).code).toBe('not-logged-in')
  })
  test('a public interface takes a large body only from somebody who is known', async () => {
    const r = await send('/api/3/action/resource_create', { 'content-type': 'multipart/form-data; boundary=x' })
    expect(r.status).toBe(413)
  })
})
