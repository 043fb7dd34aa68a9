import { defaultTimeouts } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { createClient } from './client.ts'
import { poolDefaults, poolSettings } from './connection-pool.ts'

it.each(Object.keys(poolDefaults))('pool.%s that is undefined means its default', (name) => {
  expect(poolSettings({ [name]: undefined })).toEqual(poolSettings({}))
})

it.each([
  ...['credential', 'scheme', 'baseUrl', 'name', 'model', 'app', 'forwardHeaders', 'middleware'],
  ...['timeouts', 'pool', 'clock'],
])('a client’s %s that is undefined means its default', async (name) => {
  await using usual = createClient({ provider: 'anthropic' })
  await using client = createClient({ provider: 'anthropic', [name]: undefined })
  expect([client.name, client.baseUrl, client.hasCredential]).toEqual([
    usual.name,
    usual.baseUrl,
    usual.hasCredential,
  ])
})

it.each(Object.keys(defaultTimeouts))('timeouts.%s that is undefined means its default', async (name) => {
  await using client = createClient({ provider: 'anthropic', timeouts: { [name]: undefined } })
  expect(client.name).toBe('anthropic')
})
