// SPDX-License-Identifier: MulanPSL-2.0
// An inclusion proof as a picture: the leaf at the foot, the root on top, at each step the hash that the proof brings
// beside the one that was worked out, on the side on which it is hashed. Only places and texts: the ledger's page and
// the offline page draw them.
import type { PathStep } from './receipt'

export interface Dot {
  x: number
  y: number
  kind: 'leaf' | 'node' | 'root' | 'given'
  text: string
}
export interface Line {
  x1: number
  y1: number
  x2: number
  y2: number
  given: boolean
}
export interface Drawing {
  width: number
  height: number
  dots: Dot[]
  lines: Line[]
}
const STEP_Y = 46
const MARGIN_Y = 26
const SWING = 74 // how far a pair stands apart
const MIDDLE = 190
const short = (hash: string): string => hash.slice(0, 12) + '…'

export function drawProof(leafHash: string, path: PathStep[]): Drawing {
  const height = MARGIN_Y * 2 + path.length * STEP_Y
  const at = (level: number): number => height - MARGIN_Y - level * STEP_Y
  const dots: Dot[] = []
  const lines: Line[] = []
  // The worked-out node of each level stands left or right according to the side on which it will be hashed next.
  const place = (level: number): number => (level === path.length ? MIDDLE : path[level]!.left ? MIDDLE + SWING : MIDDLE - SWING)
  path.forEach((step, level) => {
    const mine = place(level)
    const other = 2 * MIDDLE - mine
    dots.push({ x: other, y: at(level), kind: 'given', text: short(step.hash) })
    lines.push({ x1: mine, y1: at(level), x2: place(level + 1), y2: at(level + 1), given: false })
    lines.push({ x1: other, y1: at(level), x2: place(level + 1), y2: at(level + 1), given: true })
  })
  dots.push({ x: place(0), y: at(0), kind: path.length ? 'leaf' : 'root', text: short(leafHash) })
  path.forEach((step, level) => dots.push({ x: place(level + 1), y: at(level + 1), kind: level + 1 === path.length ? 'root' : 'node', text: short(step.node) }))
  return { width: MIDDLE * 2, height, dots, lines }
}
