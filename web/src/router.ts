// SPDX-License-Identifier: MulanPSL-2.0
// All addresses of the page. Each screen is its own chunk. Addresses avoid the server's own (/ledger/…,
// /dataset/…, /catalog.…). `roles` only spares people a screen of refusals: the server decides, always.
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { hooks } from './api/client'
import { askMe, has, session } from './session'

const admin = ['sysadmin', 'secadmin', 'auditor']
const desk: RouteRecordRaw[] = [
  { path: '', component: () => import('./desk/TodoPage.vue') },
  { path: 'catalog', component: () => import('./desk/CatalogList.vue') },
  { path: 'catalog/new', component: () => import('./desk/DatasetEdit.vue') },
  { path: 'catalog/:id', component: () => import('./desk/DatasetPage.vue') },
  { path: 'catalog/:id/edit', component: () => import('./desk/DatasetEdit.vue') },
  { path: 'catalog/:id/load', component: () => import('./desk/LoadWizard.vue') },
  { path: 'figures', component: () => import('./desk/FiguresPage.vue') },
  { path: 'cart', component: () => import('./desk/CartPage.vue') },
  { path: 'applications', component: () => import('./desk/ApplicationList.vue') },
  { path: 'applications/:id', component: () => import('./desk/ApplicationPage.vue') },
  { path: 'applications/:id/edit', component: () => import('./desk/CartPage.vue') },
  { path: 'policies', component: () => import('./desk/PoliciesPage.vue'), meta: { roles: admin } },
  { path: 'grants', component: () => import('./desk/GrantList.vue') },
  { path: 'grants/:id', component: () => import('./desk/GrantPage.vue') },
  { path: 'meter', component: () => import('./desk/MeterPage.vue') },
  { path: 'trace', component: () => import('./desk/TracePage.vue') },
  { path: 'trace/:id', component: () => import('./desk/TracePage.vue') },
  { path: 'ledger', component: () => import('./desk/LedgerPage.vue') },
  { path: 'ledger/health', component: () => import('./desk/LedgerHealth.vue'), meta: { roles: [...admin, 'authority', 'steward'] } },
  { path: 'ledger/block/:b', component: () => import('./desk/LedgerPage.vue') },
  { path: 'ledger/:n', component: () => import('./desk/LedgerPage.vue') },
  { path: 'acts', component: () => import('./desk/ActsPage.vue') },
  { path: 'offices', component: () => import('./desk/OfficeList.vue') },
  { path: 'offices/:id', component: () => import('./desk/OfficePage.vue') },
  { path: 'areas', component: () => import('./desk/AreaPage.vue') },
  { path: 'areas/:code', component: () => import('./desk/AreaPage.vue') },
  { path: 'accounts', component: () => import('./desk/AccountList.vue'), meta: { roles: admin } },
  { path: 'roles', component: () => import('./desk/RolesPage.vue') },
  { path: 'systems', component: () => import('./desk/SystemsPage.vue') },
  { path: 'elements', component: () => import('./desk/ElementsPage.vue') },
  { path: 'elements/:id', component: () => import('./desk/ElementsPage.vue') },
  { path: 'codes', component: () => import('./desk/CodesPage.vue') },
  { path: 'codes/:id', component: () => import('./desk/CodesPage.vue') },
  { path: 'clocks', component: () => import('./desk/ClocksPage.vue') },
  { path: 'me', component: () => import('./desk/MePage.vue') },
  { path: 'about', component: () => import('./desk/AboutPage.vue') },
  { path: ':rest(.*)*', component: () => import('./parts/NotFound.vue') },
]
export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
  routes: [
    { path: '/desk/login', component: () => import('./desk/LoginPage.vue'), meta: { open: true } },
    { path: '/desk', component: () => import('./desk/DeskShell.vue'), children: desk, meta: { desk: true } },
    {
      path: '/',
      component: () => import('./portal/PortalShell.vue'),
      children: [
        { path: '', component: () => import('./portal/HomePage.vue') },
        { path: 'data', component: () => import('./portal/DataList.vue') },
        { path: 'data/:id', component: () => import('./portal/DataPage.vue') },
        { path: 'trust', component: () => import('./portal/TrustPage.vue') },
        { path: 'trust/block/:b', component: () => import('./portal/TrustPage.vue') },
        { path: 'trust/:n', component: () => import('./portal/TrustPage.vue') },
        { path: 'develop', component: () => import('./portal/DevelopPage.vue') },
        { path: ':rest(.*)*', component: () => import('./parts/NotFound.vue') },
      ],
    },
  ],
})
router.beforeEach(async (to) => {
  // /me fails only when the server is away; the screen itself will say so
  if (!session.asked) await askMe().catch(() => undefined)
  if (to.matched.some((r) => r.meta.desk) && !session.me.account)
    return { path: '/desk/login', query: to.path === '/desk' ? {} : { next: to.fullPath } }
  const roles = to.meta.roles as string[] | undefined
  if (roles && !has(...roles)) return '/desk'
  return true
})
hooks.onLostSession = (): void => {
  const here = router.currentRoute.value
  session.me.account = null
  if (here.matched.some((r) => r.meta.desk)) void router.push({ path: '/desk/login', query: { next: here.fullPath } })
}
