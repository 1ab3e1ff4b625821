// SPDX-License-Identifier: MulanPSL-2.0
// English names of offices. Replies carry the Chinese name as it was at the time; the English page asks the list of
// offices once and shows its English names, and keeps the Chinese one where there is none.
import { ref, watch } from 'vue'
import { api } from '../api/client'
import type { Office } from '../api/types'
import { lang } from '../words'

const english = ref<Record<string, string>>({})
let asked = false
function ask(): void {
  if (asked || lang.value !== 'en') return
  asked = true
  api.all<Office>('/api/v1/offices')
    .then((l) => (english.value = Object.fromEntries(l.items.filter((o) => o.name_en).map((o) => [o.id, o.name_en!]))))
    .catch(() => (asked = false))
}
watch(lang, ask)
export function officeName(id: string | null | undefined, name?: string | null): string {
  if (lang.value === 'en') {
    ask()
    if (id && english.value[id]) return english.value[id]!
  }
  return name || id || '—'
}
