// SPDX-License-Identifier: MulanPSL-2.0
// Starts gusu as a user would: the binary, a fresh data folder, the built pack, the demo accounts, any free port.
// Ready means that it printed its address; nothing here waits by the clock.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { storeArgs } from './store'

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
export const BUILD = process.env.GUSU_BUILD ?? join(ROOT, 'build')
export const BIN = process.env.GUSU_BIN ?? join(BUILD, 'gusu')
export const DEMO_PASSWORD = 'Gusu-demo-2026'
const LOG_MAX = 200_000

export interface Server {
  url: string
  port: number
  data: string
  pid: number
  log: () => string
  stop: () => Promise<void>
  ended: Promise<void>
}
export interface Options {
  data?: string // kept when given, else a temporary folder that goes with the server
  port?: number
  pack?: string | null
  args?: string[]
  inFile?: boolean // SQLite, whatever engine the other tests run on
  single?: boolean // one process, whatever GUSU_TEST_NODES says
}
// So many over one PostgreSQL stand behind each server that a test starts (nodes.ts).
export const NODES = Number(process.env.GUSU_TEST_NODES ?? 1)
export async function start(o: Options = {}): Promise<Server> {
  if (NODES > 1 && !o.single && !o.inFile && !o.port) return (await import('./nodes')).startNodes(NODES, undefined, o)
  const data = o.data ?? mkdtempSync(join(tmpdir(), 'gusu-test-'))
  const pack = o.pack === undefined ? 'packs/suzhou' : o.pack
  const args = ['serve', '--data', data, '--port', String(o.port ?? 0), '--demo', ...(o.inFile || o.args?.includes('--store') ? [] : storeArgs(data)), ...(pack ? ['--pack', pack] : [])]
  if (process.env.GUSU_WEB) args.push('--web', process.env.GUSU_WEB)
  const child = spawn(BIN, [...args, ...(o.args ?? [])], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  const keep = (b: Buffer): void => {
    log = (log + b.toString()).slice(-LOG_MAX)
  }
  child.stderr!.on('data', keep)
  const url = await new Promise<string>((done, fail) => {
    child.stdout!.on('data', (b: Buffer) => {
      keep(b)
      const hit = /https?:\/\/[^\s:]+:(\d+)/.exec(log)
      if (hit) done(`http${hit[0].startsWith('https') ? 's' : ''}://localhost:${hit[1]}`)
    })
    child.once('error', fail)
    child.once('exit', (code, sig) => fail(new Error(`gusu ended at start (${code ?? sig}):\n${log}`)))
  })
  return {
    url,
    port: Number(new URL(url).port),
    data,
    pid: child.pid!,
    log: () => log,
    ended: new Promise((done) => child.once('close', () => done())),
    stop: async () => {
      await end(child)
      if (!o.data) rmSync(data, { recursive: true, force: true })
    },
  }
}
function end(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', () => done())
    child.kill('SIGTERM')
  })
}
