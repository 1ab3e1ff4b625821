// SPDX-License-Identifier: MulanPSL-2.0
// The steps that several stories take: who logs in, how a data set comes to be published, how an application becomes
// a grant. Each step is one call on the API by the person whose step it is; nothing reaches behind the interface.
import { spawnSync } from 'node:child_process'
import { BIN, ROOT } from '../lib/server'
import { Client, login, type Reply } from './client'

export type Cast = Record<string, Client>
export async function cast(url: string, names: string[]): Promise<Cast> {
  const clients = await Promise.all(names.map((n) => login(url, n)))
  return Object.fromEntries(names.map((n, i) => [n, clients[i]!]))
}
// An error's code as the list of errors spells it.
export const code = (r: Reply): string => String(r.body?.code ?? '').replaceAll('-', '_')
export const told = (r: Reply): [number, string] => [r.status, code(r)]

export function gusu(...args: string[]): { status: number | null; text: string } {
  const r = spawnSync(BIN, args, { cwd: ROOT, encoding: 'utf8' })
  return { status: r.status, text: `${r.stdout}${r.stderr}` }
}

// GB 32100: 17 characters and a check character, weights 3^i mod 31. 329900 is a place that does not exist.
const USCC = '0123456789ABCDEFGHJKLMNPQRTUWXY'
export function uscc(n: number): string {
  const body = `91329900${String(n).padStart(9, '0')}`
  const sum = [...body].reduce((s, c, i) => s + USCC.indexOf(c) * (3 ** i % 31), 0)
  return body + USCC[(31 - (sum % 31)) % 31]
}
// The same with a wrong check character.
export function usccWrong(n: number): string {
  const right = uscc(n)
  const last = USCC[(USCC.indexOf(right[17]!) + 1) % 31]!
  return right.slice(0, 17) + last
}

// A new person: made by one administrator, given a role by another, with a password of their own.
export const OWN_PASSWORD = 'Mine-from-now-on-1'
export async function hire(all: Cast, name: string, office: string, roles: string[]): Promise<Client> {
  const made = await all.sys!.post('/api/v1/accounts', { login: name, name: `${name}(测试)`, office })
  await all.sec!.put(`/api/v1/accounts/${made.id}/roles`, { roles })
  const c = await login(all.sys!.url, name, made.password)
  await c.post('/api/v1/me/password', { old: made.password, new: OWN_PASSWORD })
  return login(all.sys!.url, name, OWN_PASSWORD)
}

export interface Column {
  id: string
  zh: string
  type: string
  [more: string]: unknown
}
export interface Description {
  id: string
  title_zh: string
  columns: Column[]
  [more: string]: unknown
}
// What the national core metadata want, for a data set that a test makes up.
export function description(id: string, title: string, columns: Column[], more: object = {}): Description {
  return {
    id,
    title_zh: title,
    title_en: `Test: ${id}`,
    abstract_zh: `${title}(测试用,合成数据)`,
    abstract_en: 'Made by a test; synthetic',
    class_codes: ['2/social-security'],
    keywords: ['测试'],
    share: 1,
    open: 'none',
    cycle: 'monthly',
    modes: ['table', 'service'],
    subject: 'firm',
    source_zh: '由测试生成',
    source_en: 'Made by a test',
    source_date: '2026-10-31',
    licence: 'MulanPSL-2.0',
    synthetic: true,
    columns,
    ...more,
  }
}
// Draft with a table resource, ready to be loaded.
export async function compile(steward: Client, d: Description): Promise<string> {
  await steward.post('/api/v1/datasets', d)
  const r = await steward.post(`/api/v1/datasets/${d.id}/resources`, { kind: 'table', title_zh: d.title_zh, title_en: 'Table' })
  return r.resource?.id ?? r.id ?? r.rid
}
export interface Load {
  load: number
  good_n: number
  bad_n: number
  [more: string]: any
}
export function upload(steward: Client, id: string, name: string, bytes: string | Uint8Array, query: Record<string, string> = {}): Promise<Load> {
  return steward.ok('POST', `/api/v1/datasets/${id}/loads`, { raw: bytes, query: { name, ...query } })
}
// As the wizard does: what was recognised is confirmed, all rows are checked, the good ones are put into use.
export async function check(steward: Client, load: Load, mode = 'replace'): Promise<Load> {
  const columns = load.columns.filter((c: any) => c.column).map((c: any) => ({ n: c.n, column: c.column, ...(c.unit ? { unit: c.unit } : {}) }))
  await steward.ok('PUT', `/api/v1/loads/${load.load}/mapping`, { body: { columns, mode } })
  return steward.get(`/api/v1/loads/${load.load}`)
}
export const commit = (steward: Client, load: Load): Promise<any> => steward.post(`/api/v1/loads/${load.load}/commit`)

export async function publish(all: Cast, steward: string, head: string, id: string): Promise<number[]> {
  const at = `/api/v1/datasets/${id}`
  const steps: [string, string, object?][] = [
    [steward, 'submit'],
    [head, 'sign'],
    ['sj-sh', 'review', { pass: true }],
    ['sj-gl', 'publish'],
  ]
  const entries: number[] = []
  for (const [who, verb, body] of steps) entries.push((await all[who]!.post(`${at}/${verb}`, body)).entry)
  return entries
}

export interface Asked {
  items: object[]
  matter: string
  system: string
  period_days?: number
  quota_per_day?: number
}
export async function apply(applicant: Client, asked: Asked): Promise<any> {
  return applicant.post('/api/v1/applications', {
    legal_basis: '《住房公积金管理条例》第十五条',
    purpose: '核对缴存单位的参保情况',
    period_days: 365,
    quota_per_day: 10000,
    ...asked,
  })
}
// From draft to grant: own head, authority, provider, provider's head. Gives the ids of the grants, line by line.
export async function grant(all: Cast, id: string, who: { applicant: string; head: string; steward: string; signer: string }, answer: object = {}): Promise<number[]> {
  const at = `/api/v1/applications/${id}`
  await all[who.applicant]!.post(`${at}/submit`)
  await all[who.head]!.post(`${at}/sign`)
  let a = await all['sj-sh']!.post(`${at}/check`, { pass: true })
  for (const line of a.lines) {
    await all[who.steward]!.post(`${at}/lines/${line.n}/answer`, { consent: true, ...answer })
    a = await all[who.signer]!.post(`${at}/lines/${line.n}/sign`, { consent: true })
  }
  return a.lines.map((l: { grant: number }) => l.grant)
}

// Something that the program does by itself soon (a checkpoint is signed each second): asked again until it is there.
export async function until<T>(what: () => Promise<T | undefined>, label: string, ms = 15_000): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const got = await what()
    if (got !== undefined) return got
    if (Date.now() > end) throw new Error(`never came: ${label}`)
  }
}
