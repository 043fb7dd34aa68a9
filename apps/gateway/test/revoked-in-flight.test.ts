import Anthropic from '@anthropic-ai/sdk'
import { startClaude } from '@spillway/testing'
import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'

const question = { max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hello?' }] }
const model = 'claude-opus-5-5'

/** A gateway with a client whose stream pauses after some content for as long as is said. */
async function pausing(onRevoke: 'finish' | 'cut' | undefined, ms: number) {
  const claude = forThisTest(
    await startClaude({ models: [model], reply: { text: 'Some words that go on.' } }),
  )
  claude.next({ type: 'stall', afterChunks: 3, ms })
  const clients = await clientsOf({ web: {}, other: {} })
  const server = { ...clients.server, ...(onRevoke && { onRevoke }) }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }))
  return { claude, clients, gateway, key: clients.keys.web as string }
}

const fetched = (url: string, key: string, stream: boolean): Promise<Response> =>
  fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify({ ...question, model, stream }),
  })

it('streams of a client that is revoked finish where nothing else is said', async () => {
  const { clients, gateway, key } = await pausing(undefined, 1_500)
  const answer = await fetched(gateway.url, key, true)
  await clients.revoke('web')
  expect(await answer.text()).toContain('message_stop')
  expect((await fetched(gateway.url, key, false)).status).toBe(401)
})

it('with onRevoke: cut they end within a second, with an error that SDKs show, and nothing goes on upstream', async () => {
  const { claude, clients, gateway, key } = await pausing('cut', 20_000)
  const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 })
  const stream = await anthropic.messages.create({ ...question, model, stream: true })
  const types: string[] = []
  const told = (async () => {
    for await (const { type } of stream) types.push(type)
  })().catch((error: Error) => error)
  await expect.poll(() => types.length).toBeGreaterThan(2)
  const revokedAt = performance.now()
  await clients.revoke('web')
  expect(String(await told)).toContain('the key of this client was revoked during the call')
  expect(performance.now() - revokedAt).toBeLessThan(2_000)
  expect(types).not.toContain('message_stop')
  expect(await claude.requests.at(-1)?.closedByPeer).toBeGreaterThan(revokedAt)
})

it('a call that has sent nothing yet is refused; those of other clients go on', async () => {
  const { clients, gateway, key, claude } = await pausing('cut', 3_000)
  claude.next({ type: 'stall', afterChunks: 3, ms: 3_000 })
  const [own, others] = [
    fetched(gateway.url, key, false),
    fetched(gateway.url, clients.keys.other as string, false),
  ]
  await expect.poll(() => claude.requests.length).toBe(2)
  await clients.revoke('web')
  const refused = await own
  expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([401, 'false'])
  expect(await refused.json()).toMatchObject({ error: { type: 'authentication_error' } })
  expect((await others).status).toBe(200)
})

it('chat completions get the error as their clients read it', async () => {
  const { clients, gateway, key } = await pausing('cut', 20_000)
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
  const stream = await openai.chat.completions.create({ ...question, model, stream: true })
  const told = (async () => {
    let chunks = 0
    for await (const _ of stream) if (chunks++ === 1) await clients.revoke('web')
  })().catch((error: Error) => error)
  expect(String(await told)).toContain('revoked during the call')
})
