import { type FaultEntry, transient } from '../fault-entry.ts'
import type { Row } from '../row.ts'
import { type BodyKind, type Shape, shapes } from '../shape.ts'
import { wholeBody } from '../wire-bodies.ts'
import { specialRow } from './expecting.ts'

const group = 'Answers in another form, or under another name'

/** The form that comes, the one that was asked for, and the type that it has. */
const forms: readonly (readonly [name: string, comes: BodyKind, asked: BodyKind, type: string])[] = [
  ['JSON for a stream', 'json', 'sse', 'application/json'],
  ['JSON for a stream, as text/event-stream', 'json', 'sse', 'text/event-stream'],
  ['JSON for a stream, as text/plain', 'json', 'sse', 'text/plain'],
  ['a stream for a plain call', 'sse', 'json', 'text/event-stream'],
  ['a stream for a plain call, as text/plain', 'sse', 'json', 'text/plain'],
  ['a stream as text/plain', 'sse', 'sse', 'text/plain'],
  ['a stream as application/json', 'sse', 'sse', 'application/json'],
  ['a stream as Text/Event-Stream', 'sse', 'sse', 'Text/Event-Stream'],
  ['JSON as text/plain', 'json', 'json', 'text/plain'],
]

function row(shape: Shape, [name, comes, asked, contentType]: (typeof forms)[number]): Row[] {
  if (shape.body !== asked) return []
  const always = { type: 'status', status: 200, contentType, body: wholeBody(shape, comes) } as const
  return [specialRow(group, name, 'always', shape, { always }, { bytes: comes === asked })]
}

/** What was asked for decides what the caller gets. */
export const formRows: readonly Row[] = shapes.flatMap((shape) => forms.flatMap((form) => row(shape, form)))

/** Neither JSON nor a stream, whatever the type says. */
export const formlessAnswers: readonly FaultEntry[] = ['text/event-stream', 'application/json'].map(
  (contentType) => ({
    name: `a page as ${contentType}`,
    group,
    fault: { type: 'status', status: 200, contentType, body: '<html>Down for maintenance</html>' },
    effect: transient(502),
  }),
)
