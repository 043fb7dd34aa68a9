import { describe, expect, it } from 'vitest'
import type { Failure, FailureKind } from './failure.ts'
import { summarizeFailures } from './summarize-failures.ts'

const failing = (kind: FailureKind, status?: number): Failure => ({
  ...{ kind, message: 'sk-secret', retryable: true, scope: 'endpoint', origin: 'upstream', status },
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
    expect(summarizeFailures(reports)).toBe(
      'claude overloaded 529 (2 times), local circuit_open, claude overloaded 529',
    )
  })

  it('are none of answers, and fit into a header whatever targets are called', () => {
    expect(summarizeFailures([{ target: 'a', failure: undefined }])).toBeUndefined()
    const odd = summarizeFailures([
      { target: 'größe, (neu)\r\nx: y', failure: failing('timeout') },
      { target: undefined, failure: failing('saturated') },
    ])
    expect(odd).toBe('gr__e___neu___x:_y timeout, spillway saturated')
    expect(() => new Headers({ x: odd as string })).not.toThrow()
  })
})
