// SPDX-License-Identifier: MulanPSL-2.0
// A city in operation: many queries in one call over HTTP (on the loop, on a worker, as a long stream), what /metrics
// tells to whom, and the access log: who, what, how long, and never a value that somebody asked for.
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, type Server } from '../lib/server'
import { caller, Client } from './client'
import { apply, cast, code, grant, until, type Cast } from './walk'

let server: Server
let all: Cast
let key: Client
let granted: number
let rows: string[] // credit codes that the grant shows
const at = (): string => `/api/v1/exchange/${granted}/batch`

beforeAll(async () => {
  server = await start()
  all = await cast(server.url, ['gjj-jb', 'gjj-fz', 'sj-sh', 'rs-bm', 'rs-fz', 'sys', 'sec'])
  await all['gjj-jb']!.post('/api/v1/systems', { id: 'gjj-core', name: '公积金核心系统' })
  const a = await apply(all['gjj-jb']!, {
    items: [{ dataset: 'firm-insured', columns: ['uscc', 'status'] }],
    matter: 'fund-unit',
    system: 'gjj-core',
    quota_per_day: 100_000,
  })
  ;[granted] = (await grant(all, a.id, { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' }, { rate_per_s: 100_000 })) as [number]
  key = caller(server.url, (await all['gjj-jb']!.post(`/api/v1/grants/${granted}/keys`)).key, 'gjj-core', 'fund-unit')
  rows = (await key.get(`/api/v1/exchange/${granted}/rows`, { limit: 5 })).items.map((r: { uscc: string }) => r.uscc)
})
afterAll(() => server.stop())

const metrics = async (headers: Record<string, string> = {}): Promise<{ status: number; text: string }> => {
  const r = await fetch(`${server.url}/metrics`, { headers })
  return { status: r.status, text: await r.text() }
}
const figure = (text: string, name: string): number => Number(new RegExp(`^${name.replace(/[{}"\\.]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1])

describe('many queries in one call', () => {
  test('a few, answered in order, each an entry; what is wrong stays in its place', async () => {
    const r = await key.post(at(), [{ id: 'a', query: { uscc: rows[0]! } }, { id: 'b', query: 'nosuch=1' }, { id: 'c', query: `uscc=${rows[1]}` }])
    expect(r.items.map((i: { id: string; status: number }) => [i.id, i.status])).toEqual([['a', 200], ['b', 422], ['c', 200]])
    expect(r.items[0].items[0].uscc).toBe(rows[0])
    expect(r.items[2].entry).toBe(r.items[0].entry + 1)
    const single = await key.get(`/api/v1/exchange/${granted}/rows`, { uscc: rows[0]! })
    expect(r.items[0].items).toEqual(single.items)
  })
  test('a thousand, by a worker: all metered, their entries without a gap', async () => {
    const used = async (): Promise<number> => (await all['gjj-jb']!.get(`/api/v1/grants/${granted}`)).used_total
    const before = await used()
    const r = await key.post(at(), Array.from({ length: 1000 }, (_, i) => ({ id: String(i), query: `uscc=${rows[i % rows.length]}&fields=uscc,status&limit=1` })))
    expect(r.answered).toBe(1000)
    const entries = r.items.map((i: { entry: number }) => i.entry)
    expect(new Set(entries).size).toBe(1000)
    expect(entries).toEqual([...entries].sort((a: number, b: number) => a - b))
    expect(r.items.map((i: { id: string }) => i.id)).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)))
    expect(await used()).toBe(before + 1000)
    const e = await (await fetch(`${server.url}/api/v1/ledger/entries/${entries[999]}`)).json()
    expect(e.kind).toBe('exchange.call')
  })
  test('a stream of lines, worked off in windows from a file to a file', async () => {
    const n = 12_000
    const raw = Array.from({ length: n }, (_, i) => JSON.stringify({ id: `s${i}`, query: { uscc: rows[i % rows.length]!, fields: 'uscc' } })).join('\n')
    expect(raw.length).toBeGreaterThan(65536)
    const r = await key.call('POST', at(), { raw, type: 'application/x-ndjson' })
    expect([r.status, r.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    const lines = r.text.trim().split('\n').map((l) => JSON.parse(l))
    expect(lines.length).toBe(n)
    expect(lines.every((l, i) => l.id === `s${i}` && l.status === 200 && l.items[0].uscc === rows[i % rows.length])).toBe(true)
    expect(new Set(lines.map((l) => l.entry)).size).toBe(n)
  })
  test('a retry is told that it was done, and nothing is counted twice', async () => {
    const ask = { body: [{ query: `uscc=${rows[0]}` }], headers: { 'Idempotency-Key': 'batch-1' } }
    expect((await key.call('POST', at(), ask)).status).toBe(200)
    const before = (await all['gjj-jb']!.get(`/api/v1/grants/${granted}`)).used_total
    const again = await key.call('POST', at(), ask)
    expect([again.status, code(again)]).toEqual([409, 'done_already'])
    expect((await all['gjj-jb']!.get(`/api/v1/grants/${granted}`)).used_total).toBe(before)
  })
  test('too many at once, and a body of nothing known', async () => {
    expect((await key.call('POST', at(), { body: Array.from({ length: 1001 }, () => ({})) })).status).toBe(413)
    expect((await key.call('POST', at(), { raw: 'x', type: 'text/plain' })).status).toBe(415)
    expect((await new Client(server.url).call('POST', at(), { body: [] })).status).toBe(401)
  })
})

describe('/metrics', () => {
  test('the text: heads before lines, buckets that grow, figures that moved', async () => {
    const { status, text } = await metrics()
    expect(status).toBe(200)
    const seen = new Set<string>()
    let name = ''
    for (const l of text.trim().split('\n')) {
      if (l.startsWith('# HELP ')) {
        name = l.split(' ')[2]!
        expect(seen.has(name), name).toBe(false)
        seen.add(name)
        continue
      }
      if (l.startsWith('# TYPE ')) {
        expect(l.split(' ')[2]).toBe(name)
        continue
      }
      expect(l).toMatch(/^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.]+(e[+-]?[0-9]+)?$/)
      expect(l.startsWith(name)).toBe(true)
    }
    let last = 0
    for (const [, n] of text.matchAll(/^gusu_http_request_seconds_bucket\{class="call",le="[^"]+"\} (\d+)$/gm)) {
      expect(Number(n)).toBeGreaterThanOrEqual(last)
      last = Number(n)
    }
    expect(last).toBe(figure(text, 'gusu_http_request_seconds_count{class="call"}'))
    expect(figure(text, 'gusu_http_requests_total{class="call",status="200"}')).toBeGreaterThan(3)
    expect(figure(text, 'gusu_ledger_entries_total')).toBeGreaterThan(13_000)
    expect(figure(text, 'gusu_commit_batch_items_count')).toBe(figure(text, 'gusu_commits_total'))
    expect(figure(text, 'gusu_refused_total')).toBeGreaterThan(0)
    expect(figure(text, 'gusu_store_errors_total')).toBe(0)
    expect(figure(text, 'process_open_fds')).toBeGreaterThan(5)
    await until(async () => figure((await metrics()).text, 'gusu_job_runs_total{job="ledger_checkpoint"}') > 0 || undefined, 'a job ran')
  })
  test('who may: this machine itself, the system administrator, a token with the scope', async () => {
    const proxied = { 'X-Forwarded-For': '192.0.2.7' }
    expect((await metrics(proxied)).status).toBe(401)
    expect((await metrics({ ...proxied, Cookie: all.sys!.cookie })).status).toBe(200)
    expect((await metrics({ ...proxied, Cookie: all['gjj-jb']!.cookie })).status).toBe(403)
    const token = async (c: Client, scopes: string[]): Promise<string> => (await c.post('/api/v1/me/tokens', { name: 'watch', scopes, days: 1 })).token
    expect((await metrics({ ...proxied, Authorization: `Bearer ${await token(all.sys!, ['metrics:read'])}` })).status).toBe(200)
    expect((await metrics({ ...proxied, Authorization: `Bearer ${await token(all.sys!, ['catalog:read'])}` })).status).toBe(403)
    expect((await metrics({ ...proxied, Authorization: `Bearer ${await token(all['gjj-jb']!, ['metrics:read'])}` })).status).toBe(403)
  })
})

describe('the access log', () => {
  const log = (): string => (existsSync(join(server.data, 'access.log')) ? readFileSync(join(server.data, 'access.log'), 'utf8') : '')
  test('one line a request: who, what, how long, which exchange; no value, no secret', async () => {
    const mark = `/api/v1/exchange/${granted}/rows?uscc&limit 200 `
    await key.get(`/api/v1/exchange/${granted}/rows`, { uscc: rows[2]!, limit: 1 })
    const line = await until(async () => log().split('\n').find((l) => l.includes(mark)), 'the line')
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (127\.0\.0\.1|::1) key:\d+ GET \S+ 200 \d+ \d+\.\d{3} SQ-\d{4}-\d{6}$/)
    const text = log()
    expect(text).toMatch(/ account:\d+ POST /)
    expect(text).not.toContain(rows[2])
    expect(text).not.toMatch(/gk_\d|gt_\d|Gusu-demo/)
  })
  test('moved away and told: it goes on in a new file', async () => {
    renameSync(join(server.data, 'access.log'), join(server.data, 'access.old'))
    process.kill(server.pid, 'SIGHUP')
    await until(async () => {
      await fetch(`${server.url}/api/v1/health`)
      return log().includes('/api/v1/health') || undefined
    }, 'the new file')
  })
})
