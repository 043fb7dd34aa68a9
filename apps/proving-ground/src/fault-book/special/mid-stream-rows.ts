import type { Fault } from '@spillway/testing'
import { limits, slack } from '../limits.ts'
import type { Row } from '../row.ts'
import { isPatient, othersAtResponses, responsesElsewhere, shapes } from '../shape.ts'
import { specialRow } from './expecting.ts'

const streams = [...shapes, ...responsesElsewhere, ...othersAtResponses].filter(({ body }) => body === 'sse')
const fallback = {}

const breaks: readonly (readonly [name: string, fault: Fault])[] = [
  ['ends cleanly after content', { type: 'cut', at: 'after-content', how: 'end' }],
  ['is reset in the middle of a later event', { type: 'cut', at: 'mid-event', how: 'reset' }],
  ['stalls in the body', { type: 'stall', afterChunks: 3, ms: Infinity }],
  ['overloaded inside a 200, after content', { type: 'error-in-200', at: 'after-content' }],
]

/** Streams that another target takes over, and streams that are kept alive while nobody has begun to answer. */
export const midStreamRows: readonly Row[] = streams.flatMap((shape) => [
  ...breaks.flatMap(([name, always]) => [
    specialRow(
      'Streams taken over',
      name,
      'midStream: continue',
      shape,
      { always, fallback, mode: 'continue', ownFeature: true },
      { attempts: [1, 1], bytes: false },
    ),
    specialRow(
      'Streams taken over',
      name,
      'midStream: restart, accepted',
      shape,
      {
        always,
        fallback,
        mode: 'restart',
        ownFeature: true,
        requestHeaders: { 'x-spillway-restart': 'accept' },
      },
      shape.api === 'responses' && shape.at !== undefined
        ? { caller: 'broken', attempts: [1, 0], bytes: false }
        : { caller: 'restarted', attempts: [1, 1], bytes: false },
    ),
    specialRow(
      'Streams taken over',
      name,
      'midStream: restart, not accepted',
      shape,
      { always, fallback, mode: 'restart', ownFeature: true },
      { caller: 'broken', attempts: [1, 0], bytes: shape.at === undefined },
    ),
  ]),
  specialRow(
    'Held streams',
    'first token after 400 ms',
    'keep-alives after 100 ms',
    shape,
    { always: { type: 'slow-first-token', ms: 400 }, mode: 'keep-alive', ownFeature: true },
    { bytes: false, firstByteWithin: 350 },
  ),
  specialRow(
    'Held streams',
    'first token never',
    'keep-alives after 100 ms',
    shape,
    { always: { type: 'slow-first-token', ms: Infinity }, mode: 'keep-alive', ownFeature: true },
    {
      caller: 'event',
      attempts: [isPatient(shape) ? 1 : 3, 0],
      bytes: false,
      firstByteWithin: 350,
      closedAfter: limits.firstContent + slack,
    },
  ),
])
