// SPDX-License-Identifier: MulanPSL-2.0
// Three nodes over one PostgreSQL, asked at the same time: who wins is one, what is counted is exact, what is revoked
// at one is revoked at all, and the history of what was asked and answered is one that a single node could have given.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawn } from 'node:child_process'
import { apply, gusu, told, until } from '../api/walk'
import { Client, login } from '../api/client'
import { BIN, ROOT } from '../lib/server'
import { contradictions, History, linearize } from '../lib/history'
import { ASKED, at, city, keyOf, lend, N, programs, type City } from './city'

// A command that does not hold up the callers of this process.
function gusuBeside(...args: string[]): Promise<{ status: number | null; text: string }> {
  return new Promise((done) => {
    const p = spawn(BIN, args, { cwd: ROOT })
    let text = ''
    for (const s of [p.stdout, p.stderr]) s.on('data', (b: Buffer) => (text += b.toString()))
    p.once('close', (status) => done({ status, text }))
  })
}
let c: City
beforeAll(async () => {
  c = await city()
})
afterAll(async () => {
  await c?.end()
})
const each = Array.from({ length: N }, (_, i) => i)
const call = (p: Client, g: number): Promise<any> => p.call('GET', `/api/v1/exchange/${g}/rows`, { query: { limit: 1 } })

describe('who is there', () => {
  test('every node lists all of them; each job is one node’s', async () => {
    for (const i of each) {
      const r = await until(async () => {
        const got = await at(c, 'sys', i).get('/api/v1/nodes')
        return got.jobs.length > 0 && got.jobs.every((j: any) => j.node) ? got : undefined
      }, 'every job is taken')
      expect(r.engine).toBe('postgresql')
      expect(r.items.filter((n: any) => n.is_alive)).toHaveLength(N)
      expect(r.items.filter((n: any) => n.is_this)).toHaveLength(1)
      const ids = r.items.map((n: any) => n.id)
      for (const j of r.jobs) expect(ids).toContain(j.node)
      expect(new Set(r.jobs.map((j: any) => j.name)).size).toBe(r.jobs.length)
    }
  })
  test('every node serves the same ledger, and a receipt for what another wrote', async () => {
    const a = await apply(at(c, 'gjj-jb', 0), ASKED)
    const done = await at(c, 'gjj-jb', 0).post(`/api/v1/applications/${a.id}/submit`)
    for (const i of each) {
      const l = await at(c, 'aud', i).get('/api/v1/ledger')
      expect(l.size).toBeGreaterThan(done.entry)
      const proof = await at(c, 'aud', i).call('GET', `/api/v1/ledger/entries/${done.entry}/receipt`)
      expect(proof.status).toBe(200)
    }
    // whoever asks anew sees no checkpoint that is older than one seen before, at whatever node
    let size = 0
    for (let k = 0; k < 60; k++) {
      const note = await (await fetch(`${c.nodes.nodes[k % N]!.url}/ledger/checkpoint`)).text()
      const n = Number(note.split('\n')[1])
      expect(n).toBeGreaterThanOrEqual(size)
      size = n
      if (k % 10 === 0) await apply(at(c, 'gjj-jb', k % N), ASKED)
    }
  })
})

describe('revoke means now, at every node', () => {
  test('a key that one node ended is refused by the others at once', async () => {
    const g = await lend(c, 10_000)
    for (let k = 0; k < 20; k++) {
      const key = await keyOf(c, g)
      const here = k % N
      for (const p of programs(c, key.key)) expect((await call(p, g)).status).toBe(200)
      await at(c, 'gjj-jb', here).ok('DELETE', `/api/v1/grants/${g}/keys/${key.id}`)
      const after = await Promise.all(programs(c, key.key).map((p) => call(p, g)))
      expect(after.map((r) => r.status)).toEqual([401, 401, 401])
    }
  })
  test('a grant that was suspended gives nothing anywhere, and all again when it is resumed', async () => {
    const g = await lend(c, 10_000)
    const ps = programs(c, (await keyOf(c, g)).key)
    for (let k = 0; k < 10; k++) {
      await at(c, 'rs-fz', k % N).post(`/api/v1/grants/${g}/suspend`, { reason: '核查' })
      for (const p of ps) expect((await call(p, g)).status).toBe(403)
      await at(c, 'rs-fz', (k + 1) % N).post(`/api/v1/grants/${g}/resume`)
      for (const p of ps) expect((await call(p, g)).status).toBe(200)
    }
  })
  test('who logs out at one node is nobody at the others', async () => {
    const one = await login(c.nodes.nodes[0]!.url, 'gjj-jb')
    const there = (i: number): Client => Object.assign(new Client(c.nodes.nodes[i]!.url), { cookie: one.cookie, csrf: one.csrf })
    for (const i of each) expect((await there(i).call('GET', '/api/v1/grants')).status).toBe(200)
    await there(1).ok('POST', '/api/v1/logout')
    for (const i of each) expect((await there(i).call('GET', '/api/v1/grants')).status).toBe(401)
  })
})

describe('races', () => {
  test('two reviewers at two nodes: one passes it, the other is told that it is done', async () => {
    for (let k = 0; k < 15; k++) {
      const a = await apply(c.all['gjj-jb']!, ASKED)
      await c.all['gjj-jb']!.post(`/api/v1/applications/${a.id}/submit`)
      await c.all['gjj-fz']!.post(`/api/v1/applications/${a.id}/sign`)
      const replies = await Promise.all(each.map((i) => at(c, 'sj-sh', i).call('POST', `/api/v1/applications/${a.id}/check`, { body: { pass: true } })))
      expect(replies.filter((r) => r.status === 200)).toHaveLength(1)
      expect(replies.filter((r) => r.status === 409 || r.status === 412)).toHaveLength(N - 1)
    }
  })
  test('one idempotency key at three nodes: done once, answered alike', async () => {
    for (let k = 0; k < 10; k++) {
      const ask = { body: { ...ASKED, title: `一次 ${k}`, legal_basis: '条例', purpose: '核对参保情况', period_days: 30, quota_per_day: 10 }, headers: { 'Idempotency-Key': `once-${k}` } }
      const r = await Promise.all(each.map((i) => at(c, 'gjj-jb', i).call('POST', '/api/v1/applications', ask)))
      expect(new Set(r.map((x) => x.body.id)).size).toBe(1)
    }
  })
  test('a quota of 1,000, three nodes, 64 callers: 1,000 are answered', async () => {
    const g = await lend(c, 1000)
    const ps = programs(c, (await keyOf(c, g)).key)
    let answered = 0
    const refused = new Set<string>()
    const entries = new Set<number>()
    const one = async (k: number): Promise<void> => {
      for (let i = 0; ; i++) {
        const r = await call(ps[(k + i) % N]!, g)
        if (r.status !== 200) {
          refused.add(told(r).join(' '))
          return
        }
        answered++
        entries.add(r.body.entry)
      }
    }
    await Promise.all(Array.from({ length: 64 }, (_, k) => one(k)))
    expect([...refused]).toEqual(['429 quota_used'])
    expect(answered).toBe(1000)
    expect(entries.size).toBe(1000)
    for (const i of each) expect((await at(c, 'gjj-jb', i).get(`/api/v1/grants/${g}`)).used_today).toBe(1000)
  })
})

describe('histories', () => {
  test('the counter of a grant: calls and reads at three nodes have one order', async () => {
    for (let round = 0; round < 5; round++) {
      const quota = 10
      const g = await lend(c, quota)
      const ps = programs(c, (await keyOf(c, g)).key)
      const h = new History<'call' | 'read', number>()
      const worker = async (k: number): Promise<void> => {
        for (let i = 0; i < 4; i++) {
          const node = (k + i) % N
          if ((k + i) % 3 === 2) await h.record(`read ${k}.${i}`, 'read', async () => (await at(c, 'gjj-jb', node).get(`/api/v1/grants/${g}`)).used_today)
          else await h.record(`call ${k}.${i}`, 'call', async () => (await call(ps[node]!, g)).status)
        }
      }
      await Promise.all(Array.from({ length: 6 }, (_, k) => worker(k)))
      const r = linearize(h.ops, {
        first: 0,
        step: (n, what, out) => {
          if (what === 'read') return out === n ? n : undefined
          if (out === 200) return n < quota ? n + 1 : undefined
          return out === 429 && n === quota ? n : undefined
        },
      })
      expect(r, r.order.join(' < ')).toMatchObject({ ok: true })
    }
  })
  test('an application: submit, sign, pass and withdraw at three nodes are steps of one process', async () => {
    // What each step answers in each state, learned from one node, one step after the other.
    const steps: Record<string, [string, string, object?]> = {
      submit: ['gjj-jb', 'submit'],
      sign: ['gjj-fz', 'sign'],
      check: ['sj-sh', 'check', { pass: true }],
      withdraw: ['gjj-jb', 'withdraw', { reason: '不再需要' }],
    }
    const go = async (step: string, id: string, node: number): Promise<boolean> => {
      const [who, verb, body] = steps[step]!
      const r = await at(c, who, node).call('POST', `/api/v1/applications/${id}/${verb}`, { body: body ?? {} })
      if (![200, 409, 412].includes(r.status)) throw new Error(`${step}: ${r.status} ${r.text}`)
      return r.status === 200
    }
    const state = async (id: string, node: number): Promise<string> => (await at(c, 'gjj-jb', node).get(`/api/v1/applications/${id}`)).state
    const next = new Map<string, string>()
    for (const path of [[], ['submit'], ['submit', 'sign'], ['submit', 'sign', 'check'], ['submit', 'withdraw'], ['submit', 'sign', 'withdraw'], ['submit', 'sign', 'check', 'withdraw']])
      for (const last of Object.keys(steps)) {
        const { id } = await apply(c.all['gjj-jb']!, ASKED)
        for (const s of path) await go(s, id, 0)
        const before = await state(id, 0)
        if (await go(last, id, 0)) next.set(`${before} ${last}`, await state(id, 0))
      }
    expect(next.size).toBeGreaterThanOrEqual(4)
    for (let round = 0; round < 12; round++) {
      const { id, state: first } = await apply(c.all['gjj-jb']!, ASKED)
      const h = new History<string, string | boolean>()
      const doing = ['submit', 'read', 'submit', 'sign', 'sign', 'check', 'withdraw', 'check', 'read', 'withdraw', 'sign', 'read']
      const worker = async (k: number): Promise<void> => {
        for (let i = k; i < doing.length; i += N) {
          const what = doing[(i + round) % doing.length]!
          await h.record(`${what} ${i}`, what, () => (what === 'read' ? state(id, (k + i) % N) : go(what, id, (k + i) % N)))
        }
      }
      await Promise.all(each.map(worker))
      const r = linearize(h.ops, {
        first: first as string,
        step: (s, what, out) => {
          if (what === 'read') return out === s ? s : undefined
          const to = next.get(`${s} ${what}`)
          return out === true ? to : to === undefined ? s : undefined
        },
      })
      expect(r, JSON.stringify(h.ops)).toMatchObject({ ok: true })
    }
  })
  test('all that is written is in the order of its entries, whichever node answered', async () => {
    const g = await lend(c, 100_000)
    const ps = programs(c, (await keyOf(c, g)).key)
    const ops: { name: string; entry: number; from: number; to: number }[] = []
    const h = new History<string, number>()
    const worker = async (k: number): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        const node = (k + i) % N
        await h.record(`${k}.${i}`, '', async () => {
          if ((k + i) % 5) return (await call(ps[node]!, g)).body.entry
          return (await apply(at(c, 'gjj-jb', node), ASKED)).entry
        })
      }
    }
    await Promise.all(Array.from({ length: 24 }, (_, k) => worker(k)))
    for (const o of h.ops) ops.push({ name: o.name, entry: o.out!, from: o.from, to: o.to })
    expect(ops.filter((o) => !Number.isInteger(o.entry))).toEqual([])
    expect(contradictions(ops)).toEqual([])
  })
})

describe('keys', () => {
  test('rotated at one node while all write: every node signs with the new ones, none with the old', async () => {
    const vkey = async (i: number): Promise<string> => (await fetch(`${c.nodes.nodes[i]!.url}/ledger/vkey`)).text()
    const old = await vkey(0)
    let on = true
    const writers = each.map(async (i) => {
      while (on) await apply(at(c, 'gjj-jb', i), ASKED)
    })
    const rotated = await gusuBeside('key', 'rotate', '--data', c.nodes.data)
    expect(rotated.text).not.toMatch(/error/i)
    expect(rotated.status, rotated.text).toBe(0)
    const now = await vkey(0)
    expect(now).not.toBe(old)
    for (const i of each) await until(async () => ((await vkey(i)) === now ? true : undefined), `node ${i + 1} has the new key`)
    // each signs on demand: a receipt over what it has just written
    for (const i of each) {
      const a = await apply(at(c, 'gjj-jb', i), ASKED)
      expect((await at(c, 'aud', i).call('GET', `/api/v1/ledger/entries/${a.entry}/receipt`)).status).toBe(200)
    }
    on = false
    await Promise.all(writers)
    for (const n of c.nodes.nodes) await n.stop()
    const r = gusu('verify', c.nodes.data, ...c.store)
    expect(r.status, r.text).toBe(0)
  })
})

describe('the checker itself', () => {
  const counter = { first: 0, step: (n: number, what: string, out: number | undefined) => (what === 'read' ? (out === n ? n : undefined) : n + 1) }
  test('finds what cannot have been', () => {
    const op = (name: string, out: number | undefined, from: number, to: number) => ({ name, in: name, out, from, to })
    expect(linearize([op('add', 1, 1, 2), op('read', 1, 3, 4)], counter).ok).toBe(true)
    expect(linearize([op('add', 1, 1, 2), op('read', 0, 3, 4)], counter).ok).toBe(false)
    expect(linearize([op('add', 1, 1, 4), op('read', 0, 2, 3)], counter).ok).toBe(true)
    expect(linearize([op('read', 1, 1, 4), op('read', 0, 5, 6), op('add', 1, 2, 3)], counter).ok).toBe(false)
    expect(linearize([op('add', undefined, 1, Infinity), op('read', 1, 2, 3), op('read', 0, 4, 5)], counter).ok).toBe(false)
    expect(contradictions([{ name: 'a', entry: 2, from: 1, to: 2 }, { name: 'b', entry: 1, from: 3, to: 4 }])).toHaveLength(1)
    expect(contradictions([{ name: 'a', entry: 2, from: 1, to: 4 }, { name: 'b', entry: 1, from: 3, to: 5 }])).toEqual([])
  })
})
