import { inspect } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { MessageChannel } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { Secret } from './secret.ts'

const value = 'sk-ant-canary-0123456789'
const secret = new Secret({ name: 'claude', version: 3, environment: 'production' }, value)
const shown = '[secret claude v3]'

it.each<[string, () => unknown]>([
  ['String()', () => String(secret)],
  ['toString', () => secret.toString()],
  ['a template', () => `${secret}`],
  ['concatenation', () => `${''}${secret}`],
  ['JSON', () => JSON.parse(JSON.stringify(secret))],
  ['JSON of what holds it', () => JSON.parse(JSON.stringify({ secret })).secret],
  ['inspect', () => inspect(secret)],
  [
    'inspect with all there is',
    () => inspect(secret, { showHidden: true, depth: Infinity, showProxy: true, getters: true }),
  ],
  ['an error message', () => new Error(String(secret)).message],
  ['structuredClone', () => String(structuredClone(secret))],
  ['v8.serialize', () => String(deserialize(serialize(secret)))],
  ['Buffer.from', () => Buffer.from(secret as unknown as string).toString()],
  ['an object of its own fields', () => Object.values({ ...secret }).join('')],
  ['Object.assign', () => Object.values(Object.assign({}, secret)).join('')],
  ['URL parameters', () => new URLSearchParams({ secret: secret as unknown as string }).get('secret')],
  ['valueOf', () => secret.valueOf()],
])('%s gives its label', (_, show) => {
  expect(show()).toBe(shown)
})

it('gives its label in a message to another thread', async () => {
  const { port1, port2 } = new MessageChannel()
  const arrived = new Promise((resolve) => port2.once('message', resolve))
  port1.postMessage(secret)
  expect(String(await arrived)).toBe(shown)
  port1.close()
})

it('has its facts, a fingerprint, and the value only when it is asked for', () => {
  const facts = { name: 'claude', version: 3, environment: 'production', fingerprint: 'a'.repeat(22) }
  const { name, version, environment, fingerprint } = new Secret(facts, value)
  expect({ name, version, environment, fingerprint }).toEqual(facts)
  expect(secret.fingerprint).toBeUndefined()
  expect(secret.expose()).toBe(value)
  expect(Object.getOwnPropertyNames(secret)).not.toContain('value')
})
