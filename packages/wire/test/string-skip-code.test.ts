import { expect, it } from 'vitest'
import { stringSkipCode } from '../src/json/string-skip-code.ts'
import { assembled } from '../wasm/assembled.ts'

it('is what its text says: pnpm generate wasm', async () => {
  expect(stringSkipCode).toBe(await assembled())
})
