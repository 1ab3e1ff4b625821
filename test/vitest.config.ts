// SPDX-License-Identifier: MulanPSL-2.0
// Three projects. `words` needs nothing; `api` and `page` each start one gusu of their own on a temporary folder
// and run their files one after another against it, so that a test may rely on what an earlier file published.
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// By name, not by last run's length: the same order on every machine, and zz-… really is last.
class ByName extends BaseSequencer {
  async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return [...files].sort((a, b) => (a.moduleId < b.moduleId ? -1 : 1))
  }
}

const served = { globalSetup: ['./lib/setup.ts'], fileParallelism: false, hookTimeout: 120_000, testTimeout: 60_000 }
export default defineConfig({
  test: {
    sequence: { sequencer: ByName },
    projects: [
      { test: { name: 'words', include: ['page/words.test.ts'] } },
      { test: { name: 'api', include: ['api/**/*.test.ts'], ...served } },
      { test: { name: 'page', include: ['page/**/*.test.ts'], ...served } },
      { test: { name: 'nodes', include: ['nodes/**/*.test.ts'], fileParallelism: false, hookTimeout: 180_000, testTimeout: 180_000 } },
    ],
  },
})
