// SPDX-License-Identifier: MulanPSL-2.0
// A list's question lives in the address, so that a search can be sent to a colleague and "back" works.
import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export interface UrlQuery {
  values: ComputedRef<Record<string, string>>
  set: (name: string, value: string | undefined | null) => void
  clear: () => void
}
export function useQuery(names: string[]): UrlQuery {
  const route = useRoute()
  const router = useRouter()
  const values = computed(() => {
    const out: Record<string, string> = {}
    for (const name of names) {
      const v = route.query[name]
      if (typeof v === 'string' && v !== '') out[name] = v
    }
    return out
  })
  return {
    values,
    set(name, value) {
      const query: Record<string, string> = { ...values.value }
      if (value) query[name] = value
      else delete query[name]
      void router.replace({ query })
    },
    clear: () => void router.replace({ query: {} }),
  }
}
