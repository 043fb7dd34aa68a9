import { afterEach, beforeEach, expect, it } from 'vitest'
import { startTransit, type TransitServer } from './transit.ts'

let server: TransitServer
beforeEach(async () => {
  server = await startTransit()
})
afterEach(() => server.close())

const base64 = (text: string): string => Buffer.from(text).toString('base64')

async function ask(path: string, body: object = {}, token = 'transit-token') {
  const response = await fetch(`${server.url}/v1/${path}`, {
    method: 'POST',
    headers: { 'x-vault-token': token },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  const json = text === '' ? {} : (JSON.parse(text) as { data?: Record<string, string>; errors?: string[] })
  return { status: response.status, data: json.data ?? {}, errors: (json.errors ?? []).join() }
}

it('decrypts what it has encrypted, with the same associated data only', async () => {
  const bound = { associated_data: base64('context') }
  const { data } = await ask('transit/encrypt/spillway', { plaintext: base64('secret'), ...bound })
  expect(data.ciphertext).toMatch(/^vault:v1:/)
  const { ciphertext } = data
  const opened = await ask('transit/decrypt/spillway', { ciphertext, ...bound })
  expect(opened.data.plaintext).toBe(base64('secret'))
  const other = await ask('transit/decrypt/spillway', { ciphertext })
  expect(other).toMatchObject({ status: 400, errors: 'cipher: message authentication failed' })
})

it('rotates, wraps anew, and refuses versions that are too old', async () => {
  const { data } = await ask('transit/encrypt/spillway', { plaintext: base64('secret') })
  await ask('transit/keys/spillway/rotate')
  const wrapped = await ask('transit/rewrap/spillway', { ciphertext: data.ciphertext })
  expect(wrapped.data.ciphertext).toMatch(/^vault:v2:/)
  await ask('transit/keys/spillway/config', { min_decryption_version: 2 })
  expect(await ask('transit/decrypt/spillway', { ciphertext: data.ciphertext })).toMatchObject({
    status: 400,
  })
  const opened = await ask('transit/decrypt/spillway', { ciphertext: wrapped.data.ciphertext })
  expect(opened.data.plaintext).toBe(base64('secret'))
})

it('gives data keys', async () => {
  const { data } = await ask('transit/datakey/plaintext/spillway', { bits: 256 })
  const opened = await ask('transit/decrypt/spillway', { ciphertext: data.ciphertext })
  expect(opened.data.plaintext).toBe(data.plaintext)
  expect(Buffer.from(data.plaintext as string, 'base64')).toHaveLength(32)
  expect((await ask('transit/datakey/wrapped/spillway')).data.plaintext).toBeUndefined()
})

it('makes keys, and has none that nobody made', async () => {
  expect((await ask('transit/decrypt/other', { ciphertext: 'vault:v1:AAAA' })).status).toBe(400)
  expect((await ask('transit/keys/other')).status).toBe(204)
  expect((await ask('transit/encrypt/other', { plaintext: base64('x') })).status).toBe(200)
  expect((await ask('elsewhere/encrypt/spillway')).status).toBe(404)
})

it('checks tokens and policies, and says so', async () => {
  const wrong = await ask('transit/encrypt/spillway', {}, 'wrong')
  expect(wrong.status).toBe(403)
  expect(wrong.errors).toContain('invalid token')
  server.deny('encrypt')
  const denied = await ask('transit/encrypt/spillway')
  expect(denied.status).toBe(403)
  expect(denied.errors).not.toContain('invalid token')
  server.deny(undefined)
  server.expireToken('transit-token')
  expect((await ask('transit/encrypt/spillway')).status).toBe(403)
})

it('answers 503 while it is sealed', async () => {
  server.seal()
  expect(await ask('transit/encrypt/spillway')).toMatchObject({ status: 503, errors: 'Vault is sealed' })
  expect((await fetch(`${server.url}/v1/sys/health`)).status).toBe(503)
  server.seal(false)
  expect((await ask('transit/encrypt/spillway', { plaintext: '' })).status).toBe(200)
})

it('takes faults', async () => {
  server.next({ type: 'throttled' }, { type: 'internal' })
  expect((await ask('transit/encrypt/spillway')).status).toBe(429)
  expect((await ask('transit/encrypt/spillway')).status).toBe(500)
  expect((await ask('transit/encrypt/spillway')).status).toBe(200)
})
