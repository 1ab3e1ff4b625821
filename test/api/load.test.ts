// SPDX-License-Identifier: MulanPSL-2.0
// Rows over the wire, on the real pack: the load wizard from the upload to the flip, and what the public, a log-in and
// the provider see of a data set's rows. It has a server of its own, since it replaces data that other tests count.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT, start, type Server } from '../lib/server'
import { Client, login } from './client'

let server: Server
beforeAll(async () => {
  server = await start()
})
afterAll(async () => {
  await server.stop()
})
const anybody = (): Client => new Client(server.url)
const as = (name: string): Promise<Client> => login(server.url, name)
const source = (id: string): string => readFileSync(join(ROOT, 'packs/suzhou/built/datasets', id, 'data.csv'), 'utf8')

interface Column {
  n: number
  column: string | null
  unit?: string
}
const mapping = (load: { columns: Column[] }, mode: string): object => ({
  mode,
  columns: load.columns.filter((c) => c.column).map((c) => ({ n: c.n, column: c.column, unit: c.unit ?? 'fen' })),
})
const upload = (c: Client, id: string, raw: string | Uint8Array, name = 'x.csv'): Promise<any> =>
  c.ok('POST', `/api/v1/datasets/${id}/loads`, { raw, type: 'text/csv', query: { name } })

describe('the load wizard', () => {
  test('faulty rows are set aside with row, column and reason; the rest goes live in one flip', async () => {
    const c = await as('rs-bm')
    const before = await c.get('/api/v1/datasets/firm-insured/preview', { limit: 1 })
    expect(before.total).toBe(90000)
    const [head, ...rows] = source('firm-insured').split('\n').slice(0, 6)
    const cells = rows[2]!.split(',')
    const wrong = [cells[0]!.slice(0, 17) + (cells[0]!.endsWith('0') ? '1' : '0'), '202613', ...cells.slice(2)].join(',')
    const body = [head, ...rows, wrong, rows[0], 'too,short', ''].join('\n')
    const up = await upload(c, 'firm-insured', body)
    expect(up.rows).toBe(8)
    expect(up.columns.every((x: Column) => x.column)).toBe(true)
    const checked = await c.put(`/api/v1/loads/${up.load}/mapping`, mapping(up, 'replace'))
    expect(checked).toMatchObject({ state: 'checked', good_n: 5, bad_n: 3, duplicate_n: 1 })
    const bad = await c.get(`/api/v1/loads/${up.load}/bad`)
    expect(bad.items.map((b: any) => [b.row, b.column, b.code])).toEqual([
      [7, 'uscc', 'uscc-check'],
      [7, 'period', 'field-type'],
      [8, 'uscc', 'duplicate-key'],
      [9, null, 'csv-columns'],
    ])
    const file = await c.call('GET', `/api/v1/loads/${up.load}/bad.csv`)
    expect(file.text.trim().split('\r\n')).toHaveLength(5)
    expect((await c.get('/api/v1/datasets/firm-insured/preview', { limit: 1 })).total).toBe(90000)
    const done = await c.post(`/api/v1/loads/${up.load}/commit`)
    expect(done).toMatchObject({ rows: 5, same: false })
    expect(done.entry).toBeGreaterThan(0)
    expect((await c.get('/api/v1/datasets/firm-insured/preview')).items).toHaveLength(5)
    // the same file again: nothing happens, and it says so
    const again = await upload(c, 'firm-insured', body)
    expect(again.same_as).toBe(up.load)
    expect(await c.put(`/api/v1/loads/${again.load}/mapping`, mapping(again, 'replace'))).toMatchObject({ same: true })
    expect(await c.post(`/api/v1/loads/${again.load}/commit`)).toMatchObject({ same: true, rows: 5 })
    expect((await c.call('POST', `/api/v1/loads/${again.load}/commit`)).status).toBe(409)
  })
  test('a whole month in UTF-16 with tabs is appended; a page begun before goes on after it', async () => {
    const c = await as('rs-bm')
    const lines = source('firm-insured').trim().split('\n')
    const extra = [lines[0]!, ...lines.slice(100, 400)].join('\r\n').replaceAll(',', '\t')
    const first = await c.get('/api/v1/datasets/firm-insured/preview', { limit: 2 })
    const up = await upload(c, 'firm-insured', Buffer.from('\ufeff' + extra, 'utf16le'))
    expect(up).toMatchObject({ separator: '\t', rows: 300 })
    await c.put(`/api/v1/loads/${up.load}/mapping`, mapping(up, 'append'))
    expect(await c.post(`/api/v1/loads/${up.load}/commit`)).toMatchObject({ rows: 305 })
    const rest = await c.get('/api/v1/datasets/firm-insured/preview', { limit: 1000, after: first.next })
    expect(rest.items).toHaveLength(303)
  })
  test('what cannot be read is refused with a reason; others may not load', async () => {
    const c = await as('rs-bm')
    for (const raw of ['', 'PK\x03\x04 no workbook', '"never closed'])
      expect((await c.call('POST', '/api/v1/datasets/firm-insured/loads', { raw, type: 'text/csv' })).status).toBe(422)
    for (const who of ['gx-bm', 'rs-fz', 'sys']) {
      const other = await as(who)
      const r = await other.call('POST', '/api/v1/datasets/firm-insured/loads', { raw: 'a,b\n1,2\n', type: 'text/csv' })
      expect(r.status).toBe(403)
    }
    expect((await anybody().call('GET', '/api/v1/loads/1')).status).toBe(401)
  })
})

describe('rows as far as each may see', () => {
  test('the portal pages through every community exactly once', async () => {
    const c = anybody()
    const seen = new Set<string>()
    let after: string | undefined
    do {
      const page = await c.get('/api/v1/portal/datasets/area-community/preview', { limit: 500, after, fields: 'code' })
      for (const row of page.items) {
        expect(seen.has(row.code)).toBe(false)
        seen.add(row.code)
      }
      after = page.next
    } while (after)
    expect(seen.size).toBe(2248)
  })
  test('a position belongs to its query and cannot be forged', async () => {
    const c = anybody()
    const path = '/api/v1/portal/datasets/area-community/preview'
    const { next } = await c.get(path, { limit: 5, district: '320508' })
    expect((await c.get(path, { limit: 5, district: '320508', after: next })).items).toHaveLength(5)
    for (const query of [{ after: next }, { after: next, district: '320505' }, { after: 'AAAAAAAAAAXXXXXXXXXXXX' }])
      expect((await c.call('GET', path, { query })).status).toBe(422)
    expect((await c.call('GET', path, { query: { nothing: 'x' } })).body).toMatchObject({ code: 'column-unknown', field: 'nothing' })
  })
  test('three downloads hold the same rows; text in a CSV is never a formula', async () => {
    const c = anybody()
    const path = '/api/v1/portal/datasets/area-street/download'
    const csv = await c.call('GET', path, { query: { format: 'csv', bom: 'true', header: 'zh' } })
    expect(csv.text.split('\r\n')[0]!.replace('\ufeff', '')).toBe('代码,名称,类别,县级代码,版本日期')
    expect(csv.text.trim().split('\r\n')).toHaveLength(119)
    const json = await c.call('GET', path, { query: { format: 'json' } })
    expect(json.body.items).toHaveLength(118)
    expect(json.body).toMatchObject({ dataset: 'area-street', synthetic: false })
    const xlsx = await c.call('GET', path, { query: { format: 'xlsx' } })
    expect(xlsx.text.startsWith('PK')).toBe(true)
  })
  test('conditional openness shows no row; verification shows none to anybody; generated rows say so', async () => {
    const c = anybody()
    expect(await c.get('/api/v1/portal/datasets/firm-registration/preview')).toMatchObject({ items: [], withheld: 'conditional' })
    expect((await c.call('GET', '/api/v1/portal/datasets/firm-registration/download')).status).toBe(403)
    expect((await c.call('GET', '/api/v1/portal/datasets/person-base/preview')).status).toBe(404)
    const officer = await as('gjj-jb')
    expect(await officer.get('/api/v1/datasets/person-base/preview')).toMatchObject({ items: [], withheld: 'verify_only' })
    const csv = await officer.call('GET', '/api/v1/datasets/firm-registration/download')
    const [head, row] = csv.text.split('\r\n')
    expect(head!.split(',')).not.toContain('legal_rep') // 有条件 although the resource is 无条件
    expect(head!.endsWith(',synthetic') && row!.endsWith(',true')).toBe(true)
    expect(csv.headers.get('gusu-synthetic')).toBe('true')
  })
  test('masks follow the grade; masked columns answer no question; the provider gives a reason', async () => {
    const officer = await as('gjj-jb')
    const row = (await officer.get('/api/v1/datasets/subsistence/preview', { limit: 1 })).items[0]
    expect(row.person_name).toMatch(/^.\*+$/)
    expect([row.rid, row.kind, row.amount]).toEqual(['***', '***', null])
    const ask = await officer.call('GET', '/api/v1/datasets/subsistence/preview', { query: { 'members.gte': 3 } })
    expect(ask.body.code).toBe('column-masked')
    expect((await officer.call('GET', '/api/v1/datasets/subsistence/preview', { query: { reason: '核对' } })).status).toBe(403)
    const own = await (await as('mz-bm')).call('GET', '/api/v1/datasets/subsistence/preview', { query: { reason: '核对', limit: 1 } })
    expect(own.body.items[0].rid).toMatch(/^3299\d{2}\*{8}[\dX]{4}$/) // grade 4 stays masked even for its provider
    expect(own.body.items[0].person_name).not.toMatch(/\*/)
    expect(Number(own.headers.get('gusu-entry'))).toBeGreaterThan(0)
  })
  test('boundaries come as GeoJSON to a log-in', async () => {
    const officer = await as('zg-bm')
    const map = await officer.get('/api/v1/datasets/area-boundary/boundary')
    expect(map.features).toHaveLength(9)
    expect(map.features[0].geometry.type).toBe('MultiPolygon')
    expect((await anybody().call('GET', '/api/v1/datasets/area-boundary/boundary')).status).toBe(401)
    expect((await officer.call('GET', '/api/v1/datasets/area-street/boundary')).status).toBe(404)
  })
})
