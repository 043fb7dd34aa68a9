import type { Fault } from '@spillway/testing'
import { attempts, limits } from '../limits.ts'
import type { Row } from '../row.ts'
import { type Shape, shapes } from '../shape.ts'
import { specialRow } from './expecting.ts'

const group = 'Slow and well: must not fail'
const overloaded: Fault = { type: 'status', status: 529 }

/** Longer than every limit that is set for vendors which answer promptly. */
const long = limits.firstContent + 400

const streams = shapes.filter(({ body }) => body === 'sse')

/** What healthy servers do that looks like a fault: nothing of it may be cut, retried or sent elsewhere. */
export const slowAndWellRows: readonly Row[] = [
  specialRow(
    group,
    'hidden thinking: an empty block, pings, then a signature',
    'always',
    { api: 'anthropic', body: 'sse' },
    {
      always: { type: 'stall', afterChunks: 0, ms: long, pings: 60 },
      reply: { thinkingOmitted: true, text: 'Thought about it.' },
      fallback: {},
      complaint: 'anthropics/claude-code#43071',
    },
    {},
  ),
  ...shapes.map((shape) =>
    atLocalServer('a local server reads a long prompt: no headers', shape, {
      fallback: { api: 'ollama', always: { type: 'slow-headers', ms: long } },
      complaint: 'ollama/ollama#4638',
    }),
  ),
  ...shapes.map((shape) =>
    atLocalServer('a local server loads its model', shape, {
      fallback: { api: 'ollama', coldLoadMs: long },
      complaint: 'ollama/ollama#8006',
    }),
  ),
  ...streams.map((shape) =>
    atLocalServer('a local server composes a tool call in silence', shape, {
      fallback: { api: 'ollama', always: { type: 'stall', afterChunks: 2, ms: long } },
      complaint: 'ollama/ollama#14902',
    }),
  ),
]

/** What a caller of a chat stream has not asked for is left out of it. */
function asksForUsage({ api, body }: Shape): Pick<Row, 'requestMore'> {
  const isChatStream = api === 'openai' && body === 'sse'
  return isChatStream ? { requestMore: { stream_options: { include_usage: true } } } : {}
}

/** Claude is overloaded, and the local server is asked once. */
function atLocalServer(fault: string, shape: Shape, facts: Pick<Row, 'fallback' | 'complaint'>): Row {
  return specialRow(
    group,
    fault,
    'as the fallback',
    shape,
    { always: overloaded, ...facts, ...asksForUsage(shape) },
    {
      // No local server of ours speaks Responses.
      bytes: shape.api !== 'responses',
      by: 'second',
      attempts: [attempts, 1],
    },
  )
}
