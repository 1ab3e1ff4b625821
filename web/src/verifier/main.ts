// SPDX-License-Identifier: MulanPSL-2.0
// The offline verifier: the receipt check of the page, alone in one HTML file that people keep. Plain DOM on purpose:
// whoever wants to read what it does should have little to read. It asks nothing of any server; leaf and detail come
// from the receipt, keys from the box (filled by the server that gave out this file, and open to be replaced).
import { drawProof, type Drawing } from '../lib/proof'
import { check, type CheckResult } from '../lib/receipt'
import { verifierWords, type VerifierWord } from '../words/verifier'

const SVG = 'http://www.w3.org/2000/svg'
let lang: 'zh' | 'en' = /[?&#]lang=en/.test(location.href) ? 'en' : 'zh'
let result: CheckResult | null = null
const say = (key: VerifierWord): string => verifierWords[lang][key]
const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const receipt = byId<HTMLTextAreaElement>('receipt')
const keys = byId<HTMLTextAreaElement>('keys')

type Child = Node | string
function make(tag: string, attributes: Record<string, string>, ...children: Child[]): HTMLElement {
  const e = document.createElement(tag)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  e.append(...children)
  return e
}
function svg(tag: string, attributes: Record<string, string | number>, ...children: Child[]): SVGElement {
  const e = document.createElementNS(SVG, tag) as SVGElement
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, String(v))
  e.append(...children)
  return e
}
function picture(d: Drawing): SVGElement {
  const box = svg('svg', { viewBox: `0 0 ${d.width} ${d.height}`, class: 'proof', role: 'img', 'aria-label': say('picture') })
  for (const l of d.lines) box.append(svg('line', { x1: l.x1, y1: l.y1, x2: l.x2, y2: l.y2, class: l.given ? 'given' : 'own' }))
  for (const p of d.dots) {
    box.append(svg('rect', { x: p.x - 56, y: p.y - 12, width: 112, height: 24, rx: 6, class: p.kind }))
    box.append(svg('text', { x: p.x, y: p.y + 4, class: p.kind }, p.text))
  }
  return box
}
function facts(r: CheckResult): HTMLElement {
  const rows: [VerifierWord, string][] = []
  if (r.receipt) rows.push(['w_origin', r.receipt.origin], ['w_index', String(r.receipt.index)], ['w_size', String(r.receipt.size)], ['w_tree', r.receipt.hash === 'sm3' ? 'SM3' : 'SHA-256'])
  if (r.leaf) rows.push(['w_kind', r.leaf.kind], ['w_time', r.leaf.time])
  if (r.leaf?.clear) rows.push(['w_clear', r.leaf.clear])
  if (r.opening) rows.push(['w_detail', r.opening.detail])
  const list = make('dl', {})
  for (const [k, v] of rows) list.append(make('dt', {}, say(k)), make('dd', {}, v))
  return list
}
function steps(r: CheckResult): HTMLElement {
  const mark = { ok: '✔', bad: '✘', skip: '–' }
  return make(
    'ol',
    {},
    ...r.steps.map((s) =>
      make(
        'li',
        { class: s.state, 'data-step': s.key, 'data-state': s.state },
        make('span', { class: 'mark', 'aria-hidden': 'true' }, mark[s.state]),
        make('div', {}, make('strong', {}, say(`step_${s.key}`)), make('span', { class: 'why' }, say(`why_${s.key}`)), make('pre', {}, s.detail.join('\n'))),
      ),
    ),
  )
}
function show(): void {
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
  document.title = say('title')
  for (const e of document.querySelectorAll<HTMLElement>('[data-word]')) e.textContent = say(e.dataset.word as VerifierWord)
  const out = byId('result')
  out.replaceChildren()
  if (!result) {
    out.append(make('p', { class: 'idle' }, say('idle')))
    return
  }
  out.append(make('p', { class: `verdict ${result.ok ? 'good' : 'bad'}`, 'data-verdict': result.ok ? 'ok' : 'bad' }, `${result.ok ? '✔' : '✘'} ${say(result.ok ? 'verdict_ok' : 'verdict_bad')}`))
  if (result.receipt) out.append(make('h2', {}, say('what')), facts(result))
  out.append(steps(result))
  const leaf = result.steps.find((s) => s.key === 'leafhash')?.detail[1]
  if (!leaf || !result.path) return
  out.append(make('h2', {}, say('picture')), picture(drawProof(leaf, result.path)))
  out.append(make('p', { class: 'legend' }, make('span', { class: 'box own' }), ` ${say('computed')}  `, make('span', { class: 'box given' }), ` ${say('given')}`))
}
async function go(): Promise<void> {
  result = await check(receipt.value, {
    leaf: () => Promise.reject(new Error('the receipt carries no leaf')),
    vkey: () => Promise.resolve(keys.value),
  })
  show()
}
async function take(file: File | undefined): Promise<void> {
  if (!file) return
  receipt.value = await file.text()
  await go()
}
const drop = byId('drop')
drop.addEventListener('dragover', (e) => {
  e.preventDefault()
  drop.classList.add('over')
})
drop.addEventListener('dragleave', () => drop.classList.remove('over'))
drop.addEventListener('drop', (e) => {
  e.preventDefault()
  drop.classList.remove('over')
  void take(e.dataTransfer?.files[0])
})
byId<HTMLInputElement>('file').addEventListener('change', (e) => void take((e.target as HTMLInputElement).files?.[0]))
byId('go').addEventListener('click', () => void go())
byId('clear').addEventListener('click', () => {
  receipt.value = ''
  result = null
  show()
})
byId('lang').addEventListener('click', () => {
  lang = lang === 'zh' ? 'en' : 'zh'
  show()
})
keys.value = (byId('published').textContent ?? '').trim()
show()
