// SPDX-License-Identifier: MulanPSL-2.0
// What the screens of the ledger share: the colour and the word of a kind, and where the thing stands that an entry
// speaks of.
import { hasWord, word } from '../words'

// One colour for each family of kinds; the word stands beside it wherever it is used.
const FAMILIES: [RegExp, string, string][] = [
  [/^exchange\./, 'exchange', '#1765d8'],
  [/^(application|cart|line)\./, 'application', '#0b8f83'],
  [/^(grant|key|system|token)\./, 'grant', '#7a5bd0'],
  [/^(dataset|resource|load|catalog|pack)\./, 'dataset', '#d98a1c'],
  [/^(account|policy|role)\./, 'account', '#c2527a'],
  [/^(office|area)\./, 'office', '#5f8a2f'],
  [/^ledger\./, 'ledger', '#5c6b7c'],
]
export const family = (kind: string): string => FAMILIES.find(([r]) => r.test(kind))?.[1] ?? 'other'
export const colour = (kind: string): string => FAMILIES.find(([r]) => r.test(kind))?.[2] ?? '#9aa7b5'
export const kindWord = (kind: string): string => (hasWord('verb', kind) ? word('verb', kind) : kind)

// The screen of an object; undefined where it has none, or none for strangers.
export function objectPath(kind: string | undefined, id: string | undefined, isDesk: boolean): string | undefined {
  if (!kind || !id) return undefined
  if (kind === 'dataset') return isDesk ? `/desk/catalog/${id}` : `/data/${id}`
  if (!isDesk) return undefined
  const desk: Record<string, string> = { application: `/desk/applications/${id}`, grant: `/desk/grants/${id}`, office: `/desk/offices/${id}`, area: `/desk/areas/${id}`, system: '/desk/systems', account: '/desk/accounts' }
  return desk[kind]
}
