import * as published from '@opentelemetry/semantic-conventions/incubating'
import { expect, it } from 'vitest'
import { conventions } from './conventions.ts'

const exported: ReadonlySet<unknown> = new Set(
  Object.values(published).filter((value) => typeof value === 'string'),
)

it('writes by default only names that the published package has', () => {
  const { attributes, metrics } = conventions.published
  const names = [...Object.values(attributes), ...Object.values(metrics)].filter((name) => name !== undefined)
  expect(names.length).toBeGreaterThan(28)
  expect(names.filter((name) => !exported.has(name))).toEqual([])
})

it('has the published names of everything else that it writes', () => {
  for (const name of [
    'error.type',
    'server.address',
    'server.port',
    'http.request.method',
    'http.request.resend_count',
    'http.response.status_code',
  ])
    expect(exported).toContain(name)
})

it('renames only what the newer conventions renamed', () => {
  const { published: old, latest } = conventions
  const changed = Object.entries(latest.attributes).filter(
    ([name, value]) => value !== old.attributes[name as keyof typeof old.attributes],
  )
  expect(changed).toEqual([
    ['reasoningLevel', 'gen_ai.request.reasoning.level'],
    ['cacheWriteTokens', 'gen_ai.usage.cache_write.input_tokens'],
  ])
  expect(Object.values(latest.metrics).filter((name) => exported.has(name as string))).toEqual([])
})
