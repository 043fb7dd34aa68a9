/**
 * What it costs to observe a call: CPU a call with nothing registered, and with a registered SDK whose export is left out.
 * `node apps/benchmarks/src/telemetry.ts [--check]`
 */
import { context, propagation } from '@opentelemetry/api'
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

console.log(`Node ${process.version}; CPU microseconds a call, medians of 15 rounds, 16 calls at a time\n`)
const [bare, unregistered, registered] = (await measure(
  [
    variant('without telemetry'),
    variant('telemetry, nothing registered', telemetry(), attemptTelemetry()),
    variant(
      'telemetry, SDK registered, no export',
      telemetry({ tracerProvider, meterProvider }),
      attemptTelemetry({ tracerProvider }),
    ),
  ],
  { rounds: 15, calls: 5_000, concurrency: 16 },
)) as [Result, Result, Result]
for (const { name, median } of [bare, unregistered, registered])
  console.log(`  ${name.padEnd(38)} ${median.toFixed(2).padStart(8)}`)
console.log()
report('nothing registered', unregistered.median - bare.median, bounds.unregistered)
report('an SDK registered', registered.median - bare.median, bounds.registered)

function report(what: string, added: number, bound: number): void {
  const holds = added < bound
  console.log(
    `  ${holds ? 'holds ' : 'MISSED'}  with ${what} a call costs ${added.toFixed(2)} µs more, less than ${bound} µs`,
  )
  if (process.argv.includes('--check') && !holds) process.exitCode = 1
}
