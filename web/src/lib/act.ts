// SPDX-License-Identifier: MulanPSL-2.0
// Doing something: one running act at a time per screen, success said in a word, failure kept as a Problem so
// that the form can show it at its field.
import { reactive } from 'vue'
import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import 'element-plus/es/components/message/style/css'
import { asProblem, type Problem } from '../api/client'
import { w } from '../words'

export interface Acting {
  busy: boolean
  problem: Problem | null
  run: (what: () => Promise<unknown>, done?: string) => Promise<boolean>
  at: (field: string) => string | undefined
}
export function useAct(loud = true): Acting {
  const act: Acting = reactive({
    busy: false,
    problem: null as Problem | null,
    async run(what: () => Promise<unknown>, done?: string): Promise<boolean> {
      if (act.busy) return false
      act.busy = true
      act.problem = null
      try {
        await what()
        if (done) ElMessage({ message: done, type: 'success', showClose: true })
        return true
      } catch (e) {
        act.problem = asProblem(e)
        if (loud) ElMessage({ message: act.problem.text, type: 'error', showClose: true, duration: 6000 })
        return false
      } finally {
        act.busy = false
      }
    },
    // what the server said about one field, for the form item of that name
    at(field: string): string | undefined {
      const p = act.problem
      if (!p) return undefined
      const hit = p.errors.find((e) => e.field === field)
      if (hit) return (w('lang') === 'zh' ? hit.title_zh : hit.title_en) ?? hit.code
      return p.field === field ? p.text : undefined
    },
  })
  return act
}
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    // Without TLS there is no clipboard API; the old way still works.
    const t = document.createElement('textarea')
    t.value = text
    document.body.append(t)
    t.select()
    document.execCommand('copy')
    t.remove()
  }
  ElMessage({ message: w('common.copied'), type: 'success' })
}
export function save(name: string, text: string | Blob): void {
  const a = document.createElement('a')
  a.href = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type: 'text/plain;charset=utf-8' }))
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
}
