// SPDX-License-Identifier: MulanPSL-2.0
// The one way out of the page: fetch with the session's CSRF header, If-Match for edits, and every failure
// turned into a Problem (RFC 9457) that screens show as it is. Nothing is retried here: a person decides.
import { lang } from '../words'

export interface ProblemItem {
  field?: string
  code?: string
  title_zh?: string
  title_en?: string
  row?: number
}
export class Problem extends Error {
  status: number
  code: string
  field?: string
  row?: number
  errors: ProblemItem[]
  trace?: string
  zh: string
  en: string
  retryAfter?: number
  constructor(status: number, body: Record<string, unknown>, retryAfter?: number) {
    super(String(body.title_en ?? body.title ?? status))
    this.status = status
    this.code = String(body.code ?? (status === 0 ? 'offline' : 'http_' + status))
    this.field = body.field as string | undefined
    this.row = body.row as number | undefined
    this.errors = (body.errors as ProblemItem[] | undefined) ?? []
    this.trace = body.trace as string | undefined
    this.zh = String(body.title_zh ?? body.title ?? `服务器返回 ${status}`)
    this.en = String(body.title_en ?? body.title ?? `The server replied ${status}`)
    this.retryAfter = retryAfter
  }
  get text(): string {
    return lang.value === 'zh' ? this.zh : this.en
  }
}
export function asProblem(e: unknown): Problem {
  if (e instanceof Problem) return e
  return new Problem(0, { title_zh: '页面出错：' + String(e), title_en: 'The page failed: ' + String(e), code: 'page' })
}

type Query = Record<string, string | number | boolean | null | undefined | string[]>
export interface Ask {
  query?: Query
  body?: unknown
  raw?: Blob | ArrayBuffer
  version?: number
  signal?: AbortSignal
}
// Set by session.ts; kept here so that client.ts knows no screen.
export const hooks = { csrf: '', onLostSession: (): void => {} }

export function url(path: string, query?: Query): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(query ?? {})) {
    if (v === undefined || v === null || v === '') continue
    for (const one of Array.isArray(v) ? v : [v]) q.append(k, String(one))
  }
  const s = q.toString()
  return s ? `${path}?${s}` : path
}

async function call(verb: string, path: string, ask: Ask = {}): Promise<Response> {
  const headers: Record<string, string> = { 'Accept-Language': lang.value }
  let body: BodyInit | undefined
  if (ask.raw !== undefined) {
    body = ask.raw
    headers['Content-Type'] = 'application/octet-stream'
  } else if (verb !== 'GET' && verb !== 'DELETE') {
    body = JSON.stringify(ask.body ?? {})
    headers['Content-Type'] = 'application/json'
  }
  if (verb !== 'GET') {
    if (hooks.csrf) headers['X-CSRF-Token'] = hooks.csrf
    // The browser itself may send a request twice (a proxy, a lost reply): the key makes it happen once.
    if (ask.raw === undefined) headers['Idempotency-Key'] = randomKey()
  }
  if (ask.version !== undefined) headers['If-Match'] = `"v${ask.version}"`
  let reply: Response
  try {
    reply = await fetch(url(path, ask.query), { method: verb, headers, body, signal: ask.signal, credentials: 'same-origin' })
  } catch (e) {
    if (ask.signal?.aborted) throw e
    throw new Problem(0, { title_zh: '连接不上服务器，请检查网络后重试', title_en: 'The server cannot be reached; check the network and try again', code: 'offline' })
  }
  if (reply.ok) return reply
  let text: Record<string, unknown> = {}
  if ((reply.headers.get('content-type') ?? '').includes('json')) text = await reply.json().catch(() => ({}))
  const after = Number(reply.headers.get('retry-after')) || undefined
  if (reply.status === 401 && text.code === 'not-logged-in') hooks.onLostSession()
  throw new Problem(reply.status, text, after)
}
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}
async function json<T>(verb: string, path: string, ask?: Ask): Promise<T> {
  const reply = await call(verb, path, ask)
  if (reply.status === 204) return {} as T
  const text = await reply.text()
  return (text ? JSON.parse(text) : {}) as T
}

// A whole list, page by page; for short ones (offices, code lists) that a form needs complete.
const PAGES_MAX = 50
async function all<T>(path: string, query: Query = {}): Promise<{ items: T[] }> {
  const items: T[] = []
  let after: string | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    const got = await json<{ items: T[]; next?: string }>('GET', path, { query: { limit: 100, ...query, after } })
    items.push(...got.items)
    if (!got.next) break
    after = got.next
  }
  return { items }
}

export const api = {
  all,
  get: <T>(path: string, query?: Query, signal?: AbortSignal) => json<T>('GET', path, { query, signal }),
  post: <T>(path: string, body?: unknown, ask?: Ask) => json<T>('POST', path, { ...ask, body }),
  put: <T>(path: string, body: unknown, version?: number) => json<T>('PUT', path, { body, version }),
  patch: <T>(path: string, body: unknown, version?: number) => json<T>('PATCH', path, { body, version }),
  del: <T>(path: string, version?: number) => json<T>('DELETE', path, { version }),
  upload: <T>(verb: 'POST' | 'PUT', path: string, raw: Blob, query?: Query) => json<T>(verb, path, { raw, query }),
  text: async (path: string, query?: Query) => (await call('GET', path, { query })).text(),
}
