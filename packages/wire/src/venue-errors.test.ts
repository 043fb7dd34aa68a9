import { describe, expect, it } from 'vitest'
import { renderError, renderErrorEvent } from './error-rendering.ts'
import { failureKinds } from './failure-kinds.ts'
import { refusalFailure } from './refusal.ts'
import { readWholeAnswer } from './whole-answer.ts'

const asked = { api: 'anthropic', operation: 'generate', venue: 'vertex' } as const
const read = (status: number, body: unknown) =>
  readWholeAnswer(asked, status, {}, Buffer.from(JSON.stringify(body)), 0)

describe('an error of Vertex AI', () => {
  it.each([
    [429, 'RESOURCE_EXHAUSTED', 'rate_limited', true],
    [503, 'UNAVAILABLE', 'overloaded', true],
    [504, 'DEADLINE_EXCEEDED', 'timeout', true],
    [500, 'INTERNAL', 'server', true],
    [499, 'CANCELLED', 'server', true],
    [400, 'INVALID_ARGUMENT', 'invalid_request', false],
    [400, 'FAILED_PRECONDITION', 'invalid_request', false],
    [401, 'UNAUTHENTICATED', 'authentication', false],
    [403, 'PERMISSION_DENIED', 'permission', false],
    [404, 'NOT_FOUND', 'not_found', false],
  ])('%i %s is %s, and passes as it came', (code, status, kind, retryable) => {
    const error = { code, message: 'Resource exhausted, please try again later.', status }
    // Its streaming methods put an error into a list.
    for (const body of [{ error }, [{ error }]]) {
      expect(read(code, body)).toMatchObject({
        failure: { kind, retryable, message: error.message },
        isErrorBody: true,
      })
    }
  })

  it('may be one of Claude itself', () => {
    const body = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
    expect(read(529, body)).toMatchObject({ failure: { kind: 'overloaded' }, isErrorBody: true })
  })

  it.each(Object.keys(failureKinds) as (keyof typeof failureKinds)[])(
    'of ours (%s) is read back as its like',
    (kind) => {
      const { status, body } = renderError('anthropic', refusalFailure({ kind, message: 'Oh' }), 'vertex')
      const said = JSON.parse(Buffer.from(body).toString())
      expect(said).toEqual({
        error: { code: status, message: 'Oh', status: expect.stringMatching(/^[A-Z_]+$/) },
      })
      const { failure } = read(status, said)
      expect(failure?.message).toBe('Oh')
      expect(failure?.retryable).toBe([429, 499].includes(status) || status >= 500)
    },
  )

  it('is one of Claude in a stream, as its events are', () => {
    const event = renderErrorEvent('anthropic', refusalFailure({ kind: 'overloaded', message: 'Oh' }), {
      venue: 'vertex',
    })
    expect(Buffer.from(event).toString()).toMatch(
      /^event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"/,
    )
  })
})
