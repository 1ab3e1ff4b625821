// SPDX-License-Identifier: MulanPSL-2.0
// Who may do what, written from the roles (what a role may and must not do, issue and pack) and not from the routes:
// the table below is a second opinion. It is held against (1) the routes' own word, x-who in /api/openapi.json, (2)
// what happens when each role tries. A route that stands in no line of the table fails, so that nobody adds one
// without thinking about who. Denied = 401 or 403; anything else means that the door was open.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, type Server } from '../lib/server'
import { caller, Client } from './client'
import { apply, cast, compile, description, grant, gusu, told, type Cast } from './walk'

// S steward, H head of a sharing unit, A applicant, R reviewer, M data authority's manager, C county reviewer,
// T street user; y e u the system, security and audit administrators; d developer, K a program's key, - nobody.
const ACTORS: Record<string, [string, string]> = {
  S: ['rs-bm', 'steward'],
  H: ['rs-fz', 'unit_head'],
  A: ['gjj-jb', 'applicant'],
  R: ['sj-sh', 'reviewer'],
  M: ['sj-gl', 'authority'],
  C: ['ks-sh', 'county_reviewer'],
  T: ['pj-jd', 'street'],
  y: ['sys', 'sysadmin'],
  e: ['sec', 'secadmin'],
  u: ['aud', 'auditor'],
  d: ['dev', 'developer'],
}
const OFFICE = 'SHARMCT' // people of offices: they do the business
const LOGIN = 'SHARMCTyeud' // whoever has an account
const ALL = LOGIN + 'K-'

const matrix: [string, string, string][] = [
  // The public: words and places, the portal, the ledger as strangers may check it.
  ['GET', '/api/v1/health', ALL],
  ['GET', '/api/v1/errors', ALL],
  ['GET', '/api/v1/me', ALL],
  ['POST', '/api/v1/login', ALL],
  ['GET', '/api/v1/areas', ALL],
  ['GET', '/api/v1/areas/{code}', ALL],
  ['GET', '/api/v1/offices', ALL],
  ['GET', '/api/v1/offices/{id}', ALL],
  ['GET', '/api/v1/elements', ALL],
  ['GET', '/api/v1/elements/{id}', ALL],
  ['GET', '/api/v1/codes', ALL],
  ['GET', '/api/v1/codes/{id}', ALL],
  ['GET', '/api/v1/classes', ALL],
  ['GET', '/api/v1/clocks', ALL],
  ['GET', '/api/v1/matters', ALL],
  ['GET', '/api/v1/portal/datasets', ALL],
  ['GET', '/api/v1/portal/datasets/{id}', ALL],
  ['GET', '/api/v1/portal/datasets/{id}/preview', ALL],
  ['GET', '/api/v1/portal/datasets/{id}/download', ALL],
  ['GET', '/api/v1/portal/datasets/{id}/files/{rid}', ALL],
  ['GET', '/api/v1/portal/figures', ALL],
  ['GET', '/api/v1/datasets/{id}/boundary', ALL], // the map; what of it follows openness
  ['GET', '/api/v1/ledger', ALL],
  ['GET', '/api/v1/ledger/blocks', ALL],
  ['GET', '/api/v1/ledger/checkpoints', ALL],
  ['GET', '/api/v1/ledger/search', ALL],
  ['GET', '/api/v1/ledger/keys', ALL],
  ['GET', '/api/v1/ledger/entries', ALL],
  ['GET', '/api/v1/ledger/entries/{n}', ALL],
  ['GET', '/api/v1/ledger/entries/{n}/proof', ALL],
  ['GET', '/api/v1/ledger/entries/{n}/receipt', ALL],
  // Whoever has an account: their own things, and what the city has.
  ['POST', '/api/v1/logout', LOGIN],
  ['POST', '/api/v1/me/password', LOGIN],
  ['GET', '/api/v1/me/tokens', LOGIN],
  ['POST', '/api/v1/me/tokens', LOGIN],
  ['DELETE', '/api/v1/me/tokens/{id}', LOGIN],
  ['GET', '/api/v1/roles', LOGIN],
  ['GET', '/api/v1/events', LOGIN],
  ['GET', '/api/v1/todo', LOGIN],
  ['GET', '/api/v1/datasets', LOGIN],
  ['GET', '/api/v1/datasets/{id}', LOGIN],
  ['GET', '/api/v1/datasets/{id}/resources', LOGIN],
  ['GET', '/api/v1/catalog/figures', LOGIN],
  // Rows: people of offices. Administrators see no business rows, developers no shared ones.
  ['GET', '/api/v1/datasets/{id}/preview', OFFICE],
  ['GET', '/api/v1/datasets/{id}/download', OFFICE],
  ['GET', '/api/v1/datasets/{id}/resources/{rid}/file', OFFICE],
  // Compile and attach: the steward. Sign: the head. Review: one; publish: another.
  ['POST', '/api/v1/datasets', 'S'],
  ['PUT', '/api/v1/datasets/{id}', 'S'],
  ['DELETE', '/api/v1/datasets/{id}', 'S'],
  ['POST', '/api/v1/datasets/{id}/submit', 'S'],
  ['POST', '/api/v1/datasets/{id}/resources', 'S'],
  ['DELETE', '/api/v1/datasets/{id}/resources/{rid}', 'S'],
  ['PATCH', '/api/v1/datasets/{id}/resources/{rid}', 'S'],
  ['POST', '/api/v1/datasets/{id}/resources/{rid}/test', 'S'],
  ['PUT', '/api/v1/datasets/{id}/resources/{rid}/file', 'S'],
  ['POST', '/api/v1/datasets/{id}/loads', 'S'],
  ['GET', '/api/v1/datasets/{id}/loads', 'S'],
  ['GET', '/api/v1/loads/{load}', 'S'],
  ['PUT', '/api/v1/loads/{load}/mapping', 'S'],
  ['GET', '/api/v1/loads/{load}/bad', 'S'],
  ['GET', '/api/v1/loads/{load}/bad.csv', 'S'],
  ['POST', '/api/v1/loads/{load}/commit', 'S'],
  ['DELETE', '/api/v1/loads/{load}', 'S'],
  ['POST', '/api/v1/datasets/{id}/sign', 'H'],
  ['POST', '/api/v1/datasets/{id}/return', 'HRM'], // whoever it waits for may send it back
  ['POST', '/api/v1/datasets/{id}/review', 'R'],
  ['POST', '/api/v1/datasets/{id}/publish', 'M'],
  ['POST', '/api/v1/datasets/{id}/withdraw', 'HM'],
  // Need and apply: the applicant. Sign: the head. Check: the reviewer, or forward: the county. Answer: the provider.
  ['GET', '/api/v1/cart', 'A'],
  ['PUT', '/api/v1/cart', 'A'],
  ['GET', '/api/v1/applications', OFFICE + 'u'],
  ['GET', '/api/v1/applications/{id}', OFFICE + 'u'],
  ['POST', '/api/v1/applications', 'A'],
  ['PUT', '/api/v1/applications/{id}', 'A'],
  ['POST', '/api/v1/applications/{id}/submit', 'A'],
  ['POST', '/api/v1/applications/{id}/withdraw', 'A'],
  ['POST', '/api/v1/applications/{id}/sign', 'H'],
  ['POST', '/api/v1/applications/{id}/return', 'HRC'],
  ['POST', '/api/v1/applications/{id}/check', 'RC'],
  ['POST', '/api/v1/applications/{id}/lines/{n}/answer', 'S'],
  ['POST', '/api/v1/applications/{id}/lines/{n}/sign', 'H'],
  ['POST', '/api/v1/applications/{id}/lines/{n}/extend', 'M'],
  ['GET', '/api/v1/trace/{id}', OFFICE + 'u'],
  // Grants: seen by those concerned, by audit, and by security, whose work keys are. Stopped by heads and authority.
  ['GET', '/api/v1/grants', OFFICE + 'ue'],
  ['GET', '/api/v1/grants/{id}', OFFICE + 'ue'],
  ['GET', '/api/v1/grants/{id}/calls', OFFICE + 'ue'],
  ['GET', '/api/v1/meter', OFFICE + 'ue'],
  ['POST', '/api/v1/grants/{id}/keys', 'A'],
  ['DELETE', '/api/v1/grants/{id}/keys/{kid}', 'AHMe'],
  ['POST', '/api/v1/grants/{id}/revoke', 'HM'],
  ['POST', '/api/v1/grants/{id}/suspend', 'HM'],
  ['POST', '/api/v1/grants/{id}/resume', 'HM'],
  // Data under a grant: a registered program's key, never a person.
  ['GET', '/api/v1/exchange/{grant}/rows', 'K'],
  ['POST', '/api/v1/exchange/{grant}/verify', 'K'],
  ['POST', '/api/v1/exchange/{grant}/batch', 'K'],
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((verb): [string, string, string] => [verb, '/api/v1/exchange/{grant}/proxy', 'K']),
  ['GET', '/api/v1/systems', OFFICE],
  ['POST', '/api/v1/systems', 'SHA'],
  ['PATCH', '/api/v1/systems/{id}', 'SHA'],
  // Offices change by the authority; a hand-over by two persons.
  ['POST', '/api/v1/offices/{id}/rename', 'M'],
  ['POST', '/api/v1/offices/{id}/succession', 'M'],
  ['DELETE', '/api/v1/offices/{id}/succession', 'Me'],
  ['POST', '/api/v1/offices/{id}/succession/confirm', 'Me'],
  // 三员分立: accounts by one, roles and policy by another, logs read by the third.
  ['GET', '/api/v1/accounts', 'yeu'],
  ['POST', '/api/v1/accounts', 'y'],
  ['PATCH', '/api/v1/accounts/{id}', 'y'],
  ['POST', '/api/v1/accounts/{id}/password', 'y'],
  ['PUT', '/api/v1/accounts/{id}/roles', 'e'],
  ['GET', '/api/v1/policies', 'yeu'],
  ['PUT', '/api/v1/policies/{name}', 'e'],
  ['GET', '/api/v1/acts', OFFICE + 'u'],
  // The log's own health: seen by those who must act on it, ended by audit. Forgetting: two people, one of them an auditor.
  ['GET', '/api/v1/ledger/audit', 'Myeu'],
  ['POST', '/api/v1/ledger/audit', 'u'],
  ['POST', '/api/v1/ledger/audit/clear', 'u'],
  ['GET', '/api/v1/ledger/erasures', 'SMu'],
  ['GET', '/api/v1/ledger/erasures/{id}', 'SMu'],
  ['POST', '/api/v1/ledger/erasures', 'SMu'],
  ['POST', '/api/v1/ledger/erasures/{id}/approve', 'SMu'],
  ['POST', '/api/v1/ledger/erasures/{id}/drop', 'SMu'],
  ['GET', '/api/v1/backups', 'yu'],
  ['GET', '/api/v1/nodes', 'yu'],
]

interface Operation {
  verb: string
  path: string
  who: string[]
}
let server: Server
let all: Cast
let key: Client
let granted: number
let routes: Operation[]
const line = new Map(matrix.map(([verb, path, who]) => [`${verb} ${path}`, who]))
// The name of a parameter is no matter of rights.
const plain = (path: string): string => path.replace('{path_id}', '{id}')

beforeAll(async () => {
  server = await start()
  all = await cast(server.url, [...Object.values(ACTORS).map((a) => a[0]), 'gjj-fz', 'mz-bm', 'gx-bm'])
  await all['gjj-jb']!.post('/api/v1/systems', { id: 'gjj-core', name: '公积金核心系统' })
  const a = await apply(all['gjj-jb']!, { items: [{ dataset: 'firm-insured', columns: ['uscc', 'status'] }], matter: 'fund-unit', system: 'gjj-core' })
  ;[granted] = (await grant(all, a.id, { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' })) as [number]
  key = caller(server.url, (await all['gjj-jb']!.post(`/api/v1/grants/${granted}/keys`)).key, 'gjj-core', 'fund-unit')
  const api = await (await fetch(`${server.url}/api/openapi.json`)).json()
  routes = Object.entries(api.paths as Record<string, Record<string, { 'x-who': string[] }>>).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, o]) => ({ verb: verb.toUpperCase(), path: plain(path), who: o['x-who'] })),
  )
})
afterAll(() => server.stop())

// The letters of those whom a route's own row lets in.
function letters(who: string[]): Set<string> {
  const out = new Set<string>()
  for (const w of who) {
    if (w === 'public') for (const c of ALL) out.add(c)
    else if (w === 'login') for (const c of LOGIN) out.add(c)
    else if (w === 'key') out.add('K')
    else out.add(Object.entries(ACTORS).find(([, [, role]]) => role === w)![0])
  }
  return out
}
const sorted = (who: Iterable<string>): string => [...new Set(who)].sort().join('')
const actor = (letter: string): Client => (letter === '-' ? new Client(server.url) : letter === 'K' ? key : all[ACTORS[letter]![0]]!)

describe('the table and the routes', () => {
  test('every route has its line, every line its route', () => {
    const there = new Set(routes.map((r) => `${r.verb} ${r.path}`))
    expect([...there].filter((r) => !line.has(r)), 'routes in no line').toEqual([])
    expect([...line.keys()].filter((r) => !there.has(r)), 'lines without a route').toEqual([])
  })
  test('x-who says what the roles say', () => {
    const differ = routes.flatMap((r) => {
      const want = sorted(line.get(`${r.verb} ${r.path}`) ?? '')
      const is = sorted(letters(r.who))
      return want === is ? [] : [`${r.verb} ${r.path}: by the roles ${want}, by the route ${is}`]
    })
    expect(differ).toEqual([])
  })
  test('no administrator does business, no clerk administers', () => {
    for (const r of routes.filter((r) => r.verb !== 'GET' && !r.who.includes('public') && !r.who.includes('login'))) {
      // Forgetting takes an auditor and somebody of the office in one act: neither can do it alone.
      if (r.path.startsWith('/api/v1/ledger/erasures')) continue
      const who = [...letters(r.who)]
      const admin = who.filter((c) => 'yeu'.includes(c))
      if (who.some((c) => 'SATRC'.includes(c))) expect(admin.filter((c) => c !== 'e'), `${r.verb} ${r.path}`).toEqual([])
      expect(new Set(admin).size, `${r.verb} ${r.path}: one of three`).toBeLessThanOrEqual(1)
    }
  })
  test('what lies beside /api/v1 is known: foreign faces and the ledger’s tiles', () => {
    const beside = gusu('api')
      .text.split('\n')
      .map((l) => l.trim().split(/\s+/).slice(0, 2).join(' '))
      .filter((l) => / \//.test(l) && !/ \/api\/v1/.test(l))
    const known = /^(GET|POST) (\/api\/3(\/|$)|\/api\/action\/|\/api\/openapi\.json|\/catalog(\.|$)|\/dataset\/|\/datastore\/dump\/|\/ledger\/|\/metrics)/
    expect(beside.filter((l) => !known.test(l))).toEqual([])
    expect(beside.length).toBeGreaterThan(10)
  })
})

// Path values that exist nowhere: who is let in gets 404 or 422, who is not gets 401 or 403 before anybody looks.
const FILL: Record<string, string> = { code: '320500', id: '999999', rid: 'none', n: '999999', kid: '999999', load: '999999', name: 'none' }
function concrete(path: string): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'grant' ? String(granted) : FILL[name]!))
}
async function tried(c: Client, verb: string, path: string): Promise<number> {
  if (path === '/api/v1/events') {
    const stop = new AbortController()
    const r = await fetch(server.url + path, { headers: c.cookie ? { Cookie: c.cookie } : c.bearer ? { Authorization: `Bearer ${c.bearer}` } : {}, signal: stop.signal })
    stop.abort()
    return r.status
  }
  return (await c.call(verb, concrete(path), verb === 'GET' ? {} : { body: {}, version: 1 })).status
}
describe('what happens', () => {
  for (const [verb, path, who] of matrix) {
    if (path === '/api/v1/logout') continue // ends the session it is tried with; below
    test(`${verb} ${path}`, async () => {
      const got = await Promise.all([...ALL].map(async (c) => [c, await tried(actor(c), verb, path)] as const))
      const open = sorted(got.filter(([, status]) => status !== 401 && status !== 403).map(([c]) => c))
      expect(open, JSON.stringify(got)).toBe(sorted(who))
      // Who is unknown is asked to log in; who is known is told no.
      for (const [c, status] of got) if (!who.includes(c)) expect(status, c).toBe(c === '-' ? 401 : 403)
      for (const [c, status] of got) if (who.includes(c)) expect(status, c).toBeLessThan(500)
    })
  }
  test('log-out is for who is logged in', async () => {
    expect((await new Client(server.url).call('POST', '/api/v1/logout')).status).toBe(401)
    const { dev } = await cast(server.url, ['dev'])
    expect((await dev!.call('POST', '/api/v1/logout')).status).toBe(200)
    expect((await dev!.call('GET', '/api/v1/todo')).status).toBe(401)
  })
})

describe('a refusal', () => {
  test('says what was refused, each language in its own words', async () => {
    const r = await all['rs-bm']!.call('POST', `/api/v1/applications`, { body: {} })
    expect(told(r)).toEqual([403, 'not_allowed'])
    expect(r.body.title_zh).toMatch(/^没有权限：[\u4e00-\u9fff]+$/)
    expect(r.body.title_en).toMatch(/^Not permitted: [A-Z][\x20-\x7e]+$/)
  })
})

describe('one’s own office only', () => {
  const OWN = 'rights-own'
  beforeAll(async () => {
    await compile(all['rs-bm']!, description(OWN, '权限测试', [{ id: 'uscc', zh: '统一社会信用代码', type: 'text', key: true, element: 'uscc' }]))
  })
  test('a draft exists for its office and the authority alone', async () => {
    const seen = await Promise.all([...LOGIN, '-'].map(async (c) => [c, (await actor(c).call('GET', `/api/v1/datasets/${OWN}`)).status] as const))
    expect(sorted(seen.filter(([, s]) => s === 200).map(([c]) => c))).toBe(sorted('SHRM'))
    for (const [c, s] of seen.filter(([, s]) => s !== 200)) expect(s, c).toBe(c === '-' ? 401 : 404)
  })
  test('another office’s steward neither edits, loads, attaches, submits nor deletes', async () => {
    const other = all['mz-bm']!
    const body = description('firm-insured', '改名', [{ id: 'uscc', zh: '代码', type: 'text', key: true, element: 'uscc' }])
    const tries: [string, string, object?][] = [
      ['PUT', '/api/v1/datasets/firm-insured', body],
      ['DELETE', '/api/v1/datasets/firm-insured'],
      ['POST', '/api/v1/datasets/firm-insured/submit'],
      ['POST', '/api/v1/datasets/firm-insured/resources', { kind: 'file', title_zh: '文件' }],
      ['DELETE', '/api/v1/datasets/firm-insured/resources/firm-insured'],
    ]
    for (const [verb, path, b] of tries) expect((await other.call(verb, path, { body: b, version: 1 })).status, `${verb} ${path}`).toBe(403)
    const load = await other.call('POST', '/api/v1/datasets/firm-insured/loads', { raw: 'uscc\nx\n', query: { name: 'x.csv' } })
    expect(load.status).toBe(403)
    // And nobody compiles in another office's name.
    const foreign = await other.call('POST', '/api/v1/datasets', { body: description('not-mine', '冒名', [], { office: 'sz-hrss' }) })
    expect(foreign.status).toBe(403)
    expect((await other.call('GET', '/api/v1/datasets/not-mine')).status).toBe(404)
  })
  test('who compiles does not sign; who signs signs for their own office; the authority’s two hands differ', async () => {
    const at = `/api/v1/datasets/${OWN}`
    await all['rs-bm']!.post(`${at}/submit`)
    for (const who of ['rs-bm', 'sj-gl', 'sj-sh']) expect((await all[who]!.call('POST', `${at}/sign`)).status, who).toBe(403)
    expect([403, 404]).toContain((await all['gjj-fz']!.call('POST', `${at}/sign`)).status)
    // Not before it is signed.
    expect((await all['sj-sh']!.call('POST', `${at}/review`, { body: { pass: true } })).status).toBe(409)
    await all['rs-fz']!.post(`${at}/sign`)
    expect((await all['sj-gl']!.call('POST', `${at}/review`, { body: { pass: true } })).status).toBe(403)
    expect((await all['sj-gl']!.call('POST', `${at}/publish`)).status).toBe(409)
    await all['sj-sh']!.post(`${at}/review`, { pass: true })
    expect((await all['sj-sh']!.call('POST', `${at}/publish`)).status).toBe(403)
    await all['sj-gl']!.post(`${at}/publish`)
  })
  test('applications are seen by those whom they concern', async () => {
    const a = await apply(all['gjj-jb']!, { items: [{ dataset: 'firm-insured', columns: ['uscc'] }], matter: 'fund-unit', system: 'gjj-core' })
    const status = async (who: string): Promise<number> => (await all[who]!.call('GET', `/api/v1/applications/${a.id}`)).status
    // A draft is not the provider's business yet.
    expect(await Promise.all(['gjj-jb', 'gjj-fz', 'rs-bm', 'mz-bm', 'ks-sh'].map(status))).toEqual([200, 200, 404, 404, 404])
    const sign = await all['rs-fz']!.call('POST', `/api/v1/applications/${a.id}/sign`)
    expect([403, 404]).toContain(sign.status)
    const [id] = await grant(all, a.id, { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' })
    expect(await status('rs-bm')).toBe(200)
    for (const who of ['mz-bm', 'gx-bm', 'pj-jd', 'ks-sh']) {
      expect((await all[who]!.call('GET', `/api/v1/grants/${id}`)).status, who).toBe(404)
      expect((await all[who]!.call('GET', `/api/v1/grants/${id}/calls`)).status, who).toBe(404)
      expect((await all[who]!.get('/api/v1/grants')).items, who).toEqual([])
      expect((await all[who]!.get('/api/v1/meter', { by: 'dataset' })).items, who).toEqual([])
    }
    // The provider takes no key of the asker's grant, the asker's clerk revokes nothing.
    expect((await all['rs-bm']!.call('POST', `/api/v1/grants/${id}/keys`)).status).toBe(403)
    expect((await all['gjj-jb']!.call('POST', `/api/v1/grants/${id}/revoke`, { body: { reason: 'x' } })).status).toBe(403)
  })
  test('systems and applications in one’s own office’s name only', async () => {
    const body = { id: 'gjj-two', name: '借名', office: 'sz-fund' }
    expect((await all['rs-bm']!.call('POST', '/api/v1/systems', { body })).status).toBe(403)
    const mine = await all['rs-bm']!.get('/api/v1/systems')
    expect(mine.items.map((s: any) => s.id)).not.toContain('gjj-core')
    const theirs = await all['rs-bm']!.call('PATCH', '/api/v1/systems/gjj-core', { body: { state: 'ended' }, version: 1 })
    expect(theirs.status).toBe(403)
  })
  test('a key opens its own grant only', async () => {
    const a = await apply(all['gjj-jb']!, { items: [{ dataset: 'firm-insured', columns: ['uscc'] }], matter: 'fund-unit', system: 'gjj-core' })
    const [other] = await grant(all, a.id, { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' })
    expect(told(await key.call('GET', `/api/v1/exchange/${other}/rows`))).toEqual([403, 'grant_other'])
    expect((await key.call('GET', `/api/v1/exchange/${granted}/rows`, { query: { limit: 1 } })).status).toBe(200)
  })
  test('the acts of others: the auditor reads all, an office its own, the other administrators none', async () => {
    const offices = async (who: string): Promise<string[]> => [...new Set<string>((await all[who]!.get('/api/v1/acts', { limit: 100 })).items.map((i: any) => i.office as string))]
    expect((await offices('aud')).length).toBeGreaterThan(1)
    expect(await offices('mz-bm')).toEqual(['sz-civil'])
    expect(await offices('rs-bm')).toEqual(['sz-hrss'])
  })
  test('personal rows: not for those who check papers, not even as a masked sample', async () => {
    for (const who of ['sj-sh', 'sj-gl', 'ks-sh']) {
      const p = await all[who]!.get('/api/v1/datasets/subsistence/preview', { limit: 3 })
      expect(p.items, who).toEqual([])
      expect(p.withheld, who).toBe('personal')
    }
    // The provider's own steward sees masked rows, and clear ones for a reason that goes into the ledger.
    expect((await all['mz-bm']!.get('/api/v1/datasets/subsistence/preview', { limit: 3 })).items).toHaveLength(3)
    const seen = await all['mz-bm']!.get('/api/v1/datasets/subsistence/preview', { limit: 1, reason: '核对录入' })
    expect(seen.items[0].person_name).not.toContain('*')
    expect(seen.entry).toBeGreaterThan(0)
    expect((await all['rs-bm']!.call('GET', '/api/v1/datasets/subsistence/preview', { query: { reason: '好奇' } })).status).toBe(403)
  })
  test('an entry’s inner part is for the auditor and the offices concerned, not for the other administrators', async () => {
    const { items } = await all['rs-bm']!.get('/api/v1/acts', { verb: 'dataset.publish', limit: 50 })
    const { entry } = items.find((i: any) => i.object === OWN)
    const open = async (c: Client): Promise<boolean> => Boolean((await c.get(`/api/v1/ledger/entries/${entry}`)).detail)
    const who = await Promise.all([...LOGIN, '-'].map(async (c) => [c, await open(actor(c))] as const))
    expect(sorted(who.filter(([, yes]) => yes).map(([c]) => c))).toBe(sorted('SHRMu'))
  })
})
