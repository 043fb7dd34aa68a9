import { startClaude } from '@spillway/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient, type RequestSigner, type UnsignedRequest } from './index.ts'

let claude: Awaited<ReturnType<typeof startClaude>>
beforeAll(async () => {
  claude = await startClaude({ apiKeys: ['signed-2'] })
})
afterAll(() => claude.close())

it('signs each attempt as it will be sent, and once more where the signer has a better signature', async () => {
  const signed: UnsignedRequest[] = []
  let round = 1
  const signer: RequestSigner = {
    sign(request) {
      signed.push(request)
      return { headers: { 'x-api-key': `signed-${round}` } }
    },
    refused: ({ status }) => status === 401 && round++ === 1,
  }
  const provider = { name: 'venue', baseUrl: `${claude.url}/v1`, path: () => '/v1/messages' }
  await using client = createClient({ provider, credential: signer })
  expect((await client.complete('hello', { model: 'claude-sonnet-5-5' })).text).not.toBe('')
  expect(client.provider).toBe('venue')
  expect(signed.map(({ url }) => url.href)).toEqual([
    `${claude.url}/v1/messages`,
    `${claude.url}/v1/messages`,
  ])
  expect(Buffer.from(signed[0]?.body as Uint8Array).toString()).toContain('hello')
})

it('fails the call where the signer has no key, without a word of it', async () => {
  const signer: RequestSigner = {
    sign: () => Promise.reject(new Error('secret')),
    refused: () => false,
  }
  await using client = createClient({ provider: { name: 'venue', baseUrl: claude.url }, credential: signer })
  const failed = client.complete('hello', { model: 'claude-sonnet-5-5' })
  await expect(failed).rejects.toThrow('the credential could not be obtained (Error)')
})
