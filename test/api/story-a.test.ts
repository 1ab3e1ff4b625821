// SPDX-License-Identifier: MulanPSL-2.0
// Story A of the pack, end to end, on the API and with the real Suzhou: an office compiles and publishes a data set,
// another applies, the provider answers, a program calls, everyone entitled sees the whole trace, the grant is
// revoked, and the ledger is checked offline, before and after somebody changed one byte of the past.
// The tests of this file follow each other: each takes up where the one before stopped.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT, start, type Server } from '../lib/server'
import { onPostgres, storeArgs, storeRows } from '../lib/store'
import { caller, type Client } from './client'
import { apply, cast, check, code, commit, compile, description, grant, gusu, hire, publish, told, uscc, usccWrong, until, upload, type Cast } from './walk'

let server: Server
let all: Cast
const scratch = mkdtempSync(join(tmpdir(), 'gusu-story-'))
const data = join(scratch, 'data')
beforeAll(async () => {
  server = await start({ data })
  all = await cast(server.url, ['rs-bm', 'rs-fz', 'gjj-jb', 'gjj-fz', 'sj-sh', 'sj-gl', 'mz-bm', 'gx-bm', 'sys', 'sec', 'aud'])
})
afterAll(async () => {
  await server.stop()
  rmSync(scratch, { recursive: true, force: true })
})

const SYSTEM = 'gjj-core'
const OWN = 'hrss-training'
const FUND = { applicant: 'gjj-jb', head: 'gjj-fz', steward: 'rs-bm', signer: 'rs-fz' }
const walked: number[] = [] // ledger entries of the steps, in order
let application = ''
let lent: { id: number; key: string; call: Client } // the grant of firm-insured

describe('compile', () => {
  const columns = [
    { id: 'uscc', zh: '统一社会信用代码', type: 'text', key: true, element: 'uscc', element_role: 'self' },
    { id: 'period', zh: '补贴所属期', type: 'period', key: true, element: 'period', element_role: 'self' },
    { id: 'firm_name', zh: '单位名称', type: 'text', element: 'firm_name', element_role: 'self' },
    { id: 'trainees', zh: '培训人数', type: 'int', grade: 'L3' },
    { id: 'amount', zh: '补贴金额', type: 'fen', element: 'money', element_role: 'amount' },
    { id: 'decided', zh: '核定日期', type: 'date' },
  ]
  test('the steward describes it by elements; grade, length and check come from them', async () => {
    await compile(all['rs-bm']!, description(OWN, '企业职工培训补贴核定', columns, { class_codes: ['2/social-security'] }))
    const d = await all['rs-bm']!.get(`/api/v1/datasets/${OWN}`)
    expect(d).toMatchObject({ state: 'draft', office: 'sz-hrss', grade: 'L3', synthetic: true })
    expect(d.columns.find((c: any) => c.id === 'uscc')).toMatchObject({ grade: 'L1', length: 18 })
    expect(d.may).toEqual(expect.arrayContaining(['edit', 'submit', 'load']))
    expect(d.may).not.toContain('sign')
    // A draft is its own office's, the reviewer's and the authority's; for others it does not exist.
    expect((await all['gx-bm']!.call('GET', `/api/v1/datasets/${OWN}`)).status).toBe(404)
  })
  test('headers are recognised by alias and name; bad rows are set aside with row and reason, the good ones stay', async () => {
    const rows = [
      'TYSHXYDM,补贴所属期,QYMC,培训人数,补贴金额(元),核定日期',
      ...Array.from({ length: 40 }, (_, i) => `${uscc(i)},202610,样例企业${i}有限公司,${i},${i * 100}.50,2026-10-${String((i % 28) + 1).padStart(2, '0')}`),
      `${usccWrong(90)},202610,样例甲公司,1,1.00,2026-10-01`, // row 42: check character
      `${uscc(91)},202613,样例乙公司,1,1.00,2026-10-01`, // row 43: no such month
      `${uscc(92)},202610,样例丙公司,many,1.00,2026-10-01`, // row 44: no number
      `${uscc(93)},202610,样例丁公司,1,1.00,2026-02-30`, // row 45: no such day
      `${uscc(0)},202610,样例企业0有限公司,1,1.00,2026-10-01`, // row 46: the key again
    ]
    const load = await upload(all['rs-bm']!, OWN, '培训补贴.csv', rows.join('\r\n') + '\r\n')
    expect(load.columns.map((c: any) => [c.column, c.how])).toEqual([
      ['uscc', 'alias'],
      ['period', 'name'],
      ['firm_name', 'alias'],
      ['trainees', 'name'],
      ['amount', 'name'],
      ['decided', 'name'],
    ])
    const checked = await check(all['rs-bm']!, load)
    expect([checked.good_n, checked.bad_n], JSON.stringify(checked.reasons)).toEqual([40, 5])
    const bad = await all['rs-bm']!.get(`/api/v1/loads/${load.load}/bad`)
    const seen = bad.items.map((b: any) => [b.row, b.column, b.code.replaceAll('-', '_')])
    expect(seen.slice(0, 4)).toEqual([
      [42, 'uscc', 'uscc_check'],
      [43, 'period', 'field_type'],
      [44, 'trainees', 'field_type'],
      [45, 'decided', 'field_type'],
    ])
    expect(seen[4]).toEqual([46, expect.anything(), 'duplicate_key'])
    for (const b of bad.items) expect([b.title_zh, b.title_en].every((t: string) => t.length > 3)).toBe(true)
    const done = await commit(all['rs-bm']!, load)
    expect(done).toMatchObject({ rows: 40, bad_n: 5 })
    expect(done.entry).toBeGreaterThan(0)
  })
  test('signed by the head, reviewed by one, published by another; each step is in the ledger', async () => {
    const at = `/api/v1/datasets/${OWN}`
    expect((await all['rs-bm']!.call('POST', `${at}/sign`)).status).toBe(403)
    walked.push(...(await publish(all, 'rs-bm', 'rs-fz', OWN)))
    expect([...walked].sort((a, b) => a - b)).toEqual(walked)
    const d = await all['gx-bm']!.get(at)
    expect(d.state).toBe('published')
    expect(d.steps.map((s: any) => [s.step, s.state])).toEqual([
      ['compile', 'done'],
      ['sign', 'done'],
      ['review', 'done'],
      ['publish', 'done'],
    ])
    expect((await all['gjj-jb']!.get('/api/v1/datasets', { q: '培训补贴' })).items.map((i: any) => i.id)).toContain(OWN)
    // 不予开放: the portal does not know it.
    const none = (await all['gjj-jb']!.get('/api/v1/portal/datasets', { q: '培训补贴' })).items
    expect(none.map((i: any) => i.id)).not.toContain(OWN)
  })
})

describe('apply', () => {
  test('a registered system, a cart, an application with matter and legal basis', async () => {
    const jb = all['gjj-jb']!
    await jb.post('/api/v1/systems', { id: SYSTEM, name: '公积金核心系统' })
    const wanted = ['uscc', 'period', 'kind', 'firm_name', 'status', 'insured', 'pay_status', 'area_code']
    await jb.put('/api/v1/cart', { items: [{ dataset: 'firm-insured', columns: wanted }] })
    const { items } = await jb.get('/api/v1/cart')
    expect(items).toEqual([expect.objectContaining({ dataset: 'firm-insured', office: 'sz-hrss', share: 2, columns: wanted })])
    const a = await apply(jb, {
      items: [{ dataset: items[0].dataset, columns: items[0].columns, filter: [{ column: 'period', op: 'eq', value: '202609' }] }],
      matter: 'fund-unit',
      system: SYSTEM,
    })
    application = a.id
    expect(application).toMatch(/^SQ-\d{4}-\d{6}$/)
    expect(a).toMatchObject({ state: 'draft', office: 'sz-fund', matter: 'fund-unit', lines: [{ provider: 'sz-hrss', title_zh: '单位参保信息' }] })
  })
  test('what may not be shared is refused at the door, with the law', async () => {
    const asked = { items: [{ dataset: 'stat-micro', columns: ['uscc'] }], matter: 'fund-unit', system: SYSTEM, legal_basis: '条例第五条', purpose: '核对', period_days: 30, quota_per_day: 10 }
    const r = await all['gjj-jb']!.call('POST', '/api/v1/applications', { body: asked })
    expect(told(r)).toEqual([422, 'share_never'])
    expect(r.body.title_zh).toContain('统计法')
  })
  test('own head signs, the authority checks, the provider answers, its head signs: nobody does two of these', async () => {
    const at = `/api/v1/applications/${application}`
    const go = async (who: string, verb: string, body?: object): Promise<any> => {
      const a = await all[who]!.post(`${at}/${verb}`, body)
      walked.push(a.entry)
      return a
    }
    const no = async (who: string, verb: string, body?: object): Promise<void> => {
      expect((await all[who]!.call('POST', `${at}/${verb}`, { body })).status, `${who} ${verb}`).toBeGreaterThanOrEqual(403)
    }
    expect((await go('gjj-jb', 'submit')).state).toBe('signing')
    for (const who of ['gjj-jb', 'rs-fz', 'sj-sh', 'sj-gl']) await no(who, 'sign')
    expect((await go('gjj-fz', 'sign')).state).toBe('checking')
    for (const who of ['gjj-fz', 'rs-fz', 'sj-gl', 'aud']) await no(who, 'check', { pass: true })
    const checked = await go('sj-sh', 'check', { pass: true })
    expect(checked.state).toBe('answering')
    const clock = checked.steps.find((s: any) => s.step === 'answer')
    expect(clock).toMatchObject({ state: 'todo', office: 'sz-hrss', light: 'green' })
    // Past the last year whose holidays are known, a due date says that it is not certain.
    const { last_year } = (await all['rs-bm']!.get('/api/v1/me')).workday_warning ?? { last_year: 9999 }
    expect(clock.certain).toBe(new Date(clock.due_ms + 8 * 3_600_000).getUTCFullYear() <= last_year)
    expect(clock.due_ms).toBeGreaterThan(Date.now() + 9 * 86_400_000) // ten working days, order 809 art. 21
    for (const who of ['mz-bm', 'gx-bm', 'rs-fz', 'sj-gl']) await no(who, 'lines/1/answer', { consent: true })
    // A refusal has its reason.
    expect(told(await all['rs-bm']!.call('POST', `${at}/lines/1/answer`, { body: { consent: false } }))).toEqual([422, 'field_missing'])
    expect((await all['rs-bm']!.get('/api/v1/todo')).items.map((t: any) => t.id)).toContain(application)
    await go('rs-bm', 'lines/1/answer', { consent: true, condition: '仅用于缴存登记核对', rate_per_s: 1000 })
    for (const who of ['rs-bm', 'gjj-fz', 'sj-gl']) await no(who, 'lines/1/sign', { consent: true })
    const granted = await go('rs-fz', 'lines/1/sign', { consent: true })
    expect(granted).toMatchObject({ state: 'granted', lines: [{ state: 'granted', grant: expect.any(Number) }] })
    const steps = granted.steps.filter((s: any) => s.state === 'done')
    expect(steps.map((s: any) => s.step)).toEqual(['sign', 'check', 'answer', 'provider_sign'])
    lent = { id: granted.lines[0].grant, key: '', call: all['gjj-jb']! }
  })
  test('the key is shown once, to the applicant', async () => {
    const at = `/api/v1/grants/${lent.id}/keys`
    expect((await all['rs-bm']!.call('POST', at)).status).toBe(403)
    const made = await all['gjj-jb']!.post(at)
    walked.push(made.entry)
    expect(made.key).toMatch(/^gk_/)
    lent.key = made.key
    lent.call = caller(server.url, made.key, SYSTEM, 'fund-unit')
    const g = await all['gjj-jb']!.get(`/api/v1/grants/${lent.id}`)
    expect(JSON.stringify(g)).not.toContain(made.key)
    expect(g.keys).toEqual([expect.objectContaining({ state: 'active' })])
  })
})

const rows = (): string => `/api/v1/exchange/${lent.id}/rows`
let called = 0 // entry of the first call

describe('call', () => {
  test('JSON: what the grant names and nothing else; L3 is masked; the entry is in the reply', async () => {
    const r = await lent.call.call('GET', rows(), { query: { limit: 5 } })
    expect(r.status).toBe(200)
    expect(r.body.trace).toBe(application)
    called = r.body.entry
    expect(r.headers.get('gusu-entry')).toBe(String(called))
    expect(called).toBeGreaterThan(walked.at(-1)!)
    expect(r.body.items).toHaveLength(5)
    for (const i of r.body.items) {
      expect(Object.keys(i)).toEqual(['uscc', 'period', 'kind', 'firm_name', 'status', 'insured', 'pay_status', 'area_code'])
      expect(i.period).toBe('202609') // the row filter of the grant
      expect([i.insured, i.pay_status]).toEqual([null, '***']) // a masked number is null, so that types stay
      expect(i.firm_name).toContain('样')
    }
  })
  test('NDJSON and CSV give the same rows', async () => {
    const json = await lent.call.get(rows(), { limit: 7 })
    const nd = await lent.call.call('GET', rows(), { query: { limit: 7, format: 'ndjson' } })
    expect(nd.headers.get('content-type')).toContain('application/x-ndjson')
    expect(nd.text.trim().split('\n').map((l) => JSON.parse(l))).toEqual(json.items)
    const csv = await lent.call.call('GET', rows(), { query: { limit: 7 }, headers: { Accept: 'text/csv' } })
    expect(csv.headers.get('content-type')).toContain('text/csv')
    const lines = csv.text.replace(/^\uFEFF/, '').trim().split(/\r?\n/)
    expect(lines).toHaveLength(8)
    for (const [n, item] of json.items.entries()) expect(lines[n + 1]).toContain(item.uscc)
    expect(csv.headers.get('gusu-next')).toBe(json.next)
    expect(Number(csv.headers.get('gusu-entry'))).toBeGreaterThan(called)
  })
  test('fields are trimmed; a filter narrows; pages to the end give each row exactly once', async () => {
    const one = (await lent.call.get(rows(), { fields: 'uscc,kind', limit: 1 })).items[0]
    expect(Object.keys(one)).toEqual(['uscc', 'kind'])
    const same = await lent.call.get(rows(), { uscc: one.uscc })
    expect(same.items.length).toBe(3) // three kinds of insurance
    expect(new Set(same.items.map((i: any) => i.uscc))).toEqual(new Set([one.uscc]))
    const seen = new Set<string>()
    let n = 0
    let after: string | undefined
    do {
      const page = await lent.call.get(rows(), { fields: 'uscc,kind', limit: 1000, after })
      for (const i of page.items) seen.add(`${i.uscc} ${i.kind}`)
      n += page.items.length
      after = page.next
    } while (after)
    expect([n, seen.size]).toEqual([15000, 15000])
    // A cursor belongs to its query.
    const first = await lent.call.get(rows(), { limit: 3 })
    const forged = `${first.next.slice(0, -2)}${first.next.endsWith('AA') ? 'BB' : 'AA'}`
    expect(told(await lent.call.call('GET', rows(), { query: { limit: 3, after: forged } }))).toEqual([422, 'cursor'])
    expect(told(await lent.call.call('GET', rows(), { query: { limit: 3, after: first.next, uscc: one.uscc } }))).toEqual([422, 'cursor'])
  })
  test('a masked column can be neither filtered nor felt out; a column outside the grant does not exist', async () => {
    for (const q of [{ insured: '5' }, { 'insured.gte': '5' }, { 'pay_status.in': 'paid,owed' }]) expect(told(await lent.call.call('GET', rows(), { query: q })), JSON.stringify(q)).toEqual([403, 'column_masked'])
    for (const q of [{ fields: 'first_date' }, { first_date: '2020-01-01' }, { fields: 'nonsense' }]) expect(told(await lent.call.call('GET', rows(), { query: q })), JSON.stringify(q)).toEqual([422, 'column_unknown'])
  })
  test('who calls, and for what, is named in every call', async () => {
    const bare = caller(server.url, lent.key, SYSTEM, 'fund-unit')
    const cases: [Record<string, string>, [number, string]][] = [
      [{ 'Gusu-System': 'another-system' }, [403, 'system_other']],
      [{ 'Gusu-Matter': 'food-licence' }, [403, 'matter_other']],
      [{ Authorization: 'Bearer gk_0000' }, [401, 'bad_token']],
      [{ Authorization: `Bearer ${lent.key.slice(0, -1)}${lent.key.endsWith('x') ? 'y' : 'x'}` }, [401, 'bad_token']],
    ]
    for (const [headers, want] of cases) expect(told(await bare.call('GET', rows(), { headers })), JSON.stringify(headers)).toEqual(want)
    // Somebody's session is no key.
    expect((await all['gjj-jb']!.call('GET', rows())).status).toBe(403)
  })
  test('too fast and too many are told apart, both say when to come back', async () => {
    const lend = async (quota: number, rate: number): Promise<number> => {
      const a = await apply(all['gjj-jb']!, { items: [{ dataset: OWN, columns: ['uscc', 'firm_name'] }], matter: 'fund-unit', system: SYSTEM, quota_per_day: quota })
      return (await grant(all, a.id, FUND, { rate_per_s: rate }))[0]!
    }
    const burst = async (grant: number, n: number): Promise<Map<string, any[]>> => {
      const c = caller(server.url, (await all['gjj-jb']!.post(`/api/v1/grants/${grant}/keys`)).key, SYSTEM, 'fund-unit')
      const replies = await Promise.all(Array.from({ length: n }, () => c.call('GET', `/api/v1/exchange/${grant}/rows`, { query: { limit: 1 } })))
      const by = new Map<string, any[]>()
      for (const r of replies) by.set(`${r.status} ${code(r)}`, [...(by.get(`${r.status} ${code(r)}`) ?? []), r])
      return by
    }
    const fast = await burst(await lend(10_000, 1), 20)
    const ok = fast.get('200 ')!.length
    expect(ok).toBeGreaterThanOrEqual(1)
    const late = fast.get('429 rate_limited')!
    expect(late.length).toBe(20 - ok)
    expect(Number(late[0].headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect([late[0].body.title_zh, late[0].body.title_en].join()).toMatch(/每秒最多 1 次.*at most 1 a second/)
    // Two keys, each with a rate of its own; the day's quota is the grant's, and exact however the calls race.
    const id = await lend(7, 1000)
    const both = await Promise.all([burst(id, 10), burst(id, 10)])
    const n = (what: string): number => both.reduce((s, b) => s + (b.get(what)?.length ?? 0), 0)
    expect([n('200 '), n('429 quota_used')]).toEqual([7, 13])
    const over = both.flatMap((b) => b.get('429 quota_used') ?? [])
    const midnight = Number(over[0].headers.get('retry-after'))
    expect(midnight).toBeGreaterThan(0)
    expect(midnight).toBeLessThanOrEqual(86_400)
    expect((await all['gjj-jb']!.get(`/api/v1/grants/${id}`)).used_today).toBe(7)
  })
})

describe('personal data', () => {
  let g: number
  let key: string
  const file = readFileSync(join(ROOT, 'packs/suzhou/built/datasets/person-base/data.csv'), 'utf8').replace(/^\uFEFF/, '').split(/\r?\n/)
  const at = (name: string, line: number): string => file[line]!.split(',')[file[0]!.split(',').indexOf(name)]!
  test('verified only; a call without case number or operator is refused and says which header', async () => {
    all['ga-bm'] = await hire(all, 'ga-bm', 'sz-police', ['steward'])
    all['ga-fz'] = await hire(all, 'ga-fz', 'sz-police', ['unit_head'])
    const a = await apply(all['gjj-jb']!, { items: [{ dataset: 'person-base', columns: ['rid', 'person_name'] }], matter: 'fund-withdraw', system: SYSTEM })
    ;[g] = (await grant(all, a.id, { ...FUND, steward: 'ga-bm', signer: 'ga-fz' })) as [number]
    key = (await all['gjj-jb']!.post(`/api/v1/grants/${g}/keys`)).key
    const values = { rid: at('rid', 1), person_name: at('person_name', 1) }
    const missing = async (caseNo?: string, operator?: string): Promise<any> => caller(server.url, key, SYSTEM, 'fund-withdraw', caseNo, operator).call('POST', `/api/v1/exchange/${g}/verify`, { body: { values } })
    for (const [r, header] of [
      [await missing(undefined, '王样'), 'Gusu-Case'],
      [await missing('GJJ-2026-1', undefined), 'Gusu-Operator'],
      [await missing('  ', '王样'), 'Gusu-Case'],
    ] as const) {
      expect(told(r)).toEqual([403, 'case_missing'])
      expect(r.body.field).toBe(header)
      expect(r.body.title_zh).toContain(header)
      expect(r.body.title_en).toContain(header)
    }
  })
  test('一致 and 不一致, no row leaves, no key column may be left out', async () => {
    const c = caller(server.url, key, SYSTEM, 'fund-withdraw', 'GJJ-2026-1', '王样')
    const verify = (values: object): Promise<any> => c.call('POST', `/api/v1/exchange/${g}/verify`, { body: { values } })
    const yes = await verify({ rid: at('rid', 1), person_name: at('person_name', 1) })
    expect(yes.body).toMatchObject({ match: true, result: '一致' })
    expect(Object.keys(yes.body).sort()).toEqual(['entry', 'match', 'result', 'trace'])
    const no = await verify({ rid: at('rid', 1), person_name: at('person_name', 2) === at('person_name', 1) ? '别人' : at('person_name', 2) })
    expect(no.body).toMatchObject({ match: false, result: '不一致' })
    expect(told(await verify({ person_name: at('person_name', 1) }))).toEqual([422, 'field_missing'])
    expect(told(await verify({ rid: at('rid', 1), birth_date: '1990-01-01' }))).toEqual([422, 'column_unknown'])
    expect(told(await c.call('GET', `/api/v1/exchange/${g}/rows`))).toEqual([403, 'verify_only'])
  })
  test('rows about people, with case and operator: each masked as its grade wants', async () => {
    all['mz-fz'] = await hire(all, 'mz-fz', 'sz-civil', ['unit_head'])
    const a = await apply(all['gjj-jb']!, { items: [{ dataset: 'subsistence', columns: ['case_no', 'person_name', 'rid', 'amount', 'community'] }], matter: 'fund-withdraw', system: SYSTEM })
    const [id] = await grant(all, a.id, { ...FUND, steward: 'mz-bm', signer: 'mz-fz' })
    const k = (await all['gjj-jb']!.post(`/api/v1/grants/${id}/keys`)).key
    const bare = await caller(server.url, k, SYSTEM, 'fund-withdraw').call('GET', `/api/v1/exchange/${id}/rows`)
    expect([...told(bare), bare.body.field]).toEqual([403, 'case_missing', 'Gusu-Case'])
    const c = caller(server.url, k, SYSTEM, 'fund-withdraw', '办件-7', '李样')
    const { items } = await c.get(`/api/v1/exchange/${id}/rows`, { limit: 20 })
    expect(items).toHaveLength(20)
    for (const i of items) {
      expect(i.person_name).toMatch(/^.\*+$/u) // L3: first character
      expect([i.rid, i.amount]).toEqual(['***', null]) // L4: nothing
      expect(i.community).toMatch(/^\d{12}$/)
    }
    expect(told(await c.call('GET', `/api/v1/exchange/${id}/rows`, { query: { rid: at('rid', 1) } }))[0]).toBe(403)
  })
})

describe('trace and revoke', () => {
  test('one id leads from the data set to the last call, every step with its entry', async () => {
    const t = await all['gjj-jb']!.get(`/api/v1/trace/${application}`)
    expect(t).toMatchObject({ application, dataset: 'firm-insured' })
    const kinds = t.nodes.map((n: any) => n.kind)
    expect(kinds).toEqual(expect.arrayContaining(['dataset', 'application', 'sign', 'check', 'answer', 'grant', 'key', 'call']))
    for (const n of t.nodes.filter((n: any) => ['sign', 'check', 'answer', 'grant', 'key'].includes(n.kind))) expect(n.entry, `${n.kind} ${n.id}`).toBeGreaterThan(0)
    const ids = new Set(t.nodes.map((n: any) => n.id))
    for (const e of t.edges) expect(ids.has(e.from) && ids.has(e.to), JSON.stringify(e)).toBe(true)
    expect(t.edges.length).toBeGreaterThanOrEqual(t.nodes.length - 1)
    expect(t.calls.n).toBeGreaterThanOrEqual(15)
    expect(t.calls.rows).toBeGreaterThanOrEqual(15000)
    // The same page by grant and by key; other offices have no part in it.
    const prefix = (await all['gjj-jb']!.get(`/api/v1/grants/${lent.id}`)).keys[0].prefix
    for (const id of [String(lent.id), prefix]) expect((await all['rs-fz']!.get(`/api/v1/trace/${encodeURIComponent(id)}`)).application).toBe(application)
    expect((await all['gx-bm']!.call('GET', `/api/v1/trace/${application}`)).status).toBe(404)
  })
  test('each call is metered and listed with its names', async () => {
    const { items } = await all['gjj-jb']!.get(`/api/v1/grants/${lent.id}/calls`, { limit: 100 })
    const first = items.find((c: any) => c.entry === called)
    expect(first).toMatchObject({ rows: 5, system: SYSTEM, matter: 'fund-unit', trace: application })
    const g = await all['rs-fz']!.get(`/api/v1/grants/${lent.id}`)
    expect(g.used_today).toBe(items.length)
    expect(items.length).toBeLessThan(100)
  })
  test('revoked by the provider: the very next call is refused, and stays refused', async () => {
    const c = lent.call
    await c.get(rows(), { limit: 1 })
    expect((await all['gjj-jb']!.call('POST', `/api/v1/grants/${lent.id}/revoke`, { body: { reason: '不再需要' } })).status).toBe(403)
    const g = await all['rs-fz']!.post(`/api/v1/grants/${lent.id}/revoke`, { reason: '用途已结束' })
    expect(g.state).toBe('revoked')
    walked.push(g.entry)
    const next = await c.call('GET', rows(), { query: { limit: 1 } })
    expect(told(next)).toEqual([403, 'grant_revoked'])
    const after = await Promise.all(Array.from({ length: 10 }, () => c.call('GET', rows(), { query: { limit: 1 } })))
    expect(new Set(after.map((r) => r.status))).toEqual(new Set([403]))
    const t = await all['gjj-jb']!.get(`/api/v1/trace/${application}`)
    expect(t.nodes.find((n: any) => n.kind === 'revoke')).toMatchObject({ entry: g.entry })
  })
  test('a revoke among many calls in flight: none answered after it', async () => {
    const a = await apply(all['gjj-jb']!, { items: [{ dataset: OWN, columns: ['uscc'] }], matter: 'fund-unit', system: SYSTEM })
    const [id] = await grant(all, a.id, FUND, { rate_per_s: 10000 })
    const c = caller(server.url, (await all['gjj-jb']!.post(`/api/v1/grants/${id}/keys`)).key, SYSTEM, 'fund-unit')
    let gone = Infinity
    const late: number[] = []
    let stop = false
    const loop = async (): Promise<void> => {
      while (!stop) {
        const began = performance.now()
        const r = await c.call('GET', `/api/v1/exchange/${id}/rows`, { query: { limit: 1 } })
        if (r.status === 200 && began > gone) late.push(r.body.entry)
        if (r.status !== 200) return
      }
    }
    const loops = Promise.all(Array.from({ length: 8 }, loop))
    const g = await all['sj-gl']!.post(`/api/v1/grants/${id}/revoke`, { reason: '测试' })
    gone = performance.now()
    await Promise.race([loops, loops.then(() => undefined)])
    stop = true
    expect(late).toEqual([])
    // Nor is there an entry of a call behind the entry of the revoke.
    const { items } = await all['gjj-jb']!.get(`/api/v1/grants/${id}/calls`, { limit: 100 })
    for (const i of items) expect(i.entry).toBeLessThan(g.entry)
  })
})

describe('ledger', () => {
  let receipt = ''
  test('the call’s receipt is checked offline, by itself', async () => {
    receipt = await until(async () => {
      const r = await all['gjj-jb']!.call('GET', `/api/v1/ledger/entries/${called}/receipt`)
      return r.status === 200 ? r.text : undefined
    }, 'a checkpoint that covers the call')
    const file = join(scratch, `${called}.tlog-proof`)
    writeFileSync(file, receipt)
    // The key comes from elsewhere than the receipt: who trusts a receipt's own word has checked nothing.
    const { vkey } = await all['gjj-jb']!.get('/api/v1/ledger')
    const good = gusu('verify', file, '--vkey', vkey)
    expect(good.text).toContain(String(called))
    expect(good.status).toBe(0)
    const other = vkey.replace(/.{4}$/, 'AAAA')
    expect(gusu('verify', file, '--vkey', other).status).not.toBe(0)
    // Another index, another leaf, a hash of the path, the signature: each breaks it.
    const lines = receipt.split('\n')
    let broken = 0
    for (let i = 0; i < lines.length; i++) {
      const m = /[A-Za-z0-9+/]{20,}/.exec(lines[i]!)
      if (!m || lines[i]!.includes('/sm3 ')) continue // a signature by a key that was not given is passed over
      const at = m.index + 10
      const other = lines[i]![at] === 'A' ? 'B' : 'A'
      const bad = [...lines]
      bad[i] = lines[i]!.slice(0, at) + other + lines[i]!.slice(at + 1)
      writeFileSync(file, bad.join('\n'))
      expect(gusu('verify', file, '--vkey', vkey).status, `line ${i + 1}: ${lines[i]}`).not.toBe(0)
      broken++
    }
    expect(broken).toBeGreaterThanOrEqual(3)
  })
  test('the SM3 tree gives its own receipt', async () => {
    const r = await all['gjj-jb']!.call('GET', `/api/v1/ledger/entries/${called}/receipt`, { query: { tree: 'sm3' } })
    expect(r.status).toBe(200)
    const file = join(scratch, `${called}.sm3.tlog-proof`)
    writeFileSync(file, r.text)
    const { vkey, sm3_vkey } = await all['gjj-jb']!.get('/api/v1/ledger')
    expect(gusu('verify', file, '--vkey', sm3_vkey)).toMatchObject({ status: 0 })
    expect(gusu('verify', file, '--vkey', vkey).status).not.toBe(0)
  })
  test('who is concerned reads what the entry says, others only that it is there', async () => {
    const own = await all['gjj-jb']!.get(`/api/v1/ledger/entries/${called}`)
    expect(own.kind).toBe('exchange.call')
    expect(JSON.parse(typeof own.detail === 'string' ? own.detail : JSON.stringify(own.detail))).toMatchObject({ application, rows: 5, system: SYSTEM })
    const other = await all['gx-bm']!.get(`/api/v1/ledger/entries/${called}`)
    expect([other.detail ?? null, other.salt ?? null]).toEqual([null, null])
    expect(Buffer.from(other.leaf, 'base64').toString('utf8')).not.toContain('firm-insured')
  })
  test('the whole ledger passes; then one byte of history is changed and the entry is named', async () => {
    const size = (await all.aud!.get('/api/v1/ledger')).size
    await server.stop()
    const whole = gusu('verify', data, ...storeArgs(data))
    expect(whole.text).toContain(String(size))
    expect(whole.status).toBe(0)
    const act = ((r) => ({ id: Number(r[0]), entry: Number(r[1]) }))(storeRows(data, "select id, entry from core_act where verb='line.sign' order by id limit 1").trim().split('|'))
    expect(walked).toContain(act.entry)
    if (onPostgres) return // bytes are changed in the file, which only the other engine has
    const flip = (column: string): string => `substr(${column},1,20) || char(unicode(substr(${column},21,1)) + 1) || substr(${column},22)`
    const changes: [string, string, RegExp][] = [
      ['leaf', `update ledger_entry set leaf = cast(substr(cast(leaf as text),1,40) || 'X' || substr(cast(leaf as text),42) as blob) where id = ${called}`, new RegExp(`\\b${called}\\b`)],
      ['detail', `update ledger_entry set detail = replace(detail, '"rows":5', '"rows":6') where id = ${called}`, new RegExp(`\\b${called}\\b`)],
      ['salt', `update ledger_entry set salt = randomblob(16) where id = ${called}`, new RegExp(`\\b${called}\\b`)],
      ['salt erased alone', `update ledger_entry set salt = null where id = ${called}`, new RegExp(`\\b${called}\\b`)],
      ['an entry lost', `delete from ledger_entry where id = ${called}`, new RegExp(`\\b${called}\\b`)],
      ['audit detail', `update core_act set detail = ${flip('detail')} where id = ${act.id}`, new RegExp(`\\b${act.entry}\\b`)],
      ['audit actor', `update core_act set actor_name = 'somebody else' where id = ${act.id}`, new RegExp(`\\b${act.entry}\\b`)],
      ['audit row lost', `delete from core_act where id = ${act.id}`, new RegExp(`\\b${act.entry}\\b`)],
      ['head', 'update ledger_head set root = randomblob(32) where tree = 0', /root|head|根|头/i],
      ['SM3 head', 'update ledger_head set root = randomblob(32) where tree = 1', /root|head|根|头|SM3/i],
    ]
    const copy = join(scratch, 'copy')
    for (const [what, sql, named] of changes) {
      rmSync(copy, { recursive: true, force: true })
      cpSync(data, copy, { recursive: true })
      const changed = execFileSync('sqlite3', [join(copy, 'gusu.db'), `${sql}; select changes();`], { encoding: 'utf8' })
      expect(changed.trim(), what).toBe('1')
      const r = gusu('verify', copy)
      expect(r.status, `${what}: ${r.text}`).not.toBe(0)
      expect(r.text, what).toMatch(named)
    }
  })
})
