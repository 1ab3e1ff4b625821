// SPDX-License-Identifier: MulanPSL-2.0
// What changes under a grant that is in use: the very next call follows it. A column graded up is masked at once, a
// data set withdrawn serves nobody, a system that ended calls no more, new rows come in without a page told twice; and
// whoever waits for something hears of it without asking.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, type Server } from '../lib/server'
import { caller, Client, login } from './client'
import { apply, cast, check, commit, compile, description, grant, publish, told, uscc, upload, type Cast, type Column } from './walk'

let server: Server
let all: Cast
const who = (name: string): Client => all[name]!
const ID = 'living-set'
const columns: Column[] = [
  { id: 'uscc', zh: '统一社会信用代码', type: 'text', key: true, element: 'uscc' },
  { id: 'firm_name', zh: '单位名称', type: 'text', element: 'firm_name' },
  { id: 'note', zh: '备注', type: 'text', length: 50 },
]
const PEOPLE = { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' }
let g: number
let call: (query?: Record<string, string | number>) => Promise<any>
const rows = (from: number, n: number, note = '一'): string => ['uscc,firm_name,note', ...Array.from({ length: n }, (_, i) => `${uscc(from + i)},样例${from + i},${note}`)].join('\n')
async function load(text: string, mode: string): Promise<void> {
  const l = await upload(who('rs-bm'), ID, 'x.csv', text)
  const checked = await check(who('rs-bm'), l, mode)
  expect(checked.bad_n, JSON.stringify(checked.reasons)).toBe(0)
  await commit(who('rs-bm'), l)
}
async function lend(system: string): Promise<[number, (query?: Record<string, string | number>) => Promise<any>]> {
  const a = await apply(who('gjj-jb'), { items: [{ dataset: ID, columns: ['uscc', 'firm_name', 'note'] }], matter: 'fund-unit', system })
  const [id] = (await grant(all, a.id, PEOPLE, { rate_per_s: 1000 })) as [number]
  const c = caller(server.url, (await who('gjj-jb').post(`/api/v1/grants/${id}/keys`)).key, system, 'fund-unit')
  return [id, (query = {}) => c.call('GET', `/api/v1/exchange/${id}/rows`, { query })]
}
beforeAll(async () => {
  server = await start()
  all = await cast(server.url, ['rs-bm', 'rs-fz', 'gjj-jb', 'gjj-fz', 'sj-sh', 'sj-gl', 'mz-bm', 'sys'])
  await compile(who('rs-bm'), description(ID, '运行中的变化', columns))
  await load(rows(0, 30), 'replace')
  await publish(all, 'rs-bm', 'rs-fz', ID)
  for (const id of ['gjj-core', 'gjj-old']) await who('gjj-jb').post('/api/v1/systems', { id, name: id })
  ;[g, call] = await lend('gjj-core')
})
afterAll(() => server.stop())

describe('under a running grant', () => {
  test('rows added while a program pages: each row that was there throughout comes exactly once', async () => {
    const seen: string[] = []
    let next: string | undefined
    for (let page = 0; page === 0 || next; page++) {
      const r = await call({ limit: 7, ...(next ? { after: next } : {}) })
      expect(r.status, r.text).toBe(200)
      seen.push(...r.body.items.map((i: any) => i.uscc))
      next = r.body.next
      if (page === 1) await load(rows(100, 20), 'append')
    }
    expect(new Set(seen).size).toBe(seen.length)
    for (let i = 0; i < 30; i++) expect(seen).toContain(uscc(i))
  })
  test('a whole new file under the program: the next call serves it, and nothing of the old', async () => {
    await load(rows(200, 5, '新'), 'replace')
    const r = await call({ limit: 100 })
    expect(r.body.items.map((i: any) => i.uscc)).toEqual([200, 201, 202, 203, 204].map(uscc))
  })
  test('a column graded up is masked from its publication on; before, the live edition stands', async () => {
    const at = `/api/v1/datasets/${ID}`
    const work = await who('rs-bm').get(at)
    const higher = columns.map((c) => (c.id === 'note' ? { ...c, grade: 'L3' } : c))
    await who('rs-bm').put(at, description(ID, '运行中的变化', higher), work.version)
    expect((await call({ limit: 1 })).body.items[0].note).toBe('新')
    await publish(all, 'rs-bm', 'rs-fz', ID)
    const now = await call({ limit: 1 })
    expect(now.status, now.text).toBe(200)
    expect(now.body.items[0].note).toBe('***')
    expect(told(await call({ note: '新' }))).toEqual([403, 'column_masked'])
    const preview = await who('mz-bm').get(`${at}/preview`, { limit: 1 })
    expect(preview.items[0].note).toBe('***')
  })
  test('a registered system that its office ends calls no more; others go on', async () => {
    const [, old] = await lend('gjj-old')
    expect((await old({ limit: 1 })).status).toBe(200)
    const { items } = await who('gjj-jb').get('/api/v1/systems')
    const s = items.find((i: any) => i.id === 'gjj-old')
    await who('gjj-jb').ok('PATCH', '/api/v1/systems/gjj-old', { body: { state: 'ended' }, version: s.version })
    expect((await old({ limit: 1 })).status).toBeGreaterThanOrEqual(401)
    expect((await call({ limit: 1 })).status).toBe(200)
  })
  test('an account that is disabled is out at its next request', async () => {
    const { items } = await who('sys').get('/api/v1/accounts', { q: 'mz-bm' })
    expect((await who('mz-bm').call('GET', '/api/v1/datasets')).status).toBe(200)
    await who('sys').ok('PATCH', `/api/v1/accounts/${items[0].id}`, { body: { state: 'disabled' }, version: items[0].version })
    expect((await who('mz-bm').call('GET', '/api/v1/datasets')).status).toBe(401)
  })
  test('a data set that is withdrawn serves nobody and is found by nobody, but its history stays', async () => {
    await who('rs-fz').post(`/api/v1/datasets/${ID}/withdraw`, { reason: '职责已划转' })
    const r = await call({ limit: 1 })
    expect([r.status, r.body.items], r.text).toEqual([404, undefined])
    expect((await who('gjj-jb').get('/api/v1/datasets', { q: '运行中的变化' })).items.filter((i: any) => i.state === 'published')).toEqual([])
    expect((await who('gjj-jb').get(`/api/v1/grants/${g}/calls`, { limit: 5 })).items.length).toBe(5)
  })
})

describe('announced', () => {
  // Reads events of one listener until `n` of the wanted name have come, then hangs up.
  async function listen(c: Client, then: () => Promise<void>, wanted: string, n: number): Promise<string[]> {
    const stop = new AbortController()
    const r = await fetch(`${server.url}/api/v1/events`, { headers: { Cookie: c.cookie }, signal: stop.signal })
    expect(r.headers.get('content-type')).toContain('text/event-stream')
    const reader = r.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const doing = then()
    const names = (): string[] => [...text.matchAll(/^event: (\S+)$/gm)].map((m) => m[1]!)
    while (names().filter((x) => x === wanted).length < n) {
      const { value, done } = await reader.read()
      if (done) break
      text += value
    }
    await doing
    stop.abort()
    return names()
  }
  test('whoever it waits for hears of it; an office hears of nothing that is not its own', async () => {
    const a = await apply(who('gjj-jb'), { items: [{ dataset: 'firm-insured', columns: ['uscc'] }], matter: 'fund-unit', system: 'gjj-core' })
    const heard = await listen(
      who('rs-bm'),
      async () => {
        await who('gjj-jb').post(`/api/v1/applications/${a.id}/submit`) // the provider's office is not concerned yet
        await who('gjj-fz').post(`/api/v1/applications/${a.id}/sign`)
        await who('sj-sh').post(`/api/v1/applications/${a.id}/check`, { pass: true })
      },
      'application.moved',
      1,
    )
    expect(heard).toEqual(['application.moved'])
    expect((await who('rs-bm').get('/api/v1/todo')).items.some((t: any) => t.id === a.id && t.step === 'answer')).toBe(true)
  })
  test('whoever is logged out while he listens hears nothing more', async () => {
    const c = await login(server.url, 'sj-sh') // looks over all offices
    const r = await fetch(`${server.url}/api/v1/events`, { headers: { Cookie: c.cookie } })
    const reader = r.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toContain('retry:')
    await c.post('/api/v1/logout')
    await who('rs-bm').post('/api/v1/datasets', description('after-logout', '退出之后', columns))
    await who('rs-bm').post('/api/v1/datasets/after-logout/submit')
    let text = ''
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break // the server hangs up instead of telling
      text += value
    }
    expect(text).not.toContain('event:')
  })
  test('nobody listens without a log-in', async () => {
    const r = await fetch(`${server.url}/api/v1/events`)
    expect(r.status).toBe(401)
    await r.text()
  })
})

describe('replies about people and offices are nobody’s to keep', () => {
  test('no cache on the way keeps them', async () => {
    for (const path of ['/api/v1/me', '/api/v1/datasets', '/api/v1/applications', `/api/v1/datasets/firm-insured/preview`]) {
      const r = await who('rs-bm').call('GET', path)
      expect(r.headers.get('cache-control') ?? '', path).toMatch(/no-store|private/)
      expect(r.headers.get('x-content-type-options'), path).toBe('nosniff')
    }
  })
})
