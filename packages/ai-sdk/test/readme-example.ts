import { anthropic } from '@ai-sdk/anthropic'
import { openai } from '@ai-sdk/openai'
import { resilientModel } from '@spillway/ai-sdk'
import { circuitBreaker } from '@spillway/circuit-breaker-fallback'
import { retry } from '@spillway/retry'
import { generateText } from 'ai'

const model = resilientModel([anthropic('claude-opus-5-5'), openai('gpt-5.2')], {
  each: () => [retry({ attempts: 2 }), circuitBreaker()],
  onFallback: ({ to, failure }) => console.warn(`${failure.kind}: asking ${to}`),
})

const { text } = await generateText({ model, maxRetries: 0, prompt: 'What does a spillway do?' })
console.log(text)
