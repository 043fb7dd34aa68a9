/**
 * What it costs to observe a call: CPU a call with nothing registered, and with a registered SDK whose export is left out.
 * Beside it the floor: what the SDK alone takes for two empty spans and for as many measurements as such a call makes.
 * `node apps/benchmarks/src/telemetry.ts [--check]`
 */
import { type Attributes, context, propagation, SpanKind, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { NoopSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import {
  bodyOf,
  compose,
  createRequest,
  emit,
  type Handler,
  jsonBodyFromObject,
  type Middleware,
  type Outcome,
} from '@spillway/middleware'
import { attemptTelemetry, telemetry } from '@spillway/telemetry'
import { measure, type Result, type Variant } from './measure.ts'

/** Microseconds that observing a call may add. */
const bounds = { unregistered: 1, registered: 15 }

/** Collects nothing: what is exported, and how, is the application's choice. */
class IdleReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const tracerProvider = new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] })
const meterProvider = new MeterProvider({ readers: [new IdleReader()] })

const outcome: Outcome = {
  failure: undefined,
  usage: {
    inputTokens: 100,
    outputTokens: 50,
    cacheReadTokens: 1000,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    reasoningTokens: 0,
    estimated: false,
  },
  stopReason: 'end_turn',
  model: 'claude-sonnet-5-5',
  timings: { startedAt: 0, headers: 100, firstContent: 200, end: 1000 },
  outputChunks: 20,
  bytes: 5000,
}
const answer = Promise.resolve(outcome)
const bytes = new Uint8Array([1])
const body = jsonBodyFromObject({ model: 'claude-sonnet-5-5', max_tokens: 100, stream: true, messages: [] })

/** A streamed call as far as telemetry sees it. */
const upstream: Handler = async (request) => {
  emit(request, 'attempt.started', { model: request.model })
  emit(request, 'attempt.committed', { status: 200 })
  emit(request, 'attempt.ended', { outcome })
  return {
    status: 200,
    headers: {},
    body: bodyOf(bytes),
    failure: undefined,
    outcome: answer,
    target: 'claude',
  }
}

function variant(name: string, ...middleware: Middleware[]): Variant {
  const handler = compose(middleware, upstream)
  return {
    name,
    async call() {
      const request = createRequest({
        api: 'anthropic',
        model: 'claude-sonnet-5-5',
        stream: true,
        url: 'https://api.anthropic.com/v1/messages',
        headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
        body,
        context: { callId: '1', target: 'claude' },
      })
      const response = await handler(request)
      await response.outcome
    },
  }
}

/** The same spans without anything in them, and the same measurements, straight into the SDK. */
function sdkAlone(): Variant {
  const tracer = tracerProvider.getTracer('floor')
  const meter = meterProvider.getMeter('floor')
  const call: Attributes = Object.freeze({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': outcome.model,
    'gen_ai.response.model': outcome.model,
  })
  const typed = (type: string) => Object.freeze({ ...call, 'gen_ai.token.type': type })
  const counted = (type: string) =>
    Object.freeze({
      'gen_ai.token.type': type,
      'spillway.target': 'claude',
      'spillway.usage.estimated': false,
    })
  const histograms: readonly Attributes[] = [
    ...[call, call, call, typed('input'), typed('output')],
    Object.freeze({ 'spillway.target': 'claude' }),
  ]
  const counters: readonly Attributes[] = [
    ...['input', 'output', 'cache_read'].map(counted),
    Object.freeze({ 'spillway.served_by': 'claude' }),
  ]
  const measured = histograms.map((attributes, index) => {
    const histogram = meter.createHistogram(`histogram.${index}`)
    return () => histogram.record(1, attributes)
  })
  const added = counters.map((attributes, index) => {
    const counter = meter.createCounter(`counter.${index}`)
    return () => counter.add(1, attributes)
  })
  const active = meter.createUpDownCounter('active')
  return {
    name: `the SDK alone: 2 empty spans, ${measured.length + added.length + 2} measurements`,
    async call() {
      active.add(1)
      const span = tracer.startSpan('chat', { kind: SpanKind.CLIENT })
      tracer.startSpan('attempt', { kind: SpanKind.CLIENT }, trace.setSpan(context.active(), span)).end()
      for (const record of measured) record()
      for (const add of added) add()
      span.end()
      active.add(-1)
    },
  }
}

console.log(`Node ${process.version}; CPU microseconds a call, medians of 15 rounds, 16 calls at a time\n`)
const [bare, unregistered, registered, floor] = (await measure(
  [
    variant('without telemetry'),
    variant('telemetry, nothing registered', telemetry(), attemptTelemetry()),
    variant(
      'telemetry, SDK registered, no export',
      telemetry({ tracerProvider, meterProvider }),
      attemptTelemetry({ tracerProvider }),
    ),
    sdkAlone(),
  ],
  { rounds: 15, calls: 5_000, concurrency: 16 },
)) as [Result, Result, Result, Result]
for (const { name, median } of [bare, unregistered, registered, floor])
  console.log(`  ${name.padEnd(50)} ${median.toFixed(2).padStart(8)}`)
console.log()
report('nothing registered', unregistered.median - bare.median, bounds.unregistered)
report('an SDK registered', registered.median - bare.median, bounds.registered)
console.log(`          of which the SDK alone takes about ${floor.median.toFixed(2)} µs`)

function report(what: string, added: number, bound: number): void {
  const holds = added < bound
  console.log(
    `  ${holds ? 'holds ' : 'MISSED'}  with ${what} a call costs ${added.toFixed(2)} µs more, less than ${bound} µs`,
  )
  if (process.argv.includes('--check') && !holds) process.exitCode = 1
}
