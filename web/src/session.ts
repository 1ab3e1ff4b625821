// SPDX-License-Identifier: MulanPSL-2.0
// Who is logged in, which city this is, and the server's clock: one reactive object, filled by GET /me. The
// cookie is HttpOnly, so the page never holds a secret except the CSRF token of the session.
import { computed, reactive } from 'vue'
import { api, hooks } from './api/client'
import type { Account, Me } from './api/types'

export const session = reactive({
  asked: false,
  me: { account: null } as Me,
  // server clock minus ours: lights and "days left" follow the server, however wrong the desk's PC is
  skew_ms: 0,
})
export const account = computed<Account | null>(() => session.me.account)
export const roles = computed<string[]>(() => session.me.account?.roles ?? [])
export const has = (...any: string[]): boolean => any.some((r) => roles.value.includes(r))
export const isBusiness = computed(() =>
  has('steward', 'unit_head', 'applicant', 'reviewer', 'authority', 'county_reviewer', 'street', 'developer'),
)
export const now = (): number => Date.now() + session.skew_ms

export async function askMe(): Promise<void> {
  const before = Date.now()
  const me = await api.get<Me>('/api/v1/me')
  session.me = me
  session.asked = true
  hooks.csrf = me.csrf ?? ''
  if (me.now_ms) session.skew_ms = me.now_ms - (before + Date.now()) / 2
}
export async function logIn(login: string, password: string): Promise<void> {
  await api.post('/api/v1/login', { login, password })
  await askMe()
}
export async function logOut(): Promise<void> {
  await api.post('/api/v1/logout')
  await askMe()
}
