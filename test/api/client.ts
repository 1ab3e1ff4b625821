// SPDX-License-Identifier: MulanPSL-2.0
// How the tests speak to gusu. Every reply that passes through here is held against /api/openapi.json: the path must
// be described, the status must be allowed there, and the body must fit the schema. A route that answers something it
// does not declare fails whichever test met it first.
import Ajv, { type ValidateFunction } from 'ajv/dist/2020'
import addFormats from 'ajv-formats'
import { DEMO_PASSWORD } from '../lib/server'

interface Media {
  schema?: object
}
interface Operation {
  responses: Record<string, { content?: Record<string, Media>; $ref?: string }>
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, object>; responses?: Record<string, { content?: Record<string, Media> }> }
}
export interface Reply<T = any> {
  status: number
  headers: Headers
  body: T
  text: string
}
export interface Ask {
  body?: unknown
  raw?: string | Uint8Array | Blob
  type?: string
  headers?: Record<string, string>
  version?: number | string
  query?: Record<string, string | number | undefined>
}
const books = new Map<string, Promise<Book>>()

class Book {
  private ajv: Ajv
  private checks = new Map<string, ValidateFunction | null>()
  private paths: { path: string; test: RegExp; literal: number }[]
  constructor(private api: OpenApi) {
    this.ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true })
    ;(addFormats as unknown as (a: Ajv) => void)(this.ajv)
    // One document: "#/components/…" in a schema resolves against it.
    this.ajv.addSchema({ ...(api as object), $id: 'gusu:api' })
    this.paths = Object.keys(api.paths).map((path) => ({
      path,
      literal: path.replace(/\{[^}]*\}/g, '').length,
      test: new RegExp('^' + path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]*\\\*\}/g, '.+').replace(/\{[^}]*\}/g, '[^/]+') + '$'),
    }))
    // the more literal a template, the better it describes: /accounts/me before /accounts/{id}
    this.paths.sort((a, b) => b.literal - a.literal)
  }
  check(verb: string, path: string, status: number, type: string, body: unknown): void {
    const hit = this.paths.find((p) => p.test.test(path) && this.api.paths[p.path]![verb.toLowerCase()])
    // a path nobody describes may only answer that it is not there
    if (!hit) {
      if (status === 404 || status === 405) return
      throw new Error(`${verb} ${path} answered ${status} but OpenAPI does not describe it`)
    }
    const op = this.api.paths[hit.path]![verb.toLowerCase()]!
    const name = op.responses[String(status)] ? String(status) : op.responses[`${String(status)[0]}XX`] ? `${String(status)[0]}XX` : 'default'
    const given = op.responses[name]
    if (!given) throw new Error(`${verb} ${hit.path}: status ${status} is not described`)
    const media = type.split(';')[0]!.trim()
    if (!media.endsWith('json') || media === 'application/x-ndjson') return
    const key = `${verb} ${hit.path} ${name} ${media}`
    let valid = this.checks.get(key)
    if (valid === undefined) {
      const response = given.$ref ? this.api.components!.responses![given.$ref.split('/').pop()!]! : given
      const schema = (response.content?.[media] ?? response.content?.['application/json'])?.schema
      valid = schema ? this.ajv.compile(local(schema)) : null
      this.checks.set(key, valid)
    }
    if (valid && !valid(body))
      throw new Error(`${verb} ${path} (${status}) does not fit its schema:\n${this.ajv.errorsText(valid.errors, { separator: '\n' })}\n${JSON.stringify(body).slice(0, 600)}`)
  }
}
// Schemas inside the document refer to "#/…": outside it they must name the document.
function local(schema: unknown): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"gusu:api#/')) as object
}
async function book(url: string): Promise<Book> {
  let b = books.get(url)
  if (!b) {
    b = fetch(`${url}/api/openapi.json`).then(async (r) => new Book((await r.json()) as OpenApi))
    books.set(url, b)
  }
  return b
}

// The one cookie that a reply may set. Debian 12's Node 18 has no Headers.getSetCookie; with one cookie the joined text is it.
export function setCookie(headers: Headers): string {
  return headers.get('set-cookie') ?? ''
}

export class Client {
  cookie = ''
  csrf = ''
  bearer = ''
  constructor(
    readonly url: string,
    readonly lang: 'zh' | 'en' = 'zh',
  ) {}
  async call<T = any>(verb: string, path: string, ask: Ask = {}): Promise<Reply<T>> {
    const headers: Record<string, string> = { 'Accept-Language': this.lang, ...ask.headers }
    if (this.cookie) headers.Cookie = this.cookie
    if (this.bearer) headers.Authorization ??= `Bearer ${this.bearer}`
    if (verb !== 'GET' && verb !== 'HEAD' && this.csrf) headers['X-CSRF-Token'] ??= this.csrf
    if (ask.version !== undefined) headers['If-Match'] = typeof ask.version === 'number' ? `"v${ask.version}"` : ask.version
    let body: BodyInit | undefined
    if (ask.raw !== undefined) {
      body = ask.raw as BodyInit
      headers['Content-Type'] ??= ask.type ?? 'application/octet-stream'
    } else if (ask.body !== undefined || (verb !== 'GET' && verb !== 'HEAD')) {
      body = JSON.stringify(ask.body ?? {})
      headers['Content-Type'] ??= 'application/json'
    }
    const q = new URLSearchParams()
    for (const [k, v] of Object.entries(ask.query ?? {})) if (v !== undefined) q.set(k, String(v))
    const query = q.size ? (path.includes('?') ? '&' : '?') + q.toString() : ''
    const r = await fetch(this.url + path + query, { method: verb, headers, body, redirect: 'manual' })
    const text = await r.text()
    const type = r.headers.get('content-type') ?? ''
    let value: unknown = text
    if (/json/.test(type) && !/ndjson/.test(type) && text) value = JSON.parse(text)
    const set = setCookie(r.headers)
    if (set.startsWith('gusu_session=')) this.cookie = set.split(';')[0]!
    ;(await book(this.url)).check(verb, path.split('?')[0]!, r.status, type, value)
    return { status: r.status, headers: r.headers, body: value as T, text }
  }
  // For the good path: anything but 2xx is a failure that shows the problem.
  async ok<T = any>(verb: string, path: string, ask: Ask = {}): Promise<T> {
    const r = await this.call<T>(verb, path, ask)
    if (r.status < 200 || r.status > 299) throw new Error(`${verb} ${path} answered ${r.status}: ${r.text.slice(0, 800)}`)
    return r.body
  }
  get<T = any>(path: string, query?: Ask['query']): Promise<T> {
    return this.ok<T>('GET', path, { query })
  }
  post<T = any>(path: string, body?: unknown, ask: Ask = {}): Promise<T> {
    return this.ok<T>('POST', path, { ...ask, body })
  }
  put<T = any>(path: string, body: unknown, version?: number): Promise<T> {
    return this.ok<T>('PUT', path, { body, version })
  }
}
export async function login(url: string, name: string, password = DEMO_PASSWORD): Promise<Client> {
  const c = new Client(url)
  const r = await c.ok('POST', '/api/v1/login', { body: { login: name, password } })
  c.csrf = r.csrf
  return c
}
// The program that calls: a key and the four headers that every call names.
export function caller(url: string, key: string, system: string, matter: string, caseNo?: string, operator?: string): Client {
  const c = new Client(url)
  c.bearer = key
  const call = c.call.bind(c)
  c.call = (verb, path, ask = {}) => {
    const headers: Record<string, string> = { 'Gusu-System': encodeURIComponent(system), 'Gusu-Matter': encodeURIComponent(matter), ...ask.headers }
    if (caseNo) headers['Gusu-Case'] ??= encodeURIComponent(caseNo)
    if (operator) headers['Gusu-Operator'] ??= encodeURIComponent(operator)
    return call(verb, path, { ...ask, headers })
  }
  return c
}
