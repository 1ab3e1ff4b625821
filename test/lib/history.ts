// SPDX-License-Identifier: MulanPSL-2.0
// Was that history possible? Each operation is kept with the moments at which it was asked and answered; a history is
// linearizable when some order of all operations gives every one its answer, and none stands before one that had ended
// when it began. The search is Wing and Gong's, with the states that were seen already kept (Lowe). An operation whose
// answer never came may have happened at any time from then on, or never.
export interface Op<In, Out> {
  name: string
  in: In
  out?: Out // absent: nobody knows
  from: number
  to: number // Infinity when the answer never came
}
export interface Model<S, In, Out> {
  first: S
  // The state after the operation, or undefined when it cannot give that answer in this state.
  step: (s: S, input: In, out: Out | undefined) => S | undefined
}
let clock = 0
export class History<In, Out> {
  ops: Op<In, Out>[] = []
  // A counter instead of the time of day: it never goes back and no two moments are equal.
  async record(name: string, input: In, what: () => Promise<Out>): Promise<Out> {
    const op: Op<In, Out> = { name, in: input, from: ++clock, to: Infinity }
    this.ops.push(op)
    const out = await what()
    op.out = out
    op.to = ++clock
    return out
  }
}
export const LIMIT = 400_000 // states looked at; beyond it the question is too hard and the test says so

// The longest order found, as names, when there is none that holds all.
export function linearize<S, In, Out>(ops: Op<In, Out>[], m: Model<S, In, Out>): { ok: boolean; order: string[] } {
  const all = [...ops].sort((a, b) => a.from - b.from)
  const must = all.filter((o) => o.to !== Infinity).length
  const seen = new Set<string>()
  let best: string[] = []
  let looked = 0
  const walk = (done: Uint8Array, s: S, order: string[], answered: number): boolean => {
    if (answered === must) return true
    const key = done.join('') + JSON.stringify(s)
    if (seen.has(key)) return false
    seen.add(key)
    if (++looked > LIMIT) throw new Error(`more than ${LIMIT} states: shorten the history`)
    if (order.length > best.length) best = order
    // Whatever begins after the first end of what is not yet placed has to wait.
    const end = all.reduce((t, o, i) => (done[i] ? t : Math.min(t, o.to)), Infinity)
    for (let i = 0; i < all.length && all[i]!.from < end; i++) {
      const o = all[i]!
      if (done[i]) continue
      const next = m.step(s, o.in, o.out)
      if (next === undefined) continue
      const with_ = done.slice()
      with_[i] = 1
      if (walk(with_, next, [...order, o.name], answered + (o.to !== Infinity ? 1 : 0))) return true
    }
    return false
  }
  const ok = walk(new Uint8Array(all.length), m.first, [], 0)
  return { ok, order: best }
}

// Everything that is written has its place in the ledger, so the ledger is the order: numbers are unique, and who was
// answered before another began has the smaller one. Gives what contradicts it.
export function contradictions(ops: { name: string; entry: number; from: number; to: number }[]): string[] {
  const bad: string[] = []
  const by = [...ops].sort((a, b) => a.entry - b.entry)
  for (let i = 1; i < by.length; i++) if (by[i]!.entry === by[i - 1]!.entry) bad.push(`${by[i]!.name} and ${by[i - 1]!.name} share entry ${by[i]!.entry}`)
  // from the end: the earliest answer among larger numbers must not lie before a smaller number's beginning
  let earliest = { to: Infinity, name: '' }
  for (const o of by.reverse()) {
    if (earliest.to < o.from) bad.push(`${earliest.name} was answered before ${o.name} began, and has the larger number`)
    if (o.to < earliest.to) earliest = o
  }
  return bad
}
