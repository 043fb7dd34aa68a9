// A user's program: OpenTelemetry's SDK registered as usual, and a fetch with telemetry. Prints what was recorded.
import { metrics, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { attemptTelemetry, telemetry, wrapFetch } from '@spillway/telemetry'

const spans = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e6 })
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))

const message = {
  type: 'message',
  model: 'm',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
}
const upstream = async () => Response.json({ ...message, usage: { input_tokens: 3, output_tokens: 4 } })
const observed = wrapFetch(upstream, telemetry(), attemptTelemetry())
const body = JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] })
await (await observed('https://api.anthropic.com/v1/messages', { method: 'POST', body })).text()
await reader.forceFlush()
const measured = exporter.getMetrics().flatMap((each) => each.scopeMetrics.flatMap((scope) => scope.metrics))
const names = measured.map(({ descriptor }) => descriptor.name)
console.log(JSON.stringify({ spans: spans.getFinishedSpans().map(({ name }) => name), metrics: names }))
process.exit(0)
