// SPDX-License-Identifier: MulanPSL-2.0
// The replies as the screens use them, named after the wire. agree.ts holds each field against the server's own
// description (schema.d.ts); the API tests hold every reply against that description.
export interface List<T> {
  items: T[]
  next?: string
  total?: number
}
export type LightName = 'green' | 'yellow' | 'red' | 'grey'
export interface Account {
  id: number | string
  login: string
  name: string
  office: string
  office_name?: string
  roles: string[]
  area?: string
  state?: string
  last_seen_ms?: number
  must_change?: boolean
  version?: number
}
export interface Notice {
  key: string
  zh: string
  en: string
}
export interface Me {
  account: Account | null
  csrf?: string
  demo?: boolean
  city?: { code: string; title_zh: string; title_en: string; pack?: string }
  now_ms?: number
  workday_warning?: { last_year: number }
  notices?: Notice[]
  words?: Notice[]
}
export interface Area {
  code: string
  name: string
  level: number
  parent?: string
  kind: string
  vintage?: string
  is_admin?: boolean
  aliases?: string[]
  alias_list?: { code: string; kind?: string }[]
  note?: string
  children_n?: number
  path?: { code: string; name: string }[]
  counts?: { kind: string; n: number; level?: number }[]
  asked?: string
}
export interface Office {
  id: string
  name: string
  name_en?: string
  note?: string
  short?: string
  kind?: string
  level?: number
  area?: string
  parent?: string
  parent_name?: string
  line?: string
  line_name?: string
  valid_from?: string
  valid_to?: string
  successor?: string
  roles?: string[] | string
  version?: number
  history?: { name: string; valid_from?: string; valid_to?: string; office?: string }[]
  predecessors?: { id: string; name: string; valid_to?: string }[]
  succession?: Succession
  accounts_n?: number
}
export interface Succession {
  successor: string
  successor_name?: string
  date: string
  basis: string
  state?: string
  asked_by_name?: string
  asked_ms?: number
  confirmed_by_name?: string
  confirmed_ms?: number
  applied_ms?: number
  may_confirm?: boolean
}
export interface FacetItem {
  key: string
  zh?: string
  en?: string
  n: number
}
export interface DatasetItem {
  id: string
  title_zh: string
  title_en: string
  abstract_zh?: string
  abstract_en?: string
  office: string
  office_name?: string
  state?: string
  share: number
  open: string
  grade: string
  cycle?: string
  subject?: string
  modes?: string[]
  synthetic?: boolean
  rows?: number
  updated_ms?: number
  data_ms?: number
  score?: number
  stale?: boolean
  resources_n?: number
  version?: number
}
export interface DatasetList extends List<DatasetItem> {
  facets?: Record<string, FacetItem[]>
}
export interface Column {
  id: string
  zh: string
  en: string
  type: string
  length?: number
  key?: boolean
  area?: boolean
  grade?: string
  element?: string
  element_role?: string
  code_list?: string
  share?: number
  open?: string
  office?: string
  office_name?: string
  mask?: string
}
export interface PreviewColumn {
  id: string
  zh: string
  en: string
  type: string
  masked?: boolean
  key?: boolean
}
export interface Resource {
  id: string
  kind: string
  title_zh?: string
  title_en?: string
  state?: string
  format?: string
  rows?: number
  bytes?: number
  sm3?: string
  tested_ms?: number
  test_ok?: boolean
  verify_only?: boolean
  upstream?: string
}
export interface QualityCheck {
  id: string
  zh: string
  en: string
  column?: string
  total: number
  bad: number
}
export interface Quality {
  score: number
  completeness?: number
  validity?: number
  freshness?: number
  uniqueness?: number
  checks?: QualityCheck[]
  measured_ms?: number
}
export interface Step {
  n?: number
  line?: number
  step: string
  step_zh?: string
  step_en?: string
  state: string
  office?: string
  office_name?: string
  role?: string
  by?: string
  by_name?: string
  at_ms?: number
  due_ms?: number
  certain?: boolean
  light?: LightName
  reason?: string
  entry?: number
}
export interface Dataset extends Omit<DatasetItem, 'resources_n'> {
  keywords?: string[]
  class_codes?: { code: string; zh: string; en: string }[]
  share_condition_zh?: string
  share_condition_en?: string
  share_scope?: string
  share_law?: string
  open_condition_zh?: string
  open_condition_en?: string
  source_zh?: string
  source_en?: string
  source_date?: string
  licence?: string
  seed?: number
  spatial?: unknown
  verify_only?: boolean
  personal?: boolean
  area_column?: string
  published_ms?: number
  next_update_ms?: number
  columns?: Column[]
  resources?: Resource[]
  quality?: Quality
  steps?: Step[]
  history?: { version: number; at_ms: number; by?: string; by_name?: string; verb: string; entry?: number }[]
  may?: string[]
  related?: { id: string; title_zh: string; title_en: string }[]
  notices?: Notice[]
}
export type Row = Record<string, unknown>
export interface Preview extends List<Row> {
  columns: PreviewColumn[]
  masked?: boolean
}
export interface LoadColumn {
  n: number
  header: string
  column: string | null
  how?: string | null
  type_seen?: string
  empty_n?: number
  sample?: string[]
}
export interface Load {
  load: number
  dataset?: string
  name?: string
  encoding?: string
  separator?: string
  sheets?: string[]
  sheet?: string
  columns: LoadColumn[]
  rows?: number
  digest?: string
  same_as?: number | null
  state?: string
  good_n?: number
  bad_n?: number
  duplicate_n?: number
  progress?: number
  mode?: string
  reasons?: LoadReason[]
  created_ms?: number
  changed_ms?: number
  by_name?: string
}
export interface LoadReason {
  code: string
  zh: string
  en: string
  column?: string
  n: number
}
export interface BadRow {
  row: number
  column?: string
  value?: string
  code: string
  title_zh: string
  title_en: string
}
export interface Element {
  id: string
  zh: string
  en: string
  subject?: string
  type: string
  length?: number
  check?: string
  code_list?: string
  grade?: string
  mask?: string
  aliases?: string[]
  std?: string
  note?: string
}
export interface CodeList {
  id: string
  version?: string
  versions?: string[]
  title_zh?: string
  title_en?: string
  source?: string
  items_n?: number
  items?: { code: string; zh: string; en: string; parent?: string }[]
}
export interface Clock {
  step: string
  zh: string
  en: string
  limit_wd: number
  extend_wd?: number
  article?: string
  note?: string
}
export interface Matter {
  id: string
  zh: string
  en: string
  target?: string
  office?: string
}
export interface Figures {
  owed?: number
  compiled?: number
  completeness?: number
  published?: number
  attached?: number
  attach_rate?: number
  by_office?: { office: string; office_name?: string; owed?: number; compiled?: number; published?: number; attached?: number }[]
  missing?: { duty: string; office: string; office_name?: string; title_zh: string; title_en?: string; dataset?: string; due_ms?: number; light?: LightName }[]
  unattached?: (string | { id: string; title_zh: string; title_en?: string; office?: string; office_name?: string })[]
}
export interface CartItem {
  dataset: string
  columns: string[]
  title_zh?: string
  title_en?: string
}
export interface Filter {
  column: string
  op: string
  value?: string
  values?: string[]
}
export interface AppLine {
  n: number
  dataset: string
  title_zh: string
  title_en?: string
  columns: { id: string; zh?: string; en?: string; grade?: string; share?: number; mask?: string }[]
  filter?: Filter[]
  quota_per_day?: number
  rate_per_s?: number
  provider?: string
  provider_name?: string
  state: string
  reason?: string
  grant?: string | number
  condition?: string
}
export interface Application {
  id: string
  title?: string
  office?: string
  office_name?: string
  matter?: string
  matter_name?: string
  matter_zh?: string
  matter_en?: string
  state: string
  step?: string
  lines_n?: number
  datasets?: { id: string; title_zh: string; title_en?: string }[]
  created_ms?: number
  due_ms?: number
  light?: LightName
  legal_basis?: string
  purpose?: string
  system?: string
  system_name?: string
  period_days?: number
  quota_per_day?: number
  need_by?: string
  lines?: AppLine[]
  steps?: Step[]
  may?: string[]
  by_name?: string
  version?: number
}
export interface Key {
  id: string | number
  prefix: string
  made_ms?: number
  last_ms?: number
  state?: string
}
export interface Grant {
  id: string | number
  application: string
  line?: number
  dataset: string
  title_zh: string
  title_en?: string
  office?: string
  office_name?: string
  provider?: string
  provider_name?: string
  system?: string
  matter?: string
  matter_name?: string
  system_name?: string
  rate_per_s?: number
  reason?: string
  columns?: (string | { id: string; zh?: string; en?: string; grade?: string; mask?: string })[]
  filter?: Filter[]
  quota_per_day?: number
  used_today?: number
  used_total?: number
  valid_from_ms?: number
  valid_to_ms?: number
  state: string
  verify_only?: boolean
  keys?: Key[]
  may?: string[]
  version?: number
}
export interface Call {
  trace: string
  time_ms: number
  system?: string
  matter?: string
  case_no?: string
  operator?: string
  rows?: number
  bytes?: number
  fields?: string | string[]
  status?: number
  entry?: number
}
export interface TraceNode {
  kind: string
  id: string
  title_zh?: string
  title_en?: string
  at_ms?: number
  by?: string
  office?: string
  office_name?: string
  state?: string
  light?: LightName
  reason?: string
  link?: string
  due_ms?: number
  entry?: number
}
export interface Trace {
  id: string
  dataset?: string
  application?: string
  nodes: TraceNode[]
  edges: { from: string; to: string }[]
  calls?: { n: number; rows?: number; first_ms?: number; last_ms?: number; by_day?: { day: string; n: number; rows?: number }[] }
}
export interface Todo {
  kind: string
  id: string
  title?: string
  title_zh?: string
  title_en?: string
  step?: string
  step_zh?: string
  step_en?: string
  due_ms?: number
  light?: LightName
  link?: string
  line?: number
  certain?: boolean
}
export interface LedgerHead {
  size: number
  root_sha256: string
  root_sm3: string
  checkpoint?: string
  checkpoint_ms?: number
  signed_size?: number
  vkey: string
  sm3_vkey?: string
  origin: string
  last_entry_ms?: number
  witnessed_size?: number
  witnessed_ms?: number
  is_behind?: boolean
  quorum?: string
  witnesses?: { label: string; name: string; size: number; told_ms?: number; failures: number; problem?: string }[]
}
export interface Audit {
  is_running: boolean
  started_ms: number
  at: number
  size: number
  done_ms: number
  done_size: number
  done_faults: number
  alarm_ms: number
  alarm_n: number
  faults?: { what: string; index: number; where: string }[]
  may_clear?: boolean
}
export interface Erasure {
  id: number
  state: string
  reason: string
  law: string
  entries: number[]
  done: number
  asked_name: string
  asked_office?: string
  asked_ms: number
  approved_name?: string
  approved_ms?: number
  may_approve: boolean
  may_drop: boolean
}
export interface Block {
  n: number
  from: number
  count: number
  is_full: boolean
  is_signed: boolean
  first_ms: number
  last_ms: number
  clear: number
  erased: number
  hash_sha256: string
  hash_sm3: string
  kinds: { kind: string; n: number }[]
}
export interface LedgerProof {
  index: number
  size: number
  tree: string
  leaf_sha256?: string
  leaf_sm3?: string
  proof: string[]
  root: string
  checkpoint: string
}
export interface Hit extends Entry {
  why: string
  object_kind?: string
  object?: string
  object_name?: string
  office?: string
}
export interface Found {
  items: Hit[]
  next?: string
  seen_from?: number
  seen_to?: number
}
export interface Entry {
  index: number
  kind: string
  time_ms?: number
  clear?: unknown
  leaf?: string
  leaf_sha256?: string
  leaf_sm3?: string
  commitment_sha256?: string
  commitment_sm3?: string
  detail?: unknown
  detail_text?: string
  is_signed?: boolean
  is_witnessed?: boolean
  is_erased?: boolean
  salt?: string
  trace?: string
}
export interface Act {
  id: number
  time_ms: number
  actor?: string
  actor_name?: string
  office?: string
  actor_office?: string
  verb: string
  object_kind?: string
  object?: string
  object_name?: string
  entry?: number
  trace?: string
  peer?: string
  detail?: unknown
}
export interface System {
  id: string
  name: string
  office?: string
  office_name?: string
  state?: string
  version?: number
}
export interface ApiToken {
  id: string | number
  name: string
  scopes?: string[]
  made_ms?: number
  ends_ms?: number
  last_seen_ms?: number | null
  ended?: boolean
}
