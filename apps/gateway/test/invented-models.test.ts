import { spawnSync } from 'node:child_process'
import { createRequest, type ModelResponse, type Outcome, type Usage } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Observability, openObservability } from '../src/telemetry/observability.ts'

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined

const failures = [undefined, 'not_found', 'server', 'timeout', 'overloaded'] as const

const usage: Usage = {
  inputTokens: 9,
  outputTokens: 9,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}

function outcomeOf(index: number): Outcome {
  const kind = failures[index % failures.length]
  return {
    failure: kind && { kind, retryable: false, scope: 'request', origin: 'upstream', message: kind },
    usage,
    stopReason: 'end_turn',
    model: `answer-${index % 67}`,
    timings: { startedAt: 0, headers: 1, firstContent: 2, end: 9 },
    bytes: 9,
    outputChunks: 9,
  }
}

/** Has so many calls behind it, each for a model, and by a tenant, that its caller has invented. */
async function observed(calls: number): Promise<Observability> {
  const observability = await openObservability()
  const body = jsonBodyFromObject({})
  let outcome = outcomeOf(0)
  const send = observability.calls(
    async () => ({ outcome: Promise.resolve(outcome), failure: outcome.failure }) as ModelResponse,
  )
  for (let index = 0; index < calls; index++) {
    outcome = outcomeOf(index)
    const model = `claude-${index % 2 === 0 ? index : index % 71}`
    const context = { tenant: `tenant-${index}` }
    await send(createRequest({ api: 'anthropic', url: '/v1/messages', model, stream: true, body, context }))
    // The SDK bounds the series of what is new between two collections, not of all.
    if (index % 2_500 === 0) await observability.scrape()
  }
  return observability
}

/** How long the event loop stands still at most while this works, in milliseconds. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  const look = (): void => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  const timer = setInterval(look, 1)
  await work()
  look()
  clearInterval(timer)
  return longest
}

describe('/metrics after 10,000 calls for invented models', () => {
  let observability: Observability
  let text: string
  beforeAll(async () => {
    observability = await observed(10_000)
    text = await observability.scrape()
    return () => observability.close()
  }, 60_000)

  it('has a bounded number of series', () => {
    const series = text.match(/^gen_ai_client_operation_duration_count\{/gm)
    expect(series?.length).toBeGreaterThan(100)
    expect(series?.length).toBeLessThanOrEqual(510)
    expect(text).not.toContain('tenant-')
    const counts = text.matchAll(/^gen_ai_client_operation_duration_count\{.*\} (\d+)/gm)
    expect([...counts].reduce((sum, [, count]) => sum + Number(count), 0)).toBe(10_000)
  })

  it('does not hold up calls', async () => {
    let shortest = Infinity
    for (let time = 0; time < 3; time++)
      shortest = Math.min(shortest, await longestBlock(() => observability.scrape()))
    expect(shortest).toBeLessThan(100)
  }, 30_000)

  it.skipIf(!hasPromtool && !process.env.CI)(
    'is what Prometheus reads',
    () => {
      const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input: text,
        encoding: 'utf8',
      })
      // 3 stands for its advice on names, which OpenTelemetry chooses.
      expect([0, 3], stderr).toContain(status)
    },
    30_000,
  )
})
