// SPDX-License-Identifier: MulanPSL-2.0
// Two cities over HTTP, each started as an operator would: one logs, the other witnesses it. What a witness answers to
// a fork, to strangers, to a rotated key; a city whose data were put back behind what its witness saw; keys under a
// passphrase. Nobody waits for a witness: each step is signed before it is witnessed.
import { createHash, createPrivateKey, sign } from 'node:crypto'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BIN, start, type Server } from '../lib/server'
import { check } from '../../web/src/lib/receipt'
import { gusu } from './walk'

const LOG = 'log.example/city'
const scratch = mkdtempSync(join(tmpdir(), 'gusu-witness-'))
const dir = (name: string): string => join(scratch, name)
let log: Server
let wit: Server
let people = 0

const open = (name: string, origin: string, port = 0, ...args: string[]): Promise<Server> => start({ data: dir(name), pack: null, port, args: ['--origin', origin, ...args] })
const text = async (s: Server, path: string): Promise<string> => (await fetch(s.url + path)).text()
const state = async (s: Server): Promise<any> => (await fetch(s.url + '/api/v1/ledger')).json()
// An entry: an administrator made on the command line, beside the running server.
function happen(name: string): void {
  const r = spawnSync(BIN, ['user', `adm${++people}`, 'auditor', '--data', dir(name)], { env: { ...process.env, GUSU_PASSWORD: 'Aa1!-much-longer-than-needed' }, encoding: 'utf8' })
  expect(r.status, r.stderr).toBe(0)
}
const until = (s: Server, what: (l: any) => boolean): Promise<any> =>
  vi.waitFor(
    async () => {
      const l = await state(s)
      expect(what(l), JSON.stringify(l)).toBe(true)
      return l
    },
    { timeout: 30_000, interval: 200 },
  )
const witnessed = (s: Server): Promise<any> => until(s, (l) => l.size > 0 && l.witnessed_size === l.size)
const submit = (body: string): Promise<Response> => fetch(wit.url + '/ledger/witness/add-checkpoint', { method: 'POST', body })
// What only the holder of the log's key can make: a checkpoint over a tree that never was.
function forge(size: number, root: Buffer): string {
  const key = createPrivateKey(readFileSync(join(dir('log'), 'ledger-ed25519.pem')))
  const pub = key.export({ format: 'jwk' }).x!
  const typed = Buffer.concat([Buffer.of(1), Buffer.from(pub, 'base64url')])
  const id = createHash('sha256').update(`${LOG}\n`).update(typed).digest().subarray(0, 4)
  const body = `${LOG}\n${size}\n${root.toString('base64')}\n`
  return `${body}\n— ${LOG} ${Buffer.concat([id, sign(null, Buffer.from(body), key)]).toString('base64')}\n`
}

beforeAll(async () => {
  wit = await open('wit', 'wit.example/city')
  log = await open('log', LOG, 0, '--allow-upstream', `localhost:${wit.port}`)
  const added = gusu('witness', 'add', (await text(log, '/ledger/vkey')).trim(), '--data', dir('wit'))
  expect(added.status, added.text).toBe(0)
})
afterAll(async () => {
  await log?.stop()
  await wit?.stop()
  rmSync(scratch, { recursive: true, force: true })
})

describe('one city witnesses another', () => {
  test('an entry is signed at once, and witnessed when there is somebody', async () => {
    happen('log')
    const signed = await until(log, (l) => l.size > 0 && l.signed_size === l.size)
    expect(signed.witnessed_size).toBe(0)
    expect(signed.witnesses).toEqual([])
    const vkey = (await text(wit, '/ledger/witness/vkey')).trim()
    expect(gusu('witness', 'vkey', '--data', dir('wit')).text.trim()).toBe(vkey)
    writeFileSync(join(dir('log'), 'witness.policy'), `witness west ${vkey} http://localhost:${wit.port}/ledger/witness\ngroup all 1 west\nquorum all\n`)
    const shown = gusu('witness', 'policy', '--data', dir('log'))
    expect(shown.status, shown.text).toBe(0)
    const l = await witnessed(log)
    expect(l.quorum).toBe('all')
    expect(l.witnesses[0]).toMatchObject({ label: 'west', name: 'wit.example/city/witness', failures: 0, size: l.size })
    expect(l.checkpoint).toContain('— wit.example/city/witness ')
    expect(await text(log, '/ledger/witnessed/checkpoint')).toBe(l.checkpoint)
    // the witness's own ledger is untouched by all this: two that witness each other come to rest
    expect((await state(wit)).size).toBe(0)
  })
  test('the receipt carries the witness, and the offline check sees it', async () => {
    const receipt = await text(log, '/api/v1/ledger/entries/0/receipt')
    const keys = (await text(log, '/ledger/vkeys')) + (await text(wit, '/ledger/witness/vkey'))
    const r = await check(receipt, { leaf: () => Promise.reject(new Error('none')), vkey: () => Promise.resolve(keys) })
    expect(r.steps.filter((s) => s.state === 'bad')).toEqual([])
    expect(r.steps.some((s) => s.key === 'witness' && s.state === 'ok')).toBe(true)
    expect(r.ok).toBe(true)
    expect((await (await fetch(log.url + '/api/v1/ledger/entries/0')).json()).is_witnessed).toBe(true)
  })
  test('a monitor reads at the witness what it saw', async () => {
    const hash = createHash('sha256').update(LOG).digest('hex')
    const held = await text(wit, `/ledger/witness/${hash}/checkpoint`)
    const l = await state(log)
    expect(held.startsWith(`${LOG}\n${l.witnessed_size}\n`)).toBe(true)
    expect(held).toMatch(/\n— wit\.example\/city\/witness \S+\n$/)
    expect((await fetch(`${wit.url}/ledger/witness/${'0'.repeat(64)}/checkpoint`)).status).toBe(404)
  })
  test('a fork is refused, whoever signed it', async () => {
    const l = await witnessed(log)
    const root = createHash('sha256').update('another history').digest()
    const other = await submit(`old ${l.size}\n\n${forge(l.size, root)}`)
    expect(other.status).toBe(422) // the same size, another root
    expect((await submit(`old ${l.size}\n${root.toString('base64')}\n\n${forge(l.size + 1, root)}`)).status).toBe(422)
    const stale = await submit(`old 0\n\n${forge(l.size + 5, root)}`)
    expect(stale.status).toBe(409)
    expect(stale.headers.get('content-type')).toBe('text/x.tlog.size')
    expect(await stale.text()).toBe(`${l.size}\n`)
    expect((await submit(`old ${l.size + 9}\n\n${forge(l.size, root)}`)).status).toBe(400)
    expect((await submit(`old 0\n\n${forge(l.size, root).replace(LOG, 'un.known/log')}`)).status).toBe(404)
    expect((await submit(`old 0\n\n${forge(l.size, root).replace(`\n${l.size}\n`, '\n99\n')}`)).status).toBe(403)
    expect((await submit('hello')).status).toBe(400)
    expect((await submit('old 0\n' + 'A'.repeat(70_000))).status).toBe(413)
  })
  test('a restarted witness still knows', async () => {
    const port = wit.port
    await wit.stop()
    happen('log')
    const l = await until(log, (x) => x.signed_size === x.size && x.witnesses[0].failures > 0) // signed without it
    expect(l.witnessed_size).toBeLessThan(l.size)
    wit = await open('wit', 'wit.example/city', port)
    await witnessed(log)
  })
})

describe('keys', () => {
  test('are rotated beside the running server, announced under the old one', async () => {
    const receipt = await text(log, '/api/v1/ledger/entries/0/receipt')
    const before = (await text(log, '/ledger/vkey')).trim()
    const r = gusu('key', 'rotate', '--data', dir('log'))
    expect(r.status, r.text).toBe(0)
    const after = (await text(log, '/ledger/vkey')).trim()
    expect(after).not.toBe(before)
    const { items } = await (await fetch(log.url + '/api/v1/ledger/entries?kind=ledger.rotate')).json()
    expect(items[0].clear.vkey).toBe(after)
    const history = await (await fetch(log.url + '/api/v1/ledger/keys')).json()
    expect(history.items.length).toBe(4)
    expect(history.items.filter((k: any) => k.in_force).length).toBe(2)
    const lines = await text(log, '/ledger/vkeys')
    expect(lines).toContain(`${before} 0 `)
    // The witness has not been told of the new key: it refuses, and the log signs on.
    const l = await until(log, (x) => x.witnesses[0].problem === 'HTTP 403' && x.signed_size === x.size)
    expect(l.checkpoint.startsWith(`${LOG}\n${l.size}\n`)).toBe(true)
    expect(gusu('witness', 'add', after, '--data', dir('wit')).status).toBe(0)
    await witnessed(log)
    // An old receipt and a new one, each with the key of its day; the folder as a whole.
    const all = { leaf: () => Promise.reject(new Error('none')), vkey: () => Promise.resolve(lines) }
    expect((await check(receipt, all)).ok).toBe(true)
    expect((await check(await text(log, '/api/v1/ledger/entries/1/receipt'), all)).ok).toBe(true)
    writeFileSync(dir('old.tlog-proof'), receipt)
    expect(gusu('verify', dir('old.tlog-proof'), '--data', dir('log')).text).toMatch(/verified/)
    const whole = gusu('verify', dir('log'), '--quiet')
    expect(whole.status, whole.text).toBe(0)
  })
  test('lie under a passphrase when the operator wants it', async () => {
    const port = log.port
    await log.stop()
    writeFileSync(dir('pass'), 'correct horse battery staple\n')
    const env = { ...process.env, GUSU_PASSPHRASE_FILE: dir('pass') }
    const run = (...args: string[]) => spawnSync(BIN, [...args, '--data', dir('log')], { env, encoding: 'utf8' })
    expect(run('key', 'seal').status).toBe(0)
    expect(readFileSync(join(dir('log'), 'ledger-sm2.pem'), 'utf8')).toMatch(/^gusu-sealed\/v1\n/)
    expect(readFileSync(join(dir('log'), 'key.bin'), 'latin1')).toMatch(/^gusu-sealed\/v1\n/)
    expect(run('key', 'list').stdout.match(/sealed/g)!.length).toBe(4)
    const without = gusu('serve', '--data', dir('log'), '--port', '0', '--origin', LOG)
    expect(without.status).toBe(1)
    expect(without.text).toMatch(/passphrase/)
    process.env.GUSU_PASSPHRASE_FILE = dir('pass')
    try {
      log = await open('log', LOG, port, '--allow-upstream', `localhost:${wit.port}`)
      happen('log')
      await witnessed(log)
      await log.stop()
    } finally {
      delete process.env.GUSU_PASSPHRASE_FILE
    }
    writeFileSync(dir('pass'), 'not this one at all\n')
    expect(run('key', 'unseal').status).toBe(1)
    writeFileSync(dir('pass'), 'correct horse battery staple\n')
    expect(run('key', 'unseal').status).toBe(0)
    expect(readFileSync(join(dir('log'), 'ledger-sm2.pem'), 'utf8')).toMatch(/BEGIN PRIVATE KEY/)
    log = await open('log', LOG, port, '--allow-upstream', `localhost:${wit.port}`)
    await witnessed(log)
  })
})

describe('data that were put back', () => {
  test('are found out by the witness; the next start takes a new name', async () => {
    const port = log.port
    await log.stop()
    rmSync(dir('aside'), { recursive: true, force: true })
    cpSync(dir('log'), dir('aside'), { recursive: true })
    const again = () => open('log', LOG, port, '--allow-upstream', `localhost:${wit.port}`)
    log = await again()
    for (let i = 0; i < 3; i++) happen('log')
    await witnessed(log)
    await log.stop()
    rmSync(dir('log'), { recursive: true })
    cpSync(dir('aside'), dir('log'), { recursive: true }) // a copy of the folder, by hand: nobody said that it is old
    log = await again()
    happen('log')
    const l = await until(log, (x) => x.is_behind)
    happen('log')
    const receipt = await fetch(`${log.url}/api/v1/ledger/entries/${(await state(log)).size - 1}/receipt`)
    expect(receipt.status).toBe(503)
    await log.stop()
    log = await again()
    const now = await state(log)
    expect(now.origin).toMatch(/^log\.example\/city\/r1-[0-9a-f]{8}$/)
    expect(now.is_behind).toBe(false)
    expect(now.signed_size).toBe(now.size)
    const { items } = await (await fetch(log.url + '/api/v1/ledger/entries?kind=ledger.origin')).json()
    expect(items[0].clear.old_origin).toBe(LOG)
    // what the witness held says on record how much was lost
    expect(Number(items[0].clear.known.split('\n')[1])).toBeGreaterThan(l.size)
    // Under its new name it is a new log to the witness.
    appendFileSync(join(dir('wit'), 'witness.logs'), `log ${now.vkey}\n`)
    await witnessed(log)
    const whole = gusu('verify', dir('log'), '--quiet')
    expect(whole.status, whole.text).toBe(0)
  })
})
