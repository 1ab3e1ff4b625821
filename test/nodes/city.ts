// SPDX-License-Identifier: MulanPSL-2.0
// What the tests of several nodes begin with: a PostgreSQL of their own, three gusu over it, people who are logged in
// (a session holds at every node), and grants.
import { caller, login, Client } from '../api/client'
import { apply, grant, type Cast } from '../api/walk'
import { cluster, type Cluster } from '../lib/cluster'
import { startNodes, type Nodes } from '../lib/nodes'
import { system, SYSTEM } from '../lib/story'

export const N = 3
export const FUND = { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' }
export const PEOPLE = ['gjj-jb', 'gjj-fz', 'sj-sh', 'rs-bm', 'rs-fz', 'sj-gl', 'sys', 'aud']
export interface City {
  pg: Cluster
  store: string[]
  nodes: Nodes
  all: Cast // through the address before the nodes
  end: () => Promise<void>
}
export async function city(): Promise<City> {
  const pg = cluster()
  const store = ['--store', pg.url]
  try {
    const nodes = await startNodes(N, store)
    const all: Cast = {}
    for (const name of PEOPLE) all[name] = await login(nodes.url, name)
    await system(all['gjj-jb']!)
    return {
      pg,
      store,
      nodes,
      all,
      end: async () => {
        await nodes.stop()
        pg.end()
      },
    }
  } catch (e) {
    pg.end()
    throw e
  }
}
// The same person, at one node.
export function at(c: City, who: string, node: number): Client {
  const same = new Client(c.nodes.nodes[node]!.url)
  Object.assign(same, { cookie: c.all[who]!.cookie, csrf: c.all[who]!.csrf })
  return same
}
export const ASKED = { items: [{ dataset: 'firm-insured', columns: ['uscc', 'period', 'kind', 'firm_name'] }], matter: 'fund-unit', system: SYSTEM }
export async function lend(c: City, quota: number): Promise<number> {
  const a = await apply(c.all['gjj-jb']!, { ...ASKED, quota_per_day: quota })
  return (await grant(c.all, a.id, FUND, { rate_per_s: 1_000_000 }))[0]!
}
export async function keyOf(c: City, g: number): Promise<{ id: number; key: string }> {
  return c.all['gjj-jb']!.post(`/api/v1/grants/${g}/keys`)
}
export function programs(c: City, key: string): Client[] {
  return c.nodes.nodes.map((n) => caller(n.url, key, SYSTEM, 'fund-unit', 'GJJ-2026-1', '王样样'))
}
