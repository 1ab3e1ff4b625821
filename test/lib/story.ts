// SPDX-License-Identifier: MulanPSL-2.0
// Story A over the API, as far as a test needs it: the housing fund asks the human-resources office for employers'
// insurance, six people act in their own roles, a program calls. Used to put something on the screens.
import { caller, login, type Client } from '../api/client'

export const DATASET = 'firm-insured'
export const SYSTEM = 'gjj-core'
export const MATTER_ZH = '单位住房公积金缴存登记'
export interface Told {
  application: string
  open: string
  grant: string
  key: string
  matter: string
  rows: number
}
export async function people(url: string): Promise<Record<string, Client>> {
  const out: Record<string, Client> = {}
  for (const name of ['gjj-jb', 'gjj-fz', 'sj-sh', 'rs-bm', 'rs-fz', 'sj-gl']) out[name] = await login(url, name)
  return out
}
export async function system(applicant: Client): Promise<void> {
  const have = await applicant.get<{ items: { id: string }[] }>('/api/v1/systems')
  if (!have.items.some((s) => s.id === SYSTEM)) await applicant.post('/api/v1/systems', { id: SYSTEM, name: '公积金核心系统' })
}
export async function matter(c: Client): Promise<string> {
  const all = await c.get<{ items: { id: string; zh: string }[] }>('/api/v1/matters')
  const hit = all.items.find((m) => m.zh === MATTER_ZH)
  if (!hit) throw new Error(`no matter ${MATTER_ZH}`)
  return hit.id
}
export async function apply(c: Client, matterId: string, title: string): Promise<string> {
  const made = await c.post<{ id: string }>('/api/v1/applications', {
    title,
    items: [
      {
        dataset: DATASET,
        columns: ['uscc', 'period', 'kind', 'firm_name', 'status', 'insured', 'pay_status'],
        filter: [{ column: 'period', op: 'gte', value: '202605' }],
        mode: 'service',
      },
    ],
    matter: matterId,
    legal_basis: '《住房公积金管理条例》第十三条、第十四条',
    purpose: '办理单位住房公积金缴存登记时核对单位参保情况',
    system: SYSTEM,
    period_days: 365,
    quota_per_day: 500,
  })
  await c.post(`/api/v1/applications/${made.id}/submit`)
  return made.id
}
export async function tell(url: string): Promise<Told> {
  const p = await people(url)
  await system(p['gjj-jb']!)
  const matterId = await matter(p['gjj-jb']!)
  const application = await apply(p['gjj-jb']!, matterId, '缴存登记核对参保情况')
  await p['gjj-fz']!.post(`/api/v1/applications/${application}/sign`)
  await p['sj-sh']!.post(`/api/v1/applications/${application}/check`, { pass: true })
  await p['rs-bm']!.post(`/api/v1/applications/${application}/lines/1/answer`, { consent: true, condition: '仅用于缴存登记，不得转用' })
  await p['rs-fz']!.post(`/api/v1/applications/${application}/lines/1/sign`, { consent: true })
  const after = await p['gjj-jb']!.get<{ lines: { grant: number }[] }>(`/api/v1/applications/${application}`)
  const grant = String(after.lines[0]!.grant)
  const key = (await p['gjj-jb']!.post<{ key: string }>(`/api/v1/grants/${grant}/keys`)).key
  const program = caller(url, key, SYSTEM, matterId, 'GJJ-2026-000123', '王样样')
  let rows = 0
  for (const limit of [5, 20, 50]) rows += (await program.get<{ items: unknown[] }>(`/api/v1/exchange/${grant}/rows`, { limit })).items.length
  // and one that waits for the reviewer
  const open = await apply(p['gjj-jb']!, matterId, '年度缴存核查')
  await p['gjj-fz']!.post(`/api/v1/applications/${open}/sign`)
  await p['gjj-jb']!.put('/api/v1/cart', { items: [{ dataset: 'firm-registration', columns: ['uscc', 'firm_name', 'reg_status'] }] })
  return { application, open, grant, key, matter: matterId, rows }
}
