// SPDX-License-Identifier: MulanPSL-2.0
// What the codes in rows mean: each code list is asked once, when a table shows a column of it.
import { reactive } from 'vue'
import { api } from '../api/client'
import type { CodeList } from '../api/types'
import { pick } from '../words'

const lists = reactive<Record<string, Record<string, { zh: string; en: string }>>>({})
export function codeText(list: string | undefined, code: unknown): string {
  if (!list || code === null || code === undefined) return ''
  if (!(list in lists)) {
    lists[list] = {}
    // without the list the bare code is shown, which is also true
    api
      .get<CodeList>(`/api/v1/codes/${encodeURIComponent(list)}`)
      .then((l) => (lists[list] = Object.fromEntries((l.items ?? []).map((i) => [i.code, i]))))
      .catch(() => undefined)
  }
  return pick(lists[list]?.[String(code)])
}
