// SPDX-License-Identifier: MulanPSL-2.0
// Which engine the servers of these tests stand on: SQLite in the data folder, or with GUSU_TEST_STORE=postgres://… a
// PostgreSQL schema named after that folder (`make test-pg`). Rows are looked at from outside in either.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const BASE = process.env.GUSU_TEST_STORE
export const onPostgres = !!BASE

function schema(data: string): string {
  return data.split('/').slice(-2).join('_').replace(/[A-Z]/g, (c) => c.toLowerCase() + '_').replace(/[^a-z0-9_]/g, '_')
}
export function storeUrl(data: string): string {
  return `${BASE}${BASE!.includes('?') ? '&' : '?'}options=-csearch_path%3D${schema(data)}`
}
// What a command needs beside --data.
export function storeArgs(data: string): string[] {
  return BASE ? ['--store', storeUrl(data)] : []
}
// One line a row, columns parted by '|'.
export function storeRows(data: string, sql: string): string {
  const text = BASE
    ? sql.split(';').map((one) => execFileSync('psql', ['-qXAt', storeUrl(data), '-c', one], { encoding: 'utf8' })).join('')
    : execFileSync('sqlite3', [join(data, 'gusu.db'), sql], { encoding: 'utf8', maxBuffer: 1 << 28 })
  return text
}
