import { createAnthropic } from '@ai-sdk/anthropic'
import { resilient } from '@spillway/resilient'
import { generateText } from 'ai'

const anthropic = createAnthropic({ fetch: resilient(fetch) })

const { text } = await generateText({
  model: anthropic('claude-sonnet-5-5'),
  prompt: 'What does a spillway do?',
  maxRetries: 0,
})
console.log(text)
