import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { configJsonSchema } from './json-schema.ts'

it('spillway.schema.json is the one that the configuration is checked by (else run `pnpm run schema`)', () => {
  const published = readFileSync(new URL('../../spillway.schema.json', import.meta.url), 'utf8')
  // The formatter lays the file out in its own way.
  expect(JSON.parse(published)).toEqual(JSON.parse(configJsonSchema()))
})
