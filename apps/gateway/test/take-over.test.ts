import Anthropic from '@anthropic-ai/sdk'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const beginning = 'A spillway carries water around a dam'
const cut = { type: 'cut', at: 'after-content', how: 'reset', afterChunks: 7 } as const

async function brokenGateway(midStream: string) {
  const claude = forThisTest(await startClaude({ reply: { text: `${beginning} that is full.` } }))
  const local = forThisTest(await startClaude({ reply: { text: ' that is full.' } }))
  claude.always(cut)
  const targets = [targetAt(claude, 'anthropic'), targetAt(local, 'anthropic')] as const
  const gateway = await gatewayOf(configOf(...targets, { fallback: { midStream } }))
  return { gateway, claude, local }
}

it('continue: the SDK assembles one valid message from two targets', async () => {
  const { gateway, local } = await brokenGateway('continue')
  const client = new Anthropic({ apiKey: 'sk-any', baseURL: gateway.url, maxRetries: 0 })
  const message = await client.messages
    .stream(messages({ model: 'claude-haiku-4-5' }) as unknown as Anthropic.MessageCreateParamsNonStreaming)
    .finalMessage()
  expect(message.content).toMatchObject([{ type: 'text', text: `${beginning} that is full.` }])
  expect(local.requests).toHaveLength(1)
})

it('restart: a marked new message, for clients that accept it', async () => {
  const { gateway, claude, local } = await brokenGateway('restart')
  const body = messages({ stream: true })
  const accepted = await send(`${gateway.url}/v1/messages`, {
    body,
    headers: { 'x-spillway-restart': 'accept' },
  })
  expect(accepted.text).toContain('event: spillway_restart\n')
  expect(accepted.text.trimEnd()).toMatch(/message_stop"\}$/)
  expect(claude.requests[0]?.headers).not.toHaveProperty('x-spillway-restart')
  const others = await send(`${gateway.url}/v1/messages`, { body })
  expect(others.text.trimEnd().split('\n\n').at(-1)).toMatch(/^event: error/)
  expect(local.requests).toHaveLength(1)
})

it('fail, the default: an error event', async () => {
  const { gateway, local } = await brokenGateway('fail')
  const { text } = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
  expect(text.trimEnd().split('\n\n').at(-1)).toMatch(/^event: error/)
  expect(local.requests).toHaveLength(0)
})
