// SPDX-License-Identifier: MulanPSL-2.0
// Compile-time only: every field that a screen type names must exist in the server's own description. A wrong name
// here is a type error that spells the field.
import type { components } from './schema'
import type * as t from './types'

type S = components['schemas']
type Item<L> = L extends { items: (infer I)[] } ? I : L extends { items?: (infer I)[] } ? I : never
// the keys of Mine that Theirs does not have; must be never
type Stray<Mine, Theirs> = Exclude<keyof Mine, keyof Theirs>
type None<K extends never> = K

export type Agreed = [
  None<Stray<t.Account, Item<S['account_list']>>>,
  None<Stray<t.Me, S['me']>>,
  None<Stray<t.Area, S['area']>>,
  None<Stray<t.Office, S['office']>>,
  None<Stray<t.Succession, NonNullable<S['office']['succession']>>>,
  None<Stray<t.DatasetItem, Item<S['DatasetList']>>>,
  None<Stray<t.Dataset, S['Dataset']>>,
  None<Stray<t.Column, NonNullable<S['Dataset']['columns']>[number]>>,
  None<Stray<t.Resource, NonNullable<S['Dataset']['resources']>[number]>>,
  None<Stray<t.Quality, NonNullable<S['Dataset']['quality']>>>,
  None<Stray<t.Preview, S['Preview']>>,
  None<Stray<t.Load, S['Load']>>,
  None<Stray<t.LoadColumn, NonNullable<S['Load']['columns']>[number]>>,
  None<Stray<t.BadRow, Item<S['LoadBadRows']>>>,
  None<Stray<t.Element, S['Element']>>,
  None<Stray<t.CodeList, S['CodeList']>>,
  None<Stray<t.Clock, Item<S['ClockList']>>>,
  None<Stray<t.Matter, Item<S['MatterList']>>>,
  None<Stray<t.Figures, S['CatalogFigures']>>,
  None<Stray<t.CartItem, Item<S['Cart']>>>,
  None<Stray<t.Application, S['Application']>>,
  None<Stray<t.AppLine, NonNullable<S['Application']['lines']>[number]>>,
  None<Stray<t.Step, NonNullable<S['Application']['steps']>[number]>>,
  None<Stray<t.Grant, S['Grant']>>,
  None<Stray<t.Key, NonNullable<S['Grant']['keys']>[number]>>,
  None<Stray<t.Call, Item<S['CallList']>>>,
  None<Stray<t.Trace, S['Trace']>>,
  None<Stray<t.TraceNode, NonNullable<S['Trace']['nodes']>[number]>>,
  None<Stray<t.Todo, Item<S['Todo']>>>,
  None<Stray<t.LedgerHead, S['ledger']>>,
  None<Stray<t.Entry, S['ledger_entry']>>,
  None<Stray<t.Block, Item<S['ledger_blocks']>>>,
  None<Stray<t.LedgerProof, S['ledger_proof']>>,
  None<Stray<t.Audit, S['ledger_audit']>>,
  None<Stray<t.Erasure, S['ledger_erasure']>>,
  None<Stray<t.Act, Item<S['Acts']>>>,
  None<Stray<t.System, Item<S['system_list']>>>,
  None<Stray<t.ApiToken, Item<S['token_list']>>>,
]
