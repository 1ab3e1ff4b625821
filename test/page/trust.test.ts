// SPDX-License-Identifier: MulanPSL-2.0
// The receipt check in a real browser: an entry of each tree is good, one changed letter turns the verdict red at the
// step where it breaks, a receipt brought from a file works, a key of another log is refused.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { Person, openBrowser } from '../lib/browser'
import { Client } from '../api/client'

const url = inject('url')
let browser: Browser
let p: Person
beforeAll(async () => {
  browser = await openBrowser()
  p = await Person.enter(browser, url, 'zh')
})
afterAll(async () => {
  await browser?.close()
})
const states = (): Promise<string[]> => p.page.$$eval('[data-step]', (all) => all.map((e) => `${(e as HTMLElement).dataset.step}:${(e as HTMLElement).dataset.state}`))

test('an entry is good in the SHA-256 tree, and every step is shown', async () => {
  await p.visit('/trust/2', '#entry pre')
  await p.page.click('#entry button.el-button--primary')
  await p.page.waitForSelector('[data-verdict=ok]')
  const s = await states()
  for (const step of ['format', 'leaf', 'leafhash', 'path', 'root', 'key', 'signature']) expect(s).toContain(`${step}:ok`)
  expect(await p.page.textContent('[data-step=signature]')).toContain('Ed25519')
  await p.shot('portal-receipt-ok-zh')
  expect(await p.faults()).toEqual([])
})
test('one changed letter is seen', async () => {
  await p.page.getByText('改一个字试试').click()
  await p.page.waitForSelector('[data-verdict=bad]')
  expect(await states()).toContain('root:bad')
  await p.shot('portal-receipt-bad-zh')
})
test('the same entry is good in the SM3 tree under an SM2 signature', async () => {
  await p.visit('/trust/2', '#entry pre')
  await p.page.getByText('核验 SM3 树').click()
  await p.page.waitForSelector('[data-verdict=ok]')
  expect(await p.page.textContent('[data-step=signature]')).toContain('SM2')
})
test('a receipt from a file, and a key of another log', async () => {
  const c = new Client(url)
  const text = (await c.call('GET', '/api/v1/ledger/entries/1/receipt')).text
  const file = join(tmpdir(), `gusu-${process.pid}.tlog-proof`)
  writeFileSync(file, text)
  await p.visit('/trust', '#receipt-text')
  await p.page.setInputFiles('input[type=file]', file)
  await p.page.waitForSelector('[data-verdict=ok]')
  await p.page.click('summary')
  // the example key of the C2SP signed-note text: well formed, not ours
  await p.page.fill('details input', 'example.com/foo+530d903a+Aekyeq3qhAHwNSZUMXnTAbCTZvZMK0jNAF1xDnfWaYOm')
  await p.page.locator('.drop button.el-button--primary').click()
  await p.page.waitForSelector('[data-verdict=bad]')
  expect((await states()).some((s) => s === 'key:bad' || s === 'signature:bad')).toBe(true)
})
test('without a secure context the check still works (pure JavaScript)', async () => {
  const q = await Person.enter(browser, url, 'en')
  await q.context.addInitScript(() => Object.defineProperty(globalThis.crypto, 'subtle', { value: undefined }))
  await q.visit('/trust/2', '#entry pre')
  await q.page.click('#entry button.el-button--primary')
  await q.page.waitForSelector('[data-verdict=ok]')
  expect(await q.page.textContent('[data-step=signature]')).toContain('@noble')
  expect(await q.faults()).toEqual([])
  await q.leave()
})
test('the language changes without a reload', async () => {
  await p.visit('/', '[data-dataset]')
  await p.page.evaluate(() => ((window as unknown as { kept: number }).kept = 1))
  await p.page.getByRole('button', { name: 'EN' }).click()
  await p.page.waitForFunction(() => document.documentElement.lang === 'en' && /Open Data Portal/.test(document.body.innerText))
  expect(await p.page.evaluate(() => (window as unknown as { kept: number }).kept)).toBe(1)
  expect(await p.faults()).toEqual([])
})
