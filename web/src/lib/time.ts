// SPDX-License-Identifier: MulanPSL-2.0
// Times on the page: the wire has UTC milliseconds, people in a Chinese city read Beijing time wherever their
// computer believes to be. Dates without time stay text and are never put through a time zone.
import { lang } from '../words'

const ZONE = 'Asia/Shanghai'
const OFFSET_MS = 8 * 3600_000
const DAY_MS = 24 * 3600_000
const parts = (ms: number): Record<string, string> =>
  Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: ZONE,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
      .formatToParts(ms)
      .map((p) => [p.type, p.value]),
  )
export function day(ms: number | null | undefined): string {
  if (!ms) return '—'
  const p = parts(ms)
  return `${p.year}-${p.month}-${p.day}`
}
export function minute(ms: number | null | undefined): string {
  if (!ms) return '—'
  const p = parts(ms)
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}`
}
export function second(ms: number | null | undefined): string {
  if (!ms) return '—'
  const p = parts(ms)
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`
}
// "in 3 days", "2 小时前": calendar distance, not working days; the light says what the clock says.
export function ago(ms: number, now_ms: number): string {
  const f = new Intl.RelativeTimeFormat(lang.value === 'zh' ? 'zh-CN' : 'en', { numeric: 'always', style: 'short' })
  const min = Math.round((ms - now_ms) / 60_000)
  if (Math.abs(min) < 60) return f.format(min, 'minute')
  // A limit is the end of a day: what people count is the days of the calendar between, not hours rounded up.
  const days = Math.floor((ms + OFFSET_MS) / DAY_MS) - Math.floor((now_ms + OFFSET_MS) / DAY_MS)
  if (days === 0) return f.format(Math.trunc(min / 60), 'hour')
  return f.format(days, 'day')
}
