// SPDX-License-Identifier: MulanPSL-2.0
// Commands beside a running server: they are carried out by it through the socket in its data folder; refused ones
// leave nothing behind, neither in a city nor where no city was.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BIN, ROOT, start, type Server } from '../lib/server'
import { login } from './client'
import { gusu } from './walk'

const scratch = mkdtempSync(join(tmpdir(), 'gusu-errands-'))
let server: Server
beforeAll(async () => {
  server = await start({ data: join(scratch, 'data') })
})
afterAll(async () => {
  await server.stop()
  rmSync(scratch, { recursive: true, force: true })
})

describe('beside a running server', () => {
  test('an administrator is made, and can log in at once', async () => {
    const made = gusu('user', 'boss', 'auditor', '--data', server.data)
    expect(made.status, made.text).toBe(0)
    const password = /boss: (\S+)/.exec(made.text)![1]!
    const c = await login(server.url, 'boss', password)
    expect((await c.get('/api/v1/me')).account.login).toBe('boss')
  })
  test('the pack is loaded again without a change, by a path as typed', () => {
    const r = spawnSync(BIN, ['load', 'suzhou', '--demo', '--data', server.data], { cwd: join(ROOT, 'packs'), encoding: 'utf8' })
    expect(r.status, r.stderr).toBe(0)
    expect(r.stderr).toMatch(/unchanged/)
  })
  test('mistakes are told with file and line, and nothing is changed', () => {
    const broken = join(scratch, 'broken')
    mkdirSync(broken)
    writeFileSync(join(broken, 'pack.json'), '{"id":')
    const r = gusu('load', broken, '--data', server.data)
    expect(r.status).toBe(1)
    expect(r.text).toMatch(/pack\.json:1/)
  })
  test('a bad role and a weak password are refused in words', () => {
    expect(gusu('user', 'x', 'steward', '--data', server.data).text).toMatch(/No such role/)
    const weak = spawnSync(BIN, ['user', 'x', 'auditor', '--data', server.data], { env: { ...process.env, GUSU_PASSWORD: 'short' }, encoding: 'utf8' })
    expect(weak.status).toBe(1)
    expect(weak.stderr).toMatch(/at least/)
  })
  test('a second server on the same folder is refused', () => {
    const r = gusu('serve', '--data', server.data, '--port', '0')
    expect(r.status).toBe(1)
    expect(existsSync(join(server.data, 'gusu.sock'))).toBe(true)
  })
  test('the socket is for its owner alone', () => {
    expect(statSync(join(server.data, 'gusu.sock')).mode & 0o777).toBe(0o600)
  })
})

describe('where no city is', () => {
  test('a refused command leaves no folder', () => {
    const none = join(scratch, 'none')
    expect(gusu('load', join(scratch, 'no-pack'), '--data', none).status).toBe(1)
    expect(gusu('user', 'x', 'nobody', '--data', none).status).toBe(1)
    expect(existsSync(none)).toBe(false)
  })
  test('a folder with other things keeps them, and gets nothing', () => {
    const other = join(scratch, 'other')
    mkdirSync(other)
    writeFileSync(join(other, 'key.bin'), 'k'.repeat(32))
    expect(gusu('load', join(scratch, 'no-pack'), '--data', other).status).toBe(1)
    expect(readdirSync(other)).toEqual(['key.bin'])
  })
  test('checking a pack leaves nothing in the temporary folder', () => {
    const before = readdirSync(tmpdir()).filter((n) => n.startsWith('gusu-check-'))
    expect(gusu('check', 'packs/suzhou').status).toBe(0)
    expect(readdirSync(tmpdir()).filter((n) => n.startsWith('gusu-check-'))).toEqual(before)
  })
})
