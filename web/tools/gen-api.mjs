// SPDX-License-Identifier: MulanPSL-2.0
// Writes src/api/schema.d.ts, the reply shapes of the OpenAPI document of a running gusu:
//   node tools/gen-api.mjs http://localhost:8080
// The types of the screens (types.ts) are held against it by agree.ts, so a field that the server renamed or
// dropped stops the build instead of leaving an empty cell on a screen. Paths are held by test/page/paths.test.ts.
import { writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const url = process.argv[2] ?? process.env.GUSU_URL ?? 'http://localhost:8080'
const whole = await (await fetch(new URL('/api/openapi.json', url))).json()
const { schemas } = whole.components
// order of the routes must not show as a change of this file
const sorted = Object.fromEntries(Object.keys(schemas).sort().map((k) => [k, schemas[k]]))
const ast = await openapiTS({ openapi: whole.openapi, info: whole.info, paths: {}, components: { schemas: sorted } })
const head = '// SPDX-License-Identifier: MulanPSL-2.0\n// Generated from /api/openapi.json by tools/gen-api.mjs; never edited by hand.\n'
const text = astToString(ast).replace(/^ *\/\*\*.*\*\/\n/gm, '').replace(/^ *\/\*\*\n( *\*.*\n)*? *\*\/\n/gm, '')
writeFileSync(new URL('../src/api/schema.d.ts', import.meta.url), head + text)
console.log(`src/api/schema.d.ts: ${Object.keys(sorted).length} shapes`)
