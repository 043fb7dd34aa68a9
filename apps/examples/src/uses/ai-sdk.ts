import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { resilientModel } from '@spillway/ai-sdk'
import { retry } from '@spillway/retry'
import { startClaude, startOpenAi } from '@spillway/testing'
import { streamText } from 'ai'

await using claude = await startClaude()
await using gpt = await startOpenAi({ reply: { text: 'It carries water around a full dam.' } })
claude.always({ type: 'status', status: 529 })

const anthropic = createAnthropic({ apiKey: 'any', baseURL: `${claude.url}/v1` })
const openai = createOpenAI({ apiKey: 'any', baseURL: `${gpt.url}/v1` })

const { textStream } = streamText({
  model: resilientModel([anthropic('claude-opus-5-5'), openai('gpt-5.2')], {
    each: () => [retry({ attempts: 2 })],
    onFallback: ({ to, failure }) => console.log(`${failure.kind}: asking ${to}`),
  }),
  prompt: 'What does a spillway do?',
  maxRetries: 0,
})
for await (const text of textStream) process.stdout.write(text)
console.log()
