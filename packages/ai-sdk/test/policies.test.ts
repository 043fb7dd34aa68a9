import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { rateLimit } from '@spillway/rate-limit'
import { resilience } from '@spillway/resilient'
import { retry } from '@spillway/retry'
import { attemptTelemetry, telemetry } from '@spillway/telemetry'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { resilientModel } from '../src/index.ts'
import { begin, end, fakeModel, partsOf, said, streamed, textOf, words } from './fake-model.ts'

// The policies of the other packages, around models, as they are.

const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hi' }] }]

it('is observed by telemetry: a span for the call, one for each attempt, tokens, and the trace for the upstream', async () => {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const flaky = fakeModel({
    stream: (call) => (call === 1 ? begin : streamed('Hello')),
  })
  const model = resilientModel([flaky], {
    around: [telemetry({ tracerProvider, provider: ({ context }) => context.target ?? 'unknown' })],
    each: () => [retry({ baseDelay: 1 }), attemptTelemetry({ tracerProvider })],
  })
  expect(textOf(await partsOf((await model.doStream({ prompt })).stream))).toBe('Hello')
  const spans = exporter.getFinishedSpans()
  expect(spans.map(({ name }) => name)).toEqual(['attempt fake/m', 'attempt fake/m', 'chat m'])
  expect(spans[0]?.attributes['error.type']).toBe('truncated')
  expect(spans[2]?.attributes).toMatchObject({
    'gen_ai.usage.input_tokens': 12,
    'gen_ai.usage.output_tokens': 5,
    'gen_ai.response.finish_reasons': ['end_turn'],
    'spillway.attempts': 2,
  })
})

it('is admitted by a rate limit until the last part of an answer', async () => {
  const rest = Promise.withResolvers<void>()
  const slow = fakeModel({
    stream: () => [...begin, words('One'), rest.promise, ...end],
    generate: () => said('Two'),
  })
  const model = resilientModel([slow], { each: () => [rateLimit({ concurrency: 1 })] })
  const { stream } = await model.doStream({ prompt })
  const second = model.doGenerate({ prompt })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(slow.calls).toHaveLength(1)
  rest.resolve()
  await partsOf(stream)
  expect((await second).content).toEqual([{ type: 'text', text: 'Two' }])
})

it('keeps to limits of tokens, by what the models report', async () => {
  const clock = virtualClock()
  const one = fakeModel({ generate: () => said('Hello') })
  const limits = rateLimit({ outputTokensPerMinute: 12, maxWait: 0 })
  const model = resilientModel([one], { clock, each: () => [limits] })
  const call = { prompt, maxOutputTokens: 5 }
  await model.doGenerate(call)
  await model.doGenerate(call)
  await expect(model.doGenerate(call)).rejects.toMatchObject({ code: 'SPILLWAY_SATURATED' })
  await clock.advance(61_000)
  await model.doGenerate(call)
  expect(one.calls).toHaveLength(3)
})

it('takes the recommended chain around each model', async () => {
  const first = fakeModel({ provider: 'a', stream: () => begin })
  const second = fakeModel({ provider: 'b', stream: (call) => (call === 1 ? begin : streamed('Hello')) })
  const each = () => [resilience({ retry: { attempts: 2, baseDelay: 1 } })]
  const { stream } = await resilientModel([first, second], { each }).doStream({ prompt })
  const parts = await partsOf(stream)
  expect(textOf(parts)).toBe('Hello')
  expect(parts.at(-1)).toMatchObject({ providerMetadata: { spillway: { servedBy: 'b/m', attempts: 4 } } })
})
