import { readFileSync } from 'node:fs'
import { startOllama } from '@spillway/testing'
import { expect, it } from 'vitest'
import { fitDefaults } from '../src/fit.ts'
import type { Loss } from '../src/protocols/loss.ts'
import { translateDefaults } from '../src/translate.ts'
import { localFetch } from './readme-example.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const losses: Record<Loss, true> = {
  audio: true,
  betas: true,
  cache_control: true,
  choices: true,
  citations: true,
  custom_tools: true,
  documents: true,
  effort: true,
  fallbacks: true,
  images: true,
  logprobs: true,
  max_tokens: true,
  metadata: true,
  parallel_tool_calls: true,
  pause_turn: true,
  penalties: true,
  prefill: true,
  seed: true,
  server_tools: true,
  service_tier: true,
  stop_sequences: true,
  structured_output: true,
  system_messages: true,
  temperature: true,
  thinking: true,
  token_count: true,
  tool_arguments: true,
  tool_choice: true,
  tool_results: true,
  top_k: true,
  top_p: true,
  unknown_fields: true,
}

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using server = await startOllama()
  const response = await localFetch(`${server.url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'llama3.2',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  })
  expect(await response.json()).toMatchObject({ type: 'message', stop_reason: 'end_turn' })
  expect(server.requests[0]?.path).toBe('/v1/chat/completions')
})

it('lists the defaults as they are', () => {
  for (const [name, value] of Object.entries({ ...translateDefaults, ...fitDefaults })) {
    const written =
      typeof value === 'string' ? `'${value}'` : typeof value === 'object' ? '{}' : String(value)
    expect(readme).toMatch(new RegExp(`^\\| \`${name}\` +\\| \`${written}\` +\\|`, 'm'))
  }
})

it('lists every loss', () => {
  const section = /## What gets lost(.*?)\n## /s.exec(readme)?.[1] ?? ''
  const listed = [...section.matchAll(/`([a-z_]+)`/g)].map(([, word]) => word)
  expect(listed).toEqual(Object.keys(losses))
})
