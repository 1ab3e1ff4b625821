// SPDX-License-Identifier: MulanPSL-2.0
// Story A with hands on the page, nine people: compile → load (two rows set aside) → sign → review → publish → cart and
// application → sign → check → answer → sign → key → calls by a program → trace → revoke → the call is refused. Every
// click is a click; only the program that calls is not a person. Runs against the built Suzhou pack.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { caller, login } from '../api/client'
import { Person, openBrowser } from '../lib/browser'
import { MATTER_ZH, SYSTEM, system } from '../lib/story'

const url = inject('url')
const ID = `deposit-units-${process.pid}`
const TITLE = '缴存单位参保核对表'
const PURPOSE = '办理缴存登记时核对单位参保情况'
let browser: Browser
let application = ''
let grant = ''
let key = ''
const people = new Map<string, Person>()
async function as(name: string): Promise<Person> {
  let p = people.get(name)
  if (!p) {
    p = await (await Person.enter(browser, url, 'zh')).login(name)
    people.set(name, p)
  }
  p.wrong.length = 0
  return p
}
const act = async (page: Page, what: string): Promise<void> => page.locator(`[data-do=${what}]`).first().click()
// Element Plus selects: open by their input, choose by what is read.
async function choose(page: Page, select: string, text: string): Promise<void> {
  await page.locator(select).first().click()
  await page.locator('.el-select-dropdown__item:visible', { hasText: text }).first().click()
}
async function column(page: Page, i: number, id: string, zh: string, en: string): Promise<void> {
  await page.fill(`input[name=column-${i}-id]`, id)
  await page.fill(`input[name=column-${i}-zh]`, zh)
  await page.fill(`input[name=column-${i}-en]`, en)
}
beforeAll(async () => {
  browser = await openBrowser()
  const c = await login(url, 'gjj-jb')
  await system(c)
  // what another test left in the cart would become a second line
  await c.put('/api/v1/cart', { items: [] })
})
afterAll(async () => {
  await browser?.close()
})

// Gone = done. What stays says why on the page, and that is what the failure should show.
async function gone(p: Person, what: string): Promise<void> {
  await p.page.waitForSelector(`[data-do=${what}]`, { state: 'detached' }).catch(async () => {
    await p.shot('story-failed')
    throw new Error(`${what} stayed: ${(await p.faults()).join('\n')}`)
  })
}

test('the steward compiles a data set', async () => {
  const p = await as('rs-bm')
  await p.visit('/desk/catalog/new', 'input[name=id]')
  await p.page.fill('input[name=id]', ID)
  await p.page.fill('input[name=title_zh]', TITLE)
  await p.page.fill('input[name=title_en]', 'Units that deposit: insurance check')
  await p.page.fill('textarea[name=abstract_zh]', '页面故事测试用表')
  await p.page.fill('input[name=share_condition_zh]', '限缴存登记事项')
  await p.page.fill('input[name=share_scope]', '市级政务部门')
  await p.page.fill('input[name=source_zh]', '测试生成')
  await p.page.fill('input[name=licence]', 'MulanPSL-2.0')
  await p.page.getByText('模拟数据（由种子生成）').click()
  await choose(p.page, '[data-field=classes] .el-select', '社会保障')
  await p.page.keyboard.press('Escape')
  await choose(p.page, 'tbody tr:nth-child(1) .el-select', '统一社会信用代码')
  await p.page.fill('input[name=column-0-id]', 'uscc')
  await p.page.locator('tbody tr:nth-child(1) td:nth-child(9) .el-checkbox').click()
  await act(p.page, 'add-column')
  await column(p.page, 1, 'unit', '单位名称', 'Unit')
  await act(p.page, 'add-column')
  await column(p.page, 2, 'staff', '参保人数', 'Persons insured')
  await p.shot('story-1-compile')
  await act(p.page, 'save')
  await p.page.waitForURL(`**/desk/catalog/${ID}`)
  await p.settled('.kv dd')
  expect(await p.page.textContent('h1')).toContain(TITLE)
  expect(await p.faults()).toEqual([])
})
test('and loads a file: good rows go in, bad rows are set aside with their reason', async () => {
  const p = await as('rs-bm')
  await p.visit(`/desk/catalog/${ID}`, '.kv dd')
  await p.page.getByRole('button', { name: '挂接资源' }).click()
  await p.page.locator('.el-dialog input[type=text], .el-dialog input:not([type])').first().fill('参保核对库表')
  await p.page.locator('.el-dialog button.el-button--primary').click()
  await p.page.waitForSelector('.el-dialog', { state: 'hidden' })
  const file = join(tmpdir(), `${ID}.csv`)
  // right check digits with place 329900 (no such place); one wrong digit, one key twice
  writeFileSync(
    file,
    '\ufeff统一社会信用代码,单位名称,参保人数\n91329900MA000B5J4U,样例一号有限公司,12\n91329900MA000B5J40,样例二号有限公司,7\n91329900MA000B5J4U,样例一号有限公司,12\n',
  )
  await p.page.getByRole('link', { name: '装载数据' }).click()
  await p.page.waitForSelector('.drop')
  await p.page.setInputFiles('input[type=file]', file)
  await p.page.waitForSelector('[data-do=check]')
  await p.shot('story-2-mapping')
  await act(p.page, 'check')
  await p.page.waitForSelector('[data-bad-rows] tbody tr')
  const bad = await p.page.$$eval('[data-bad-rows] tbody tr', (rows) => rows.map((r) => (r as HTMLElement).innerText))
  expect(bad).toHaveLength(2)
  expect(bad.join('\n')).toContain('91329900MA000B5J40')
  await p.shot('story-3-set-aside')
  const download = p.page.waitForEvent('download')
  await act(p.page, 'bad-csv')
  expect((await download).suggestedFilename()).toMatch(/bad.*\.csv$|\.csv$/)
  await act(p.page, 'commit')
  await p.page.waitForSelector('[data-done]')
  expect(await p.faults()).toEqual([])
  await p.visit(`/desk/catalog/${ID}`, '[data-do=submit]')
  await act(p.page, 'submit')
  await gone(p, 'submit')
})
for (const [who, what] of [
  ['rs-fz', 'sign'],
  ['sj-sh', 'review'],
  ['sj-gl', 'publish'],
] as const)
  test(`${who}: ${what}`, async () => {
    const p = await as(who)
    await p.visit('/desk', 'table.t tbody td')
    await p.page.getByRole('link', { name: TITLE }).first().click()
    await p.settled(`[data-do=${what}]`)
    await act(p.page, what)
    await gone(p, what)
    expect(await p.faults()).toEqual([])
  })
test('the applicant finds it, fills the cart and applies', async () => {
  const p = await as('gjj-jb')
  await p.visit('/desk/catalog', '[data-dataset]')
  await p.page.locator('main input[placeholder*=搜索]').fill('缴存单位')
  await p.page.keyboard.press('Enter')
  await p.page.getByRole('link', { name: TITLE }).click()
  await p.settled('[data-do=apply]')
  await act(p.page, 'apply')
  await p.settled('input[name=title]')
  await p.page.fill('input[name=title]', `缴存登记 ${ID}`)
  await choose(p.page, '[data-field=matter]', MATTER_ZH)
  await p.page.fill('textarea[name=legal_basis]', '《住房公积金管理条例》第十三条')
  await p.page.fill('textarea[name=purpose]', PURPOSE)
  await p.shot('story-4-apply')
  await act(p.page, 'submit')
  await p.page.waitForURL(/\/desk\/applications\/SQ-/)
  await p.settled('.steps li')
  application = new URL(p.page.url()).pathname.split('/').pop()!
  expect(await p.page.getAttribute('[data-state]', 'data-state')).toBe('signing')
  expect(await p.faults()).toEqual([])
})
test('who compiled may not sign: the steward sees no such button', async () => {
  const p = await as('rs-bm')
  await p.visit(`/desk/catalog/${ID}`, '.kv dd')
  expect(await p.page.locator('[data-do=sign], [data-do=publish]').count()).toBe(0)
})
for (const [who, what] of [
  ['gjj-fz', 'sign'],
  ['sj-sh', 'check'],
] as const)
  test(`application, ${who}: ${what}`, async () => {
    const p = await as(who)
    await p.visit('/desk', `a[href="/desk/applications/${application}"]`)
    await p.page.locator(`a[href="/desk/applications/${application}"]`).first().click()
    await p.settled(`[data-do=${what}]`)
    await act(p.page, what)
    await gone(p, what)
    expect(await p.faults()).toEqual([])
  })
test('the provider answers, its head signs: a grant is there', async () => {
  const p = await as('rs-bm')
  await p.visit(`/desk/applications/${application}`, '[data-do=answer]')
  await act(p.page, 'answer')
  await p.page.fill('.el-dialog input[name=condition]', '仅用于缴存登记')
  await p.shot('story-5-answer', false)
  await act(p.page, 'answer-ok')
  await gone(p, 'answer')
  expect(await p.faults()).toEqual([])
  const h = await as('rs-fz')
  await h.visit(`/desk/applications/${application}`, '[data-do=provider-sign]')
  await act(h.page, 'provider-sign')
  await gone(h, 'provider-sign')
  await h.page.waitForSelector('[data-state=granted]')
  expect(await h.faults()).toEqual([])
})
test('the applicant makes a key, which is shown once', async () => {
  const p = await as('gjj-jb')
  await p.visit(`/desk/applications/${application}`, '[data-do=grant]')
  await act(p.page, 'grant')
  await p.settled('[data-do=make-key]')
  grant = new URL(p.page.url()).pathname.split('/').pop()!
  await act(p.page, 'make-key')
  await p.page.waitForSelector('[data-secret]')
  key = (await p.page.textContent('[data-secret]'))!.trim()
  expect(key).toMatch(/^gk_/)
  await p.shot('story-6-key', false)
  await p.page.getByRole('button', { name: '已妥善保存' }).click()
  await p.page.waitForSelector('[data-secret]', { state: 'detached' })
  expect(await p.page.content()).not.toContain(key)
  expect(await p.faults()).toEqual([])
})
test('a program calls, and the calls are on the page', async () => {
  const c = await login(url, 'gjj-jb')
  const m = (await c.get<{ matter: string }>(`/api/v1/applications/${application}`)).matter
  const program = caller(url, key, SYSTEM, m, 'GJJ-2026-7', '王样样')
  const got = await program.get<{ items: { uscc: string }[] }>(`/api/v1/exchange/${grant}/rows`, { limit: 10 })
  expect(got.items.map((r) => r.uscc)).toEqual(['91329900MA000B5J4U'])
  const p = await as('gjj-jb')
  await p.visit(`/desk/grants/${grant}`, '.calls tbody td')
  expect(await p.page.textContent('.calls')).toContain('GJJ-2026-7')
  expect(await p.faults()).toEqual([])
})
test('the whole way is one picture', async () => {
  const p = await as('gjj-jb')
  await p.visit(`/desk/trace/${application}`, '[data-node=call]')
  for (const kind of ['dataset', 'application', 'sign', 'check', 'answer', 'provider_sign', 'grant', 'key', 'call'])
    expect(await p.page.locator(`[data-node=${kind}]`).count(), kind).toBeGreaterThan(0)
  await p.shot('story-7-trace')
  expect(await p.faults()).toEqual([])
})
test('the provider revokes: the next call is refused, and the picture shows it', async () => {
  const p = await as('rs-fz')
  await p.visit(`/desk/grants/${grant}`, '[data-do=revoke]')
  await act(p.page, 'revoke')
  await p.page.fill('.el-dialog textarea[name=reason]', '事项已办结')
  await p.page.locator('.el-dialog button.el-button--danger').click()
  await p.page.waitForSelector('[data-state=revoked]')
  expect(await p.faults()).toEqual([])
  const c = await login(url, 'gjj-jb')
  const m = (await c.get<{ matter: string }>(`/api/v1/applications/${application}`)).matter
  const refused = await caller(url, key, SYSTEM, m, 'GJJ-2026-8', '王样样').call('GET', `/api/v1/exchange/${grant}/rows`)
  expect([401, 403]).toContain(refused.status)
  await p.visit(`/desk/trace/${application}`, '[data-node=revoke]')
  await p.shot('story-8-revoked')
  expect(await p.faults()).toEqual([])
})
