// SPDX-License-Identifier: MulanPSL-2.0
// The restore drill: a city that is being written to is backed up, killed, and restored elsewhere. What was
// acknowledged before the backup began is there, with the same leaves; the copy and the restored folder verify; the
// wrong things are refused. And the plan: a server makes its backups by itself and says how they went.
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BIN, ROOT, start, type Server } from '../lib/server'
import { login, type Client } from './client'
import { description, gusu } from './walk'

const run = promisify(execFile)
const scratch = mkdtempSync(join(tmpdir(), 'gusu-drill-'))
const at = (...names: string[]): string => join(scratch, ...names)
const data = at('data')
let server: Server | undefined
let steward: Client
let origin: string
const done: { id: string; entry: number }[] = []

beforeAll(async () => {
  server = await start({ inFile: true, data })
  steward = await login(server.url, 'rs-bm')
  origin = (await steward.get('/api/v1/ledger')).origin
})
afterAll(async () => {
  await server?.stop()
  rmSync(scratch, { recursive: true, force: true })
})

// Four writers side by side, until told to stop.
async function load(until: { stop: boolean }): Promise<void> {
  const one = async (k: number): Promise<void> => {
    for (let i = 0; !until.stop; i++) {
      const id = `drill-${k}-${i}`
      const columns = [{ id: 'name', zh: '名称', type: 'text' }]
      const { entry } = await steward.post('/api/v1/datasets', description(id, `演练 ${k}-${i}`, columns))
      done.push({ id, entry })
    }
  }
  await Promise.all([0, 1, 2, 3].map(one))
}
const leaf = async (c: Client, n: number): Promise<string> => JSON.stringify((await c.get(`/api/v1/ledger/entries/${n}`)).leaf)
const files = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort()

describe('a drill', () => {
  let acknowledged: typeof done
  const leaves = new Map<number, string>()
  test('backed up under load, then killed', async () => {
    const until = { stop: false }
    const writing = load(until)
    await vi.waitFor(() => expect(done.length).toBeGreaterThan(20), { timeout: 20_000 })
    acknowledged = [...done]
    const { stdout } = await run(BIN, ['backup', '--data', data, '--to', at('b')], { cwd: ROOT })
    const beside = done.length - acknowledged.length
    until.stop = true
    await writing
    expect(stdout).toMatch(/backed up/)
    expect(beside).toBeGreaterThan(0)
    for (const { entry } of acknowledged) leaves.set(entry, await leaf(steward, entry))
    process.kill(server!.pid, 'SIGKILL')
    server = undefined
  })
  test('the copy verifies where it lies, and nothing appears beside it', () => {
    const before = files(at('b'))
    const r = gusu('verify', at('b'))
    expect(r.status, r.text).toBe(0)
    expect(files(at('b'))).toEqual(before)
    expect(before).not.toContain('key.bin')
    expect(before.some((n) => n.startsWith('keys'))).toBe(false)
  })
  test('a flipped byte of each file is found and named; an occupied folder is refused', () => {
    cpSync(at('b'), at('bad'), { recursive: true })
    for (const name of files(at('bad')).filter((n) => statSync(at('bad', n)).isFile())) {
      const bytes = readFileSync(at('bad', name))
      const place = Math.floor(bytes.length / 3)
      bytes[place]! ^= 4
      writeFileSync(at('bad', name), bytes)
      const r = gusu('restore', at('bad'), '--data', at('no'))
      expect(r.status).toBe(1)
      expect(r.text).toContain(name)
      bytes[place]! ^= 4
      writeFileSync(at('bad', name), bytes)
    }
    expect(existsSync(at('no'))).toBe(false)
    mkdirSync(at('full'))
    writeFileSync(at('full', '.hidden'), '')
    expect(gusu('restore', at('b'), '--data', at('full')).status).toBe(1)
    expect(readdirSync(at('full'))).toEqual(['.hidden'])
  })
  test('restored without keys it says what is missing, and does not start without the server key', () => {
    const r = gusu('restore', at('b'), '--data', at('keyless'))
    expect(r.status, r.text).toBe(0)
    expect(r.text).toMatch(/without key\.bin/)
    expect(gusu('serve', '--data', at('keyless'), '--port', '0').text).toMatch(/key\.bin/)
  })
  test('restored with the keys: what was acknowledged is there, with the same leaves', async () => {
    const r = gusu('restore', at('b'), '--data', at('again'), '--keys', data)
    expect(r.status, r.text).toBe(0)
    expect(gusu('verify', at('again')).status).toBe(0)
    expect(files(at('again', 'files'))).toEqual(files(join(data, 'files')))
    server = await start({ inFile: true, data: at('again'), pack: null })
    const c = await login(server.url, 'rs-bm')
    for (const { id, entry } of acknowledged) {
      expect((await c.get(`/api/v1/datasets/${id}`)).id).toBe(id)
      expect(await leaf(c, entry)).toBe(leaves.get(entry))
    }
    await c.post('/api/v1/datasets', description('after-drill', '演练之后', [{ id: 'name', zh: '名称', type: 'text' }]))
    // Entries signed after the backup may be in other hands: the log goes on under another name.
    const now = await c.get('/api/v1/ledger')
    expect(now.origin).not.toBe(origin)
    expect(now.origin.startsWith(origin)).toBe(true)
    await server.stop()
    server = undefined
    expect(existsSync(at('again', 'restored.json'))).toBe(false)
    expect(gusu('verify', at('again')).status).toBe(0)
  })
})

describe('the plan', () => {
  test('is kept without a server, followed by the next one, and told to the administrator', async () => {
    mkdirSync(at('plan'))
    expect(gusu('backup', '--data', at('again'), '--to', at('plan'), '--every', '1x').status).toBe(1)
    const r = gusu('backup', '--data', at('again'), '--to', at('plan'), '--every', '1h', '--keep', '2')
    expect(r.status, r.text).toBe(0)
    server = await start({ inFile: true, data: at('again'), pack: null })
    const sys = await login(server.url, 'sys')
    const good = async (): Promise<any> => {
      const b = await sys.get('/api/v1/backups')
      // The first is that of the drill: it was made by command, and is in the restored rows only if it was there.
      expect(b.items.some((i: any) => i.place.startsWith(at('plan')) && i.digest)).toBe(true)
      return b
    }
    const told = await vi.waitFor(good, { timeout: 30_000, interval: 200 })
    expect(told.is_late).toBe(false)
    expect(told.plan).toEqual({ place: at('plan'), every_s: 3600, keep: 2 })
    const made = readdirSync(at('plan'))
    expect(made).toHaveLength(1)
    expect(gusu('verify', at('plan', made[0]!)).status).toBe(0)
    expect(gusu('backup', '--data', at('again'), '--every', '0').status).toBe(0)
    expect((await sys.get('/api/v1/backups')).plan).toBeUndefined()
  })
})
