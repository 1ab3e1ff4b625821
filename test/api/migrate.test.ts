// SPDX-License-Identifier: MulanPSL-2.0
// A city's store moved: every row, proof and page is on the other side, the old store does not start again, and what
// must be refused is refused. The rows are compared here with the engine's own tools, not with gusu's.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, type Server } from '../lib/server'
import { login } from './client'
import { description, gusu } from './walk'

// The moves begin from a file, whatever engine the other tests run on.
const base = process.env.GUSU_TEST_STORE
const scratch = mkdtempSync(join(tmpdir(), 'gusu-migrate-'))
const at = (...names: string[]): string => join(scratch, ...names)
let server: Server | undefined
let receipt = ''
let found = ''

beforeAll(async () => {
  server = await start({ inFile: true, data: at('a') })
  const steward = await login(server.url, 'rs-bm')
  const { entry } = await steward.post('/api/v1/datasets', description('moved', '搬迁测试', [{ id: 'name', zh: '名称', type: 'text' }]))
  receipt = (await steward.call('GET', `/api/v1/ledger/entries/${entry}/receipt`)).text
  found = JSON.stringify((await steward.get('/api/v1/portal/datasets', { q: '公交' })).items.map((i: any) => i.id))
  await server.stop()
  server = undefined
})
afterAll(async () => {
  await server?.stop()
  rmSync(scratch, { recursive: true, force: true })
})

const sql = (folder: string, text: string): string => execFileSync('sqlite3', [join(folder, 'gusu.db'), text], { encoding: 'utf8', maxBuffer: 1 << 28 })
// Everything but the marks of moving and the engine's own pages of the full-text index.
const rows = (folder: string): string => {
  const lines = sql(folder, '.dump').split('\n')
  return createHash('sha256').update(lines.filter((l) => l.startsWith('INSERT') && !/^INSERT INTO '?(app_moved|catalog_search|store_schema)/.test(l)).sort().join('\n')).digest('hex')
}
const search = (folder: string): string => sql(folder, 'select rowid, title, words, body from catalog_search order by rowid')
const shape = (folder: string): string => sql(folder, 'select type, name, tbl_name from sqlite_schema order by 1, 2')
const rest = (from: string, to: string): void => {
  for (const n of readdirSync(from)) if (!n.startsWith('gusu.') && n !== 'lock') cpSync(join(from, n), join(to, n), { recursive: true })
}

describe('from one file to another', () => {
  test('every row, every table and index, the full text', () => {
    const r = gusu('migrate', '--from', at('a'), '--to', at('b'))
    expect(r.status, r.text).toBe(0)
    expect(r.text).toMatch(/the same on both sides/)
    expect(readdirSync(at('b'))).toEqual(['gusu.db'])
    expect(rows(at('b'))).toBe(rows(at('a')))
    expect(search(at('b'))).toBe(search(at('a')))
    expect(shape(at('b'))).toBe(shape(at('a')))
  })
  test('the old store does not start again, nor move again', () => {
    const no = gusu('serve', '--data', at('a'), '--port', '0')
    expect(no.status).toBe(1)
    expect(no.text).toMatch(/moved away/)
    const again = gusu('migrate', '--from', at('a'), '--to', at('c'))
    expect(again.status).toBe(1)
    expect(existsSync(at('c'))).toBe(false)
  })
  test('the new one serves: proofs of before hold, people log in, what was found is found', async () => {
    rest(at('a'), at('b'))
    expect(gusu('verify', at('b')).status).toBe(0)
    writeFileSync(at('before.tlog-proof'), receipt)
    expect(gusu('verify', at('before.tlog-proof'), '--data', at('b')).status).toBe(0)
    server = await start({ inFile: true, data: at('b'), pack: null })
    const c = await login(server.url, 'rs-bm')
    expect((await c.get('/api/v1/datasets/moved')).id).toBe('moved')
    expect(JSON.stringify((await c.get('/api/v1/portal/datasets', { q: '公交' })).items.map((i: any) => i.id))).toBe(found)
  })
  test('a store in use, an occupied target and a missing source are refused, and nothing is left', async () => {
    expect(gusu('migrate', '--from', at('b'), '--to', at('c')).status).toBe(1)
    await server!.stop()
    server = undefined
    expect(gusu('migrate', '--from', at('b'), '--to', at('a')).text).toMatch(/nothing is written over/)
    expect(gusu('migrate', '--from', at('none'), '--to', at('c')).status).toBe(1)
    expect(existsSync(at('none'))).toBe(false)
    expect(existsSync(at('c'))).toBe(false)
  })
  test('a broken row is no success: the source stays what it was', () => {
    mkdirSync(at('broken'))
    cpSync(at('b', 'gusu.db'), at('broken', 'gusu.db'))
    sql(at('broken'), 'pragma writable_schema=on; create table r_999999(a text)')
    const r = gusu('migrate', '--from', at('broken'), '--to', at('c'))
    expect(r.status).toBe(1)
    expect(r.text).toMatch(/r_999999: no primary key/)
    expect(existsSync(at('c'))).toBe(false)
    expect(sql(at('broken'), 'select count(*) from app_moved').trim()).toBe('0')
  })
})

// With GUSU_TEST_STORE=postgres://… (`make test-pg`): there and back, and everything is as it was.
describe.skipIf(!base)('to PostgreSQL and back', () => {
  const name = `migrate_${process.pid}`
  const url = `${base}${base?.includes('?') ? '&' : '?'}options=-csearch_path%3D${name}`
  const psql = (text: string): string => execFileSync('psql', ['-qXAt', base!, '-c', `set search_path to ${name}; ${text}`], { encoding: 'utf8' }).trim()
  beforeAll(() => {
    mkdirSync(at('there'))
    cpSync(at('b', 'gusu.db'), at('there', 'gusu.db'))
  })
  afterAll(() => psql(`set client_min_messages = error; drop schema if exists ${name} cascade`))
  test('an unfinished move is done again from its beginning', () => {
    cpSync(at('b', 'gusu.db'), at('broken', 'gusu.db'))
    sql(at('broken'), 'pragma writable_schema=on; create table zz_keyless(a text)') // the last in order: all else is there
    expect(gusu('migrate', '--from', at('broken'), '--to', url).status).toBe(1)
    expect(psql('select place from app_moved')).toBe('')
    expect(Number(psql('select count(*) from ledger_entry'))).toBeGreaterThan(10)
  })
  test('there: every row and proof', () => {
    const r = gusu('migrate', '--from', at('there'), '--to', url)
    expect(r.status, r.text).toBe(0)
    expect(psql('select count(*) from app_moved')).toBe('0')
    expect(gusu('migrate', '--from', at('b'), '--to', url).text).toMatch(/nothing is written over/)
    // The next key given out is a new one.
    expect(Number(psql("select nextval(pg_get_serial_sequence('core_act', 'id'))"))).toBe(Number(psql('select max(id) from core_act')) + 1)
  })
  test('and back: the same file as before', () => {
    const r = gusu('migrate', '--from', url, '--to', at('back'))
    expect(r.status, r.text).toBe(0)
    expect(rows(at('back'))).toBe(rows(at('b')))
    expect(search(at('back'))).toBe(search(at('b')))
    expect(shape(at('back'))).toBe(shape(at('b')))
    rest(at('a'), at('back'))
    expect(gusu('verify', at('back')).status).toBe(0)
    expect(gusu('verify', at('before.tlog-proof'), '--data', at('back')).status).toBe(0)
    expect(gusu('migrate', '--from', url, '--to', at('d')).text).toMatch(/moved away/)
  })
})
