import { expect, it } from 'vitest'
import { describeConfig } from '../cli/describe.ts'
import { clientsPlaceOf } from '../clients/clients-place.ts'
import { parseConfig } from './load-config.ts'

const configOf = (server: string, storage = '') =>
  parseConfig(
    `server: { auth: keys, ${server} }
targets: { claude: { api: anthropic, endpoints: [{ url: "http://127.0.0.1:1" }] } }
routes: [{ models: "*", target: claude }]
${storage}`,
    'FILE',
  ).config

const key = 'fingerprintKey: "env:CLIENTS_TEST_KEY"'
process.env.CLIENTS_TEST_KEY = 'a-secret-for-tests-of-client-keys-0123456789'

it.each([
  [
    `clientsDatabase: storage, ${key}`,
    'storage: { url: "sqlite:a.db" }',
    /clientsDatabase: .*storage\.url is no postgres/,
  ],
  [`clientsDatabase: storage, ${key}`, '', /storage\.url is no postgres/],
  [`clientsDatabase: "sqlite:a.db", ${key}`, '', /expected storage .*, postgres:\/\/…, or env:NAME/],
  [`clientsDatabase: "env:A", clientsFile: a.json, ${key}`, '', /kept in one place/],
  ['clientsDatabase: "postgres://127.0.0.1/a"', '', /set server\.fingerprintKey too/],
])('%s with %s is refused', (server, storage, message) => {
  expect(() => configOf(server, storage)).toThrow(message)
})

it('clients are in a database where that is said, and its password is not shown', () => {
  process.env.CLIENTS_TEST_URL = 'postgres://u:top-secret@db/clients'
  const named = configOf(`clientsDatabase: "env:CLIENTS_TEST_URL", ${key}`)
  expect(clientsPlaceOf(named)).toEqual({ database: process.env.CLIENTS_TEST_URL })
  const text = describeConfig(named)
  expect(text).toContain('postgres://db/clients')
  expect(text).not.toContain('top-secret')
  const storage = configOf(`clientsDatabase: storage, ${key}`, 'storage: { url: "postgres://db/books" }')
  expect(clientsPlaceOf(storage)).toEqual({ database: 'postgres://db/books' })
  delete process.env.CLIENTS_TEST_URL
  expect(() => clientsPlaceOf(named)).toThrow(
    'server.clientsDatabase: env:CLIENTS_TEST_URL is no postgres://… URL',
  )
})
