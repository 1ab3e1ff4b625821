// SPDX-License-Identifier: MulanPSL-2.0
// A node is killed under load, the node that holds the jobs, and PostgreSQL itself. Afterwards: what was acknowledged is
// there, what was asked once under an Idempotency-Key is there once, the counters agree with the ledger, and the ledger
// verifies. Short by default; NODES_KILLS=100 makes it long.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gusu, until } from '../api/walk'
import { SYSTEM } from '../lib/story'
import { ASKED, at, city, keyOf, lend, N, type City } from './city'

const KILLS = Number(process.env.NODES_KILLS ?? 4)
const CALLERS = 12
const WRITERS = 4
let c: City
let g: number
let key: string
beforeAll(async () => {
  c = await city()
  g = await lend(c, 5_000_000)
  key = (await keyOf(c, g)).key
})
afterAll(async () => {
  await c?.end()
})

interface Said {
  entries: number[] // of calls that were answered
  unknown: number // calls whose answer never came
  applications: Map<string, number> // idempotency key → id that was told
  refused: Map<number, number>
}
const said: Said = { entries: [], unknown: 0, applications: new Map(), refused: new Map() }
let seq = 0

// Load until told to stop. A caller that gets no answer goes on at the next node, as behind a proxy.
function load(): { stop: () => Promise<void> } {
  let on = true
  const port = (i: number): string => c.nodes.nodes[i % N]!.url
  const calls = async (k: number): Promise<void> => {
    for (let i = k; on; i++) {
      let r: Response
      try {
        r = await fetch(`${port(i)}/api/v1/exchange/${g}/rows?limit=1&fields=uscc`, {
          headers: { Authorization: `Bearer ${key}`, 'Gusu-System': SYSTEM, 'Gusu-Matter': 'fund-unit' },
        })
        if (r.status === 200) {
          said.entries.push((await r.json()).entry)
          continue
        }
        await r.text()
      } catch (e: any) {
        if (e?.cause?.code !== 'ECONNREFUSED') said.unknown++ // nobody was there to be asked
        await new Promise((f) => setTimeout(f, 20)) // a port that nobody listens on answers at once
        continue
      }
      said.refused.set(r.status, (said.refused.get(r.status) ?? 0) + 1)
      if (r.status === 500) said.unknown++ // a commit whose end is not known is told so
      await new Promise((f) => setTimeout(f, 20))
    }
  }
  const writes = async (k: number): Promise<void> => {
    for (let i = k; on; i++) {
      const name = `kill-${k}-${seq++}`
      // The same key until somebody has answered: at whatever node, it is done once.
      for (let node = i; ; node++) {
        const me = at(c, 'gjj-jb', node % N)
        try {
          const r = await fetch(`${me.url}/api/v1/applications`, {
            method: 'POST',
            headers: { Cookie: me.cookie, 'X-CSRF-Token': me.csrf, 'Content-Type': 'application/json', 'Idempotency-Key': name },
            body: JSON.stringify({ ...ASKED, title: name, legal_basis: '条例第十五条', purpose: '核对参保情况', period_days: 30, quota_per_day: 10 }),
          })
          const body: any = await r.json()
          if (r.status < 300) {
            said.applications.set(name, body.id)
            break
          }
          if (r.status < 500) throw new Error(`${name}: ${r.status} ${JSON.stringify(body)}`)
        } catch (e) {
          if (e instanceof Error && e.message.startsWith('kill-')) throw e
        }
        await new Promise((f) => setTimeout(f, 20))
        if (!on && node > i + 600) return
      }
    }
  }
  const all = [...Array.from({ length: CALLERS }, (_, k) => calls(k)), ...Array.from({ length: WRITERS }, (_, k) => writes(k))]
  return {
    stop: async () => {
      on = false
      await Promise.all(all)
    },
  }
}
const answered = async (more: number): Promise<void> => {
  const from = said.entries.length
  const what = async (): Promise<true | undefined> => {
    await new Promise((f) => setTimeout(f, 10)) // the load runs in this process
    return said.entries.length >= from + more ? true : undefined
  }
  await until(what, `${more} more answers`, 60_000)
}
const kill = (i: number): Promise<void> =>
  new Promise((done) => {
    const s = c.nodes.nodes[i]!
    s.ended.then(() => done())
    process.kill(s.pid, 'SIGKILL')
  })

// What was told, held against what is there.
async function settle(): Promise<void> {
  expect(new Set(said.entries).size).toBe(said.entries.length)
  const used = Number(c.pg.rows(`SELECT coalesce(sum(calls), 0) FROM exchange_meter WHERE grant_id = ${g}`))
  expect(used).toBeGreaterThanOrEqual(said.entries.length)
  expect(used).toBeLessThanOrEqual(said.entries.length + said.unknown)
  const rows = new Map(c.pg.rows("SELECT title, id, count(*) OVER (PARTITION BY title) FROM exchange_application WHERE title LIKE 'kill-%'").split('\n').filter(Boolean).map((l) => l.split('|')).map(([t, id, n]) => [t!, [id!, n!]]))
  for (const [name, id] of said.applications) expect(rows.get(name), name).toEqual([String(id), '1'])
  for (const [, [, n]] of rows) expect(n).toBe('1')
  // each acknowledged entry is a call of that grant (a sample, spread over all)
  const aud = at(c, 'gjj-jb', 0)
  const step = Math.max(1, Math.floor(said.entries.length / 200))
  for (let i = 0; i < said.entries.length; i += step) {
    const e = await aud.get(`/api/v1/ledger/entries/${said.entries[i]}`)
    expect(e.kind).toBe('exchange.call')
    if (e.detail) expect(e.detail.grant).toBe(g)
  }
}

describe('under load', () => {
  test(`${KILLS} nodes killed one after another, the one with the jobs among them; PostgreSQL stopped at once and started again`, async () => {
    const l = load()
    await answered(200)
    for (let k = 0; k < KILLS; k++) {
      const jobs = async (i: number): Promise<any> => at(c, 'sys', i).get('/api/v1/nodes')
      // every other time the one that signs
      let victim = k % N
      if (k % 2 === 0) {
        const r = await jobs((k + 1) % N)
        const holder = r.jobs.find((j: any) => j.name === 'ledger_checkpoint').node
        for (let i = 0; i < N; i++) if ((await jobs(i)).items.find((n: any) => n.is_this).id === holder) victim = i
        const other = (victim + 1) % N
        const size = (await at(c, 'aud', other).get('/api/v1/ledger')).signed_size
        await kill(victim)
        await answered(100)
        await until(async () => {
          const now = (await jobs(other)).jobs.find((j: any) => j.name === 'ledger_checkpoint').node
          return now && now !== holder ? true : undefined
        }, 'another node takes over the signing', 30_000)
        await until(async () => ((await at(c, 'aud', other).get('/api/v1/ledger')).signed_size > size ? true : undefined), 'it signs on', 15_000)
      } else {
        await kill(victim)
        await answered(200)
      }
      await c.nodes.again(victim)
      await answered(100)
    }
    for (let k = 0; k < Math.max(2, KILLS / 2); k++) {
      c.pg.stop('immediate')
      c.pg.start()
      await answered(200)
    }
    await l.stop()
    await settle()
    console.log(`answered ${said.entries.length}, no answer ${said.unknown}, told no ${JSON.stringify([...said.refused])}, applications ${said.applications.size}`)
  }, 110_000 + KILLS * 20_000)
  test('the node with the jobs stands still beyond its lease: another goes on, and it does not contradict when it wakes', async () => {
    const l = load()
    await answered(100)
    const jobs = async (i: number): Promise<any> => at(c, 'sys', i).get('/api/v1/nodes')
    const holder = (await jobs(0)).jobs.find((j: any) => j.name === 'ledger_checkpoint').node
    let still = 0
    for (let i = 0; i < N; i++) if ((await jobs(i)).items.find((n: any) => n.is_this).id === holder) still = i
    const other = (still + 1) % N
    process.kill(c.nodes.nodes[still]!.pid, 'SIGSTOP')
    try {
      await until(async () => {
        await new Promise((f) => setTimeout(f, 50))
        const now = (await jobs(other)).jobs.find((j: any) => j.name === 'ledger_checkpoint').node
        return now && now !== holder ? true : undefined
      }, 'another node takes over', 40_000)
    } finally {
      process.kill(c.nodes.nodes[still]!.pid, 'SIGCONT')
    }
    await answered(200)
    // awake again it lives, and the jobs stay where they went
    const now = await until(async () => {
      const r = await jobs(still)
      return r.items.find((n: any) => n.id === holder)?.is_alive ? r : undefined
    }, 'it says that it lives')
    expect(now.jobs.filter((j: any) => j.node === holder)).toEqual([])
    await l.stop()
    await settle()
  })
  test('the ledger verifies, with the nodes running and after them', async () => {
    const size = (await at(c, 'aud', 0).get('/api/v1/ledger')).size
    for (let i = 0; i < N; i++) expect((await at(c, 'aud', i).get('/api/v1/ledger')).size).toBeGreaterThanOrEqual(size)
    for (const n of c.nodes.nodes) await n.stop()
    const r = gusu('verify', c.nodes.data, ...c.store)
    expect(r.text).toContain(String(size))
    expect(r.status, r.text).toBe(0)
  })
})
