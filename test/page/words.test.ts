// SPDX-License-Identifier: MulanPSL-2.0
// The word tables: the same keys in both languages, no empty word, the same {arguments}, and every key that a screen
// asks for exists. (That no screen shows a raw key is seen on the screens themselves, screens.test.ts.)
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { zh } from '../../web/src/words/zh'
import { en } from '../../web/src/words/en'
import { ROOT } from '../lib/server'

const files = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    return statSync(path).isDirectory() ? files(path) : /\.(vue|ts)$/.test(name) ? [path] : []
  })
const args = (s: string): string[] => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!).sort()

test('zh and en have the same keys, and no word is empty', () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort())
  for (const [k, v] of [...Object.entries(zh), ...Object.entries(en)]) expect(v.trim(), k).not.toBe('')
})
test('both languages use the same arguments', () => {
  for (const k of Object.keys(zh) as (keyof typeof zh)[]) expect(args(en[k]), k).toEqual(args(zh[k]))
})
test('every key that the source asks for exists', () => {
  const missing: string[] = []
  for (const f of files(join(ROOT, 'web/src')))
    for (const m of readFileSync(f, 'utf8').matchAll(/\bw\(\s*'([^']+)'/g)) if (!(m[1]! in zh)) missing.push(`${f}: ${m[1]}`)
  expect(missing).toEqual([])
})
test('Chinese words are Chinese and English ones are not', () => {
  const han = /[\u4e00-\u9fff]/
  for (const [k, v] of Object.entries(en)) expect(han.test(v), `${k}: ${v}`).toBe(false)
})
test('no screen writes a Chinese sentence of its own', () => {
  const found: string[] = []
  for (const f of files(join(ROOT, 'web/src'))) {
    if (/words\/|LangSwitch|client\.ts/.test(f)) continue
    const body = readFileSync(f, 'utf8').replace(/<!--[\s\S]*?-->/g, '').replace(/(^|[^:'"])\/\/.*$/gm, '$1')
    const hit = /[\u4e00-\u9fff]{2,}/.exec(body)
    if (hit) found.push(`${f}: ${hit[0]}`)
  }
  expect(found).toEqual([])
})
