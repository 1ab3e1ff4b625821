// SPDX-License-Identifier: MulanPSL-2.0
// The three administrators and the hand-over of an office, by clicks. Last in the alphabet and so last to run: what it
// changes (an office ends) would be in the way of the others.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { Person, openBrowser } from '../lib/browser'

const url = inject('url')
const LOGIN = `jy-${process.pid}`
let browser: Browser
let password = ''
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
})
async function pick(p: Person, select: string, text: string): Promise<void> {
  await p.page.locator(select).first().click()
  await p.page.locator('.el-select-dropdown__item:visible', { hasText: text }).first().click()
}

test('the system administrator makes an account and can give it no role', async () => {
  const p = await (await Person.enter(browser, url, 'zh')).login('sys')
  await p.visit('/desk/accounts', '[data-do=new-account]')
  await p.page.locator('[data-do=new-account]').click()
  await p.page.fill('input[name=new-login]', LOGIN)
  await p.page.fill('input[name=new-name]', '教育局经办人(测试)')
  await pick(p, '.el-dialog .el-select', '苏州市教育局')
  await p.page.locator('.el-dialog button.el-button--primary').click()
  await p.page.waitForSelector('[data-secret]')
  password = (await p.page.textContent('[data-secret]'))!.trim()
  expect(password.length).toBeGreaterThanOrEqual(10)
  await p.page.getByRole('button', { name: '已妥善保存' }).click()
  await p.page.waitForSelector(`tr:has-text("${LOGIN}")`)
  expect(await p.page.locator('[data-do=grant-roles]').count()).toBe(0)
  expect(await p.faults()).toEqual([])
  await p.leave()
})
test('the security administrator gives the role; two that exclude each other are refused in words', async () => {
  const p = await (await Person.enter(browser, url, 'zh')).login('sec')
  await p.visit('/desk/accounts', `tr:has-text("${LOGIN}")`)
  expect(await p.page.locator('[data-do=new-account]').count()).toBe(0)
  await p.page.locator(`tr:has-text("${LOGIN}") [data-do=grant-roles]`).click()
  const box = (name: string) => p.page.locator('.el-dialog .el-checkbox', { hasText: name })
  await box('需求经办人').click()
  await box('审计管理员').click()
  expect(await p.page.locator('.el-dialog .note.warn').textContent()).toContain('三员分立')
  await p.page.locator('.el-dialog button.el-button--primary').click()
  await p.page.waitForSelector('.el-dialog .note.bad')
  await p.shot('desk-roles-refused-zh', false)
  await box('审计管理员').click()
  await p.page.locator('.el-dialog button.el-button--primary').click()
  await p.page.waitForSelector('.el-dialog', { state: 'hidden' })
  await p.page.waitForSelector(`tr:has-text("${LOGIN}"):has-text("需求经办人")`)
  await p.leave()
})
test('the new person logs in with the first password and is asked to change it', async () => {
  const p = await (await Person.enter(browser, url, 'zh')).login(LOGIN, password)
  await p.visit('/desk/me', 'input[autocomplete=new-password]')
  expect(await p.page.locator('main').textContent()).toContain('请先修改初始密码')
  await p.page.fill('input[autocomplete=current-password]', password)
  await p.page.locator('input[autocomplete=new-password]').nth(0).fill('Xin-mima-2026-ok')
  await p.page.locator('input[autocomplete=new-password]').nth(1).fill('Xin-mima-2026-ok')
  await p.page.getByRole('button', { name: '修改密码' }).click()
  await p.page.getByText('密码已修改').waitFor()
  expect(await p.faults()).toEqual([])
  await p.leave()
})
test('an office is handed over: one asks, a second person confirms, history keeps the old name', async () => {
  const a = await (await Person.enter(browser, url, 'zh')).login('sj-gl')
  await a.visit('/desk/offices/sz-lead-group', '.kv dd')
  await a.page.getByRole('button', { name: '职能交接' }).click()
  await pick(a, '.el-dialog .el-select', '苏州市数据局')
  await a.page.locator('.el-dialog .el-date-editor input').fill(new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10))
  await a.page.keyboard.press('Enter')
  await a.page.getByRole('button', { name: '下一步' }).click()
  await a.page.locator('.el-dialog textarea').fill('机构改革方案（测试）')
  await a.page.getByRole('button', { name: '下一步' }).click()
  expect(await a.page.locator('.el-dialog .note.warn').textContent()).toContain('苏州市数据局')
  await a.page.getByRole('button', { name: '提出交接' }).click()
  await a.page.waitForSelector('main .note.warn')
  // who asked does not confirm
  expect(await a.page.getByRole('button', { name: '确认交接' }).count()).toBe(0)
  await a.shot('desk-handover-asked-zh')
  expect(await a.faults()).toEqual([])
  const b = await (await Person.enter(browser, url, 'zh')).login('sec')
  await b.visit('/desk/offices/sz-lead-group', '.kv dd')
  await b.page.getByRole('button', { name: '确认交接' }).click()
  await b.page.locator('.el-popconfirm button.el-button--primary').click()
  await b.page.waitForFunction(() => /承接机构\s*苏州市数据局/.test(document.body.innerText))
  expect(await b.faults()).toEqual([])
  await a.visit('/desk/catalog/plan-target', '.kv dd')
  expect(await a.page.locator('main .kv').first().textContent()).toContain('苏州市数据局')
  await a.leave()
  await b.leave()
})
