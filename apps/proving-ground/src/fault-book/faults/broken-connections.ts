import type { Cut } from '@spillway/testing'
import { breaks, type FaultEntry, leftOut, transient } from '../fault-entry.ts'

const group = 'Broken connections'
const noPhases = 'A body that is not streamed has no phases: it is good or not.'

function cut(at: Cut['at'], how: Cut['how'], afterChunks?: number): Cut {
  return { type: 'cut', at, how, ...(afterChunks === undefined ? {} : { afterChunks }) }
}

const words = { end: 'ends cleanly', reset: 'is reset' } as const

function cuts(how: Cut['how']): FaultEntry[] {
  return [
    {
      name: `${words[how]} after the headers`,
      group,
      fault: cut('headers', how),
      effect: transient(502),
      twice: how === 'reset',
    },
    {
      name: `${words[how]} before content`,
      group,
      fault: cut('before-content', how),
      effect: transient(502),
      twice: how === 'end',
    },
    {
      name: `${words[how]} in the middle of the first content event`,
      group,
      fault: cut('mid-event', how, 0),
      effect: ({ body }) => (body === 'json' ? leftOut(noPhases) : transient(502)),
    },
    {
      name: `${words[how]} after content`,
      group,
      fault: cut('after-content', how),
      effect: ({ body }) => (body === 'json' ? leftOut(noPhases) : breaks),
      complaint: 'Portkey-AI/gateway#1797',
    },
    {
      name: `${words[how]} in the middle of a later event`,
      group,
      fault: cut('mid-event', how),
      effect: ({ body }) => (body === 'json' ? leftOut(noPhases) : breaks),
      complaint: 'Portkey-AI/gateway#1797',
    },
  ]
}

/** Connections that break, at every moment and in both ways. */
export const brokenConnections: readonly FaultEntry[] = [
  { name: 'refused', group, fault: 'stop', effect: transient(502) },
  { name: 'is reset before any byte', group, fault: { type: 'reset' }, effect: transient(502), twice: true },
  ...cuts('end'),
  ...cuts('reset'),
]
