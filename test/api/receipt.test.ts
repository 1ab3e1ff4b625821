// SPDX-License-Identifier: MulanPSL-2.0
// `Prefer: receipt`: the reply of a write, or of a call under a grant, waits for a signed checkpoint over its entry and
// brings the proof; who does not ask waits for nothing; and the ledger's search and blocks agree with its entries.
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { caller, Client, login } from './client'
import { DATASET, SYSTEM, tell } from '../lib/story'
import { check, type CheckResult } from '../../web/src/lib/receipt'

const url = inject('url')
let head: Client
// what lies under /ledger/ is C2SP's, not described by our OpenAPI
const plain = async (path: string): Promise<string> => (await fetch(url + path)).text()
async function good(receipt: string): Promise<CheckResult> {
  const keys = (await plain('/ledger/vkey')) + (await plain('/ledger/sm3/vkey'))
  return check(receipt, { leaf: () => Promise.reject(new Error('no leaf')), vkey: () => Promise.resolve(keys) })
}
beforeAll(async () => {
  head = await login(url, 'gjj-jb')
})

describe('a receipt in the reply', () => {
  const name = (): string => `rcpt-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  test('of a write, in either tree', async () => {
    for (const tree of ['sha256', 'sm3']) {
      const r = await head.call('POST', '/api/v1/systems', { body: { id: name(), name: '回执试验' }, headers: { Prefer: tree === 'sm3' ? 'receipt=sm3' : 'respond-async, receipt' } })
      expect(r.status).toBe(201)
      expect(r.headers.get('preference-applied')).toBe(tree === 'sm3' ? 'receipt=sm3' : 'receipt')
      const entry = Number(r.headers.get('gusu-entry'))
      expect(r.body.entry).toBe(entry)
      const got = await good(r.body.receipt)
      expect(got.steps.filter((s) => s.state === 'bad')).toEqual([])
      expect(got.ok).toBe(true)
      expect(got.receipt!.hash).toBe(tree)
      expect(Number(got.receipt!.index)).toBe(entry)
      expect(got.leaf!.kind).toBe('system.create')
      // the same by its address, from then on for everybody
      const later = await new Client(url).call('GET', r.headers.get('gusu-receipt')!)
      expect((await good(later.text)).ok).toBe(true)
    }
  })
  test('who does not ask gets none and does not wait', async () => {
    const r = await head.call('POST', '/api/v1/systems', { body: { id: name(), name: '无回执' } })
    expect(r.status).toBe(201)
    expect(r.body.receipt).toBeUndefined()
    expect(r.headers.get('gusu-receipt')).toBeNull()
  })
  test('a refused write has none', async () => {
    const r = await head.call('POST', '/api/v1/systems', { body: { id: '!', name: '' }, headers: { Prefer: 'receipt' } })
    expect(r.status).toBeGreaterThanOrEqual(400)
    expect(r.headers.get('gusu-receipt')).toBeNull()
  })
  test('a retried write gives the stored answer, with a receipt of the first entry', async () => {
    const ask = { body: { id: name(), name: '重试' }, headers: { Prefer: 'receipt', 'Idempotency-Key': name() } }
    const a = await head.call('POST', '/api/v1/systems', ask)
    const b = await head.call('POST', '/api/v1/systems', ask)
    expect(b.headers.get('gusu-entry')).toBe(a.headers.get('gusu-entry'))
    expect((await good(b.body.receipt)).ok).toBe(true)
  })
  test('a hundred at once: each its own, under few checkpoints', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => head.call('POST', '/api/v1/systems', { body: { id: name(), name: '并发' }, headers: { Prefer: 'receipt' } })))
    const sizes = new Set<string>()
    for (const r of all) {
      const got = await good(r.body.receipt)
      expect(got.ok).toBe(true)
      expect(Number(got.receipt!.index)).toBe(Number(r.headers.get('gusu-entry')))
      sizes.add(String(got.receipt!.size))
    }
    expect(sizes.size).toBeLessThan(60)
  })
  test('of a call under a grant', async () => {
    const told = await tell(url)
    const program = caller(url, told.key, SYSTEM, told.matter, 'BJ-1', '张')
    const r = await program.call('GET', `/api/v1/exchange/${told.grant}/rows?limit=2`, { headers: { Prefer: 'receipt' } })
    expect(r.status).toBe(200)
    expect((await good(r.body.receipt)).leaf!.kind).toBe('exchange.call')
    const csv = await program.call('GET', `/api/v1/exchange/${told.grant}/rows?limit=2&format=csv`, { headers: { Prefer: 'receipt' } })
    expect(csv.text).not.toContain('receipt')
    expect(csv.headers.get('gusu-receipt')).toMatch(/^\/api\/v1\/ledger\/entries\/\d+\/receipt$/)
  })
})

describe('the explorer', () => {
  test('blocks are the subtrees: their hashes follow from their leaves', async () => {
    const c = new Client(url)
    const blocks = await c.get('/api/v1/ledger/blocks', { limit: 50 })
    const first = blocks.items.at(-1)
    expect(first.n).toBe(0)
    const got = await c.get('/api/v1/ledger/entries', { block: 0, limit: 500 })
    const leaves = got.items.map((e: { leaf_sha256: string }) => Buffer.from(e.leaf_sha256, 'hex')).reverse().slice(0, first.count)
    const root = (h: Buffer[]): Buffer => {
      if (h.length === 1) return h[0]!
      let k = 1
      while (k * 2 < h.length) k *= 2
      return createHash('sha256').update(Buffer.concat([Buffer.from([1]), root(h.slice(0, k)), root(h.slice(k))])).digest()
    }
    expect(root(leaves).toString('hex')).toBe(first.hash_sha256)
    expect(first.kinds.reduce((n: number, k: { n: number }) => n + k.n, 0)).toBe(first.count)
  })
  test('search: by index, leaf hash in both trees, commitment, object', async () => {
    const c = new Client(url)
    const e = await c.get('/api/v1/ledger/entries/7')
    for (const q of ['7', e.leaf_sha256, e.leaf_sm3, e.commitment_sha256, e.commitment_sm3, Buffer.from(e.leaf_sha256, 'hex').toString('base64')]) {
      const found = await c.get('/api/v1/ledger/search', { q })
      expect(found.items.map((i: { index: number }) => i.index), q).toContain(7)
    }
    expect((await c.get('/api/v1/ledger/search', { q: '0'.repeat(64) })).items).toEqual([])
    expect((await c.get('/api/v1/ledger/search', { q: 'area-street' })).items[0].clear.object).toBe('area-street')
  })
  test('the public finds clear acts only; an auditor finds the others as well', async () => {
    const c = new Client(url)
    expect((await c.get('/api/v1/ledger/search', { q: 'gjj-jb' })).items).toEqual([])
    const auditor = await login(url, 'aud')
    const found = await auditor.get('/api/v1/ledger/search', { q: SYSTEM })
    expect(found.items.some((i: { kind: string; object: string }) => i.kind === 'system.create' && i.object === SYSTEM)).toBe(true)
    expect((await c.get('/api/v1/ledger/search', { q: SYSTEM })).items).toEqual([])
    expect((await auditor.get('/api/v1/ledger/search', { q: DATASET })).items.length).toBeGreaterThan(0)
  })
  test('a time range takes its hours whole', async () => {
    const c = new Client(url)
    const now = Date.now()
    const all = await c.get('/api/v1/ledger/entries', { from_ms: now - 7_200_000, to_ms: now, limit: 5 })
    expect(all.items.length).toBe(5)
    expect((await c.get('/api/v1/ledger/entries', { from_ms: now + 7_200_000 })).items).toEqual([])
    expect((await c.get('/api/v1/ledger/entries', { to_ms: now - 86_400_000 })).items).toEqual([])
  })
  test('the offline page carries the keys and forbids itself the network', async () => {
    const page = await fetch(`${url}/ledger/verifier.html`)
    const text = await page.text()
    expect(text).toContain((await plain('/ledger/vkey')).trim())
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'sha256-[^ ]+'; style-src 'sha256-/)
    expect(text).not.toMatch(/(src|href)=["']?(https?:|\/)/)
    expect((await fetch(`${url}/ledger/verifier.html?download=true`)).headers.get('content-disposition')).toContain('gusu-verifier.html')
  })
})
