// SPDX-License-Identifier: MulanPSL-2.0
// How the page is built: one folder build/web that the C server serves as it is. Nothing in it comes from
// another host, no script is inline (the CSP forbids it), names carry content hashes so that they may be
// cached for ever, and each text file has a .gz sibling so that the server never compresses anything.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { defineConfig, type Plugin } from 'vite'

// Smaller files gain nothing: a reply's headers are as long.
const GZIP_FROM_BYTES = 1024

function gzipSiblings(): Plugin {
  let dir = ''
  const walk = (at: string): void => {
    for (const name of readdirSync(at)) {
      const path = join(at, name)
      if (statSync(path).isDirectory()) walk(path)
      else if (/\.(js|css|html|svg|json)$/.test(name)) {
        const bytes = readFileSync(path)
        if (bytes.length >= GZIP_FROM_BYTES) writeFileSync(path + '.gz', gzipSync(bytes, { level: 9 }))
      }
    }
  }
  return {
    name: 'gusu-gzip-siblings',
    apply: 'build',
    configResolved(config) {
      dir = config.build.outDir
    },
    closeBundle() {
      walk(dir)
    },
  }
}

const server = process.env.GUSU_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [
    vue(),
    Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] }),
    gzipSiblings(),
  ],
  resolve: { alias: [{ find: /^crypto$/, replacement: fileURLToPath(new URL('./src/lib/nothing.ts', import.meta.url)) }] },
  build: {
    outDir: process.env.GUSU_WEB_OUT ?? '../build/web',
    emptyOutDir: true,
    target: 'es2020',
    // data: URLs would need a wider CSP
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/ledger/', '/catalog.', '/dataset/', '/datastore/', '/metrics'].map((p) => [p, { target: server }]),
    ),
  },
})
