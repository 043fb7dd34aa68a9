import { resilient } from '@spillway/resilient'
import OpenAI from 'openai'

const openai = new OpenAI({ fetch: resilient(fetch), maxRetries: 0 })

const completion = await openai.chat.completions.create({
  model: 'gpt-5.2',
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(completion.choices[0]?.message.content)
