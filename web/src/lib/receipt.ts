// SPDX-License-Identifier: MulanPSL-2.0
// Checking a `.tlog-proof` in the browser, step by step, so that a citizen can watch: file → leaf → path → root →
// checkpoint → signature. Nothing here asks the server to judge; the server is only asked for the leaf's bytes
// and its public key when the reader has not brought them, and the key can be pasted from elsewhere.
//
//   leaf hash = H(0x00 ‖ leaf)     node = H(0x01 ‖ left ‖ right)      (RFC 6962 §2.1, inclusion: RFC 9162 §2.1.3.2)
//   receipt   = "c2sp.org/tlog-proof@v1", ["extra <b64>"], "index N", hashes one a line, "", checkpoint note
//
// H is SHA-256 (WebCrypto; @noble where there is no secure context) or SM3 for the parallel tree, whose
// checkpoint carries an SM2 line (note type 0xff "gusu-sm2-sm3", point 04‖X‖Y, DER signature).
export type StepState = 'ok' | 'bad' | 'skip'
export interface CheckStep {
  key: 'format' | 'leaf' | 'leafhash' | 'path' | 'root' | 'key' | 'signature' | 'commitment'
  state: StepState
  detail: string[]
}
export interface Receipt {
  index: bigint
  extra?: Uint8Array
  proof: Uint8Array[]
  note: string
  body: string
  origin: string
  size: bigint
  root: Uint8Array
  signatures: { name: string; id: string; sig: Uint8Array }[]
}
export interface CheckResult {
  ok: boolean
  steps: CheckStep[]
  receipt?: Receipt
  root?: string
}
export type HashName = 'sha256' | 'sm3'
const SM2_TYPE = '\xffgusu-sm2-sm3'
const FORMAT = 'c2sp.org/tlog-proof@v1'
// the same shape over the SM3 tree, under a name of its own so that nobody takes it for the C2SP one
const FORMAT_SM3 = 'gusu/tlog-proof-sm3@v1'
const PROOF_MAX = 63
const FILE_MAX_BYTES = 1_000_000

export const hex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('')
export function unhex(s: string): Uint8Array {
  return Uint8Array.from(s.match(/../g) ?? [], (x) => parseInt(x, 16))
}
export function base64(b: Uint8Array): string {
  return btoa(String.fromCharCode(...b))
}
export function unbase64(s: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(s) || s.length % 4 !== 0) throw new Error('base64')
  return Uint8Array.from(atob(s), (c) => c.charCodeAt(0))
}
const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s)
const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i])
function join(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    out.set(p, at)
    at += p.length
  }
  return out
}

export async function digest(name: HashName, bytes: Uint8Array): Promise<Uint8Array> {
  if (name === 'sm3') {
    const { sm3 } = await import('sm-crypto-v2')
    return unhex(sm3(bytes) as string)
  }
  // crypto.subtle exists only in a secure context; an office network without TLS still deserves the check
  if (globalThis.crypto?.subtle) return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
  const { sha256 } = await import('@noble/hashes/sha2')
  return sha256(bytes)
}
async function ed25519(pub: Uint8Array, sig: Uint8Array, body: Uint8Array): Promise<{ ok: boolean; how: string }> {
  try {
    const key = await crypto.subtle.importKey('raw', pub as BufferSource, { name: 'Ed25519' }, false, ['verify'])
    return { ok: await crypto.subtle.verify('Ed25519', key, sig as BufferSource, body as BufferSource), how: 'WebCrypto' }
  } catch {
    const [ed, { sha512 }] = await Promise.all([import('@noble/ed25519'), import('@noble/hashes/sha2')])
    ed.etc.sha512Sync = (...m: Uint8Array[]) => sha512(ed.etc.concatBytes(...m))
    try {
      return { ok: ed.verify(sig, body, pub), how: '@noble/ed25519' }
    } catch {
      return { ok: false, how: '@noble/ed25519' }
    }
  }
}
async function sm2(pub: Uint8Array, sig: Uint8Array, body: Uint8Array): Promise<boolean> {
  const { sm2: lib } = await import('sm-crypto-v2')
  try {
    return lib.doVerifySignature(body, hex(sig), hex(pub), { der: true, hash: true })
  } catch {
    return false
  }
}

export function readReceipt(text: string): Receipt {
  if (text.length > FILE_MAX_BYTES) throw new Error('size')
  const t = text.replace(/\r\n/g, '\n')
  const cut = t.indexOf('\n\n')
  if (cut < 0) throw new Error('no empty line after the proof')
  const head = t.slice(0, cut).split('\n')
  const first = head.shift()
  if (first !== FORMAT && first !== FORMAT_SM3) throw new Error(`the first line is not ${FORMAT}`)
  let extra: Uint8Array | undefined
  if (head[0]?.startsWith('extra ')) extra = unbase64(head.shift()!.slice(6))
  const index = /^index (0|[1-9]\d*)$/.exec(head.shift() ?? '')
  if (!index) throw new Error('no index line')
  if (head.length > PROOF_MAX) throw new Error('proof too long')
  const proof = head.map((line) => {
    const h = unbase64(line)
    if (h.length !== 32) throw new Error('a hash is not 32 bytes')
    return h
  })
  const note = t.slice(cut + 2)
  return { index: BigInt(index[1]!), extra, proof, note, ...readCheckpoint(note) }
}
export function readCheckpoint(note: string): Pick<Receipt, 'body' | 'origin' | 'size' | 'root' | 'signatures'> {
  const cut = note.lastIndexOf('\n\n')
  if (cut < 0) throw new Error('the checkpoint has no signatures')
  const body = note.slice(0, cut + 1)
  const [origin, size, root] = body.split('\n')
  if (!origin || !/^(0|[1-9]\d*)$/.test(size ?? '') || !root) throw new Error('the checkpoint is malformed')
  const signatures = note
    .slice(cut + 2)
    .split('\n')
    .filter((l) => l.startsWith('\u2014 '))
    .map((l) => {
      const at = l.lastIndexOf(' ')
      const bytes = unbase64(l.slice(at + 1))
      return { name: l.slice(2, at), id: hex(bytes.slice(0, 4)), sig: bytes.slice(4) }
    })
  return { body, origin, size: BigInt(size!), root: unbase64(root), signatures }
}
export interface VerifierKey {
  name: string
  id: string
  kind: 'ed25519' | 'sm2'
  pub: Uint8Array
}
export async function readVkey(text: string): Promise<VerifierKey> {
  const m = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim())
  if (!m) throw new Error('the key is not name+id+base64')
  const typed = unbase64(m[3]!)
  const id = hex((await digest('sha256', join(utf8(m[1]! + '\n'), typed))).slice(0, 4))
  if (id !== m[2]) throw new Error('the key id does not fit name and key')
  if (typed[0] === 1 && typed.length === 33) return { name: m[1]!, id, kind: 'ed25519', pub: typed.slice(1) }
  const type = Uint8Array.from(SM2_TYPE, (c) => c.charCodeAt(0))
  if (same(typed.slice(0, type.length), type)) return { name: m[1]!, id, kind: 'sm2', pub: typed.slice(type.length) }
  throw new Error('unknown kind of key')
}

// The path upward; throws where the proof's length does not fit index and size.
async function climb(r: Receipt, leaf: Uint8Array, h: HashName, seen: string[]): Promise<Uint8Array> {
  if (r.index >= r.size) throw new Error('index is not below size')
  let fn = r.index
  let sn = r.size - 1n
  let at = leaf
  for (const p of r.proof) {
    if (sn === 0n) throw new Error('proof too long')
    const left = (fn & 1n) === 1n || fn === sn
    at = await digest(h, left ? join(Uint8Array.of(1), p, at) : join(Uint8Array.of(1), at, p))
    seen.push(`${left ? 'H(1‖' + hex(p).slice(0, 10) + '…‖·)' : 'H(1‖·‖' + hex(p).slice(0, 10) + '…)'} = ${hex(at).slice(0, 24)}…`)
    if (left) while ((fn & 1n) === 0n && fn !== 0n) {
      fn >>= 1n
      sn >>= 1n
    }
    fn >>= 1n
    sn >>= 1n
  }
  if (sn !== 0n) throw new Error('proof too short')
  return at
}

// The extra line carries the leaf, which ends with its sm3 line; for those whom the entry concerns, what opens its
// commitments follows: "salt <base64>" and "detail <json>".
export function splitExtra(extra: Uint8Array): { leaf: Uint8Array; opening?: { salt: Uint8Array; detail: string } } {
  // Latin-1 keeps one letter a byte: places in the text are places in the bytes.
  const text = Array.from(extra, (b) => String.fromCharCode(b)).join('')
  const end = /\nsm3 [A-Za-z0-9+/]{43}=\n/.exec(text)
  const cut = end ? end.index + end[0].length : extra.length
  const rest = new TextDecoder().decode(extra.slice(cut))
  if (!rest) return { leaf: extra }
  const m = /^salt (\S+)\ndetail ([^\n]*)\n$/.exec(rest)
  if (!m) throw new Error('the extra line holds more than leaf, salt and detail')
  return { leaf: extra.slice(0, cut), opening: { salt: unbase64(m[1]!), detail: m[2]! } }
}

// `sources` are asked only when needed; each may throw.
export async function check(
  text: string,
  sources: {
    leaf: (index: bigint) => Promise<Uint8Array>
    vkey: (h: HashName) => Promise<string>
    // what the leaf commits to, for those who may read it
    opening?: (index: bigint) => Promise<{ salt: Uint8Array; detail: string } | null>
  },
): Promise<CheckResult> {
  const steps: CheckStep[] = []
  const say = (key: CheckStep['key'], state: StepState, ...detail: string[]): boolean => {
    steps.push({ key, state, detail })
    return state !== 'bad'
  }
  const fail = (receipt?: Receipt): CheckResult => ({ ok: false, steps, receipt })
  const why = (e: unknown): string => (e instanceof Error ? e.message : String(e))
  let r: Receipt
  try {
    r = readReceipt(text)
  } catch (e) {
    say('format', 'bad', why(e))
    return fail()
  }
  say('format', 'ok', `origin ${r.origin}`, `index ${r.index} / size ${r.size}`, `${r.proof.length} hashes`)
  const h: HashName = r.origin.endsWith('/sm3') ? 'sm3' : 'sha256'
  let leaf: Uint8Array
  let opening: { salt: Uint8Array; detail: string } | null | undefined
  try {
    if (r.extra?.length) ({ leaf, opening } = splitExtra(r.extra))
    else leaf = await sources.leaf(r.index)
    say('leaf', 'ok', `${leaf.length} B`, new TextDecoder().decode(leaf))
  } catch (e) {
    say('leaf', 'bad', why(e))
    return fail(r)
  }
  opening ??= await sources.opening?.(r.index).catch(() => null)
  if (opening) {
    const want = new RegExp(`^${h} (\\S+)$`, 'm').exec(new TextDecoder().decode(leaf))?.[1]
    const got = base64(await digest(h, join(opening.salt, utf8(opening.detail))))
    if (!say('commitment', got === want ? 'ok' : 'bad', `${h === 'sm3' ? 'SM3' : 'SHA-256'}(salt ‖ content)`, got)) return fail(r)
  }
  const leafHash = await digest(h, join(Uint8Array.of(0), leaf))
  say('leafhash', 'ok', `${h === 'sm3' ? 'SM3' : 'SHA-256'}(0x00 ‖ leaf)`, hex(leafHash))
  const seen: string[] = []
  let root: Uint8Array
  try {
    root = await climb(r, leafHash, h, seen)
    say('path', 'ok', ...seen)
  } catch (e) {
    say('path', 'bad', why(e))
    return fail(r)
  }
  const rootOk = say('root', same(root, r.root) ? 'ok' : 'bad', hex(root), hex(r.root))
  let key: VerifierKey
  try {
    key = await readVkey(await sources.vkey(h))
    say('key', 'ok', `${key.name} ${key.id} (${key.kind === 'sm2' ? 'SM2' : 'Ed25519'})`)
  } catch (e) {
    say('key', 'bad', why(e))
    return { ...fail(r), root: hex(root) }
  }
  const line = r.signatures.find((s) => s.name === key.name && s.id === key.id)
  if (!line) {
    say('signature', 'bad', 'no signature of this key on the checkpoint')
    return { ...fail(r), root: hex(root) }
  }
  let sigOk: boolean
  if (key.kind === 'sm2') {
    sigOk = await sm2(key.pub, line.sig, utf8(r.body))
    say('signature', sigOk ? 'ok' : 'bad', 'SM2 / SM3', hex(line.sig).slice(0, 48) + '…')
  } else {
    const v = await ed25519(key.pub, line.sig, utf8(r.body))
    sigOk = v.ok
    say('signature', v.ok ? 'ok' : 'bad', `Ed25519 (${v.how})`, hex(line.sig).slice(0, 48) + '…')
  }
  return { ok: rootOk && sigOk, steps, receipt: r, root: hex(root) }
}
