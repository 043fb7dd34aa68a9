/**
 * What it costs to observe a call: the CPU that telemetry adds to a streamed call with one attempt, with nothing
 * registered and with a registered SDK.
 *
 * Counted: both spans with all their attributes, contexts that follow promises, the trace's context to the upstream,
 * all metrics, and the garbage of all that. Not counted is export: the span processor drops what has ended, and nobody
 * collects. The call itself is made up, so that hardly anything else is measured: its body is parsed, its answer there.
 *
 * Beside it, what the SDK alone takes for the very same spans and measurements, written straight into it.
 * `pnpm bench telemetry [--check]`
 */
import { context, propagation } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  NoopSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import {
  compose,
  createRequest,
  emit,
  type Handler,
  type Middleware,
  type Outcome,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { attemptTelemetry, telemetry } from '@spillway/telemetry'
import { checkOption } from './check-option.ts'
import { measure, type Result, type Variant } from './measure.ts'
import { IdleReader, observeOnce, type Providers, writtenByHand } from './telemetry-by-hand.ts'

const check = checkOption(
  'telemetry',
  'Measures the CPU time that telemetry adds to a streamed call with one attempt, beside the OpenTelemetry SDK alone.',
)

/** Microseconds that observing a call may add. */
const bounds = { unregistered: 1, registered: 15 }

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())

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
const bytes = new Uint8Array([1])
const body = jsonBodyFromObject({ model: 'claude-sonnet-5-5', max_tokens: 100, stream: true, messages: [] })

/** A streamed call as far as telemetry sees it. */
const upstream: Handler = async (request) => {
  const timings = { ...outcome.timings, startedAt: request.clock.now() }
  const ended = { ...outcome, timings }
  emit(request, 'attempt.started', { model: request.model })
  emit(request, 'attempt.committed', { status: 200 })
  emit(request, 'attempt.ended', { outcome: ended })
  return {
    status: 200,
    headers: {},
    body: bodyOf(bytes),
    failure: undefined,
    outcome: Promise.resolve(ended),
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

const providers: Providers = {
  tracerProvider: new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] }),
  meterProvider: new MeterProvider({ readers: [new IdleReader()] }),
}
const observed = ({ tracerProvider, meterProvider }: Providers): Middleware[] => [
  telemetry({ tracerProvider, meterProvider }),
  attemptTelemetry({ tracerProvider }),
]
const rarely = new TracerProvider({
  spanProcessors: [new NoopSpanProcessor()],
  sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.01) }),
})
const traces = await observeOnce((once) => variant('once', ...observed(once)).call())
const { spans, measurements } = traces

console.log(`Node ${process.version}; CPU microseconds a call, medians of 15 rounds, 16 calls at a time\n`)
const [bare, unregistered, registered, sampled, byHand] = (await measure(
  [
    variant('without telemetry'),
    variant('telemetry, nothing registered', telemetry(), attemptTelemetry()),
    variant('telemetry, SDK registered', ...observed(providers)),
    variant(
      'telemetry, SDK registered, 1 % of the calls sampled',
      ...observed({ ...providers, tracerProvider: rarely }),
    ),
    {
      name: `the SDK alone: the same ${spans.length} spans, ${measurements.length} measurements`,
      call: writtenByHand(traces, providers),
    },
  ],
  { rounds: 15, calls: 10_000, concurrency: 16, collect: false },
)) as [Result, Result, Result, Result, Result]
for (const { name, median } of [bare, unregistered, registered, sampled, byHand])
  console.log(`  ${name.padEnd(54)} ${median.toFixed(2).padStart(8)}`)
console.log()
report('nothing registered', unregistered.median - bare.median, bounds.unregistered)
report('an SDK registered', registered.median - bare.median, bounds.registered)
console.log(`          of which the SDK alone takes about ${byHand.median.toFixed(2)} µs`)

function report(what: string, added: number, bound: number): void {
  const holds = added < bound
  console.log(
    `  ${holds ? 'holds ' : 'MISSED'}  with ${what} a call costs ${added.toFixed(2)} µs more, less than ${bound} µs`,
  )
  if (check && !holds) process.exitCode = 1
}
