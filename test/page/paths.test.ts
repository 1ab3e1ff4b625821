// SPDX-License-Identifier: MulanPSL-2.0
// Every address that the page's source asks for is one that the server describes, with query fields that it takes.
// The screens of a rare state are covered here too, where no visit reaches them.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, inject, test } from 'vitest'
import { ROOT } from '../lib/server'

const WEB = join(ROOT, 'web/src')
const files = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    return statSync(path).isDirectory() ? files(path) : /\.(vue|ts)$/.test(name) && !/schema\.d\.ts$/.test(name) ? [path] : []
  })
// `${base.value}/rows` and '/api/v1/x/' become comparable: every ${…} is one segment {}
const bases: Record<string, string[]> = {
  'desk/DatasetPage.vue': ['/api/v1/datasets/{}'],
  'desk/ResourceDialog.vue': ['/api/v1/datasets/{}'],
  'desk/ApplicationPage.vue': ['/api/v1/applications/{}'],
  'desk/GrantPage.vue': ['/api/v1/grants/{}'],
  'desk/OfficePage.vue': ['/api/v1/offices/{}'],
  'portal/DataPage.vue': ['/api/v1/portal/datasets/{}'],
}
function asked(text: string, file: string): string[] {
  const out: string[] = []
  for (const m of text.matchAll(/['"`](\/(?:api|ledger)\/[^'"`\s]*|\$\{(?:props\.)?base(?:\.value)?\}\/[^'"`\s]*)['"`]/g)) {
    const raw = m[1]!
    const heads = raw.startsWith('${') ? (bases[file] ?? []) : ['']
    for (const head of heads) out.push(head + raw.replace(/^\$\{(?:props\.)?base(?:\.value)?\}/, '').replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '{}'))
  }
  return out
}
interface Parameter {
  in: string
  name: string
}
test('every path of the page is described by the server', async () => {
  const api = (await (await fetch(`${inject('url')}/api/openapi.json`)).json()) as { paths: Record<string, Record<string, { parameters?: Parameter[] }>> }
  const known = new Map(Object.entries(api.paths).map(([p, ops]) => [p.replace(/\{[^}]*\}/g, '{}'), ops]))
  const strays: string[] = []
  let n = 0
  for (const f of files(WEB)) {
    const name = relative(WEB, f)
    for (const a of asked(readFileSync(f, 'utf8'), name)) {
      // commands shown to people for copying, the CKAN and ledger mounts (foreign formats, described elsewhere), the document itself
      if (/^\/(ledger|api\/3|api\/openapi)/.test(a) || a.includes('…') || /exchange\/\{/.test(a)) continue
      const [path, query] = a.split('?') as [string, string | undefined]
      // a verb chosen at run time: /{}/{} at the end is one of the described steps
      const hits = known.get(path) ? [known.get(path)!] : path.endsWith('{}') ? [...known].filter(([k]) => new RegExp('^' + path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\}/g, '[^/]+') + '$').test(k)).map(([, ops]) => ops) : []
      n++
      if (!hits.length) strays.push(`${name}: ${a}`)
      for (const field of new URLSearchParams(query ?? '').keys())
        if (hits.length && !hits.some((ops) => ops.get?.parameters?.some((p) => p.in === 'query' && p.name === field))) strays.push(`${name}: ${a} (${field})`)
    }
  }
  expect(n).toBeGreaterThan(60)
  expect(strays).toEqual([])
})
