// SPDX-License-Identifier: MulanPSL-2.0
// The cart lives on the server (it must survive a change of desk); this is only the way to change it.
import { api } from '../api/client'
import type { CartItem } from '../api/types'

interface Cart {
  items: CartItem[]
  version?: number
}
const plain = (i: CartItem): CartItem => ({ dataset: i.dataset, columns: i.columns })
export const cart = {
  get: (): Promise<Cart> => api.get<Cart>('/api/v1/cart'),
  put: (items: CartItem[], version?: number): Promise<Cart> => api.put<Cart>('/api/v1/cart', { items: items.map(plain) }, version),
  async add(item: CartItem): Promise<void> {
    const now = await cart.get()
    const rest = now.items.filter((i) => i.dataset !== item.dataset)
    await cart.put([...rest, item], now.version)
  },
}
