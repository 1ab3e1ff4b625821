// SPDX-License-Identifier: MulanPSL-2.0
// Checking a `.tlog-proof` in the browser, step by step, so that a citizen can watch: file → leaf → path → root →
// checkpoint → signature. Nothing here asks the server to judge; the server is only asked for the leaf's bytes
// and its public key when the reader has not brought them, and the key can be pasted from elsewhere.
//
//   leaf hash = H(0x00 ‖ leaf)     node = H(0x01 ‖ left ‖ right)      (RFC 6962 §2.1, inclusion: RFC 9162 §2.1.3.2)
//   receipt   = "c2sp.org/tlog-proof@v1", ["extra <b64>"], "index N", hashes one a line, "", checkpoint note
//
// H is SHA-256 (WebCrypto; @noble where there is no secure context) or SM3 for the parallel tree, whose
// checkpoint carries an SM2 line (note type 0xff "gusu-sm2-sm3", point 04‖X‖Y, DER signature, the standard's own
// user id 1234567812345678). The SHA-256 checkpoint carries that line as well, and cosignatures of witnesses (note
// type 0x04): both are checked when their keys are given.
export type StepState = 'ok' | 'bad' | 'skip'
export interface CheckStep {
  key: 'format' | 'leaf' | 'leafhash' | 'path' | 'root' | 'key' | 'signature' | 'commitment' | 'commitment_other' | 'sm2line' | 'witness'
  state: StepState
  detail: string[]
}
export interface Receipt {
  hash: HashName
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
  leaf?: { kind: string; time: string; clear?: string }
  opening?: { salt: Uint8Array; detail: string } | null
  path?: PathStep[]
}
// One step upward: on which side the proof's hash stands, and what both give.
export interface PathStep {
  left: boolean
  hash: string
  node: string
}
export type HashName = 'sha256' | 'sm3'
const SM2_TYPE = '\xffgusu-sm2-sm3'
const FORMAT = 'c2sp.org/tlog-proof@v1'
// the same shape over the SM3 tree, under a name of its own so that nobody takes it for the C2SP one
const FORMAT_SM3 = 'gusu/tlog-proof-sm3@v1'
const PROOF_MAX = 63
const SIGNATURES_MAX = 100
const KEYS_MAX = 64
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
    return lib.doVerifySignature(body, hex(sig), hex(pub), { der: true, hash: true, userId: '1234567812345678' })
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
  // a pasted text may have lost its last newline, which the note's form wants
  const note = t.slice(cut + 2).replace(/\n*$/, '\n')
  const hash: HashName = first === FORMAT_SM3 ? 'sm3' : 'sha256'
  return { hash, index: BigInt(index[1]!), extra, proof, note, ...readCheckpoint(note) }
}
export function readCheckpoint(note: string): Pick<Receipt, 'body' | 'origin' | 'size' | 'root' | 'signatures'> {
  const cut = note.lastIndexOf('\n\n')
  if (cut < 0) throw new Error('the checkpoint has no signatures')
  const body = note.slice(0, cut + 1)
  const [origin, size, root] = body.split('\n')
  if (!origin || !/^(0|[1-9]\d*)$/.test(size ?? '') || !root) throw new Error('the checkpoint is malformed')
  const lines = note.slice(cut + 2).split('\n')
  if (lines.pop() !== '' || lines.length === 0 || lines.length > SIGNATURES_MAX) throw new Error('the checkpoint is malformed')
  // strict, as verifiers elsewhere: one bad line makes the whole note bad
  const signatures = lines.map((l) => {
    const m = /^\u2014 (\S+) (\S+)$/.exec(l)
    if (!m) throw new Error('a signature line is malformed')
    const bytes = unbase64(m[2]!)
    if (bytes.length < 5) throw new Error('a signature line is malformed')
    return { name: m[1]!, id: hex(bytes.slice(0, 4)), sig: bytes.slice(4) }
  })
  const rootBytes = unbase64(root)
  if (rootBytes.length !== 32) throw new Error('the checkpoint is malformed')
  return { body, origin, size: BigInt(size!), root: rootBytes, signatures }
}
export interface VerifierKey {
  name: string
  id: string
  kind: 'ed25519' | 'sm2' | 'witness'
  pub: Uint8Array
  // the sizes it may sign: a log that changed its key signs each size with one of them
  from: bigint
  to?: bigint
}
export async function readVkey(text: string): Promise<VerifierKey> {
  const m = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+?)(?: (\d+)(?: (\d+))?)?$/.exec(text.trim())
  if (!m) throw new Error('the key is not name+id+base64')
  const range = { from: BigInt(m[4] ?? 0), to: m[5] === undefined ? undefined : BigInt(m[5]) }
  const typed = unbase64(m[3]!)
  const id = hex((await digest('sha256', join(utf8(m[1]! + '\n'), typed))).slice(0, 4))
  if (id !== m[2]) throw new Error('the key id does not fit name and key')
  if (typed[0] === 1 && typed.length === 33) return { name: m[1]!, id, kind: 'ed25519', pub: typed.slice(1), ...range }
  if (typed[0] === 4 && typed.length === 33) return { name: m[1]!, id, kind: 'witness', pub: typed.slice(1), ...range }
  const type = Uint8Array.from(SM2_TYPE, (c) => c.charCodeAt(0))
  if (same(typed.slice(0, type.length), type)) return { name: m[1]!, id, kind: 'sm2', pub: typed.slice(type.length), ...range }
  throw new Error('unknown kind of key')
}

// Several keys, one a line: the log's present and earlier ones, its SM2 key, those of witnesses.
export async function readVkeys(text: string): Promise<VerifierKey[]> {
  const lines = text.split('\n').map((l) => l.trim()).filter((l) => l && !l.startsWith('#'))
  if (lines.length === 0 || lines.length > KEYS_MAX) throw new Error('no key')
  return Promise.all(lines.map(readVkey))
}

// The path upward; throws where the proof's length does not fit index and size.
export async function climb(h: HashName, index: bigint, size: bigint, leaf: Uint8Array, proof: Uint8Array[], seen: PathStep[]): Promise<Uint8Array> {
  if (index >= size) throw new Error('index is not below size')
  let fn = index
  let sn = size - 1n
  let at = leaf
  for (const p of proof) {
    if (sn === 0n) throw new Error('proof too long')
    const left = (fn & 1n) === 1n || fn === sn
    at = await digest(h, left ? join(Uint8Array.of(1), p, at) : join(Uint8Array.of(1), at, p))
    seen.push({ left, hash: hex(p), node: hex(at) })
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
const told = (s: PathStep): string => `${s.left ? 'H(1‖' + s.hash.slice(0, 10) + '…‖·)' : 'H(1‖·‖' + s.hash.slice(0, 10) + '…)'} = ${s.node.slice(0, 24)}…`

const TIME_MAX_S = 253402300799n // the year 9999: a forged time must not stop the page
const cosignTime = (s: bigint): string => (s > TIME_MAX_S ? `${s} s` : new Date(Number(s) * 1000).toISOString().slice(0, 19) + 'Z')

// C2SP cosignature/v1: eight bytes of time before the signature, which covers both.
async function cosigned(key: VerifierKey, sig: Uint8Array, body: string): Promise<{ ok: boolean; time: bigint }> {
  if (sig.length !== 72) return { ok: false, time: 0n }
  const time = new DataView(sig.buffer, sig.byteOffset).getBigUint64(0)
  return { ok: (await ed25519(key.pub, sig.slice(8), utf8(`cosignature/v1\ntime ${time}\n${body}`))).ok, time }
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

const NAMES: Record<HashName, string> = { sha256: 'SHA-256', sm3: 'SM3' }
const LEAF = /^gusu-entry\/v1\nkind ([a-z0-9._-]{1,64})\ntime (\S+)\n(?:clear ([^\n]*)\n)?sha256 (\S{44})\nsm3 (\S{44})\n$/

export interface Sources {
  leaf: (index: bigint) => Promise<Uint8Array>
  // one or more keys, one a line
  vkey: (h: HashName) => Promise<string>
  // what the leaf commits to, for those who may read it
  opening?: (index: bigint) => Promise<{ salt: Uint8Array; detail: string } | null>
}

// `sources` are asked only when needed; each may throw.
export async function check(text: string, sources: Sources): Promise<CheckResult> {
  const steps: CheckStep[] = []
  const result: CheckResult = { ok: false, steps }
  const say = (key: CheckStep['key'], state: StepState, ...detail: string[]): boolean => {
    steps.push({ key, state, detail })
    return state !== 'bad'
  }
  const why = (e: unknown): string => (e instanceof Error ? e.message : String(e))
  let r: Receipt
  let leaf: Uint8Array
  try {
    r = result.receipt = readReceipt(text)
    say('format', 'ok', `origin ${r.origin}`, `index ${r.index} / size ${r.size}`, `${r.proof.length} hashes`)
  } catch (e) {
    say('format', 'bad', why(e))
    return result
  }
  const h = r.hash
  try {
    if (r.extra?.length) ({ leaf, opening: result.opening } = splitExtra(r.extra))
    else leaf = await sources.leaf(r.index)
    const m = LEAF.exec(new TextDecoder().decode(leaf))
    if (!m) throw new Error('the leaf is malformed')
    result.leaf = { kind: m[1]!, time: m[2]!, clear: m[3] }
    say('leaf', 'ok', `${leaf.length} B`, new TextDecoder().decode(leaf))
    result.opening ??= await sources.opening?.(r.index).catch(() => null)
    if (result.opening) {
      for (const one of [h, h === 'sm3' ? 'sha256' : 'sm3'] as HashName[]) {
        const got = base64(await digest(one, join(result.opening.salt, utf8(result.opening.detail))))
        if (!say(one === h ? 'commitment' : 'commitment_other', got === m[one === 'sha256' ? 4 : 5] ? 'ok' : 'bad', `${NAMES[one]}(salt ‖ content)`, got)) return result
      }
    }
  } catch (e) {
    say('leaf', 'bad', why(e))
    return result
  }
  const leafHash = await digest(h, join(Uint8Array.of(0), leaf))
  say('leafhash', 'ok', `${NAMES[h]}(0x00 ‖ leaf)`, hex(leafHash))
  const seen: PathStep[] = (result.path = [])
  try {
    const root = await climb(h, r.index, r.size, leafHash, r.proof, seen)
    say('path', 'ok', ...seen.map(told))
    result.root = hex(root)
  } catch (e) {
    say('path', 'bad', why(e))
    return result
  }
  const rootOk = say('root', result.root === hex(r.root) ? 'ok' : 'bad', result.root, hex(r.root))
  let keys: VerifierKey[]
  try {
    keys = await readVkeys(await sources.vkey(h))
  } catch (e) {
    say('key', 'bad', why(e))
    return result
  }
  const signed = await checkSignatures(r, keys, say)
  result.ok = rootOk && signed
  return result
}

// The log's own line decides; the SM2 line beside an Ed25519 one and the witnesses' lines are told as well, and a
// bad one among them spoils the receipt: nobody should overlook a forged line because another one is good.
async function checkSignatures(r: Receipt, keys: VerifierKey[], say: (key: CheckStep['key'], state: StepState, ...detail: string[]) => boolean): Promise<boolean> {
  const kind = r.hash === 'sm3' ? 'sm2' : 'ed25519'
  const own = keys.filter((k) => k.kind === kind && k.name === r.origin && k.from <= r.size && (k.to === undefined || r.size <= k.to))
  if (own.length === 0) return say('key', 'bad', `no ${kind === 'sm2' ? 'SM2' : 'Ed25519'} key of ${r.origin}`, ...keys.map((k) => `${k.name} ${k.id}`))
  // of a log that changed its key, the one that signed this checkpoint
  const pair = own.map((key) => ({ key, line: r.signatures.find((s) => s.name === key.name && s.id === key.id) }))
  const { key, line } = pair.find((x) => x.line) ?? pair[0]!
  say('key', 'ok', `${key.name} ${key.id} (${kind === 'sm2' ? 'SM2' : 'Ed25519'})`)
  if (!line) return say('signature', 'bad', 'no signature of this key on the checkpoint')
  const body = utf8(r.body)
  const v = kind === 'sm2' ? { ok: await sm2(key.pub, line.sig, body), how: 'sm-crypto-v2' } : await ed25519(key.pub, line.sig, body)
  let good = say('signature', v.ok ? 'ok' : 'bad', kind === 'sm2' ? 'SM2 / SM3' : `Ed25519 (${v.how})`, hex(line.sig).slice(0, 48) + '…')
  for (const k of keys) {
    const one = k === key ? undefined : r.signatures.find((s) => s.name === k.name && s.id === k.id)
    if (!one) continue
    if (k.kind === 'sm2' && kind === 'ed25519') good = say('sm2line', (await sm2(k.pub, one.sig, body)) ? 'ok' : 'bad', `${k.name} ${k.id}`) && good
    if (k.kind !== 'witness') continue
    const c = await cosigned(k, one.sig, r.body)
    good = say('witness', c.ok ? 'ok' : 'bad', `${k.name} ${k.id}`, cosignTime(c.time)) && good
  }
  return good
}
