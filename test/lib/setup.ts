// SPDX-License-Identifier: MulanPSL-2.0
// One server per run of a project. GUSU_URL points the tests at a server that already runs (for working by hand).
import type { TestProject } from 'vitest/node'
import { start } from './server'

declare module 'vitest' {
  export interface ProvidedContext {
    url: string
    data: string
  }
}
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.env.GUSU_URL) {
    project.provide('url', process.env.GUSU_URL)
    project.provide('data', process.env.GUSU_DATA ?? '')
    return async () => {}
  }
  const server = await start()
  project.provide('url', server.url)
  project.provide('data', server.data)
  return () => server.stop()
}
