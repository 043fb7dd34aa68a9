/** Writes what is made from `string-skip-text.ts`: `pnpm generate wasm`. */
import { writeFileSync } from 'node:fs'
import { assembled } from './assembled.ts'

writeFileSync(
  new URL('../src/json/string-skip-code.ts', import.meta.url),
  `/** WebAssembly of \`wasm/string-skip-text.ts\`. Written by \`pnpm generate wasm\`. */
export const stringSkipCode: string =
  '${await assembled()}'
`,
)
