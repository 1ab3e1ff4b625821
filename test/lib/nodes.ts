// SPDX-License-Identifier: MulanPSL-2.0
// Several gusu over one PostgreSQL, and one address before them that gives each request to the next node in turn: what
// holds behind it does not depend on who answers.
import { createServer, request, type Server as HttpServer } from 'node:http'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { start, type Options, type Server } from './server'
import { storeArgs } from './store'

export interface Nodes extends Server {
  nodes: Server[]
  again: (i: number) => Promise<Server> // a node that was killed comes back
}
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding'])

// Requests in turn. A node that cannot be reached is passed over as a proxy does, but only when nothing was sent to it.
function inTurn(ports: () => number[]): Promise<{ server: HttpServer; port: number }> {
  let turn = 0
  const server = createServer((q, s) => {
    const all = ports()
    const port = all[turn++ % all.length]!
    const out = request({ port, host: '127.0.0.1', method: q.method, path: q.url, headers: q.headers, agent: false }, (r) => {
      const headers = Object.fromEntries(Object.entries(r.headers).filter(([k]) => !HOP.has(k)))
      s.writeHead(r.statusCode!, headers)
      r.pipe(s)
    })
    out.on('error', () => (s.headersSent ? s.destroy() : s.writeHead(502).end()))
    s.on('close', () => out.destroy())
    q.pipe(out)
  })
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({ server, port: (server.address() as AddressInfo).port })))
}

// Without a store: the schema that `make test-pg` gives the folder.
export async function startNodes(n: number, given: string[] | undefined, o: Options = {}): Promise<Nodes> {
  const home = mkdtempSync(join(tmpdir(), 'gusu-nodes-'))
  const shared = o.data ?? join(home, '1')
  if (!o.data) mkdirSync(shared)
  const store = given ?? storeArgs(shared)
  const folder = (i: number): string => (i === 0 ? shared : join(home, String(i + 1)))
  const one = (i: number, pack: string | null | undefined): Promise<Server> =>
    start({ ...o, port: 0, data: folder(i), pack, single: true, args: [...store, '--shared', shared, ...(o.args ?? [])] })
  const nodes = [await one(0, o.pack)]
  nodes.push(...(await Promise.all(Array.from({ length: n - 1 }, (_, i) => one(i + 1, null)))))
  const front = await inTurn(() => nodes.map((s) => s.port))
  return {
    nodes,
    url: `http://localhost:${front.port}`,
    port: front.port,
    data: shared,
    pid: nodes[0]!.pid,
    log: () => nodes.map((s, i) => `--- node ${i + 1}\n${s.log()}`).join('\n'),
    ended: Promise.all(nodes.map((s) => s.ended)).then(() => undefined),
    again: async (i) => (nodes[i] = await one(i, null)),
    stop: async () => {
      front.server.closeAllConnections()
      front.server.close()
      await Promise.all(nodes.map((s) => s.stop()))
      rmSync(home, { recursive: true, force: true })
    },
  }
}
