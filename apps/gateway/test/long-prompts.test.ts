import { startClaude, startOllama } from '@spillway/testing'
import { expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const sentence = 'This one carries calls around an endpoint that is full, slow, limited or down for now. '

/** English prose of so many tokens, of 4.4 characters each. */
const prose = (tokens: number): object =>
  messages({ messages: [{ role: 'user', content: sentence.repeat((tokens * 4.4) / sentence.length) }] })

it.each([
  [160_000, 200],
  [190_000, 200],
  [260_000, 529],
])(
  'a fallback with a context of 200,000 tokens is asked unless the prompt is surely longer: %i',
  async (tokens, status) => {
    const claude = forThisTest(await startClaude({ fault: () => ({ type: 'status', status: 529 }) }))
    const ollama = forThisTest(await startOllama())
    const local = targetAt(ollama, 'ollama', { model: 'llama3.2', capabilities: { contextTokens: 200_000 } })
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local))
    const received = await send(`${gateway.url}/v1/messages`, { body: prose(tokens) })
    expect(received.status).toBe(status)
  },
)
