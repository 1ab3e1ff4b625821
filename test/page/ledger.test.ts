// SPDX-License-Identifier: MulanPSL-2.0
// The explorer by clicks: a search leads to an entry, its proof is worked out in both trees; somebody is forgotten by two
// people; and a row changed behind the program's back turns every administrator's page red until it is put right.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { PHONE, Person, openBrowser } from '../lib/browser'
import { login, type Client } from '../api/client'

const url = inject('url')
const data = inject('data')
let browser: Browser
let p: Person
let auditor: Client
beforeAll(async () => {
  browser = await openBrowser()
  p = await Person.enter(browser, url, 'zh')
  auditor = await login(url, 'aud')
})
afterAll(async () => {
  await browser?.close()
})

test('from the search box to an entry, and its proof in both trees', async () => {
  await p.visit('/trust', 'table.t tbody td')
  await p.page.fill('input[name=ledger-q]', 'area-street')
  await p.page.keyboard.press('Enter')
  await p.page.waitForSelector('#found table.t tbody td')
  await p.page.click('#found td.num a')
  await p.page.waitForSelector('[data-proof=ok]')
  await p.page.getByRole('tab', { name: 'SM3' }).click()
  await p.page.waitForFunction(() => document.querySelector('[role=tab][aria-selected=true]')?.textContent === 'SM3' && document.querySelector('[data-proof=ok]'))
  expect(await p.faults()).toEqual([])
  const q = await Person.enter(browser, url, 'zh', PHONE)
  await q.visit('/trust/44', '[data-proof=ok]')
  await q.shot('portal-trust-proof-phone')
  expect(await q.faults()).toEqual([])
  await q.leave()
})
test('two people forget somebody', async () => {
  const steward = await Person.enter(browser, url, 'zh')
  await steward.login('rs-bm')
  const entry = 1 // the roles that this steward was given: of his own office
  await steward.visit('/desk/ledger/health', '#erasures')
  await steward.page.click('#erasures summary')
  await steward.page.fill('input[name=erase-entries]', String(entry))
  await steward.page.fill('input[name=erase-reason]', '本人申请删除')
  await steward.page.fill('input[name=erase-law]', '个人信息保护法第四十七条')
  await steward.page.click('#erasures form button[type=submit]')
  await steward.page.waitForSelector('[data-erasure]')
  expect(await steward.page.getByText('批准并删除').count()).toBe(0)
  await steward.leave()
  const aud = await Person.enter(browser, url, 'zh')
  await aud.login('aud')
  await aud.visit('/desk/ledger/health', '[data-erasure]')
  await aud.page.getByText('批准并删除').click()
  await aud.page.waitForSelector('[data-erasure] .tag.green')
  expect((await auditor.get(`/api/v1/ledger/entries/${entry}`)).is_erased).toBe(true)
  await aud.visit(`/desk/ledger/${entry}`, '[data-proof=ok]')
  await aud.shot('desk-ledger-erased-zh')
  expect(await aud.faults()).toEqual([])
  await aud.leave()
})
async function round(): Promise<{ alarm_ms: number; done_ms: number; is_running: boolean }> {
  let a = await auditor.post('/api/v1/ledger/audit')
  const deadline = Date.now() + 30_000
  while (a.is_running && Date.now() < deadline) a = await auditor.get('/api/v1/ledger/audit')
  return a
}
test('damage turns the pages of administrators red, and putting it right ends that', async () => {
  const sql = (text: string): void => void execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(data, 'gusu.db'), text])
  sql("update core_act set actor_name = actor_name || 'x' where id = 3")
  const broken = await round()
  expect(broken.is_running).toBe(false)
  expect(broken.alarm_ms).toBeGreaterThan(0)
  const sys = await Person.enter(browser, url, 'zh')
  await sys.login('sys')
  await sys.visit('/desk/accounts', '[data-ledger-alarm]')
  await sys.visit('/desk/ledger/health', '[data-alarm=yes]')
  await sys.page.waitForSelector('[data-ledger-alarm]')
  await sys.shot('desk-ledger-alarm-zh')
  expect(await sys.faults()).toEqual([])
  sql("update core_act set actor_name = substr(actor_name, 1, length(actor_name) - 1) where id = 3")
  expect((await round()).alarm_ms).toBe(0)
  await sys.visit('/desk/ledger/health', '[data-alarm=no]')
  expect(await sys.page.locator('[data-ledger-alarm]').count()).toBe(0)
  await sys.leave()
})
