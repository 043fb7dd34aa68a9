import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import * as testing from './index.ts'

const AsyncFunction = (async () => {}).constructor as FunctionConstructor

it('does what the README says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const said = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, value]) => value)
  const printed: string[] = []
  const body = example.replace(/^import (\{.*\}) from '@spillway\/testing'$/m, 'const $1 = testing')
  const print = { log: (value: unknown) => printed.push(String(value)) }
  await AsyncFunction('testing', 'console', body)(testing, print)
  expect(printed).toEqual(said)
  expect(said).toHaveLength(3)
})
