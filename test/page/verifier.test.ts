// SPDX-License-Identifier: MulanPSL-2.0
// The offline verifier as somebody uses it who took the file home: opened from disk, no network at all, receipts of both
// trees, with and without the private part; and every kind of field of a receipt changed, which must turn it red.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { PHONE, SHOTS, openBrowser } from '../lib/browser'
import { login } from '../api/client'

const url = inject('url')
const dir = mkdtempSync(join(tmpdir(), 'gusu-verifier-'))
let browser: Browser
let page: Page
const wrong: string[] = []
const receipts: Record<'sha256' | 'sm3', string> = { sha256: '', sm3: '' }
beforeAll(async () => {
  browser = await openBrowser()
  const auditor = await login(url, 'aud')
  for (const tree of ['sha256', 'sm3'] as const) receipts[tree] = (await auditor.call('GET', `/api/v1/ledger/entries/44/receipt?tree=${tree}`)).text
  writeFileSync(join(dir, 'verifier.html'), await (await fetch(`${url}/ledger/verifier.html`)).text())
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, offline: true, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  page = await context.newPage()
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && wrong.push(m.text()))
  page.on('pageerror', (e) => wrong.push(e.message))
  page.on('request', (r) => r.url().startsWith('file:') || r.url().startsWith('data:') || wrong.push(r.url()))
  await page.goto(`file://${join(dir, 'verifier.html')}`)
})
afterAll(async () => {
  await browser?.close()
  rmSync(dir, { recursive: true, force: true })
})
async function verdict(text: string): Promise<string> {
  await page.fill('#receipt', text)
  await page.evaluate(() => document.querySelector('#result')!.replaceChildren())
  await page.click('#go')
  await page.waitForSelector('[data-verdict]')
  return (await page.getAttribute('[data-verdict]', 'data-verdict'))!
}
const states = (): Promise<string[]> => page.$$eval('[data-step]', (all) => all.map((e) => `${(e as HTMLElement).dataset.step}:${(e as HTMLElement).dataset.state}`))

test('a real receipt is good, from a file, and each step is told', async () => {
  const file = join(dir, '44.tlog-proof')
  writeFileSync(file, receipts.sha256)
  await page.setInputFiles('#file', file)
  await page.waitForSelector('[data-verdict=ok]')
  const s = await states()
  for (const step of ['format', 'leaf', 'commitment', 'commitment_other', 'leafhash', 'path', 'root', 'key', 'signature', 'sm2line']) expect(s).toContain(`${step}:ok`)
  await page.screenshot({ path: join(SHOTS, 'verifier-ok-zh.png'), fullPage: true })
})
test('so is one of the SM3 tree, under its SM2 signature', async () => {
  expect(await verdict(receipts.sm3)).toBe('ok')
  expect(await page.textContent('[data-step=signature]')).toContain('SM2')
  await page.screenshot({ path: join(SHOTS, 'verifier-sm3-zh.png'), fullPage: true })
})
// A letter of base64 becomes another one; where it stands decides what breaks.
const flip = (c: string): string => (c === 'A' ? 'B' : c === 'a' ? 'b' : c === '1' ? '2' : 'A')
const at = (text: string, i: number): string => text.slice(0, i) + flip(text[i]!) + text.slice(i + 1)
function changed(text: string): [string, string][] {
  const extra = Buffer.from(/^extra (\S+)$/m.exec(text)![1]!, 'base64').toString('utf8')
  const withExtra = (s: string): string => text.replace(/^extra \S+$/m, `extra ${Buffer.from(s, 'utf8').toString('base64')}`)
  const inExtra = (line: RegExp, skip: number): string => {
    const m = line.exec(extra)!
    return withExtra(at(extra, m.index + skip))
  }
  const proof = [...text.matchAll(/^[A-Za-z0-9+/]{43}=$/gm)]
  const out: [string, string][] = [
    ['the first line', at(text, 3)],
    ['kind', inExtra(/^kind /m, 6)],
    ['time', inExtra(/^time /m, 8)],
    ['commitment in SHA-256', inExtra(/^sha256 /m, 12)],
    ['commitment in SM3', inExtra(/^sm3 /m, 12)],
    ['salt', inExtra(/^salt /m, 7)],
    ['detail', inExtra(/^detail /m, 12)],
    ['index', text.replace(/^index (\d+)$/m, (_, n: string) => `index ${Number(n) + 1}`)],
    ['origin', text.replace(/\n\n[^\n]/, (s) => s.slice(0, 2) + (s[2] === 'x' ? 'y' : 'x'))],
    ['size', text.replace(/(\n\n[^\n]+\n)(\d+)\n/, (_, a: string, n: string) => `${a}${Number(n) + 1}\n`)],
    ['root of the checkpoint', at(text, proof.at(-1)!.index! + 5)],
    ['a proof hash is missing', text.replace(proof[0]![0] + '\n', '')],
  ]
  proof.slice(0, -1).forEach((m, i) => out.push([`proof hash ${i}`, at(text, m.index! + 7)]))
  for (const m of text.matchAll(/^\u2014 \S+ \S+$/gm)) {
    const cut = m.index! + m[0].lastIndexOf(' ') + 1
    out.push([`signature of ${m[0].split(' ')[1]}`, at(text, cut + 20)])
  }
  if (/^clear /m.test(extra)) out.push(['clear part', inExtra(/^clear /m, 14)])
  return out
}
test('every kind of field changed is seen', async () => {
  for (const tree of ['sha256', 'sm3'] as const)
    for (const [what, text] of changed(receipts[tree])) {
      expect(text, `${tree}: ${what}`).not.toBe(receipts[tree])
      expect(await verdict(text), `${tree}: ${what}`).toBe('bad')
      expect((await states()).some((s) => s.endsWith(':bad')), `${tree}: ${what}`).toBe(true)
    }
  await verdict(changed(receipts.sha256).find(([w]) => w === 'detail')![1])
  await page.screenshot({ path: join(SHOTS, 'verifier-bad-zh.png'), fullPage: true })
})
test('a key of another log does not fit; English; a phone', async () => {
  const keys = await page.inputValue('#keys')
  await page.fill('#keys', 'example.com/foo+530d903a+Aekyeq3qhAHwNSZUMXnTAbCTZvZMK0jNAF1xDnfWaYOm')
  expect(await verdict(receipts.sha256)).toBe('bad')
  expect(await states()).toContain('key:bad')
  await page.fill('#keys', keys)
  await page.click('#lang')
  expect(await verdict(receipts.sha256)).toBe('ok')
  expect(await page.textContent('h1')).toBe('Offline check of a ledger receipt')
  expect(await page.textContent('[data-verdict]')).not.toMatch(/[\u4e00-\u9fff]/)
  await page.screenshot({ path: join(SHOTS, 'verifier-ok-en.png'), fullPage: true })
  await page.setViewportSize(PHONE)
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1)).toBe(true)
  await page.screenshot({ path: join(SHOTS, 'verifier-phone.png'), fullPage: true })
})
test('nothing was asked of any network, nothing went wrong', () => expect(wrong).toEqual([]))
