// SPDX-License-Identifier: MulanPSL-2.0
// Numbers, bytes and cell values as text. Money is fen on the wire and yuan for people.
import { lang, w } from '../words'

const loc = (): string => (lang.value === 'zh' ? 'zh-CN' : 'en-GB')
export function n(value: number | null | undefined): string {
  return value === null || value === undefined ? '—' : new Intl.NumberFormat(loc()).format(value)
}
export function percent(share: number | null | undefined, digits = 1): string {
  if (share === null || share === undefined) return '—'
  return new Intl.NumberFormat(loc(), { style: 'percent', maximumFractionDigits: digits }).format(share)
}
// Scores come as 0..1 or 0..100; both are shown as 0–100.
export function score(value: number | null | undefined): string {
  if (value === null || value === undefined) return '—'
  return String(Math.round((value <= 1 ? value * 100 : value) * 10) / 10)
}
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '—'
  const units = ['B', 'KB', 'MB', 'GB']
  let v = value
  let u = 0
  while (v >= 1024 && u < units.length - 1) {
    v /= 1024
    u++
  }
  return `${u === 0 ? v : v.toFixed(1)} ${units[u]}`
}
export function yuan(fen: number): string {
  return new Intl.NumberFormat(loc(), { style: 'currency', currency: 'CNY' }).format(fen / 100)
}
export function cell(value: unknown, type: string): string {
  if (value === null || value === undefined || value === '') return ''
  if (type === 'fen' && typeof value === 'number') return yuan(value)
  if (type === 'bool') return value === true || value === 1 || value === '1' ? w('common.yes') : w('common.no')
  if (typeof value === 'object') return JSON.stringify(value)
  if (typeof value === 'number' && (type === 'int' || type === 'dec')) return String(value)
  return String(value)
}
export function list(items: (string | undefined | null)[]): string {
  return items.filter(Boolean).join(lang.value === 'zh' ? '、' : ', ')
}
