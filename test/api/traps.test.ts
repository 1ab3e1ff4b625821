// SPDX-License-Identifier: MulanPSL-2.0
// What a practitioner of Suzhou looks at in the first minute (the table of traps in the pack's notes), as the data
// sets say it: people.test.ts asks the same of the areas themselves, and ends an office.
import { describe, expect, inject, test } from 'vitest'
import { Client, login } from './client'

const url = inject('url')
const c = new Client(url)
const meta = (id: string): Promise<any> => c.get(`/api/v1/portal/datasets/${id}`)
async function rows(id: string, query: Record<string, string | number> = {}): Promise<any[]> {
  const all: any[] = []
  let after: string | undefined
  do {
    const page = await c.get(`/api/v1/portal/datasets/${id}/preview`, { limit: 1000, after, ...query })
    all.push(...page.items)
    after = page.next
  } while (after)
  return all
}
const count = (list: any[], by: (r: any) => string): Record<string, number> => {
  const n: Record<string, number> = {}
  for (const r of list) n[by(r)] = (n[by(r)] ?? 0) + 1
  return n
}

describe('areas as data sets', () => {
  test('10 板块 of three kinds; the Industrial Park is no division and firms register there under another code', async () => {
    const d = await rows('area-district')
    expect(d).toHaveLength(10)
    expect(Object.values(count(d, (r) => r.kind)).sort()).toEqual([1, 4, 5])
    const park = d.find((r) => r.code === '320576')
    expect(park).toMatchObject({ is_admin: false, reg_code: '320594' })
    expect(d.filter((r) => r.is_admin)).toHaveLength(9)
    expect((await meta('area-district')).title_zh).toContain('板块')
  })
  test('118 township-level units, 44 and 47 and 27 counted apart; it is a list for statistics and says so', async () => {
    const s = await rows('area-street')
    expect(s).toHaveLength(118)
    expect(Object.values(count(s, (r) => r.kind)).sort()).toEqual([27, 44, 47])
    for (const id of ['area-district', 'area-street', 'area-community']) expect((await meta(id)).title_zh, id).toContain('统计用区划')
  })
  test('2,248 communities; names repeat, codes do not; Kunshan has nine rows and says why', async () => {
    const all = await rows('area-community')
    expect(all).toHaveLength(2248)
    expect(new Set(all.map((r) => r.code)).size).toBe(2248)
    const twice = Object.values(count(all, (r) => r.name)).filter((n) => n > 1)
    expect(twice.length).toBe(105)
    expect((await rows('area-street', { district: '320583' })).length).toBe(9)
    const kunshan = await c.get('/api/v1/areas/320583401')
    expect(kunshan.name).toContain('旅游度假区')
    expect(kunshan.note).toMatch(/周庄.*锦溪.*淀山湖/)
  })
  test('320571 became 320576, and 320594 stands beside it; the list of changes has the source', async () => {
    const changes = await rows('area-change')
    const park = changes.find((r) => r.old_code === '320571')
    expect(park).toMatchObject({ new_code: '320576' })
    expect(park.basis.length).toBeGreaterThan(3)
    expect(changes.some((r) => r.old_code === '320594' || r.new_code === '320594' || /320594/.test(JSON.stringify(r)))).toBe(true)
    expect((await c.get('/api/v1/areas/320571')).code).toBe('320576')
  })
  test('nine polygons for ten 板块: the one without a line is covered by another, and the map says what it is', async () => {
    const bm = await login(url, 'rs-bm')
    const map = await bm.get('/api/v1/datasets/area-boundary/boundary')
    expect(map.features).toHaveLength(9)
    const codes = map.features.map((f: any) => f.properties.code)
    expect(codes).not.toContain('320576')
    expect(map.features.find((f: any) => f.properties.code === '320508').properties.covers).toContain('320576')
    // Around the city, in degrees of CGCS2000.
    const flat = JSON.stringify(map.features.map((f: any) => f.geometry.coordinates)).match(/\[(\d+\.\d+),(\d+\.\d+)\]/g)!
    for (const p of flat) {
      const [x, y] = JSON.parse(p)
      expect(x > 119.5 && x < 121.5 && y > 30.5 && y < 32.2, p).toBe(true)
    }
    const d = await meta('area-boundary')
    expect(d.open).toBe('conditional') // public display wants a base map with 审图号
    const notices = d.notices.map((n: any) => n.zh + n.en).join()
    expect(notices).toMatch(/示意/)
    expect(notices).toMatch(/审图号/)
  })
})

describe('offices', () => {
  test('ended offices lead to their successor; what they owned is the successor’s, under its name of today', async () => {
    for (const id of ['sz-bigdata', 'sz-approval']) expect(await c.get(`/api/v1/offices/${id}`)).toMatchObject({ successor: 'sz-data', valid_to: expect.stringMatching(/^2024/) })
    expect(await meta('service-matter')).toMatchObject({ office: 'sz-data', office_name: '苏州市数据局' })
    const register = await rows('office-register')
    expect(register.find((r) => r.office_id === 'sz-approval')).toMatchObject({ successor: 'sz-data' })
    // No code of an office is invented: empty until filled from the public register.
    expect(register.every((r) => !r.uscc)).toBe(true)
  })
})

describe('honesty', () => {
  test('generated data are marked in the list, the page, the file name and each row of an export', async () => {
    const bm = await login(url, 'rs-bm')
    const { items } = await bm.get('/api/v1/datasets', { limit: 100 })
    const made = items.filter((i: any) => i.synthetic).map((i: any) => i.id).sort()
    expect(made).toEqual(['city-part', 'firm-insured', 'firm-permit', 'firm-registration', 'person-base', 'subsistence'])
    for (const id of made) {
      const d = await bm.get(`/api/v1/datasets/${id}`)
      expect(d.seed, id).toBeGreaterThan(0)
      expect(d.abstract_zh, id).toContain('合成数据')
    }
    const file = await bm.call('GET', '/api/v1/datasets/firm-permit/download', { query: { format: 'csv' } })
    expect(decodeURIComponent(file.headers.get('content-disposition')!)).toMatch(/synthetic/)
    expect(file.text.split(/\r?\n/)[0]).toMatch(/synthetic/)
  })
  test('eighteen data sets, their rows as promised, seeded faults found', async () => {
    const bm = await login(url, 'rs-bm')
    const want: Record<string, number> = { 'area-district': 10, 'area-street': 118, 'area-community': 2248, 'area-boundary': 9, 'workday-calendar': 769, 'plan-target': 82, 'garden-heritage': 9, 'firm-registration': 5000, 'firm-permit': 8000, 'firm-insured': 90000, 'person-base': 20000, subsistence: 1500, 'city-part': 6000, 'stat-micro': 0 }
    const { items } = await bm.get('/api/v1/datasets', { limit: 100, state: 'published' })
    const rows = Object.fromEntries(items.map((i: any) => [i.id, i.rows]))
    for (const [id, n] of Object.entries(want)) expect(rows[id], id).toBe(n)
    for (const id of ['plan-text', 'office-register', 'service-matter', 'area-change']) expect(rows, id).toHaveProperty(id)
    const bad = async (id: string, check: RegExp): Promise<number> => (await bm.get(`/api/v1/datasets/${id}`)).quality.checks.filter((k: any) => check.test(`${k.id} ${k.column}`)).reduce((s: number, k: any) => s + k.bad, 0)
    expect(await bad('firm-registration', /uscc/)).toBeGreaterThanOrEqual(12)
    expect(await bad('firm-permit', /order|valid|decided|ends/)).toBe(6)
    expect(await bad('subsistence', /head-alive/)).toBe(3)
    expect(await bad('city-part', /inside|community/)).toBe(15)
  })
  test('figures that can be below 100 %: some entries are owed, one is compiled and has nothing attached', async () => {
    const f = await (await login(url, 'sj-gl')).get('/api/v1/catalog/figures')
    expect(f.completeness).toBeGreaterThan(0.5)
    expect(f.completeness).toBeLessThan(1)
    expect(f.attach_rate).toBeLessThan(1)
    expect(f.missing.length).toBeGreaterThanOrEqual(3)
    expect(f.unattached.length).toBeGreaterThanOrEqual(1)
  })
  test('working days: a due date is over a make-up day as the State Council set it, and the last known year is told', async () => {
    const days = await rows('workday-calendar')
    expect(Object.values(count(days, (r) => r.kind)).sort((a, b) => a - b)).toEqual([150, 619])
    const me = await c.get('/api/v1/me')
    const last = Math.max(...days.map((r) => r.year))
    if (new Date(me.now_ms).getUTCFullYear() >= last) expect(me.workday_warning).toMatchObject({ last_year: last })
    else expect(me.workday_warning ?? null).toBeNull()
  })
})
