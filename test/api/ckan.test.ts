// SPDX-License-Identifier: MulanPSL-2.0
// The foreign interfaces over the wire, on the real pack: what CKAN's clients and DCAT harvesters send, byte for byte
// where it matters. A package made over CKAN goes the whole way to publication by our own steps, and only then appears
// to the public, to CKAN and to DCAT. It has a server of its own, since it publishes a data set.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, type Server } from '../lib/server'
import { Client, login, type Reply } from './client'
import { cast, publish, type Cast } from './walk'

let server: Server
let all: Cast
let token = ''
beforeAll(async () => {
  server = await start()
  all = await cast(server.url, ['rs-bm', 'rs-fz', 'sj-sh', 'sj-gl'])
  const made = await all['rs-bm']!.post('/api/v1/me/tokens', { name: 'ckan', scopes: ['catalog:read', 'catalog:write'], days: 1 })
  token = made.token
})
afterAll(async () => {
  await server.stop()
})
// These paths are described by CKAN and DCAT, not by our OpenAPI document: they are spoken to without the client.
async function foreign(verb: string, path: string, query: Record<string, string | number> = {}, headers: Record<string, string> = {}, body?: object): Promise<Reply> {
  const q = new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)])).toString()
  const type = body ? { 'Content-Type': 'application/json' } : {}
  const r = await fetch(server.url + path + (q ? `?${q}` : ''), { method: verb, headers: { ...type, ...headers }, body: body && JSON.stringify(body), redirect: 'manual' })
  const text = await r.text()
  const value = /json/.test(r.headers.get('content-type') ?? '') && text ? JSON.parse(text) : text
  return { status: r.status, headers: r.headers, body: value, text }
}
const get = (path: string, query = {}, headers = {}): Promise<Reply> => foreign('GET', path, query, headers)
// Every answer of an action is CKAN's envelope, with an error name that its clients know.
const known = ['Not Found Error', 'Validation Error', 'Authorization Error', 'Search Query Error']
async function action(verb: string, path: string, query = {}, headers = {}, body?: object): Promise<Reply> {
  const r = await foreign(verb, path, query, headers, body)
  expect(typeof r.body.help, r.text).toBe('string')
  if (r.body.success) expect([r.status, 'result' in r.body]).toEqual([200, true])
  else expect(known).toContain(r.body.error.__type)
  return r
}
const read = (name: string, query: Record<string, string | number> = {}): Promise<Reply> => action('GET', `/api/3/action/${name}`, query)
const ask = (name: string, body: object = {}, headers: Record<string, string> = {}): Promise<Reply> =>
  action('POST', `/api/action/${name}`, {}, headers, body)
// As ckanapi does: the bare token, no "Bearer".
const raw = (): Record<string, string> => ({ Authorization: token })
const send = (action: string, body: object = {}): Promise<Reply> => ask(action, body, raw())
const names = (r: Reply): string[] => r.body.result.results.map((p: { name: string }) => p.name)

describe('reading as anybody', () => {
  test('both paths, GET with a query and POST with {}, say the same', async () => {
    const a = await read('package_list')
    const b = await ask('package_list')
    expect(a.body.success).toBe(true)
    expect(a.body.result).toEqual(b.body.result)
    expect(a.body.help).toMatch(/help_show\?name=package_list$/)
  })
  test('what is visible is what the portal shows', async () => {
    const portal = await new Client(server.url).get('/api/v1/portal/datasets', { limit: 100 })
    const ids = portal.items.map((d: { id: string }) => d.id).sort()
    expect((await read('package_list')).body.result).toEqual(ids)
    const shown = await read('package_show', { id: 'person-base' })
    expect([shown.status, shown.body.error.__type]).toEqual([404, 'Not Found Error'])
  })
  test('fq with OR, quotes, minus, ranges; facets; sorting', async () => {
    const r = await read('package_search', {
      q: '区划',
      fq: 'organization:(sz-stat OR sz-nrp) -tags:"界线" metadata_modified:[2020-01-01T00:00:00Z TO *]',
      'facet.field': '["organization","res_format"]',
      sort: 'id asc',
      rows: 1000,
    })
    expect(names(r)).toEqual(['area-change', 'area-community', 'area-district', 'area-street'])
    expect(r.body.result.facets.organization).toEqual({ 'sz-stat': 4 })
    expect(r.body.result.search_facets.res_format.items.length).toBeGreaterThan(0)
  })
  test('a harvester pages until an empty page', async () => {
    const seen: string[] = []
    for (let at = 0; ; at += 4) {
      const page = names(await read('package_search', { rows: 4, start: at, sort: 'id asc' }))
      if (!page.length) break
      seen.push(...page)
    }
    expect(seen).toEqual((await read('package_list')).body.result)
  })
  test('errors by the names that clients map', async () => {
    const broken = await read('package_search', { q: 'title:(' })
    expect([broken.status, broken.body.error.__type]).toEqual([400, 'Search Query Error'])
    const unknown = await read('no_such_action')
    expect([unknown.status, unknown.body.success]).toEqual([404, false])
    const missing = await read('datastore_search')
    expect([missing.status, missing.body.error.__type]).toEqual([409, 'Validation Error'])
    expect(missing.body.error.resource_id).toHaveLength(1)
    const denied = await ask('package_create', { name: 'x-y', title: 'x' })
    expect([denied.status, denied.body.error.__type]).toEqual([403, 'Authorization Error'])
  })
})

describe('rows', () => {
  test('filters, order, offset, words', async () => {
    const r = await ask('datastore_search', { resource_id: 'area-street', filters: { district: ['320583', '320585'] }, sort: 'code desc', limit: 3, offset: 1 })
    expect(r.body.result.total).toBe(17) // 9 of Kunshan, 8 of Taicang
    expect(r.body.result.records).toHaveLength(3)
    const codes = r.body.result.records.map((x: { code: string }) => x.code)
    expect([...codes].sort().reverse()).toEqual(codes)
    expect((await read('datastore_search', { resource_id: 'area-street', q: '昆山' })).body.result.total).toBeGreaterThan(0)
  })
  test('a file answers HEAD with its length, and a dump is the whole table', async () => {
    const head = await foreign('HEAD', '/dataset/plan-text/resource/plan-text-file/download/plan.txt')
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(40_000)
    const dump = await get('/datastore/dump/area-street')
    expect(dump.text.trim().split('\r\n')).toHaveLength(119)
  })
  test('open on conditions, and verification only: no row', async () => {
    expect((await read('datastore_search', { resource_id: 'area-boundary' })).status).toBe(403)
    expect((await ask('datastore_search', { resource_id: 'person-base' }, raw())).status).toBe(403)
    expect((await get('/datastore/dump/area-boundary')).status).toBe(403)
  })
})

const columns = [
  { id: 'code', zh: '代码', type: 'text', length: 10, key: true },
  { id: 'n', zh: '数量', type: 'int' },
]
const extras = [
  ['share', '1'], ['open', 'open'], ['cycle', 'yearly'], ['source_zh', '由测试编制'], ['columns', JSON.stringify(columns)],
].map(([key, value]) => ({ key, value }))

describe('a package made over CKAN', () => {
  test('a cookie alone changes nothing', async () => {
    const c = await login(server.url, 'rs-bm')
    const own = { Cookie: c.cookie }
    const bare = await ask('package_create', { name: 'by-cookie', title: 'x' }, own)
    expect([bare.status, bare.body.error.code]).toEqual([403, 'cross-site'])
  })
  test('begins as a draft of its office, whole or not at all', async () => {
    const half = await send('package_create', { name: 'half', title: '半', resources: [{ name: 'a', url: 'http://127.0.0.1/' }] })
    expect([half.status, half.body.error.code]).toEqual([409, 'url-inner'])
    expect((await ask('package_show', { id: 'half' }, raw())).status).toBe(404)
    const made = await send('package_create', {
      name: 'from-ckan', title: '对接目录', notes: '由 CKAN 客户端编制', license_id: 'MIT', extras,
      tags: [{ name: '对接' }], groups: [{ name: 'c-2_public-service' }], resources: [{ name: '表', resource_type: 'table' }],
    })
    expect(made.body.success, made.text).toBe(true)
    expect(made.body.result).toMatchObject({ state: 'draft', private: true, owner_org: 'sz-hrss', num_resources: 1 })
    expect((await read('package_show', { id: 'from-ckan' })).status).toBe(404)
  })
  test('rows and a file of some size arrive', async () => {
    const records = Array.from({ length: 3000 }, (_, i) => ({ code: `k${i}`, n: i }))
    const filled = await ask('datastore_create', { resource_id: 'from-ckan.table', records }, raw())
    expect(filled.body.success, filled.text).toBe(true)
    const form = new FormData()
    form.set('package_id', 'from-ckan')
    form.set('name', '大附件')
    form.set('upload', new Blob([new Uint8Array(300_000).fill(65)]), '附件.txt')
    const r = await fetch(`${server.url}/api/3/action/resource_create`, { method: 'POST', body: form, headers: { 'X-CKAN-API-Key': token } })
    const up = (await r.json()) as any
    expect(up.result, JSON.stringify(up)).toMatchObject({ size: 300_000, resource_type: 'file' })
  })
  test('goes our own way to publication; then everybody sees it, and DCAT too', async () => {
    await publish(all, 'rs-bm', 'rs-fz', 'from-ckan')
    const shown = await read('package_show', { id: 'from-ckan' })
    expect(shown.body.result).toMatchObject({ state: 'active', private: false, title: '对接目录' })
    expect((await read('datastore_search', { resource_id: 'from-ckan.table', limit: 1 })).body.result.total).toBe(3000)
    const one = await get('/dataset/from-ckan.ttl')
    expect(one.text).toContain('dct:title "对接目录"@zh')
    expect(one.text).toContain('dcat:byteSize "300000"^^xsd:nonNegativeInteger')
    const ld = await get('/catalog.jsonld', { modified_since: '2020-01-01', q: '对接' })
    expect(ld.body['@graph'].some((n: any) => String(n['@id']).endsWith('/dataset/from-ckan'))).toBe(true)
  })
  test('an edit begins the next edition and leaves what is live; withdrawing is not the steward’s', async () => {
    const patched = await send('package_patch', { id: 'from-ckan', title: '改过的名称' })
    expect(patched.body.success, patched.text).toBe(true)
    expect((await read('package_show', { id: 'from-ckan' })).body.result.title).toBe('对接目录')
    const gone = await send('package_delete', { id: 'from-ckan' })
    expect([gone.status, gone.body.error.__type]).toEqual([403, 'Authorization Error'])
  })
})

describe('DCAT', () => {
  test('five spellings with their types; a page that is not there is no empty catalog', async () => {
    const types: Record<string, string> = {
      ttl: 'text/turtle', n3: 'text/n3', jsonld: 'application/ld+json', rdf: 'application/rdf+xml', xml: 'application/rdf+xml',
    }
    for (const [ending, type] of Object.entries(types)) {
      const r = await get(`/catalog.${ending}`)
      expect([r.status, r.headers.get('content-type')!.split(';')[0]]).toEqual([200, type])
    }
    expect((await get('/catalog.ttl', { page: 2 })).status).toBe(404)
  })
  test('a name in the graph leads browsers to the page and harvesters to the data', async () => {
    const at = (accept: string): Promise<Reply> => get('/dataset/area-street', {}, { Accept: accept })
    expect((await at('text/html')).headers.get('location')).toBe('/data/area-street')
    expect((await at('text/turtle')).headers.get('location')).toBe('/dataset/area-street.ttl')
  })
})
