// SPDX-License-Identifier: MulanPSL-2.0
// Asking the server from a screen: `useLoad` for one thing, `useList` for a cursor list. Both keep the old
// answer while a new one is under way (no flicker), and an answer to an old question is thrown away.
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { api, asProblem, type Problem } from '../api/client'
import type { List } from '../api/types'

export interface Loaded<T> {
  data: Ref<T | null>
  problem: Ref<Problem | null>
  busy: Ref<boolean>
  reload: () => Promise<void>
}
export function useLoad<T>(ask: () => Promise<T>, on?: () => unknown): Loaded<T> {
  const data = shallowRef<T | null>(null) as Ref<T | null>
  const problem = ref<Problem | null>(null) as Ref<Problem | null>
  const busy = ref(false)
  let turn = 0
  async function reload(): Promise<void> {
    const mine = ++turn
    busy.value = true
    try {
      const got = await ask()
      if (mine !== turn) return
      data.value = got
      problem.value = null
    } catch (e) {
      if (mine !== turn) return
      problem.value = asProblem(e)
    } finally {
      if (mine === turn) busy.value = false
    }
  }
  if (on)
    watch(on, (next, old) => {
      if (JSON.stringify(next) !== JSON.stringify(old)) {
        data.value = null
        void reload()
      }
    })
  void reload()
  return { data, problem, busy, reload }
}

type Query = Record<string, string | number | undefined | string[]>
export interface Listed<T, L extends List<T> = List<T>> extends Loaded<L> {
  items: Ref<T[]>
  more: () => Promise<void>
  hasMore: Ref<boolean>
}
export function useList<T, L extends List<T> = List<T>>(path: () => string, query: () => Query = () => ({})): Listed<T, L> {
  const rest = shallowRef<T[]>([]) as Ref<T[]>
  const next = ref<string | undefined>()
  const base = useLoad<L>(async () => {
    // an empty path: nothing to ask yet
    if (!path()) return { items: [] as T[] } as unknown as L
    const got = await api.get<L>(path(), query())
    rest.value = []
    next.value = got.next
    return got
  })
  watch(
    () => JSON.stringify([path(), query()]),
    () => void base.reload(),
  )
  async function more(): Promise<void> {
    if (!next.value || base.busy.value) return
    base.busy.value = true
    try {
      const got = await api.get<L>(path(), { ...query(), after: next.value })
      rest.value = [...rest.value, ...got.items]
      next.value = got.next
    } catch (e) {
      base.problem.value = asProblem(e)
    } finally {
      base.busy.value = false
    }
  }
  const items = computed(() => [...(base.data.value?.items ?? []), ...rest.value])
  return { ...base, items, more, hasMore: computed(() => Boolean(next.value)) }
}
