// SPDX-License-Identifier: MulanPSL-2.0
// Every screen of the page: who opens it, where it is, and what must be seen before it counts as open. {grant},
// {application} … are filled by the story that ran before.
export interface Screen {
  name: string
  as: string | null
  path: string
  ready: string
}
export const portal: Screen[] = [
  { name: 'portal-home', as: null, path: '/', ready: '[data-dataset]' },
  { name: 'portal-list', as: null, path: '/data', ready: '[data-dataset]' },
  { name: 'portal-search', as: null, path: '/data?q=%E5%8C%BA%E5%88%92', ready: '[data-dataset]' },
  { name: 'portal-dataset', as: null, path: '/data/area-street', ready: 'table.t tbody td' },
  { name: 'portal-dataset-synthetic', as: null, path: '/data/firm-permit', ready: '[data-synthetic]' },
  { name: 'portal-dataset-conditional', as: null, path: '/data/area-boundary', ready: '.note.warn' },
  { name: 'portal-dataset-file', as: null, path: '/data/plan-text', ready: '.dl.wide' },
  { name: 'portal-trust', as: null, path: '/trust', ready: 'table.t tbody td' },
  { name: 'portal-trust-block', as: null, path: '/trust/block/0', ready: '#block .field' },
  { name: 'portal-trust-search', as: null, path: '/trust?q=area-street', ready: '#found table.t tbody td' },
  { name: 'portal-trust-entry', as: null, path: '/trust/0', ready: '#entry pre' },
  { name: 'portal-develop', as: null, path: '/develop', ready: 'pre' },
  { name: 'portal-not-found', as: null, path: '/no/such/page', ready: 'h1' },
  { name: 'desk-login', as: null, path: '/desk/login', ready: 'input[name=password]' },
]
export const desk: Screen[] = [
  { name: 'desk-todo', as: 'rs-bm', path: '/desk', ready: '.doors a' },
  { name: 'desk-catalog', as: 'rs-bm', path: '/desk/catalog', ready: '[data-dataset]' },
  { name: 'desk-catalog-search', as: 'gjj-jb', path: '/desk/catalog?q=%E5%8F%82%E4%BF%9D', ready: '[data-dataset]' },
  { name: 'desk-dataset', as: 'rs-bm', path: '/desk/catalog/firm-insured', ready: '.kv dd' },
  { name: 'desk-dataset-forbidden', as: 'gx-bm', path: '/desk/catalog/stat-micro', ready: '.note.bad' },
  { name: 'desk-dataset-boundary', as: 'zg-bm', path: '/desk/catalog/area-boundary', ready: '.kv dd' },
  { name: 'desk-dataset-new', as: 'rs-bm', path: '/desk/catalog/new', ready: 'table.edit input' },
  { name: 'desk-dataset-edit', as: 'rs-bm', path: '/desk/catalog/firm-insured/edit', ready: 'table.edit input' },
  { name: 'desk-load', as: 'rs-bm', path: '/desk/catalog/firm-insured/load', ready: '.drop' },
  { name: 'desk-figures', as: 'sj-gl', path: '/desk/figures', ready: 'svg text' },
  { name: 'desk-elements', as: 'rs-bm', path: '/desk/elements', ready: 'table.t tbody td' },
  { name: 'desk-element', as: 'rs-bm', path: '/desk/elements/rid', ready: '.kv dd' },
  { name: 'desk-codes', as: 'rs-bm', path: '/desk/codes/area_kind_street', ready: 'table.t tbody td' },
  { name: 'desk-clocks', as: 'rs-bm', path: '/desk/clocks', ready: '.matters li' },
  { name: 'desk-ledger', as: 'aud', path: '/desk/ledger', ready: 'table.t tbody td' },
  { name: 'desk-ledger-block', as: 'aud', path: '/desk/ledger/block/0', ready: '#block .field' },
  { name: 'desk-ledger-health', as: 'aud', path: '/desk/ledger/health', ready: '#audit .figs' },
  { name: 'desk-ledger-entry', as: 'aud', path: '/desk/ledger/1', ready: '#entry pre' },
  { name: 'desk-acts', as: 'aud', path: '/desk/acts', ready: 'table.t tbody td' },
  { name: 'desk-offices', as: 'sj-gl', path: '/desk/offices', ready: '.el-tree a' },
  { name: 'desk-office', as: 'sj-gl', path: '/desk/offices/sz-data', ready: '.kv dd' },
  { name: 'desk-areas', as: 'rs-bm', path: '/desk/areas', ready: 'table.t tbody td' },
  { name: 'desk-area-alias', as: 'rs-bm', path: '/desk/areas/320571', ready: '.note.warn' },
  { name: 'desk-accounts-sys', as: 'sys', path: '/desk/accounts', ready: 'table.t tbody td' },
  { name: 'desk-accounts-sec', as: 'sec', path: '/desk/accounts', ready: 'table.t tbody td' },
  { name: 'desk-roles', as: 'sec', path: '/desk/roles', ready: 'table.matrix td' },
  { name: 'desk-policies', as: 'sec', path: '/desk/policies', ready: 'table.t tbody td' },
  { name: 'desk-systems', as: 'gjj-jb', path: '/desk/systems', ready: 'input[name=system-id]' },
  { name: 'desk-me', as: 'gjj-jb', path: '/desk/me', ready: 'input[type=password]' },
  { name: 'desk-about', as: 'gjj-jb', path: '/desk/about', ready: '.kv dd' },
]
// These need something to have happened first: the story fills the braces.
export const exchange: Screen[] = [
  { name: 'desk-cart', as: 'gjj-jb', path: '/desk/cart', ready: 'input[name=title]' },
  { name: 'desk-applications', as: 'gjj-jb', path: '/desk/applications', ready: 'table.t tbody td' },
  { name: 'desk-application', as: 'gjj-jb', path: '/desk/applications/{application}', ready: '.steps li' },
  { name: 'desk-application-open', as: 'sj-sh', path: '/desk/applications/{open}', ready: '.steps li' },
  { name: 'desk-grants', as: 'gjj-jb', path: '/desk/grants', ready: 'table.t tbody td' },
  { name: 'desk-grant', as: 'gjj-jb', path: '/desk/grants/{grant}', ready: '.calls table td' },
  { name: 'desk-trace', as: 'gjj-jb', path: '/desk/trace/{application}', ready: '[data-node=grant]' },
  { name: 'desk-trace-start', as: 'gjj-jb', path: '/desk/trace', ready: 'input[name=trace]' },
  { name: 'desk-meter', as: 'gjj-jb', path: '/desk/meter', ready: '.chart svg' },
  { name: 'desk-todo-authority', as: 'sj-sh', path: '/desk', ready: 'table.t tbody td' },
]
