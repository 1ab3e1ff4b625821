// SPDX-License-Identifier: MulanPSL-2.0
// The side roads of an application, as order 809 wants them: through a county, returned once for completion and not
// twice, refused with a reason, answered in parts, extended within the limit and told; silence is never consent. Last,
// a whole office is handed over while its grant is in use. The tests follow each other.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, type Server } from '../lib/server'
import { caller, type Client } from './client'
import { apply, cast, grant, hire, told, type Cast } from './walk'

let server: Server
let all: Cast
const who = (name: string): Client => all[name]!
beforeAll(async () => {
  server = await start()
  all = await cast(server.url, ['rs-bm', 'rs-fz', 'gjj-jb', 'gjj-fz', 'sj-sh', 'sj-gl', 'ks-sh', 'mz-bm', 'sys', 'sec', 'aud'])
  await who('gjj-jb').post('/api/v1/systems', { id: 'gjj-core', name: '公积金核心系统' })
})
afterAll(() => server.stop())
const at = (id: string): string => `/api/v1/applications/${id}`
const firm = { dataset: 'firm-insured', columns: ['uscc', 'status'] }
const asked = (items: object[] = [firm]): Promise<any> => apply(who('gjj-jb'), { items, matter: 'fund-unit', system: 'gjj-core' })
const workday = 86_400_000

describe('through a county', () => {
  let id: string
  test('a unit of 昆山 asks: signed at home, forwarded by the county, checked by the city', async () => {
    all['ks-jb'] = await hire(all, 'ks-jb', 'ks-gov', ['applicant'])
    all['ks-fz'] = await hire(all, 'ks-fz', 'ks-gov', ['unit_head'])
    await who('ks-jb').post('/api/v1/systems', { id: 'ks-desk', name: '昆山综合窗口' })
    const a = await apply(who('ks-jb'), { items: [firm], matter: 'fund-unit', system: 'ks-desk' })
    id = a.id
    await who('ks-jb').post(`${at(id)}/submit`)
    expect((await who('ks-fz').post(`${at(id)}/sign`)).state).toBe('county')
    // Not past the county, and the city sees it only when it arrives.
    expect((await who('sj-sh').call('POST', `${at(id)}/check`, { body: { pass: true } })).status).toBeGreaterThanOrEqual(403)
    expect((await who('ks-sh').get('/api/v1/todo')).items.map((t: any) => t.id)).toContain(id)
    const forwarded = await who('ks-sh').post(`${at(id)}/check`, { pass: true })
    expect(forwarded.state).toBe('checking')
    expect(forwarded.steps.filter((s: any) => s.state === 'done').map((s: any) => [s.step, s.office])).toEqual([
      ['sign', 'ks-gov'],
      ['county', 'ks-gov'],
    ])
  })
  test('the answer comes back the same way: the asker sees each step and its clock', async () => {
    await who('sj-sh').post(`${at(id)}/check`, { pass: true })
    await who('rs-bm').post(`${at(id)}/lines/1/answer`, { consent: true })
    await who('rs-fz').post(`${at(id)}/lines/1/sign`, { consent: true })
    const a = await who('ks-jb').get(at(id))
    expect(a.state).toBe('granted')
    expect(a.steps.map((s: any) => s.step)).toEqual(['sign', 'county', 'check', 'answer', 'provider_sign', 'supply'])
    for (const s of a.steps.filter((s: any) => s.state === 'done')) {
      expect(s.by_name, s.step).toBeTruthy()
      expect(s.entry, s.step).toBeGreaterThan(0)
      expect(s.at_ms, s.step).toBeGreaterThan(0)
    }
  })
})

describe('returned and refused', () => {
  test('what is incomplete is told once, and whole; the second time it passes or is refused', async () => {
    const a = await asked()
    await who('gjj-jb').post(`${at(a.id)}/submit`)
    await who('gjj-fz').post(`${at(a.id)}/sign`)
    expect(told(await who('sj-sh').call('POST', `${at(a.id)}/return`, { body: { reason: '' } }))).toEqual([422, 'field_missing'])
    const back = await who('sj-sh').post(`${at(a.id)}/return`, { reason: '请写明法律依据的条款' })
    expect(back.state).toBe('returned')
    // The asker sees why, edits and sends again; the version guards the edit.
    const seen = await who('gjj-jb').get(at(a.id))
    expect(seen.steps.find((s: any) => s.state === 'returned')).toMatchObject({ step: 'check', reason: '请写明法律依据的条款' })
    const body = { items: [firm], matter: 'fund-unit', system: 'gjj-core', legal_basis: '条例第十五条第一款', purpose: '核对', period_days: 30, quota_per_day: 100 }
    expect((await who('gjj-jb').call('PUT', at(a.id), { body })).status).toBe(428)
    expect((await who('gjj-jb').call('PUT', at(a.id), { body, version: seen.version - 1 })).status).toBe(412)
    await who('gjj-jb').put(at(a.id), body, seen.version)
    await who('gjj-jb').post(`${at(a.id)}/submit`)
    await who('gjj-fz').post(`${at(a.id)}/sign`)
    expect(told(await who('sj-sh').call('POST', `${at(a.id)}/return`, { body: { reason: '还缺附件' } }))).toEqual([409, 'returned_once'])
    expect(told(await who('sj-sh').call('POST', `${at(a.id)}/check`, { body: { pass: false } }))).toEqual([422, 'field_missing'])
    const refused = await who('sj-sh').post(`${at(a.id)}/check`, { pass: false, reason: '用途与法定职责不符' })
    expect(refused).toMatchObject({ state: 'refused', lines: [{ state: 'refused' }] })
    // It is over: nobody moves it any more.
    for (const [name, verb, b] of [['gjj-jb', 'submit', {}], ['gjj-jb', 'withdraw', {}], ['rs-bm', 'lines/1/answer', { consent: true }]] as const) expect((await who(name).call('POST', `${at(a.id)}/${verb}`, { body: b })).status, verb).toBeGreaterThanOrEqual(403)
  })
  test('the provider’s head sends an answer back to the steward; the clock runs on', async () => {
    const a = await asked()
    await who('gjj-jb').post(`${at(a.id)}/submit`)
    await who('gjj-fz').post(`${at(a.id)}/sign`)
    const checked = await who('sj-sh').post(`${at(a.id)}/check`, { pass: true })
    const due = checked.steps.find((s: any) => s.step === 'answer').due_ms
    await who('rs-bm').post(`${at(a.id)}/lines/1/answer`, { consent: true })
    expect(told(await who('rs-fz').call('POST', `${at(a.id)}/lines/1/sign`, { body: { consent: false } }))).toEqual([422, 'field_missing'])
    const again = await who('rs-fz').post(`${at(a.id)}/lines/1/sign`, { consent: false, reason: '请限定列' })
    expect(again.state).toBe('answering')
    const open = again.steps.filter((s: any) => s.step === 'answer').at(-1)
    expect(open).toMatchObject({ state: 'todo', due_ms: due })
    await who('rs-bm').post(`${at(a.id)}/lines/1/answer`, { consent: false, reason: '超出履职需要' })
    const no = await who('rs-fz').post(`${at(a.id)}/lines/1/sign`, { consent: true })
    expect(no).toMatchObject({ state: 'refused', lines: [{ state: 'refused', reason: '超出履职需要' }] })
    expect(no.lines[0].grant ?? null).toBeNull()
  })
  test('withdrawn by the asker while it is under way; not by another', async () => {
    const a = await asked()
    await who('gjj-jb').post(`${at(a.id)}/submit`)
    expect((await who('ks-jb').call('POST', `${at(a.id)}/withdraw`)).status).toBeGreaterThanOrEqual(403)
    expect((await who('gjj-jb').post(`${at(a.id)}/withdraw`, { reason: '不再需要' })).state).toBe('withdrawn')
    expect((await who('gjj-fz').get('/api/v1/todo')).items.map((t: any) => t.id)).not.toContain(a.id)
  })
})

describe('answers', () => {
  test('several data sets in one application: each provider answers for itself, fewer columns, never more', async () => {
    all['mz-fz'] = await hire(all, 'mz-fz', 'sz-civil', ['unit_head'])
    const a = await asked([{ dataset: 'firm-insured', columns: ['uscc', 'status', 'insured'] }, { dataset: 'subsistence', columns: ['case_no', 'community'] }])
    await who('gjj-jb').post(`${at(a.id)}/submit`)
    await who('gjj-fz').post(`${at(a.id)}/sign`)
    await who('sj-sh').post(`${at(a.id)}/check`, { pass: true })
    expect((await who('rs-bm').call('POST', `${at(a.id)}/lines/2/answer`, { body: { consent: true } })).status).toBe(403)
    expect(told(await who('rs-bm').call('POST', `${at(a.id)}/lines/1/answer`, { body: { consent: true, columns: ['uscc', 'pay_status'] } }))).toEqual([422, 'column_unknown'])
    await who('rs-bm').post(`${at(a.id)}/lines/1/answer`, { consent: true, columns: ['uscc', 'insured'], released: ['insured'], quota_per_day: 999_999 })
    const half = await who('rs-fz').post(`${at(a.id)}/lines/1/sign`, { consent: true })
    expect(half.state).toBe('answering')
    await who('mz-bm').post(`${at(a.id)}/lines/2/answer`, { consent: false, reason: '非履职所需' })
    const done = await who('mz-fz').post(`${at(a.id)}/lines/2/sign`, { consent: true })
    expect(done.state).toBe('partly')
    const [line] = done.lines
    // An answer narrows what was asked, it never widens it.
    const g = await who('gjj-jb').get(`/api/v1/grants/${line.grant}`)
    expect(g.columns.map((c: any) => c.id)).toEqual(['uscc', 'insured'])
    expect(g.quota_per_day).toBe(10000)
    // A column released from its mask is clear under this grant.
    const key = (await who('gjj-jb').post(`/api/v1/grants/${line.grant}/keys`)).key
    const { items } = await caller(server.url, key, 'gjj-core', 'fund-unit').get(`/api/v1/exchange/${line.grant}/rows`, { limit: 5 })
    expect(items.every((i: any) => Number.isInteger(i.insured))).toBe(true)
    expect(Object.keys(items[0])).toEqual(['uscc', 'insured'])
  })
  test('more time only by the authority, within the limit, with a reason; the asker sees it; it stays an open question', async () => {
    const a = await asked()
    await who('gjj-jb').post(`${at(a.id)}/submit`)
    await who('gjj-fz').post(`${at(a.id)}/sign`)
    const before = (await who('sj-sh').post(`${at(a.id)}/check`, { pass: true })).steps.find((s: any) => s.step === 'answer')
    const path = `${at(a.id)}/lines/1/extend`
    expect((await who('rs-bm').call('POST', path, { body: { days: 5, reason: '量大' } })).status).toBe(403)
    expect(told(await who('sj-gl').call('POST', path, { body: { days: 11, reason: '量大' } }))).toEqual([422, 'field_range'])
    const longer = await who('sj-gl').post(path, { days: 6, reason: '数据量大' })
    const after = longer.steps.find((s: any) => s.step === 'answer')
    expect(after.due_ms - before.due_ms).toBeGreaterThanOrEqual(6 * workday)
    expect(after).toMatchObject({ state: 'todo', extended_wd: 6 })
    // Ten in all, order 809 art. 21.
    expect(told(await who('sj-gl').call('POST', path, { body: { days: 5, reason: '还要' } }))).toEqual([422, 'field_range'])
    expect((await who('gjj-jb').get(at(a.id))).steps.find((s: any) => s.step === 'answer').due_ms).toBe(after.due_ms)
    expect((await who('gjj-jb').get('/api/v1/grants')).items.some((g: any) => g.application === a.id)).toBe(false)
  })
  test('unconditional sharing has one working day; a conditional column among them ten', async () => {
    const dueIn = async (columns: string[]): Promise<number> => {
      const a = await asked([{ dataset: 'firm-registration', columns }])
      await who('gjj-jb').post(`${at(a.id)}/submit`)
      await who('gjj-fz').post(`${at(a.id)}/sign`)
      const s = (await who('sj-sh').post(`${at(a.id)}/check`, { pass: true })).steps.find((s: any) => s.step === 'answer')
      return (s.due_ms - s.opened_ms) / workday
    }
    // Nine working days apart, whatever holidays lie ahead: that is at least eleven days.
    const [open, conditional] = [await dueIn(['uscc', 'firm_name']), await dueIn(['uscc', 'legal_rep'])]
    expect(open).toBeGreaterThan(0)
    expect(conditional - open).toBeGreaterThanOrEqual(11)
  })
  test('suspended is refused, resumed is served, ended is over', async () => {
    const a = await asked()
    const [g] = await grant(all, a.id, { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' })
    const made = await who('gjj-jb').post(`/api/v1/grants/${g}/keys`)
    const c = caller(server.url, made.key, 'gjj-core', 'fund-unit')
    const call = async (): Promise<[number, string]> => told(await c.call('GET', `/api/v1/exchange/${g}/rows`, { query: { limit: 1 } }))
    expect(await call()).toEqual([200, ''])
    await who('sj-gl').post(`/api/v1/grants/${g}/suspend`, { reason: '安全核查' })
    expect(await call()).toEqual([403, 'grant_suspended'])
    await who('sj-gl').post(`/api/v1/grants/${g}/resume`)
    expect(await call()).toEqual([200, ''])
    // A key that ended stays ended, another goes on.
    const second = await who('gjj-jb').post(`/api/v1/grants/${g}/keys`)
    await who('gjj-jb').ok('DELETE', `/api/v1/grants/${g}/keys/${made.id}`)
    expect((await call())[0]).toBe(401)
    const other = caller(server.url, second.key, 'gjj-core', 'fund-unit')
    expect((await other.call('GET', `/api/v1/exchange/${g}/rows`, { query: { limit: 1 } })).status).toBe(200)
    // A data set that is withdrawn serves nobody.
    await who('gjj-fz').post(`/api/v1/grants/${g}/revoke`, { reason: '用途结束' })
    expect(told(await other.call('GET', `/api/v1/exchange/${g}/rows`, { query: { limit: 1 } }))).toEqual([403, 'grant_revoked'])
  })
})

describe('an office is handed over', () => {
  test('its data, a running grant and a waiting application pass to the successor in one act; the old name stays in the history', async () => {
    const a = await asked()
    const [g] = await grant(all, a.id, { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' })
    const key = (await who('gjj-jb').post(`/api/v1/grants/${g}/keys`)).key
    const c = caller(server.url, key, 'gjj-core', 'fund-unit')
    const waiting = await asked()
    await who('gjj-jb').post(`${at(waiting.id)}/submit`)
    await who('gjj-fz').post(`${at(waiting.id)}/sign`)
    await who('sj-sh').post(`${at(waiting.id)}/check`, { pass: true })
    const first = await c.get(`/api/v1/exchange/${g}/rows`, { limit: 3 })

    await who('sj-gl').post('/api/v1/offices/sz-hrss/succession', { successor: 'sz-medical', date: '2026-11-01', basis: '机构改革方案(测试)' })
    const done = await who('sec').post('/api/v1/offices/sz-hrss/succession/confirm')
    expect(done.state).toBe('applied')

    const d = await who('gjj-jb').get('/api/v1/datasets/firm-insured')
    expect(d).toMatchObject({ office: 'sz-medical', office_name: '苏州市医疗保障局', state: 'published', rows: 90000 })
    // The program notices nothing: the same key, the next page.
    const next = await c.call('GET', `/api/v1/exchange/${g}/rows`, { query: { limit: 3, after: first.next } })
    expect(next.status, next.text).toBe(200)
    expect(await who('gjj-jb').get(`/api/v1/grants/${g}`)).toMatchObject({ provider: 'sz-medical', state: 'active' })
    // Whoever worked there goes on with what waited for them.
    const steward = (await cast(server.url, ['rs-bm', 'rs-fz'])) as Cast
    expect((await steward['rs-bm']!.get('/api/v1/me')).account.office).toBe('sz-medical')
    expect((await steward['rs-bm']!.get('/api/v1/todo')).items.map((t: any) => t.id)).toContain(waiting.id)
    await steward['rs-bm']!.post(`${at(waiting.id)}/lines/1/answer`, { consent: true })
    expect((await steward['rs-fz']!.post(`${at(waiting.id)}/lines/1/sign`, { consent: true })).state).toBe('granted')
    // What was signed before keeps the name of its day.
    const old = await who('gjj-jb').get(at(a.id))
    expect(old.steps.find((s: any) => s.step === 'answer').office_name).toBe('苏州市人力资源和社会保障局')
    const office = await who('gjj-jb').get('/api/v1/offices/sz-hrss')
    expect(office).toMatchObject({ successor: 'sz-medical', valid_to: '2026-11-01' })
    const acts = (await who('aud').get('/api/v1/acts', { object_kind: 'office', object: 'sz-hrss', limit: 50 })).items
    expect(acts.some((x: any) => x.entry === done.entry)).toBe(true)
  })
})
