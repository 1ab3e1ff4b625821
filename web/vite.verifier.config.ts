// SPDX-License-Identifier: MulanPSL-2.0
// How the offline verifier is built: one HTML file with everything in it, written beside the page as
// build/web/ledger/verifier.html. Its own policy forbids it any request and allows exactly this script and this style by
// their digests, so that what is promised on it is also enforced. The server fills in the log's keys as it gives it out.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const out = process.env.GUSU_WEB_OUT ?? here('../build/web')
const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

function oneFile(): Plugin {
  return {
    name: 'gusu-one-file',
    apply: 'build',
    generateBundle(_, bundle) {
      const chunk = Object.values(bundle).find((c) => c.type === 'chunk')
      if (!chunk || chunk.type !== 'chunk' || Object.keys(bundle).length !== 1) this.error('the verifier must be one chunk')
      // inside a script element only the end tag matters
      const script = chunk.code.replace(/<\/script/gi, '<\\/script').trim()
      const style = readFileSync(here('./src/verifier/style.css'), 'utf8').replace(/\/\*.*?\*\//gs, '').trim()
      const csp = `default-src 'none'; script-src ${digest(script)}; style-src ${digest(style)}; base-uri 'none'; form-action 'none'`
      const parts: Record<string, string> = { CSP: csp, STYLE: style, SCRIPT: script }
      const html = readFileSync(here('./verifier.html'), 'utf8').replace(/%(CSP|STYLE|SCRIPT)%/g, (_all, name: string) => parts[name]!)
      mkdirSync(join(out, 'ledger'), { recursive: true })
      writeFileSync(join(out, 'ledger/verifier.html'), html)
      for (const name of Object.keys(bundle)) delete bundle[name]
    },
  }
}

export default defineConfig({
  publicDir: false,
  plugins: [oneFile()],
  resolve: { alias: [{ find: /^crypto$/, replacement: here('./src/lib/nothing.ts') }] },
  build: {
    outDir: out,
    emptyOutDir: false,
    target: 'es2020',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: here('./src/verifier/main.ts'), output: { format: 'iife', inlineDynamicImports: true } },
  },
})
