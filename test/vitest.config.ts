// SPDX-License-Identifier: MulanPSL-2.0
// Three projects. `words` needs nothing; `api` and `page` each start one gusu of their own on a temporary folder
// and run their files one after another against it, so that a test may rely on what an earlier file published.
import { defineConfig } from 'vitest/config'

const served = { globalSetup: ['./lib/setup.ts'], fileParallelism: false, hookTimeout: 120_000, testTimeout: 60_000 }
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'words', include: ['page/words.test.ts'] } },
      { test: { name: 'api', include: ['api/**/*.test.ts'], ...served } },
      { test: { name: 'page', include: ['page/**/*.test.ts'], ...served } },
    ],
  },
})
