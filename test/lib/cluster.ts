// SPDX-License-Identifier: MulanPSL-2.0
// A PostgreSQL of the tests' own, in a temporary folder, reached by a socket in it. It can be stopped as a power cut
// would stop its processes ("immediate") and started again on what it had written. fsync stays on.
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PORT = 5432 // only the name of the socket: nothing listens on the network
function bin(name: string): string {
  const root = '/usr/lib/postgresql'
  const version = readdirSync(root).sort((a, b) => Number(b) - Number(a)).find((v) => existsSync(join(root, v, 'bin', name)))
  if (!version) throw new Error('PostgreSQL is not installed: tools/setup pg')
  return join(root, version, 'bin', name)
}
// PostgreSQL does not run as root: then as the user that its package made.
function run(name: string, ...args: string[]): string {
  const root = process.getuid?.() === 0
  const [cmd, all] = root ? ['runuser', ['-u', 'postgres', '--', bin(name), ...args]] : [bin(name), args]
  return execFileSync(cmd as string, all as string[], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
export interface Cluster {
  url: string
  rows: (sql: string) => string
  start: () => void
  stop: (mode: 'fast' | 'immediate') => void
  end: () => void
}
export function cluster(): Cluster {
  const home = mkdtempSync(join(tmpdir(), 'gusu-pg-'))
  const data = join(home, 'd')
  if (process.getuid?.() === 0) {
    const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }))
    const gid = Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'utf8' }))
    chownSync(home, uid, gid)
  }
  run('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C')
  const start = (): void => {
    run('pg_ctl', '-D', data, '-w', '-l', join(home, 'log'), '-o', `-k ${home} -p ${PORT} -c listen_addresses= -c max_connections=200`, 'start')
  }
  const stop = (mode: 'fast' | 'immediate'): void => {
    run('pg_ctl', '-D', data, '-w', '-m', mode, 'stop')
  }
  start()
  const url = `postgres://postgres@/postgres?host=${home}&port=${PORT}`
  return {
    url,
    start,
    stop,
    rows: (sql) => execFileSync('psql', ['-qXAt', url, '-v', 'ON_ERROR_STOP=1', '-c', sql], { encoding: 'utf8' }).trim(),
    end: () => {
      try {
        stop('immediate')
      } finally {
        rmSync(home, { recursive: true, force: true })
      }
    },
  }
}
