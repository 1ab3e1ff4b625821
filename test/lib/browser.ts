// SPDX-License-Identifier: MulanPSL-2.0
// One headless Chromium for a test file. A visit is only good when the page was silent: no console error, no failed
// request, no raw word key, nothing still loading, no problem box, and nothing wider than the window.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { BUILD, DEMO_PASSWORD } from './server'

export const SHOTS = join(BUILD, 'shots')
export type Lang = 'zh' | 'en'
export interface Size {
  width: number
  height: number
}
const WAIT_MAX_MS = 20_000
export const DESK: Size = { width: 1440, height: 900 }
export const NARROW: Size = { width: 1280, height: 800 }
export const PHONE: Size = { width: 390, height: 844 }

export async function openBrowser(): Promise<Browser> {
  mkdirSync(SHOTS, { recursive: true })
  // --no-sandbox: CI runs as root in a container, where Chromium's sandbox cannot start
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'] })
}

// A person at a screen: a context with its own cookies and language, and a book of what went wrong.
export class Person {
  readonly wrong: string[] = []
  private constructor(
    readonly url: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}
  static async enter(browser: Browser, url: string, lang: Lang, size: Size = DESK): Promise<Person> {
    const context = await browser.newContext({ viewport: size, locale: lang === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', acceptDownloads: true, reducedMotion: 'reduce' })
    await context.addInitScript((l) => localStorage.setItem('gusu-lang', l), lang)
    // a wait that ends names the element; the test's own limit would only name the test
    context.setDefaultTimeout(WAIT_MAX_MS)
    const page = await context.newPage()
    const p = new Person(url, context, page)
    p.listen()
    return p
  }
  private listen(): void {
    const here = new URL(this.url).host
    this.page.on('console', (m) => {
      if (m.type() === 'error' || m.type() === 'warning') this.wrong.push(`console ${m.type()}: ${m.text()}`)
    })
    this.page.on('pageerror', (e) => this.wrong.push(`error: ${e.message}`))
    this.page.on('request', (r) => {
      const u = new URL(r.url())
      if (u.protocol.startsWith('http') && u.host !== here) this.wrong.push(`request to another host: ${r.url()}`)
    })
    this.page.on('requestfailed', (r) => {
      // leaving a page cuts its last requests short; a download is "aborted" by becoming a download
      if (!/ERR_ABORTED/.test(r.failure()?.errorText ?? '')) this.wrong.push(`failed: ${r.url()} ${r.failure()?.errorText}`)
    })
    this.page.on('response', (r) => {
      if (r.status() >= 400) this.wrong.push(`${r.status()}: ${r.request().method()} ${r.url()}`)
    })
  }
  async login(name: string, password = DEMO_PASSWORD): Promise<this> {
    await this.page.goto(`${this.url}/desk/login`)
    await this.page.fill('input[name=login]', name)
    await this.page.fill('input[name=password]', password)
    await this.page.click('button[type=submit]')
    await this.page.waitForSelector('nav.side a')
    return this
  }
  // Real content: a heading, the awaited element, nothing still waiting.
  async settled(ready = 'h1'): Promise<void> {
    await this.page.waitForSelector(ready, { state: 'visible' })
    await this.page.waitForFunction(() => document.querySelector('h1') !== null && document.querySelector('[data-waiting], .is-loading') === null)
  }
  async visit(path: string, ready = 'h1'): Promise<void> {
    await this.page.goto(this.url + path)
    await this.settled(ready)
  }
  async shot(name: string, whole = true): Promise<void> {
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: whole, animations: 'disabled' })
  }
  // What must hold on any screen at any time; gives the list of what does not.
  async faults(): Promise<string[]> {
    const seen = await this.page.evaluate(() => {
      const out: string[] = []
      const d = document.documentElement
      if (d.scrollWidth > d.clientWidth + 1) {
        const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > d.clientWidth + 1 && !e.closest('.flush, [data-watermark], pre'))
        out.push(`wider than the window by ${d.scrollWidth - d.clientWidth}: ${wide.slice(0, 3).map((e) => `${e.tagName}.${e.className}`).join(' ')}`)
      }
      const raw = /⟦[^⟧]*⟧/.exec(document.body.innerText)
      if (raw) out.push(`raw word ${raw[0]}`)
      if (/undefined|\bNaN\b|\[object Object\]|Invalid Date/.test(document.body.innerText)) out.push(`broken value: ${/.{0,40}(undefined|\bNaN\b|\[object Object\]|Invalid Date).{0,40}/.exec(document.body.innerText)![0]}`)
      const problem = document.querySelector('[data-problem]')
      if (problem) out.push(`problem on the page: ${problem.textContent!.trim().slice(0, 200)}`)
      if (!document.title.trim()) out.push('no title')
      const heads = document.querySelectorAll('h1').length
      if (heads !== 1) out.push(`${heads} h1`)
      const nameless = [...document.querySelectorAll('button, a[href], input:not([type=hidden])')].filter((e) => {
        const i = e as HTMLInputElement
        const text = (e.textContent ?? '').trim() || e.getAttribute('aria-label') || e.getAttribute('title') || i.placeholder || (i.labels?.length ? 'label' : '') || e.querySelector('img[alt]')?.getAttribute('alt')
        return !text && e.getClientRects().length > 0 && !e.closest('.el-input-number, .el-upload, .el-date-editor, .el-select, .el-radio, .el-checkbox, .el-radio-button') && e.getAttribute('aria-hidden') !== 'true'
      })
      if (nameless.length) out.push(`without a name: ${nameless.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join(' | ')}`)
      return out
    })
    return [...this.wrong, ...seen]
  }
  async leave(): Promise<void> {
    await this.context.close()
  }
}
