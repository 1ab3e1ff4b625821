// SPDX-License-Identifier: MulanPSL-2.0
// All words that people see come from two tables with the same keys. The language is one reactive value, so
// a switch re-renders every screen without a reload. A missing key shows as ⟦key⟧: ugly on purpose, and the
// page tests look for the bracket.
import { ref } from 'vue'
import { zh } from './zh'
import { en } from './en'

export type Lang = 'zh' | 'en'
export type Key = keyof typeof zh
const tables: Record<Lang, Record<string, string>> = { zh, en }
const STORE = 'gusu-lang'

export const lang = ref<Lang>(first())

function first(): Lang {
  const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(STORE)
  return asked === 'en' ? 'en' : 'zh'
}
export function setLang(next: Lang): void {
  lang.value = next
  localStorage.setItem(STORE, next)
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
}

function fill(text: string, args?: Record<string, unknown>): string {
  return args ? text.replace(/\{(\w+)\}/g, (_, k: string) => String(args[k] ?? '')) : text
}
export function w(key: Key, args?: Record<string, unknown>): string {
  const text = tables[lang.value][key]
  return text === undefined ? `⟦${key}⟧` : fill(text, args)
}
// A word of a closed list ("state" + "draft"). A value that this page does not know yet is shown as it came:
// a newer server must not break an older page.
export function word(list: string, value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined || value === '') return '—'
  return tables[lang.value][`${list}.${value}`] ?? String(value)
}
export function hasWord(list: string, value: string): boolean {
  return `${list}.${value}` in zh
}
// A bilingual text of the server: title_zh / title_en, or zh / en when `name` is empty. Where one language is
// empty the other is better than nothing.
export function pick(o: object | null | undefined, name = ''): string {
  if (!o) return ''
  const r = o as Record<string, unknown>
  const at = (l: Lang): unknown => r[name ? `${name}_${l}` : l]
  const text = at(lang.value) || at(lang.value === 'zh' ? 'en' : 'zh') || (name ? r[name] : '')
  return text ? String(text) : ''
}
