import { describe, expect, it } from 'vitest'
import { AttemptReports, failuresInShort } from './attempt-reports.ts'
import type { SpillwayEvent } from './events.ts'
import type { Failure, FailureKind } from './failure.ts'

const failing = (kind: FailureKind, status?: number): Failure => ({
  ...{ kind, message: 'sk-secret', retryable: true, scope: 'endpoint', origin: 'upstream', status },
})

const ended = (target: string, failure: Failure | undefined, end = 1): SpillwayEvent =>
  ({ type: 'attempt.ended', target, outcome: { failure, timings: { end } } }) as SpillwayEvent

const refused = (target: string, failure: Failure): SpillwayEvent =>
  ({ type: 'refused', target, failure }) as SpillwayEvent

describe('reports of a call', () => {
  it('are of its attempts and of refusals, in order', () => {
    const { list, hear } = new AttemptReports()
    hear(ended('claude', failing('overloaded', 529), 7))
    hear({ type: 'attempt.started' } as SpillwayEvent)
    hear(refused('local', failing('circuit_open')))
    expect(list).toMatchObject([
      { target: 'claude', failure: { kind: 'overloaded', status: 529 }, durationMs: 7 },
      { target: 'local', failure: { kind: 'circuit_open' }, durationMs: 0 },
    ])
  })

  it('are the first ten and the last ten of many', () => {
    const { list, hear } = new AttemptReports()
    for (let attempt = 0; attempt < 1_000; attempt++) hear(ended(`t${attempt}`, undefined))
    const names = (from: number): string[] => Array.from({ length: 10 }, (_, index) => `t${from + index}`)
    expect(list.map(({ target }) => target)).toEqual([...names(0), ...names(990)])
  })
})

describe('failures in short', () => {
  it('are names, kinds and statuses, the same ones counted, and no message', () => {
    const overloaded = { target: 'claude', failure: failing('overloaded', 529) }
    const reports = [
      overloaded,
      overloaded,
      { target: 'local', failure: failing('circuit_open') },
      overloaded,
    ]
    expect(failuresInShort(reports)).toBe(
      'claude overloaded 529 (2 times), local circuit_open, claude overloaded 529',
    )
  })

  it('are none of answers, and fit into a header whatever targets are called', () => {
    expect(failuresInShort([{ target: 'a', failure: undefined }])).toBeUndefined()
    const odd = failuresInShort([
      { target: 'größe, (neu)\r\nx: y', failure: failing('timeout') },
      { target: undefined, failure: failing('saturated') },
    ])
    expect(odd).toBe('gr__e___neu___x:_y timeout, spillway saturated')
    expect(() => new Headers({ x: odd as string })).not.toThrow()
  })
})
