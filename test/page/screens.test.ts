// SPDX-License-Identifier: MulanPSL-2.0
// Each screen in both languages: it opens for its role, shows real content, and nothing goes wrong meanwhile. The
// pictures go to build/shots/<screen>-<language>.png, whole pages, for people to look at.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { DESK, NARROW, PHONE, Person, openBrowser, type Lang } from '../lib/browser'
import { tell, type Told } from '../lib/story'
import { desk, exchange, portal, type Screen } from './screens'

const url = inject('url')
const LANGS: Lang[] = ['zh', 'en']
let browser: Browser
const people = new Map<string, Person>()
let told: Told
beforeAll(async () => {
  browser = await openBrowser()
  told = await tell(url)
})
const path = (s: Screen): string => s.path.replace('{application}', told.application).replace('{open}', told.open).replace('{grant}', told.grant)
afterAll(async () => {
  await browser?.close()
})
async function person(as: string | null, lang: Lang): Promise<Person> {
  const key = `${as}-${lang}`
  let p = people.get(key)
  if (!p) {
    p = await Person.enter(browser, url, lang)
    if (as) await p.login(as)
    people.set(key, p)
  }
  p.wrong.length = 0
  return p
}
async function look(s: Screen, lang: Lang): Promise<void> {
  const p = await person(s.as, lang)
  await p.visit(path(s), s.ready)
  await p.shot(`${s.name}-${lang}`)
  expect(await p.faults()).toEqual([])
}
for (const lang of LANGS) {
  describe(`portal ${lang}`, () => {
    for (const s of portal) test(s.name, () => look(s, lang))
  })
  describe(`desk ${lang}`, () => {
    for (const s of [...desk, ...exchange]) test(s.name, () => look(s, lang))
  })
}
describe('sizes', () => {
  for (const s of portal)
    test(`${s.name} on a phone`, async () => {
      const p = await Person.enter(browser, url, 'zh', PHONE)
      await p.visit(path(s), s.ready)
      await p.shot(`${s.name}-phone`)
      expect(await p.faults()).toEqual([])
      await p.leave()
    })
  for (const s of [...desk, ...exchange])
    test(`${s.name} at 1280`, async () => {
      const p = await person(s.as, 'zh')
      await p.page.setViewportSize(NARROW)
      await p.visit(path(s), s.ready)
      const faults = await p.faults()
      await p.page.setViewportSize(DESK)
      expect(faults).toEqual([])
    })
})
