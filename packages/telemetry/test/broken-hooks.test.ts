import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { attemptTelemetry, type TelemetryOptions, telemetry, wrapFetch } from '../src/index.ts'
import { telemetryDefaults } from '../src/telemetry-options.ts'
import { type Observation, observe } from './observation.ts'

let claude: SimulatedServer
let observation: Observation
const warn = vi.spyOn(process, 'emitWarning')

beforeEach(async () => {
  claude = await startClaude()
  observation = observe()
  warn.mockReset().mockImplementation(() => {})
})
afterEach(async () => {
  await observation.close()
  await claude.close()
})

async function call(options: TelemetryOptions): Promise<number> {
  const { tracerProvider, meterProvider } = observation
  const send = wrapFetch(
    fetch,
    telemetry({ tracerProvider, meterProvider, ...options }),
    attemptTelemetry({ tracerProvider }),
  )
  const body = { model: 'claude-sonnet-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }
  const headers = { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' }
  const response = await send(`${claude.url}/v1/messages`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  await response.text()
  return response.status
}

const fail = (): never => {
  throw new Error('sk-secret')
}

describe('what users pass to telemetry', () => {
  it.each<[string, TelemetryOptions]>([
    ['attributes', { attributes: fail }],
    ['provider', { provider: fail }],
  ])('breaks no call where it throws, and is told of once: %s', async (name, options) => {
    const { tracerProvider, meterProvider } = observation
    const send = telemetry({ tracerProvider, meterProvider, ...options })
    const twice = wrapFetch(fetch, send)
    for (let times = 0; times < 2; times++) {
      const body = JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] })
      const headers = { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' }
      const response = await twice(`${claude.url}/v1/messages`, { method: 'POST', headers, body })
      expect(response.status).toBe(200)
      await response.text()
    }
    await vi.waitFor(() => expect(observation.spans).toHaveLength(2))
    const warnings = warn.mock.calls.map(([text]) => text)
    expect(warnings).toEqual([expect.stringContaining(`telemetry.${name} threw Error`)])
    expect(warnings.join()).not.toContain('sk-secret')
  })

  it.each(['a promise', 'text', 'null'])('breaks no call where attributes are %s', async (what) => {
    const answers = { 'a promise': Promise.resolve({ a: 1 }), text: 'a', null: null }
    const attributes = (): never => answers[what as keyof typeof answers] as never
    expect(await call({ attributes })).toBe(200)
  })

  it('breaks no call where a tracer of theirs throws', async () => {
    const tracerProvider = { getTracer: () => ({ startSpan: fail, startActiveSpan: fail }) }
    expect(await call({ tracerProvider })).toBe(200)
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it.each([...Object.keys(telemetryDefaults), 'provider', 'attributes'])(
    'means the default where it is undefined: %s',
    async (name) => {
      await call({})
      await call({ [name]: undefined })
      await vi.waitFor(() => expect(observation.spans).toHaveLength(4))
      const [, usual, , given] = observation.spans.map(({ attributes }) => Object.keys(attributes).sort())
      expect(given).toEqual(usual)
    },
  )
})
