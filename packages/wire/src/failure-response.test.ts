import { createRequest, type Outcome } from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { failureResponse } from './failure-response.ts'
import { malformedFailure, timeoutFailure } from './transport-failure.ts'

const request = createRequest({
  api: 'anthropic',
  model: 'claude-opus-5-5',
  stream: false,
  url: '/v1/messages',
  body: jsonBodyFromObject({}),
  context: { target: 'claude' },
})

it('says a refusal in the protocol of the caller, with an outcome and without a target', async () => {
  const failure = timeoutFailure('total', 5)
  const response = failureResponse(request, failure)
  expect(response).toMatchObject({ status: 504, failure, target: undefined })
  expect(JSON.parse(Buffer.from(await readBody(response.body)).toString())).toMatchObject({
    error: { type: 'timeout_error' },
  })
  expect(await response.outcome).toMatchObject({ failure, usage: undefined, bytes: 0, timings: { end: 0 } })
})

it('carries outcome, target and error object of the attempt that failed', async () => {
  const failure = malformedFailure('No')
  const outcome = Promise.resolve({ failure } as Outcome)
  const body = Buffer.from('{"type":"error"}')
  const response = failureResponse(request, failure, { outcome, body })
  expect(response).toMatchObject({ status: 502, target: 'claude' })
  expect(response.outcome).toBe(outcome)
  expect(await readBody(response.body)).toBe(body)
})
