// SPDX-License-Identifier: MulanPSL-2.0
// The description of the interface, /api/openapi.json, judged by a linter that other people wrote (Redocly's, its
// recommended rules and a few stricter ones), and by what we promise beyond any linter: every operation says in two
// languages what it does, who may, and what act it leaves. That replies fit their schemas is checked with every reply
// of every test (client.ts). Run alone: make check-openapi.
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { Client } from './client'

type Schema = Record<string, any>
interface Op {
  at: string
  verb: string
  path: string
  o: Schema
}
let text: string
let api: Schema
let ops: Op[]
beforeAll(async () => {
  const r = await fetch(`${inject('url')}/api/openapi.json`)
  expect(r.headers.get('content-type')).toContain('application/json')
  text = await r.text()
  api = JSON.parse(text)
  ops = Object.entries<Schema>(api.paths).flatMap(([path, verbs]) => Object.entries<Schema>(verbs).map(([verb, o]) => ({ at: `${verb.toUpperCase()} ${path}`, verb: verb.toUpperCase(), path, o })))
})
const BILINGUAL = /[\u4e00-\u9fff].* \/ .*[A-Za-z]/s

describe('OpenAPI', () => {
  test('the linter finds nothing', async () => {
    const config = await createConfig({
      extends: ['recommended'],
      rules: {
        'operation-operationId-unique': 'error',
        'operation-operationId-url-safe': 'error',
        'operation-parameters-unique': 'error',
        'operation-4xx-response': 'error',
        'operation-2xx-response': 'error',
        'no-ambiguous-paths': 'error',
        'no-identical-paths': 'error',
        'no-invalid-schema-examples': 'error',
        'no-unused-components': 'error',
        'no-enum-type-mismatch': 'error',
        'no-required-schema-properties-undefined': 'error',
        'path-declaration-must-exist': 'error',
        'path-not-include-query': 'error',
        'path-params-defined': 'error',
        'parameter-description': 'error',
        'security-defined': 'error',
        'paths-kebab-case': 'off', // names are snake_case throughout
      },
    })
    const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config })
    expect(problems.map((p) => `${p.severity} ${p.ruleId}: ${p.message} ${p.location[0]?.pointer ?? ''}`)).toEqual([])
  })
  test('every operation: what it does in zh and en, who may, and for a change the act it leaves', () => {
    expect(ops.length).toBeGreaterThan(80)
    for (const { at, verb, o } of ops) {
      expect(o.summary, at).toMatch(BILINGUAL)
      expect(o['x-who']?.length, `${at} x-who`).toBeGreaterThan(0)
      if (verb !== 'GET') expect(o['x-act'], `${at} x-act`).toMatch(/^[a-z_]+(\.[a-z_]+)+$/)
      expect(o.tags, at).toHaveLength(1)
      for (const p of o.parameters ?? []) expect(p.description, `${at} ${p.name}`).toMatch(BILINGUAL)
    }
  })
  test('security says the same as x-who: open to all, by session or token, or by key', () => {
    for (const { at, o } of ops) {
      const names = o.security.flatMap((s: Schema) => Object.keys(s))
      const isOpen = o.security.some((s: Schema) => Object.keys(s).length === 0)
      const who: string[] = o['x-who']
      expect(isOpen, at).toBe(who.includes('public'))
      expect(names.includes('key'), at).toBe(who.includes('key'))
      expect(names.includes('session'), at).toBe(who.some((w) => w !== 'public' && w !== 'key'))
    }
  })
  test('every field of every object says what it is; nothing is said of nothing', () => {
    const bare: string[] = []
    const walk = (s: Schema, at: string): void => {
      for (const [name, f] of Object.entries<Schema>(s.properties ?? {})) {
        if (!f.description) bare.push(`${at}.${name}`)
        walk(f, `${at}.${name}`)
      }
      if (s.items) walk(s.items, `${at}[]`)
      for (const a of s.anyOf ?? []) walk(a, at)
    }
    for (const [name, s] of Object.entries<Schema>(api.components.schemas)) walk(s, name)
    for (const { at, o } of ops) walk(o.requestBody?.content?.['application/json']?.schema ?? {}, at)
    expect(bare).toEqual([])
  })
  test('every id in a path is a parameter, and texts that a stranger sends have a limit', () => {
    const endless: string[] = []
    const walk = (s: Schema, at: string): void => {
      if (s.type === 'string' && !s.enum && !s.format && s.maxLength === undefined) endless.push(at)
      if (s.type === 'array' && s.maxItems === undefined) endless.push(`${at}[]`)
      for (const [name, f] of Object.entries<Schema>(s.properties ?? {})) walk(f, `${at}.${name}`)
      // Texts in a list are held by the number of them and the size of the body.
      if (s.items?.properties) walk(s.items, `${at}[]`)
    }
    for (const { at, path, o } of ops) {
      const inPath = (o.parameters ?? []).filter((p: Schema) => p.in === 'path').map((p: Schema) => p.name)
      expect([...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort(), at).toEqual(inPath.sort())
      walk(o.requestBody?.content?.['application/json']?.schema ?? {}, at)
    }
    expect(endless).toEqual([])
  })
  test('every error that it may answer stands in the list of errors, in two languages', async () => {
    const { items } = await new Client(inject('url')).get('/api/v1/errors')
    expect(items.length).toBeGreaterThan(80)
    expect(new Set(items.map((e: Schema) => e.code)).size).toBe(items.length)
    for (const e of items) {
      expect(e.status, e.code).toBeGreaterThanOrEqual(400)
      expect(e.zh, e.code).toMatch(/[\u4e00-\u9fff]/)
      expect(e.en, e.code).toMatch(/^[A-Z]/)
      // What is filled in stands in both.
      expect(e.en.includes('{}'), e.code).toBe(e.zh.includes('{}'))
    }
  })
})
